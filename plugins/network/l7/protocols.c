/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocols.c: looked up once, at start. [main]
 */
#include "protocols.h"

#include "osh-l7-declaration.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/http-upgrade.h>
#include <openshell/ext/draft/middleware.h>

#define MAX_PROVIDERS 64

static void
protocol_free(gpointer data)
{
    OshNetworkProtocol *protocol = data;

    osh_l7_declaration_free(protocol->declaration);
    g_free(protocol);
}

/* A plugin that declares nothing of @name has no ALPN names for it. */
static OshNetworkProtocol *
protocol_new(const OshHost *host, const OshInterface *provider, const char *name)
{
    static char *no_names[] = {NULL};
    OshNetworkProtocol *protocol = g_new0(OshNetworkProtocol, 1);
    const char *manifest = osh_host_manifest(host, provider->provider);
    OshL7Declaration *declaration =
        manifest != NULL ? osh_l7_declaration_new(manifest, name) : NULL;

    protocol->interface = *provider;
    protocol->declaration = declaration;
    protocol->alpn = declaration != NULL ? declaration->alpn : no_names;
    protocol->is_http = declaration != NULL && g_strcmp0(declaration->carrier, "tcp") != 0;
    return protocol;
}

GHashTable *
osh_protocols_find(const OshHost *host)
{
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, protocol_free);
    OshInterface providers[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, OSH_INTERFACE_L7_PROTOCOL, providers,
                                       G_N_ELEMENTS(providers));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(providers)); i++) {
        const char *const *names = osh_l7_protocols(&providers[i]);

        for (; names != NULL && *names != NULL; names++)
            if (!g_hash_table_contains(found, *names))
                g_hash_table_insert(found, (gpointer)*names,
                                    protocol_new(host, &providers[i], *names));
    }
    return found;
}

/* --- What works with protocols -----------------------------------------------------------------
 */

/* Each provider of @id by the names that @names_of tells; the first one where several do. */
static GHashTable *
find_by_name(const OshHost *host, const char *id,
             const char *const *(*names_of)(const OshInterface *provider))
{
    GHashTable *by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    OshInterface found[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, id, found, G_N_ELEMENTS(found));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(found)); i++) {
        const char *const *names = names_of(&found[i]);

        for (; names != NULL && *names != NULL; names++)
            if (!g_hash_table_contains(by_name, *names))
                g_hash_table_insert(by_name, (gpointer)*names,
                                    g_memdup2(&found[i], sizeof found[i]));
    }
    return by_name;
}

static void
add_upgrade(OshProviders *providers, const OshInterface *upgrade, const OshInterface *protocols,
            gsize n_protocols)
{
    const char *token = osh_http_upgrade_token(upgrade);

    for (gsize i = 0; i < n_protocols && token != NULL; i++)
        if (g_strcmp0(protocols[i].provider, upgrade->provider) == 0 &&
            !g_hash_table_contains(providers->upgrades, token)) {
            OshUpgradeProvider *provider = g_new0(OshUpgradeProvider, 1);

            provider->upgrade = *upgrade;
            provider->protocol = protocols[i];
            g_hash_table_insert(providers->upgrades, (gpointer)token, provider);
        }
}

static void
find_upgrades(OshProviders *providers, const OshHost *host)
{
    OshInterface protocols[MAX_PROVIDERS];
    OshInterface found[MAX_PROVIDERS];
    gsize n_protocols = osh_host_find_interfaces(host, OSH_INTERFACE_L7_PROTOCOL, protocols,
                                                 G_N_ELEMENTS(protocols));
    gsize n =
        osh_host_find_interfaces(host, OSH_INTERFACE_HTTP_UPGRADE, found, G_N_ELEMENTS(found));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(found)); i++)
        add_upgrade(providers, &found[i], protocols, MIN(n_protocols, G_N_ELEMENTS(protocols)));
}

OshProviders *
osh_providers_find(const OshHost *host)
{
    OshProviders *providers = g_new0(OshProviders, 1);

    providers->inspectors =
        find_by_name(host, OSH_INTERFACE_CONTENT_INSPECTOR, osh_inspector_inspectors);
    providers->middlewares =
        find_by_name(host, OSH_INTERFACE_MIDDLEWARE, osh_middleware_implementations);
    providers->upgrades = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    find_upgrades(providers, host);
    (void)osh_host_get_interface(host, OSH_INTERFACE_CREDENTIAL_PROVIDER, &providers->credentials);
    return providers;
}

void
osh_providers_free(OshProviders *providers)
{
    if (providers == NULL)
        return;
    g_hash_table_unref(providers->inspectors);
    g_hash_table_unref(providers->middlewares);
    g_hash_table_unref(providers->upgrades);
    g_free(providers);
}
