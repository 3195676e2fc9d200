/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-folders.c: where the host looks for plugins and for its own data. [main]; no state.
 */
#include "plugin-folders.h"

#include <string.h>

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What @built in a build tree, and @installed, lies beside the executable. */
static char *
own_folder(const char *built, const char *installed, gboolean *ret_build_tree)
{
    g_autofree char *executable = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = executable != NULL ? g_path_get_dirname(executable) : NULL;
    g_autofree char *name = directory != NULL ? g_path_get_basename(directory) : NULL;
    g_autofree char *above = directory != NULL ? g_path_get_dirname(directory) : NULL;

    if (directory == NULL)
        return NULL;
    *ret_build_tree = g_str_equal(name, "host");
    return g_build_filename(above, *ret_build_tree ? built : installed, NULL);
}

char *
osh_plugin_folders_own(gboolean *ret_build_tree)
{
    return own_folder("plugins", OSH_PLUGIN_LIBDIR, ret_build_tree);
}

char *
osh_plugin_folders_own_data(gboolean *ret_build_tree)
{
    return own_folder("data", OSH_DATADIR, ret_build_tree);
}

/* The folders of a build tree: plugins/NAME/ beside host/. */
static GPtrArray *
build_tree_directories(const char *plugins)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) directory = g_dir_open(plugins, 0, NULL);
    const char *name;

    while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(plugins, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_str_equal(name, "example"))
            g_ptr_array_add(found, g_steal_pointer(&path));
    }
    g_ptr_array_sort(found, compare_paths);
    return found;
}

static void
add_own_directories(GPtrArray *directories)
{
    gboolean build_tree = FALSE;
    g_autofree char *own = osh_plugin_folders_own(&build_tree);

    if (own != NULL && build_tree) {
        g_autofree char *clean = g_canonicalize_filename(own, NULL);
        g_autoptr(GPtrArray) found = build_tree_directories(clean);

        for (guint i = 0; i < found->len; i++)
            g_ptr_array_add(directories, g_strdup(g_ptr_array_index(found, i)));
    } else if (own != NULL && g_file_test(own, G_FILE_TEST_IS_DIR)) {
        g_ptr_array_add(directories, g_steal_pointer(&own));
    }
}

GPtrArray *
osh_plugin_folders_list(const OshOptions *options, const OshConfig *config)
{
    GPtrArray *directories = g_ptr_array_new_with_free_func(g_free);
    GVariant *configured = osh_config_host(config, "plugin-dirs");

    for (guint i = 0; i < options->plugin_dirs->len; i++)
        g_ptr_array_add(directories, g_strdup(g_ptr_array_index(options->plugin_dirs, i)));
    for (gsize i = 0; configured != NULL && i < g_variant_n_children(configured); i++) {
        const char *directory;

        g_variant_get_child(configured, i, "&s", &directory);
        g_ptr_array_add(directories, g_strdup(directory));
    }
    add_own_directories(directories);
    return directories;
}

gboolean
osh_plugin_folders_scan(OshRegistry *registry, const OshOptions *options, const OshConfig *config,
                        GError **error)
{
    g_autoptr(GPtrArray) directories = osh_plugin_folders_list(options, config);

    for (guint i = 0; i < directories->len; i++)
        if (!osh_registry_scan(registry, g_ptr_array_index(directories, i), error))
            return FALSE;
    return TRUE;
}
