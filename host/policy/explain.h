/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h: why a policy answers as it does. */
#pragma once

#include "policy.h"

G_BEGIN_DECLS

/**
 * OshPolicyExplanation:
 * @allowed: the answer
 * @text: (transfer full): several lines for a person
 *
 * Release with osh_policy_explanation_clear().
 */
typedef struct {
    gboolean allowed;
    char *text;
} OshPolicyExplanation;

/**
 * osh_policy_explain: [any]
 * @policy: the policy
 * @method: (nullable): method of the request; NULL asks about the connection only, unless @target
 *   names a URL with a path
 * @target: a URL, or HOST:PORT
 * @binary: absolute path of the executable
 * @ancestors: (nullable) (array zero-terminated=1): of its ancestors, nearest first
 * @ret_explanation: (out): the answer, which policy, endpoint and rule decided, what came close
 *   and why it failed, and what to add; untouched on failure
 * @error: return location for an error: @target is neither, or its path is refused
 *
 * Returns: FALSE on error
 */
gboolean osh_policy_explain(const OshPolicySnapshot *policy, const char *method, const char *target,
                            const char *binary, const char *const *ancestors,
                            OshPolicyExplanation *ret_explanation, GError **error);

/** osh_policy_explanation_clear: frees what it owns. */
void osh_policy_explanation_clear(OshPolicyExplanation *explanation);

G_END_DECLS
