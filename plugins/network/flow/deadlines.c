/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadlines.c: one timer of a shard serves every deadline. [shard]. Connections stand in the list
 * of their step in the order in which they entered it, so only the heads of the lists are looked
 * at. It must never walk open connections more than once a second.
 */
#include "deadlines.h"

#include "connection.h"
#include "owner-check.h"

static gint64
step_limit(const OshStep *step, const OshNetworkConfig *config)
{
    gint64 limit = step->configured_limit != NULL ? step->configured_limit(config) : step->limit;

    return limit > 0 ? limit : G_MAXINT64;
}

void
osh_deadlines_look(OshNetworkShard *part, gint64 now)
{
    const OshNetwork *network = part->network;

    for (guint step = 0; step < OSH_N_STEPS; step++) {
        OshConnectionList *list = &part->steps[step];
        gint64 limit = step_limit(&network->steps[step], &network->config);

        while (list->first != NULL && now - list->first->since > limit)
            osh_connection_expire(list->first);
    }
}

static void
sweep_list(const OshConnectionList *list, gint64 now, gint64 idle)
{
    OshConnection *next;

    for (OshConnection *at = list->first; at != NULL; at = next) {
        next = at->next;
        /* An end in good order could be taken for the end of what was sent. */
        if (idle > 0 && now - at->moved_at > idle)
            osh_connection_advance(at, osh_connection_reset(at, "idle"));
        else
            osh_owner_check_sweep(at);
    }
}

void
osh_deadlines_sweep(OshNetworkShard *part, gint64 now)
{
    part->last_sweep = now;
    for (guint step = 0; step < OSH_N_STEPS; step++)
        if (part->network->steps[step].is_open)
            sweep_list(&part->steps[step], now, part->network->config.idle_timeout);
}
