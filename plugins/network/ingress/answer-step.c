/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer-step.c: tells a refused client that knows of no proxy why, if it speaks HTTP. [shard]
 *
 * Nothing of the client was read, and nothing is: its first bytes are looked at. The refusal is
 * recorded and published by then.
 */
#include "answer-step.h"

#include "connection.h"
#include "http-answer.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static OshFlow
answer_reset(OshConnection *connection)
{
    return osh_connection_reset(connection, connection->end);
}

OshFlow
osh_answer_run(OshConnection *connection)
{
    GString *words = g_steal_pointer(&connection->new_head);
    guint8 bytes[OSH_HTTP_METHOD_PEEK];
    ssize_t n;

    /* What is under way cannot change anything any more. */
    osh_connection_release(connection);
    connection->new_head = words;
    n = recv(connection->client_fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return OSH_FLOW_WAIT;
    if (n <= 0)
        return answer_reset(connection);
    switch (osh_http_probe(bytes, (gsize)n)) {
    case OSH_HTTP_PROBE_MAYBE:
        return OSH_FLOW_WAIT;
    case OSH_HTTP_PROBE_REQUEST:
        break;
    case OSH_HTTP_PROBE_OTHER:
        return answer_reset(connection);
    }
    if (send(connection->client_fd, words->str, words->len, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
        return answer_reset(connection);
    return OSH_FLOW_REFUSED;
}

OshFlow
osh_answer_expire(OshConnection *connection)
{
    return answer_reset(connection);
}

OshFlow
osh_answer_client(OshConnection *connection, guint32 events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        return osh_answer_run(connection);
    return OSH_FLOW_WAIT;
}
