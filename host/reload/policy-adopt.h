/* SPDX-License-Identifier: Apache-2.0 */
/* policy-adopt.h: what a reading of the policy file means for the run. */
#pragma once

#include "policy-candidate.h"
#include "policy-reload.h"

G_BEGIN_DECLS

typedef struct _OshPolicyAdopt OshPolicyAdopt;

/** osh_policy_adopt_new: [main] Returns: (transfer full): for the policy that is in force now. */
OshPolicyAdopt *osh_policy_adopt_new(const OshPolicyReloadRequest *request);

/**
 * osh_policy_adopt_prepare:
 * @asked: a reload was requested, so a text that was rejected before is tried again
 *
 * [main] Says in @candidate what there is to compare with.
 */
void osh_policy_adopt_prepare(const OshPolicyAdopt *adopt, OshPolicyCandidate *candidate,
                              gboolean asked);

/**
 * osh_policy_adopt_candidate:
 * @candidate: read after osh_policy_adopt_prepare(), and stable
 *
 * [main] Swaps, keeps or begins a quarantine; announces it on the bus and on standard error.
 */
void osh_policy_adopt_candidate(OshPolicyAdopt *adopt, OshPolicyCandidate *candidate,
                                gboolean asked);

/** osh_policy_adopt_free: [main] @adopt: (transfer full) (nullable). */
void osh_policy_adopt_free(OshPolicyAdopt *adopt);

G_END_DECLS
