/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content.c: the body of a request that is inspected. [shard]
 *
 *   head, body: out of the window, decoded -> marked in parts -> allowed -> head, body
 *
 * Nothing of the request leaves before all of its body was read and the last answer allowed it. The
 * body is kept here, because it may be larger than a window, and goes out with its length: what
 * framed it before is the client's own word (trailers are dropped with it). Of a body that is
 * larger than may be inspected the byte that is too much is marked as well, and the answer refuses
 * it. One that is allowed before its end goes on as it comes, in the framing that it has.
 */
#include "rest.h"

#include "osh-line-reader.h"

#include <string.h>

/* Bytes that are marked at a time. */
#define PART 16384
/* Bytes that one action sends of a body. */
#define SENT_AT_ONCE 32768
/* Memory that is kept from one request to the next. */
#define KEPT_SIZE 65536
/* Of what an answer asks for. */
#define LIMIT_MAX (1 << 30)
/* A body that is held has to go on coming, and to come to its end. */
#define STALLED  (30 * G_TIME_SPAN_SECOND)
#define TOTAL    (120 * G_TIME_SPAN_SECOND)
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* --- A request that is to be inspected ---------------------------------------------------------
 */

/* Several lines are one list (RFC 9110 section 5.3). */
static void
join_fields(const RestSession *session, const char *lower_name, GString *value)
{
    const OshHttp1Head *head = &session->request;
    const guint8 *base = session->content.head->data;
    const OshHttp1Field *field = NULL;

    g_string_truncate(value, 0);
    while ((field = osh_http1_head_find(head, base, lower_name, field)) != NULL) {
        g_string_append(value, value->len > 0 ? ", " : "");
        g_string_append_len(value, (const char *)base + field->value.offset, field->value.length);
    }
}

static void
read_media_type(RestContent *content)
{
    const char *end = strchr(content->type->str, ';');

    g_string_assign(content->media_type, content->type->str);
    if (end != NULL)
        g_string_truncate(content->media_type, (gsize)(end - content->type->str));
    g_strchomp(content->media_type->str);
    g_string_truncate(content->media_type, strlen(content->media_type->str));
    g_string_ascii_down(content->media_type);
}

void
rest_content_begin(RestSession *session, const OshL7Answer *answer)
{
    RestContent *content = &session->content;

    if (content->head == NULL) {
        content->head = g_byte_array_new();
        content->body = g_byte_array_new();
        content->type = g_string_new(NULL);
        content->encoding = g_string_new(NULL);
        content->media_type = g_string_new(NULL);
    }
    content->is_active = TRUE;
    content->limit = MIN(answer->inspect_limit, LIMIT_MAX);
}

void
rest_content_allow(RestSession *session, const OshL7Answer *answer)
{
    RestContent *content = &session->content;
    const OshL7ContentAnswer *said = answer->n_contents > 0 ? &answer->contents[0] : NULL;

    content->is_allowed = TRUE;
    if (said == NULL || said->disposition == OSH_L7_UNTOUCHED)
        return;
    content->is_replaced = TRUE;
    content->handle = said->handle;
    content->handle_length = said->length;
    content->settled = said->settled;
    /* What was not marked has no place behind a handle, and behind an upgrade frames begin. */
    if (session->is_upgrade || said->disposition != OSH_L7_REPLACED ||
        said->settled > content->body->len || (said->handle == NULL && said->length > 0) ||
        !content->is_whole)
        session->is_beyond = TRUE;
}

/* Returns: whether the sessions hold no more than they may together. */
static gboolean
charge(RestSession *session, gsize bytes)
{
    RestContent *content = &session->content;

    if (bytes != content->charged)
        (void)g_atomic_pointer_add(session->held, (gssize)(bytes - content->charged));
    content->charged = bytes;
    return (gsize)g_atomic_pointer_get(session->held) <= session->limits.held_size;
}

void
rest_bytes_empty(GByteArray **bytes)
{
    if (*bytes != NULL && (*bytes)->len > KEPT_SIZE) {
        g_byte_array_unref(*bytes);
        *bytes = g_byte_array_new();
    } else if (*bytes != NULL) {
        g_byte_array_set_size(*bytes, 0);
    }
}

void
rest_content_clear(RestSession *session)
{
    RestContent *content = &session->content;
    RestContent fresh = {.head = content->head,
                         .body = content->body,
                         .type = content->type,
                         .encoding = content->encoding,
                         .media_type = content->media_type};

    if (!content->is_active)
        return;
    (void)charge(session, 0);
    rest_bytes_empty(&fresh.head);
    rest_bytes_empty(&fresh.body);
    *content = fresh;
}

void
rest_content_free(RestSession *session)
{
    RestContent *content = &session->content;

    (void)charge(session, 0);
    if (content->head == NULL)
        return;
    g_byte_array_unref(content->head);
    g_byte_array_unref(content->body);
    g_string_free(content->type, TRUE);
    g_string_free(content->encoding, TRUE);
    g_string_free(content->media_type, TRUE);
}

guint64
rest_content_total(const RestContent *content)
{
    if (!content->is_active)
        return 0;
    return content->is_replaced ? content->settled + content->handle_length : content->body->len;
}

/* --- Read and marked ---------------------------------------------------------------------------
 */

/* Returns: FALSE where the request is refused without a look at its body. */
static gboolean
take_head(RestSession *session)
{
    RestContent *content = &session->content;
    const OshHttp1Head *head = &session->request;
    OshSpan window = osh_l7_list_window(&session->list);

    if (!rest_check_answer(session))
        return FALSE;
    g_byte_array_append(content->head, (const guint8 *)window.data, head->size);
    osh_l7_list_drop(&session->list, session->message, head->size);
    rest_body_begin(session);
    content->has_head = TRUE;
    content->wants_continue =
        head->minor_version == 1 && (head->chunked || head->content_length > 0) &&
        osh_http1_head_find(head, content->head->data, "expect", NULL) != NULL;
    return TRUE;
}

static void
say_continue(RestSession *session)
{
    RestContent *content = &session->content;

    content->continue_piece =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {CONTINUE, sizeof CONTINUE - 1}};
    osh_l7_list_emit(&session->list, OSH_SERVER_TO_CLIENT, session->message,
                     &content->continue_piece, sizeof CONTINUE - 1);
    content->wants_continue = FALSE;
}

/* What the inspector is to know of the head. */
static OshFacts
head_facts(RestSession *session)
{
    RestContent *content = &session->content;
    gsize n = 0;

    join_fields(session, "content-type", content->type);
    join_fields(session, "content-encoding", content->encoding);
    read_media_type(content);
    if (content->type->len > 0)
        content->facts[n++] = (OshFact)OSH_FACT_STRING_INIT(
            OSH_FACT_REQUEST_CONTENT_TYPE, ((OshSpan){content->type->str, content->type->len}));
    if (content->encoding->len > 0)
        content->facts[n++] = (OshFact)OSH_FACT_STRING_INIT(
            OSH_FACT_REQUEST_CONTENT_ENCODING,
            ((OshSpan){content->encoding->str, content->encoding->len}));
    /* With an upgrade the question itself has stated them. */
    if (!session->is_upgrade)
        content->facts[n++] =
            rest_headers_fact(session, &session->request, (const char *)content->head->data,
                              OSH_FACT_REQUEST_HEADERS);
    return (OshFacts){content->facts, n};
}

static gsize
mark(RestSession *session, gsize length, gboolean is_last)
{
    RestContent *content = &session->content;
    OshL7Action *action = osh_l7_list_add(&session->list, OSH_L7_CONTENT, session->message);

    action->flags = OSH_L7_PAUSES | (is_last ? OSH_L7_LAST : 0);
    action->u.content.content = 1;
    if (!content->is_begun)
        action->u.content.facts = head_facts(session);
    action->u.content.media_type = content->media_type->str;
    if (length > 0)
        action->u.content.bytes =
            (OshSpan){(const char *)content->body->data + content->marked, length};
    content->is_begun = TRUE;
    content->is_whole = is_last;
    content->marked += length;
    session->stage = REST_MARKED;
    return session->list.n;
}

/* Returns: how many bytes of the body are marked before its end is there; 0 for none yet. */
static gsize
part_of(const RestContent *content)
{
    gsize unmarked = content->body->len - content->marked;

    if (content->body->len > content->limit)
        return unmarked;
    return unmarked >= PART ? PART : 0;
}

/* What was checked already, as far as it is to be marked next. */
static void
take_checked(RestSession *session)
{
    RestContent *content = &session->content;
    OshSpan window = osh_l7_list_window(&session->list);
    gsize n = MIN(content->checked, PART - (content->body->len - content->marked));

    n = (gsize)MIN(n, content->limit + 1 - content->body->len);
    g_byte_array_append(content->body, (const guint8 *)window.data, (guint)n);
    osh_l7_list_drop(&session->list, session->message, n);
    content->checked -= n;
}

/* Returns: what feed returns. */
static gsize
refuse_held(RestSession *session, guint status, const char *error, const char *detail,
            const char *limit)
{
    session->refusal = (RestRefusal){status, error, detail, limit};
    return rest_refuse(session, 0);
}

/* Counted where a part is full, so that it does not matter in which pieces the body came. */
static gsize
mark_part(RestSession *session)
{
    RestContent *content = &session->content;

    if (!charge(session, (gsize)content->head->len + content->body->len))
        return refuse_held(session, 503, "capacity",
                           "too many bytes of requests are held until they were inspected",
                           "l7-rest.held_size");
    return mark(session, part_of(content), FALSE);
}

/* The body has to come in time. */
static void
set_deadline(RestSession *session)
{
    RestContent *content = &session->content;
    const OshL7Input *input = session->list.input;

    if (content->began == 0)
        content->began = content->progressed = input->now;
    if (input->n_new > 0)
        content->progressed = input->now;
    session->list.deadline =
        MAX(MIN(content->progressed + STALLED, content->began + TOTAL), input->now + 1);
}

static gsize
gather(RestSession *session)
{
    RestContent *content = &session->content;
    OshL7List *list = &session->list;

    set_deadline(session);
    if (content->is_late)
        return refuse_held(session, 408, "request_timeout", "the body did not come in time", NULL);

    while (osh_l7_list_has_space(list, 3)) {
        OshSpan window = osh_l7_list_window(list);
        OshHttp1BodyStep step;

        if (part_of(content) > 0)
            return mark_part(session);
        if (content->checked > 0) {
            take_checked(session);
            continue;
        }
        switch (osh_http1_body_feed(&session->request_body, (const guint8 *)window.data,
                                    window.length, &step)) {
        case OSH_HTTP1_BODY_STEP:
            content->checked = step.content_length;
            if (content->checked == 0)
                osh_l7_list_drop(list, session->message, step.release);
            break;
        case OSH_HTTP1_BODY_NEED_MORE:
            if (list->input->eof)
                return rest_body_refuse(session,
                                        osh_http1_error_text(OSH_HTTP1_ERROR_BODY_CUT_SHORT));
            return osh_l7_list_more(list);
        case OSH_HTTP1_BODY_REJECTED:
            return rest_body_refuse(session, osh_http1_error_text(session->request_body.error));
        case OSH_HTTP1_BODY_COMPLETE:
            return mark(session, content->body->len - content->marked, TRUE);
        }
    }
    return list->n;
}

void
rest_content_expire(RestSession *session)
{
    session->content.is_late = session->stage == REST_CONTENT && !session->content.is_allowed;
}

gsize
rest_content_feed(RestSession *session)
{
    RestContent *content = &session->content;
    OshL7List *list = &session->list;

    if (!osh_l7_list_has_space(list, 4))
        return list->n;
    if (!content->has_head && !take_head(session))
        return rest_refuse(session, 0);
    if (content->is_allowed && !rest_check_answer(session))
        return rest_refuse(session, 0);
    if (content->is_allowed) {
        session->stage = REST_RELEASE;
        return rest_content_release(session);
    }
    if (content->wants_continue && list->capacity[OSH_SERVER_TO_CLIENT] == 0)
        return list->n;
    if (content->wants_continue)
        say_continue(session);
    return gather(session);
}

/* --- Allowed -----------------------------------------------------------------------------------
 */

/* Returns: the next piece of the body as it goes out. */
static OshL7Piece
next_piece(RestContent *content)
{
    guint64 own = content->is_replaced ? content->settled : content->body->len;
    OshL7Piece piece = {.type = OSH_L7_PIECE_BYTES};

    if (content->sent < own) {
        piece.bytes = (OshSpan){(const char *)content->body->data + content->sent,
                                (gsize)MIN(own - content->sent, SENT_AT_ONCE)};
        content->sent += piece.bytes.length;
        return piece;
    }
    piece.type = OSH_L7_PIECE_CONTENT;
    piece.content = content->handle;
    piece.offset = content->sent - own;
    piece.length = MIN(rest_content_total(content) - content->sent, SENT_AT_ONCE);
    content->sent += piece.length;
    return piece;
}

/* Adds the size line of a chunk of @size bytes. */
static OshL7Piece
chunk_head(RestContent *content, gsize size)
{
    gsize length = osh_http1_chunk_head(size, content->chunk_head);

    return (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {content->chunk_head, length}};
}

/* What was read of it before it was allowed is one chunk. */
static void
replace_checked(RestSession *session)
{
    RestContent *content = &session->content;

    content->parts[0] = chunk_head(content, content->checked);
    content->parts[1] = (OshL7Piece){
        .type = OSH_L7_PIECE_WINDOW, .offset = session->list.released, .length = content->checked};
    content->parts[2] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {"\r\n", 2}};
    osh_l7_list_replace(&session->list, session->message, content->checked, content->parts, 3);
    content->checked = 0;
}

/* With the first of the body, so that a short request leaves in one piece. */
static void
emit_head(RestSession *session)
{
    RestContent *content = &session->content;
    OshL7List *list = &session->list;
    OshL7Action *action = osh_l7_list_add(list, OSH_L7_EMIT, session->message);

    rest_request_pieces(session, (const char *)content->head->data);
    content->ends_chunk = !content->is_whole && session->request.chunked && content->body->len > 0;
    if (content->ends_chunk)
        session->pieces[session->n_pieces++] = chunk_head(content, content->body->len);
    if (content->sent < rest_content_total(content))
        session->pieces[session->n_pieces++] = next_piece(content);
    action->direction = OSH_CLIENT_TO_SERVER;
    action->u.send.pieces = session->pieces;
    action->u.send.n_pieces = session->n_pieces;
    content->head_sent = TRUE;
}

gsize
rest_content_release(RestSession *session)
{
    RestContent *content = &session->content;
    OshL7List *list = &session->list;
    gsize *capacity = &list->capacity[OSH_CLIENT_TO_SERVER];

    if (*capacity == 0 || !osh_l7_list_has_space(list, REST_PARTS + 2))
        return list->n;
    if (!content->head_sent) {
        emit_head(session);
        /* How long its leases are is the driver's to count. */
        *capacity = 0;
    }
    for (guint i = 0; i<REST_PARTS && * capacity> 0 && content->sent < rest_content_total(content);
         i++) {
        guint64 before = content->sent;

        content->parts[i] = next_piece(content);
        osh_l7_list_emit(list, OSH_CLIENT_TO_SERVER, session->message, &content->parts[i],
                         (gsize)(content->sent - before));
    }
    if (content->sent < rest_content_total(content))
        return list->n;
    if (content->ends_chunk) {
        if (*capacity == 0 || !osh_l7_list_has_space(list, 2))
            return list->n;
        content->parts[REST_PARTS - 1] =
            (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {"\r\n", 2}};
        osh_l7_list_emit(list, OSH_CLIENT_TO_SERVER, session->message,
                         &content->parts[REST_PARTS - 1], 2);
        content->ends_chunk = FALSE;
    }
    if (content->is_whole)
        return rest_request_end(session);
    session->stage = REST_BODY;
    return list->n;
}

/* Of a body that went on in chunks, the chunk that was begun here has no end of the client's: what
 * follows is framed anew. */
gsize
rest_content_chunks(RestSession *session)
{
    RestContent *content = &session->content;
    OshL7List *list = &session->list;

    while (osh_l7_list_has_space(list, 3)) {
        OshSpan window = osh_l7_list_window(list);
        OshHttp1BodyStep step;

        if (content->checked > 0) {
            replace_checked(session);
            return list->n;
        }
        switch (osh_http1_body_feed(&session->request_body, (const guint8 *)window.data,
                                    window.length, &step)) {
        case OSH_HTTP1_BODY_STEP:
            content->checked = step.content_length;
            if (osh_http1_body_is_complete(&session->request_body))
                osh_l7_list_pass(list, session->message, step.release);
            else if (content->checked == 0)
                osh_l7_list_drop(list, session->message, step.release);
            break;
        case OSH_HTTP1_BODY_NEED_MORE:
            return osh_l7_list_more(list);
        case OSH_HTTP1_BODY_COMPLETE:
            return rest_request_end(session);
        case OSH_HTTP1_BODY_REJECTED:
            return rest_body_refuse(session, osh_http1_error_text(session->request_body.error));
        }
    }
    return list->n;
}
