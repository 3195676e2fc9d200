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

static OshTopic
audit_topic(const OshNetwork *network, OshCapacity capacity)
{
    return capacity == OSH_CAPACITY_CONNECTION ? network->allowed : network->l7_allowed;
}

/* [shard]: there may be capacity again; the first that gets none waits with all behind it. */
static void
audit_capacity(gpointer data)
{
    OshCapacityWait *wait = data;
    const OshConnectionStep step =
        wait->capacity == OSH_CAPACITY_CONNECTION ? OSH_STEP_PERMIT : OSH_STEP_INSPECT;
    OshConnection *next;

    wait->is_asked = FALSE;
    for (OshConnection *at = wait->shard->steps[step].first; at != NULL && !wait->is_asked;
         at = next) {
        next = at->next;
        if (at->awaits_capacity) {
            at->awaits_capacity = FALSE;
            osh_connection_wake(at);
        }
    }
}

gboolean
osh_audit_reserve(OshConnection *connection, OshCapacity capacity, guint64 *reservation)
{
    OshNetworkShard *shard = connection->shard;
    const OshHost *host = shard->network->host;
    OshTopic topic = audit_topic(shard->network, capacity);
    OshCapacityWait *wait = &shard->waits[capacity];

    if (*reservation == 0)
        *reservation = osh_host_reserve(host, topic, osh_audit_process_key(connection));
    if (*reservation != 0)
        return TRUE;
    connection->awaits_capacity = TRUE;
    if (!wait->is_asked) {
        *wait = (OshCapacityWait){shard, capacity, TRUE};
        osh_host_on_capacity(host, topic, audit_capacity, wait);
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
