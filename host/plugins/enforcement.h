/* SPDX-License-Identifier: Apache-2.0 */
/* enforcement.h: what of a policy the plugins that are there enforce together. */
#pragma once

#include "plugin-set.h"

G_BEGIN_DECLS

/**
 * osh_plugin_enforcement:
 * @set: the plugins that were found
 * @config: (nullable): checked; which of them are disabled
 *
 * [main] A protocol is enforced when a plugin declares it and the plugin of the role network uses
 * openshell.l7-protocol; credentials and middleware when they have a provider that it uses.
 *
 * Returns: OSH_POLICY_ENFORCES_* of #OshPolicyLoadFlags
 */
guint osh_plugin_enforcement(const OshPluginSet *set, const OshConfig *config);

G_END_DECLS
