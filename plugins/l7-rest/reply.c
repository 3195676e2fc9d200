/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.c: the content of a response that is looked into. [shard]
 *
 *   head, body: out of the window, decoded -> marked -> allowed -> head, body
 *   event stream: head -> event: decoded, marked, allowed, sent -> event ...
 *
 * A body is held as a whole and goes out with its length; of an event stream
 * (text/event-stream, the HTML standard section 9.2) each event is held by itself and goes out as a
 * chunk, so that a client gets it when the server has said it. The server is not asked for a coding
 * that nobody here could undo, nor for a part of a body. Where the answer says so, the head is
 * asked about before, in the window, and the response may then go on as it comes.
 */
#include "rest.h"

#include "osh-line-reader.h"

#include <string.h>

#define SENT_AT_ONCE 32768
#define LAST_CHUNK   "0\r\n\r\n"

/* --- Held --------------------------------------------------------------------------------------
 */

static void
read_media_type(RestSession *session, const char *window)
{
    RestReply *reply = &session->reply;
    const OshHttp1Field *field =
        osh_http1_head_find(&session->response, (const guint8 *)window, "content-type", NULL);
    OshSpan value = {NULL, 0};

    g_string_truncate(reply->media_type, 0);
    if (field != NULL)
        value = (OshSpan){window + field->value.offset, field->value.length};
    for (gsize i = 0; i < value.length && value.data[i] != ';'; i++)
        if (value.data[i] != ' ' && value.data[i] != '\t')
            g_string_append_c(reply->media_type, g_ascii_tolower(value.data[i]));
}

/* Takes the head out of the window. */
static void
hold(RestSession *session, OshSpan window)
{
    RestReply *reply = &session->reply;

    reply->is_stream =
        session->status == 200 && g_str_equal(reply->media_type->str, "text/event-stream");
    /* Neither side of HTTP/1.0 knows chunks, and the version goes on as it came. */
    reply->in_chunks = reply->is_stream && session->request.minor_version == 1 &&
                       session->response.minor_version == 1;
    session->closes = session->closes || (reply->is_stream && !reply->in_chunks);
    g_byte_array_append(reply->head, (const guint8 *)window.data, session->response.size);
    osh_l7_list_drop(&session->list, session->message, session->response.size);
    session->has_response = REST_RESPONSE_HELD;
}

/* @head: where it stands. Returns: the action, which marks nothing yet. */
static OshL7Action *
add_mark(RestSession *session, const char *head)
{
    RestReply *reply = &session->reply;
    OshL7Action *action = osh_l7_list_add(&session->list, OSH_L7_CONTENT, session->message);

    session->response_facts[0] =
        (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_RESPONSE_STATUS, session->status);
    session->response_facts[1] =
        rest_headers_fact(session, &session->response, head, OSH_FACT_RESPONSE_HEADERS);
    action->flags = OSH_L7_PAUSES;
    action->u.content.content = ++reply->number;
    action->u.content.media_type = reply->media_type->str;
    action->u.content.facts = (OshFacts){session->response_facts, 2};
    session->has_response = REST_RESPONSE_MARKED;
    return action;
}

static void
ask_about_head(RestSession *session, const char *head)
{
    session->reply.is_preflight = TRUE;
    add_mark(session, head);
}

gboolean
rest_reply_begin(RestSession *session)
{
    RestReply *reply = &session->reply;
    OshSpan window = osh_l7_list_window(&session->list);

    if (session->response_limit == 0 || session->response_body.framing == OSH_HTTP1_FRAMING_NONE)
        return FALSE;
    if (reply->head == NULL) {
        reply->head = g_byte_array_new();
        reply->body = g_byte_array_new();
        reply->media_type = g_string_new(NULL);
    }
    reply->is_active = TRUE;
    read_media_type(session, window.data);
    if (session->response_preflight)
        ask_about_head(session, window.data);
    else
        hold(session, window);
    return TRUE;
}

void
rest_reply_clear(RestSession *session)
{
    RestReply *reply = &session->reply;
    RestReply fresh = {.head = reply->head, .body = reply->body, .media_type = reply->media_type};

    session->response_limit = 0;
    if (!reply->is_active)
        return;
    rest_bytes_empty(&fresh.head);
    rest_bytes_empty(&fresh.body);
    *reply = fresh;
}

void
rest_reply_free(RestReply *reply)
{
    if (reply->head == NULL)
        return;
    g_byte_array_unref(reply->head);
    g_byte_array_unref(reply->body);
    g_string_free(reply->media_type, TRUE);
}

guint64
rest_reply_total(const RestReply *reply)
{
    return reply->is_replaced ? reply->settled + reply->handle_length : reply->held;
}

/* Nothing of it may reach the client. */
static gsize
fail(RestSession *session, const char *reason)
{
    if (session->reply.head_sent)
        return osh_l7_list_fail(&session->list, reason);
    session->refusal = (RestRefusal){502, "upstream_response_invalid", reason, NULL};
    return rest_refuse(session, OSH_L7_FAILURE);
}

/* --- Marked ------------------------------------------------------------------------------------
 */

/* A line ends by CR LF, LF or CR, an event by an empty line. Returns: how many of @bytes belong to
 * the event; it is complete then, or all of them do. */
static gsize
scan_event(RestReply *reply, const char *bytes, gsize length)
{
    for (gsize at = 0; at < length; at++) {
        gboolean is_line_feed = bytes[at] == '\n';

        if (reply->awaits_line_feed) {
            reply->is_event = TRUE;
            return at + (is_line_feed ? 1 : 0);
        }
        if (is_line_feed && reply->after_return) {
            reply->after_return = FALSE;
            continue;
        }
        reply->after_return = bytes[at] == '\r';
        if (!is_line_feed && !reply->after_return) {
            reply->line_is_empty = FALSE;
            continue;
        }
        reply->awaits_line_feed = reply->line_is_empty && reply->after_return;
        reply->is_event = reply->line_is_empty && is_line_feed;
        if (reply->is_event)
            return at + 1;
        reply->line_is_empty = TRUE;
    }
    return length;
}

static void
begin_event(RestReply *reply)
{
    g_byte_array_set_size(reply->body, 0);
    reply->held = 0;
    reply->is_sent = FALSE;
    reply->is_replaced = FALSE;
    reply->is_event = FALSE;
    reply->awaits_line_feed = FALSE;
    reply->after_return = FALSE;
    reply->line_is_empty = TRUE;
}

/* What was checked already, as far as it may be marked next. */
static void
take_checked(RestSession *session)
{
    RestReply *reply = &session->reply;
    OshSpan window = osh_l7_list_window(&session->list);
    gsize n = (gsize)MIN(reply->checked, session->response_limit + 1 - reply->body->len);

    if (reply->is_stream)
        n = scan_event(reply, window.data, n);
    g_byte_array_append(reply->body, (const guint8 *)window.data, (guint)n);
    osh_l7_list_drop(&session->list, session->message, n);
    reply->checked -= n;
}

static gsize
mark(RestSession *session, gsize length)
{
    RestReply *reply = &session->reply;
    OshL7Action *action = add_mark(session, (const char *)reply->head->data);

    action->flags |= OSH_L7_LAST;
    reply->held = length;
    reply->is_replaced = FALSE;
    reply->sent = 0;
    reply->prefix_sent = FALSE;
    reply->suffix_sent = FALSE;
    if (length > 0)
        action->u.content.bytes = (OshSpan){(const char *)reply->body->data, length};
    return session->list.n;
}

/* What may be said of the head. */
static void
resume_head(RestSession *session, gboolean is_held)
{
    session->reply.is_preflight = FALSE;
    session->has_response = REST_RESPONSE_HELD;
    if (is_held)
        return;
    rest_reply_clear(session);
    session->has_response = REST_RESPONSE_PASSED;
}

void
rest_reply_resume(RestSession *session, const OshL7Answer *answer)
{
    RestReply *reply = &session->reply;
    const OshL7ContentAnswer *said = answer->n_contents > 0 ? &answer->contents[0] : NULL;

    if (reply->is_preflight && answer->action == OSH_ACTION_ALLOW) {
        resume_head(session, answer->response_limit > 0);
        return;
    }
    session->has_response = REST_RESPONSE_OUT;
    reply->is_refused = answer->action != OSH_ACTION_ALLOW || said == NULL ||
                        said->disposition == OSH_L7_REFUSED || said->content != reply->number;
    if (reply->is_refused || said->disposition == OSH_L7_UNTOUCHED)
        return;
    reply->is_replaced = TRUE;
    reply->handle = said->handle;
    reply->handle_length = said->handle != NULL ? said->length : 0;
    reply->settled = MIN(said->settled, reply->held);
}

/* --- Sent --------------------------------------------------------------------------------------
 */

static gboolean
may_emit(const RestSession *session, gsize n)
{
    return session->list.capacity[OSH_SERVER_TO_CLIENT] > 0 &&
           osh_l7_list_has_space(&session->list, n);
}

static void
emit_bytes(RestSession *session, OshL7Piece *piece, const char *bytes, gsize length)
{
    *piece = (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {bytes, length}};
    osh_l7_list_emit(&session->list, OSH_SERVER_TO_CLIENT, session->message, piece, length);
}

static void
emit_head(RestSession *session)
{
    OshL7Action *action = osh_l7_list_add(&session->list, OSH_L7_EMIT, session->message);

    rest_reply_pieces(session);
    action->direction = OSH_SERVER_TO_CLIENT;
    action->u.send.pieces = session->pieces;
    action->u.send.n_pieces = session->n_pieces;
    session->reply.head_sent = TRUE;
    /* How long it is was not counted. */
    session->list.capacity[OSH_SERVER_TO_CLIENT] = 0;
}

static void
emit_part(RestSession *session, OshL7Piece *piece)
{
    RestReply *reply = &session->reply;
    guint64 own = reply->is_replaced ? reply->settled : reply->held;
    guint64 length;

    if (reply->sent < own) {
        length = MIN(own - reply->sent, SENT_AT_ONCE);
        emit_bytes(session, piece, (const char *)reply->body->data + reply->sent, (gsize)length);
    } else {
        length = MIN(rest_reply_total(reply) - reply->sent, SENT_AT_ONCE);
        *piece = (OshL7Piece){.type = OSH_L7_PIECE_CONTENT,
                              .content = reply->handle,
                              .offset = reply->sent - own,
                              .length = length};
        osh_l7_list_emit(&session->list, OSH_SERVER_TO_CLIENT, session->message, piece,
                         (gsize)length);
    }
    reply->sent += length;
}

/* Returns: whether all that was held is on its way. */
static gboolean
emit_held(RestSession *session)
{
    RestReply *reply = &session->reply;
    gsize length;

    if (rest_reply_total(reply) == 0)
        return TRUE;
    if (reply->in_chunks && !reply->prefix_sent) {
        if (!may_emit(session, 2))
            return FALSE;
        length = osh_http1_chunk_head(rest_reply_total(reply), reply->chunk_head);
        emit_bytes(session, &reply->parts[0], reply->chunk_head, length);
        reply->prefix_sent = TRUE;
    }
    for (guint i = 1; i < REST_PARTS - 1 && reply->sent < rest_reply_total(reply); i++) {
        if (!may_emit(session, 2))
            return FALSE;
        emit_part(session, &reply->parts[i]);
    }
    if (reply->sent < rest_reply_total(reply))
        return FALSE;
    if (reply->in_chunks && !reply->suffix_sent) {
        if (!may_emit(session, 2))
            return FALSE;
        emit_bytes(session, &reply->parts[REST_PARTS - 1], "\r\n", 2);
        reply->suffix_sent = TRUE;
    }
    return TRUE;
}

/* Returns: whether the last chunk is on its way, where there is one. */
static gboolean
emit_end(RestSession *session)
{
    if (!session->reply.in_chunks)
        return TRUE;
    if (!may_emit(session, 2))
        return FALSE;
    emit_bytes(session, &session->reply.end_piece, LAST_CHUNK, sizeof LAST_CHUNK - 1);
    return TRUE;
}

static gsize
release(RestSession *session)
{
    RestReply *reply = &session->reply;

    if (reply->is_refused)
        return fail(session, "an inspector refuses the response");
    if (!reply->head_sent) {
        if (!may_emit(session, 2))
            return session->list.n;
        emit_head(session);
    }
    if (!emit_held(session))
        return session->list.n;
    session->has_response = REST_RESPONSE_HELD;
    reply->is_sent = TRUE;
    /* What is sent stays where it is until the next feed. */
    return session->list.n > 0 ? session->list.n : rest_reply_feed(session);
}

/* All of the body is there and was allowed. */
static gsize
end_reply(RestSession *session)
{
    if (!osh_l7_list_has_space(&session->list, 4) || !emit_end(session))
        return session->list.n;
    return rest_response_end(session);
}

/* --- Read --------------------------------------------------------------------------------------
 */

/* Returns: whether the list goes on. */
static gboolean
read_body(RestSession *session, gsize *ret_n)
{
    RestReply *reply = &session->reply;
    OshL7List *list = &session->list;
    OshSpan window = osh_l7_list_window(list);
    OshHttp1BodyStep step;

    switch (osh_http1_body_feed(&session->response_body, (const guint8 *)window.data, window.length,
                                &step)) {
    case OSH_HTTP1_BODY_STEP:
        reply->checked = step.content_length;
        if (reply->checked == 0)
            osh_l7_list_drop(list, session->message, step.release);
        return TRUE;
    case OSH_HTTP1_BODY_COMPLETE:
        reply->is_over = TRUE;
        return TRUE;
    case OSH_HTTP1_BODY_REJECTED:
        *ret_n = fail(session, osh_http1_error_text(session->response_body.error));
        return FALSE;
    case OSH_HTTP1_BODY_NEED_MORE:
        break;
    }
    if (!list->input->eof) {
        *ret_n = osh_l7_list_more(list);
        return FALSE;
    }
    if (list->input->reset ||
        osh_http1_body_eof(&session->response_body) != OSH_HTTP1_BODY_COMPLETE) {
        *ret_n = fail(session, "the response was cut short");
        return FALSE;
    }
    reply->is_over = TRUE;
    return TRUE;
}

static gsize
gather(RestSession *session)
{
    RestReply *reply = &session->reply;
    gsize n = 0;

    while (osh_l7_list_has_space(&session->list, 4)) {
        if (reply->body->len > session->response_limit)
            return fail(session, "the response is larger than may be looked into");
        if (reply->is_event || (reply->is_over && (reply->body->len > 0 || !reply->head_sent)))
            return mark(session, reply->body->len);
        if (reply->checked > 0) {
            take_checked(session);
            continue;
        }
        if (reply->is_over)
            return end_reply(session);
        if (!read_body(session, &n))
            return n;
    }
    return session->list.n;
}

gsize
rest_reply_feed(RestSession *session)
{
    RestReply *reply = &session->reply;

    switch (session->has_response) {
    case REST_RESPONSE_HELD:
        if (reply->head->len == 0)
            hold(session, osh_l7_list_window(&session->list));
        if (reply->is_sent)
            begin_event(reply);
        /* The head of a stream tells its client that there is one. */
        if (reply->is_stream && !reply->head_sent) {
            if (!may_emit(session, 4))
                return session->list.n;
            begin_event(reply);
            emit_head(session);
        }
        return gather(session);
    case REST_RESPONSE_OUT:
        return release(session);
    case REST_RESPONSE_MARKED:
    case REST_NO_RESPONSE:
    case REST_RESPONSE_ASKED:
    case REST_RESPONSE_AGREED:
    case REST_RESPONSE_PASSED:
    case REST_RESPONSE_BODY:
    case REST_RESPONSE_ENDED:
        break;
    }
    return session->list.n;
}
