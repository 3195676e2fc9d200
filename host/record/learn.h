/* SPDX-License-Identifier: Apache-2.0 */
/* learn.h: the smallest readable policy that allows a recording. */
#pragma once

#include "draft.h"
#include "recording.h"
#include "verbs.h"

G_BEGIN_DECLS

/**
 * OshLearnOptions:
 * @name: what to call the recording
 * @ceiling: (nullable): a policy that must not be exceeded
 * @base: (nullable): whose files, process and middleware sections are taken
 * @requests: also learn rules about requests; without it only where an endpoint judged them when
 *   they were recorded, or where @ceiling does
 */
typedef struct {
    const char *name;
    const OshPolicySnapshot *ceiling;
    const OshDraft *base;
    gboolean requests;
} OshLearnOptions;

/**
 * OshLearned:
 * @text: the policy, with a comment that lists what needs a person
 * @left: (element-type utf8): that list: what was not learned, and why
 * @notes: (element-type utf8): what a person should look at though it was learned
 * @n_learned: different decisions that the policy allows
 */
typedef struct {
    char *text;
    GPtrArray *left;
    GPtrArray *notes;
    guint n_learned;
} OshLearned;

/**
 * osh_learn: [main]
 * @recording: what was decided
 * @options: how to learn
 * @error: return location: the result would not hold, so there is none
 *
 * The result is loaded and asked about every decision that it was learned from before it is given
 * out. Equal input gives equal output.
 *
 * Returns: (transfer full) (nullable): the policy
 */
OshLearned *osh_learn(const OshRecording *recording, const OshLearnOptions *options,
                      GError **error);

/** osh_learned_free: @learned: (transfer full) (nullable). */
void osh_learned_free(OshLearned *learned);

/**
 * osh_verb_policy_learn: [main]
 * `policy learn [--ceiling POLICY] [--base POLICY] [--requests] [--plugin-dir DIR]... [-o OUT]
 * RECORDING`
 *
 * @find_protocols: for the plugins that bring protocols to the ceiling and the base
 *
 * Returns: 0 when everything was learned, 1 when something is left for a person, 125 when asked
 *   wrongly or a file cannot be read
 */
int osh_verb_policy_learn(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLearned, osh_learned_free)

G_END_DECLS
