/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h: recorded decisions, made again with another policy. Pure; [any]. */
#pragma once

#include "policy.h"
#include "recording.h"

G_BEGIN_DECLS

/**
 * OshReplayAnswer:
 * @OSH_REPLAY_DENIED: it would be refused
 * @OSH_REPLAY_PASSES: it would be let through, by a rule or because that is only audited
 * @OSH_REPLAY_UNKNOWN: the recording does not hold what the answer depends on
 */
typedef enum {
    OSH_REPLAY_DENIED,
    OSH_REPLAY_PASSES,
    OSH_REPLAY_UNKNOWN,
} OshReplayAnswer;

/**
 * OshReplayResult:
 * @answer: an #OshReplayAnswer
 * @is_audited: it passes only because its endpoint audits
 * @address_is_open: it passes if its addresses do: they were not recorded
 * @is_inspected: an endpoint judges each request of it
 * @policy: (nullable): key of the policy that decided; borrowed from the snapshot
 * @rule: (nullable): the rule in words; borrowed likewise
 * @selected: (nullable): the endpoint whose options apply; borrowed likewise
 * @reason: (nullable): why not, or why it cannot be told; owned
 *
 * Release with osh_replay_result_clear().
 */
typedef struct {
    OshReplayAnswer answer;
    gboolean is_audited;
    gboolean address_is_open;
    gboolean is_inspected;
    const char *policy;
    const char *rule;
    const OshPolicyEndpoint *selected;
    char *reason;
} OshReplayResult;

/**
 * osh_replay: [any]
 * @policy: the policy to ask
 * @row: a decision
 * @ret_result: (out): the answer
 *
 * Asks decide() about the connection and, where an endpoint inspects it, about the request, then
 * the destination check about the recorded addresses.
 */
void osh_replay(const OshPolicySnapshot *policy, const OshRecordedDecision *row,
                OshReplayResult *ret_result);

/** osh_replay_passed: Returns: whether @row was let through when it was recorded. */
gboolean osh_replay_passed(const OshRecordedDecision *row);

/** osh_replay_has_request: Returns: whether @row knows more than the connection. */
gboolean osh_replay_has_request(const OshRecordedDecision *row);

/** osh_replay_result_clear: frees what @result owns. */
void osh_replay_result_clear(OshReplayResult *result);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshReplayResult, osh_replay_result_clear)

G_END_DECLS
