/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c: finds plugins, decides which of them take part, and answers who provides what.
 *
 * Changed on [main] only. Look-ups come from any thread: the order and the host's own interfaces
 * are complete before the first thread exists and never change afterwards; a plugin's state is
 * atomic. It must never run a plugin's code because of a look at its manifest.
 */
#include "registry-private.h"

#include <string.h>

#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/sandbox-net.h"
#include "openshell/ext/process-launcher.h"
#include "plugin-order.h"

/* Interfaces of which there can be only one provider. */
static const char *const single_roles[] = {
    OSH_INTERFACE_PROCESS_LAUNCHER,
    OSH_INTERFACE_SANDBOX_NET,
    OSH_INTERFACE_CREDENTIAL_PROVIDER,
};

/* Plugins of ours that may be disabled although their files are not there. */
static const char *const known_ids[] = {"process", "network", NULL};

OshRegistry *
osh_registry_new(OshBus *bus)
{
    static const char *const topics[] = {OSH_TOPIC_PLUGIN_STATE, OSH_TOPIC_PLUGIN_FAULT, NULL};
    OshRegistry *registry = g_new0(OshRegistry, 1);

    registry->bus = g_object_ref(bus);
    registry->publisher = osh_bus_publisher_new(bus, "host", topics, NULL);
    registry->plugins = g_ptr_array_new();
    registry->order = g_ptr_array_new();
    registry->answers = g_ptr_array_new_with_free_func(g_free);
    registry->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return registry;
}

void
osh_registry_free(OshRegistry *registry)
{
    if (registry == NULL)
        return;
    for (guint i = registry->order->len; i > 0; i--)
        osh_plugin_destroy(g_ptr_array_index(registry->order, i - 1));
    for (guint i = 0; i < registry->plugins->len; i++)
        osh_plugin_free(g_ptr_array_index(registry->plugins, i));
    if (registry->walk.timer != NULL) {
        g_source_destroy(registry->walk.timer);
        g_source_unref(registry->walk.timer);
    }
    g_ptr_array_unref(registry->order);
    g_ptr_array_unref(registry->answers);
    g_ptr_array_unref(registry->plugins);
    g_hash_table_unref(registry->own);
    g_object_unref(registry->bus);
    g_free(registry);
}

OshBus *
osh_registry_bus(OshRegistry *registry)
{
    return registry->bus;
}

void
osh_registry_announce_state(OshRegistry *registry, OshPlugin *plugin, OshPluginState old)
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

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_file(OshRegistry *registry, const char *path)
{
    OshPlugin *plugin = osh_plugin_new(registry, path);
    OshPlugin *first =
        plugin->manifest != NULL ? osh_registry_find(registry, plugin->manifest->id) : NULL;

    g_ptr_array_add(registry->plugins, plugin);
    if (first != NULL) {
        g_autofree char *reason = g_strdup_printf("the id is already taken by %s", first->path);

        osh_plugin_fail(plugin, "manifest", reason);
    }
}

gboolean
osh_registry_scan(OshRegistry *registry, const char *directory, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) entries = NULL;
    g_autoptr(GError) cause = NULL;
    const char *name;

    entries = g_dir_open(directory, 0, &cause);
    if (entries == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                    "cannot read the plugin directory %s: %s", directory, cause->message);
        return FALSE;
    }
    while ((name = g_dir_read_name(entries)) != NULL)
        if (g_str_has_suffix(name, ".so"))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(directory, g_ptr_array_index(names, i), NULL);

        add_file(registry, path);
    }
    return TRUE;
}

const GPtrArray *
osh_registry_plugins(OshRegistry *registry)
{
    return registry->plugins;
}

OshPlugin *
osh_registry_find(OshRegistry *registry, const char *id)
{
    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        if (plugin->manifest != NULL && g_str_equal(plugin->manifest->id, id))
            return plugin;
    }
    return NULL;
}

OshPlugin *
osh_registry_provider(OshRegistry *registry, const char *interface_id)
{
    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        if (osh_plugin_is_candidate(plugin) &&
            osh_manifest_provides(plugin->manifest, interface_id))
            return plugin;
    }
    return NULL;
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
osh_registry_refusal(const OshPlugin *plugin, const char *const *writable)
{
    const char *directory;

    if (!lies_in_writable(plugin, writable, &directory))
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
    refusal = osh_registry_refusal(plugin, writable);
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
osh_registry_configure(OshRegistry *registry, const OshConfig *config, const char *const *writable,
                       GError **error)
{
    g_autoptr(GPtrArray) manifests = g_ptr_array_new();

    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        if (plugin->manifest != NULL &&
            osh_registry_find(registry, osh_plugin_id(plugin)) == plugin)
            g_ptr_array_add(manifests, plugin->manifest);
    }
    if (!osh_config_check((OshConfig *)config, manifests, known_ids, error))
        return FALSE;
    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        if (osh_plugin_is_candidate(plugin) && !configure_plugin(plugin, config, writable, error))
            return FALSE;
    }
    return TRUE;
}

void
osh_registry_add_interface(OshRegistry *registry, const char *id, const OshInterface *interface)
{
    g_hash_table_insert(registry->own, g_strdup(id), g_memdup2(interface, sizeof(OshInterface)));
}

static void
settle_single_roles(OshRegistry *registry)
{
    for (gsize role = 0; role < G_N_ELEMENTS(single_roles); role++) {
        OshPlugin *first = osh_registry_provider(registry, single_roles[role]);

        for (guint i = 0; first != NULL && i < registry->plugins->len; i++) {
            OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);
            g_autofree char *reason = NULL;

            if (plugin == first || !osh_plugin_is_candidate(plugin) ||
                !osh_manifest_provides(plugin->manifest, single_roles[role]))
                continue;
            reason = g_strdup_printf("%s can have one provider and %s is it: disable one of them",
                                     single_roles[role], osh_plugin_id(first));
            osh_plugin_fail(plugin, "load", reason);
        }
    }
}

/* One that falls takes with it those that required it, so this repeats until nothing changes. */
static gboolean
drop_unsatisfied(OshRegistry *registry)
{
    gboolean dropped = FALSE;

    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        for (guint k = 0; osh_plugin_is_candidate(plugin) && plugin->manifest->requires[k] != NULL;
             k++) {
            const char *id = plugin->manifest->requires[k];
            g_autofree char *reason = NULL;

            if (g_hash_table_contains(registry->own, id) ||
                osh_registry_provider(registry, id) != NULL)
                continue;
            reason = g_strdup_printf("requires %s, which no usable plugin provides", id);
            osh_plugin_fail(plugin, "load", reason);
            dropped = TRUE;
        }
    }
    return dropped;
}

static void
log_notice(const char *text, gpointer data)
{
    (void)data;
    g_printerr("openshell: %s\n", text);
}

static void
fail_cycle(const GPtrArray *candidates, const gboolean *in_cycle)
{
    g_autoptr(GString) members = g_string_new(NULL);
    g_autofree char *reason = NULL;

    for (guint i = 0; i < candidates->len; i++)
        if (in_cycle[i])
            g_string_append_printf(members, "%s%s", members->len > 0 ? ", " : "",
                                   osh_plugin_id(g_ptr_array_index(candidates, i)));
    reason = g_strdup_printf("is part of a dependency cycle of %s", members->str);
    for (guint i = 0; i < candidates->len; i++)
        if (in_cycle[i])
            osh_plugin_fail(g_ptr_array_index(candidates, i), "load", reason);
}

/* Returns: whether a cycle was found, after which requirements must be looked at again. */
static gboolean
put_in_order(OshRegistry *registry)
{
    g_autoptr(GPtrArray) candidates = g_ptr_array_new();
    g_autoptr(GPtrArray) manifests = g_ptr_array_new();
    g_autofree gsize *order = NULL;
    g_autofree gboolean *in_cycle = NULL;
    gsize length;

    for (guint i = 0; i < registry->plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

        if (!osh_plugin_is_candidate(plugin))
            continue;
        g_ptr_array_add(candidates, plugin);
        g_ptr_array_add(manifests, plugin->manifest);
    }
    order = g_new0(gsize, candidates->len + 1);
    in_cycle = g_new0(gboolean, candidates->len + 1);
    length = osh_plugin_order((const OshManifest *const *)manifests->pdata, manifests->len, order,
                              in_cycle, log_notice, NULL);
    for (guint i = 0; i < candidates->len; i++)
        if (in_cycle[i]) {
            fail_cycle(candidates, in_cycle);
            return TRUE;
        }
    g_ptr_array_set_size(registry->order, 0);
    for (gsize i = 0; i < length; i++)
        g_ptr_array_add(registry->order, g_ptr_array_index(candidates, order[i]));
    return FALSE;
}

static gboolean
required_are_usable(OshRegistry *registry, GError **error)
{
    for (guint i = 0; i < registry->plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(registry->plugins, i);

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

static void
settle(OshRegistry *registry)
{
    do {
        while (drop_unsatisfied(registry))
            continue;
    } while (put_in_order(registry));
}

gboolean
osh_registry_create_all(OshRegistry *registry, GError **error)
{
    settle_single_roles(registry);
    settle(registry);
    for (guint i = 0; i < registry->order->len; i++)
        osh_plugin_load(g_ptr_array_index(registry->order, i));
    /* A file that could not be loaded may have been what another one requires. */
    settle(registry);
    for (guint i = 0; i < registry->order->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(registry->order, i);

        while (drop_unsatisfied(registry))
            continue;
        if (osh_plugin_is_candidate(plugin))
            osh_plugin_create(plugin, registry->bus);
    }
    while (drop_unsatisfied(registry))
        continue;
    return required_are_usable(registry, error);
}

static gboolean
interface_of(const OshPlugin *plugin, const char *id, OshInterface *ret_interface)
{
    return osh_plugin_is_usable(plugin) && osh_manifest_provides(plugin->manifest, id) &&
           osh_can_call(plugin->entry, OshPluginEntry, get_interface) &&
           plugin->entry->get_interface(plugin->self, id, ret_interface);
}

gboolean
osh_registry_get_interface(OshRegistry *registry, const char *id, OshInterface *ret_interface)
{
    return osh_registry_find_interfaces(registry, id, ret_interface, 1) > 0;
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

        if (!interface_of(g_ptr_array_index(registry->order, i), id, &found))
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
