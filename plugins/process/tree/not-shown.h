/* SPDX-License-Identifier: Apache-2.0 */
/* not-shown.h: why a command that exists is not found in the box. [main]. */
#pragma once

#include "mount-plan.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_not_shown_command:
 * @mounts: the tree of the box
 * @command: as it was given; looked up in @search_path unless it has a slash
 * @search_path: (nullable): PATH of the program
 * @workdir: what a relative @command starts from
 *
 * Returns: (transfer full) (nullable): what the policy does not show and what to do about it; %NULL
 *   when there is no such command outside of the box either
 */
char *osh_not_shown_command(const OshMountPlan *mounts, const char *command,
                            const char *search_path, const char *workdir);

G_END_DECLS
