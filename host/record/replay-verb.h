/* SPDX-License-Identifier: Apache-2.0 */
/* replay-verb.h: the verb `replay`. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_verb_replay: [main] `replay [--json] [--strict] [--plugin-dir DIR]... RECORDING POLICY`
 *
 * Returns: 0 when nothing changes, 1 when something does, 125 for a usage error or a file cannot
 *   be read
 */
int osh_verb_replay(int argc, char **argv);

G_END_DECLS
