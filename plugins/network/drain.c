/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.c: the end of a run. A program may end as soon as it has sent its last message; the kernel
 * would deliver it all the same. So the end of a run waits, for a bounded time, for the connections
 * whose client has ended, and for the decisions about those that are not accepted yet. [shard].
 *
 * The programs of a box have ended when the network is stopped. Another client that is still there
 * is not waited for. Nothing is let through here that the steps of a connection would not let
 * through.
 */
#include "drain.h"

#include "connection.h"
#include "listener.h"
#include "refusal.h"

/* Between two looks; the first one comes when the events of the accepted sockets have been seen. */
#define LOOK_EVERY (3 * G_TIME_SPAN_MILLISECOND)
/* How long a server may take nothing. */
#define PATIENCE (3 * G_TIME_SPAN_SECOND)

struct _OshDrain {
    OshShardTimer *timer;
    gint64 until;
    OshDrainDone done;
    guint64 moved; /* bytes towards the servers, at the last look */
    gint64 progress;
};

/* What of the shard's connections a look counts. */
typedef struct {
    guint all;
    guint delivering;
    guint64 moved;
} DrainCount;

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
    const OshStep *step = osh_connection_step(connection);

    if (connection->step == OSH_STEP_LINGER || (!connection->of_box && !connection->up.hung_up))
        return FALSE;
    if (step->has_delivered != NULL)
        return !step->has_delivered(connection);
    return !step->is_open || !connection->up.done;
}

static DrainCount
drain_count(const OshNetworkShard *part)
{
    DrainCount count = {0};

    for (guint step = 0; step < OSH_N_STEPS; step++)
        for (const OshConnection *at = part->steps[step].first; at != NULL; at = at->next) {
            count.all++;
            count.delivering += drain_delivers(at);
            count.moved += at->up.moved;
        }
    return count;
}

/* Of an open connection the closed event has the bytes that were delivered. */
static void
drain_cut_off_one(OshConnection *connection)
{
    if (!drain_delivers(connection))
        return;
    if (osh_connection_step(connection)->is_open)
        osh_connection_advance(connection, osh_connection_reset(connection, "stopping"));
    else
        osh_connection_advance(connection,
                               osh_refuse(connection, &(OshRefusal){
                                                          .layer = "stop",
                                                          .reason = "the run ended before it was "
                                                                    "connected",
                                                          .end = "stopping",
                                                          .is_silent = TRUE,
                                                      }));
}

static void
drain_cut_off(OshNetworkShard *part, guint n)
{
    OshConnection *next;

    for (guint step = 0; step < OSH_N_STEPS; step++)
        for (OshConnection *at = part->steps[step].first; at != NULL; at = next) {
            next = at->next;
            drain_cut_off_one(at);
        }
    osh_network_log(part->network, G_LOG_LEVEL_WARNING,
                    "%u connection%s cut off at the end of the run: not all that the program had "
                    "sent was delivered in time",
                    n, n == 1 ? " was" : "s were");
}

static void
drain_end(OshNetworkShard *part)
{
    OshDrain *drain = g_steal_pointer(&part->drain);
    OshDrainDone done = drain->done;

    g_free(drain);
    done(part);
}

static void
drain_look(gpointer data)
{
    OshNetworkShard *part = data;
    OshDrain *drain = part->drain;
    gint64 now = osh_shard_now(&part->network->shard);
    DrainCount count;

    drain->timer = NULL;
    drain_accept(part);
    count = drain_count(part);
    if (count.moved != drain->moved)
        drain->progress = now;
    drain->moved = count.moved;
    if (count.delivering > 0 && now < drain->until && now - drain->progress < PATIENCE) {
        drain->timer =
            osh_shard_add_timer(&part->network->shard, now + LOOK_EVERY, drain_look, part);
        return;
    }
    if (count.delivering > 0)
        drain_cut_off(part, count.delivering);
    drain_end(part);
}

void
osh_drain(OshNetworkShard *part, gint64 until, OshDrainDone done)
{
    const OshInterface *shard = &part->network->shard;
    gint64 now = osh_shard_now(shard);

    part->drain = g_new0(OshDrain, 1);
    *part->drain = (OshDrain){.until = until, .done = done, .progress = now};
    drain_accept(part);
    if (drain_count(part).all == 0)
        drain_end(part);
    else
        part->drain->timer = osh_shard_add_timer(shard, now + LOOK_EVERY, drain_look, part);
}
