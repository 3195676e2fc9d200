/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: the policy verbs of the command line. */
#pragma once

#include <glib.h>

#include "protocol-table.h"

G_BEGIN_DECLS

/*
 * Each gets its own arguments: argv[0] is the verb, the rest what follows it. They write to
 * standard output, messages about their use to standard error.
 */

/**
 * OshPolicyProtocolsFunc: [main]
 * @directories: (nullable) (array zero-terminated=1): of --plugin-dir
 *
 * Returns: (transfer full) (nullable): the protocols of the plugins there and of our own
 */
typedef OshPolicyProtocolTable *(*OshPolicyProtocolsFunc)(const char *const *directories,
                                                          GError **error);

/**
 * osh_verb_check: [main] `check [--json] [--run] [--openshell] [--strict] FILE...`
 *
 * Returns: 0 when every file loads, 1 when one does not, 125 for a usage error
 */
int osh_verb_check(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/**
 * osh_verb_explain: [main] `explain POLICY [METHOD] URL --binary PATH [--ancestor PATH]...`
 *
 * Returns: 0 when allowed, 1 when denied, 125 for a usage error or the policy does not load
 */
int osh_verb_explain(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/**
 * osh_verb_policy: [main] `policy VERB ...`: tools that turn policy files into others
 *
 * Returns: 0 when it could be done, 1 when the files do not allow it, 125 for a usage error
 */
int osh_verb_policy(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

G_END_DECLS
