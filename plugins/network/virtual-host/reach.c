/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.c: dials, or puts a plugin's answers in the upstream's place. [shard]
 */
#include "reach.h"

#include "connection.h"
#include "dial-step.h"
#include "origin.h"
#include "refusal.h"

OshFlow
osh_reach_run(OshConnection *connection)
{
    /* Of the request before, to the same name. */
    if (connection->virtual_host != NULL && connection->origin != NULL &&
        connection->upstream_fd >= 0)
        return OSH_FLOW_NEXT;
    osh_virtual_origin_free(g_steal_pointer(&connection->origin));
    if (connection->virtual_host == NULL)
        return osh_dial_run(connection);
    connection->origin = osh_virtual_origin_new(connection);
    if (connection->origin == NULL)
        return osh_refuse_failed(connection, "connect", "no descriptor is left");
    return OSH_FLOW_NEXT;
}

void
osh_reach_clear(OshConnection *connection)
{
    osh_dial_clear(connection);
    osh_virtual_origin_free(g_steal_pointer(&connection->origin));
}
