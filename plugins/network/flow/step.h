/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.h: the steps of a connection, and the one function that carries them out. [shard]
 *
 * A step does one thing and says what follows; it never calls another step. Where it has to wait,
 * it begins what it waits for and returns %OSH_FLOW_WAIT. Whatever has come then calls
 * osh_connection_wake(), and the step is carried out once more: it finds what it waited for in the
 * connection. An answer that comes inside the call that asked for it is no exception.
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/**
 * OshFlow: what follows a step.
 * @OSH_FLOW_WAIT: it waits, for an event, an answer or its deadline
 * @OSH_FLOW_NEXT: the next step
 * @OSH_FLOW_REQUEST: the exchange has ended in good order, and the step has given back what it
 * kept: the client's next request, from the first step of the transport
 * @OSH_FLOW_DIAL: the upstream connection is to be made once more: the dial step, to the address of
 *   osh_upstream_again()
 * @OSH_FLOW_TLS: both legs of an inspected connection change to TLS
 * @OSH_FLOW_ANSWER: the client knows of no proxy; it is answered if it speaks HTTP
 * @OSH_FLOW_REFUSED: osh_refuse() has told the client; its socket lingers
 * @OSH_FLOW_GONE: the end; osh_connection_gone() has the reason
 */
typedef enum {
    OSH_FLOW_WAIT,
    OSH_FLOW_NEXT,
    OSH_FLOW_REQUEST,
    OSH_FLOW_DIAL,
    OSH_FLOW_TLS,
    OSH_FLOW_ANSWER,
    OSH_FLOW_REFUSED,
    OSH_FLOW_GONE,
} OshFlow;

/** OshStepFunc: one act of a step. */
typedef OshFlow (*OshStepFunc)(OshConnection *connection);

/** OSH_STEP_OF_TRANSPORT: #OshStep.next of a step after which the transports differ. */
#define OSH_STEP_OF_TRANSPORT OSH_N_STEPS

/**
 * OshStep: one row of the table.
 * @name: for messages and tests
 * @next: what follows %OSH_FLOW_NEXT; %OSH_STEP_OF_TRANSPORT is the transport's open_step
 * @limit: microseconds that it may wait; 0 where @configured_limit says it, or where nothing does
 * @configured_limit: (nullable): the same from the configuration; 0 is for ever
 * @run: what it does, when it is entered and each time that it is woken
 * @expire: (nullable): its time is over; without it the connection is closed
 * @client: (nullable): epoll(7) events of the client's socket; without it bytes wait and a client
 *   that has gone ends the connection
 * @upstream: (nullable): of an upstream socket; without it bytes wait
 * @reload: (nullable): another policy is in force, by which this step must still be right; without
 *   it a later step decides
 * @has_delivered: (nullable): all that the client has sent is on its way, and no more comes;
 * without it the relay's own mark says so
 * @clear: (nullable): gives back what the step keeps in the connection, wherever that stands
 * @is_open: bytes go both ways, so a refusal has no words
 */
struct _OshStep {
    const char *name;
    OshConnectionStep next;
    gint64 limit;
    gint64 (*configured_limit)(const OshNetworkConfig *config);
    OshStepFunc run;
    OshStepFunc expire;
    OshFlow (*client)(OshConnection *connection, guint32 events);
    OshFlow (*upstream)(OshConnection *connection, int fd, guint32 events);
    OshStepFunc reload;
    gboolean (*has_delivered)(const OshConnection *connection);
    void (*clear)(OshConnection *connection);
    gboolean is_open;
};

/** osh_connection_step: Returns: (transfer none): the row where @connection stands. */
const OshStep *osh_connection_step(const OshConnection *connection);

/**
 * osh_connection_advance:
 * @flow: what follows for @connection
 *
 * Carries out steps until one waits or the connection has ended. Inside a step of @connection,
 * %OSH_FLOW_REFUSED and %OSH_FLOW_GONE are kept until that step returns. May free.
 */
void osh_connection_advance(OshConnection *connection, OshFlow flow);

/** osh_connection_wake: what the step waits for may have come: carries it out again. May free. */
void osh_connection_wake(OshConnection *connection);

/** osh_connection_client_event: the step's answer to events of the client's socket. May free. */
void osh_connection_client_event(int fd, guint32 events, gpointer data);

/** osh_connection_expire: the step's time is over. May free, but not inside a step of @connection:
 * as osh_connection_advance(). */
void osh_connection_expire(OshConnection *connection);

/** osh_connection_reload: another policy is in force. May free, likewise. */
void osh_connection_reload(OshConnection *connection);

/**
 * osh_connection_gone:
 * @reason: why, for the closed event; constant
 *
 * Returns: %OSH_FLOW_GONE
 */
OshFlow osh_connection_gone(OshConnection *connection, const char *reason);

/** osh_connection_reset: as osh_connection_gone(), and both sides see a reset. */
OshFlow osh_connection_reset(OshConnection *connection, const char *reason);

G_END_DECLS
