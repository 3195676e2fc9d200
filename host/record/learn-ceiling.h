/* SPDX-License-Identifier: Apache-2.0 */
/* learn-ceiling.h: what a ceiling is certain to allow. Private to host/record. */
#pragma once

#include "learn-site.h"

G_BEGIN_DECLS

/**
 * OshLearnCeiling: what it says of one host, port and binary.
 * @allows: the connection at least
 * @is_inspected: its rules judge every request
 * @verdict: of the connection
 *
 * Release with osh_learn_ceiling_clear().
 */
typedef struct {
    gboolean allows;
    gboolean is_inspected;
    OshPolicyVerdict verdict;
    const OshPolicySnapshot *policy;
} OshLearnCeiling;

/**
 * osh_learn_ceiling_ask:
 * @policy: (nullable): without one everything is allowed
 * @binary: path of a program that nobody else started, or the glob of any program
 */
void osh_learn_ceiling_ask(const OshPolicySnapshot *policy, const char *host, guint port,
                           const char *binary, OshLearnCeiling *ret_ceiling);

/**
 * osh_learn_ceiling_allows_rule:
 *
 * Returns: TRUE when whatever @rule allows is certain to be allowed by the ceiling too
 */
gboolean osh_learn_ceiling_allows_rule(const OshLearnCeiling *ceiling, const OshLearnRule *rule);

/** osh_learn_ceiling_clear: frees what it owns. */
void osh_learn_ceiling_clear(OshLearnCeiling *ceiling);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshLearnCeiling, osh_learn_ceiling_clear)

G_END_DECLS
