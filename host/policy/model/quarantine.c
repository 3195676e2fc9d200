/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quarantine.c: the snapshot that denies everything, for a run whose policy file was replaced by a
 * broken one and that is configured to deny then. [any].
 *
 * It is a snapshot like any other, so its users need no second rule. It must never change what a
 * box was made from: the fixed part is that of the policy before.
 */
#include "model.h"

#include <string.h>

OshPolicySnapshot *
osh_policy_quarantine(OshPolicySnapshot *kept, guint64 generation, const char *problem)
{
    OshPolicySnapshot *policy = kept->kept != NULL ? kept->kept : kept;
    OshPolicySnapshot *snapshot = osh_policy_snapshot_new(policy->file_name, generation);

    if (policy->protocols != NULL)
        snapshot->protocols = osh_policy_protocol_table_ref(policy->protocols);
    snapshot->kept = osh_policy_snapshot_ref(policy);
    memcpy(snapshot->sha256, policy->sha256, sizeof(snapshot->sha256));
    snapshot->fixed = policy->fixed;
    snapshot->static_part = policy->static_part;
    snapshot->needs_binaries = policy->needs_binaries;
    snapshot->quarantine = g_strdup_printf(
        "policy validation failed; fail-closed quarantine is active; candidate version "
        "%" G_GUINT64_FORMAT " rejected: %s",
        generation, problem);
    snapshot->index = osh_policy_index_build(snapshot);
    return snapshot;
}

const char *
osh_policy_quarantine_reason(const OshPolicySnapshot *snapshot)
{
    return snapshot->quarantine;
}
