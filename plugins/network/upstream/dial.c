/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy eyeballs (RFC 8305): the next address is tried when the one before has failed or has
 * taken a quarter of a second; the first that connects wins and the others are closed. Runs on
 * the connection's shard; the deadline for all of them is the dial step's. Never dials an address
 * that is not in the connection's checked list.
 */
#include "dial.h"

#include "connection.h"
#include "refusal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEMPT_DELAY (250 * G_TIME_SPAN_MILLISECOND)
#define MAX_ATTEMPTS  16

typedef struct {
    int fd;
    OshShardWatch *watch;
    guint index;
} DialAttempt;

struct _OshDial {
    OshConnection *connection;
    OshShardTimer *timer;
    guint next;
    guint n_attempts;
    int last_error;
    DialAttempt attempts[MAX_ATTEMPTS];
};

static OshFlow dial_next(OshDial *dial);

void
osh_dial_clear(OshConnection *connection)
{
    const OshInterface *shard = &connection->shard->network->shard;
    OshDial *dial = g_steal_pointer(&connection->dial);

    if (dial == NULL)
        return;
    osh_shard_cancel_timer(shard, dial->timer);
    for (guint i = 0; i < dial->n_attempts; i++) {
        osh_shard_remove(shard, dial->attempts[i].watch);
        close(dial->attempts[i].fd);
    }
    g_free(dial);
}

static socklen_t
dial_address(const struct in6_addr *address, guint16 port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret_address;

    memset(ret_address, 0, sizeof *ret_address);
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        v4->sin_family = AF_INET;
        v4->sin_port = g_htons(port);
        memcpy(&v4->sin_addr, &address->s6_addr[12], 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = g_htons(port);
    v6->sin6_addr = *address;
    return sizeof *v6;
}

static OshFlow
dial_won(OshDial *dial, guint attempt)
{
    OshConnection *connection = dial->connection;

    connection->upstream_fd = dial->attempts[attempt].fd;
    connection->upstream_watch = dial->attempts[attempt].watch;
    connection->upstream_address = connection->addresses->at[dial->attempts[attempt].index];
    dial->attempts[attempt] = dial->attempts[--dial->n_attempts];
    osh_dial_clear(connection);
    return OSH_FLOW_NEXT;
}

static OshFlow
dial_lost(OshDial *dial, guint attempt, int error_number)
{
    dial->last_error = error_number;
    osh_shard_remove(&dial->connection->shard->network->shard, dial->attempts[attempt].watch);
    close(dial->attempts[attempt].fd);
    dial->attempts[attempt] = dial->attempts[--dial->n_attempts];
    return dial_next(dial);
}

static void
dial_delayed(gpointer data)
{
    OshDial *dial = data;
    OshConnection *connection = dial->connection;

    dial->timer = NULL;
    osh_connection_advance(connection, dial_next(dial));
}

/* Returns: 0 when an attempt is under way, 1 when it is connected already, or a negative errno. */
static int
dial_attempt(OshDial *dial, guint index)
{
    OshConnection *connection = dial->connection;
    DialAttempt *attempt = &dial->attempts[dial->n_attempts];
    struct sockaddr_storage address;
    socklen_t length = dial_address(&connection->addresses->at[index], connection->port, &address);
    const int on = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    osh_connection_prepare_fd(fd);
    result = connect(fd, (struct sockaddr *)(void *)&address, length);
    if (result != 0 && errno != EINPROGRESS) {
        result = -errno;
        close(fd);
        return result;
    }
    attempt->fd = fd;
    attempt->index = index;
    attempt->watch =
        osh_shard_add_fd(&connection->shard->network->shard, fd, OSH_CONNECTION_WATCHED,
                         osh_connection_upstream_event, connection);
    if (attempt->watch == NULL) {
        close(fd);
        return -ENOMEM;
    }
    dial->n_attempts++;
    /* An upstream on this machine has answered by now; asking again saves a turn of the loop. */
    if (result != 0)
        result = connect(fd, (struct sockaddr *)(void *)&address, length);
    return result == 0 || errno == EISCONN ? 1 : 0;
}

/* Begins attempts until one is under way. */
static OshFlow
dial_next(OshDial *dial)
{
    OshConnection *connection = dial->connection;
    const OshInterface *shard = &connection->shard->network->shard;

    osh_shard_cancel_timer(shard, g_steal_pointer(&dial->timer));
    while (dial->next < connection->addresses->length) {
        int result = dial_attempt(dial, dial->next++);

        if (result > 0)
            return dial_won(dial, dial->n_attempts - 1);
        if (result == 0)
            break;
        dial->last_error = -result;
    }
    if (dial->n_attempts == 0)
        return osh_refuse_failed(connection, "connect", g_strerror(dial->last_error));
    if (dial->next < connection->addresses->length)
        dial->timer =
            osh_shard_add_timer(shard, osh_shard_now(shard) + ATTEMPT_DELAY, dial_delayed, dial);
    return OSH_FLOW_WAIT;
}

OshFlow
osh_dial_run(OshConnection *connection)
{
    if (connection->dial != NULL)
        return OSH_FLOW_WAIT;
    connection->dial = g_new0(OshDial, 1);
    connection->dial->connection = connection;
    return dial_next(connection->dial);
}

OshFlow
osh_dial_expire(OshConnection *connection)
{
    return osh_refuse_failed(connection, "timeout", "the destination did not answer in time");
}

OshFlow
osh_dial_upstream(OshConnection *connection, int fd, guint32 events)
{
    OshDial *dial = connection->dial;
    int error_number = 0;
    socklen_t length = sizeof error_number;

    for (guint i = 0; i < dial->n_attempts; i++) {
        if (dial->attempts[i].fd != fd)
            continue;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &length);
        if (error_number != 0 || (events & (EPOLLERR | EPOLLHUP)) != 0)
            return dial_lost(dial, i, error_number != 0 ? error_number : ECONNREFUSED);
        if (events & EPOLLIN)
            connection->down.readable = TRUE;
        if (events & EPOLLRDHUP)
            connection->down.hung_up = TRUE;
        return events & EPOLLOUT ? dial_won(dial, i) : OSH_FLOW_WAIT;
    }
    return OSH_FLOW_WAIT;
}
