/* SPDX-License-Identifier: Apache-2.0 */
/* fixed-changes.h: what of a new policy cannot reach a box that already runs. */
#pragma once

#include "policy.h"

G_BEGIN_DECLS

/**
 * OshPolicyFixedChange:
 * @line: what changed, for people; ends in "needs a restart"
 * @is_addition: a path was added, which a live policy may do (it takes effect at the next start);
 *   anything else must not change while a box runs
 */
typedef struct {
    char *line;
    gboolean is_addition;
} OshPolicyFixedChange;

/** osh_policy_fixed_change_free: @change: (nullable) (transfer full): frees it. */
void osh_policy_fixed_change_free(OshPolicyFixedChange *change);

/**
 * osh_policy_fixed_changes: [any]
 * @before: of the policy that the box was started with
 * @after: of the new one
 *
 * Compares the filesystem, Landlock and process parts. The order of paths means nothing.
 *
 * Returns: (transfer full) (element-type OshPolicyFixedChange): every difference; empty when there
 *   is none
 */
GPtrArray *osh_policy_fixed_changes(const OshPolicyFixed *before, const OshPolicyFixed *after);

/**
 * osh_policy_fixed_is_additive: [any]
 * @changes: what osh_policy_fixed_changes() returned
 *
 * Returns: TRUE when every change adds a path
 */
gboolean osh_policy_fixed_is_additive(const GPtrArray *changes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyFixedChange, osh_policy_fixed_change_free)

G_END_DECLS
