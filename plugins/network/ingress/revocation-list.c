/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation-list.c: one resource, and the step that serves it in a tunnel or to a captured client.
 * [shard]. It must never look at a policy, dial, or send a byte of the client anywhere.
 */
#include "revocation-list.h"

#include "connection.h"
#include "interceptor.h"
#include "transport.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PORT       80
#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

gboolean
osh_revocation_asked(const OshConnection *connection)
{
    return connection->shard->network->interceptor != NULL && connection->port == PORT &&
           g_strcmp0(connection->host, OSH_REVOCATION_HOST) == 0;
}

/* The send buffer is empty and the answer is small; a client that made its window too small for
   that gets what fits. */
static OshFlow
list_send(OshConnection *connection, const char *head, gconstpointer body, gsize length)
{
    g_autoptr(GByteArray) answer = g_byte_array_new();

    g_byte_array_append(answer, (const guint8 *)head, (guint)strlen(head));
    if (length > 0)
        g_byte_array_append(answer, body, (guint)length);
    connection->end = "revocation list";
    return send(connection->client_fd, answer->data, answer->len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0
               ? OSH_FLOW_REFUSED
               : osh_connection_gone(connection, "client gone");
}

static OshFlow
list_send_error(OshConnection *connection, const char *status)
{
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);

    return list_send(connection, head, NULL, 0);
}

OshFlow
osh_revocation_answer(OshConnection *connection, const OshHttp1Head *head, const guint8 *window,
                      OshHttp1Range path)
{
    const OshInterceptor *interceptor = connection->shard->network->interceptor;
    gboolean is_get = osh_http1_range_equals(window, head->method, "GET");
    g_autoptr(GBytes) list = NULL;
    g_autofree char *fields = NULL;
    gconstpointer bytes;
    gsize length;

    if (!osh_http1_range_equals(window, path, OSH_REVOCATION_PATH))
        return list_send_error(connection, "404 Not Found");
    if (!is_get && !osh_http1_range_equals(window, head->method, "HEAD"))
        return list_send_error(connection, "405 Method Not Allowed\r\nAllow: GET, HEAD");
    list = interceptor->tls->engine_revocation_list(interceptor->engine, g_get_real_time());
    if (list == NULL)
        return list_send_error(connection, "500 Internal Server Error");
    bytes = g_bytes_get_data(list, &length);
    fields = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\n"
                             "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                             length);
    return list_send(connection, fields, bytes, is_get ? length : 0);
}

/* --- In a tunnel, or captured --------------------------------------------------------------------
 */

/* Returns: %OSH_FLOW_WAIT while the request is not complete. */
static OshFlow
list_parse(OshConnection *connection)
{
    OshHttp1Field fields[OSH_HTTP1_DEFAULT_FIELDS];
    OshHttp1Head head;
    gsize size;
    const guint8 *window = osh_buffer_window(connection->head, &size);

    osh_http1_head_init(&head, OSH_HTTP1_REQUEST, OSH_NETWORK_HEAD_SIZE, fields,
                        G_N_ELEMENTS(fields));
    switch (osh_http1_head_feed(&head, window, size)) {
    case OSH_HTTP1_NEED_MORE:
        return OSH_FLOW_WAIT;
    case OSH_HTTP1_REJECTED:
        return list_send_error(connection, "400 Bad Request");
    case OSH_HTTP1_COMPLETE:
        break;
    }
    return osh_revocation_answer(connection, &head, window, head.target);
}

static OshFlow
list_read(OshConnection *connection)
{
    for (;;) {
        OshFlow flow = list_parse(connection);
        gsize capacity;
        guint8 *tail;
        ssize_t n;

        if (flow != OSH_FLOW_WAIT)
            return flow;
        tail = osh_buffer_tail(connection->head, &capacity);
        do
            n = recv(connection->client_fd, tail, capacity, MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
            return OSH_FLOW_WAIT;
        if (n <= 0)
            return osh_connection_gone(connection, "client gone");
        osh_buffer_commit(connection->head, (gsize)n);
    }
}

OshFlow
osh_revocation_run(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;

    if (!osh_revocation_asked(connection))
        return OSH_FLOW_NEXT;
    if (connection->head == NULL)
        connection->head = osh_buffer_pool_acquire(shard->heads);
    if (connection->head == NULL ||
        shard->steps[OSH_STEP_REVOCATION].length >= OSH_REVOCATION_CLIENTS)
        return osh_connection_reset(connection, "too many clients of the revocation list");
    if (connection->transport->opened != NULL && !connection->transport->opened(connection))
        return osh_connection_gone(connection, "client gone");
    return list_read(connection);
}

OshFlow
osh_revocation_client(OshConnection *connection, guint32 events)
{
    return events & (EPOLLIN | END_EVENTS) ? list_read(connection) : OSH_FLOW_WAIT;
}
