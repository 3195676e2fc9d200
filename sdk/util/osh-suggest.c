/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The known word nearest to a mistyped one. Pure functions, any thread. A word longer than
 * WORD_MAX bytes gets no suggestion: the table is on the stack.
 */
#include "osh-suggest.h"

#include <string.h>

#define WORD_MAX 64

static guint
least(guint a, guint b, guint c)
{
    return MIN(MIN(a, b), c);
}

/* Optimal string alignment distance, row by row; the row before the last one is for swaps. */
static guint
edit_distance(const char *left, gsize left_length, const char *right, gsize right_length)
{
    guint rows[3][WORD_MAX + 1];

    for (guint j = 0; j <= right_length; j++)
        rows[0][j] = j;
    for (guint i = 1; i <= left_length; i++) {
        guint *row = rows[i % 3];
        const guint *above = rows[(i - 1) % 3];

        row[0] = i;
        for (guint j = 1; j <= right_length; j++) {
            guint change = left[i - 1] == right[j - 1] ? 0 : 1;

            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[left_length % 3][right_length];
}

const char *
osh_suggest(const char *word, const char *const *candidates)
{
    gsize length = strlen(word);
    guint best_distance = length <= 4 ? 2 : 3;
    const char *best = NULL;

    if (length == 0 || length > WORD_MAX)
        return NULL;
    for (gsize i = 0; candidates[i] != NULL; i++) {
        gsize candidate_length = strlen(candidates[i]);
        guint distance;

        if (candidate_length > WORD_MAX)
            continue;
        distance = edit_distance(word, length, candidates[i], candidate_length);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

char *
osh_suggest_clause(const char *word, const char *const *candidates)
{
    const char *found = osh_suggest(word, candidates);

    return found != NULL ? g_strdup_printf("; did you mean %s?", found) : g_strdup("");
}
