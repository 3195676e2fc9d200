/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-roles.c: which plugins a run cannot do without. [main], before any is loaded.
 *
 * A role is known by what manifests say, never by the id of a plugin: process is played by the
 * provider of openshell.process-launcher/1, network by the plugin with role=network.
 */
#include "run-private.h"

static void
set_no_launcher(const OshPluginSet *set, GError **error)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(set);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin->manifest == NULL || plugin->reason == NULL ||
            !osh_manifest_provides(plugin->manifest, OSH_INTERFACE_PROCESS_LAUNCHER))
            continue;
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot run a command without %s: %s",
                    plugin->path, plugin->reason);
        return;
    }
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                "no plugin that was found can run a command (%s): openshell-host plugins lists "
                "them, --plugin-dir adds some",
                OSH_INTERFACE_PROCESS_LAUNCHER);
}

/* Returns: (nullable): a plugin that plays @role and is in @state */
static OshPlugin *
find_in_state(const OshPluginSet *set, const char *role, OshPluginState state)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(set);

    for (guint i = 0; i < plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin->manifest != NULL && g_strcmp0(plugin->manifest->role, role) == 0 &&
            osh_plugin_state(plugin) == state)
            return plugin;
    }
    return NULL;
}

static gboolean
require_launcher(const OshPluginSet *set, GError **error)
{
    OshPlugin *launcher = osh_plugin_set_provider(set, OSH_INTERFACE_PROCESS_LAUNCHER);

    if (launcher == NULL) {
        set_no_launcher(set, error);
        return FALSE;
    }
    launcher->required = TRUE;
    return TRUE;
}

/* A role that no plugin plays may be disabled as well. */
static gboolean
network_is_disabled(const OshRun *run, const OshPluginSet *set)
{
    return osh_config_enabled(run->config, OSH_ROLE_NETWORK) == OSH_FALSE ||
           find_in_state(set, OSH_ROLE_NETWORK, OSH_PLUGIN_DISABLED) != NULL;
}

gboolean
osh_run_require_roles(OshRun *run, GError **error)
{
    const OshPluginSet *set = osh_registry_set(run->services->registry);
    gboolean has_command = run->options->command != NULL;
    OshPlugin *network = osh_plugin_set_role(set, OSH_ROLE_NETWORK);
    gboolean is_disabled = network == NULL && network_is_disabled(run, set);

    if (has_command && !require_launcher(set, error))
        return FALSE;
    if (is_disabled && has_command)
        return TRUE;
    /* One that cannot be used says why when it is missed. */
    if (network == NULL && !is_disabled)
        network = find_in_state(set, OSH_ROLE_NETWORK, OSH_PLUGIN_FAILED);
    if (network == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    has_command
                        ? "the " OSH_ROLE_NETWORK
                          " plugin was not found: --disable " OSH_ROLE_NETWORK " runs the "
                          "command without any network"
                        : "nothing to do: there is no command after -- and no " OSH_ROLE_NETWORK " "
                          "plugin");
        return FALSE;
    }
    network->required = TRUE;
    run->network = TRUE;
    return TRUE;
}
