/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-folders.c: where the host looks for plugins and for its own data. [main]; no state.
 */
#include "plugin-folders.h"

#include "folder-names.h"

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
static void
add_build_tree(GPtrArray *directories, const char *plugins)
{
    g_autoptr(GPtrArray) names = osh_folder_names(plugins, "", NULL);

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autofree char *path = g_build_filename(plugins, g_ptr_array_index(names, i), NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            g_ptr_array_add(directories, g_steal_pointer(&path));
    }
}

static void
add_own_directories(GPtrArray *directories)
{
    gboolean build_tree = FALSE;
    g_autofree char *own = osh_plugin_folders_own(&build_tree);

    if (own != NULL && build_tree) {
        g_autofree char *clean = g_canonicalize_filename(own, NULL);

        add_build_tree(directories, clean);
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
osh_plugin_folders_scan(OshPluginSet *set, const OshOptions *options, const OshConfig *config,
                        GError **error)
{
    g_autoptr(GPtrArray) directories = osh_plugin_folders_list(options, config);

    for (guint i = 0; i < directories->len; i++)
        if (!osh_plugin_set_scan(set, g_ptr_array_index(directories, i), error))
            return FALSE;
    return TRUE;
}

OshPluginSet *
osh_plugin_folders_find(const OshOptions *options, OshConfig *config, GError **error)
{
    g_autoptr(OshPluginSet) set = osh_plugin_set_new();

    if (!osh_plugin_folders_scan(set, options, config, error) ||
        !osh_plugin_set_check_config(set, config, error))
        return NULL;
    return g_steal_pointer(&set);
}
