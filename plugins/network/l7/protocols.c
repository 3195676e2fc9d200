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
/* Whose plugin speaks HTTP. */
#define HTTP_PROTOCOL "rest"

static void
protocol_free(gpointer data)
{
    OshNetworkProtocol *protocol = data;

    osh_l7_declaration_free(protocol->declaration);
    g_free(protocol);
}

/* Returns: (transfer full) (nullable): what the manifest of @provider says of @name. */
static OshL7Declaration *
declaration_of(const OshHost *host, const OshInterface *provider, const char *name)
{
    const char *manifest = osh_host_manifest(host, provider->provider);

    return manifest != NULL ? osh_l7_declaration_new(manifest, name) : NULL;
}

/* A plugin that declares nothing of @name has no ALPN names for it. */
static OshNetworkProtocol *
protocol_new(const OshHost *host, const OshInterface *provider, const char *name)
{
    static char *no_names[] = {NULL};
    OshNetworkProtocol *protocol = g_new0(OshNetworkProtocol, 1);
    OshL7Declaration *declaration = declaration_of(host, provider, name);

    protocol->interface = *provider;
    protocol->declaration = declaration;
    protocol->alpn = declaration != NULL ? declaration->alpn : no_names;
    protocol->is_http = declaration != NULL && g_strcmp0(declaration->carrier, "tcp") != 0;
    return protocol;
}

/* Connections of @name, which @provider declares, begin with HTTP. */
static void
begin_with_http(GHashTable *found, const OshHost *host, const OshInterface *http,
                const OshInterface *provider, const char *name)
{
    OshL7Declaration *declaration = declaration_of(host, provider, name);

    if (declaration != NULL && g_strcmp0(declaration->carrier, "http") == 0 &&
        !g_str_equal(name, HTTP_PROTOCOL))
        g_hash_table_replace(found, (gpointer)name, protocol_new(host, http, HTTP_PROTOCOL));
    osh_l7_declaration_free(declaration);
}

static void
find_inspected(GHashTable *found, const OshHost *host, const OshInterface *http)
{
    OshInterface providers[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, OSH_INTERFACE_CONTENT_INSPECTOR, providers,
                                       G_N_ELEMENTS(providers));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(providers)); i++) {
        const char *const *names = osh_inspector_inspectors(&providers[i]);

        for (; names != NULL && *names != NULL; names++)
            if (!g_hash_table_contains(found, *names))
                begin_with_http(found, host, http, &providers[i], *names);
    }
}

static void
find_upgraded(GHashTable *found, const OshHost *host, const OshInterface *http)
{
    OshInterface upgrades[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, OSH_INTERFACE_HTTP_UPGRADE, upgrades,
                                       G_N_ELEMENTS(upgrades));
    GHashTableIter all;
    gpointer name;
    gpointer protocol;
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    g_hash_table_iter_init(&all, found);
    while (g_hash_table_iter_next(&all, &name, &protocol))
        for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(upgrades)); i++)
            if (g_strcmp0(((OshNetworkProtocol *)protocol)->interface.provider,
                          upgrades[i].provider) == 0)
                g_ptr_array_add(names, name);
    for (guint i = 0; i < names->len; i++) {
        const OshInterface provider =
            ((OshNetworkProtocol *)g_hash_table_lookup(found, names->pdata[i]))->interface;

        begin_with_http(found, host, http, &provider, names->pdata[i]);
    }
}

GHashTable *
osh_protocols_find(const OshHost *host)
{
    const OshNetworkProtocol *http;
    OshInterface http_interface;

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
    http = g_hash_table_lookup(found, HTTP_PROTOCOL);
    if (http != NULL) {
        http_interface = http->interface;
        find_upgraded(found, host, &http_interface);
        find_inspected(found, host, &http_interface);
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
upgrade_provider_free(gpointer data)
{
    OshUpgradeProvider *provider = data;

    osh_l7_declaration_free(provider->declaration);
    g_free(provider);
}

static void
add_upgrade(OshProviders *providers, const OshHost *host, const OshInterface *upgrade,
            const OshInterface *protocols, gsize n_protocols)
{
    const char *token = osh_http_upgrade_token(upgrade);

    for (gsize i = 0; i < n_protocols && token != NULL; i++)
        if (g_strcmp0(protocols[i].provider, upgrade->provider) == 0 &&
            !g_hash_table_contains(providers->upgrades, token)) {
            OshUpgradeProvider *provider = g_new0(OshUpgradeProvider, 1);
            const char *const *names = osh_l7_protocols(&protocols[i]);

            provider->upgrade = *upgrade;
            provider->protocol = protocols[i];
            if (names != NULL && names[0] != NULL)
                provider->declaration = declaration_of(host, &protocols[i], names[0]);
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
        add_upgrade(providers, host, &found[i], protocols,
                    MIN(n_protocols, G_N_ELEMENTS(protocols)));
}

OshProviders *
osh_providers_find(const OshHost *host)
{
    OshProviders *providers = g_new0(OshProviders, 1);

    providers->inspectors =
        find_by_name(host, OSH_INTERFACE_CONTENT_INSPECTOR, osh_inspector_inspectors);
    providers->middlewares =
        find_by_name(host, OSH_INTERFACE_MIDDLEWARE, osh_middleware_implementations);
    providers->upgrades =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, upgrade_provider_free);
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
