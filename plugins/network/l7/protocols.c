/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocols.c: looked up once, at start. [main]
 */
#include "protocols.h"

#include "osh-l7-declaration.h"

#include <openshell/ext/draft/l7-protocol.h>

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
