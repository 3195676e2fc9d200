/* SPDX-License-Identifier: Apache-2.0 */
/* middleware-check.h: whether the plugins take what a policy configures for them. */
#pragma once

#include "policy.h"
#include "registry.h"

G_BEGIN_DECLS

/**
 * osh_middlewares_check:
 * @registry: whose plugins are created
 * @snapshot: about to come into force
 * @diagnostics: gets an error for each entry of `network_middlewares` that is not taken
 *
 * [any] One call at a time. Returns: whether every entry is taken.
 */
gboolean osh_middlewares_check(OshRegistry *registry, const OshPolicySnapshot *snapshot,
                               OshPolicyDiagnostics *diagnostics);

G_END_DECLS
