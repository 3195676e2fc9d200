/* SPDX-License-Identifier: Apache-2.0 */
/* init-verb.h: `openshell-host init`: a first policy for this machine. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_verb_init: [main] `init [PROFILE] [--output FILE] [--force]`
 *
 * Returns: 0 when it is written or was only to be listed, 1 when a file is in the way, 125 when
 * asked wrongly or something could not be read or written
 */
int osh_verb_init(int argc, char **argv);

G_END_DECLS
