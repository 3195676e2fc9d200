/* SPDX-License-Identifier: Apache-2.0 */
/* verb-words.h: the words behind a verb about policies or recordings. */
#pragma once

#include "model.h"

/** OSH_VERB_ASKED_WRONGLY: exit code of a verb that did not understand its words. */
#define OSH_VERB_ASKED_WRONGLY 125

/**
 * osh_verb_parse: [main]
 * @verb: its name
 * @summary: what stands behind it in the first line of --help
 * @description: what stands under the options
 * @entries: its options
 *
 * Complains when the words are wrong; --help prints and ends the program.
 *
 * Returns: FALSE when it complained
 */
gboolean osh_verb_parse(const char *verb, const char *summary, const char *description,
                        const GOptionEntry *entries, int argc, char **argv);

/**
 * osh_verb_usage: [main] prints @problem, escaped, and @usage (nullable).
 *
 * Returns: %OSH_VERB_ASKED_WRONGLY
 */
int osh_verb_usage(const char *verb, const char *problem, const char *usage);
