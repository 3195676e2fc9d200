/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-protocols.h: the protocols that the manifests of plugin files declare.
 */
#pragma once

#include <glib.h>

#include "config.h"
#include "options.h"
#include "protocol-table.h"

G_BEGIN_DECLS

/**
 * osh_plugin_protocols_find:
 * @options: where plugins are, as for a run
 * @config: the same, and which are disabled
 * @notices: (nullable) (element-type utf8): gets a line for each declaration that is not taken
 * @error: return location: a folder that cannot be read
 *
 * [main] Reads manifests and runs no code. Of plugins with the same id the first counts, as in a
 * run; so does the first that declares a protocol.
 *
 * Returns: (transfer full) (nullable): the protocols
 */
OshPolicyProtocolTable *osh_plugin_protocols_find(const OshOptions *options,
                                                  const OshConfig *config, GPtrArray *notices,
                                                  GError **error);

/**
 * osh_plugin_protocols_for_verb:
 * @directories: (nullable) (array zero-terminated=1): of --plugin-dir
 * @error: return location
 *
 * [main] The same without a configuration, for the verbs that read policies. Notices go to standard
 * error.
 *
 * Returns: (transfer full) (nullable): the protocols
 */
OshPolicyProtocolTable *osh_plugin_protocols_for_verb(const char *const *directories,
                                                      GError **error);

G_END_DECLS
