/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c: the life of one plugin and the words for its failures.
 *
 * [main]. A plugin that fails is remembered with the stage and the reason and never takes another
 * one down; one that says FALSE without saying why is blamed by name. Files are never unloaded:
 * unloading code that may have registered anything with anyone has crashed programs for decades.
 */
#include "plugin.h"

#include <string.h>

static const char *const state_names[] = {
    [OSH_PLUGIN_FOUND] = "found",       [OSH_PLUGIN_LOADED] = "loaded",
    [OSH_PLUGIN_CREATED] = "created",   [OSH_PLUGIN_STARTED] = "started",
    [OSH_PLUGIN_READY] = "ready",       [OSH_PLUGIN_STOPPING] = "stopping",
    [OSH_PLUGIN_STOPPED] = "stopped",   [OSH_PLUGIN_FAILED] = "failed",
    [OSH_PLUGIN_DISABLED] = "disabled",
};

const char *
osh_plugin_state_name(OshPluginState state)
{
    return state_names[state];
}

OshPlugin *
osh_plugin_new(const char *path)
{
    OshPlugin *plugin = g_new0(OshPlugin, 1);
    g_autoptr(GError) error = NULL;

    plugin->path = g_strdup(path);
    plugin->state = OSH_PLUGIN_FOUND;
    plugin->file = osh_plugin_file_open(path, &error);
    if (plugin->file != NULL)
        plugin->manifest = osh_plugin_file_read_manifest(plugin->file, &error);
    if (plugin->manifest == NULL)
        osh_plugin_fail(plugin, "manifest", error->message);
    else if (plugin->manifest->abi_major != OSH_ABI_MAJOR) {
        g_autofree char *reason = g_strdup_printf(
            "was built for ABI %u.%u, this host has ABI %u.%u: build it against this host's "
            "headers",
            plugin->manifest->abi_major, plugin->manifest->abi_minor, OSH_ABI_MAJOR, OSH_ABI_MINOR);

        osh_plugin_fail(plugin, "manifest", reason);
    }
    return plugin;
}

void
osh_plugin_free(OshPlugin *plugin)
{
    osh_plugin_destroy(plugin);
    g_clear_pointer(&plugin->config, g_variant_unref);
    g_clear_pointer(&plugin->manifest, osh_manifest_free);
    g_clear_pointer(&plugin->file, osh_plugin_file_free);
    g_free(plugin->path);
    g_free(plugin->reason);
    g_free(plugin);
}

const char *
osh_plugin_id(const OshPlugin *plugin)
{
    const char *slash;

    if (plugin->manifest != NULL)
        return plugin->manifest->id;
    slash = strrchr(plugin->path, '/');
    return slash != NULL ? slash + 1 : plugin->path;
}

OshPluginState
osh_plugin_state(const OshPlugin *plugin)
{
    return (OshPluginState)g_atomic_int_get(&plugin->state);
}

gboolean
osh_plugin_is_usable(const OshPlugin *plugin)
{
    OshPluginState state = osh_plugin_state(plugin);

    return state >= OSH_PLUGIN_CREATED && state <= OSH_PLUGIN_STOPPING;
}

gboolean
osh_plugin_is_candidate(const OshPlugin *plugin)
{
    OshPluginState state = osh_plugin_state(plugin);

    return state != OSH_PLUGIN_FAILED && state != OSH_PLUGIN_DISABLED;
}

void
osh_plugin_on_state(OshPlugin *plugin, OshPluginStateFunc function, gpointer data)
{
    plugin->changed = function;
    plugin->changed_data = data;
}

void
osh_plugin_set_state(OshPlugin *plugin, OshPluginState state, const char *reason)
{
    OshPluginState old = osh_plugin_state(plugin);

    if (reason != NULL && plugin->reason == NULL)
        plugin->reason = g_strdup(reason);
    g_atomic_int_set(&plugin->state, (gint)state);
    if (plugin->changed != NULL)
        plugin->changed(plugin, old, plugin->changed_data);
}

void
osh_plugin_fail(OshPlugin *plugin, const char *stage, const char *reason)
{
    if (osh_plugin_state(plugin) == OSH_PLUGIN_FAILED)
        return;
    plugin->failed_stage = stage;
    osh_plugin_set_state(plugin, OSH_PLUGIN_FAILED, reason);
}

gboolean
osh_plugin_load(OshPlugin *plugin)
{
    g_autoptr(GError) error = NULL;

    plugin->entry = osh_plugin_file_load(plugin->file, &error);
    if (plugin->entry == NULL) {
        osh_plugin_fail(plugin, "load", error->message);
        return FALSE;
    }
    osh_plugin_set_state(plugin, OSH_PLUGIN_LOADED, NULL);
    return TRUE;
}

gboolean
osh_plugin_create(OshPlugin *plugin, const OshHost *host)
{
    g_autoptr(GError) error = NULL;

    if (!plugin->entry->create(host, &plugin->self, &error)) {
        osh_plugin_fail(plugin, "create",
                        error != NULL
                            ? error->message
                            : "create failed without an error: this is a bug of the plugin");
        return FALSE;
    }
    osh_plugin_set_state(plugin, OSH_PLUGIN_CREATED, NULL);
    return TRUE;
}

gboolean
osh_plugin_get_interface(const OshPlugin *plugin, const char *id, OshInterface *ret_interface)
{
    OshInterface found = {0};

    if (!osh_plugin_is_usable(plugin) || !osh_manifest_provides(plugin->manifest, id) ||
        !osh_can_call(plugin->entry, OshPluginEntry, get_interface) ||
        !plugin->entry->get_interface(plugin->self, id, &found) || found.vtable == NULL)
        return FALSE;
    /* Who provides it is known, whatever the plugin says. */
    found.provider = plugin->manifest->id;
    *ret_interface = found;
    return TRUE;
}

void
osh_plugin_destroy(OshPlugin *plugin)
{
    gpointer self = g_steal_pointer(&plugin->self);

    if (self != NULL && osh_can_call(plugin->entry, OshPluginEntry, destroy))
        plugin->entry->destroy(self);
}
