/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-answer.c: the server's direction of a plain HTTP exchange. [shard]
 *
 * The end of the answer is found by its framing, so the client's connection can serve the next
 * request. The body is sent out of the window that it was read into; a long one is spliced. An
 * answer that is cut short is passed on as cut: the client's connection is reset, unless it has got
 * nothing of the answer yet, when it gets a 502.
 */
#include "forward-private.h"

#include "audit.h"
#include "pipe-pool.h"
#include "refusal.h"
#include "relay.h"
#include "reuse.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

/* A body of which less is left is copied. */
#define BULK_BYTES 65536

static OshFlow
answer_refuse(OshConnection *connection, const char *reason)
{
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "relay",
                                      .status = 502,
                                      .error = "upstream_response_invalid",
                                      .detail = reason,
                                      .reason = reason,
                                  });
}

/* A bad body whose head is still to be sent takes it back. Where the client has got a part of the
 * answer, an end in good order could be taken for its end. */
static OshFlow
answer_torn(OshConnection *connection, const char *reason)
{
    OshForwardLeg *answer = &connection->forward->answer;

    if (answer->head->len > 0 && answer->head_sent == 0) {
        g_string_truncate(answer->head, 0);
        answer->releasable = 0;
        connection->awaits_answer = TRUE;
        return answer_refuse(connection, reason);
    }
    osh_audit_failed(connection, &(OshRefusal){.layer = "relay", .reason = reason});
    return osh_connection_reset(connection, "response cut short");
}

/* An upstream connection of an earlier request may be closed by its server at any time. */
static OshFlow
answer_repeat(OshConnection *connection)
{
    OshForward *forward = connection->forward;

    osh_upstream_again(connection);
    forward->server_ended = forward->server_reset = forward->is_unreachable = FALSE;
    forward->request.head_sent = 0;
    connection->up.done = FALSE;
    connection->up.moved = 0;
    return OSH_FLOW_DIAL;
}

static OshFlow
answer_ended(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    gboolean is_empty = forward->window == NULL || forward->window->start == forward->window->end;

    if (forward->stage == OSH_FORWARD_ANSWER_HEAD) {
        if (!is_empty)
            return answer_refuse(connection, "the response head of the server is cut short");
        if (connection->is_reused && forward->is_repeatable && !forward->server_spoke)
            return answer_repeat(connection);
        return answer_refuse(connection, "the server closed the connection without a response");
    }
    if (forward->server_reset ||
        osh_http1_body_eof(&forward->answer.body) != OSH_HTTP1_BODY_COMPLETE)
        return answer_torn(connection, "the response was cut short");
    forward->stage = OSH_FORWARD_ANSWERED;
    return OSH_FLOW_NEXT;
}

static void
answer_begin_body(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    const OshHttp1Head *head = &forward->answer_head;
    OshHttp1Framing framing = osh_http1_response_framing(head, connection->is_head, FALSE);

    forward->server_closes =
        framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE || !osh_http1_head_keep_alive(head);
    /* What is left of a request body is not waited for. */
    forward->closes =
        forward->client_closes || framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE || !connection->up.done;
    osh_http1_body_init(&forward->answer.body, framing, head->content_length);
    forward->stage = OSH_FORWARD_ANSWER_BODY;
    connection->awaits_answer = FALSE;
}

/* Returns: %OSH_FLOW_WAIT when more of the head is needed. */
static OshFlow
answer_read_head(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    OshHttp1Head *head = &forward->answer_head;
    gsize size;
    const guint8 *window = osh_buffer_window(forward->window, &size);

    switch (osh_http1_head_feed(head, window, size)) {
    case OSH_HTTP1_NEED_MORE:
        return OSH_FLOW_WAIT;
    case OSH_HTTP1_REJECTED:
        return answer_refuse(connection, osh_http1_error_text(head->error));
    case OSH_HTTP1_COMPLETE:
        break;
    }
    if (head->status == 101)
        return answer_refuse(connection, "the server changed the protocol without being asked");
    if (head->status >= 200)
        answer_begin_body(connection);
    /* A client of HTTP/1.0 knows of no interim responses (RFC 9110 section 15.2). */
    if (head->status >= 200 || forward->minor_version > 0)
        osh_forward_rewrite_answer(forward, window);
    osh_buffer_consume(forward->window, head->size);
    osh_http1_head_reset(head);
    return OSH_FLOW_NEXT;
}

/* What is in the window: heads, then as much of the body as there is. Returns: %OSH_FLOW_WAIT when
 * more is needed. */
static OshFlow
answer_parse(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    OshFlow flow = OSH_FLOW_NEXT;

    while (flow == OSH_FLOW_NEXT && forward->stage == OSH_FORWARD_ANSWER_HEAD)
        flow = forward->window != NULL ? answer_read_head(connection) : OSH_FLOW_WAIT;
    if (flow != OSH_FLOW_NEXT || forward->stage != OSH_FORWARD_ANSWER_BODY)
        return flow;
    switch (osh_forward_gather(&forward->answer, forward->window)) {
    case OSH_HTTP1_BODY_COMPLETE:
        forward->stage = OSH_FORWARD_ANSWERED;
        return OSH_FLOW_NEXT;
    case OSH_HTTP1_BODY_REJECTED:
        return answer_torn(connection, osh_http1_error_text(forward->answer.body.error));
    case OSH_HTTP1_BODY_NEED_MORE:
    case OSH_HTTP1_BODY_STEP:
        break;
    }
    return OSH_FLOW_WAIT;
}

/* Returns: FALSE when there is nothing to read for now. */
static gboolean
answer_receive(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    gsize capacity;
    guint8 *tail = osh_buffer_tail(forward->window, &capacity);
    ssize_t n;

    do
        n = recv(connection->upstream_fd, tail, capacity, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        connection->down.readable = FALSE;
        return FALSE;
    }
    forward->server_ended = n <= 0;
    forward->server_reset = n < 0;
    if (n <= 0)
        return TRUE;
    osh_buffer_commit(forward->window, (gsize)n);
    forward->server_spoke = TRUE;
    forward->bulk = (gsize)n == capacity;
    /* No new edge announces what a full window left behind, nor an end that came already. */
    connection->down.readable =
        forward->bulk || connection->down.hung_up || connection->down.urgent;
    return TRUE;
}

/* --- Long bodies --------------------------------------------------------------------------------
 */

/* Returns: whether what is left of the body is spliced from now on. */
static gboolean
answer_begin_bulk(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    const OshHttp1Body *body = &forward->answer.body;

    /* splice(2) stops at an urgent mark as if nothing, or no more, were there. */
    if (!forward->bulk || connection->down.urgent || forward->window->start != forward->window->end)
        return FALSE;
    if (body->framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE)
        forward->bulk_left = G_MAXUINT64;
    else if (body->framing == OSH_HTTP1_FRAMING_LENGTH)
        forward->bulk_left = body->remaining;
    else
        return FALSE;
    if (forward->bulk_left < BULK_BYTES)
        return FALSE;
    connection->down.pipe = osh_pipe_pool_acquire(connection->shard->pipes);
    if (connection->down.pipe == NULL)
        return FALSE;
    forward->stage = OSH_FORWARD_ANSWER_BULK;
    return TRUE;
}

/* Returns: 1 when the pipe is empty, 0 when the client takes no more, -1 when it is gone. */
static int
bulk_drain(OshConnection *connection)
{
    OshPipe *pipe = connection->down.pipe;

    while (pipe->queued > 0) {
        ssize_t n = splice(pipe->read_fd, NULL, connection->client_fd, NULL, pipe->queued,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        pipe->queued -= (gsize)n;
        connection->down.moved += (guint64)n;
    }
    return 1;
}

/* Back to the window: at the end of the body, or where splice(2) goes no further. */
static OshFlow
bulk_end(OshConnection *connection)
{
    OshForward *forward = connection->forward;

    g_clear_pointer(&connection->down.pipe, osh_pipe_release);
    if (forward->answer.body.framing == OSH_HTTP1_FRAMING_LENGTH)
        osh_http1_body_init(&forward->answer.body, OSH_HTTP1_FRAMING_LENGTH, forward->bulk_left);
    forward->bulk = FALSE;
    forward->stage = OSH_FORWARD_ANSWER_BODY;
    return OSH_FLOW_NEXT;
}

/* Returns: %OSH_FLOW_NEXT when the window is read into again. */
static OshFlow
answer_bulk(OshConnection *connection, guint64 before)
{
    OshForward *forward = connection->forward;

    for (;;) {
        OshPipe *pipe = connection->down.pipe;
        int drained = bulk_drain(connection);
        ssize_t n;

        if (drained < 0)
            return osh_connection_reset(connection, "reset");
        if (drained == 0)
            return OSH_FLOW_WAIT;
        if (forward->bulk_left == 0)
            return bulk_end(connection);
        if (!connection->down.readable)
            return OSH_FLOW_WAIT;
        if (connection->down.moved - before >= OSH_RELAY_TURN_BYTES) {
            osh_connection_again(connection);
            return OSH_FLOW_WAIT;
        }
        n = splice(connection->upstream_fd, NULL, pipe->write_fd, NULL,
                   MIN(pipe->capacity, forward->bulk_left), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && !connection->down.urgent) {
            connection->down.readable = FALSE;
            return OSH_FLOW_WAIT;
        }
        /* An end, an error or an urgent mark: recv(2) tells which. */
        if (n <= 0)
            return bulk_end(connection);
        pipe->queued = (gsize)n;
        if (forward->bulk_left != G_MAXUINT64)
            forward->bulk_left -= (gsize)n;
    }
}

/* --- The exchange -------------------------------------------------------------------------------
 */

/* All of the answer is sent. */
static OshFlow
answer_finish(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    gboolean is_silent = forward->window == NULL || forward->window->start == forward->window->end;
    gboolean surplus = connection->head != NULL && connection->head->start != connection->head->end;

    osh_buffer_release(g_steal_pointer(&forward->window));
    if (!surplus)
        osh_buffer_release(g_steal_pointer(&connection->head));
    if (!forward->closes) {
        connection->keeps_upstream = !forward->server_closes && !forward->server_ended &&
                                     is_silent && !connection->down.hung_up;
        return OSH_FLOW_REQUEST;
    }
    osh_upstream_drop(connection, !connection->up.done);
    connection->end = "end";
    /* Closing with unread bytes would destroy the answer on its way (RFC 9112 section 9.6). */
    if (connection->up.done && forward->client_closes && !surplus && !connection->up.readable)
        return osh_connection_gone(connection, "end");
    return OSH_FLOW_REFUSED;
}

/* Returns: %OSH_FLOW_NEXT when something was read. */
static OshFlow
answer_more(OshConnection *connection, guint64 before)
{
    OshForward *forward = connection->forward;

    if (forward->server_ended)
        return answer_ended(connection);
    /* A server that takes nothing more has perhaps said why. */
    if (!connection->down.readable && !forward->is_unreachable)
        return OSH_FLOW_WAIT;
    if (connection->down.moved - before >= OSH_RELAY_TURN_BYTES) {
        osh_connection_again(connection);
        return OSH_FLOW_WAIT;
    }
    if (forward->window == NULL)
        forward->window = osh_buffer_pool_acquire(connection->shard->windows);
    if (forward->window == NULL)
        return osh_refuse_limit(connection, "too many responses are being read");
    if (answer_receive(connection))
        return OSH_FLOW_NEXT;
    if (!forward->is_unreachable)
        return OSH_FLOW_WAIT;
    forward->server_ended = forward->server_reset = TRUE;
    return OSH_FLOW_NEXT;
}

OshFlow
osh_forward_answer(OshConnection *connection)
{
    OshForward *forward = connection->forward;
    guint64 before = connection->down.moved;
    OshFlow flow = OSH_FLOW_NEXT;

    while (flow == OSH_FLOW_NEXT) {
        int sent;

        if (forward->stage == OSH_FORWARD_ANSWER_BULK) {
            flow = answer_bulk(connection, before);
            continue;
        }
        flow = answer_parse(connection);
        if (flow != OSH_FLOW_NEXT && flow != OSH_FLOW_WAIT)
            break;
        sent = osh_forward_send(&forward->answer, forward->window, connection->client_fd,
                                &connection->down.moved);
        if (sent < 0)
            return osh_connection_reset(connection, "reset");
        if (sent == 0)
            return OSH_FLOW_WAIT;
        if (forward->stage == OSH_FORWARD_ANSWERED)
            return answer_finish(connection);
        if (forward->stage == OSH_FORWARD_ANSWER_BODY && forward->window != NULL &&
            answer_begin_bulk(connection))
            flow = OSH_FLOW_NEXT;
        else
            flow = answer_more(connection, before);
    }
    return flow;
}
