/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c: the client's direction of one connection, and how an exchange ends. [shard]
 *
 * A body is released as its framing is checked, never gathered. A refused request is answered in
 * its place, behind the responses before it, and the connection ends with it. A server that answers
 * before it has all of a request gets the rest, unless it said that it closes: then the client may
 * finish speaking, or its answer would be lost with the connection (RFC 9112 section 9.6).
 */
#include "rest.h"

#include "osh-request-path.h"

/* What a client may still say after an answer that came early. */
#define LINGER (5 * G_TIME_SPAN_SECOND)

static gboolean
list_is_full(const RestSession *session, guint n)
{
    return !osh_l7_list_has_space(&session->list, n);
}

/* --- The end of an exchange --------------------------------------------------------------------
 */

static void
expect_request(RestSession *session)
{
    session->stage = REST_IDLE;
    session->has_response = REST_NO_RESPONSE;
    session->n_interim = 0;
    session->keeps_open = FALSE;
    osh_http1_head_reset(&session->request);
    osh_http1_head_reset(&session->response);
}

gsize
rest_exchange_end(RestSession *session)
{
    OshL7List *list = &session->list;

    osh_l7_list_done(list, session->message, session->status, session->response_body.content_total);
    session->message = 0;
    if (session->closes || session->is_over)
        return osh_l7_list_end(list);
    expect_request(session);
    return list->n;
}

gsize
rest_refuse(RestSession *session, guint32 flags)
{
    OshL7Action *deny = osh_l7_list_add(&session->list, OSH_L7_DENY, session->message);

    g_string_truncate(session->answer, 0);
    session->event = 0;
    session->stage = REST_REFUSED;
    deny->flags = flags;
    deny->u.deny.reason = session->refusal.detail;
    deny->u.deny.facts = (OshFacts){session->facts, session->n_facts};
    deny->u.deny.ret_event = &session->event;
    session->keeps_open = FALSE;
    if (g_strcmp0(session->refusal.error, "request_authority_mismatch") == 0)
        deny->u.deny.kind = OSH_L7_DENY_AUTHORITY;
    else if (session->refusal.status == 408 || session->refusal.status == 503)
        deny->u.deny.kind = OSH_L7_DENY_LIMIT;
    return session->list.n;
}

gsize
rest_say_refusal(RestSession *session)
{
    OshL7List *list = &session->list;

    /* Without capacity for the words the next round tries again. */
    if (list->capacity[OSH_SERVER_TO_CLIENT] == 0 || list_is_full(session, 3))
        return list->n;
    if (session->answer->len == 0)
        rest_answer_problem(session);
    session->answer_piece = (OshL7Piece){
        .type = OSH_L7_PIECE_BYTES,
        .bytes = {session->answer->str, session->answer->len},
    };
    osh_l7_list_emit(list, OSH_SERVER_TO_CLIENT, session->message, &session->answer_piece,
                     session->answer->len);
    osh_l7_list_done(list, session->message, session->status, 0);
    session->message = 0;
    if (!session->keeps_open || session->is_over)
        return osh_l7_list_end(list);
    expect_request(session);
    return list->n;
}

/* --- A request ---------------------------------------------------------------------------------
 */

static gsize
read_request(RestSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    /* What was sent last pointed there. */
    rest_content_clear(session);
    rest_reply_clear(session);
    switch (osh_http1_head_feed(&session->request, (const guint8 *)window.data, window.length)) {
    case OSH_HTTP1_NEED_MORE:
        return osh_l7_list_more(&session->list);
    case OSH_HTTP1_REJECTED:
        session->message = ++session->n_messages;
        rest_request_read_rejected(session, window.data);
        return rest_refuse(session, 0);
    case OSH_HTTP1_COMPLETE:
        break;
    }
    if (rest_request_leaves(session, window.data))
        return osh_l7_list_retarget(&session->list, session->authority.host,
                                    session->authority.port);
    session->message = ++session->n_messages;
    if (!rest_request_read(session, window.data))
        return rest_refuse(session, 0);
    session->stage = REST_ASKED;
    return osh_l7_list_ask(&session->list, session->message, session->facts, session->n_facts);
}

/* The endpoint is known only now; the policy has refused an encoded slash that it does not allow,
 * and an upgrade that no plugin has agreed to, and no driver may let one through that does not say
 * so. */
gboolean
rest_check_answer(RestSession *session)
{
    /* Where the policy looks into its content (it has none), an upgrade is agreed to behind that.
     */
    if (session->is_upgrade && !session->may_upgrade &&
        (!session->content.is_active || session->content.is_allowed))
        return rest_upgrade_refuse(session);
    if (!session->allows_encoded_slash &&
        osh_request_path_has_encoded_slash(session->target->str, session->target->len)) {
        session->refusal =
            (RestRefusal){400, "invalid_request_target",
                          osh_request_path_result_name(OSH_REQUEST_PATH_ENCODED_SLASH), NULL};
        return FALSE;
    }
    if (session->is_beyond) {
        session->refusal = (RestRefusal){
            403, "unsupported_l7_protocol",
            "the endpoint needs the request changed in a way that is not served", NULL};
        return FALSE;
    }
    return TRUE;
}

void
rest_body_begin(RestSession *session)
{
    osh_http1_body_init(&session->request_body, osh_http1_request_framing(&session->request),
                        session->request.content_length);
    osh_http1_body_limit(&session->request_body, session->limits.chunk_line_size,
                         session->limits.trailer_size);
}

static void
release_head(RestSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    rest_request_pieces(session, window.data);
    osh_l7_list_replace(&session->list, session->message, session->request.size, session->pieces,
                        session->n_pieces);
    rest_body_begin(session);
    session->stage = REST_BODY;
}

/* Where the request has begun to go out, the server never gets its end. */
gsize
rest_body_refuse(RestSession *session, const char *reason)
{
    OshL7Action *deny;

    session->refusal = (RestRefusal){400, "invalid_request_body", reason, NULL};
    if (session->has_response == REST_NO_RESPONSE)
        return rest_refuse(session, 0);
    deny = osh_l7_list_add(&session->list, OSH_L7_DENY, session->message);

    deny->flags = OSH_L7_CONNECTION;
    deny->u.deny.reason = reason;
    deny->u.deny.facts = (OshFacts){session->facts, session->n_facts};
    return session->list.n;
}

gsize
rest_request_end(RestSession *session)
{
    session->stage = REST_SENT;
    return session->has_response == REST_RESPONSE_ENDED ? rest_exchange_end(session)
                                                        : session->list.n;
}

static gsize
release_request_body(RestSession *session)
{
    if (session->content.is_active && session->request.chunked)
        return rest_content_chunks(session);
    osh_l7_list_pass(&session->list, session->message, session->content.checked);
    session->content.checked = 0;
    while (!list_is_full(session, 3)) {
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
            return rest_request_end(session);
        case OSH_HTTP1_BODY_REJECTED:
            return rest_body_refuse(session, osh_http1_error_text(session->request_body.error));
        }
    }
    return session->list.n;
}

/* Returns: whether the client has said all of its request. */
static gboolean
drop_request_body(RestSession *session)
{
    OshHttp1BodyStatus status = OSH_HTTP1_BODY_STEP;

    osh_l7_list_drop(&session->list, session->message, session->content.checked);
    session->content.checked = 0;
    while (status == OSH_HTTP1_BODY_STEP && !list_is_full(session, 3)) {
        OshSpan window = osh_l7_list_window(&session->list);
        OshHttp1BodyStep step;

        status = osh_http1_body_feed(&session->request_body, (const guint8 *)window.data,
                                     window.length, &step);
        if (status == OSH_HTTP1_BODY_STEP)
            osh_l7_list_drop(&session->list, session->message, step.release);
    }
    return status == OSH_HTTP1_BODY_COMPLETE || status == OSH_HTTP1_BODY_REJECTED;
}

/* The response came early, and its server reads no more. */
static gsize
linger(RestSession *session)
{
    OshL7List *list = &session->list;

    if (session->linger_until == 0)
        session->linger_until = list->input->now + LINGER;
    if (drop_request_body(session) || session->is_over || list->input->eof) {
        session->is_over = TRUE;
        return rest_exchange_end(session);
    }
    list->deadline = session->linger_until;
    return list_is_full(session, 3) ? list->n : osh_l7_list_more(list);
}

gsize
rest_feed_client(RestSession *session)
{
    switch (session->stage) {
    case REST_IDLE:
        return session->is_over ? osh_l7_list_end(&session->list) : read_request(session);
    case REST_ALLOWED:
        if (list_is_full(session, 4))
            return session->list.n;
        if (!rest_check_answer(session))
            return rest_refuse(session, 0);
        release_head(session);
        return release_request_body(session);
    case REST_BODY:
        return release_request_body(session);
    case REST_REFUSED:
        return rest_say_refusal(session);
    case REST_CONTENT:
        return rest_content_feed(session);
    case REST_RELEASE:
        return rest_content_release(session);
    case REST_LINGER:
        return linger(session);
    case REST_MARKED:
    case REST_ASKED:
    case REST_SENT:
        break;
    }
    return session->list.n;
}
