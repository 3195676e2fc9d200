/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain HTTP through the proxy: one request for each connection. A Host that contradicts the target
 * is refused. The head is written anew: origin form, Host made from the target and from nothing
 * else, hop-by-hop fields removed, Connection: close. Of the client's bytes only the body of this
 * first request goes on, found by its framing, so a pipelined second request, which nobody decided
 * about, never reaches an upstream.
 */
#include "forward-request.h"

#include "connection.h"
#include "explicit-request.h"
#include "host-claim.h"
#include "http-answer.h"
#include "judge.h"
#include "osh-http1-body.h"
#include "refusal.h"
#include "relay.h"
#include "request-facts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define VIA "1.1 openshell-sandbox"

/* Fields that belong to this hop, or that we make ourselves. */
static const char *const dropped_fields[] = {
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
};

struct _OshForward {
    GString *head;
    gsize head_sent;
    OshHttp1Body body;
    gsize releasable;
};

static gboolean
forward_drops(const OshHttp1Head *head, const guint8 *window, const OshHttp1Field *field)
{
    g_autofree char *name =
        g_ascii_strdown((const char *)window + field->name.offset, (gssize)field->name.length);

    for (gsize i = 0; i < G_N_ELEMENTS(dropped_fields); i++)
        if (g_str_equal(name, dropped_fields[i]))
            return TRUE;
    /* Content-Length and Transfer-Encoding cannot be named there: the parser refuses that. */
    return osh_http1_head_list_has(head, window, "connection", name);
}

static GString *
forward_rewrite(const OshHttp1Head *head, const guint8 *window, const OshAbsoluteTarget *target)
{
    GString *text = g_string_sized_new(head->size + 128);
    char host[OSH_HOST_SIZE + 8];
    gboolean has_via = FALSE;

    g_string_append_len(text, (const char *)window + head->method.offset, head->method.length);
    g_string_append(text, target->path_needs_slash ? " /" : " ");
    g_string_append_len(text, (const char *)window + head->target.offset + target->path.offset,
                        target->path.length);
    osh_authority_format(&target->authority, 80, host, sizeof host);
    g_string_append_printf(text, " HTTP/1.%u\r\nHost: %s\r\n", head->minor_version, host);
    for (guint32 i = 0; i < head->n_fields; i++) {
        const OshHttp1Field *field = &head->fields[i];

        if (forward_drops(head, window, field))
            continue;
        has_via |= field->name.length == 3 &&
                   g_ascii_strncasecmp((const char *)window + field->name.offset, "via", 3) == 0;
        g_string_append_len(text, (const char *)window + field->name.offset, field->name.length);
        g_string_append(text, ": ");
        g_string_append_len(text, (const char *)window + field->value.offset, field->value.length);
        g_string_append(text, "\r\n");
    }
    if (!has_via)
        g_string_append(text, "Via: " VIA "\r\n");
    g_string_append(text, "Connection: close\r\n\r\n");
    return text;
}

/* Returns: (nullable): why the target cannot be served, for the answer. */
static const char *
forward_problem(const OshHttp1Head *head, const guint8 *window, OshAbsoluteTarget *target)
{
    OshAuthorityError problem = osh_absolute_target_parse(
        (const char *)window + head->target.offset, head->target.length, target);

    if (problem == OSH_AUTHORITY_NO_SCHEME)
        return "this is a proxy: send CONNECT host:port, or a request for http://host/path";
    if (problem != OSH_AUTHORITY_OK)
        return osh_authority_error_text(problem);
    if (target->scheme == OSH_URI_HTTPS)
        return "use CONNECT for https URLs";
    return target->scheme == OSH_URI_HTTP ? NULL : "only http URLs are forwarded";
}

OshFlow
osh_forward_take(OshConnection *connection, const OshHttp1Head *head, const guint8 *window)
{
    OshAbsoluteTarget target;
    const char *problem;

    connection->transport = &osh_transport_forward;
    problem = forward_problem(head, window, &target);
    if (problem != NULL)
        return osh_head_refuse(connection, 400, "invalid_request_target", problem);
    connection->host = g_strndup(target.authority.host, target.authority.host_length);
    connection->host_kind = (guint8)target.authority.kind;
    connection->port = target.authority.port;
    problem = osh_host_claim_problem(head, window, &target.authority, 80);
    if (problem != NULL)
        return osh_head_refuse(connection, 403, "request_authority_mismatch", problem);
    connection->forward = g_new0(OshForward, 1);
    connection->forward->head = forward_rewrite(head, window, &target);
    connection->answer_is_last = TRUE;
    if (osh_policy_interface_is_recording(&connection->shard->network->policy))
        connection->request = osh_request_facts_new(
            (OshSpan){(const char *)window + head->method.offset, head->method.length},
            (const char *)window + head->target.offset, head->target.length);
    osh_http1_body_init(&connection->forward->body, osh_http1_request_framing(head),
                        head->content_length);
    osh_buffer_consume(connection->head, head->size);
    return OSH_FLOW_NEXT;
}

/* Returns: 1 when all of the head is sent, 0 when the upstream takes no more, -1 when it is gone.
 */
static int
forward_send_head(OshConnection *connection)
{
    OshForward *forward = connection->forward;

    while (forward->head_sent < forward->head->len) {
        ssize_t n = send(connection->upstream_fd, forward->head->str + forward->head_sent,
                         forward->head->len - forward->head_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        forward->head_sent += (gsize)n;
        connection->up.moved += (guint64)n;
    }
    return 1;
}

/* Returns: as forward_send_head(), for the bytes that were found to belong to the body. */
static int
forward_send_body(OshConnection *connection)
{
    OshForward *forward = connection->forward;

    while (forward->releasable > 0) {
        gsize size;
        const guint8 *window = osh_buffer_window(connection->head, &size);
        ssize_t n =
            send(connection->upstream_fd, window, MIN(size, forward->releasable), MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        osh_buffer_consume(connection->head, (gsize)n);
        forward->releasable -= (gsize)n;
        connection->up.moved += (guint64)n;
    }
    return 1;
}

/* Returns: 1 when bytes were read, 0 when there are none yet, -1 at the end. */
static int
forward_read(OshConnection *connection)
{
    gsize capacity;
    guint8 *tail = osh_buffer_tail(connection->head, &capacity);
    ssize_t n = recv(connection->client_fd, tail, capacity, 0);

    if (n > 0) {
        osh_buffer_commit(connection->head, (gsize)n);
        return 1;
    }
    if (n < 0 && errno == EAGAIN) {
        connection->up.readable = FALSE;
        return 0;
    }
    return n < 0 && errno == EINTR ? 0 : -1;
}

/* #OshRelayFunc: the new head and the body of the first request, and not one byte more. */
static OshFlow
forward_up(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    guint64 before = connection->up.moved;

    connection->moved_at = osh_shard_now(&connection->shard->network->shard);
    while (!connection->up.done) {
        OshHttp1BodyStep step;
        gsize size;
        const guint8 *window;
        int sent = forward_send_head(connection);

        if (sent > 0)
            sent = forward_send_body(connection);
        connection->up.blocked = sent == 0;
        if (sent < 0)
            return osh_connection_reset(connection, "reset");
        if (sent == 0)
            return OSH_FLOW_WAIT;
        window = osh_buffer_window(connection->head, &size);
        switch (osh_http1_body_feed(&forward->body, window, size, &step)) {
        case OSH_HTTP1_BODY_STEP:
            forward->releasable = step.release;
            break;
        case OSH_HTTP1_BODY_COMPLETE:
            connection->up.done = TRUE;
            osh_buffer_release(g_steal_pointer(&connection->head));
            break;
        case OSH_HTTP1_BODY_REJECTED:
            return osh_refuse(connection, &(OshRefusal){
                                              .layer = "head",
                                              .outcome = OSH_DECISION_DENIED_HARD,
                                              .status = 400,
                                              .reason = osh_http1_error_text(forward->body.error),
                                              .end = "request body refused",
                                          });
        case OSH_HTTP1_BODY_NEED_MORE:
            if (!connection->up.readable)
                return OSH_FLOW_WAIT;
            if (connection->up.moved - before >= OSH_RELAY_TURN_BYTES) {
                osh_connection_again(connection);
                return OSH_FLOW_WAIT;
            }
            if (forward_read(connection) < 0)
                return osh_connection_reset(connection, "request cut short");
            break;
        }
    }
    return OSH_FLOW_WAIT;
}

/* The new head and what follows it are a protocol plugin's to read. */
static OshFlow
forward_hand_over(OshConnection *connection)
{
    connection->new_head = g_steal_pointer(&connection->forward->head);
    osh_forward_clear(connection);
    return OSH_FLOW_NEXT;
}

OshFlow
osh_forward_run(OshConnection *connection)
{
    if (osh_network_protocol(connection->shard->network, connection->protocol) != NULL)
        return forward_hand_over(connection);
    return osh_relay_both(connection, forward_up);
}

OshFlow
osh_forward_client(OshConnection *connection, guint32 events)
{
    return osh_relay_client_event(connection, events, forward_up);
}

OshFlow
osh_forward_upstream(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    return osh_relay_upstream_event(connection, events, forward_up);
}

void
osh_forward_clear(OshConnection *connection)
{
    OshForward *forward = g_steal_pointer(&connection->forward);

    if (forward == NULL)
        return;
    if (forward->head != NULL)
        g_string_free(forward->head, TRUE);
    g_free(forward);
}

const OshTransport osh_transport_forward = {
    .name = "forward",
    .verb = "",
    .first_step = OSH_STEP_HEAD,
    .open_step = OSH_STEP_FORWARD,
    .answer = osh_http_answer,
};
