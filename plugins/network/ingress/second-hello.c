/* SPDX-License-Identifier: Apache-2.0 */
/*
 * second-hello.c: from the first ClientHello to the server's first record, and to the second
 * ClientHello where the server asks for one. [shard]
 *
 * What the server says is looked at in its socket; only a HelloRetryRequest is taken out of it and
 * passed on. It must never pass on a byte of the client behind the first ClientHello: the tunnel
 * does, once the second one is judged or none was asked for.
 */
#include "second-hello.h"

#include "connection.h"
#include "first-bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define END_EVENTS    (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define RECORD_HEADER 5
#define CIPHER_SPEC   20
#define ALERT         21
#define HANDSHAKE     22
#define DATA          23
#define SERVER_HELLO  2
#define RANDOM_AT     11 /* of a ServerHello in a record */
#define LOOKED_AT     (RANDOM_AT + 32)

/* RFC 8446 section 4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
static const guint8 retry_random[] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/*
 * OshSecondHello:
 * @first: the first ClientHello
 * @is_taken: it is no longer with the client's bytes
 * @sent: bytes of it that the server has
 * @is_asked: the server has asked for another one
 */
struct _OshSecondHello {
    GByteArray *first;
    gboolean is_taken;
    gsize sent;
    gboolean is_asked;
};

void
osh_second_hello_expect(OshConnection *connection, gsize size)
{
    OshSecondHello *hello = g_new0(OshSecondHello, 1);

    hello->first = g_byte_array_sized_new((guint)size);
    g_byte_array_append(hello->first, connection->shard->scratch, (guint)size);
    connection->second_hello = hello;
}

/* Takes from the client what @hello has a copy of. Returns: FALSE when it is not there. */
static gboolean
hello_take(OshConnection *connection, OshSecondHello *hello)
{
    gsize left = hello->first->len;
    gsize there = 0;

    if (connection->head != NULL) {
        osh_buffer_window(connection->head, &there);
        there = MIN(there, left);
        osh_buffer_consume(connection->head, there);
        if (connection->head->start == connection->head->end)
            osh_buffer_release(g_steal_pointer(&connection->head));
        left -= there;
    }
    while (left > 0) {
        ssize_t n = recv(connection->client_fd, connection->shard->scratch, left, MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        left -= (gsize)n;
    }
    hello->is_taken = TRUE;
    return TRUE;
}

/* Returns: %OSH_FLOW_NEXT when the server has all of it. */
static OshFlow
hello_send(OshConnection *connection, OshSecondHello *hello)
{
    while (hello->sent < hello->first->len) {
        ssize_t n = send(connection->upstream_fd, hello->first->data + hello->sent,
                         hello->first->len - hello->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? OSH_FLOW_WAIT : osh_connection_reset(connection, "reset");
        hello->sent += (gsize)n;
        connection->up.moved += (guint64)n;
        connection->moved_at = osh_shard_now(&connection->shard->network->shard);
    }
    return OSH_FLOW_NEXT;
}

/* Returns: whether @bytes, as far as they are there, begin a HelloRetryRequest. */
static gboolean
may_be_retry(const guint8 *bytes, gsize length)
{
    return (length < 1 || bytes[0] == HANDSHAKE) &&
           (length <= RECORD_HEADER || bytes[RECORD_HEADER] == SERVER_HELLO) &&
           (length <= RANDOM_AT || memcmp(bytes + RANDOM_AT, retry_random,
                                          MIN(length - RANDOM_AT, sizeof retry_random)) == 0);
}

/* What it says now is all that it says before the second ClientHello. */
static OshFlow
retry_pass_on(OshConnection *connection, OshSecondHello *hello)
{
    guint8 *scratch = connection->shard->scratch;
    ssize_t n = recv(connection->upstream_fd, scratch, OSH_NETWORK_SCRATCH_SIZE, MSG_DONTWAIT);

    if (n <= 0 || send(connection->client_fd, scratch, (gsize)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
        return osh_connection_reset(connection, "reset");
    connection->down.moved += (guint64)n;
    hello->is_asked = TRUE;
    osh_connection_enlist(connection);
    return OSH_FLOW_NEXT;
}

/* The tunnel looks at both sides anew, and no one at TLS again. */
static OshFlow
hello_done(OshConnection *connection)
{
    osh_second_hello_clear(connection);
    connection->up.readable = TRUE;
    connection->down.readable = TRUE;
    connection->is_opaque = TRUE;
    return OSH_FLOW_NEXT;
}

/* Returns: %OSH_FLOW_NEXT when the server has asked for another ClientHello, or when nothing more
 * is expected. */
static OshFlow
hello_look_at_server(OshConnection *connection, OshSecondHello *hello)
{
    guint8 bytes[LOOKED_AT];
    ssize_t n = recv(connection->upstream_fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return OSH_FLOW_WAIT;
    if (n <= 0 || !may_be_retry(bytes, (gsize)n))
        return hello_done(connection);
    if (n < (ssize_t)sizeof bytes)
        return connection->down.hung_up ? hello_done(connection) : OSH_FLOW_WAIT;
    return retry_pass_on(connection, hello);
}

/* Before it a client may say change_cipher_spec (RFC 8446 appendix D.4), and data that it sent
 * early (section 4.2.10). Returns: where it begins. */
static gsize
skip_records(const guint8 *bytes, gsize length)
{
    gsize at = 0;

    while (length - at >= RECORD_HEADER && (bytes[at] == CIPHER_SPEC || bytes[at] == DATA)) {
        gsize size = RECORD_HEADER + ((gsize)bytes[at + 3] << 8 | bytes[at + 4]);

        if (size > length - at)
            break;
        at += size;
    }
    return at;
}

static OshFlow
hello_incomplete(OshConnection *connection, gsize length, gsize at)
{
    if (length >= OSH_CLIENT_HELLO_PEEK)
        return osh_first_bytes_refuse(connection, "the client's second TLS message is too long");
    if (!connection->up.hung_up)
        return OSH_FLOW_WAIT;
    return at == length
               ? hello_done(connection)
               : osh_first_bytes_refuse(connection, "the client's second TLS message is cut short");
}

static OshFlow
hello_look_at_client(OshConnection *connection)
{
    g_autofree OshClientHello *second = g_new(OshClientHello, 1);
    const guint8 *bytes = connection->shard->scratch;
    gsize length, at;
    OshFlow flow;

    if (!osh_connection_peek(connection, OSH_CLIENT_HELLO_PEEK, &length))
        return osh_connection_reset(connection, "reset");
    at = skip_records(bytes, length);
    if (at < length && (bytes[at] == CIPHER_SPEC || bytes[at] == DATA))
        return hello_incomplete(connection, length, at);
    if (at < length && bytes[at] == ALERT)
        return hello_done(connection);
    switch (osh_client_hello_parse(bytes + at, length - at, second)) {
    case OSH_CLIENT_HELLO_NEED_MORE:
        return hello_incomplete(connection, length, at);
    case OSH_CLIENT_HELLO_OTHER:
    case OSH_CLIENT_HELLO_MALFORMED:
        return osh_first_bytes_refuse(connection, "the client's second TLS message is malformed");
    case OSH_CLIENT_HELLO_COMPLETE:
        break;
    }
    flow = osh_first_bytes_judge(connection, second);
    return flow == OSH_FLOW_NEXT ? hello_done(connection) : flow;
}

OshFlow
osh_second_hello_run(OshConnection *connection)
{
    OshSecondHello *hello = connection->second_hello;
    OshFlow flow;

    if (hello == NULL)
        return OSH_FLOW_NEXT;
    if (!hello->is_taken && !hello_take(connection, hello))
        return osh_connection_reset(connection, "reset");
    flow = hello_send(connection, hello);
    if (flow != OSH_FLOW_NEXT)
        return flow;
    if (!hello->is_asked) {
        flow = hello_look_at_server(connection, hello);
        if (flow != OSH_FLOW_NEXT || connection->second_hello == NULL)
            return flow;
    }
    return hello_look_at_client(connection);
}

OshFlow
osh_second_hello_expire(OshConnection *connection)
{
    if (connection->second_hello->is_asked)
        return osh_first_bytes_refuse(connection, "the client's second TLS message was not "
                                                  "complete in time");
    /* The server may be as slow as a tunnel may be idle. */
    osh_connection_enlist(connection);
    return OSH_FLOW_WAIT;
}

OshFlow
osh_second_hello_client(OshConnection *connection, guint32 events)
{
    if (events & END_EVENTS)
        connection->up.hung_up = TRUE;
    if (events & (EPOLLHUP | EPOLLERR))
        return osh_connection_reset(connection, "reset");
    return osh_second_hello_run(connection);
}

OshFlow
osh_second_hello_upstream(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
    return osh_second_hello_run(connection);
}

void
osh_second_hello_clear(OshConnection *connection)
{
    OshSecondHello *hello = g_steal_pointer(&connection->second_hello);

    if (hello == NULL)
        return;
    g_byte_array_unref(hello->first);
    g_free(hello);
}
