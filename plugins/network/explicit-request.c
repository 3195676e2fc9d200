/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one request head, strictly, and finds where the client wants to go: CONNECT, or
 * absolute-form HTTP. Runs on the connection's shard. Whatever is not understood exactly is
 * answered with the reason and closed; nothing is repaired. The client's Host, SNI and other
 * claims never choose the destination (security rule 7).
 */
#include "explicit-request.h"

#include "forward-request.h"
#include "host-claim.h"
#include "osh-http1-head.h"
#include "reply.h"

#include <errno.h>
#include <sys/socket.h>

static void
explicit_connect(OshConnection *connection, const OshHttp1Head *head, const guint8 *window)
{
    OshAuthority authority;
    OshAuthorityError problem = osh_authority_parse((const char *)window + head->target.offset,
                                                    head->target.length, 0, &authority);
    const char *claim;

    if (problem != OSH_AUTHORITY_OK) {
        osh_refuse_head(connection, "400 Bad Request", "invalid_request_target",
                        osh_authority_error_text(problem));
        return;
    }
    connection->host = g_strndup(authority.host, authority.host_length);
    connection->host_kind = (guint8)authority.kind;
    connection->port = authority.port;
    claim = osh_host_claim_problem(head, window, &authority, 0);
    if (claim != NULL) {
        osh_refuse_head(connection, "403 Forbidden", "request_authority_mismatch", claim);
        return;
    }
    osh_buffer_consume(connection->head, head->size);
    if (connection->head->start == connection->head->end)
        osh_buffer_release(g_steal_pointer(&connection->head));
    osh_connection_identify(connection);
}

/* Returns: whether the head is not complete yet. */
static gboolean
explicit_parse(OshConnection *connection)
{
    OshHttp1Field fields[OSH_HTTP1_DEFAULT_FIELDS];
    OshHttp1Head head;
    gsize size;
    const guint8 *window = osh_buffer_window(connection->head, &size);

    osh_http1_head_init(&head, OSH_HTTP1_REQUEST, OSH_NETWORK_HEAD_SIZE, fields,
                        G_N_ELEMENTS(fields));
    switch (osh_http1_head_feed(&head, window, size)) {
    case OSH_HTTP1_NEED_MORE:
        return TRUE;
    case OSH_HTTP1_REJECTED:
        if (head.error == OSH_HTTP1_ERROR_TOO_LARGE)
            osh_refuse_head(connection, "431 Request Header Fields Too Large", "head_too_large",
                            "the request head is longer than 8192 bytes");
        else
            osh_refuse_head(connection, "400 Bad Request", "invalid_request_head",
                            osh_http1_error_text(head.error));
        return FALSE;
    case OSH_HTTP1_COMPLETE:
        break;
    }
    if (osh_http1_range_equals(window, head.method, "CONNECT"))
        explicit_connect(connection, &head, window);
    else
        osh_forward_begin(connection, &head, window);
    return FALSE;
}

/* Returns: FALSE when there is nothing to read for now, and after closing. */
static gboolean
explicit_receive(OshConnection *connection)
{
    gsize room;
    guint8 *tail = osh_buffer_tail(connection->head, &room);
    ssize_t n;

    do
        n = recv(connection->client_fd, tail, room, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return FALSE;
    if (n <= 0) {
        osh_connection_close(connection, "client gone");
        return FALSE;
    }
    osh_buffer_commit(connection->head, (gsize)n);
    /* No new edge will announce what a full buffer left behind, nor an end that came with these
       bytes. */
    connection->up.readable = (gsize)n == room || connection->up.hung_up;
    return TRUE;
}

void
osh_explicit_read(OshConnection *connection)
{
    gboolean hung_up = connection->up.hung_up;

    if (connection->head == NULL)
        connection->head = osh_buffer_pool_acquire(connection->shard->heads);
    if (connection->head == NULL) {
        osh_refuse_limit(connection, "too many requests are being read");
        return;
    }
    while (explicit_receive(connection) && explicit_parse(connection) && hung_up)
        continue;
}
