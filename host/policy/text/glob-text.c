/* SPDX-License-Identifier: Apache-2.0 */
/* glob-text.c: text that is to be matched as it is, in a glob. Pure, any thread. */
#include "glob-text.h"

#include <string.h>

void
osh_glob_append_literal(GString *glob, const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (strchr(OSH_GLOB_SYNTAX, text[i]) != NULL)
            g_string_append_c(glob, '\\');
        g_string_append_c(glob, text[i]);
    }
}
