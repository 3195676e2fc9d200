/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocols.c: looked up once, at start. [main]
 */
#include "protocols.h"

#include <openshell/ext/draft/l7-protocol.h>

#define MAX_PROVIDERS 64

GHashTable *
osh_protocols_find(const OshHost *host)
{
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    OshInterface providers[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, OSH_INTERFACE_L7_PROTOCOL, providers,
                                       G_N_ELEMENTS(providers));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(providers)); i++) {
        const char *const *names = osh_l7_protocols(&providers[i]);

        for (; names != NULL && *names != NULL; names++)
            if (!g_hash_table_contains(found, *names))
                g_hash_table_insert(found, (gpointer)*names,
                                    g_memdup2(&providers[i], sizeof providers[i]));
    }
    return found;
}
