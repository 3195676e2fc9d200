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

/* Whoever speaks HTTP has sent its request by then; whoever waits for the server to speak is not to
 * wait long. */
#define PATIENCE (50 * G_TIME_SPAN_MILLISECOND)

static OshFlow
answer_reset(OshConnection *connection)
{
    return osh_connection_reset(connection, connection->end);
}

static void answer_look(gpointer data);

static void
answer_arm(OshNetworkShard *shard)
{
    const OshConnection *first = shard->steps[OSH_STEP_ANSWER].first;
    gint64 since = first != NULL ? first->since : osh_shard_now(&shard->network->shard);

    if (shard->answers == NULL)
        shard->answers =
            osh_shard_add_timer(&shard->network->shard, since + PATIENCE, answer_look, shard);
}

/* [shard]: connections stand in their list in the order in which they came. */
static void
answer_look(gpointer data)
{
    OshNetworkShard *shard = data;
    const OshConnectionList *list = &shard->steps[OSH_STEP_ANSWER];
    gint64 now = osh_shard_now(&shard->network->shard);

    shard->answers = NULL;
    while (list->first != NULL && now - list->first->since >= PATIENCE)
        osh_connection_expire(list->first);
    if (list->first != NULL)
        answer_arm(shard);
}

void
osh_answer_end(OshNetworkShard *shard)
{
    if (shard->answers != NULL)
        osh_shard_cancel_timer(&shard->network->shard, g_steal_pointer(&shard->answers));
}

static OshFlow
answer_wait(const OshConnection *connection)
{
    answer_arm(connection->shard);
    return OSH_FLOW_WAIT;
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
        return answer_wait(connection);
    if (n <= 0)
        return answer_reset(connection);
    switch (osh_http_probe(bytes, (gsize)n)) {
    case OSH_HTTP_PROBE_MAYBE:
        return answer_wait(connection);
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
