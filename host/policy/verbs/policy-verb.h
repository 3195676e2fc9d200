/* SPDX-License-Identifier: Apache-2.0 */
/* policy-verb.h: the sub-verbs of `policy`, as the table in policy-verb.c calls them. */
#pragma once

#include "draft.h"
#include "verb-words.h"
#include "verbs.h"

G_BEGIN_DECLS

/*
 * Each gets its own arguments, argv[0] is its name, and a way to find the protocols of plugins. The
 * result goes to standard output, every other word to standard error. They return 0 when it could
 * be done, 1 when the files do not allow it, OSH_VERB_ASKED_WRONGLY.
 */

/** osh_policy_verb_format: `format [--drop-comments] FILE`. */
int osh_policy_verb_format(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/** osh_policy_verb_merge: `merge [--proposed] POLICY OPERATIONS`. */
int osh_policy_verb_merge(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/** osh_policy_verb_compose: `compose [--replace] FILE... [--provider NAME=FILE]...`. */
int osh_policy_verb_compose(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/** osh_policy_verb_covers: `covers POLICY OPERATIONS`. */
int osh_policy_verb_covers(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

/** osh_policy_verb_complain: prints errors and warnings to standard error. */
void osh_policy_verb_complain(OshPolicyDiagnostics *diagnostics);

/** osh_policy_verb_say: prints `KIND: MESSAGE` to standard error, escaped. */
void osh_policy_verb_say(const char *kind, const char *message);

/**
 * osh_policy_verb_read: reads a policy; its warnings come again with what is made of it, so only a
 * refusal is told.
 * @path: `-` is standard input
 * @flags: #OshPolicyLoadFlags
 * @tell_comments: whether to warn that comments do not survive
 *
 * Returns: (transfer full) (nullable): NULL after saying why
 */
OshDraft *osh_policy_verb_read(OshPolicyProtocolTable *protocols, const char *path, guint flags,
                               gboolean tell_comments);

/**
 * osh_policy_verb_print_result: loads @draft once, as it is printed, so that nothing is printed
 * that would not load.
 * @name: what to call it in messages
 *
 * Returns: the exit code
 */
int osh_policy_verb_print_result(OshPolicyProtocolTable *protocols, const OshDraft *draft,
                                 const char *name);

/** osh_policy_verb_print: prints @draft as YAML. Returns: FALSE, after saying why, when it cannot.
 */
gboolean osh_policy_verb_print(const OshDraft *draft);

#define OSH_POLICY_VERB_PLUGIN_DIR "Folder of plugins whose protocols the policy names; repeatable"

G_END_DECLS
