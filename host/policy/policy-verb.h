/* SPDX-License-Identifier: Apache-2.0 */
/* policy-verb.h: the sub-verbs of `policy`, as the table in policy-verb.c calls them. */
#pragma once

#include "draft.h"
#include "verbs.h"

G_BEGIN_DECLS

#define OSH_POLICY_EXIT_USAGE 125

/*
 * Each gets its own arguments, argv[0] is its name. The result goes to standard output, every
 * other word to standard error.
 */

/** osh_policy_verb_format: `format [--drop-comments] FILE`. */
int osh_policy_verb_format(int argc, char **argv);

/** osh_policy_verb_merge: `merge [--proposed] POLICY OPERATIONS`. */
int osh_policy_verb_merge(int argc, char **argv);

/** osh_policy_verb_compose: `compose POLICY --provider NAME=FILE...`. */
int osh_policy_verb_compose(int argc, char **argv);

/** osh_policy_verb_covers: `covers POLICY OPERATIONS`. */
int osh_policy_verb_covers(int argc, char **argv);

/**
 * osh_policy_verb_parse:
 * @entries: (array zero-terminated=1): the options
 * @usage: how to write it
 *
 * Returns: FALSE when asked wrongly, after saying so on standard error
 */
gboolean osh_policy_verb_parse(int argc, char **argv, const GOptionEntry *entries,
                               const char *usage);

/** osh_policy_verb_complain: prints errors and warnings to standard error. */
void osh_policy_verb_complain(OshPolicyDiagnostics *diagnostics);

/** osh_policy_verb_print: prints @draft as YAML. Returns: FALSE, after saying why, when it cannot.
 */
gboolean osh_policy_verb_print(const OshDraft *draft);

G_END_DECLS
