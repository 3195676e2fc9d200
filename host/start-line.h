/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start-line.h: the one line that says what was achieved.
 */
#pragma once

#include "openshell/ext/process-launcher.h"
#include "policy.h"
#include "registry.h"

G_BEGIN_DECLS

/**
 * osh_start_line:
 * @box: (nullable): NULL where no command is run
 * @policy: what is in force
 * @policy_given: FALSE when the default stands in
 * @network: whether the box has listeners
 *
 * [main] Returns: (transfer full): one line, and one more for each thing that must be known,
 *   without a final newline
 */
char *osh_start_line(OshRegistry *registry, const OshBoxInfo *box, const OshPolicySnapshot *policy,
                     gboolean policy_given, gboolean network);

G_END_DECLS
