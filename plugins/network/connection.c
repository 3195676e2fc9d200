/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a connection on its shard: made at accept, moved from step to step, closed by
 * whatever ends it. Who may pass is decided in pipeline.c. Never blocks, and never keeps a
 * descriptor, a pipe, a reservation or a lookup past close.
 */
#include "connection.h"

#include "audit.h"
#include "dial.h"
#include "explicit-request.h"
#include "forward-request.h"
#include "identity-question.h"
#include "listener.h"
#include "osh-socket-address.h"
#include "owner-check.h"
#include "relay.h"
#include "reply.h"
#include "request-facts.h"
#include "resolution.h"
#include "transparent.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WATCHED (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
/* What is read of a refused client before other connections get their turn. */
#define DRAIN_READS 32

const char *
osh_transport_name(OshTransport transport)
{
    switch (transport) {
    case OSH_TRANSPORT_CONNECT:
        return "connect";
    case OSH_TRANSPORT_FORWARD:
        return "forward";
    case OSH_TRANSPORT_TRANSPARENT:
        break;
    }
    return "transparent";
}

static void
connection_leave(OshConnection *connection)
{
    OshConnectionList *list = &connection->shard->steps[connection->step];

    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        list->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        list->last = connection->previous;
    connection->previous = NULL;
    connection->next = NULL;
    list->length--;
}

static void
connection_join(OshConnection *connection, OshConnectionStep step)
{
    OshConnectionList *list = &connection->shard->steps[step];

    connection->step = (guint8)step;
    connection->since = osh_shard_now(&connection->shard->network->shard);
    connection->previous = list->last;
    if (list->last != NULL)
        list->last->next = connection;
    else
        list->first = connection;
    list->last = connection;
    list->length++;
}

void
osh_connection_enter(OshConnection *connection, OshConnectionStep step)
{
    connection_leave(connection);
    connection_join(connection, step);
}

static void
connection_drain(OshConnection *connection)
{
    for (guint reads = 0; reads < DRAIN_READS; reads++) {
        ssize_t n =
            recv(connection->client_fd, connection->shard->scratch, OSH_NETWORK_SCRATCH_SIZE, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            osh_connection_close(connection, "refused");
            return;
        }
        if (n < 0 && errno == EAGAIN)
            return;
    }
    /* A client that sends without end does not hold up the others: announces the rest anew. */
    osh_shard_modify(&connection->shard->network->shard, connection->client_watch, WATCHED);
}

static void
connection_client_event(int fd, guint32 events, gpointer data)
{
    OshConnection *connection = data;

    (void)fd;
    switch ((OshConnectionStep)connection->step) {
    case OSH_STEP_TUNNEL:
        osh_relay_client_event(connection, events);
        return;
    case OSH_STEP_HEAD:
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            connection->up.hung_up = TRUE;
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            osh_explicit_read(connection);
        return;
    case OSH_STEP_LINGER:
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            connection_drain(connection);
        return;
    case OSH_STEP_IDENTIFY:
    case OSH_STEP_AUDIT:
    case OSH_STEP_RESOLVE:
    case OSH_STEP_DIAL:
    case OSH_STEP_VERIFY:
    case OSH_N_STEPS:
        break;
    }
    if (events & (EPOLLHUP | EPOLLERR)) {
        osh_connection_close(connection, "client gone");
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP))
        connection->up.readable = TRUE;
    if (events & EPOLLRDHUP)
        connection->up.hung_up = TRUE;
}

void
osh_connection_upstream_event(int fd, guint32 events, gpointer data)
{
    OshConnection *connection = data;

    if (connection->step == OSH_STEP_TUNNEL) {
        osh_relay_upstream_event(connection, events);
        return;
    }
    if (connection->step == OSH_STEP_DIAL) {
        osh_dial_event(connection, fd, events);
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        connection->down.readable = TRUE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        connection->down.hung_up = TRUE;
}

void
osh_connection_set_destination(OshConnection *connection,
                               const struct sockaddr_storage *destination)
{
    osh_socket_address_map((const struct sockaddr *)destination, &connection->local_address,
                           &connection->local_port);
    connection->host = osh_address_text(&connection->local_address);
    connection->host_kind =
        IN6_IS_ADDR_V4MAPPED(&connection->local_address) ? OSH_HOST_IPV4 : OSH_HOST_IPV6;
    connection->port = connection->local_port;
}

/* Returns: FALSE after answering and closing @fd. */
static gboolean
connection_admit(OshNetworkShard *shard, const OshListener *listener, int fd)
{
    OshNetwork *network = shard->network;
    gint open = g_atomic_int_add(&network->n_connections, 1);

    if (!shard->stopping && (guint)open < network->config.max_connections)
        return TRUE;
    g_atomic_int_add(&network->n_connections, -1);
    osh_refuse_unserved_fd(fd, listener->kind == OSH_LISTENER_EXPLICIT);
    return FALSE;
}

void
osh_connection_accepted(OshNetworkShard *shard, OshListener *listener, int fd,
                        const struct sockaddr_storage *peer)
{
    OshNetwork *network = shard->network;
    OshConnection *connection;

    if (!connection_admit(shard, listener, fd))
        return;
    connection = g_new0(OshConnection, 1);
    connection->shard = shard;
    connection->listener = listener;
    connection->id = ++shard->last_id * network->n_shards + shard->index;
    connection->client_fd = fd;
    connection->upstream_fd = -1;
    connection->look_index = OSH_NO_LOOK;
    connection->transport = listener->kind == OSH_LISTENER_TRANSPARENT ? OSH_TRANSPORT_TRANSPARENT
                                                                       : OSH_TRANSPORT_CONNECT;
    osh_socket_address_map((const struct sockaddr *)peer, &connection->client_address,
                           &connection->client_port);
    connection->local_address = listener->address;
    connection->local_port = listener->port;
    connection_join(connection, OSH_STEP_HEAD);
    osh_metrics_add(&network->metrics, network->open_connections, 1);
    connection->client_watch =
        osh_shard_add_fd(&network->shard, fd, WATCHED, connection_client_event, connection);
    if (connection->client_watch == NULL) {
        osh_connection_close(connection, "no watch");
        return;
    }
    if (connection->transport == OSH_TRANSPORT_TRANSPARENT) {
        osh_transparent_begin(connection);
        return;
    }
    osh_connection_take_identity(connection);
    /* A flood of silent clients pushes out its own oldest, never those with a request. */
    if (shard->steps[OSH_STEP_HEAD].length >
        MAX(network->config.max_connections / (4 * network->n_shards), 8u))
        osh_refuse_head(shard->steps[OSH_STEP_HEAD].first, "408 Request Timeout", "request_timeout",
                        "too many clients connected without sending a request");
}

static void
connection_free_watches(OshConnection *connection)
{
    const OshInterface *shard = &connection->shard->network->shard;

    osh_shard_remove(shard, g_steal_pointer(&connection->client_watch));
    osh_shard_remove(shard, g_steal_pointer(&connection->upstream_watch));
}

/* A reset on one side, or a refusal that has no words, reaches the other side as a reset too. */
static void
connection_close_fd(int fd, gboolean abort_it)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (fd < 0)
        return;
    if (abort_it)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

void
osh_connection_close(OshConnection *connection, const char *reason)
{
    OshNetworkShard *shard = connection->shard;
    OshNetwork *network = shard->network;

    osh_audit_closed(connection, reason);
    osh_owner_check_forget(connection);
    osh_identity_question_cancel(g_steal_pointer(&connection->question));
    osh_resolution_cancel(g_steal_pointer(&connection->resolution));
    osh_dial_free(g_steal_pointer(&connection->dial));
    osh_forward_free(g_steal_pointer(&connection->forward));
    osh_request_facts_free(g_steal_pointer(&connection->request));
    osh_host_unreserve(network->host, connection->reservation);
    osh_relay_clear(connection);
    connection_free_watches(connection);
    connection_close_fd(connection->client_fd, connection->client_aborted);
    connection_close_fd(connection->upstream_fd, connection->client_aborted);
    osh_buffer_release(g_steal_pointer(&connection->head));
    if (connection->counted)
        g_atomic_int_add(&connection->peer->n_connections, -1);
    g_free(connection->identity_problem);
    g_clear_pointer(&connection->peer, osh_peer_identity_unref);
    if (connection->again)
        g_ptr_array_remove_fast(shard->again, connection);
    osh_metrics_add(&network->metrics, network->open_connections, -1);
    osh_metrics_add(&network->metrics, network->bytes_up, (gint64)connection->up.moved);
    osh_metrics_add(&network->metrics, network->bytes_down, (gint64)connection->down.moved);
    connection_leave(connection);
    g_free(connection->addresses);
    g_free(connection->host);
    g_free(connection);
    g_atomic_int_add(&network->n_connections, -1);
}

void
osh_connection_linger(OshConnection *connection)
{
    /* Nothing that is still under way may take a refused connection any further. */
    osh_owner_check_forget(connection);
    osh_identity_question_cancel(g_steal_pointer(&connection->question));
    osh_resolution_cancel(g_steal_pointer(&connection->resolution));
    osh_dial_free(g_steal_pointer(&connection->dial));
    osh_buffer_release(g_steal_pointer(&connection->head));
    shutdown(connection->client_fd, SHUT_WR);
    osh_connection_enter(connection, OSH_STEP_LINGER);
    connection_drain(connection);
}

/* [shard] */
static void
connection_run_again(gpointer data)
{
    OshNetworkShard *shard = data;
    guint n = shard->again->len;

    shard->again_posted = FALSE;
    while (n-- > 0 && shard->again->len > 0) {
        OshConnection *connection = g_ptr_array_steal_index(shard->again, 0);

        connection->again = FALSE;
        osh_relay_continue(connection);
    }
}

void
osh_connection_again(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;

    if (!connection->again) {
        connection->again = TRUE;
        g_ptr_array_add(shard->again, connection);
    }
    if (!shard->again_posted)
        shard->again_posted =
            osh_shard_post(&shard->network->shard, shard->index, connection_run_again, shard);
}
