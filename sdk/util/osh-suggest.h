/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-suggest.h: "did you mean": the known word nearest to one that is not known.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_suggest:
 * @word: what was written
 * @candidates: (array zero-terminated=1): the words that would have been right
 *
 * Two edits at most (one for a short word), a swap of neighbours counting as one: further away a
 * suggestion is a guess.
 *
 * Returns: (transfer none) (nullable): the nearest candidate, the first of equals
 */
const char *osh_suggest(const char *word, const char *const *candidates);

/**
 * osh_suggest_clause:
 * @word: as above
 * @candidates: as above
 *
 * Returns: (transfer full): "; did you mean WORD?", or an empty string
 */
char *osh_suggest_clause(const char *word, const char *const *candidates);

G_END_DECLS
