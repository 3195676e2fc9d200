/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redecide.c: after a reload, decides again what an older policy let through. [shard].
 *
 * Works in slices of bounded time, between which the shard serves its descriptors: ten thousand
 * open tunnels must not hold up the ones that stay. A connection says by its generation whether it
 * is done, so that nothing is kept between two slices, whatever is closed or opened meanwhile, and
 * so that a reload during a pass needs no second one. It must never rely on the event alone that
 * announces a reload: the shard's tick looks too.
 */
#include "redecide.h"

#include "connection.h"
#include "judge.h"

#define SLICE (2 * G_TIME_SPAN_MILLISECOND)
/* A decision costs about as much as 20 readings of the clock. */
#define BETWEEN_LOOKS 8

/* Returns: FALSE when the time is up. */
static gboolean
redecide_list(const OshNetworkShard *part, OshConnection *first, gint64 until)
{
    OshConnection *next;
    guint done = 0;

    for (OshConnection *at = first; at != NULL; at = next) {
        next = at->next;
        if (at->generation == part->generation)
            continue;
        osh_connection_reload(at);
        if (++done % BETWEEN_LOOKS == 0 && g_get_monotonic_time() >= until)
            return FALSE;
    }
    return TRUE;
}

static void
redecide_slice(gpointer data)
{
    OshNetworkShard *part = data;
    gint64 until = g_get_monotonic_time() + SLICE;

    part->redecide_posted = FALSE;
    if (part->stopping)
        return;
    osh_shard_refresh_policy(part);
    for (guint step = 0; step < OSH_N_STEPS; step++)
        if (part->network->steps[step].reload != NULL &&
            !redecide_list(part, part->steps[step].first, until)) {
            part->redecide_posted =
                osh_shard_post(&part->network->shard, part->index, redecide_slice, part);
            return;
        }
    part->redecided = part->generation;
}

void
osh_redecide(OshNetworkShard *part)
{
    if (!part->redecide_posted &&
        part->redecided != osh_policy_interface_generation(&part->network->policy))
        redecide_slice(part);
}
