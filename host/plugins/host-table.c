/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host-table.c: what a plugin's calls of the host become.
 *
 * The thread of each function is that of its inline in openshell/host.h; nothing here keeps state
 * of its own. It must never trust a plugin to say who it is: the handle is the host's own.
 */
#include "host-table.h"

#include "openshell/plugin.h"
#include "osh-text.h"
#include "registry.h"

static gboolean
table_get_interface(gpointer handle, const char *id, OshInterface *ret_interface)
{
    OshPlugin *plugin = handle;

    return osh_registry_get_interface(plugin->registry, id, ret_interface);
}

static gsize
table_find_interfaces(gpointer handle, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    OshPlugin *plugin = handle;

    return osh_registry_find_interfaces(plugin->registry, id, ret_interfaces, capacity);
}

static OshTopic
table_topic(gpointer handle, const char *name)
{
    OshPlugin *plugin = handle;

    return osh_bus_topic(plugin->publisher, name);
}

static gboolean
table_topic_wanted(gpointer handle, OshTopic topic)
{
    OshPlugin *plugin = handle;

    return osh_bus_topic_wanted(plugin->publisher, topic);
}

static guint64
table_reserve(gpointer handle, OshTopic topic, guint64 process_key)
{
    OshPlugin *plugin = handle;

    return osh_bus_reserve(plugin->publisher, topic, process_key);
}

static void
table_unreserve(gpointer handle, guint64 reservation)
{
    OshPlugin *plugin = handle;

    osh_bus_unreserve(plugin->publisher, reservation);
}

static void
table_on_room(gpointer handle, OshTopic topic, OshCallback callback, gpointer data)
{
    OshPlugin *plugin = handle;

    osh_bus_on_room(plugin->publisher, topic, callback, data);
}

static guint64
table_publish(gpointer handle, const OshPublication *publication)
{
    OshPlugin *plugin = handle;

    return osh_bus_publish(plugin->publisher, publication);
}

static guint64
table_subscribe(gpointer handle, const char *pattern, OshEventFunc callback, gpointer data,
                GDestroyNotify destroy)
{
    OshPlugin *plugin = handle;

    return osh_bus_subscribe(osh_registry_bus(plugin->registry), pattern, callback, data, destroy);
}

static void
table_unsubscribe(gpointer handle, guint64 subscription)
{
    OshPlugin *plugin = handle;

    osh_bus_unsubscribe(osh_registry_bus(plugin->registry), subscription);
}

static GVariant *
table_config(gpointer handle)
{
    OshPlugin *plugin = handle;

    return plugin->config;
}

static void
table_log(gpointer handle, GLogLevelFlags level, const char *message)
{
    OshPlugin *plugin = handle;
    g_autoptr(GString) line = g_string_new("openshell: ");

    if (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO))
        return;
    g_string_append_printf(line, "%s: ", osh_plugin_id(plugin));
    osh_text_append_terminal(line, message);
    g_printerr("%s\n", line->str);
}

static void
table_invoke(gpointer handle, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    OshPlugin *plugin = handle;

    osh_bus_invoke(osh_registry_bus(plugin->registry), callback, data, destroy);
}

typedef struct {
    OshPlugin *plugin;
    OshFaultSeverity severity;
    char *message;
} Fault;

static void
fault_free(gpointer data)
{
    Fault *fault = data;

    g_free(fault->message);
    g_free(fault);
}

static void
fault_arrived(gpointer data)
{
    Fault *fault = data;

    osh_registry_fault(fault->plugin->registry, fault->plugin, fault->severity, fault->message);
}

static void
table_fault(gpointer handle, OshFaultSeverity severity, const GError *error)
{
    Fault *fault = g_new0(Fault, 1);

    fault->plugin = handle;
    fault->severity = severity;
    fault->message = g_strdup(error != NULL ? error->message : "it did not say what");
    table_invoke(handle, fault_arrived, fault, fault_free);
}

static GObject *
table_bus(gpointer handle)
{
    OshPlugin *plugin = handle;

    return G_OBJECT(osh_registry_bus(plugin->registry));
}

void
osh_host_table_init(OshHost *table, OshPlugin *plugin)
{
    *table = (OshHost){
        .struct_size = sizeof(OshHost),
        .abi_major = OSH_ABI_MAJOR,
        .abi_minor = OSH_ABI_MINOR,
        .version = OSH_VERSION,
        .plugin_id = plugin->manifest->id,
        .handle = plugin,
        .get_interface = table_get_interface,
        .find_interfaces = table_find_interfaces,
        .topic = table_topic,
        .topic_wanted = table_topic_wanted,
        .reserve = table_reserve,
        .unreserve = table_unreserve,
        .on_room = table_on_room,
        .publish = table_publish,
        .subscribe = table_subscribe,
        .unsubscribe = table_unsubscribe,
        .config = table_config,
        .log = table_log,
        .invoke = table_invoke,
        .fault = table_fault,
        .bus = table_bus,
    };
}
