/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.c: the steps that wait for the identity of a connection: at first which program made it,
 * and before the first byte goes out that this program owns it still. [shard]. No byte of a program
 * that is not known passes.
 */
#include "identify.h"

#include "connection.h"
#include "judge.h"
#include "owner-check.h"
#include "refusal.h"

static gint64
identity_age(const OshConnection *connection)
{
    return osh_shard_now(&connection->shard->network->shard) - connection->peer_read_at;
}

static void
identity_told(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem, gint64 read_at,
              gpointer data)
{
    OshConnection *connection = data;

    connection->identified = TRUE;
    connection->identified_early = connection->step != OSH_STEP_IDENTIFY;
    connection->identity = answer;
    g_free(connection->identity_problem);
    connection->identity_problem = g_strdup(problem);
    if (peer != NULL) {
        osh_peer_identity_unref(connection->peer);
        connection->peer = osh_peer_identity_ref(peer);
    }
    connection->peer_read_at = read_at;
    if (answer == OSH_IDENTITY_FOUND && connection->by_connect)
        osh_owner_check_schedule(connection);
    if (!connection->identified_early)
        osh_connection_wake(connection);
}

void
osh_identify_early(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;

    /* A scan of ours is left for the time when the answer is used. */
    if (network->config.identity_required && network->scanner == NULL && !connection->identified &&
        connection->question == NULL)
        osh_identity_ask(connection, OSH_IDENTITY_DECIDE, identity_told);
}

OshFlow
osh_identify_run(OshConnection *connection)
{
    const OshNetworkConfig *config = &connection->shard->network->config;

    /* A later request is the same program's: the owners are read again before a byte goes out. */
    if (!config->identity_required || connection->counted)
        return OSH_FLOW_NEXT;
    /* Owners may have changed since; what was read at connect(2) stays true. */
    if (connection->identified_early && !connection->by_connect &&
        identity_age(connection) > OSH_IDENTITY_FRESH)
        connection->identified = FALSE;
    connection->identified_early = FALSE;
    if (!connection->identified && connection->question == NULL)
        osh_identity_ask(connection, OSH_IDENTITY_DECIDE, identity_told);
    if (!connection->identified)
        return OSH_FLOW_WAIT;
    if (connection->identity == OSH_IDENTITY_NO_SOCKET && osh_connection_client_gone(connection))
        return osh_connection_gone(connection, "client gone");
    if (connection->identity != OSH_IDENTITY_FOUND)
        return osh_refuse_identity(connection, connection->identity_problem);
    connection->counted = TRUE;
    if ((guint)g_atomic_int_add(&connection->peer->n_connections, 1) >=
        config->max_connections_per_process)
        return osh_refuse_limit(connection, "the process has too many connections open");
    return OSH_FLOW_NEXT;
}

OshFlow
osh_identify_expire(OshConnection *connection)
{
    return osh_refuse_identity(connection, "the program could not be identified in time");
}

OshFlow
osh_verify_run(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;

    if (network->config.identity_required &&
        ((connection->owners_first && !connection->owners_seen) ||
         identity_age(connection) > OSH_IDENTITY_FRESH)) {
        osh_owner_check_now(connection);
        return OSH_FLOW_WAIT;
    }
    if (osh_policy_interface_generation(&network->policy) != connection->generation) {
        OshFlow flow = osh_judge_again(connection);

        if (flow != OSH_FLOW_WAIT)
            return flow;
    }
    /* The owners of all connections with requests are read together, before the next one needs it.
     */
    if (network->config.identity_required && connection->last.port != 0)
        osh_owner_check_schedule(connection);
    return OSH_FLOW_NEXT;
}
