/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds and publishes the events of a connection, on its shard. Every string is bounded and
 * valid UTF-8 here: hosts have passed the host grammar, binaries are made valid when read. Never
 * puts a query, a header or a body byte into an event.
 */
#include "audit.h"

#include "osh-destination.h"
#include "osh-identity.h"

static const char *
audit_binary(const OshConnection *connection)
{
    return connection->peer != NULL ? connection->peer->shown_binary : "";
}

static guint64
audit_process_key(const OshConnection *connection)
{
    return connection->peer != NULL ? connection->peer->process_key : 0;
}

static const char *
audit_host(const OshConnection *connection)
{
    return connection->host != NULL ? connection->host : "";
}

static guint64
audit_publish(OshConnection *connection, OshTopic topic, guint64 reservation,
              const char *collapse_key, GVariant *payload)
{
    const OshPublication publication = {
        .struct_size = sizeof publication,
        .topic = topic,
        .reservation = reservation,
        .process_key = audit_process_key(connection),
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
            osh_host_reserve(host, shard->network->allowed, audit_process_key(connection));
    if (connection->reservation != 0)
        return TRUE;
    if (!shard->capacity_wanted) {
        shard->capacity_wanted = TRUE;
        osh_host_on_room(host, shard->network->allowed, audit_capacity, shard);
    }
    return FALSE;
}

void
osh_audit_allowed(OshConnection *connection, const OshVerdict *verdict)
{
    GVariantBuilder extra;
    guint64 reservation = connection->reservation;

    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    if (connection->peer != NULL)
        g_variant_builder_add(&extra, "{sv}", "pid",
                              g_variant_new_uint32((guint32)connection->peer->pid));
    if (verdict->action != OSH_ACTION_ALLOW) {
        g_variant_builder_add(&extra, "{sv}", "audited", g_variant_new_boolean(TRUE));
        if (verdict->reason != NULL)
            g_variant_builder_add(
                &extra, "{sv}", "reason",
                g_variant_new_take_string(g_utf8_make_valid(verdict->reason, -1)));
    }
    connection->reservation = 0;
    audit_publish(
        connection, connection->shard->network->allowed, reservation, NULL,
        g_variant_new("(tsqssssta{sv})", connection->id, audit_host(connection), connection->port,
                      connection->transport->name, audit_binary(connection),
                      verdict->policy != NULL ? verdict->policy : "",
                      verdict->rule != NULL ? verdict->rule : "", verdict->generation, &extra));
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
    const char *policy = verdict != NULL && verdict->policy != NULL ? verdict->policy : "";
    g_autofree char *collapse = audit_collapse_key(connection, refusal);
    GVariantBuilder extra;

    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    if (connection->peer != NULL)
        g_variant_builder_add(&extra, "{sv}", "pid",
                              g_variant_new_uint32((guint32)connection->peer->pid));
    if (refusal->address != NULL)
        g_variant_builder_add(&extra, "{sv}", "address",
                              g_variant_new_take_string(osh_address_text(refusal->address)));
    if (verdict != NULL && verdict->hint != NULL)
        g_variant_builder_add(&extra, "{sv}", "hint", g_variant_new_string(verdict->hint));
    return audit_publish(connection, connection->shard->network->denied, 0, collapse,
                         g_variant_new("(tssqsssta{sv})", connection->id, refusal->layer,
                                       audit_host(connection), connection->port,
                                       audit_binary(connection), policy, refusal->reason,
                                       connection->generation, &extra));
}

guint64
osh_audit_failed(OshConnection *connection, const OshRefusal *refusal)
{
    g_autofree char *collapse = audit_collapse_key(connection, refusal);
    GVariantBuilder extra;

    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    if (connection->peer != NULL)
        g_variant_builder_add(&extra, "{sv}", "binary",
                              g_variant_new_string(audit_binary(connection)));
    return audit_publish(connection, connection->shard->network->failed, 0, collapse,
                         g_variant_new("(tssqsa{sv})", connection->id, refusal->layer,
                                       audit_host(connection), connection->port, refusal->reason,
                                       &extra));
}

void
osh_audit_opened(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;
    GVariantBuilder extra;

    connection->announced = TRUE;
    connection->opened_at = osh_shard_now(&network->shard);
    if (!osh_host_topic_wanted(network->host, network->opened))
        return;
    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    audit_publish(
        connection, network->opened, 0, NULL,
        g_variant_new("(tsq@sa{sv})", connection->id, audit_host(connection), connection->port,
                      g_variant_new_take_string(osh_address_text(&connection->upstream_address)),
                      &extra));
}

void
osh_audit_closed(OshConnection *connection, const char *reason)
{
    const OshNetwork *network = connection->shard->network;
    GVariantBuilder extra;

    if (!connection->announced || !osh_host_topic_wanted(network->host, network->closed))
        return;
    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    audit_publish(
        connection, network->closed, 0, NULL,
        g_variant_new("(tttxsa{sv})", connection->id, connection->up.moved, connection->down.moved,
                      osh_shard_now(&network->shard) - connection->opened_at, reason, &extra));
}
