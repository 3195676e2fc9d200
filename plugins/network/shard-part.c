/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard-part.c: the network's part on one shard, from its begin to its end. [shard]. One timer
 * serves deadlines, sweeps and reloads.
 */
#include "shard-part.h"

#include "answer-step.h"
#include "connection.h"
#include "deadlines.h"
#include "dns-listener.h"
#include "driver.h"
#include "listener.h"
#include "owner-check.h"
#include "pipe-pool.h"
#include "redecide.h"

#define TICK            (250 * G_TIME_SPAN_MILLISECOND)
#define SWEEP           (1 * G_TIME_SPAN_SECOND)
#define MAX_LARGE_PIPES 8
#define KEEP_HEADS      32
#define KEEP_WINDOWS    64

void
osh_shard_part_init(OshNetworkShard *part, OshNetwork *network, guint index)
{
    part->network = network;
    part->index = index;
    part->heads =
        osh_buffer_pool_new(2 * OSH_NETWORK_HEAD_SIZE, network->config.max_connections, KEEP_HEADS);
    part->windows =
        osh_buffer_pool_new(OSH_DRIVER_WINDOW, 2 * network->config.max_connections, KEEP_WINDOWS);
    part->pipes = osh_pipe_pool_new(MAX_LARGE_PIPES);
    part->scratch = g_malloc(OSH_NETWORK_SCRATCH_SIZE);
    part->again = g_ptr_array_new();
    part->looks = g_ptr_array_new();
}

void
osh_shard_part_clear(OshNetworkShard *part)
{
    osh_buffer_pool_free(part->heads);
    osh_buffer_pool_free(part->windows);
    osh_pipe_pool_free(part->pipes);
    g_ptr_array_unref(part->again);
    g_ptr_array_unref(part->looks);
    g_free(part->scratch);
}

static void
part_tick(gpointer data)
{
    OshNetworkShard *part = data;
    const OshInterface *shard = &part->network->shard;
    gint64 now = osh_shard_now(shard);

    osh_deadlines_look(part, now);
    if (now - part->last_sweep >= SWEEP)
        osh_deadlines_sweep(part, now);
    osh_redecide(part);
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
    osh_answer_end(part);
    for (guint step = 0; step < OSH_N_STEPS; step++)
        while (part->steps[step].first != NULL) {
            /* An end in good order could be taken for the end of what the server sends. */
            if (part->network->steps[step].is_open)
                osh_connection_abort_client(part->steps[step].first);
            osh_connection_close(part->steps[step].first, "stopping");
        }
    osh_policy_interface_release(&part->network->policy, g_steal_pointer(&part->snapshot));
}
