/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver-private.h: what the parts of the driver share. [shard]
 */
#pragma once

#include "connection.h"
#include "driver.h"
#include "leg.h"
#include "messages.h"

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

/**
 * OshDriver:
 * @sides: by the #OshDirection of what comes from them
 * @due: (element-type guint64): messages whose answers are ready
 * @released: bytes of the window that the present list has released
 * @capacity: what EMIT has left in the present list
 * @deadline: of the session; 0 for none
 * @rounds: since bytes were released
 * @retargets: the session has ended; what it left in the client's window goes elsewhere
 * @is_ending: what was sent goes out, and nothing more
 * @ends_by: until when it may; 0 while it is not ending
 * @is_woken: the session asked for rounds
 * @end: (nullable): why it ends; constant
 * @options: (nullable): of the endpoint @options_of in the policy of generation @options_in; owned
 */
struct _OshDriver {
    OshConnection *connection;
    const OshInterface *protocol;
    const char *protocol_name;
    gpointer session;
    OshDriverSide sides[2];
    OshMessages messages;
    GArray *due;
    guint direction;
    OshSpan window;
    gsize released;
    gsize capacity[2];
    gint64 deadline;
    OshShardTimer *timer;
    guint rounds;
    gboolean retargets;
    gboolean is_ending;
    gint64 ends_by;
    gboolean is_woken;
    const char *end;
    GVariant *options;
    gconstpointer options_of;
    guint64 options_in;
};

/**
 * osh_driver_carry_out: one action of the list that is carried out
 * @is_last: nothing follows it in its list
 *
 * Returns: the rule that it breaks; nothing was done then
 */
OshBrokenRule osh_driver_carry_out(OshDriver *driver, const OshL7Action *action, gboolean is_last);

/** osh_driver_answer: gives the session the answers that are due. */
void osh_driver_answer(OshDriver *driver);

/** osh_driver_end: nothing more is fed; what was sent goes out. @reason: constant. */
void osh_driver_end(OshDriver *driver, const char *reason);

/** osh_driver_ask: decides about @message and records it; its answer is due then. */
void osh_driver_ask(OshDriver *driver, OshMessage *message, const OshFacts *facts);

/** osh_driver_refuse: records what the protocol itself refuses. @message: (nullable). */
void osh_driver_refuse(OshDriver *driver, OshMessage *message, const OshL7Action *action);

/** osh_driver_done: records the response of @message. */
void osh_driver_done(OshDriver *driver, const OshMessage *message, const OshL7Action *action);

/** osh_driver_may_retarget: Returns: whether the client names an authority in each request. */
gboolean osh_driver_may_retarget(const OshConnection *connection);

/** osh_driver_retarget: as osh_driver_carry_out(), of a RETARGET. */
OshBrokenRule osh_driver_retarget(OshDriver *driver, const OshL7Action *action);

/** osh_driver_leave: once the client has got what was sent before a RETARGET, its next request.
 * Frees @driver then. */
OshFlow osh_driver_leave(OshDriver *driver);

/** osh_driver_refill: moves what came behind a request head into the client's window, as far as it
 * fits. Returns: whether a byte did. */
gboolean osh_driver_refill(OshDriver *driver);

/** osh_driver_blame: the session broke @rule: the connection ends, and the plugin is named. */
void osh_driver_blame(OshDriver *driver, OshBrokenRule rule);

/** osh_driver_deny: the driver itself refuses the connection. */
void osh_driver_deny(OshDriver *driver, const char *reason);

G_END_DECLS
