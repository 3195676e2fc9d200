/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-glob.c: a separator byte, a pattern line and a value, against a plain recursive matcher.
 *
 * The recursive matcher knows only `*` and `?` without component rules, so it is consulted where
 * those are all there is; everything else is run for its memory safety and for symmetry.
 */
#include "osh-glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean
naive(const char *pattern, const char *value, const char *end, char separator, guint *budget)
{
    if (*budget == 0)
        return FALSE;
    (*budget)--;
    if (*pattern == '\0')
        return value == end;
    if (*pattern == '*') {
        for (const char *p = value;; p++) {
            if (naive(pattern + 1, p, end, separator, budget))
                return TRUE;
            if (p == end || (separator != '\0' && *p == separator))
                return FALSE;
        }
    }
    return value < end && *pattern == *value &&
           naive(pattern + 1, value + 1, end, separator, budget);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separators[] = {'/', '.', '\0'};
    const char *line_end;
    g_autofree char *pattern = NULL;
    g_autoptr(OshGlob) glob = NULL;
    OshGlobResult result;
    gsize length;
    char separator;
    guint budget = 20000;

    if (size < 2)
        return 0;
    separator = separators[data[0] % 3];
    line_end = memchr(data + 1, '\n', size - 1);
    if (line_end == NULL)
        return 0;
    pattern = g_strndup((const char *)data + 1, (gsize)(line_end - (const char *)data - 1));
    glob = osh_glob_new(pattern, separator, NULL);
    if (glob == NULL)
        return 0;
    length = size - (gsize)(line_end + 1 - (const char *)data);
    result = osh_glob_match(glob, line_end + 1, length);
    if (result == OSH_GLOB_INVALID && memchr(line_end + 1, '\0', length) == NULL)
        abort();
    if (!osh_glob_may_overlap(glob, glob) && result == OSH_GLOB_MATCHED)
        abort();
    if (result != OSH_GLOB_INVALID && strpbrk(pattern, "?[]{}\\,") == NULL &&
        strstr(pattern, "**") == NULL) {
        gboolean expected = naive(pattern, line_end + 1, line_end + 1 + length, separator, &budget);

        if (budget > 0 && expected != (result == OSH_GLOB_MATCHED))
            abort();
    }
    return 0;
}
