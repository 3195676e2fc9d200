/* SPDX-License-Identifier: Apache-2.0 */
/* attach-verb.h: `openshell-host attach`. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_verb_attach:
 * @argc: with the verb's name first
 * @argv: likewise
 *
 * [main] Joins the program of a run by its session socket until it ends or the detach keys are
 * typed. Returns: the program's exit code as a shell has it, 0 after the detach keys, 125 when it
 * cannot attach
 */
int osh_verb_attach(int argc, char **argv);

G_END_DECLS
