/* SPDX-License-Identifier: Apache-2.0 */
/* normalise.c: lexical normalisation of paths. No state, any thread. */
#include "normalise.h"

#include <string.h>

char *
osh_policy_normalise_path(const char *path, gboolean fold_parents)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    g_autofree char *joined = NULL;
    gboolean absolute = path[0] == '/';

    for (guint i = 0; parts[i] != NULL; i++) {
        if (parts[i][0] == '\0' || strcmp(parts[i], ".") == 0)
            continue;
        if (fold_parents && strcmp(parts[i], "..") == 0) {
            if (kept->len > 0)
                g_ptr_array_set_size(kept, (gint)kept->len - 1);
            continue;
        }
        g_ptr_array_add(kept, parts[i]);
    }
    g_ptr_array_add(kept, NULL);
    joined = g_strjoinv("/", (char **)kept->pdata);
    return absolute ? g_strconcat("/", joined, NULL) : g_steal_pointer(&joined);
}
