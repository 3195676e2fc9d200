/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may pass: the steps between a known destination and an open tunnel, one function each, in
 * the order in which they happen. Runs on the connection's shard.
 *
 *   identify -> decide (policy -> resolve -> policy again -> destination -> audit) -> dial
 *            -> verify -> open
 *
 * What is dialled is exactly what was checked: addresses are resolved once, validated and pinned.
 * Never lets a byte through to the upstream before the last step.
 */
#include "audit.h"
#include "connection.h"
#include "dial.h"
#include "facts.h"
#include "forward-request.h"
#include "identity-question.h"
#include "osh-destination.h"
#include "owner-check.h"
#include "relay.h"
#include "reply.h"
#include "resolution.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Security rule 4: before the first byte, a reading that began longer ago is repeated. */
#define IDENTITY_FRESH (100 * G_TIME_SPAN_MILLISECOND)

#define ESTABLISHED "HTTP/1.1 200 Connection Established\r\n\r\n"

void
osh_shard_refresh_policy(OshNetworkShard *shard)
{
    const OshInterface *policy = &shard->network->policy;

    if (shard->snapshot != NULL && osh_policy_interface_generation(policy) == shard->generation)
        return;
    osh_policy_interface_release(policy, shard->snapshot);
    shard->generation = osh_policy_interface_generation(policy);
    shard->snapshot = osh_policy_interface_current(policy);
}

/* The verdict borrows from the shard's snapshot: use it before anything can reload. */
static void
pipeline_judge(OshConnection *connection, OshVerdict *verdict)
{
    OshNetworkShard *shard = connection->shard;
    OshFact facts[OSH_CONNECTION_FACTS];
    OshFacts set = {facts, osh_connection_facts(connection, facts)};

    osh_shard_refresh_policy(shard);
    osh_policy_interface_decide(&shard->network->policy, shard->snapshot, &set, verdict);
    connection->generation = verdict->generation;
}

/* A connection can be allowed; what would need its content read is not served here. */
static gboolean
pipeline_allows(const OshVerdict *verdict)
{
    return verdict->action == OSH_ACTION_ALLOW ||
           (verdict->action == OSH_ACTION_DENY && verdict->audit);
}

static const char *
pipeline_reason(const OshVerdict *verdict)
{
    if (verdict->action == OSH_ACTION_INSPECT)
        return "the endpoint needs its content inspected, which is not enforced yet";
    return verdict->reason != NULL ? verdict->reason : "no rule allows it";
}

static const char *
pipeline_layer(const OshConnection *connection)
{
    return osh_transport_name(connection->transport);
}

/* Nothing is denied to a client that has no socket any more. */
gboolean
osh_connection_client_gone(const OshConnection *connection)
{
    char byte;

    return recv(connection->client_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN;
}

void
osh_connection_refuse_identity(OshConnection *connection, const char *problem)
{
    osh_connection_record(connection, OSH_DECISION_DENIED_IDENTITY, NULL);
    osh_refuse_denied(connection, "identity", NULL, problem, NULL, NULL);
}

/* With the identity known, one way or the other. */
static void
pipeline_identified(OshConnection *connection)
{
    const OshNetworkConfig *config = &connection->shard->network->config;

    if (connection->identity == OSH_IDENTITY_NO_SOCKET && osh_connection_client_gone(connection)) {
        osh_connection_close(connection, "client gone");
        return;
    }
    if (connection->identity != OSH_IDENTITY_FOUND) {
        osh_connection_refuse_identity(connection, connection->identity_problem);
        return;
    }
    connection->counted = TRUE;
    if ((guint)g_atomic_int_add(&connection->peer->n_connections, 1) >=
        config->max_connections_per_process) {
        osh_refuse_limit(connection, "the process has too many connections open");
        return;
    }
    osh_connection_decide(connection);
}

static void
pipeline_told(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem, gint64 read_at,
              gpointer data)
{
    OshConnection *connection = data;

    connection->identified = TRUE;
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
    if (connection->step == OSH_STEP_IDENTIFY)
        pipeline_identified(connection);
}

void
osh_connection_take_identity(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;

    /* A scan of ours is left for the time when the answer is used. */
    if (network->config.identity_required && network->scanner == NULL)
        osh_identity_ask(connection, OSH_IDENTITY_DECIDE, pipeline_told);
}

void
osh_connection_identify(OshConnection *connection)
{
    if (!connection->shard->network->config.identity_required) {
        osh_connection_decide(connection);
        return;
    }
    osh_connection_enter(connection, OSH_STEP_IDENTIFY);
    /* Owners may have changed since; what was read at connect(2) stays true. */
    if (connection->identified && !connection->by_connect &&
        osh_shard_now(&connection->shard->network->shard) - connection->peer_read_at >
            IDENTITY_FRESH)
        connection->identified = FALSE;
    if (connection->identified)
        pipeline_identified(connection);
    else if (connection->question == NULL)
        osh_identity_ask(connection, OSH_IDENTITY_DECIDE, pipeline_told);
}

static void
pipeline_resolved(OshAddressList *addresses, const char *problem, gpointer data)
{
    OshConnection *connection = data;

    connection->resolution = NULL;
    if (addresses == NULL) {
        osh_refuse_failed(connection, "resolve", problem);
        return;
    }
    connection->addresses = addresses;
    /* The policy may have changed while the name was looked up. */
    osh_connection_decide(connection);
}

/* Returns: TRUE when the addresses are there, FALSE while they are looked up or after refusing. */
static gboolean
pipeline_resolve(OshConnection *connection)
{
    if (connection->addresses != NULL)
        return TRUE;
    if (connection->host_kind != OSH_HOST_NAME) {
        connection->addresses = osh_resolution_literal(connection->host);
        return TRUE;
    }
    osh_connection_enter(connection, OSH_STEP_RESOLVE);
    connection->resolution = osh_resolution_begin(connection->shard->network, connection->host,
                                                  pipeline_resolved, connection);
    if (connection->resolution == NULL)
        osh_refuse_failed(connection, "resolve", "too many names are being looked up");
    return FALSE;
}

/*
 * An address that only audit or a wildcard lets through was named by nobody: no private one is
 * acceptable then.
 */
static void
pipeline_destination(const OshConnection *connection, const OshVerdict *verdict,
                     OshDestinationRequest *ret_request)
{
    *ret_request = (OshDestinationRequest){
        .host = connection->host,
        .port = connection->port,
        .exact_declared_host = verdict->exact_declared_host && verdict->action == OSH_ACTION_ALLOW,
        .allowed = verdict->allowed_addresses,
        .n_allowed = verdict->n_allowed_addresses,
    };
}

/* Returns: FALSE after refusing. */
static gboolean
pipeline_check_destination(OshConnection *connection, const OshVerdict *verdict)
{
    const OshAddressList *addresses = connection->addresses;
    OshDestinationRequest request;
    const struct in6_addr *refused = NULL;
    g_autofree char *reason = NULL;

    pipeline_destination(connection, verdict, &request);
    if (osh_destination_check(&request, addresses->at, addresses->length, &refused, &reason))
        return TRUE;
    osh_connection_record(connection, OSH_DECISION_DENIED_DESTINATION, verdict);
    osh_refuse_denied(connection, "destination", verdict->policy, reason, NULL, refused);
    return FALSE;
}

/* Returns: whether the connection may be dialled now; otherwise it is refused or waits. */
static gboolean
pipeline_permit(OshConnection *connection, OshVerdict *verdict)
{
    pipeline_judge(connection, verdict);
    if (!pipeline_allows(verdict)) {
        osh_connection_record(connection, OSH_DECISION_DENIED_POLICY, verdict);
        osh_refuse_denied(connection, pipeline_layer(connection), verdict->policy,
                          pipeline_reason(verdict), verdict->hint, NULL);
        return FALSE;
    }
    if (!pipeline_resolve(connection) || !pipeline_check_destination(connection, verdict))
        return FALSE;
    if (!osh_audit_reserve(connection)) {
        if (connection->step != OSH_STEP_AUDIT)
            osh_connection_enter(connection, OSH_STEP_AUDIT);
        return FALSE;
    }
    connection->tls = (guint8)verdict->tls;
    connection->protocol = verdict->protocol != NULL ? g_intern_string(verdict->protocol) : "";
    connection->treatment = verdict->treatment;
    connection->owners_first = verdict->credentials;
    osh_connection_record(
        connection,
        verdict->action == OSH_ACTION_ALLOW ? OSH_DECISION_ALLOWED : OSH_DECISION_AUDITED, verdict);
    osh_audit_allowed(connection, verdict);
    return TRUE;
}

void
osh_connection_decide(OshConnection *connection)
{
    OshVerdict verdict = OSH_VERDICT_INIT;

    /* The verdict outlives the connection where it is refused, so it is cleared here. */
    if (pipeline_permit(connection, &verdict)) {
        osh_connection_enter(connection, OSH_STEP_DIAL);
        osh_dial_begin(connection);
    }
    osh_verdict_clear(&verdict);
}

/* Returns: (nullable): which part of the treatment of an open connection is another one now. */
static const char *
pipeline_treatment_change(const OshConnection *connection, const OshVerdict *verdict)
{
    if (connection->tls != verdict->tls)
        return "TLS mode";
    if (!g_str_equal(connection->protocol, verdict->protocol != NULL ? verdict->protocol : ""))
        return "protocol";
    return connection->treatment != verdict->treatment ? "credentials" : NULL;
}

/*
 * Whether a connection that was allowed still is, with the address it was made to, and would be
 * treated in the same way. Returns: (transfer full) (nullable): why not.
 */
static char *
pipeline_objection(OshConnection *connection)
{
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshDestinationRequest request;
    gboolean connected = connection->upstream_fd >= 0;
    const char *change;
    char *objection = NULL;
    g_autofree char *reason = NULL;

    pipeline_judge(connection, &verdict);
    pipeline_destination(connection, &verdict, &request);
    change = pipeline_treatment_change(connection, &verdict);
    if (!pipeline_allows(&verdict))
        objection = g_strdup_printf("the policy changed: %s", pipeline_reason(&verdict));
    else if (change != NULL)
        objection =
            g_strdup_printf("the policy changed: another %s holds for new connections", change);
    else if (!osh_destination_check(
                 &request, connected ? &connection->upstream_address : connection->addresses->at,
                 connected ? 1 : connection->addresses->length, NULL, &reason))
        objection = g_strdup_printf("the policy changed: %s", reason);
    osh_verdict_clear(&verdict);
    return objection;
}

void
osh_connection_redecide(OshConnection *connection)
{
    g_autofree char *objection = pipeline_objection(connection);

    if (objection == NULL)
        return;
    if (connection->step != OSH_STEP_TUNNEL) {
        osh_refuse_denied(connection, pipeline_layer(connection), NULL, objection, NULL, NULL);
        return;
    }
    osh_audit_denied(connection, pipeline_layer(connection), NULL, objection, NULL, NULL);
    /* An end in good order could be taken for the end of what was sent. */
    connection->client_aborted = TRUE;
    osh_connection_close(connection, "policy changed");
}

static void
pipeline_open(OshConnection *connection)
{
    OshBuffer *head = connection->head;

    g_clear_pointer(&connection->addresses, g_free);
    osh_connection_enter(connection, OSH_STEP_TUNNEL);
    osh_audit_opened(connection);
    if (connection->transport == OSH_TRANSPORT_CONNECT &&
        send(connection->client_fd, ESTABLISHED, sizeof ESTABLISHED - 1, MSG_NOSIGNAL) !=
            (ssize_t)(sizeof ESTABLISHED - 1)) {
        osh_connection_close(connection, "client gone");
        return;
    }
    if (head != NULL && connection->forward == NULL) {
        gsize size;
        const guint8 *surplus = osh_buffer_window(head, &size);
        gboolean sent = osh_relay_send_first(connection, surplus, size);

        osh_buffer_release(g_steal_pointer(&connection->head));
        if (!sent) {
            osh_connection_close(connection, "reset");
            return;
        }
    }
    osh_relay_start(connection);
}

void
osh_connection_connected(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;

    if (shard->network->config.identity_required &&
        ((connection->owners_first && !connection->owners_seen) ||
         osh_shard_now(&shard->network->shard) - connection->peer_read_at > IDENTITY_FRESH)) {
        if (connection->step != OSH_STEP_VERIFY)
            osh_connection_enter(connection, OSH_STEP_VERIFY);
        osh_owner_check_now(connection);
        return;
    }
    if (osh_policy_interface_generation(&shard->network->policy) != connection->generation) {
        g_autofree char *objection = pipeline_objection(connection);

        if (objection != NULL) {
            osh_refuse_denied(connection, pipeline_layer(connection), NULL, objection, NULL, NULL);
            return;
        }
    }
    pipeline_open(connection);
}
