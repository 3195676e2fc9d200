/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.c: remembers what was said of which program. [shard] for what is published; the memory is
 * shared by shards and has a lock of its own. It must never grow with the number of connections or
 * of programs.
 */
#include "notice.h"

#include "audit.h"
#include "osh-identity.h"

void
osh_noticed_init(OshNoticed *noticed)
{
    pthread_mutex_init(&noticed->mutex, NULL);
    noticed->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void
osh_noticed_clear(OshNoticed *noticed)
{
    g_hash_table_unref(noticed->said);
    pthread_mutex_destroy(&noticed->mutex);
}

static gboolean
notice_is_first(OshNoticed *noticed, const OshConnection *connection, const char *kind)
{
    const OshPeerIdentity *peer = connection->peer;
    char *key =
        g_strdup_printf("%s %s %s", kind, peer != NULL && peer->sha256 != NULL ? peer->sha256 : "",
                        peer != NULL ? peer->binary : "");
    gboolean first;

    pthread_mutex_lock(&noticed->mutex);
    first = g_hash_table_size(noticed->said) < OSH_NOTICED_MAX &&
            !g_hash_table_contains(noticed->said, key);
    if (first)
        g_hash_table_add(noticed->said, g_steal_pointer(&key));
    pthread_mutex_unlock(&noticed->mutex);
    g_free(key);
    return first;
}

void
osh_notice(const OshConnection *connection, const OshNotice *notice)
{
    OshNetwork *network = connection->shard->network;
    const OshEventNetworkNotice event = {
        .connection = connection->id,
        .kind = notice->kind,
        .host = connection->host != NULL ? connection->host : "",
        .port = connection->port,
        .binary = osh_audit_binary(connection),
        .text = notice->text,
        .pid = osh_audit_pid(connection),
        .has_alert = notice->alert >= 0,
        .alert = notice->alert >= 0 ? (guint32)notice->alert : 0,
        .hint = notice->hint,
    };

    if (notice_is_first(&network->noticed, connection, notice->kind))
        osh_audit_publish(connection, network->notice, 0, notice->kind,
                          osh_event_network_notice_pack(&event));
}
