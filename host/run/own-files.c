/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own-files.c: security rule 3, protected files, for the host itself. [main], before the box is
 * made.
 *
 * What a program of the box could replace is obeyed by the next run, if not by this one: so the
 * executable and its libraries count as much as the policy. It only looks; the launcher makes what
 * is listed read-only wherever a writable grant shows it.
 */
#include "own-files.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "file-chain.h"
#include "openshell/host.h"
#include "osh-path-walk.h"
#include "plugin-folders.h"

typedef struct {
    const OshOwnFilesRequest *request;
    GPtrArray *files;
} List;

/* Variables by which the environment makes a program load something, and what separates paths. */
static const struct {
    const char *name;
    const char *separators;
    gboolean empty_is_here; /* ld.so(8): an empty path is the working directory */
} variables[] = {
    {"LD_LIBRARY_PATH", ":;", TRUE},
    {"LD_PRELOAD", ": ", FALSE},
    {"LD_AUDIT", ":", FALSE},
    {"GCONV_PATH", ":", FALSE},
    {"GIO_EXTRA_MODULES", ":", FALSE},
    {"GIO_MODULE_DIR", "", FALSE},
    {"OPENSSL_CONF", "", FALSE},
    {"OPENSSL_ENGINES", "", FALSE},
    {"OPENSSL_MODULES", "", FALSE},
    /* Whom the network believes to be a server. */
    {"SSL_CERT_FILE", "", FALSE},
};

static gboolean
refuse_link(const char *what, const char *path, const char *link, GError **error)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                "%s %s is reached through the symbolic link %s, which programs in the box could "
                "replace: give the path that it leads to, or a policy that does not make the link "
                "writable",
                what, path, link);
    return FALSE;
}

static gboolean
is_in_writable(const List *list, const char *resolved)
{
    for (gsize i = 0; list->request->writable[i] != NULL; i++)
        if (osh_path_is_in(resolved, list->request->writable[i]))
            return TRUE;
    return FALSE;
}

static void
add_resolved(List *list, const char *resolved)
{
    if (!g_ptr_array_find_with_equal_func(list->files, resolved, g_str_equal, NULL))
        g_ptr_array_add(list->files, g_strdup(resolved));
}

static gboolean
add(List *list, const char *what, const char *path, GError **error)
{
    g_autofree char *link = osh_file_chain_writable_link(path, list->request->writable);
    g_autofree char *resolved = NULL;
    struct stat about;

    if (link != NULL)
        return refuse_link(what, path, link, error);
    resolved = osh_path_resolve(path);
    if (resolved == NULL)
        return TRUE;
    if (lstat(resolved, &about) == 0) {
        add_resolved(list, resolved);
        return TRUE;
    }
    if (errno != ENOENT || !is_in_writable(list, resolved))
        return TRUE;
    g_set_error(
        error, OSH_ERROR, OSH_ERROR_DENIED,
        "%s %s does not exist, and programs in the box could make it for the next run: make "
        "it first, name another one, or use a policy that does not make its place writable",
        what, path);
    return FALSE;
}

static gboolean
add_plugin_settings(List *list, const OshPlugin *plugin, GError **error)
{
    g_autofree char *what =
        g_strdup_printf("the configuration of plugin %s names", plugin->manifest->id);

    for (guint i = 0; i < plugin->manifest->config_keys->len; i++) {
        const OshManifestConfigKey *key = g_ptr_array_index(plugin->manifest->config_keys, i);
        const char *path;

        if (key->type == OSH_CONFIG_PATH &&
            g_variant_lookup(plugin->config, key->key, "&s", &path) &&
            !add(list, what, path, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
add_plugins(List *list, GError **error)
{
    const OshOwnFilesRequest *request = list->request;
    g_autoptr(GPtrArray) directories = osh_plugin_folders_list(request->options, request->config);
    const GPtrArray *plugins =
        request->registry != NULL ? osh_registry_plugins(request->registry) : NULL;
    gboolean build_tree;
    g_autofree char *own = osh_plugin_folders_own(&build_tree);

    for (guint i = 0; i < directories->len; i++)
        if (!add(list, "the plugin directory", g_ptr_array_index(directories, i), error))
            return FALSE;
    /* Where the next run looks for plugins although this one has found none. */
    if (own != NULL && !add(list, "the plugin directory", own, error))
        return FALSE;
    for (guint i = 0; plugins != NULL && i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin->config != NULL && !add_plugin_settings(list, plugin, error))
            return FALSE;
    }
    return TRUE;
}

/* proc_pid_maps(5): the path begins at the first slash; a file that was replaced is no path. The
 * kernel writes where the file is, without links. */
static void
add_mapped(List *list)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    const char *last = "";

    if (!g_file_get_contents("/proc/self/maps", &text, NULL, NULL))
        return;
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++) {
        const char *slash = strchr(lines[i], '/');
        /* A file is mapped in several parts, one below the other. */
        gboolean is_new = slash != NULL && !g_str_equal(slash, last);
        g_autofree char *path = is_new ? g_strcompress(slash) : NULL;

        if (is_new)
            last = slash;
        if (path != NULL && g_file_test(path, G_FILE_TEST_EXISTS))
            add_resolved(list, path);
    }
}

/* It is mapped as well; but the path by which it was started may be a link, and is used again. */
static gboolean
add_executable(List *list, GError **error)
{
    const char *started = (const char *)(gpointer)getauxval(AT_EXECFN);

    return started == NULL || !g_file_test(started, G_FILE_TEST_EXISTS) ||
           add(list, "the executable", started, error);
}

static gboolean
add_variable(List *list, gsize index, GError **error)
{
    const char *value = g_getenv(variables[index].name);
    g_auto(GStrv) paths = NULL;

    if (value == NULL || value[0] == '\0')
        return TRUE;
    paths = variables[index].separators[0] != '\0'
                ? g_strsplit_set(value, variables[index].separators, -1)
                : g_strsplit(value, "\n", 1);
    for (gsize i = 0; paths[i] != NULL; i++) {
        const char *path = paths[i][0] == '\0' && variables[index].empty_is_here ? "." : paths[i];

        /* A name without a slash in LD_PRELOAD is looked up in the other places. */
        if (path[0] == '\0' || (strchr(path, '/') == NULL && !variables[index].empty_is_here))
            continue;
        if (!add(list, variables[index].name, path, error))
            return FALSE;
    }
    return TRUE;
}

GPtrArray *
osh_own_files_list(const OshOwnFilesRequest *request, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    List list = {.request = request, .files = files};

    if (request->policy != NULL && !add(&list, "the policy", request->policy, error))
        return NULL;
    if (request->options->config != NULL &&
        !add(&list, "the configuration", request->options->config, error))
        return NULL;
    if (!add_plugins(&list, error) || !add_executable(&list, error))
        return NULL;
    add_mapped(&list);
    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
        if (!add_variable(&list, i, error))
            return NULL;
    g_ptr_array_add(files, NULL);
    return g_steal_pointer(&files);
}
