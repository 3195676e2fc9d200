/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic-host.c: an address that our resolver handed out is the name that it was asked for
 * (security rule 7, names of destinations): that is judged, resolved and recorded, whether the
 * program connected to the address or named it to the proxy. [shard]. Any other address stands for
 * itself.
 */
#include "synthetic-host.h"

#include "connection.h"
#include "osh-destination.h"
#include "synthetic-names.h"

gboolean
osh_synthetic_host(OshConnection *connection, const struct in6_addr *address)
{
    const char *name =
        osh_synthetic_names_lookup(connection->shard->network->names, address->s6_addr, 16);

    if (name == NULL)
        return FALSE;
    g_free(connection->host);
    connection->host = g_strdup(name);
    connection->host_kind = OSH_HOST_NAME;
    return TRUE;
}

void
osh_synthetic_host_of_literal(OshConnection *connection)
{
    struct in6_addr address;

    if (connection->host_kind != OSH_HOST_NAME &&
        osh_address_mapped_parse(connection->host, &address))
        osh_synthetic_host(connection, &address);
}
