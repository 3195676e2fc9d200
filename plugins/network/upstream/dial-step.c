/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial-step.c: the step of a connection that dials its upstream. [shard]
 */
#include "dial-step.h"

#include "connection.h"
#include "dial.h"
#include "refusal.h"

#include <sys/epoll.h>

static OshFlow
dial_follow(OshConnection *connection, OshDialResult result)
{
    switch (result) {
    case OSH_DIAL_WON:
        osh_dial_take(g_steal_pointer(&connection->dial), &connection->upstream_fd,
                      &connection->upstream_watch, &connection->upstream_address);
        return OSH_FLOW_NEXT;
    case OSH_DIAL_LOST:
        return osh_refuse_failed(connection, "connect", osh_dial_problem(connection->dial));
    case OSH_DIAL_WAITS:
        break;
    }
    return OSH_FLOW_WAIT;
}

static void
dial_delayed(gpointer data)
{
    OshConnection *connection = data;

    osh_connection_advance(connection, dial_follow(connection, osh_dial_next(connection->dial)));
}

OshFlow
osh_dial_run(OshConnection *connection)
{
    const OshDialTarget target = {
        .addresses = connection->addresses,
        .port = connection->port,
        .event = osh_connection_upstream_event,
        .delayed = dial_delayed,
        .owner = connection,
    };

    if (connection->upstream_fd >= 0)
        return OSH_FLOW_NEXT;
    if (connection->dial != NULL)
        return OSH_FLOW_WAIT;
    connection->dial = osh_dial_new(&connection->shard->network->shard, &target);
    return dial_follow(connection, osh_dial_next(connection->dial));
}

OshFlow
osh_dial_expire(OshConnection *connection)
{
    return osh_refuse_failed(connection, "timeout", "the destination did not answer in time");
}

OshFlow
osh_dial_upstream(OshConnection *connection, int fd, guint32 events)
{
    OshDialResult result = osh_dial_event(connection->dial, fd, events);

    if (result == OSH_DIAL_WON && (events & EPOLLIN))
        connection->down.readable = TRUE;
    if (result == OSH_DIAL_WON && (events & EPOLLRDHUP))
        connection->down.hung_up = TRUE;
    return dial_follow(connection, result);
}

void
osh_dial_clear(OshConnection *connection)
{
    osh_dial_free(g_steal_pointer(&connection->dial));
}
