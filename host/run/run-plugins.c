/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-plugins.c: the configuration of a run, and what it makes of the plugins that are there.
 * [main].
 */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openshell/ext/draft/event-sink.h"
#include "openshell/ext/process-launcher.h"

OshConfig *
osh_run_load_config(const OshOptions *options, GError **error)
{
    g_autoptr(OshConfig) config = osh_config_new();

    if (options->config != NULL && !osh_config_load(config, options->config, error))
        return NULL;
    for (guint i = 0; i < options->settings->len; i++)
        if (!osh_config_set(config, g_ptr_array_index(options->settings, i), error))
            return NULL;
    for (guint i = 0; i < options->enable->len; i++)
        osh_config_enable(config, g_ptr_array_index(options->enable, i), TRUE, "--enable");
    for (guint i = 0; i < options->disable->len; i++)
        osh_config_enable(config, g_ptr_array_index(options->disable, i), FALSE, "--disable");
    return g_steal_pointer(&config);
}

void
osh_run_set_no_launcher(OshRegistry *registry, GError **error)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);

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

void
osh_run_add_sinks(OshRegistry *registry, OshBus *bus)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);
        OshInterface sink;

        if (osh_plugin_state(plugin) == OSH_PLUGIN_READY &&
            osh_manifest_provides(plugin->manifest, OSH_INTERFACE_EVENT_SINK) &&
            osh_can_call(plugin->entry, OshPluginEntry, get_interface) &&
            plugin->entry->get_interface(plugin->self, OSH_INTERFACE_EVENT_SINK, &sink))
            osh_bus_add_sink(bus, &sink, plugin->required);
    }
}

GPtrArray *
osh_run_allow_degraded(const OshOptions *options, const OshConfig *config)
{
    GPtrArray *allowed = g_ptr_array_new();
    GVariant *configured = osh_config_host(config, "allow-degraded");

    for (guint i = 0; i < options->allow_degraded->len; i++)
        g_ptr_array_add(allowed, g_ptr_array_index(options->allow_degraded, i));
    for (gsize i = 0; configured != NULL && i < g_variant_n_children(configured); i++) {
        const char *name;

        g_variant_get_child(configured, i, "&s", &name);
        g_ptr_array_add(allowed, (gpointer)name);
    }
    g_ptr_array_add(allowed, NULL);
    return allowed;
}

char *
osh_run_find_workdir(const char *given, GError **error)
{
    g_autofree char *copy = NULL;
    char *real = realpath(given != NULL ? given : ".", NULL);

    if (real == NULL || !g_file_test(real, G_FILE_TEST_IS_DIR))
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND, "the working directory %s: %s",
                    given != NULL ? given : "(the current one)",
                    real == NULL ? g_strerror(errno) : "is not a directory");
    else
        copy = g_strdup(real);
    free(real);
    return g_steal_pointer(&copy);
}
