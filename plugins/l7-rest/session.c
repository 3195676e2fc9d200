/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c: both directions of one connection. [shard]
 *
 * A body is released as its framing is checked, never gathered. A response that is cut short is
 * passed on as cut: the connection is reset, unless nothing of it has been released yet, when the
 * client gets a 502.
 */
#include "rest.h"

static gsize
list_is_full(const RestSession *session, guint n)
{
    return !osh_l7_list_has_space(&session->list, n);
}

void
rest_exchange_end(RestSession *session)
{
    session->stage = REST_IDLE;
    session->message = 0;
    session->in_response = FALSE;
    session->response_ended = FALSE;
    osh_http1_head_reset(&session->request);
    osh_http1_head_reset(&session->response);
}

/* Answers the client, ends the message, and the connection with it. */
static gsize
end_with_answer(RestSession *session)
{
    OshL7List *list = &session->list;

    session->answer_piece = (OshL7Piece){
        .type = OSH_L7_PIECE_BYTES,
        .bytes = {session->answer->str, session->answer->len},
    };
    osh_l7_list_emit(list, OSH_SERVER_TO_CLIENT, session->message, &session->answer_piece,
                     session->answer->len);
    osh_l7_list_done(list, session->message, session->status, 0);
    session->message = 0;
    return osh_l7_list_end(list);
}

/* Without capacity for the answer the next round tries again. */
static gsize
refuse(RestSession *session)
{
    if (session->list.capacity[OSH_SERVER_TO_CLIENT] == 0 || list_is_full(session, 4))
        return session->list.n;
    /* What follows the head is not looked at; the connection ends. */
    osh_l7_list_drop(&session->list, session->message, session->request.size);
    return end_with_answer(session);
}

/* The client's @detail is at fault. */
static gsize
refuse_request(RestSession *session, guint status, const char *error, const char *detail)
{
    if (session->list.capacity[OSH_SERVER_TO_CLIENT] == 0 || list_is_full(session, 5))
        return session->list.n;
    session->message = ++session->n_messages;
    rest_answer_problem(session, status, error, detail);
    osh_l7_list_deny(&session->list, session->message, detail);
    return refuse(session);
}

static gsize
read_request(RestSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);
    const char *problem;
    guint status;

    switch (osh_http1_head_feed(&session->request, (const guint8 *)window.data, window.length)) {
    case OSH_HTTP1_NEED_MORE:
        return osh_l7_list_more(&session->list);
    case OSH_HTTP1_REJECTED:
        session->was_head = FALSE;
        return refuse_request(session,
                              session->request.error == OSH_HTTP1_ERROR_TOO_LARGE ? 431 : 400,
                              "invalid_request_head", osh_http1_error_text(session->request.error));
    case OSH_HTTP1_COMPLETE:
        break;
    }
    if (rest_request_leaves(session, window.data))
        return osh_l7_list_retarget(&session->list, session->authority.host,
                                    session->authority.port);
    problem = rest_request_read(session, window.data, &status);
    if (problem != NULL)
        return refuse_request(
            session, status, status == 400 ? "invalid_request_target" : "request_refused", problem);
    session->message = ++session->n_messages;
    session->stage = REST_ASKED;
    return osh_l7_list_ask(&session->list, session->message, session->facts, session->n_facts);
}

static void
release_head(RestSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    rest_request_pieces(session, window.data);
    osh_l7_list_replace(&session->list, session->message, session->request.size, session->pieces,
                        session->n_pieces);
    osh_http1_body_init(&session->request_body, osh_http1_request_framing(&session->request),
                        session->request.content_length);
    session->stage = REST_BODY;
}

/* The client is at fault, and its request has begun to go out. */
static gsize
deny_connection(RestSession *session, const char *reason)
{
    OshL7Action *deny = osh_l7_list_add(&session->list, OSH_L7_DENY, 0);

    deny->flags = OSH_L7_CONNECTION;
    deny->u.deny.reason = reason;
    return session->list.n;
}

static gsize
release_request_body(RestSession *session)
{
    while (!list_is_full(session, 2)) {
        OshSpan window = osh_l7_list_window(&session->list);
        OshHttp1BodyStep step;

        switch (osh_http1_body_feed(&session->request_body, (const guint8 *)window.data,
                                    window.length, &step)) {
        case OSH_HTTP1_BODY_STEP:
            osh_l7_list_pass(&session->list, session->message, step.release);
            break;
        case OSH_HTTP1_BODY_NEED_MORE:
            return osh_l7_list_more(&session->list);
        case OSH_HTTP1_BODY_COMPLETE:
            session->stage = REST_SENT;
            return session->list.n;
        case OSH_HTTP1_BODY_REJECTED:
            return deny_connection(session, osh_http1_error_text(session->request_body.error));
        }
    }
    return session->list.n;
}

gsize
rest_feed_client(RestSession *session)
{
    switch (session->stage) {
    case REST_IDLE:
        return read_request(session);
    case REST_ALLOWED:
        if (list_is_full(session, 3))
            return session->list.n;
        release_head(session);
        return release_request_body(session);
    case REST_BODY:
        return release_request_body(session);
    case REST_REFUSED:
        return refuse(session);
    case REST_ASKED:
    case REST_SENT:
        break;
    }
    return session->list.n;
}

/* --- The server's direction --------------------------------------------------------------------
 */

static gsize
end_exchange(RestSession *session)
{
    OshL7List *list = &session->list;
    gboolean closes = session->closes || session->stage != REST_SENT;

    osh_l7_list_done(list, session->message, session->status, session->response_body.content_total);
    if (closes)
        return osh_l7_list_end(list);
    rest_exchange_end(session);
    return list->n;
}

/* Nothing of the response has been released. */
static gsize
answer_bad_gateway(RestSession *session, const char *detail)
{
    OshL7List *list = &session->list;
    OshL7Action *deny;

    if (list->capacity[OSH_SERVER_TO_CLIENT] == 0 || list_is_full(session, 5))
        return list->n;
    rest_answer_problem(session, 502, "upstream_response_invalid", detail);
    deny = osh_l7_list_add(list, OSH_L7_DENY, session->message);
    deny->flags = OSH_L7_FAILURE;
    deny->u.deny.reason = detail;
    return end_with_answer(session);
}

static gsize
fail_response(RestSession *session, const char *detail)
{
    if (session->message == 0 || session->in_response)
        return osh_l7_list_fail(&session->list, detail);
    return answer_bad_gateway(session, detail);
}

static void
begin_response_body(RestSession *session)
{
    OshHttp1Framing framing =
        osh_http1_response_framing(&session->response, session->was_head, FALSE);

    osh_http1_body_init(&session->response_body, framing, session->response.content_length);
    session->in_response = TRUE;
    session->closes = session->closes || framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE ||
                      !osh_http1_head_keep_alive(&session->response);
}

/* Returns: whether the list goes on. */
static gboolean
read_response_head(RestSession *session, gsize *ret_n)
{
    OshL7List *list = &session->list;
    OshSpan window = osh_l7_list_window(list);

    switch (osh_http1_head_feed(&session->response, (const guint8 *)window.data, window.length)) {
    case OSH_HTTP1_NEED_MORE:
        if (list->input->eof)
            *ret_n = fail_response(session, "the server closed the connection without a response");
        else
            *ret_n = osh_l7_list_more(list);
        return FALSE;
    case OSH_HTTP1_REJECTED:
        *ret_n = fail_response(session, osh_http1_error_text(session->response.error));
        return FALSE;
    case OSH_HTTP1_COMPLETE:
        break;
    }
    session->status = session->response.status;
    if (session->status == 101) {
        *ret_n = fail_response(session, "the server changed the protocol without being asked");
        return FALSE;
    }
    osh_l7_list_pass(list, session->message, session->response.size);
    if (session->status >= 200)
        begin_response_body(session);
    else
        osh_http1_head_reset(&session->response);
    return TRUE;
}

/* Returns: whether the list goes on: the body has ended. */
static gboolean
release_response_body(RestSession *session, gsize *ret_n)
{
    OshL7List *list = &session->list;

    while (!list_is_full(session, 3)) {
        OshSpan window = osh_l7_list_window(list);
        OshHttp1BodyStep step;

        switch (osh_http1_body_feed(&session->response_body, (const guint8 *)window.data,
                                    window.length, &step)) {
        case OSH_HTTP1_BODY_STEP:
            osh_l7_list_pass(list, session->message, step.release);
            continue;
        case OSH_HTTP1_BODY_COMPLETE:
            return TRUE;
        case OSH_HTTP1_BODY_REJECTED:
            *ret_n = osh_l7_list_fail(list, osh_http1_error_text(session->response_body.error));
            return FALSE;
        case OSH_HTTP1_BODY_NEED_MORE:
            break;
        }
        if (!list->input->eof)
            *ret_n = osh_l7_list_more(list);
        else if (!list->input->reset &&
                 osh_http1_body_eof(&session->response_body) == OSH_HTTP1_BODY_COMPLETE)
            return TRUE;
        else
            *ret_n = osh_l7_list_fail(list, "the response was cut short");
        return FALSE;
    }
    *ret_n = list->n;
    return FALSE;
}

gsize
rest_feed_server(RestSession *session)
{
    OshL7List *list = &session->list;
    gsize n = 0;

    if (session->message == 0 || session->stage == REST_ASKED || session->stage == REST_ALLOWED ||
        session->stage == REST_REFUSED) {
        if (osh_l7_list_window(list).length > 0)
            return osh_l7_list_fail(list, "the server sent what no request asked for");
        if (list->input->eof && session->message == 0)
            return osh_l7_list_end(list);
        return list->input->eof ? list->n : osh_l7_list_more(list);
    }
    while (!list_is_full(session, 4)) {
        if (!session->in_response) {
            if (!read_response_head(session, &n))
                return n;
            continue;
        }
        if (!release_response_body(session, &n))
            return n;
        return end_exchange(session);
    }
    return list->n;
}
