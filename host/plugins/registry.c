/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c: the plugins of a run, who of them provides what, and what becomes known of them.
 *
 * Changed on [main] only. Look-ups come from any thread: the order and the host's own interfaces
 * are complete before the first thread exists and never change afterwards; a plugin's state is
 * atomic.
 */
#include "registry-private.h"

static void
announce_state(OshRegistry *registry, const OshPlugin *plugin, OshPluginState old)
{
    const OshEventPluginState state = {
        .id = osh_plugin_id(plugin),
        .old_state = osh_plugin_state_name(old),
        .state = osh_plugin_state_name(osh_plugin_state(plugin)),
        .reason = plugin->reason,
        .stage = plugin->failed_stage,
    };
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = osh_bus_topic(registry->publisher, OSH_TOPIC_PLUGIN_STATE),
        .payload = osh_event_plugin_state_pack(&state),
    };

    publication.reservation =
        osh_bus_reserve(registry->publisher, publication.topic, publication.process_key);
    osh_bus_publish(registry->publisher, &publication);
}

static void
plugin_changed(OshPlugin *plugin, OshPluginState old, gpointer data)
{
    OshRegistry *registry = data;

    announce_state(registry, plugin, old);
    if (registry->state_changed != NULL)
        registry->state_changed(plugin, registry->state_changed_data);
}

static void
member_free(gpointer data)
{
    OshRegistryMember *member = data;

    osh_host_table_free(member->table);
    g_free(member);
}

static void
add_member(OshRegistry *registry, OshPlugin *plugin)
{
    OshRegistryMember *member = g_new0(OshRegistryMember, 1);

    member->registry = registry;
    member->plugin = plugin;
    g_ptr_array_add(registry->members, member);
    osh_plugin_on_state(plugin, plugin_changed, registry);
    if (osh_plugin_state(plugin) != OSH_PLUGIN_FOUND)
        announce_state(registry, plugin, OSH_PLUGIN_FOUND);
}

OshRegistry *
osh_registry_new(OshBus *bus, OshPluginSet *set)
{
    static const char *const topics[] = {OSH_TOPIC_PLUGIN_STATE, OSH_TOPIC_PLUGIN_FAULT, NULL};
    OshRegistry *registry = g_new0(OshRegistry, 1);
    const GPtrArray *plugins = osh_plugin_set_plugins(set);

    registry->bus = g_object_ref(bus);
    registry->publisher = osh_bus_publisher_new(bus, "host", topics, NULL);
    registry->set = set;
    registry->members = g_ptr_array_new_with_free_func(member_free);
    registry->order = g_ptr_array_new();
    registry->answers = g_ptr_array_new_with_free_func(g_free);
    registry->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < plugins->len; i++)
        add_member(registry, g_ptr_array_index(plugins, i));
    return registry;
}

void
osh_registry_free(OshRegistry *registry)
{
    if (registry == NULL)
        return;
    for (guint i = registry->order->len; i > 0; i--)
        osh_plugin_destroy(g_ptr_array_index(registry->order, i - 1));
    osh_plugin_set_free(registry->set);
    if (registry->walk.timer != NULL) {
        g_source_destroy(registry->walk.timer);
        g_source_unref(registry->walk.timer);
    }
    g_ptr_array_unref(registry->members);
    g_ptr_array_unref(registry->order);
    g_ptr_array_unref(registry->answers);
    g_hash_table_unref(registry->own);
    g_object_unref(registry->bus);
    g_free(registry);
}

OshPluginSet *
osh_registry_set(const OshRegistry *registry)
{
    return registry->set;
}

const GPtrArray *
osh_registry_plugins(const OshRegistry *registry)
{
    return osh_plugin_set_plugins(registry->set);
}

void
osh_registry_add_interface(OshRegistry *registry, const char *id, const OshInterface *interface)
{
    g_hash_table_insert(registry->own, g_strdup(id), g_memdup2(interface, sizeof(OshInterface)));
}

gboolean
osh_registry_get_interface(OshRegistry *registry, const char *id, OshInterface *ret_interface)
{
    return osh_registry_find_interfaces(registry, id, ret_interface, 1) > 0;
}

const char *
osh_registry_manifest_text(OshRegistry *registry, const char *plugin_id)
{
    for (guint i = 0; i < registry->order->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(registry->order, i);

        if (osh_plugin_is_usable(plugin) && g_strcmp0(plugin->manifest->id, plugin_id) == 0)
            return plugin->manifest->text;
    }
    return NULL;
}

gsize
osh_registry_find_interfaces(OshRegistry *registry, const char *id, OshInterface *ret_interfaces,
                             gsize capacity)
{
    const OshInterface *own = g_hash_table_lookup(registry->own, id);
    gsize n = 0;

    if (own != NULL) {
        if (capacity > 0)
            ret_interfaces[0] = *own;
        return 1;
    }
    for (guint i = 0; i < registry->order->len; i++) {
        OshInterface found;

        if (!osh_plugin_get_interface(g_ptr_array_index(registry->order, i), id, &found))
            continue;
        if (n < capacity)
            ret_interfaces[n] = found;
        n++;
    }
    return n;
}

void
osh_registry_on_required_failed(OshRegistry *registry, OshRequiredFailedFunc function,
                                gpointer data)
{
    registry->required_failed = function;
    registry->required_failed_data = data;
}

void
osh_registry_on_state(OshRegistry *registry, OshRegistryStateFunc function, gpointer data)
{
    registry->state_changed = function;
    registry->state_changed_data = data;
}

void
osh_registry_fault(OshRegistry *registry, OshPlugin *plugin, OshFaultSeverity severity,
                   const char *message)
{
    g_autofree char *text = g_utf8_make_valid(message, -1);
    const OshEventPluginFault fault = {
        .id = osh_plugin_id(plugin),
        .severity = severity == OSH_FAULT_FATAL ? "fatal" : "degraded",
        .text = text,
    };
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = osh_bus_topic(registry->publisher, OSH_TOPIC_PLUGIN_FAULT),
        .payload = osh_event_plugin_fault_pack(&fault),
    };

    publication.reservation = osh_bus_reserve(registry->publisher, publication.topic, 0);
    osh_bus_publish(registry->publisher, &publication);
    if (severity != OSH_FAULT_FATAL || !osh_plugin_is_usable(plugin))
        return;
    osh_plugin_fail(plugin, "run", text);
    if (plugin->required && registry->required_failed != NULL)
        registry->required_failed(plugin, registry->required_failed_data);
}
