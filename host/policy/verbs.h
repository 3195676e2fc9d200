/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: the policy verbs of the command line. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Each gets its own arguments: argv[0] is the verb, the rest what follows it. They write to
 * standard output, messages about their use to standard error.
 */

/**
 * osh_verb_check: [main] `check [--json] [--run] FILE...`
 *
 * Returns: 0 when every file loads, 1 when one does not, 125 when asked wrongly
 */
int osh_verb_check(int argc, char **argv);

/**
 * osh_verb_explain: [main] `explain POLICY [METHOD] URL --binary PATH [--ancestor PATH]...`
 *
 * Returns: 0 when allowed, 1 when denied, 125 when asked wrongly or the policy does not load
 */
int osh_verb_explain(int argc, char **argv);

/**
 * osh_verb_policy: [main] `policy VERB ...`: tools that turn policy files into others
 *
 * Returns: 0 when it could be done, 1 when the files do not allow it, 125 when asked wrongly
 */
int osh_verb_policy(int argc, char **argv);

G_END_DECLS
