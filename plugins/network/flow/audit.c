/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c: builds and publishes the events of a connection, on its shard. It must never put a
 * query, a header or a body byte into an event.
 */
#include "audit.h"

#include "osh-destination.h"
#include "osh-identity.h"

const char *
osh_audit_binary(const OshConnection *connection)
{
    return connection->peer != NULL ? connection->peer->shown_binary : "";
}

guint64
osh_audit_process_key(const OshConnection *connection)
{
    return connection->peer != NULL ? connection->peer->process_key : 0;
}

guint32
osh_audit_pid(const OshConnection *connection)
{
    return connection->peer != NULL ? (guint32)connection->peer->pid : 0;
}

static const char *
audit_host(const OshConnection *connection)
{
    return connection->host != NULL ? connection->host : "";
}

guint64
osh_audit_publish(const OshConnection *connection, OshTopic topic, guint64 reservation,
                  const char *collapse_key, GVariant *payload)
{
    const OshPublication publication = {
        .struct_size = sizeof publication,
        .topic = topic,
        .reservation = reservation,
        .process_key = osh_audit_process_key(connection),
        .correlation = connection->id,
        .collapse_key = collapse_key,
        .payload = payload,
    };

    return osh_host_publish(connection->shard->network->host, &publication);
}

/* [shard]: there may be capacity again. */
static void
audit_capacity(gpointer data)
{
    OshNetworkShard *shard = data;
    guint waiting = shard->steps[OSH_STEP_PERMIT].length;

    shard->capacity_wanted = FALSE;
    while (waiting-- > 0 && shard->steps[OSH_STEP_PERMIT].first != NULL && !shard->capacity_wanted)
        osh_connection_wake(shard->steps[OSH_STEP_PERMIT].first);
}

gboolean
osh_audit_reserve(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;
    const OshHost *host = shard->network->host;

    if (connection->reservation == 0)
        connection->reservation =
            osh_host_reserve(host, shard->network->allowed, osh_audit_process_key(connection));
    if (connection->reservation != 0)
        return TRUE;
    if (!shard->capacity_wanted) {
        shard->capacity_wanted = TRUE;
        osh_host_on_capacity(host, shard->network->allowed, audit_capacity, shard);
    }
    return FALSE;
}

void
osh_audit_allowed(OshConnection *connection, const OshVerdict *verdict)
{
    const OshEventNetworkAllowed allowed = {
        .connection = connection->id,
        .host = audit_host(connection),
        .port = connection->port,
        .transport = connection->transport->name,
        .binary = osh_audit_binary(connection),
        .policy = verdict->policy,
        .rule = verdict->rule,
        .generation = verdict->generation,
        .pid = osh_audit_pid(connection),
        .audited = verdict->action != OSH_ACTION_ALLOW,
        .reason = verdict->action != OSH_ACTION_ALLOW ? verdict->reason : NULL,
        /* Of what is inspected, nothing goes on unseen before its session says so. */
        .uninspected = !verdict->unjudged ? verdict->uninspectable : NULL,
    };
    guint64 reservation = connection->reservation;

    connection->reservation = 0;
    osh_audit_publish(connection, connection->shard->network->allowed, reservation, NULL,
                      osh_event_network_allowed_pack(&allowed));
}

/* Returns: (transfer full): what equal refusals of one process have in common. */
static char *
audit_collapse_key(const OshConnection *connection, const OshRefusal *refusal)
{
    return g_strdup_printf("%s|%s|%u|%s", refusal->layer, audit_host(connection), connection->port,
                           refusal->reason);
}

guint64
osh_audit_denied(OshConnection *connection, const OshRefusal *refusal)
{
    const OshVerdict *verdict = refusal->verdict;
    g_autofree char *address = refusal->address != NULL ? osh_address_text(refusal->address) : NULL;
    g_autofree char *collapse = audit_collapse_key(connection, refusal);
    const OshEventNetworkDenied denied = {
        .connection = connection->id,
        .layer = refusal->layer,
        .host = audit_host(connection),
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .policy = verdict != NULL ? verdict->policy : NULL,
        .reason = refusal->reason,
        .generation = connection->generation,
        .pid = osh_audit_pid(connection),
        .address = address,
        .hint = verdict != NULL ? verdict->hint : NULL,
        .control = osh_control_name(refusal->control, refusal->layer),
    };

    return osh_audit_publish(connection, connection->shard->network->denied, 0, collapse,
                             osh_event_network_denied_pack(&denied));
}

guint64
osh_audit_failed(OshConnection *connection, const OshRefusal *refusal)
{
    g_autofree char *collapse = audit_collapse_key(connection, refusal);
    const OshEventNetworkFailed failed = {
        .connection = connection->id,
        .stage = refusal->layer,
        .host = audit_host(connection),
        .port = connection->port,
        .text = refusal->reason,
        .binary = connection->peer != NULL ? osh_audit_binary(connection) : NULL,
    };

    return osh_audit_publish(connection, connection->shard->network->failed, 0, collapse,
                             osh_event_network_failed_pack(&failed));
}

void
osh_audit_opened(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;
    g_autofree char *address = NULL;
    OshEventNetworkOpened opened = {
        .connection = connection->id,
        .host = audit_host(connection),
        .port = connection->port,
    };

    connection->announced = TRUE;
    connection->opened_at = osh_shard_now(&network->shard);
    connection->moved_at = connection->opened_at;
    if (!osh_host_topic_wanted(network->host, network->opened))
        return;
    if (connection->virtual_host == NULL)
        address = osh_address_text(&connection->upstream_address);
    opened.address = address;
    osh_audit_publish(connection, network->opened, 0, NULL, osh_event_network_opened_pack(&opened));
}

void
osh_audit_closed(OshConnection *connection, const char *reason)
{
    const OshNetwork *network = connection->shard->network;
    const OshEventNetworkClosed closed = {
        .connection = connection->id,
        .bytes_up = connection->up.moved,
        .bytes_down = connection->down.moved,
        .duration = osh_shard_now(&network->shard) - connection->opened_at,
        .reason = reason,
    };

    if (!connection->announced || !osh_host_topic_wanted(network->host, network->closed))
        return;
    osh_audit_publish(connection, network->closed, 0, NULL, osh_event_network_closed_pack(&closed));
}
