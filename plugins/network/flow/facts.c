/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of a connection. Runs on its shard, copies nothing: every span is the connection's. Never
 * states what the client merely claims.
 */
#include "facts.h"

#include "identity-question.h"
#include "request-facts.h"

gsize
osh_connection_facts(const OshConnection *connection, OshFact facts[OSH_CONNECTION_FACTS])
{
    const OshPeerIdentity *peer = connection->peer;

    facts[0] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(connection->host));
    facts[1] = (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, connection->port);
    if (!connection->shard->network->config.identity_required) {
        facts[2] =
            (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_IDENTITY, OSH_SPAN_LITERAL("relaxed"));
        return 3;
    }
    facts[2] =
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_IDENTITY, OSH_SPAN_LITERAL("required"));
    if (peer == NULL)
        return 3;
    facts[3] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(peer->binary));
    facts[4] = (OshFact)OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, peer->ancestors,
                                              peer->n_ancestors);
    facts[5] =
        (OshFact)OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_CMDLINE, peer->cmdline, peer->n_cmdline);
    return 6;
}

const OshFact *
osh_facts_find(const OshFacts *facts, const char *name, OshFactType type)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (facts->facts[i].type == (guint32)type && g_strcmp0(facts->facts[i].name, name) == 0)
            return &facts->facts[i];
    return NULL;
}

OshSpan
osh_facts_string(const OshFacts *facts, const char *name)
{
    const OshFact *fact = osh_facts_find(facts, name, OSH_FACT_STRING);

    return fact != NULL ? fact->value.string : (OshSpan){"", 0};
}

void
osh_facts_record(const OshConnection *connection, const OshFacts *facts, OshDecisionOutcome outcome,
                 const OshVerdict *verdict)
{
    const OshInterface *policy = &connection->shard->network->policy;
    gsize n_addresses;
    const struct in6_addr *addresses = osh_connection_addresses(connection, &n_addresses);
    const OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = outcome,
        .layer = connection->transport->name,
        .facts = facts,
        .verdict = verdict,
        .addresses = addresses,
        .n_addresses = n_addresses,
    };

    if (osh_policy_interface_is_recording(policy))
        osh_policy_interface_record(policy, &decision);
}

void
osh_connection_record(const OshConnection *connection, OshDecisionOutcome outcome,
                      const OshVerdict *verdict)
{
    OshFact facts[OSH_CONNECTION_FACTS + OSH_REQUEST_FACTS];
    OshFacts set = {facts, 0};

    if (connection->host == NULL ||
        !osh_policy_interface_is_recording(&connection->shard->network->policy))
        return;
    set.n_facts = osh_connection_facts(connection, facts);
    if (connection->request != NULL)
        set.n_facts += osh_request_facts(connection->request, facts + set.n_facts);
    osh_facts_record(connection, &set, outcome, verdict);
}
