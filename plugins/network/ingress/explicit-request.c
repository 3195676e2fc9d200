/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explicit-request.c: reads one request head, strictly, and finds where the client wants to go:
 * CONNECT, or absolute-form HTTP; SOCKS by its first byte. [shard]. Whatever is not understood
 * exactly is answered with the reason and closed; nothing is repaired. The client's Host, SNI and
 * other claims never choose the destination (security rule 7, names of destinations).
 */
#include "explicit-request.h"

#include "connection.h"
#include "forward-request.h"
#include "host-claim.h"
#include "http-answer.h"
#include "identify.h"
#include "osh-http1-head.h"
#include "reuse.h"
#include "socks-message.h"
#include "socks-request.h"
#include "synthetic-host.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ESTABLISHED "HTTP/1.1 200 Connection Established\r\n\r\n"
#define END_EVENTS  (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
/* Of the connections that a shard may have, this part may be silent. */
#define SILENT_PART  4
#define SILENT_LEAST 8u

OshFlow
osh_head_refuse(OshConnection *connection, guint status, const char *error, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "head",
                                      .control = g_str_equal(error, "request_authority_mismatch")
                                                     ? OSH_CONTROL_AUTHORITY
                                                     : OSH_CONTROL_OF_LAYER,
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = status,
                                      .error = error,
                                      .detail = reason,
                                      .reason = reason,
                                  });
}

/* Returns: whether a request was served on this connection before. */
static gboolean
head_is_later(const OshConnection *connection)
{
    return connection->transport->many_requests;
}

static OshFlow
explicit_connect(OshConnection *connection, const OshHttp1Head *head, const guint8 *window)
{
    OshAuthority authority;
    OshAuthorityError problem = osh_authority_parse((const char *)window + head->target.offset,
                                                    head->target.length, 0, &authority);
    const char *claim;

    if (problem != OSH_AUTHORITY_OK)
        return osh_head_refuse(connection, 400, "invalid_request_target",
                               osh_authority_error_text(problem));
    /* RFC 9110 section 9.3.6: such content has no meaning, so another reader may take it for the
     * first bytes of the tunnel. */
    if (head->chunked || head->content_length > 0)
        return osh_head_refuse(connection, 400, "invalid_request_head",
                               "a CONNECT request has no content");
    osh_connection_set_authority(connection, &authority);
    osh_synthetic_host_of_literal(connection);
    /* A tunnel begins at the first byte of its upstream connection. */
    osh_upstream_drop(connection, FALSE);
    osh_forward_clear(connection);
    claim = osh_host_claim_problem(head, window, &authority, 0);
    if (claim != NULL)
        return osh_head_refuse(connection, 403, "request_authority_mismatch", claim);
    osh_buffer_consume(connection->head, head->size);
    if (connection->head->start == connection->head->end)
        osh_buffer_release(g_steal_pointer(&connection->head));
    return OSH_FLOW_NEXT;
}

/* Returns: %OSH_FLOW_WAIT when the head is not complete yet. */
static OshFlow
explicit_parse(OshConnection *connection)
{
    OshHttp1Field fields[OSH_HTTP1_DEFAULT_FIELDS];
    OshHttp1Head head;
    gsize size;
    const guint8 *window = osh_buffer_window(connection->head, &size);

    if (connection->greeted ||
        (size > 0 && window[0] == OSH_SOCKS_VERSION && !head_is_later(connection)))
        return osh_socks_take(connection);
    osh_http1_head_init(&head, OSH_HTTP1_REQUEST, OSH_NETWORK_HEAD_SIZE, fields,
                        G_N_ELEMENTS(fields));
    switch (osh_http1_head_feed(&head, window, size)) {
    case OSH_HTTP1_NEED_MORE:
        return OSH_FLOW_WAIT;
    case OSH_HTTP1_REJECTED:
        if (head.error == OSH_HTTP1_ERROR_TOO_MANY_FIELDS)
            return osh_head_refuse(connection, 431, "head_too_large",
                                   osh_http1_error_text(head.error));
        if (head.error == OSH_HTTP1_ERROR_TOO_LARGE)
            return osh_head_refuse(connection, 431, "head_too_large",
                                   "the request head is longer than 8192 bytes");
        return osh_head_refuse(connection, 400, "invalid_request_head",
                               osh_http1_error_text(head.error));
    case OSH_HTTP1_COMPLETE:
        break;
    }
    connection->transport = &osh_transport_connect;
    if (osh_http1_range_equals(window, head.method, "CONNECT"))
        return explicit_connect(connection, &head, window);
    return osh_forward_take(connection, &head, window);
}

/* Returns: %OSH_FLOW_NEXT with bytes, %OSH_FLOW_WAIT when there are none for now. */
static OshFlow
explicit_receive(OshConnection *connection)
{
    gsize capacity;
    guint8 *tail = osh_buffer_tail(connection->head, &capacity);
    ssize_t n;

    do
        n = recv(connection->client_fd, tail, capacity, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        connection->up.readable = FALSE;
        return OSH_FLOW_WAIT;
    }
    if (n <= 0)
        return osh_connection_gone(connection, "client gone");
    osh_buffer_commit(connection->head, (gsize)n);
    /* No new edge will announce what a full buffer left behind, nor an end that came with these
       bytes. */
    connection->up.readable =
        (gsize)n == capacity || connection->up.hung_up || connection->up.urgent;
    return OSH_FLOW_NEXT;
}

/* Between two requests a client waits for no answer, and could take one for that to its next
 * request. */
static OshFlow
head_give_up(OshConnection *connection, const char *reason)
{
    if (head_is_later(connection) && connection->head == NULL)
        return osh_connection_gone(connection, "idle");
    return osh_head_refuse(connection, 408, "request_timeout", reason);
}

/* A flood of silent clients pushes out its own oldest, never those with a request. */
static void
head_push_out(OshNetworkShard *shard)
{
    const OshNetwork *network = shard->network;
    OshConnectionList *list = &shard->steps[OSH_STEP_HEAD];

    if (list->length >=
        MAX(network->config.max_connections / (SILENT_PART * network->n_shards), SILENT_LEAST))
        osh_connection_advance(
            list->first,
            head_give_up(list->first, "too many clients connected without sending a request"));
}

/* Reads until there is a head, or nothing more for now. */
static OshFlow
head_read(OshConnection *connection)
{
    OshFlow flow = OSH_FLOW_WAIT;

    if (connection->head == NULL)
        connection->head = osh_buffer_pool_acquire(connection->shard->heads);
    if (connection->head == NULL)
        return osh_refuse_limit(connection, "too many requests are being read");
    while (flow == OSH_FLOW_WAIT && connection->up.readable) {
        flow = explicit_receive(connection);
        if (flow == OSH_FLOW_WAIT)
            break;
        if (flow == OSH_FLOW_NEXT)
            flow = explicit_parse(connection);
    }
    if (flow == OSH_FLOW_WAIT && connection->head->start == connection->head->end)
        osh_buffer_release(g_steal_pointer(&connection->head));
    return flow;
}

OshFlow
osh_head_run(OshConnection *connection)
{
    OshFlow flow = OSH_FLOW_WAIT;

    osh_identify_early(connection);
    head_push_out(connection->shard);
    if (connection->head != NULL)
        flow = explicit_parse(connection);
    return flow == OSH_FLOW_WAIT && connection->up.readable ? head_read(connection) : flow;
}

OshFlow
osh_head_expire(OshConnection *connection)
{
    return head_give_up(connection, "no complete request head arrived in time");
}

OshFlow
osh_head_client(OshConnection *connection, guint32 events)
{
    if (events & END_EVENTS)
        connection->up.hung_up = TRUE;
    if (!(events & (EPOLLIN | END_EVENTS)))
        return OSH_FLOW_WAIT;
    connection->up.readable = TRUE;
    return head_read(connection);
}

static gboolean
connect_opened(OshConnection *connection)
{
    return send(connection->client_fd, ESTABLISHED, sizeof ESTABLISHED - 1, MSG_NOSIGNAL) ==
           (ssize_t)(sizeof ESTABLISHED - 1);
}

const OshTransport osh_transport_connect = {
    .name = "connect",
    .verb = "CONNECT ",
    .first_step = OSH_STEP_HEAD,
    .open_step = OSH_STEP_FIRST_BYTES,
    .answer = osh_http_answer,
    .words = osh_http_words,
    .opened = connect_opened,
    .answer_unserved = osh_http_answer_unserved,
};
