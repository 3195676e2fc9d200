/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden-folder.c: from the variable to a folder that is not the whole machine's. Any thread; no
 * state. Looks at text only.
 */
#include "hidden-folder.h"

#include <string.h>

#include "tree-error.h"

static gboolean
refuse(const char *value, const char *why, GError **error)
{
    g_autofree char *shown = g_strescape(value, NULL);

    g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                OSH_HIDDEN_FOLDER_VARIABLE " is \"%s\": %s", shown, why);
    return FALSE;
}

gboolean
osh_hidden_folder_parse(const char *socket, char **ret_folder, GError **error)
{
    static const char *const shared[] = {"/",    "/run", "/var", "/var/run",
                                         "/tmp", "/etc", "/usr", NULL};
    g_autofree char *value = g_strstrip(g_strdup(socket != NULL ? socket : ""));
    const char *path = g_str_has_prefix(value, "unix:") ? value + strlen("unix:") : value;
    g_autofree char *clean = NULL;
    g_autofree char *folder = NULL;

    *ret_folder = NULL;
    if (*value == '\0')
        return TRUE;
    if (g_str_has_prefix(value, "tcp:"))
        return refuse(value, "only a Unix socket can be hidden from a box", error);
    /* unix:///path, as the SPIFFE Workload Endpoint specification writes it */
    if (path != value && g_str_has_prefix(path, "//"))
        path += 2;
    if (path[0] != '/')
        return refuse(value, "it must be an absolute path", error);
    clean = g_canonicalize_filename(path, "/");
    folder = g_path_get_dirname(clean);
    if (g_strv_contains(shared, folder))
        return refuse(value,
                      "its folder is shared with what programs need; give the socket a "
                      "folder of its own",
                      error);
    *ret_folder = g_steal_pointer(&folder);
    return TRUE;
}
