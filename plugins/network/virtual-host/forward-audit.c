/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-audit.c: the events of a forward. [shard]. It must never put a path, a field or a byte of
 * a body into an event.
 */
#include "forward-audit.h"

#include "audit.h"
#include "osh-destination.h"

gboolean
osh_forward_audit_allowed(const OshConnection *connection, const OshAuthority *authority,
                          const struct in6_addr *address)
{
    const OshNetwork *network = connection->shard->network;
    g_autofree char *rule =
        g_strdup_printf("%s forwards to it for %s", connection->virtual_host->plugin.provider,
                        connection->virtual_host->name);
    g_autofree char *address_text = osh_address_text(address);
    const OshEventNetworkAllowed allowed = {
        .connection = connection->id,
        .host = authority->host,
        .port = authority->port,
        .transport = "virtual-host",
        .binary = osh_audit_binary(connection),
        .rule = rule,
        .generation = connection->generation,
        .pid = osh_audit_pid(connection),
        .address = address_text,
    };
    guint64 reservation =
        osh_host_reserve(network->host, network->allowed, osh_audit_process_key(connection));

    if (reservation == 0)
        return FALSE;
    osh_audit_publish(connection, network->allowed, reservation, NULL,
                      osh_event_network_allowed_pack(&allowed));
    return TRUE;
}

static char *
collapse_key(const OshAuthority *authority, const char *what, const char *reason)
{
    return g_strdup_printf("virtual-host|%s|%s|%u|%s", what, authority->host, authority->port,
                           reason);
}

void
osh_forward_audit_denied(const OshConnection *connection, const OshAuthority *authority,
                         const char *layer, const char *reason, const struct in6_addr *address)
{
    g_autofree char *collapse = collapse_key(authority, layer, reason);
    g_autofree char *address_text = address != NULL ? osh_address_text(address) : NULL;
    const OshEventNetworkDenied denied = {
        .connection = connection->id,
        .layer = layer,
        .host = authority->host,
        .port = authority->port,
        .binary = osh_audit_binary(connection),
        .reason = reason,
        .generation = connection->generation,
        .pid = osh_audit_pid(connection),
        .address = address_text,
        .control = osh_control_name(OSH_CONTROL_OF_LAYER, layer),
    };

    osh_audit_publish(connection, connection->shard->network->denied, 0, collapse,
                      osh_event_network_denied_pack(&denied));
}

void
osh_forward_audit_failed(const OshConnection *connection, const OshAuthority *authority,
                         const char *stage, const char *text)
{
    g_autofree char *collapse = collapse_key(authority, stage, text);
    const OshEventNetworkFailed failed = {
        .connection = connection->id,
        .stage = stage,
        .host = authority->host,
        .port = authority->port,
        .text = text,
        .binary = osh_audit_binary(connection),
    };

    osh_audit_publish(connection, connection->shard->network->failed, 0, collapse,
                      osh_event_network_failed_pack(&failed));
}
