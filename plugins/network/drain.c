/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.c: a program may end as soon as it has sent its last message; the kernel would deliver it
 * all the same. So the end of a run waits, for a bounded time, for the connections whose client has
 * ended, and for the decisions about those that nobody has accepted yet. [shard].
 *
 * The programs of a box have ended when the network is stopped. Another client that is still there
 * keeps nobody waiting. Nothing is let through here that the steps of a connection would not let
 * through.
 */
#include "drain.h"

#include "audit.h"
#include "connection.h"
#include "listener.h"

/* Between two looks; the first one comes when the events of the accepted sockets have been seen. */
#define LOOK_EVERY (3 * G_TIME_SPAN_MILLISECOND)
/* How long a server may take nothing. */
#define PATIENCE (3 * G_TIME_SPAN_SECOND)

static void
drain_accept(OshNetworkShard *part)
{
    const GPtrArray *listeners = part->network->listeners;

    for (guint i = 0; i < listeners->len; i++)
        osh_listener_take_waiting(listeners->pdata[i], part);
}

/* The end of what a client sent stands behind the rest of it, and is perhaps not here yet. */
static gboolean
drain_delivers(const OshConnection *connection)
{
    if (connection->step == OSH_STEP_LINGER ||
        (!connection->listener->of_box && !connection->up.hung_up))
        return FALSE;
    return connection->step != OSH_STEP_TUNNEL || !connection->up.done;
}

static guint
drain_count(const OshNetworkShard *part)
{
    guint n = 0;

    for (guint step = 0; step < OSH_N_STEPS; step++)
        for (const OshConnection *at = part->steps[step].first; at != NULL; at = at->next)
            n += drain_delivers(at);
    return n;
}

static guint64
drain_moved(const OshNetworkShard *part)
{
    guint64 moved = 0;

    for (const OshConnection *at = part->steps[OSH_STEP_TUNNEL].first; at != NULL; at = at->next)
        moved += at->up.moved;
    return moved;
}

/* Of a tunnel the closed event has the bytes that were delivered. */
static void
drain_cut_off(OshNetworkShard *part, guint n)
{
    for (guint step = 0; step < OSH_N_STEPS; step++)
        for (OshConnection *at = part->steps[step].first; at != NULL; at = at->next) {
            if (drain_delivers(at) && step < OSH_STEP_TUNNEL)
                osh_audit_failed(at, "stop", "the run ended before it was connected");
            /* An end in good order could be taken for the end of what was sent. */
            at->client_aborted = at->client_aborted || drain_delivers(at);
        }
    osh_network_log(part->network, G_LOG_LEVEL_WARNING,
                    "%u connection%s cut off at the end of the run: not all that the program had "
                    "sent was delivered in time",
                    n, n == 1 ? " was" : "s were");
}

static gboolean
drain_is_idle(const OshNetworkShard *part)
{
    for (guint step = 0; step < OSH_N_STEPS; step++)
        if (part->steps[step].first != NULL)
            return FALSE;
    return TRUE;
}

static void
drain_look(gpointer data)
{
    OshNetworkShard *part = data;
    gint64 now = osh_shard_now(&part->network->shard);
    guint64 moved;
    guint n;

    part->drain = NULL;
    drain_accept(part);
    n = drain_count(part);
    moved = drain_moved(part);
    if (moved != part->drain_moved)
        part->drain_progress = now;
    part->drain_moved = moved;
    if (n > 0 && now < part->drain_until && now - part->drain_progress < PATIENCE) {
        part->drain =
            osh_shard_add_timer(&part->network->shard, now + LOOK_EVERY, drain_look, part);
        return;
    }
    if (n > 0)
        drain_cut_off(part, n);
    part->drained(part);
}

void
osh_drain(OshNetworkShard *part, gint64 until, OshDrainDone done)
{
    const OshInterface *shard = &part->network->shard;

    part->drain_until = until;
    part->drain_progress = osh_shard_now(shard);
    part->drained = done;
    drain_accept(part);
    if (drain_is_idle(part))
        done(part);
    else
        part->drain =
            osh_shard_add_timer(shard, osh_shard_now(shard) + LOOK_EVERY, drain_look, part);
}
