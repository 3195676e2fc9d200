/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-sinks.c: from a plugin that provides an event sink to a queue of the bus.
 *
 * [main]. The queue is there before the first event is delivered, so a sink misses nothing, however
 * long its plugin takes to start. One that fails at work keeps its queue: what a required sink
 * could not write must stop what would have to be written.
 */
#include "event-sinks.h"

#include "openshell/ext/draft/event-sink.h"

typedef struct {
    const OshPlugin *plugin;
    guint64 sink;
    gboolean opened;
} Attached;

struct _OshEventSinks {
    OshRegistry *registry;
    OshBus *bus;
    GArray *attached; /* Attached */
};

static void
plugin_changed(const OshPlugin *plugin, gpointer data)
{
    OshEventSinks *sinks = data;
    OshPluginState state = osh_plugin_state(plugin);

    for (guint i = 0; i < sinks->attached->len; i++) {
        Attached *attached = &g_array_index(sinks->attached, Attached, i);

        if (attached->plugin != plugin || attached->opened)
            continue;
        if (state == OSH_PLUGIN_READY) {
            attached->opened = TRUE;
            osh_bus_open_sink(sinks->bus, attached->sink);
        } else if (state == OSH_PLUGIN_FAILED) {
            osh_bus_remove_sink(sinks->bus, attached->sink);
        }
    }
}

OshEventSinks *
osh_event_sinks_attach(OshRegistry *registry, OshBus *bus)
{
    OshEventSinks *sinks = g_new0(OshEventSinks, 1);
    const GPtrArray *plugins = osh_registry_plugins(registry);

    sinks->registry = registry;
    sinks->bus = bus;
    sinks->attached = g_array_new(FALSE, FALSE, sizeof(Attached));
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);
        Attached attached = {.plugin = plugin};
        OshInterface sink;

        if (!osh_plugin_get_interface(plugin, OSH_INTERFACE_EVENT_SINK, &sink))
            continue;
        attached.sink = osh_bus_prepare_sink(bus, &sink, plugin->required);
        g_array_append_val(sinks->attached, attached);
    }
    osh_registry_on_state(registry, plugin_changed, sinks);
    return sinks;
}

void
osh_event_sinks_free(OshEventSinks *sinks)
{
    if (sinks == NULL)
        return;
    osh_registry_on_state(sinks->registry, NULL, NULL);
    g_array_unref(sinks->attached);
    g_free(sinks);
}
