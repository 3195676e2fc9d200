/* SPDX-License-Identifier: Apache-2.0 */
/* reason.h: why a decision is not an allow, in words. Private to host/policy. */
#pragma once

#include "question.h"

/** osh_policy_network_reason: Returns: (transfer full): why a connection is refused. */
char *osh_policy_network_reason(const OshPolicySnapshot *snapshot,
                                const OshPolicyQuestion *question);

/**
 * osh_policy_request_reason:
 * @call: (nullable): the JSON-RPC call that was refused
 * @verdict: what was decided so far
 *
 * Returns: (transfer full): why the request is refused
 */
char *osh_policy_request_reason(const OshPolicyQuestion *question,
                                const OshPolicyRequestAnswer *answer, const OshFactRecord *call,
                                const OshPolicyVerdict *verdict);

/** osh_policy_encoded_slash_reason: @selected: (nullable). Returns: (transfer full): why a path
 * that holds an encoded slash is refused. */
char *osh_policy_encoded_slash_reason(const OshPolicyEndpoint *selected);

/** osh_policy_append_span: appends @span with its control bytes escaped, cut when very long. */
void osh_policy_append_span(GString *text, OshSpan span);

/** osh_policy_append_deny_rule: appends which deny rule refuses it, its query keys without values.
 * @rule: (nullable): nothing is appended then */
void osh_policy_append_deny_rule(GString *text, const OshPolicyRule *rule);

/** osh_policy_append_query_reason: appends which query keys keep an allow rule from matching, and
 * none of their values; nothing where the query is not what refuses it. */
void osh_policy_append_query_reason(GString *text, const OshPolicyQuestion *question,
                                    const OshPolicyRequestAnswer *answer);

/** osh_policy_append_facts_reason: why a message of a plugin's protocol is denied. */
void osh_policy_append_facts_reason(GString *text, const OshPolicyQuestion *question,
                                    const OshPolicyRequestAnswer *answer);
