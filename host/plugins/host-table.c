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

struct _OshHostTable {
    OshHost host;
    OshHostCalls calls;
};

static gsize
table_find_interfaces(gpointer handle, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    const OshHostTable *table = handle;

    return table->calls.find_interfaces(table->calls.data, id, ret_interfaces, capacity);
}

static gboolean
table_get_interface(gpointer handle, const char *id, OshInterface *ret_interface)
{
    return table_find_interfaces(handle, id, ret_interface, 1) > 0;
}

static const char *
table_manifest(gpointer handle, const char *plugin_id)
{
    const OshHostTable *table = handle;

    return table->calls.manifest(table->calls.data, plugin_id);
}

static OshTopic
table_topic(gpointer handle, const char *name)
{
    const OshHostTable *table = handle;

    return osh_bus_topic(table->calls.publisher, name);
}

static gboolean
table_topic_wanted(gpointer handle, OshTopic topic)
{
    const OshHostTable *table = handle;

    return osh_bus_topic_wanted(table->calls.publisher, topic);
}

static guint64
table_reserve(gpointer handle, OshTopic topic, guint64 process_key)
{
    const OshHostTable *table = handle;

    return osh_bus_reserve(table->calls.publisher, topic, process_key);
}

static void
table_unreserve(gpointer handle, guint64 reservation)
{
    const OshHostTable *table = handle;

    osh_bus_unreserve(table->calls.publisher, reservation);
}

static void
table_on_capacity(gpointer handle, OshTopic topic, OshCallback callback, gpointer data)
{
    const OshHostTable *table = handle;

    osh_bus_on_capacity(table->calls.publisher, topic, callback, data);
}

static guint64
table_publish(gpointer handle, const OshPublication *publication)
{
    const OshHostTable *table = handle;

    return osh_bus_publish(table->calls.publisher, publication);
}

static guint64
table_subscribe(gpointer handle, const char *pattern, OshEventFunc callback, gpointer data,
                GDestroyNotify destroy)
{
    const OshHostTable *table = handle;

    return osh_bus_subscribe(table->calls.bus, pattern, callback, data, destroy);
}

static void
table_unsubscribe(gpointer handle, guint64 subscription)
{
    const OshHostTable *table = handle;

    osh_bus_unsubscribe(table->calls.bus, subscription);
}

static GVariant *
table_config(gpointer handle)
{
    const OshHostTable *table = handle;

    return table->calls.config;
}

static void
table_log(gpointer handle, GLogLevelFlags level, const char *message)
{
    const OshHostTable *table = handle;
    g_autoptr(GString) line = g_string_new("openshell: ");

    if (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO))
        return;
    g_string_append_printf(line, "%s: ", table->calls.plugin_id);
    osh_text_append_terminal(line, message);
    g_printerr("%s\n", line->str);
}

static void
table_invoke(gpointer handle, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    const OshHostTable *table = handle;

    osh_bus_invoke(table->calls.bus, callback, data, destroy);
}

typedef struct {
    const OshHostTable *table;
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
    const Fault *fault = data;
    const OshHostCalls *calls = &fault->table->calls;

    calls->fault(calls->data, fault->severity, fault->message);
}

static void
table_fault(gpointer handle, OshFaultSeverity severity, const GError *error)
{
    Fault *fault = g_new0(Fault, 1);

    fault->table = handle;
    fault->severity = severity;
    fault->message = g_strdup(error != NULL ? error->message : "it did not say what");
    table_invoke(handle, fault_arrived, fault, fault_free);
}

static GObject *
table_bus(gpointer handle)
{
    const OshHostTable *table = handle;

    return G_OBJECT(table->calls.bus);
}

OshHostTable *
osh_host_table_new(const OshHostCalls *calls)
{
    OshHostTable *table = g_new0(OshHostTable, 1);

    table->calls = *calls;
    table->host = (OshHost){
        .struct_size = sizeof(OshHost),
        .abi_major = OSH_ABI_MAJOR,
        .abi_minor = OSH_ABI_MINOR,
        .version = OSH_VERSION,
        .plugin_id = calls->plugin_id,
        .handle = table,
        .get_interface = table_get_interface,
        .find_interfaces = table_find_interfaces,
        .topic = table_topic,
        .topic_wanted = table_topic_wanted,
        .reserve = table_reserve,
        .unreserve = table_unreserve,
        .on_capacity = table_on_capacity,
        .publish = table_publish,
        .subscribe = table_subscribe,
        .unsubscribe = table_unsubscribe,
        .config = table_config,
        .log = table_log,
        .invoke = table_invoke,
        .fault = table_fault,
        .bus = table_bus,
        .manifest = table_manifest,
    };
    return table;
}

const OshHost *
osh_host_table_get(const OshHostTable *table)
{
    return &table->host;
}

void
osh_host_table_free(OshHostTable *table)
{
    g_free(table);
}
