/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks-request.c: greeting, request and replies of SOCKS version 5 (RFC 1928). [shard]
 *
 * The reply to a request is one number; why something was refused stands in the event and in the
 * line that the host prints.
 */
#include "socks-request.h"

#include "connection.h"
#include "explicit-request.h"
#include "http-answer.h"
#include "refusal.h"
#include "socks-message.h"
#include "synthetic-host.h"

#include <sys/socket.h>

static gboolean
socks_send(const OshConnection *connection, OshSocksReply reply)
{
    guint8 bytes[OSH_SOCKS_REPLY_SIZE];

    osh_socks_reply_make(reply, bytes);
    return send(connection->client_fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) ==
           (ssize_t)sizeof bytes;
}

static OshSocksReply
socks_reply_to(const OshConnection *connection, const OshRefusal *refusal)
{
    if (connection->socks_reply != OSH_SOCKS_SUCCEEDED)
        return (OshSocksReply)connection->socks_reply;
    if (refusal->status == 503)
        return OSH_SOCKS_GENERAL_FAILURE;
    if (refusal->outcome != 0)
        return OSH_SOCKS_NOT_ALLOWED;
    if (refusal->status == 504)
        return OSH_SOCKS_TIMEOUT;
    return g_str_equal(refusal->layer, "resolve") ? OSH_SOCKS_HOST_UNREACHABLE
                                                  : OSH_SOCKS_CONNECTION_REFUSED;
}

/* #OshTransport.answer */
static gboolean
socks_answer(OshConnection *connection, const OshRefusal *refusal, guint64 id)
{
    static const guint8 no_method[2] = {OSH_SOCKS_VERSION, OSH_SOCKS_NO_METHOD};

    (void)id;
    if (connection->greeted)
        return socks_send(connection, socks_reply_to(connection, refusal));
    /* Before its greeting was answered a client understands no other reply. */
    return connection->socks_reply == OSH_SOCKS_NO_METHOD &&
           send(connection->client_fd, no_method, sizeof no_method, MSG_NOSIGNAL | MSG_DONTWAIT) >
               0;
}

/* #OshTransport.opened */
static gboolean
socks_opened(OshConnection *connection)
{
    return socks_send(connection, OSH_SOCKS_SUCCEEDED);
}

static OshFlow
socks_refuse_greeting(OshConnection *connection)
{
    connection->socks_reply = OSH_SOCKS_NO_METHOD;
    return osh_head_refuse(connection, 400, "socks_method",
                           "the client does not offer SOCKS without authentication");
}

/* Returns: %OSH_FLOW_NEXT when the greeting is answered. */
static OshFlow
socks_greet(OshConnection *connection)
{
    static const guint8 accepted[2] = {OSH_SOCKS_VERSION, 0};
    gsize length;
    gsize size;
    const guint8 *bytes = osh_buffer_window(connection->head, &length);

    switch (osh_socks_greeting_parse(bytes, length, &size)) {
    case OSH_SOCKS_NEED_MORE:
        return OSH_FLOW_WAIT;
    case OSH_SOCKS_REJECTED:
        return socks_refuse_greeting(connection);
    case OSH_SOCKS_COMPLETE:
        break;
    }
    osh_buffer_consume(connection->head, size);
    connection->greeted = TRUE;
    if (send(connection->client_fd, accepted, sizeof accepted, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)sizeof accepted)
        return osh_connection_gone(connection, "client gone");
    return OSH_FLOW_NEXT;
}

OshFlow
osh_socks_take(OshConnection *connection)
{
    OshSocksRequest request;
    gsize length;
    const guint8 *bytes;

    connection->transport = &osh_transport_socks;
    if (!connection->greeted) {
        OshFlow flow = socks_greet(connection);

        if (flow != OSH_FLOW_NEXT)
            return flow;
    }
    bytes = osh_buffer_window(connection->head, &length);
    switch (osh_socks_request_parse(bytes, length, &request)) {
    case OSH_SOCKS_NEED_MORE:
        return OSH_FLOW_WAIT;
    case OSH_SOCKS_REJECTED:
        connection->socks_reply = (guint8)request.reply;
        return osh_head_refuse(connection, 400, "socks_request", request.problem);
    case OSH_SOCKS_COMPLETE:
        break;
    }
    connection->host = g_strndup(request.destination.host, request.destination.host_length);
    connection->host_kind = (guint8)request.destination.kind;
    connection->port = request.destination.port;
    osh_synthetic_host_of_literal(connection);
    osh_buffer_consume(connection->head, request.size);
    if (connection->head->start == connection->head->end)
        osh_buffer_release(g_steal_pointer(&connection->head));
    return OSH_FLOW_NEXT;
}

const OshTransport osh_transport_socks = {
    .name = "socks",
    .verb = "SOCKS ",
    .first_step = OSH_STEP_HEAD,
    .open_step = OSH_STEP_FIRST_BYTES,
    .answer = socks_answer,
    .words = osh_http_words,
    .opened = socks_opened,
};
