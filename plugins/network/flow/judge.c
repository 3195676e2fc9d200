/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c: asks the policy about a connection, at first and after each reload. [shard]
 */
#include "judge.h"

#include "connection.h"
#include "facts.h"
#include "refusal.h"

#include <string.h>

#include <string.h>

/* What a name speaks that the policy has no entry for. */
#define VIRTUAL_PROTOCOL "rest"

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

const OshNetworkProtocol *
osh_network_protocol(const OshNetwork *network, const char *protocol)
{
    if (protocol == NULL || network->protocols == NULL)
        return NULL;
    return g_hash_table_lookup(network->protocols, protocol);
}

const OshVirtualHost *
osh_network_virtual_host(const OshNetwork *network, const char *host)
{
    return network->virtual_hosts != NULL ? g_hash_table_lookup(network->virtual_hosts, host)
                                          : NULL;
}

/* Returns: whether @facts are of a connection, or of a request by GET. */
static gboolean
facts_are_of_a_read(const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++) {
        const OshFact *fact = &facts->facts[i];

        if (g_strcmp0(fact->name, OSH_FACT_REQUEST_METHOD) == 0)
            return fact->type == OSH_FACT_STRING && fact->value.string.length == 3 &&
                   memcmp(fact->value.string.data, "GET", 3) == 0;
    }
    return TRUE;
}

/* A name that every program may read needs no entry; an entry that there is decides. A program that
 * is not known is denied for that. */
static void
judge_virtual_read(const OshConnection *connection, const OshFacts *facts, OshVerdict *verdict)
{
    if (connection->virtual_host == NULL || !connection->virtual_host->reads_allowed ||
        verdict->action != OSH_ACTION_DENY || verdict->policy != NULL ||
        (connection->peer == NULL && connection->shard->network->config.identity_required) ||
        !facts_are_of_a_read(facts))
        return;
    g_clear_pointer(&verdict->reason, g_free);
    g_clear_pointer(&verdict->hint, g_free);
    verdict->action = OSH_ACTION_ALLOW;
    verdict->rule = "every program may read this virtual host";
    verdict->protocol = VIRTUAL_PROTOCOL;
}

/* Returns: whether the endpoint has its content inspected. */
static gboolean
judge_inspects(const OshVerdict *verdict)
{
    return verdict->action == OSH_ACTION_INSPECT ||
           (verdict->protocol != NULL && verdict->protocol[0] != '\0' &&
            !g_str_equal(verdict->protocol, "tcp"));
}

/* What would need its content read passes only where a plugin reads it. */
static gboolean
judge_serves(const OshConnection *connection, const OshVerdict *verdict)
{
    return !judge_inspects(verdict) ||
           osh_network_protocol(connection->shard->network, verdict->protocol) != NULL;
}

static gboolean
judge_allows(const OshVerdict *verdict)
{
    return verdict->action != OSH_ACTION_DENY || verdict->audit;
}

gboolean
osh_judge_facts(OshConnection *connection, const OshFacts *facts, OshVerdict *verdict)
{
    OshNetworkShard *shard = connection->shard;

    osh_shard_refresh_policy(shard);
    osh_policy_interface_decide(&shard->network->policy, shard->snapshot, facts, verdict);
    judge_virtual_read(connection, facts, verdict);
    return verdict->action == OSH_ACTION_ALLOW ||
           (verdict->action == OSH_ACTION_DENY && verdict->audit);
}

gboolean
osh_judge(OshConnection *connection, OshVerdict *verdict)
{
    OshFact facts[OSH_CONNECTION_FACTS];
    OshFacts set = {facts, osh_connection_facts(connection, facts)};

    osh_judge_facts(connection, &set, verdict);
    connection->generation = verdict->generation;
    return judge_allows(verdict) && judge_serves(connection, verdict);
}

static const char *
judge_reason(const OshVerdict *verdict)
{
    if (judge_allows(verdict) && judge_inspects(verdict))
        return "the endpoint needs its content inspected, and no plugin that runs speaks its "
               "protocol";
    return verdict->reason != NULL ? verdict->reason : "no rule allows it";
}

OshFlow
osh_judge_refuse(OshConnection *connection, const OshVerdict *verdict)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = connection->transport->name,
                                      .outcome = OSH_DECISION_DENIED_POLICY,
                                      .status = 403,
                                      .reason = judge_reason(verdict),
                                      .verdict = verdict,
                                  });
}

/* An address that only audit or a wildcard lets through stands in no policy: no private one is
 * acceptable then. */
void
osh_judge_destination(const OshConnection *connection, const OshVerdict *verdict,
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

/* Returns: (nullable): which part of the handling of an open connection is another one now. */
static const char *
judge_handling_change(const OshConnection *connection, const OshVerdict *verdict)
{
    if (connection->tls != verdict->tls)
        return "TLS mode";
    if (!g_str_equal(connection->protocol, verdict->protocol != NULL ? verdict->protocol : ""))
        return "protocol";
    return connection->handling != verdict->handling ? "credentials" : NULL;
}

/*
 * Whether a connection that was allowed still is, with the address it was made to, and would be
 * handled in the same way. Returns: (transfer full) (nullable): why not.
 */
static char *
judge_objection(OshConnection *connection, OshVerdict *verdict, OshDecisionOutcome *ret_outcome)
{
    OshDestinationRequest request;
    const struct in6_addr *addresses;
    gsize n_addresses;
    gboolean served;
    const char *change;
    g_autofree char *reason = NULL;

    *ret_outcome = OSH_DECISION_DENIED_POLICY;
    served = osh_judge(connection, verdict);
    if (!judge_allows(verdict))
        return g_strdup_printf("the policy changed: %s", judge_reason(verdict));
    change = judge_handling_change(connection, verdict);
    *ret_outcome = OSH_DECISION_DENIED_HARD;
    if (change != NULL)
        return g_strdup_printf("the policy changed: another %s holds for new connections", change);
    if (!served)
        return g_strdup_printf("the policy changed: %s", judge_reason(verdict));
    if (connection->virtual_host != NULL)
        return NULL;
    osh_judge_destination(connection, verdict, &request);
    addresses = osh_connection_addresses(connection, &n_addresses);
    if (osh_destination_check(&request, addresses, n_addresses, NULL, &reason))
        return NULL;
    *ret_outcome = OSH_DECISION_DENIED_DESTINATION;
    return g_strdup_printf("the policy changed: %s", reason);
}

gboolean
osh_judge_owner(OshConnection *connection, OshPeerIdentity *owner)
{
    OshPeerIdentity *peer = connection->peer;
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshDecisionOutcome outcome;
    g_autofree char *objection = NULL;

    if (connection->protocol == NULL)
        return FALSE;
    connection->peer = owner;
    objection = judge_objection(connection, &verdict, &outcome);
    connection->peer = peer;
    osh_verdict_clear(&verdict);
    return objection == NULL;
}

/* The facts of the connection's own program stand first in @facts; those of @owner take their
 * place.
 */
static gboolean
judge_owner_facts(OshConnection *connection, OshPeerIdentity *owner, const OshFacts *facts,
                  OshVerdict *verdict)
{
    OshPeerIdentity *peer = connection->peer;
    OshFact own[OSH_CONNECTION_FACTS];
    gsize n_own = osh_connection_facts(connection, own);
    g_autofree OshFact *all = g_new0(OshFact, facts->n_facts + OSH_CONNECTION_FACTS);
    gsize n;
    gboolean allowed;

    connection->peer = owner;
    n = osh_connection_facts(connection, all);
    connection->peer = peer;
    memcpy(all + n, facts->facts + n_own, (facts->n_facts - n_own) * sizeof all[0]);
    allowed = osh_judge_facts(connection, &(OshFacts){all, n + facts->n_facts - n_own}, verdict) ||
              verdict->action == OSH_ACTION_INSPECT;
    return allowed;
}

gboolean
osh_judge_owners_facts(OshConnection *connection, const OshFacts *facts, OshVerdict *verdict)
{
    for (guint i = 0; connection->co_owners != NULL && i < connection->co_owners->len; i++) {
        OshVerdict of_owner = OSH_VERDICT_INIT;

        if (!judge_owner_facts(connection, connection->co_owners->pdata[i], facts, &of_owner)) {
            osh_verdict_clear(verdict);
            *verdict = of_owner;
            return FALSE;
        }
        osh_verdict_clear(&of_owner);
    }
    return TRUE;
}

/* Returns: (transfer full) (nullable): why a program that owns @connection too may no more. */
static char *
judge_owners_objection(OshConnection *connection, OshDecisionOutcome *ret_outcome)
{
    for (guint i = 0; connection->co_owners != NULL && i < connection->co_owners->len; i++) {
        OshPeerIdentity *owner = connection->co_owners->pdata[i];

        if (osh_judge_owner(connection, owner))
            continue;
        *ret_outcome = OSH_DECISION_DENIED_POLICY;
        return g_strdup_printf("the policy changed: %s, which owns the connection too, is not "
                               "allowed it",
                               owner->shown_binary);
    }
    return NULL;
}

OshFlow
osh_judge_again(OshConnection *connection)
{
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshDecisionOutcome outcome;
    g_autofree char *objection = judge_objection(connection, &verdict, &outcome);
    OshFlow flow = OSH_FLOW_WAIT;

    if (objection == NULL)
        objection = judge_owners_objection(connection, &outcome);
    if (objection != NULL)
        flow = osh_refuse(connection, &(OshRefusal){
                                          .layer = connection->transport->name,
                                          .control = OSH_CONTROL_RELOAD,
                                          .outcome = outcome,
                                          .status = 403,
                                          .reason = objection,
                                          .verdict = &verdict,
                                          .end = "policy changed",
                                      });
    osh_verdict_clear(&verdict);
    return flow;
}
