/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reuse.c: from one request of a client to its next, on the same connection. [shard].
 *
 * It must never let anything of a decision pass to the next request: not the verdict, not the
 * reservation, not the addresses. An upstream connection passes only with its one address, which
 * the policy is asked about again.
 */
#include "reuse.h"

#include "audit.h"
#include "request-facts.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

void
osh_upstream_drop(OshConnection *connection, gboolean abort_it)
{
    if (connection->upstream_fd < 0)
        return;
    osh_shard_remove(&connection->shard->network->shard,
                     g_steal_pointer(&connection->upstream_watch));
    osh_connection_close_fd(connection->upstream_fd, abort_it);
    connection->upstream_fd = -1;
    connection->is_reused = FALSE;
    connection->down.readable = FALSE;
    connection->down.hung_up = FALSE;
    connection->down.urgent = FALSE;
}

void
osh_upstream_again(OshConnection *connection)
{
    OshAddressList *list = g_malloc0(sizeof *list + sizeof list->at[0]);

    list->length = 1;
    list->at[0] = connection->upstream_address;
    g_free(connection->addresses);
    connection->addresses = list;
    osh_upstream_drop(connection, FALSE);
}

OshFlow
osh_upstream_unasked(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    /* A server says nothing without being asked, and an end is the end. */
    if (events & (EPOLLIN | EPOLLPRI | END_EVENTS))
        osh_upstream_drop(connection, FALSE);
    return OSH_FLOW_WAIT;
}

/* A new exchange has a number of its own in events. */
static void
reuse_renumber(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;

    connection->id = ++shard->last_id * shard->network->n_shards + shard->index;
    connection->generation = 0;
    connection->announced = FALSE;
    connection->swept_bytes = 0;
}

static void
reuse_remember(OshConnection *connection)
{
    g_free(connection->last.host);
    connection->last = (OshLastRequest){
        .host = g_steal_pointer(&connection->host),
        .port = connection->port,
        .protocol = connection->protocol,
        .handling = connection->handling,
        .tls = connection->tls,
    };
}

/* Of the client's direction what is known of its socket stays. */
static void
reuse_directions(OshConnection *connection)
{
    OshNetwork *network = connection->shard->network;

    osh_metrics_add(&network->metrics, network->bytes_up, (gint64)connection->up.moved);
    osh_metrics_add(&network->metrics, network->bytes_down, (gint64)connection->down.moved);
    connection->up.moved = connection->down.moved = 0;
    connection->up.ended = connection->up.done = connection->up.blocked = FALSE;
    connection->down.ended = connection->down.done = connection->down.blocked = FALSE;
}

void
osh_connection_reuse(OshConnection *connection)
{
    osh_audit_closed(connection, "end");
    if (connection->keeps_upstream)
        connection->is_reused = TRUE;
    else
        osh_upstream_drop(connection, FALSE);
    reuse_remember(connection);
    reuse_directions(connection);
    reuse_renumber(connection);
    g_clear_pointer(&connection->addresses, g_free);
    osh_request_facts_free(g_steal_pointer(&connection->request));
    if (connection->new_head != NULL)
        g_string_free(g_steal_pointer(&connection->new_head), TRUE);
    connection->protocol = NULL;
    connection->handling = 0;
    connection->tls = 0;
    connection->end = NULL;
    connection->keeps_upstream = FALSE;
    connection->has_begun = FALSE;
    connection->is_opaque = FALSE;
    connection->is_unjudged = FALSE;
    connection->may_be_opaque = FALSE;
    connection->is_head = FALSE;
    connection->awaits_answer = FALSE;
    connection->owners_first = FALSE;
    /* What they were allowed was the request before. */
    g_clear_pointer(&connection->co_owners, g_ptr_array_unref);
}

/* Returns: whether the upstream connection is as it was left: open and silent. */
static gboolean
upstream_is_idle(const OshConnection *connection)
{
    char byte;

    return recv(connection->upstream_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

gboolean
osh_connection_set_authority(OshConnection *connection, const OshAuthority *authority)
{
    OshLastRequest *last = &connection->last;

    connection->host_kind = (guint8)authority->kind;
    connection->port = authority->port;
    if (last->host == NULL || last->port != authority->port ||
        strcmp(last->host, authority->host) != 0) {
        connection->host = g_strndup(authority->host, authority->host_length);
        osh_upstream_drop(connection, FALSE);
        return FALSE;
    }
    connection->host = g_steal_pointer(&last->host);
    return TRUE;
}

void
osh_upstream_look(OshConnection *connection)
{
    if (connection->upstream_fd >= 0 && !upstream_is_idle(connection))
        osh_upstream_drop(connection, FALSE);
}

void
osh_upstream_suits_verdict(OshConnection *connection)
{
    const OshLastRequest *last = &connection->last;

    if (connection->upstream_fd >= 0 &&
        (last->tls != connection->tls || last->handling != connection->handling ||
         last->protocol != connection->protocol))
        osh_upstream_again(connection);
}
