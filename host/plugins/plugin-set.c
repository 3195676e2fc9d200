/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-set.c: finds plugins by their files and holds the configuration against their manifests.
 *
 * [main]. It must never load a file: everything here is known from manifests.
 */
#include "plugin-set.h"

#include "folder-names.h"

struct _OshPluginSet {
    GPtrArray *plugins; /* OshPlugin, owned */
};

OshPluginSet *
osh_plugin_set_new(void)
{
    OshPluginSet *set = g_new0(OshPluginSet, 1);

    set->plugins = g_ptr_array_new_with_free_func((GDestroyNotify)osh_plugin_free);
    return set;
}

void
osh_plugin_set_free(OshPluginSet *set)
{
    if (set == NULL)
        return;
    g_ptr_array_unref(set->plugins);
    g_free(set);
}

static void
add_file(OshPluginSet *set, const char *path)
{
    OshPlugin *plugin = osh_plugin_new(path);
    const OshPlugin *first =
        plugin->manifest != NULL ? osh_plugin_set_find(set, plugin->manifest->id) : NULL;

    g_ptr_array_add(set->plugins, plugin);
    if (first != NULL) {
        g_autofree char *reason = g_strdup_printf("the id is already taken by %s", first->path);

        osh_plugin_fail(plugin, "manifest", reason);
    }
}

gboolean
osh_plugin_set_scan(OshPluginSet *set, const char *directory, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GPtrArray) names = osh_folder_names(directory, ".so", &cause);

    if (names == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                    "cannot read the plugin directory %s: %s", directory, cause->message);
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(directory, g_ptr_array_index(names, i), NULL);

        add_file(set, path);
    }
    return TRUE;
}

const GPtrArray *
osh_plugin_set_plugins(const OshPluginSet *set)
{
    return set->plugins;
}

OshPlugin *
osh_plugin_set_find(const OshPluginSet *set, const char *id)
{
    for (guint i = 0; i < set->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(set->plugins, i);

        if (plugin->manifest != NULL && g_str_equal(plugin->manifest->id, id))
            return plugin;
    }
    return NULL;
}

OshPlugin *
osh_plugin_set_provider(const OshPluginSet *set, const char *interface_id)
{
    for (guint i = 0; i < set->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(set->plugins, i);

        if (osh_plugin_is_candidate(plugin) &&
            osh_manifest_provides(plugin->manifest, interface_id))
            return plugin;
    }
    return NULL;
}

OshPlugin *
osh_plugin_set_role(const OshPluginSet *set, const char *role)
{
    for (guint i = 0; i < set->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(set->plugins, i);

        if (osh_plugin_is_candidate(plugin) && g_strcmp0(plugin->manifest->role, role) == 0)
            return plugin;
    }
    return NULL;
}

gboolean
osh_plugin_set_check_config(const OshPluginSet *set, OshConfig *config, GError **error)
{
    g_autoptr(GPtrArray) manifests = g_ptr_array_new();

    for (guint i = 0; i < set->plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(set->plugins, i);

        if (plugin->manifest != NULL && osh_plugin_set_find(set, plugin->manifest->id) == plugin)
            g_ptr_array_add(manifests, plugin->manifest);
    }
    return osh_config_check(config, manifests, error);
}

static gboolean
lies_in_writable(const OshPlugin *plugin, const char *const *writable, const char **ret_directory)
{
    for (; *writable != NULL; writable++)
        if (osh_plugin_file_lies_below(plugin->file->path, *writable)) {
            *ret_directory = *writable;
            return TRUE;
        }
    return FALSE;
}

char *
osh_plugin_refusal(const OshPlugin *plugin, const char *const *writable)
{
    const char *directory;

    if (plugin->file == NULL || !lies_in_writable(plugin, writable, &directory))
        return NULL;
    return g_strdup_printf("programs in the box could replace it, because %s is writable for them: "
                           "start in a project's own folder, or name it with --workdir; or move "
                           "the plugin",
                           directory);
}

static gboolean
configure_plugin(OshPlugin *plugin, const OshConfig *config, const char *const *writable,
                 GError **error)
{
    g_autofree char *refusal = NULL;

    if (osh_config_enabled(config, plugin->manifest->id) == OSH_FALSE) {
        g_autofree char *reason =
            g_strdup_printf("--disable %s, or the configuration, says so", plugin->manifest->id);

        osh_plugin_set_state(plugin, OSH_PLUGIN_DISABLED, reason);
        return TRUE;
    }
    plugin->required = osh_config_required(config, plugin->manifest->id) == OSH_TRUE;
    refusal = osh_plugin_refusal(plugin, writable);
    if (refusal != NULL && plugin->required) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED, "the required plugin %s cannot be used: %s",
                    plugin->path, refusal);
        return FALSE;
    }
    if (refusal != NULL) {
        osh_plugin_fail(plugin, "manifest", refusal);
        return TRUE;
    }
    plugin->config = osh_config_for_plugin(config, plugin->manifest, error);
    return plugin->config != NULL;
}

gboolean
osh_plugin_set_configure(OshPluginSet *set, const OshConfig *config, const char *const *writable,
                         GError **error)
{
    for (guint i = 0; i < set->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(set->plugins, i);

        if (osh_plugin_is_candidate(plugin) && !configure_plugin(plugin, config, writable, error))
            return FALSE;
    }
    return TRUE;
}
