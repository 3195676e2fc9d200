/* SPDX-License-Identifier: Apache-2.0 */
/* reason.h: why a decision is not an allow, in words. Private to host/policy. */
#pragma once

#include "question.h"

/** osh_policy_network_reason: Returns: (transfer full): why a connection is refused. */
char *osh_policy_network_reason(const OshPolicySnapshot *snapshot,
                                const OshPolicyQuestion *question);

/**
 * osh_policy_request_reason:
 * @policy_name: (nullable): the policy that lets the connection through, if one does
 *
 * Returns: (transfer full): why a request is refused
 */
char *osh_policy_request_reason(const OshPolicyQuestion *question,
                                const OshPolicyRequestAnswer *answer, OshPolicyAction action,
                                const char *policy_name);
