/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retarget.c: a request inside an inspected connection that goes to another authority. [shard]
 *
 * The session says where the request begins, and ends. What the request says of its authority is
 * read by the step that reads the first request of a connection, never taken from the session; so a
 * session cannot lead a connection anywhere, only give it back.
 */
#include "driver-private.h"

#include <string.h>

gboolean
osh_driver_may_retarget(const OshConnection *connection)
{
    return connection->transport->many_requests && connection->intercept == NULL;
}

OshFlow
osh_driver_leave(OshDriver *driver)
{
    OshConnection *connection = driver->connection;

    if (osh_leg_left(&driver->sides[0].leg) > 0)
        return OSH_FLOW_WAIT;
    /* What is left of an earlier head comes behind the window, where its request has made space. */
    if (connection->head != NULL)
        osh_driver_refill(driver);
    if (connection->head != NULL)
        return osh_connection_reset(connection, "too much was sent at once");
    connection->head = g_steal_pointer(&driver->sides[OSH_CLIENT_TO_SERVER].window);
    connection->retargets = TRUE;
    osh_inspect_clear(connection);
    return OSH_FLOW_REQUEST;
}

gboolean
osh_driver_refill(OshDriver *driver)
{
    OshConnection *connection = driver->connection;
    OshDriverSide *side = &driver->sides[OSH_CLIENT_TO_SERVER];
    gsize length;
    gsize space;
    guint8 *tail = osh_buffer_tail(side->window, &space);
    const guint8 *bytes = osh_buffer_window(connection->head, &length);

    length = MIN(length, space);
    memcpy(tail, bytes, length);
    osh_buffer_commit(side->window, length);
    side->n_new += length;
    osh_buffer_consume(connection->head, length);
    if (connection->head->start == connection->head->end)
        osh_buffer_release(g_steal_pointer(&connection->head));
    return length > 0;
}
