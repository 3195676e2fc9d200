/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-create.c: loads and creates the plugins that take part.
 *
 * [main], before the first thread. A plugin gets its table of host calls here, and here it is seen
 * whether it keeps what its manifest says. A failure is the plugin's own, and of those that require
 * what it provides.
 */
#include "registry-private.h"

/* The topics of event.h that it publishes and those of its own; NULL-terminated. */
static gboolean
declare_topics(const OshManifest *manifest, OshBus *bus, GPtrArray *names, GError **error)
{
    for (char **name = manifest->publishes; *name != NULL; name++)
        g_ptr_array_add(names, *name);
    for (guint i = 0; i < manifest->topics->len; i++) {
        const OshManifestTopic *topic = g_ptr_array_index(manifest->topics, i);
        OshTopicDeclaration declaration = {
            .name = topic->name,
            .type = topic->type,
            .event_class = topic->event_class,
            .retained = topic->retained,
            .ends = topic->ends,
        };

        if (!osh_bus_declare_topic(bus, &declaration, error))
            return FALSE;
        g_ptr_array_add(names, topic->name);
    }
    g_ptr_array_add(names, NULL);
    return TRUE;
}

static gsize
member_find_interfaces(gpointer data, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    const OshRegistryMember *member = data;

    return osh_registry_find_interfaces(member->registry, id, ret_interfaces, capacity);
}

static const char *
member_manifest(gpointer data, const char *plugin_id)
{
    const OshRegistryMember *member = data;

    return osh_registry_manifest_text(member->registry, plugin_id);
}

static void
member_fault(gpointer data, OshFaultSeverity severity, const char *message)
{
    const OshRegistryMember *member = data;

    osh_registry_fault(member->registry, member->plugin, severity, message);
}

static gboolean
make_table(OshRegistryMember *member, GError **error)
{
    OshBus *bus = member->registry->bus;
    const OshManifest *manifest = member->plugin->manifest;
    g_autoptr(GPtrArray) topics = g_ptr_array_new();
    OshHostCalls calls = {
        .plugin_id = manifest->id,
        .config = member->plugin->config,
        .bus = bus,
        .find_interfaces = member_find_interfaces,
        .manifest = member_manifest,
        .fault = member_fault,
        .data = member,
    };

    if (!declare_topics(manifest, bus, topics, error))
        return FALSE;
    calls.publisher =
        osh_bus_publisher_new(bus, manifest->id, (const char *const *)topics->pdata, error);
    if (calls.publisher == NULL)
        return FALSE;
    member->table = osh_host_table_new(&calls);
    return TRUE;
}

static void
check_provided(OshPlugin *plugin)
{
    for (char **id = plugin->manifest->provides; *id != NULL; id++) {
        g_autofree char *reason = NULL;
        OshInterface found;

        if (osh_plugin_get_interface(plugin, *id, &found))
            continue;
        reason = g_strdup_printf("its manifest provides %s, but its get_interface does not answer "
                                 "for it: that is a bug of the plugin",
                                 *id);
        osh_plugin_fail(plugin, "create", reason);
        return;
    }
}

static void
create_member(OshRegistryMember *member)
{
    g_autoptr(GError) error = NULL;

    if (!make_table(member, &error))
        osh_plugin_fail(member->plugin, "create", error->message);
    else if (osh_plugin_create(member->plugin, osh_host_table_get(member->table)))
        check_provided(member->plugin);
}

static OshRegistryMember *
member_of(const OshRegistry *registry, const OshPlugin *plugin)
{
    for (guint i = 0; i < registry->members->len; i++) {
        OshRegistryMember *member = g_ptr_array_index(registry->members, i);

        if (member->plugin == plugin)
            return member;
    }
    g_assert_not_reached();
}

static gboolean
required_are_usable(OshRegistry *registry, GError **error)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (!plugin->required || osh_plugin_is_candidate(plugin))
            continue;
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "the required plugin %s (%s) %s: %s",
                    osh_plugin_id(plugin), plugin->path,
                    osh_plugin_state_name(osh_plugin_state(plugin)),
                    plugin->reason != NULL ? plugin->reason : "no reason given");
        return FALSE;
    }
    return TRUE;
}

gboolean
osh_registry_create_all(OshRegistry *registry, GError **error)
{
    osh_registry_settle_roles(registry);
    osh_registry_settle_order(registry);
    for (guint i = 0; i < registry->order->len; i++)
        osh_plugin_load(g_ptr_array_index(registry->order, i));
    /* A file that could not be loaded may have been what another one requires. */
    osh_registry_settle_order(registry);
    for (guint i = 0; i < registry->order->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->order, i);

        osh_registry_drop_unsatisfied(registry);
        if (osh_plugin_is_candidate(plugin))
            create_member(member_of(registry, plugin));
    }
    osh_registry_drop_unsatisfied(registry);
    return required_are_usable(registry, error);
}
