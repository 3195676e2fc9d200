/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c: makes a recorded decision again.
 *
 * Pure; [any]. The same functions answer as in a run: osh_policy_decide() and
 * osh_destination_check(). Where the recording does not hold what an answer depends on, the answer
 * is that it cannot be told, never a guess.
 */
#include "replay.h"

#include <string.h>

#include "osh-destination.h"

#define MAX_CONNECTION_FACTS 8

gboolean
osh_replay_passed(const OshRecordedDecision *row)
{
    return row->outcome == OSH_DECISION_ALLOWED || row->outcome == OSH_DECISION_AUDITED;
}

gboolean
osh_replay_has_request(const OshRecordedDecision *row)
{
    for (gsize i = 0; i < row->facts.n_facts; i++)
        if (!osh_recorded_is_connection_fact(row->facts.facts[i].name))
            return TRUE;
    return FALSE;
}

void
osh_replay_result_clear(OshReplayResult *result)
{
    g_clear_pointer(&result->reason, g_free);
}

static void
answer_with(OshReplayResult *result, OshReplayAnswer answer, const char *reason)
{
    result->answer = answer;
    g_free(result->reason);
    result->reason = g_strdup(reason);
}

static gboolean
is_inspected(const OshPolicyVerdict *verdict)
{
    return verdict->selected != NULL &&
           osh_policy_protocol_is_inspected(verdict->selected->protocol);
}

static void
note_verdict(OshReplayResult *result, const OshPolicyVerdict *verdict)
{
    result->policy = verdict->policy_name;
    result->rule = verdict->rule;
    result->selected = verdict->selected;
    g_free(result->reason);
    result->reason = g_strdup(verdict->reason);
}

/* Asks about some of the facts. */
static void
decide(const OshPolicySnapshot *policy, const OshRecordedDecision *row, gboolean connection_only,
       OshPolicyVerdict *ret_verdict)
{
    OshFact facts[MAX_CONNECTION_FACTS];
    OshFacts set = {facts, 0};

    if (!connection_only) {
        osh_policy_decide(policy, &row->facts, ret_verdict);
        return;
    }
    for (gsize i = 0; i < row->facts.n_facts && set.n_facts < MAX_CONNECTION_FACTS; i++)
        if (osh_recorded_is_connection_fact(row->facts.facts[i].name))
            facts[set.n_facts++] = row->facts.facts[i];
    osh_policy_decide(policy, &set, ret_verdict);
}

/* Returns: FALSE when an address, or the port, is refused. */
static gboolean
check_destination(const OshRecordedDecision *row, const OshPolicyVerdict *verdict,
                  OshReplayResult *result)
{
    const OshFact *host = osh_recorded_fact(row, OSH_FACT_NETWORK_HOST, OSH_FACT_STRING);
    const OshFact *port = osh_recorded_fact(row, OSH_FACT_NETWORK_PORT, OSH_FACT_INTEGER);
    g_autofree char *name = g_strndup(host->value.string.data, host->value.string.length);
    const struct in6_addr *addresses = row->addresses;
    gsize n_addresses = row->n_addresses;
    struct in6_addr literal;
    gboolean is_literal = osh_address_mapped_parse(name, &literal);
    OshDestinationRequest request = {
        .host = name,
        .port = (guint16)port->value.integer,
        .exact_declared_host = verdict->exact_declared_host,
        .allowed = verdict->selected != NULL ? verdict->selected->allowed_cidrs : NULL,
        .n_allowed = verdict->selected != NULL ? verdict->selected->n_allowed_ips : 0,
    };
    char *reason = NULL;

    if (is_literal) {
        addresses = &literal;
        n_addresses = 1;
    }
    result->address_is_open = n_addresses == 0;
    if (osh_destination_check(&request, addresses, n_addresses, NULL, &reason))
        return TRUE;
    answer_with(result, OSH_REPLAY_DENIED, reason);
    g_free(reason);
    return FALSE;
}

/* Every request is judged: what is known of this one? */
static void
replay_request(const OshPolicySnapshot *policy, const OshRecordedDecision *row,
               OshReplayResult *result)
{
    g_auto(OshPolicyVerdict) verdict = {0};

    if (!osh_replay_has_request(row)) {
        if (row->protocol[0] == '\0')
            answer_with(result, OSH_REPLAY_UNKNOWN,
                        "the policy would judge its requests, and none of them is recorded");
        return;
    }
    if (row->omits || row->withholds_request) {
        answer_with(result, OSH_REPLAY_UNKNOWN,
                    "the policy would judge something of the request that is not recorded");
        return;
    }
    decide(policy, row, FALSE, &verdict);
    note_verdict(result, &verdict);
    if (verdict.action == OSH_POLICY_ALLOW) {
        result->answer = OSH_REPLAY_PASSES;
    } else if (osh_policy_verdict_is_softened(&verdict)) {
        result->answer = OSH_REPLAY_PASSES;
        result->is_audited = TRUE;
    } else if (verdict.action == OSH_POLICY_ERROR && row->withholds_content) {
        answer_with(result, OSH_REPLAY_UNKNOWN,
                    "a rule asks for the value of a query or an argument, which is not recorded");
    } else {
        result->answer = OSH_REPLAY_DENIED;
    }
}

/* Of a query to the resolver only the name is known. */
static void
replay_name(const OshPolicySnapshot *policy, const OshRecordedDecision *row,
            OshReplayResult *result)
{
    const OshFact *host = osh_recorded_fact(row, OSH_FACT_NETWORK_HOST, OSH_FACT_STRING);
    g_autofree char *name =
        host != NULL ? g_strndup(host->value.string.data, host->value.string.length) : g_strdup("");

    if (osh_policy_name_is_known(policy, name))
        result->answer = OSH_REPLAY_PASSES;
    else
        answer_with(result, OSH_REPLAY_DENIED, "the policy allows this name to no program");
}

/* What no policy changes, and what cannot be asked. Returns: TRUE when there is more to ask. */
static gboolean
replay_begins(const OshRecordedDecision *row, OshReplayResult *result)
{
    if (row->outcome == OSH_DECISION_DENIED_IDENTITY) {
        answer_with(result, OSH_REPLAY_DENIED, "the program could not be identified");
        return FALSE;
    }
    if (row->outcome == OSH_DECISION_DENIED_HARD) {
        answer_with(result, OSH_REPLAY_DENIED, "refused whatever a policy says");
        return FALSE;
    }
    if (row->withholds_connection) {
        answer_with(result, OSH_REPLAY_UNKNOWN,
                    "the program or the host is withheld from the recording");
        return FALSE;
    }
    return TRUE;
}

void
osh_replay(const OshPolicySnapshot *policy, const OshRecordedDecision *row,
           OshReplayResult *ret_result)
{
    g_auto(OshPolicyVerdict) verdict = {0};

    memset(ret_result, 0, sizeof *ret_result);
    if (!replay_begins(row, ret_result))
        return;
    if (strcmp(row->layer, "dns") == 0) {
        replay_name(policy, row, ret_result);
        return;
    }
    decide(policy, row, TRUE, &verdict);
    note_verdict(ret_result, &verdict);
    if (verdict.action != OSH_POLICY_ALLOW)
        return;
    ret_result->answer = OSH_REPLAY_PASSES;
    ret_result->is_inspected = is_inspected(&verdict);
    if (!check_destination(row, &verdict, ret_result))
        return;
    if (ret_result->is_inspected)
        replay_request(policy, row, ret_result);
}
