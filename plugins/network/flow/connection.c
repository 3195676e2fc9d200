/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c: a connection on its shard: made at accept, listed by the step in which it waits,
 * closed by whatever ends it. [shard]. It must never keep a descriptor, a pipe, a reservation or a
 * look-up past its end.
 */
#include "connection.h"

#include "audit.h"
#include "identity-question.h"
#include "osh-socket-address.h"
#include "owner-check.h"
#include "request-facts.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void
connection_leave_list(OshConnection *connection)
{
    OshConnectionList *list;

    if (connection->listed == OSH_N_STEPS)
        return;
    list = &connection->shard->steps[connection->listed];
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

void
osh_connection_enlist(OshConnection *connection)
{
    OshConnectionList *list = &connection->shard->steps[connection->step];

    connection_leave_list(connection);
    connection->listed = connection->step;
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
osh_connection_prepare_fd(int fd)
{
    const int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

gboolean
osh_connection_peek(OshConnection *connection, gsize most, gsize *ret_length)
{
    guint8 *scratch = connection->shard->scratch;
    ssize_t n;

    *ret_length = 0;
    if (connection->head != NULL) {
        const guint8 *surplus = osh_buffer_window(connection->head, ret_length);

        memcpy(scratch, surplus, *ret_length);
    }
    do
        n = recv(connection->client_fd, scratch + *ret_length, most, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        *ret_length += (gsize)n;
    return n >= 0 || errno == EAGAIN;
}

OshConnection *
osh_connection_new(OshNetworkShard *shard, int fd, const struct sockaddr_storage *peer,
                   const OshTransport *transport)
{
    OshNetwork *network = shard->network;
    OshConnection *connection = g_new0(OshConnection, 1);

    connection->shard = shard;
    connection->transport = transport;
    connection->id = ++shard->last_id * network->n_shards + shard->index;
    connection->client_fd = fd;
    connection->upstream_fd = -1;
    connection->look_index = OSH_NO_LOOK;
    connection->step = (guint8)transport->first_step;
    connection->listed = OSH_N_STEPS;
    osh_socket_address_map((const struct sockaddr *)peer, &connection->client_address,
                           &connection->client_port);
    osh_metrics_add(&network->metrics, network->open_connections, 1);
    osh_connection_prepare_fd(fd);
    connection->client_watch = osh_shard_add_fd(&network->shard, fd, OSH_CONNECTION_WATCHED,
                                                osh_connection_client_event, connection);
    if (connection->client_watch != NULL)
        return connection;
    osh_connection_close(connection, "no watch");
    return NULL;
}

const struct in6_addr *
osh_connection_addresses(const OshConnection *connection, gsize *ret_length)
{
    const OshAddressList *addresses = connection->addresses;

    if (connection->upstream_fd >= 0) {
        *ret_length = 1;
        return &connection->upstream_address;
    }
    *ret_length = addresses != NULL ? addresses->length : 0;
    return addresses != NULL ? addresses->at : NULL;
}

gboolean
osh_connection_client_gone(const OshConnection *connection)
{
    char byte;

    return recv(connection->client_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN;
}

void
osh_connection_abort_client(const OshConnection *connection)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection->client_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* A reset on one side, or a refusal that has no words, reaches the other side as a reset too. */
void
osh_connection_close_fd(int fd, gboolean abort_it)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (fd < 0)
        return;
    if (abort_it)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

void
osh_connection_release(OshConnection *connection)
{
    const OshStep *steps = connection->shard->network->steps;

    osh_owner_check_forget(connection);
    osh_identity_question_cancel(g_steal_pointer(&connection->question));
    for (guint step = 0; step < OSH_N_STEPS; step++)
        if (steps[step].clear != NULL)
            steps[step].clear(connection);
    osh_buffer_release(g_steal_pointer(&connection->head));
    if (connection->new_head != NULL)
        g_string_free(g_steal_pointer(&connection->new_head), TRUE);
}

void
osh_connection_close(OshConnection *connection, const char *reason)
{
    OshNetworkShard *shard = connection->shard;
    OshNetwork *network = shard->network;

    osh_audit_closed(connection, reason);
    osh_connection_release(connection);
    osh_request_facts_free(g_steal_pointer(&connection->request));
    osh_host_unreserve(network->host, connection->reservation);
    osh_shard_remove(&network->shard, g_steal_pointer(&connection->client_watch));
    osh_shard_remove(&network->shard, g_steal_pointer(&connection->upstream_watch));
    osh_connection_close_fd(connection->client_fd, connection->client_aborted);
    osh_connection_close_fd(connection->upstream_fd, connection->client_aborted);
    if (connection->counted)
        g_atomic_int_add(&connection->peer->n_connections, -1);
    g_free(connection->identity_problem);
    g_clear_pointer(&connection->peer, osh_peer_identity_unref);
    g_clear_pointer(&connection->co_owners, g_ptr_array_unref);
    if (connection->again)
        g_ptr_array_remove_fast(shard->again, connection);
    osh_metrics_add(&network->metrics, network->open_connections, -1);
    osh_metrics_add(&network->metrics, network->bytes_up, (gint64)connection->up.moved);
    osh_metrics_add(&network->metrics, network->bytes_down, (gint64)connection->down.moved);
    connection_leave_list(connection);
    g_free(connection->addresses);
    g_free(connection->host);
    g_free(connection->last.host);
    g_free(connection);
    g_atomic_int_add(&network->n_connections, -1);
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
        osh_connection_wake(connection);
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
