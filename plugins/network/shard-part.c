/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network's part on one shard. One timer serves every deadline: connections stand in the list
 * of their step in the order in which they entered it, so only the heads of the lists are looked
 * at. Never walks idle tunnels more than once a second.
 */
#include "shard-part.h"

#include "audit.h"
#include "connection.h"
#include "dns-listener.h"
#include "facts.h"
#include "listener.h"
#include "owner-check.h"
#include "pipe-pool.h"
#include "reply.h"

#define TICK             (250 * G_TIME_SPAN_MILLISECOND)
#define SWEEP            (1 * G_TIME_SPAN_SECOND)
#define IDENTIFY_TIMEOUT (5 * G_TIME_SPAN_SECOND)
/* Who connected is known, and nothing is sent before its owners are: a busy machine may take long
 * to read them. */
#define VERIFY_TIMEOUT  (20 * G_TIME_SPAN_SECOND)
#define AUDIT_TIMEOUT   (5 * G_TIME_SPAN_SECOND)
#define RESOLVE_TIMEOUT (10 * G_TIME_SPAN_SECOND)
#define LINGER_TIMEOUT  (2 * G_TIME_SPAN_SECOND)
#define MAX_LARGE_PIPES 8
#define KEEP_HEADS      32

void
osh_shard_part_init(OshNetworkShard *part, OshNetwork *network, guint index)
{
    part->network = network;
    part->index = index;
    part->heads =
        osh_buffer_pool_new(2 * OSH_NETWORK_HEAD_SIZE, network->config.max_connections, KEEP_HEADS);
    part->pipes = osh_pipe_pool_new(MAX_LARGE_PIPES);
    part->scratch = g_malloc(OSH_NETWORK_SCRATCH_SIZE);
    part->again = g_ptr_array_new();
    part->looks = g_ptr_array_new();
}

void
osh_shard_part_clear(OshNetworkShard *part)
{
    osh_buffer_pool_free(part->heads);
    osh_pipe_pool_free(part->pipes);
    g_ptr_array_unref(part->again);
    g_ptr_array_unref(part->looks);
    g_free(part->scratch);
}

static gint64
part_timeout(const OshNetworkShard *part, OshConnectionStep step)
{
    switch (step) {
    case OSH_STEP_HEAD:
        return part->network->config.head_timeout;
    case OSH_STEP_IDENTIFY:
        return IDENTIFY_TIMEOUT;
    case OSH_STEP_VERIFY:
        return VERIFY_TIMEOUT;
    case OSH_STEP_AUDIT:
        return AUDIT_TIMEOUT;
    case OSH_STEP_RESOLVE:
        return RESOLVE_TIMEOUT;
    case OSH_STEP_DIAL:
        return part->network->config.connect_timeout;
    case OSH_STEP_LINGER:
        return LINGER_TIMEOUT;
    case OSH_STEP_TUNNEL:
    case OSH_N_STEPS:
        break;
    }
    return G_MAXINT64;
}

static void
part_expire(OshConnection *connection)
{
    switch ((OshConnectionStep)connection->step) {
    case OSH_STEP_HEAD:
        osh_refuse_head(connection, "408 Request Timeout", "request_timeout",
                        "no complete request head arrived in time");
        return;
    case OSH_STEP_IDENTIFY:
    case OSH_STEP_VERIFY:
        osh_connection_record(connection, OSH_DECISION_DENIED_IDENTITY, NULL);
        osh_refuse_denied(connection, "identity", NULL,
                          "the program could not be identified in time", NULL, NULL);
        return;
    case OSH_STEP_AUDIT:
        osh_refuse_denied(connection, "audit", NULL, "audit-full", NULL, NULL);
        return;
    case OSH_STEP_RESOLVE:
        osh_refuse_failed(connection, "timeout", "the name was not resolved in time");
        return;
    case OSH_STEP_DIAL:
        osh_refuse_failed(connection, "timeout", "the destination did not answer in time");
        return;
    case OSH_STEP_LINGER:
    case OSH_STEP_TUNNEL:
    case OSH_N_STEPS:
        break;
    }
    osh_connection_close(connection, "timeout");
}

static void
part_sweep(OshNetworkShard *part, gint64 now)
{
    OshConnection *next;
    gint64 idle = part->network->config.idle_timeout;

    part->last_sweep = now;
    for (OshConnection *at = part->steps[OSH_STEP_TUNNEL].first; at != NULL; at = next) {
        next = at->next;
        if (idle > 0 && now - at->since > idle)
            osh_connection_close(at, "idle");
        else
            osh_owner_check_sweep(at);
    }
}

static void
part_tick(gpointer data)
{
    OshNetworkShard *part = data;
    const OshInterface *shard = &part->network->shard;
    gint64 now = osh_shard_now(shard);

    for (guint step = 0; step < OSH_N_STEPS; step++) {
        OshConnectionList *list = &part->steps[step];
        gint64 timeout = part_timeout(part, (OshConnectionStep)step);

        while (list->first != NULL && now - list->first->since > timeout)
            part_expire(list->first);
    }
    if (now - part->last_sweep >= SWEEP)
        part_sweep(part, now);
    osh_shard_part_reload(part);
    part->tick = osh_shard_add_timer(shard, now + TICK, part_tick, part);
}

void
osh_shard_part_begin(OshNetworkShard *part)
{
    const GPtrArray *listeners = part->network->listeners;

    if (part->stopping)
        return;
    for (guint i = 0; i < listeners->len; i++)
        osh_listener_join(listeners->pdata[i], part);
    if (part->index == 0 && part->network->dns != NULL)
        osh_dns_listener_begin(part->network->dns);
    part->tick = osh_shard_add_timer(&part->network->shard,
                                     osh_shard_now(&part->network->shard) + TICK, part_tick, part);
}

void
osh_shard_part_end(OshNetworkShard *part)
{
    const GPtrArray *listeners = part->network->listeners;

    part->stopping = TRUE;
    if (part->index == 0 && part->network->dns != NULL)
        osh_dns_listener_end(part->network->dns);
    for (guint i = 0; i < listeners->len; i++)
        osh_listener_leave(listeners->pdata[i], part);
    osh_shard_cancel_timer(&part->network->shard, g_steal_pointer(&part->tick));
    osh_owner_check_end(part);
    for (guint step = 0; step < OSH_N_STEPS; step++)
        while (part->steps[step].first != NULL)
            osh_connection_close(part->steps[step].first, "stopping");
    osh_policy_interface_release(&part->network->policy, g_steal_pointer(&part->snapshot));
}
