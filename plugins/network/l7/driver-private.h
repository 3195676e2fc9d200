/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver-private.h: what the parts of the driver share. [shard]
 */
#pragma once

#include "connection.h"
#include "driver.h"
#include "leg.h"
#include "message.h"
#include "protocols.h"

G_BEGIN_DECLS

/** OSH_DRIVER_ACTIONS: actions that one list may have. */
#define OSH_DRIVER_ACTIONS 16

/**
 * OshDriverSide: one peer: what comes from it, by direction, and what goes to it.
 * @leg: what goes to it
 * @window: unreleased bytes that came from it
 * @n_new: of them, those that were not fed yet
 * @wanted: the session asked for more
 * @eof: its end was read
 * @reset: it is gone in both directions
 * @paused_by: the message whose question keeps its direction from being fed; 0 for none
 */
typedef struct {
    OshLeg leg;
    OshBuffer *window;
    gsize n_new;
    gboolean wanted;
    gboolean eof;
    gboolean reset;
    guint64 paused_by;
} OshDriverSide;

/** osh_driver_side_is_empty: Returns: whether all that came from there was released. */
static inline gboolean
osh_driver_side_is_empty(const OshDriverSide *side)
{
    return side->window->start == side->window->end;
}

/**
 * OshDriver:
 * @protocol: who speaks it
 * @declared: (nullable): what its manifest says of it
 * @protocol_name: the policy's value
 * @session: (nullable): of @protocol
 * @sides: by the #OshDirection of what comes from them
 * @window_size: bytes that each window may hold
 * @ledger: messages that are open
 * @spare: (element-type OshMessage): to be used again
 * @due: (element-type guint64): messages with a question that may be answered now
 * @deadline: of the session; 0 for none
 * @timer_at: when @timer fires
 * @rounds: since bytes were released
 * @first_number: what is added to the numbers of messages in events, since a session follows
 * another
 * @is_upgraded: the session follows one that agreed to change the protocol
 * @is_terminating: the session was asked to end; every ASK is refused
 * @terminates_by: until when it may
 * @is_ending: what was sent goes out, and nothing more
 * @ends_by: until when it may; 0 while it is not ending
 * @is_woken: the session asked for rounds
 * @has_woken: it did so before
 * @stalls_at: when a session that waits for nothing is ended; 0 while it waits for something
 * @n_read: bytes of both peers in this turn
 * @flow: what a list of actions leads to; %OSH_FLOW_WAIT for nothing
 * @end: (nullable): why it ends; constant
 * @options: (nullable): of the endpoint @options_of in the policy of generation @options_in; owned
 */
struct _OshDriver {
    OshConnection *connection;
    const OshInterface *protocol;
    const OshL7Declaration *declared;
    const char *protocol_name;
    gpointer session;
    OshDriverSide sides[2];
    gsize window_size;
    OshL7Ledger ledger;
    GPtrArray *spare;
    GArray *due;
    gint64 deadline;
    OshShardTimer *timer;
    gint64 timer_at;
    guint rounds;
    guint64 first_number;
    gboolean is_upgraded;
    gboolean is_terminating;
    gint64 terminates_by;
    gboolean is_ending;
    gint64 ends_by;
    gboolean is_woken;
    gboolean has_woken;
    gint64 stalls_at;
    gsize n_read;
    OshFlow flow;
    const char *end;
    GVariant *options;
    gconstpointer options_of;
    guint64 options_in;
};

/** osh_driver_carry_out: does what an action that was checked says. */
void osh_driver_carry_out(OshDriver *driver, const OshL7Action *action);

/** osh_driver_answer: gives the session the answers that are due and can be given. */
void osh_driver_answer(OshDriver *driver);

/** osh_driver_question_is_due: what the question of @message waited for has come: goes on. */
void osh_driver_question_is_due(OshMessage *message);

/** osh_driver_forget_question: that of message @number is due no more and pauses no direction. */
void osh_driver_forget_question(OshDriver *driver, guint64 number);

/** osh_driver_give_up: refuses questions whose time is over. */
void osh_driver_give_up(OshDriver *driver, gint64 now);

/** osh_driver_next_question: Returns: when the next look at questions is due; 0 for never. */
gint64 osh_driver_next_question(const OshDriver *driver, gint64 now);

/** osh_driver_ask_again: decides again about each message that is open, by a policy that is new.
 * Returns: FALSE where one that has been allowed is no more; that is recorded. */
gboolean osh_driver_ask_again(OshDriver *driver);

/** osh_driver_withdraw: a later policy refuses open messages, or with @all the connection: from now
 * on nothing of them goes to the server. What waits to go there ends the connection. */
void osh_driver_withdraw(OshDriver *driver, gboolean all);

/** osh_driver_is_answering: Returns: whether the client may have got a part of a response. */
gboolean osh_driver_is_answering(const OshDriver *driver);

/** osh_driver_end: nothing more is fed; what was sent goes out. @reason: constant. */
void osh_driver_end(OshDriver *driver, const char *reason);

/** osh_driver_may_retarget: Returns: whether the client names an authority in each request. */
gboolean osh_driver_may_retarget(const OshConnection *connection);

/** osh_driver_leave: once the client has got what was sent before a RETARGET, its next request.
 * Frees @driver then. */
OshFlow osh_driver_leave(OshDriver *driver);

/** osh_driver_tell: before osh_driver_end(): tells the client of @refusal, in words or by a reset.
 * @id: of its event. */
void osh_driver_tell(OshDriver *driver, const OshRefusal *refusal, guint64 id);

/** osh_driver_refill: moves what came behind a request head into the client's window, as far as it
 * fits. Returns: whether a byte did. */
gboolean osh_driver_refill(OshDriver *driver);

/** osh_driver_blame: the session broke @rule, as @detail says: the connection ends, and the plugin
 * is named. */
void osh_driver_blame(OshDriver *driver, OshL7Rule rule, const char *detail);

/** osh_driver_deny: the driver itself refuses the connection. */
void osh_driver_deny(OshDriver *driver, const char *reason);

/** osh_driver_fail: a fault ends the connection, which is no denial. */
void osh_driver_fail(OshDriver *driver, const char *reason);

/** osh_driver_fill_connection: what a session is told at open. Borrowed from the driver. */
void osh_driver_fill_connection(OshDriver *driver, OshL7Connection *connection);

G_END_DECLS
