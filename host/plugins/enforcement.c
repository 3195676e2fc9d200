/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enforcement.c: what a run can enforce, from the manifests of the plugins that are there. [main].
 *
 * It must never promise what nobody does: the plugin that carries the connections has to use what
 * another one provides. Beyond host, port and binary nothing is enforced by the host itself.
 */
#include "enforcement.h"

#include "openshell/ext/draft/content-inspector.h"
#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/l7-protocol.h"
#include "openshell/ext/draft/middleware.h"
#include "policy.h"
#include "schema-protocol.h"

static gboolean
takes_part(const OshPlugin *plugin, const OshConfig *config)
{
    return osh_plugin_is_candidate(plugin) &&
           (config == NULL || osh_config_enabled(config, plugin->manifest->id) != OSH_FALSE);
}

static const OshManifest *
find_network(const OshPluginSet *set, const OshConfig *config)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(set);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (takes_part(plugin, config) && g_strcmp0(plugin->manifest->role, OSH_ROLE_NETWORK) == 0)
            return plugin->manifest;
    }
    return NULL;
}

/* Returns: what the protocols that @manifest declares need. @carrier: (nullable): only those */
static guint
protocols_of(const OshManifest *manifest, const char *carrier)
{
    guint flags = 0;

    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *protocol = g_ptr_array_index(manifest->protocols, i);

        if (carrier == NULL || g_str_equal(protocol->carrier, carrier))
            flags |= osh_schema_protocol_needs(osh_schema_protocol_find(protocol->name));
    }
    return flags;
}

/* What inspectors find in bodies needs a plugin that reads the requests around them. */
static guint
inspected_by(const OshManifest *network, guint spoken, guint inspected)
{
    return osh_manifest_uses(network, OSH_INTERFACE_CONTENT_INSPECTOR) &&
                   (spoken & OSH_POLICY_ENFORCES_REST)
               ? inspected & ~(guint)OSH_POLICY_ENFORCES_PLUGINS
               : 0;
}

guint
osh_plugin_enforcement(const OshPluginSet *set, const OshConfig *config)
{
    const GPtrArray *plugins = osh_plugin_set_plugins(set);
    const OshManifest *network = find_network(set, config);
    guint provided = 0;
    guint inspected = 0;
    guint used = 0;

    if (network == NULL)
        return 0;
    if (osh_manifest_uses(network, OSH_INTERFACE_L7_PROTOCOL))
        used |= (guint) ~(OSH_POLICY_ENFORCES_CREDENTIALS | OSH_POLICY_ENFORCES_MIDDLEWARE);
    if (osh_manifest_uses(network, OSH_INTERFACE_CREDENTIAL_PROVIDER))
        used |= OSH_POLICY_ENFORCES_CREDENTIALS;
    if (osh_manifest_uses(network, OSH_INTERFACE_MIDDLEWARE))
        used |= OSH_POLICY_ENFORCES_MIDDLEWARE;
    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        if (!takes_part(plugin, config))
            continue;
        if (osh_manifest_provides(plugin->manifest, OSH_INTERFACE_L7_PROTOCOL))
            provided |= protocols_of(plugin->manifest, NULL);
        if (osh_manifest_provides(plugin->manifest, OSH_INTERFACE_CONTENT_INSPECTOR))
            inspected |= protocols_of(plugin->manifest, "http");
        if (osh_manifest_provides(plugin->manifest, OSH_INTERFACE_CREDENTIAL_PROVIDER))
            provided |= OSH_POLICY_ENFORCES_CREDENTIALS;
        if (osh_manifest_provides(plugin->manifest, OSH_INTERFACE_MIDDLEWARE))
            provided |= OSH_POLICY_ENFORCES_MIDDLEWARE;
    }
    provided |= inspected_by(network, provided, inspected);
    /* A WebSocket begins with a request. */
    if (!(provided & OSH_POLICY_ENFORCES_REST))
        provided &= ~(guint)OSH_POLICY_ENFORCES_WEBSOCKET;
    return provided & used;
}
