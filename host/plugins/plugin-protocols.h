/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-protocols.h: the protocols that the manifests of plugins declare, and which are enforced.
 */
#pragma once

#include "plugin-set.h"
#include "protocol-table.h"

G_BEGIN_DECLS

/**
 * osh_plugin_protocols_read:
 * @set: the plugins that were found
 * @config: (nullable): checked; which of them are disabled
 * @notices: (nullable) (element-type utf8): gets a line for each declaration that is not taken
 *
 * [main] Of plugins with the same id the first counts, as in a run; so does the first that declares
 * a protocol.
 *
 * Returns: (transfer full): the protocols
 */
OshPolicyProtocolTable *osh_plugin_protocols_read(const OshPluginSet *set, const OshConfig *config,
                                                  GPtrArray *notices);

/**
 * osh_plugin_protocols_for_verb:
 * @directories: (nullable) (array zero-terminated=1): of --plugin-dir
 * @error: return location
 *
 * [main] Looks for plugins where a run does that has no configuration, for the verbs that read
 * policies. Notices go to standard error.
 *
 * Returns: (transfer full) (nullable): the protocols
 */
OshPolicyProtocolTable *osh_plugin_protocols_for_verb(const char *const *directories,
                                                      GError **error);

G_END_DECLS
