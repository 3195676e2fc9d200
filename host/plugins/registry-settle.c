/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-settle.c: which of the plugins that were found take part, and in which order they start.
 *
 * [main]. Known from manifests and from what has failed so far; it must never call a plugin.
 */
#include "registry-private.h"

#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/sandbox-net.h"
#include "openshell/ext/process-launcher.h"
#include "plugin-order.h"

/* Interfaces of which there can be only one provider. */
static const char *const single_interfaces[] = {
    OSH_INTERFACE_PROCESS_LAUNCHER,
    OSH_INTERFACE_SANDBOX_NET,
    OSH_INTERFACE_CREDENTIAL_PROVIDER,
};

static void
fail_second(OshPlugin *plugin, const char *what, const OshPlugin *first)
{
    g_autofree char *reason =
        g_strdup_printf("%s can have one provider only, and %s is it: disable one of the two", what,
                        osh_plugin_id(first));

    osh_plugin_fail(plugin, "load", reason);
}

static void
settle_single(OshRegistry *registry, const char *interface_id)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);
    const OshPlugin *first = osh_plugin_set_provider(registry->set, interface_id);

    for (guint i = 0; first != NULL && i < plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin == first || !osh_plugin_is_candidate(plugin) ||
            !osh_manifest_provides(plugin->manifest, interface_id))
            continue;
        fail_second(plugin, interface_id, first);
    }
}

/* That of process is single because its interface is. */
static void
settle_network(OshRegistry *registry)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);
    const OshPlugin *first = osh_plugin_set_role(registry->set, OSH_ROLE_NETWORK);

    for (guint i = 0; first != NULL && i < plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (plugin != first && osh_plugin_is_candidate(plugin) &&
            g_strcmp0(plugin->manifest->role, OSH_ROLE_NETWORK) == 0)
            fail_second(plugin, "the role " OSH_ROLE_NETWORK, first);
    }
}

void
osh_registry_settle_roles(OshRegistry *registry)
{
    for (gsize i = 0; i < G_N_ELEMENTS(single_interfaces); i++)
        settle_single(registry, single_interfaces[i]);
    settle_network(registry);
}

static gboolean
drop_unsatisfied_once(OshRegistry *registry)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);
    gboolean dropped = FALSE;

    for (guint i = 0; i < plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(plugins, i);

        for (guint k = 0; osh_plugin_is_candidate(plugin) && plugin->manifest->requires[k] != NULL;
             k++) {
            const char *id = plugin->manifest->requires[k];
            g_autofree char *reason = NULL;

            if (g_hash_table_contains(registry->own, id) ||
                osh_plugin_set_provider(registry->set, id) != NULL)
                continue;
            reason = g_strdup_printf("requires %s, which no usable plugin provides", id);
            osh_plugin_fail(plugin, "load", reason);
            dropped = TRUE;
        }
    }
    return dropped;
}

/* One that fails takes with it those that required it, so this repeats until nothing changes. */
void
osh_registry_drop_unsatisfied(OshRegistry *registry)
{
    while (drop_unsatisfied_once(registry))
        continue;
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
    const GPtrArray *plugins = osh_registry_plugins(registry);
    g_autoptr(GPtrArray) candidates = g_ptr_array_new();
    g_autoptr(GPtrArray) manifests = g_ptr_array_new();
    g_autofree gsize *order = NULL;
    g_autofree gboolean *in_cycle = NULL;
    gsize length;

    for (guint i = 0; i < plugins->len; i++) {
        OshPlugin *plugin = g_ptr_array_index(plugins, i);

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

void
osh_registry_settle_order(OshRegistry *registry)
{
    do {
        osh_registry_drop_unsatisfied(registry);
    } while (put_in_order(registry));
}
