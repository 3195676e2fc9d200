/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.c: collects the names that plugins claim. [main]
 *
 * A name belongs to one plugin. It ends in .local or .internal, which are no names of the public
 * DNS, or is an address of a cloud's metadata service; so no plugin takes over a server by a claim.
 */
#include "claims.h"

#include "interceptor.h"
#include "osh-authority.h"

#include <openshell/ext/draft/virtual-host.h>
#include <string.h>

#define MAX_PROVIDERS 64

static const char *const metadata_addresses[] = {"169.254.169.254", "fd00:ec2::254"};

static gboolean
claim_may_be_made(const char *name)
{
    OshAuthority authority;

    /* The spelling is the one that a destination is compared in; our own name is taken. */
    if (g_str_equal(name, OSH_REVOCATION_HOST) ||
        osh_host_parse(name, strlen(name), &authority) != OSH_AUTHORITY_OK ||
        !g_str_equal(authority.host, name))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(metadata_addresses); i++)
        if (g_str_equal(name, metadata_addresses[i]))
            return TRUE;
    return authority.kind == OSH_HOST_NAME &&
           (g_str_has_suffix(name, ".local") || g_str_has_suffix(name, ".internal"));
}

static void
virtual_host_free(gpointer data)
{
    OshVirtualHost *host = data;

    g_free(host->name);
    g_free(host);
}

static gboolean
claim(GHashTable *found, const OshInterface *plugin, const char *name, GError **error)
{
    const OshVirtualHost *other = g_hash_table_lookup(found, name);
    OshVirtualHost *host;

    if (!claim_may_be_made(name)) {
        g_set_error(
            error, OSH_ERROR, OSH_ERROR_INVALID,
            "the plugin %s claims the name %s: a virtual host has a name in lower case that "
            "ends in .local or .internal, or an address of a metadata service",
            plugin->provider, name);
        return FALSE;
    }
    if (other != NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_BUSY,
                    "the virtual host %s is claimed by %s and by %s; disable one of them "
                    "(--disable %s)",
                    name, other->plugin.provider, plugin->provider, plugin->provider);
        return FALSE;
    }
    host = g_new0(OshVirtualHost, 1);
    host->name = g_strdup(name);
    host->plugin = *plugin;
    host->reads_allowed = osh_virtual_host_reads_allowed_without_policy(plugin, name);
    g_hash_table_insert(found, host->name, host);
    return TRUE;
}

GHashTable *
osh_virtual_hosts_find(const OshHost *host, GError **error)
{
    g_autoptr(GHashTable) found =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, virtual_host_free);
    OshInterface providers[MAX_PROVIDERS];
    gsize n = osh_host_find_interfaces(host, OSH_INTERFACE_VIRTUAL_HOST, providers,
                                       G_N_ELEMENTS(providers));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(providers)); i++) {
        const char *const *names = osh_virtual_host_names(&providers[i]);

        for (; names != NULL && *names != NULL; names++)
            if (!claim(found, &providers[i], *names, error))
                return NULL;
    }
    return g_steal_pointer(&found);
}
