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
 * OshStartLine:
 * @registry: the plugins
 * @box: (nullable): NULL where no command is run
 * @workdir: (nullable): of the program
 * @policy: what is in force
 * @policy_given: FALSE when the default stands in
 * @policy_read_once: its file is not followed
 * @network: whether the box has listeners
 * @verbose: what the box is made of as well
 */
typedef struct {
    OshRegistry *registry;
    const OshBoxInfo *box;
    const char *workdir;
    const OshPolicySnapshot *policy;
    gboolean policy_given;
    gboolean policy_read_once;
    gboolean network;
    gboolean verbose;
} OshStartLine;

/**
 * osh_start_line:
 * @start: what was achieved
 *
 * [main] Returns: (transfer full): one line, and one more for each thing that must be known,
 *   without a final newline
 */
char *osh_start_line(const OshStartLine *start);

G_END_DECLS
