/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h: yes, no and unknown, and the one place where such answers are folded into one.
 *
 * A comparison that had to consult a broken glob, or a fact that is not as declared, is unknown.
 * What several comparisons say together is the answer of highest rank among them; which rank an
 * answer has depends on what they are together. Unknown ranks above whatever would allow, so it
 * ends in a denial wherever it could have mattered. Pure, [any].
 */
#pragma once

#include <glib.h>

typedef enum {
    OSH_POLICY_NO,
    OSH_POLICY_YES,
    OSH_POLICY_UNKNOWN,
} OshPolicyAnswer;

/**
 * OshPolicyFold: the answers from the highest rank to the lowest, which is also that of none.
 * @OSH_POLICY_FOLD_CONDITIONS: no, unknown, yes: the conditions of one rule, all of which must
 *   hold; the records and operations of one message, all of which must be allowed
 * @OSH_POLICY_FOLD_EVERY: unknown, no, yes: the values that an allow rule needs to match, each
 * @OSH_POLICY_FOLD_ANY: unknown, yes, no: the values of which a deny rule needs one, the globs of
 *   one matcher, the allow rules of all endpoints
 * @OSH_POLICY_FOLD_FIRST_YES: yes, unknown, no: the deny rules of all endpoints, the programs of
 *   a policy
 */
typedef enum {
    OSH_POLICY_FOLD_CONDITIONS,
    OSH_POLICY_FOLD_EVERY,
    OSH_POLICY_FOLD_ANY,
    OSH_POLICY_FOLD_FIRST_YES,
} OshPolicyFold;

/**
 * OSH_POLICY_FOLD_OF_VALUES: what the values of one fact are together.
 * @all: an allow rule asks, so every value has to match; a deny rule is content with one
 */
#define OSH_POLICY_FOLD_OF_VALUES(all) ((all) ? OSH_POLICY_FOLD_EVERY : OSH_POLICY_FOLD_ANY)

/** osh_policy_fold_rank: Returns: 0 to 2, the rank of @answer in @fold. */
static inline guint
osh_policy_fold_rank(OshPolicyFold fold, OshPolicyAnswer answer)
{
    static const guint8 ranks[][3] = {
        [OSH_POLICY_FOLD_CONDITIONS] = {[OSH_POLICY_NO] = 2, [OSH_POLICY_UNKNOWN] = 1},
        [OSH_POLICY_FOLD_EVERY] = {[OSH_POLICY_UNKNOWN] = 2, [OSH_POLICY_NO] = 1},
        [OSH_POLICY_FOLD_ANY] = {[OSH_POLICY_UNKNOWN] = 2, [OSH_POLICY_YES] = 1},
        [OSH_POLICY_FOLD_FIRST_YES] = {[OSH_POLICY_YES] = 2, [OSH_POLICY_UNKNOWN] = 1},
    };

    return ranks[fold][answer];
}

/** osh_policy_fold_none: Returns: what no answer at all is in @fold: the one of lowest rank. */
static inline OshPolicyAnswer
osh_policy_fold_none(OshPolicyFold fold)
{
    return fold == OSH_POLICY_FOLD_CONDITIONS || fold == OSH_POLICY_FOLD_EVERY ? OSH_POLICY_YES
                                                                               : OSH_POLICY_NO;
}

/**
 * osh_policy_fold_add:
 * @answer: (inout): what was said so far; begin with osh_policy_fold_none()
 * @one: one more answer
 *
 * Returns: TRUE when no further answer can change it
 */
static inline gboolean
osh_policy_fold_add(OshPolicyFold fold, OshPolicyAnswer *answer, OshPolicyAnswer one)
{
    if (osh_policy_fold_rank(fold, one) > osh_policy_fold_rank(fold, *answer))
        *answer = one;
    return osh_policy_fold_rank(fold, *answer) == 2;
}

/**
 * osh_policy_unstated:
 * @all: an allow rule asks
 *
 * Returns: how a rule matches a fact that is absent: no allow rule does, every deny rule does
 */
static inline OshPolicyAnswer
osh_policy_unstated(gboolean all)
{
    return all ? OSH_POLICY_NO : OSH_POLICY_YES;
}
