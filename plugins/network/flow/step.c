/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step.c: carries out the steps of a connection. [shard]
 *
 * Every way on leads through connection_run(): a client's bytes, an answer, a deadline, a reload.
 * So a connection is never freed while a step of it is being carried out, however an answer
 * arrives.
 */
#include "step.h"

#include "connection.h"
#include "reuse.h"

#include <sys/epoll.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

const OshStep *
osh_connection_step(const OshConnection *connection)
{
    return &connection->shard->network->steps[connection->step];
}

static OshFlow
connection_enter(OshConnection *connection, OshConnectionStep step)
{
    connection->step = (guint8)step;
    connection->woken = FALSE;
    return osh_connection_step(connection)->run(connection);
}

static OshConnectionStep
connection_next(const OshConnection *connection)
{
    OshConnectionStep next = osh_connection_step(connection)->next;

    return next == OSH_STEP_OF_TRANSPORT ? connection->transport->open_step : next;
}

/* Returns: FALSE when @connection waits or is gone. */
static gboolean
connection_follow(OshConnection *connection, OshFlow *flow)
{
    switch (*flow) {
    case OSH_FLOW_NEXT:
        *flow = connection_enter(connection, connection_next(connection));
        return TRUE;
    case OSH_FLOW_REQUEST:
        osh_connection_reuse(connection);
        *flow = connection_enter(connection, connection->transport->first_step);
        return TRUE;
    case OSH_FLOW_DIAL:
        *flow = connection_enter(connection, OSH_STEP_DIAL);
        return TRUE;
    case OSH_FLOW_TLS:
        *flow = connection_enter(connection, OSH_STEP_TLS_UPSTREAM);
        return TRUE;
    case OSH_FLOW_ANSWER:
        *flow = connection_enter(connection, OSH_STEP_ANSWER);
        return TRUE;
    case OSH_FLOW_REFUSED:
        *flow = connection_enter(connection, OSH_STEP_LINGER);
        return TRUE;
    case OSH_FLOW_WAIT:
        if (connection->woken) {
            *flow = connection_enter(connection, (OshConnectionStep)connection->step);
            return TRUE;
        }
        connection->running = FALSE;
        if (connection->listed != connection->step)
            osh_connection_enlist(connection);
        return FALSE;
    case OSH_FLOW_GONE:
        break;
    }
    connection->running = FALSE;
    osh_connection_close(connection, connection->end);
    return FALSE;
}

/* With a step's first answer, until nothing follows. */
static void
connection_run(OshConnection *connection, OshFlow flow)
{
    do {
        if (connection->pending != OSH_FLOW_WAIT) {
            flow = (OshFlow)connection->pending;
            connection->pending = OSH_FLOW_WAIT;
        }
    } while (connection_follow(connection, &flow));
}

void
osh_connection_advance(OshConnection *connection, OshFlow flow)
{
    if (connection->running) {
        if (flow != OSH_FLOW_WAIT)
            connection->pending = (guint8)flow;
        return;
    }
    connection->running = TRUE;
    connection_run(connection, flow);
}

void
osh_connection_wake(OshConnection *connection)
{
    if (connection->running) {
        connection->woken = TRUE;
        return;
    }
    connection->running = TRUE;
    connection_run(connection, osh_connection_step(connection)->run(connection));
}

void
osh_connection_begin(OshConnection *connection)
{
    connection->running = TRUE;
    connection_run(connection, connection_enter(connection, connection->transport->first_step));
}

static OshFlow
client_waits(OshConnection *connection, guint32 events)
{
    if (events & (EPOLLHUP | EPOLLERR))
        return osh_connection_gone(connection, "client gone");
    if (events & (EPOLLIN | EPOLLRDHUP))
        connection->up.readable = TRUE;
    if (events & EPOLLRDHUP)
        connection->up.hung_up = TRUE;
    return OSH_FLOW_WAIT;
}

void
osh_connection_client_event(int fd, guint32 events, gpointer data)
{
    OshConnection *connection = data;
    const OshStep *step = osh_connection_step(connection);

    (void)fd;
    if (events & EPOLLPRI)
        connection->up.urgent = TRUE;
    connection->running = TRUE;
    connection_run(connection, step->client != NULL ? step->client(connection, events)
                                                    : client_waits(connection, events));
}

void
osh_connection_upstream_event(int fd, guint32 events, gpointer data)
{
    OshConnection *connection = data;
    const OshStep *step = osh_connection_step(connection);

    if (events & EPOLLPRI)
        connection->down.urgent = TRUE;
    if (step->upstream != NULL) {
        connection->running = TRUE;
        connection_run(connection, step->upstream(connection, fd, events));
        return;
    }
    if (events & (EPOLLIN | END_EVENTS))
        connection->down.readable = TRUE;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
}

/* An act of a step besides its run. What it calls may wake the connection at once, which must not
 * carry out a step, and free it, inside the act; nor may the act do so inside a step. */
static void
connection_act(OshConnection *connection, OshStepFunc act)
{
    if (connection->running) {
        osh_connection_advance(connection, act(connection));
        return;
    }
    connection->running = TRUE;
    connection_run(connection, act(connection));
}

static OshFlow
time_is_over(OshConnection *connection)
{
    return osh_connection_gone(connection, "timeout");
}

void
osh_connection_expire(OshConnection *connection)
{
    const OshStep *step = osh_connection_step(connection);

    connection_act(connection, step->expire != NULL ? step->expire : time_is_over);
}

void
osh_connection_reload(OshConnection *connection)
{
    const OshStep *step = osh_connection_step(connection);

    if (step->reload != NULL)
        connection_act(connection, step->reload);
}

OshFlow
osh_connection_gone(OshConnection *connection, const char *reason)
{
    connection->end = reason;
    return OSH_FLOW_GONE;
}

OshFlow
osh_connection_reset(OshConnection *connection, const char *reason)
{
    connection->client_aborted = TRUE;
    return osh_connection_gone(connection, reason);
}
