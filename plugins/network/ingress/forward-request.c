/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-request.c: plain HTTP through the proxy: one exchange after the other on one client
 * connection, each judged as if it came first, perhaps each with another server. [shard]
 *
 * A Host that contradicts the target is refused. Of the client's bytes only the body of the present
 * request goes on, found by its framing; a pipelined request waits until the exchange has ended, so
 * what was not decided about never reaches an upstream.
 */
#include "forward-request.h"

#include "explicit-request.h"
#include "forward-private.h"
#include "host-claim.h"
#include "http-answer.h"
#include "judge.h"
#include "refusal.h"
#include "relay.h"
#include "request-facts.h"
#include "reuse.h"
#include "revocation-list.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

OshHttp1BodyStatus
osh_forward_gather(OshForwardLeg *leg, const OshBuffer *window)
{
    for (;;) {
        OshHttp1BodyStep step;
        OshHttp1BodyStatus status;
        gsize size = 0;
        const guint8 *bytes = window != NULL ? osh_buffer_window(window, &size) : NULL;

        if (bytes != NULL)
            bytes += leg->releasable;
        status = osh_http1_body_feed(&leg->body, bytes, size - leg->releasable, &step);
        if (status != OSH_HTTP1_BODY_STEP)
            return status;
        leg->releasable += step.release;
    }
}

/* What was sent stands in the head first. */
static void
leg_sent(OshForwardLeg *leg, OshBuffer *window, gsize n)
{
    gsize of_head = MIN(n, leg->head->len - leg->head_sent);

    leg->head_sent += of_head;
    n -= of_head;
    if (n == 0)
        return;
    osh_buffer_consume(window, n);
    leg->releasable -= n;
}

int
osh_forward_send(OshForwardLeg *leg, OshBuffer *window, int fd, guint64 *moved)
{
    while (leg->head_sent < leg->head->len || leg->releasable > 0) {
        struct iovec pieces[2];
        struct msghdr message = {.msg_iov = pieces};
        ssize_t n;

        if (leg->head_sent < leg->head->len)
            pieces[message.msg_iovlen++] =
                (struct iovec){leg->head->str + leg->head_sent, leg->head->len - leg->head_sent};
        if (leg->releasable > 0)
            pieces[message.msg_iovlen++] =
                (struct iovec){window->bytes + window->start, leg->releasable};
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        *moved += (guint64)n;
        leg_sent(leg, window, (gsize)n);
    }
    return 1;
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

/* RFC 9112 section 9.3; Proxy-Connection is what some clients say to a proxy instead. */
static gboolean
client_closes(const OshHttp1Head *head, const guint8 *window)
{
    if (head->connection_close ||
        osh_http1_head_list_has(head, window, "proxy-connection", "close"))
        return TRUE;
    return !osh_http1_head_keep_alive(head) &&
           !osh_http1_head_list_has(head, window, "proxy-connection", "keep-alive");
}

/* RFC 9110 section 9.2.2; a request with a body is not kept for a second time. */
static gboolean
is_repeatable(const OshHttp1Head *head, const guint8 *window)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

    if (osh_http1_request_framing(head) != OSH_HTTP1_FRAMING_NONE)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (osh_http1_range_equals(window, head->method, methods[i]))
            return TRUE;
    return FALSE;
}

static OshForward *
forward_of(OshConnection *connection)
{
    OshForward *forward = connection->forward;

    if (forward == NULL) {
        forward = g_new0(OshForward, 1);
        forward->request.head = g_string_sized_new(1024);
        forward->answer.head = g_string_sized_new(1024);
        osh_http1_head_init(&forward->answer_head, OSH_HTTP1_RESPONSE, OSH_FORWARD_ANSWER_HEAD_SIZE,
                            forward->fields, G_N_ELEMENTS(forward->fields));
        connection->forward = forward;
    }
    osh_http1_head_reset(&forward->answer_head);
    g_string_truncate(forward->answer.head, 0);
    forward->request.head_sent = forward->answer.head_sent = 0;
    forward->request.releasable = forward->answer.releasable = 0;
    forward->stage = OSH_FORWARD_ANSWER_HEAD;
    forward->bulk = forward->closes = forward->server_closes = FALSE;
    forward->server_ended = forward->server_reset = forward->server_spoke = FALSE;
    forward->is_unreachable = FALSE;
    return forward;
}

static void
forward_begin(OshConnection *connection, const OshHttp1Head *head, const guint8 *window,
              const OshAbsoluteTarget *target)
{
    OshForward *forward = forward_of(connection);

    forward->minor_version = head->minor_version;
    forward->client_closes = client_closes(head, window);
    forward->is_repeatable = is_repeatable(head, window);
    connection->is_head = osh_http1_range_equals(window, head->method, "HEAD");
    osh_forward_rewrite_request(forward, head, window, target);
    osh_http1_body_init(&forward->request.body, osh_http1_request_framing(head),
                        head->content_length);
}

OshFlow
osh_forward_take(OshConnection *connection, const OshHttp1Head *head, const guint8 *window)
{
    OshAbsoluteTarget target;
    const char *problem;
    gboolean is_same;

    connection->transport = &osh_transport_forward;
    problem = forward_problem(head, window, &target);
    if (problem != NULL)
        return osh_head_refuse(connection, 400, "invalid_request_target", problem);
    is_same = osh_connection_set_authority(connection, &target.authority);
    if (connection->retargets && is_same)
        return osh_head_refuse(connection, 403, "request_authority_mismatch",
                               "the request goes to the authority that it was taken from");
    connection->retargets = FALSE;
    problem = osh_host_claim_problem(head, window, &target.authority, 80);
    if (problem != NULL)
        return osh_head_refuse(connection, 403, "request_authority_mismatch", problem);
    if (osh_revocation_asked(connection))
        return osh_revocation_answer(
            connection, head, window,
            (OshHttp1Range){head->target.offset + target.path.offset, target.path.length});
    forward_begin(connection, head, window, &target);
    /* What may be repeated finds an end by itself, at the cost of another connection. */
    if (!connection->forward->is_repeatable)
        osh_upstream_look(connection);
    if (osh_policy_interface_is_recording(&connection->shard->network->policy))
        connection->request = osh_request_facts_new(
            (OshSpan){(const char *)window + head->method.offset, head->method.length},
            (const char *)window + head->target.offset, head->target.length);
    osh_buffer_consume(connection->head, head->size);
    return OSH_FLOW_NEXT;
}

/* Returns: 1 when bytes were read, 0 when there are none yet, -1 at the end. */
static int
forward_read(OshConnection *connection)
{
    gsize capacity;
    guint8 *tail = osh_buffer_tail(connection->head, &capacity);
    ssize_t n;

    do
        n = recv(connection->client_fd, tail, capacity, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        osh_buffer_commit(connection->head, (gsize)n);
        /* No new edge announces what a full buffer left behind, nor an end that came already. */
        connection->up.readable =
            (gsize)n == capacity || connection->up.hung_up || connection->up.urgent;
        return 1;
    }
    if (n < 0 && errno == EAGAIN) {
        connection->up.readable = FALSE;
        return 0;
    }
    return -1;
}

static OshFlow
request_refuse_body(OshConnection *connection)
{
    const char *reason = osh_http1_error_text(connection->forward->request.body.error);

    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "head",
                                      .outcome = OSH_DECISION_DENIED_HARD,
                                      .status = 400,
                                      .error = "invalid_request_body",
                                      .detail = reason,
                                      .reason = reason,
                                      .end = "request body refused",
                                  });
}

/* Returns: %OSH_FLOW_NEXT when there may be more to send. */
static OshFlow
request_more(OshConnection *connection, guint64 before)
{
    if (!connection->up.readable)
        return OSH_FLOW_WAIT;
    if (connection->up.moved - before >= OSH_RELAY_TURN_BYTES) {
        osh_connection_again(connection);
        return OSH_FLOW_WAIT;
    }
    switch (forward_read(connection)) {
    case 1:
        return OSH_FLOW_NEXT;
    case 0:
        return OSH_FLOW_WAIT;
    default:
        return osh_connection_reset(connection, "request cut short");
    }
}

OshFlow
osh_forward_request(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    guint64 before = connection->up.moved;
    OshFlow flow = OSH_FLOW_NEXT;

    while (flow == OSH_FLOW_NEXT && !connection->up.done && !forward->is_unreachable) {
        OshHttp1BodyStatus status = osh_forward_gather(&forward->request, connection->head);
        int sent = osh_forward_send(&forward->request, connection->head, connection->upstream_fd,
                                    &connection->up.moved);

        /* What the server has said before stands in its socket. */
        if (sent < 0)
            forward->is_unreachable = TRUE;
        if (sent <= 0)
            return OSH_FLOW_WAIT;
        if (status == OSH_HTTP1_BODY_COMPLETE)
            connection->up.done = TRUE;
        else if (status == OSH_HTTP1_BODY_REJECTED)
            return request_refuse_body(connection);
        else
            flow = request_more(connection, before);
    }
    return flow == OSH_FLOW_NEXT ? OSH_FLOW_WAIT : flow;
}

/* The new head and what follows it are a protocol plugin's to read. */
static OshFlow
forward_hand_over(OshConnection *connection)
{
    connection->new_head = g_steal_pointer(&connection->forward->request.head);
    osh_forward_clear(connection);
    return OSH_FLOW_NEXT;
}

/* Both directions, as far as they go. */
static OshFlow
forward_go(OshConnection *connection)
{
    guint64 before = connection->up.moved + connection->down.moved;
    OshFlow flow = osh_forward_request(connection);

    if (flow == OSH_FLOW_WAIT)
        flow = osh_forward_answer(connection);
    if (connection->up.moved + connection->down.moved != before)
        connection->moved_at = osh_shard_now(&connection->shard->network->shard);
    return flow;
}

OshFlow
osh_forward_run(OshConnection *connection)
{
    if (connection->forward->stage == OSH_FORWARD_ANSWER_HEAD)
        connection->awaits_answer = TRUE;
    if (osh_network_protocol(connection->shard->network, connection->protocol) != NULL)
        return forward_hand_over(connection);
    return forward_go(connection);
}

OshFlow
osh_forward_client(OshConnection *connection, guint32 events)
{
    /* Of a client that has gone only these flags tell, once its request was read. */
    if (events & (EPOLLHUP | EPOLLERR))
        return osh_connection_reset(connection, "reset");
    if (events & (EPOLLIN | EPOLLRDHUP))
        connection->up.readable = TRUE;
    if (events & EPOLLRDHUP)
        connection->up.hung_up = TRUE;
    return forward_go(connection);
}

OshFlow
osh_forward_upstream(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    if (events & (EPOLLIN | END_EVENTS))
        connection->down.readable = TRUE;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
    return forward_go(connection);
}

void
osh_forward_clear(OshConnection *connection)
{
    OshForward *forward = g_steal_pointer(&connection->forward);

    if (forward == NULL)
        return;
    if (forward->request.head != NULL)
        g_string_free(forward->request.head, TRUE);
    g_string_free(forward->answer.head, TRUE);
    osh_buffer_release(forward->window);
    g_free(forward);
}

const OshTransport osh_transport_forward = {
    .name = "forward",
    .verb = "",
    .first_step = OSH_STEP_HEAD,
    .many_requests = TRUE,
    .open_step = OSH_STEP_FORWARD,
    .answer = osh_http_answer,
    .words = osh_http_words,
};
