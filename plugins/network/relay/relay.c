/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opaque relay. Small messages take one read and one write through the shard's scratch
 * buffer; as soon as a read fills that buffer the direction turns to splice(2) through a pooled
 * pipe, where no byte is copied. A pipe is held only while bytes are inside it. Half-close is
 * passed on after the last byte; a reset is passed on as a reset.
 *
 * Both sockets are watched edge-triggered, so readiness is remembered in the direction until a
 * call proves it gone. Never looks at the bytes, never allocates per byte moved.
 */
#include "relay.h"

#include "connection.h"
#include "pipe-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below this much in one splice, a copy is cheaper. */
#define BULK_BYTES 16384

typedef enum {
    RELAY_WAIT,
    RELAY_TURN_OVER,
    RELAY_BROKEN,
} RelayResult;

/* A user with many pipes gets small ones (pipe-user-pages-soft), smaller than what one read takes.
   Returns: FALSE when the empty pipe takes nothing. */
static gboolean
relay_fill(OshRelayDirection *direction, const guint8 *bytes, gsize length)
{
    ssize_t n = write(direction->pipe->write_fd, bytes, length);

    if (n <= 0)
        return FALSE;
    direction->pipe->queued = (gsize)n;
    if ((gsize)n < length && direction->rest == NULL) {
        direction->rest = g_byte_array_new();
        g_byte_array_append(direction->rest, bytes + n, (guint)(length - (gsize)n));
    }
    return TRUE;
}

/* Puts what did not fit into the pipe, which is empty now. Returns: FALSE when nothing is left. */
static gboolean
relay_refill(OshRelayDirection *direction)
{
    GByteArray *rest = direction->rest;

    if (rest == NULL || !relay_fill(direction, rest->data, rest->len))
        return FALSE;
    g_byte_array_remove_range(rest, 0, (guint)direction->pipe->queued);
    if (rest->len == 0)
        g_clear_pointer(&direction->rest, g_byte_array_unref);
    return TRUE;
}

/* Returns: 0, or -EAGAIN, or the negative errno that broke the sink. */
static int
relay_drain(OshRelayDirection *direction, int sink)
{
    while (direction->pipe->queued > 0 || relay_refill(direction)) {
        ssize_t n = splice(direction->pipe->read_fd, NULL, sink, NULL, direction->pipe->queued,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        direction->pipe->queued -= (gsize)n;
        direction->moved += (guint64)n;
    }
    return 0;
}

/* Puts what the sink did not take into a pipe. Returns: FALSE when there is no pipe to be had. */
static gboolean
relay_stash(OshConnection *connection, OshRelayDirection *direction, const guint8 *bytes,
            gsize length)
{
    /* One is in hand where the bytes came between a splice and the end of the turn. */
    if (direction->pipe == NULL)
        direction->pipe = osh_pipe_pool_acquire(connection->shard->pipes);
    return direction->pipe != NULL && relay_fill(direction, bytes, length);
}

/* Returns: bytes read, 0 at the end, or a negative errno. */
static ssize_t
relay_copy(OshConnection *connection, OshRelayDirection *direction, int source, int sink)
{
    guint8 *scratch = connection->shard->scratch;
    ssize_t n = recv(source, scratch, OSH_NETWORK_SCRATCH_SIZE, 0);
    ssize_t sent;

    if (n <= 0)
        return n < 0 ? -errno : 0;
    sent = send(sink, scratch, (gsize)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    if (sent < 0)
        sent = 0;
    direction->moved += (guint64)sent;
    if (sent < n && !relay_stash(connection, direction, scratch + sent, (gsize)(n - sent)))
        return -ENFILE;
    direction->bulk = n == OSH_NETWORK_SCRATCH_SIZE;
    /* A short read empties the queue, and whatever comes later is a new edge; an end that was
       already announced is not. */
    if (!direction->bulk && !direction->hung_up && !direction->urgent)
        direction->readable = FALSE;
    return n;
}

/* Returns: bytes read, 0 at the end, or a negative errno. */
static ssize_t
relay_splice(OshConnection *connection, OshRelayDirection *direction, int source)
{
    ssize_t n;

    if (direction->pipe == NULL)
        direction->pipe = osh_pipe_pool_acquire(connection->shard->pipes);
    if (direction->pipe == NULL)
        return -ENFILE;
    n = splice(source, NULL, direction->pipe->write_fd, NULL, direction->pipe->capacity,
               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    direction->pipe->queued = (gsize)n;
    direction->bulk = n >= BULK_BYTES;
    return n;
}

static void
relay_pass_end(OshRelayDirection *direction, int sink)
{
    direction->done = TRUE;
    shutdown(sink, SHUT_WR);
}

static RelayResult
relay_pump(OshConnection *connection, OshRelayDirection *direction, int source, int sink)
{
    gsize turn = 0;

    while (!direction->done) {
        ssize_t n;

        if (direction->pipe != NULL && direction->pipe->queued > 0) {
            int result = relay_drain(direction, sink);

            if (result == -EAGAIN) {
                direction->blocked = TRUE;
                return RELAY_WAIT;
            }
            if (result != 0)
                return RELAY_BROKEN;
        }
        direction->blocked = FALSE;
        if (direction->ended) {
            relay_pass_end(direction, sink);
            break;
        }
        if (!direction->readable)
            break;
        if (turn >= OSH_RELAY_TURN_BYTES)
            return RELAY_TURN_OVER;
        n = direction->bulk ? relay_splice(connection, direction, source)
                            : relay_copy(connection, direction, source, sink);
        /* splice(2) stops at an urgent mark as if nothing, or no more, were there. */
        if (direction->bulk && (n == 0 || (n == -EAGAIN && direction->urgent)))
            direction->bulk = FALSE;
        else if (n == 0)
            direction->ended = TRUE;
        else if (n == -EAGAIN)
            direction->readable = FALSE;
        else if (n < 0 && n != -EINTR)
            return RELAY_BROKEN;
        else if (n > 0)
            turn += (gsize)n;
    }
    g_clear_pointer(&direction->pipe, osh_pipe_release);
    return RELAY_WAIT;
}

static OshFlow
relay_finish(OshConnection *connection, RelayResult result)
{
    if (result == RELAY_BROKEN)
        return osh_connection_reset(connection, "reset");
    if (connection->up.done && connection->down.done)
        return osh_connection_gone(connection, "end");
    if (result == RELAY_TURN_OVER)
        osh_connection_again(connection);
    return OSH_FLOW_WAIT;
}

static OshFlow
relay_up(OshConnection *connection)
{
    guint64 before = connection->up.moved;
    RelayResult result =
        relay_pump(connection, &connection->up, connection->client_fd, connection->upstream_fd);

    if (connection->up.moved != before)
        connection->moved_at = osh_shard_now(&connection->shard->network->shard);
    return relay_finish(connection, result);
}

static OshFlow
relay_down(OshConnection *connection)
{
    guint64 before = connection->down.moved;
    RelayResult result =
        relay_pump(connection, &connection->down, connection->upstream_fd, connection->client_fd);

    if (connection->down.moved != before)
        connection->moved_at = osh_shard_now(&connection->shard->network->shard);
    return relay_finish(connection, result);
}

/* Returns: whether the socket is dead with nothing left to read, which only these flags tell. */
static gboolean
relay_note(OshRelayDirection *from, guint32 events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        from->readable = TRUE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        from->hung_up = TRUE;
    return from->done && (events & (EPOLLHUP | EPOLLERR)) != 0;
}

/* What the client sent behind its request head. Returns: FALSE when the upstream takes no more. */
static gboolean
relay_send_first(OshConnection *connection)
{
    gsize length;
    const guint8 *bytes = osh_buffer_window(connection->head, &length);
    ssize_t sent = length > 0 ? send(connection->upstream_fd, bytes, length, MSG_NOSIGNAL) : 0;
    gboolean kept;

    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return FALSE;
    if (sent < 0)
        sent = 0;
    connection->up.moved += (guint64)sent;
    kept = sent == (ssize_t)length ||
           relay_stash(connection, &connection->up, bytes + sent, length - (gsize)sent);
    osh_buffer_release(g_steal_pointer(&connection->head));
    return kept;
}

OshFlow
osh_tunnel_run(OshConnection *connection)
{
    OshFlow flow;

    if (connection->head != NULL && !relay_send_first(connection))
        return osh_connection_gone(connection, "reset");
    flow = connection->up.done ? OSH_FLOW_WAIT : relay_up(connection);
    if (flow != OSH_FLOW_WAIT || connection->down.done)
        return flow;
    return relay_down(connection);
}

OshFlow
osh_tunnel_client(OshConnection *connection, guint32 events)
{
    OshFlow flow = OSH_FLOW_WAIT;

    if (relay_note(&connection->up, events))
        return relay_finish(connection, RELAY_BROKEN);
    if (connection->up.readable && !connection->up.done && !connection->up.blocked)
        flow = relay_up(connection);
    if (flow == OSH_FLOW_WAIT && (events & (EPOLLOUT | EPOLLERR)) && connection->down.blocked)
        flow = relay_down(connection);
    return flow;
}

OshFlow
osh_tunnel_upstream(OshConnection *connection, int fd, guint32 events)
{
    OshFlow flow = OSH_FLOW_WAIT;

    (void)fd;
    if (relay_note(&connection->down, events))
        return relay_finish(connection, RELAY_BROKEN);
    if (connection->down.readable && !connection->down.done && !connection->down.blocked)
        flow = relay_down(connection);
    if (flow == OSH_FLOW_WAIT && (events & (EPOLLOUT | EPOLLERR)) && connection->up.blocked)
        flow = relay_up(connection);
    return flow;
}

void
osh_relay_clear(OshConnection *connection)
{
    g_clear_pointer(&connection->up.pipe, osh_pipe_release);
    g_clear_pointer(&connection->down.pipe, osh_pipe_release);
    g_clear_pointer(&connection->up.rest, g_byte_array_unref);
    g_clear_pointer(&connection->down.rest, g_byte_array_unref);
}
