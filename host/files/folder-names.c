/* SPDX-License-Identifier: Apache-2.0 */
/* folder-names.c: the sorted names of a folder. Any thread; no state. */
#include "folder-names.h"

#include <string.h>

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
osh_folder_names(const char *path, const char *suffix, GError **error)
{
    g_autoptr(GDir) entries = g_dir_open(path, 0, error);
    GPtrArray *names;
    const char *name;

    if (entries == NULL)
        return NULL;
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(entries)) != NULL)
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}
