/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.c: the server's direction of one connection. [shard]
 *
 * 1xx responses pass in their order, and only so many; then one final head and its body, released
 * as its framing is checked. A response that is cut short, or that cannot be read in one way only,
 * is passed on as cut: the connection is reset, unless nothing of its final head was released yet,
 * when the client gets a 502. It must never take bytes that came before a request was sent for its
 * response.
 */
#include "rest.h"

static const char surplus[] = "the server sent what no request asked for";

static gboolean
list_is_full(const RestSession *session, guint n)
{
    return !osh_l7_list_has_space(&session->list, n);
}

/* Nothing of the final head was released. */
static gsize
fail_response(RestSession *session, const char *detail)
{
    session->refusal = (RestRefusal){502, "upstream_response_invalid", detail, NULL};
    return rest_refuse(session, OSH_L7_FAILURE);
}

gsize
rest_response_end(RestSession *session)
{
    OshL7List *list = &session->list;

    if (session->stage == REST_SENT)
        return rest_exchange_end(session);
    session->has_response = REST_RESPONSE_ENDED;
    if (session->closes)
        session->stage = REST_LINGER;
    return list->n;
}

static void
begin_response_body(RestSession *session)
{
    OshHttp1Framing framing =
        osh_http1_response_framing(&session->response, session->was_head, FALSE);

    osh_http1_body_init(&session->response_body, framing, session->response.content_length);
    osh_http1_body_limit(&session->response_body, session->limits.chunk_line_size,
                         session->limits.trailer_size);
    session->has_response = REST_RESPONSE_BODY;
    session->closes = session->closes || framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE ||
                      !osh_http1_head_keep_alive(&session->response);
}

/* Returns: (nullable): why the head may not stand here. */
static const char *
check_response(RestSession *session)
{
    if (session->status == 101 && !session->is_upgrade)
        return "the server changed the protocol without being asked";
    /* RFC 9112 section 6.3: a client that believes the length takes the next response for a body.
     */
    if ((session->status < 200 || session->status == 204) &&
        (session->response.chunked || session->response.content_length > 0))
        return "a 1xx or 204 response, which has no body, states a length";
    if (session->status < 200 && ++session->n_interim > session->limits.interim_responses)
        return "the server sent more 1xx responses than allowed";
    return NULL;
}

static void
pass_response_head(RestSession *session)
{
    OshL7List *list = &session->list;
    gsize size = session->response.size;

    session->has_response = REST_RESPONSE_BODY;
    if (rest_response_pieces(session, osh_l7_list_window(list).data))
        osh_l7_list_replace(list, session->message, size, session->pieces, session->n_pieces);
    else
        osh_l7_list_pass(list, session->message, size);
}

static void
release_response_head(RestSession *session)
{
    OshL7List *list = &session->list;
    gsize size = session->response.size;

    if (session->status >= 200) {
        begin_response_body(session);
        if (!rest_reply_begin(session))
            pass_response_head(session);
        return;
    }
    /* RFC 9110 section 15.2: a client of HTTP/1.0 knows no 1xx. */
    if (session->request.minor_version == 0)
        osh_l7_list_drop(list, session->message, size);
    else
        osh_l7_list_pass(list, session->message, size);
    osh_http1_head_reset(&session->response);
}

/* Returns: whether the list goes on. */
static gboolean
read_response_head(RestSession *session, gsize *ret_n)
{
    OshL7List *list = &session->list;
    OshSpan window = osh_l7_list_window(list);
    const char *problem = NULL;

    switch (osh_http1_head_feed(&session->response, (const guint8 *)window.data, window.length)) {
    case OSH_HTTP1_NEED_MORE:
        if (!list->input->eof) {
            *ret_n = osh_l7_list_more(list);
            return FALSE;
        }
        problem = "the server closed the connection without a response";
        break;
    case OSH_HTTP1_REJECTED:
        problem = osh_http1_error_text(session->response.error);
        break;
    case OSH_HTTP1_COMPLETE:
        session->status = session->response.status;
        problem = check_response(session);
        break;
    }
    if (problem != NULL)
        *ret_n = fail_response(session, problem);
    else if (session->status == 101)
        *ret_n = rest_upgrade_ask(session);
    else
        release_response_head(session);
    return problem == NULL && session->status != 101;
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

/* No response is awaited. */
static gsize
expect_nothing(RestSession *session)
{
    OshL7List *list = &session->list;

    if (osh_l7_list_window(list).length > 0)
        return osh_l7_list_fail(list, surplus);
    if (!list->input->eof)
        return osh_l7_list_more(list);
    if (session->message == 0)
        return osh_l7_list_end(list);
    /* The rest of a request that was answered already goes nowhere. */
    if (session->has_response == REST_RESPONSE_ENDED)
        session->stage = REST_LINGER;
    return list->n;
}

static gsize
read_response(RestSession *session)
{
    gsize n = 0;

    if (session->has_response == REST_RESPONSE_ASKED)
        return session->list.n;
    if (session->has_response == REST_RESPONSE_AGREED)
        return rest_upgrade_go(session);

    while (!list_is_full(session, 4)) {
        if (session->has_response == REST_NO_RESPONSE) {
            if (!read_response_head(session, &n))
                return n;
            continue;
        }
        if (session->reply.is_active)
            return rest_reply_feed(session);
        if (session->has_response == REST_RESPONSE_PASSED) {
            pass_response_head(session);
            continue;
        }
        if (!release_response_body(session, &n))
            return n;
        return rest_response_end(session);
    }
    return session->list.n;
}

/* The connection is about to end. */
static gsize
drop_surplus(RestSession *session)
{
    OshL7List *list = &session->list;

    osh_l7_list_drop(list, session->message, osh_l7_list_window(list).length);
    return list->input->eof ? list->n : osh_l7_list_more(list);
}

gsize
rest_feed_server(RestSession *session)
{
    switch (session->stage) {
    case REST_BODY:
    case REST_SENT:
        return session->has_response == REST_RESPONSE_ENDED ? expect_nothing(session)
                                                            : read_response(session);
    case REST_REFUSED:
        return rest_say_refusal(session);
    case REST_LINGER:
        return drop_surplus(session);
    case REST_RELEASE:
        if (session->content.head_sent && session->has_response != REST_RESPONSE_ENDED)
            return read_response(session);
        break;
    case REST_CONTENT:
        /* Nothing of the request went out, and nothing of it would arrive. */
        if (session->list.input->eof && osh_l7_list_window(&session->list).length == 0) {
            session->refusal =
                (RestRefusal){502, "upstream_closed",
                              "the server closed the connection while the body of the "
                              "request was read",
                              NULL};
            return rest_refuse(session, OSH_L7_FAILURE);
        }
        break;
    case REST_IDLE:
    case REST_ASKED:
    case REST_ALLOWED:
    case REST_MARKED:
        break;
    }
    return expect_nothing(session);
}
