/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c: the question about a message of the client, and what its answer leads to. [shard]. A
 * byte of a message that was not allowed never leaves from here.
 */
#include "ws.h"

#include <string.h>

#define METHOD_TEXT   "WEBSOCKET_TEXT"
#define METHOD_BINARY "WEBSOCKET_BINARY"

static const WsFault cannot_inspect = {WS_CODE_POLICY,
                                       "a binary message cannot be inspected, and the policy asks "
                                       "for that"};

/* --- The question ------------------------------------------------------------------------------
 */

guint
ws_facts(const WsSession *session, const char *method, gboolean is_binary, OshFact facts[WS_FACTS])
{
    guint n = 0;

    facts[n++] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(method));
    for (gsize i = 0; i < session->request.facts.n_facts && n < WS_FACTS - 2; i++)
        facts[n++] = session->request.facts.facts[i];
    facts[n++] =
        (OshFact)OSH_FACT_STRING_INIT(WS_FACT_OPCODE, osh_span(is_binary ? "binary" : "text"));
    facts[n++] = (OshFact)OSH_FACT_STRING_INIT(WS_FACT_SUBPROTOCOL, osh_span(session->subprotocol));
    return n;
}

void
ws_state_facts(WsSession *session)
{
    gboolean is_binary = session->client.opcode == WS_BINARY;
    gboolean own = is_binary && session->plugin->limits.binary == WS_BINARY_OWN_METHOD;

    session->n_facts =
        ws_facts(session, own ? METHOD_BINARY : METHOD_TEXT, is_binary, session->facts);
}

WsStep
ws_ask(WsSession *session)
{
    ws_state_facts(session);
    session->message = ++session->n_messages;
    session->answer.inspected = FALSE;
    session->answer.content = NULL;
    session->stage = WS_ASKED;
    osh_l7_list_ask(&session->list, session->message, session->facts, session->n_facts);
    return WS_RETURN;
}

WsCloseCode
ws_code_of(const OshL7Answer *answer)
{
    switch (answer->status) {
    case 413:
        return WS_CODE_TOO_LARGE;
    case 429:
    case 503:
    case 504:
        return WS_CODE_TRY_LATER;
    default:
        return WS_CODE_POLICY;
    }
}

void
ws_take_answer(WsSession *session, const OshL7Answer *answer)
{
    WsAnswer *said = &session->answer;

    /* The server has ended it meanwhile. */
    if (session->stage != WS_ASKED)
        return;
    said->action = answer->action;
    session->stage = WS_ANSWERED;
    if (answer->action == OSH_ACTION_DENY) {
        said->code = ws_code_of(answer);
        said->event = answer->event;
        g_string_assign(said->reason, answer->reason != NULL ? answer->reason : "refused");
    }
    if (answer->n_contents > 0 && answer->contents[0].disposition == OSH_L7_REPLACED) {
        said->content = answer->contents[0].handle;
        said->length = answer->contents[0].length;
    }
}

/* --- The answer --------------------------------------------------------------------------------
 */

static WsStep
carry_refusal(WsSession *session)
{
    const WsFrame *frame = &session->readers[OSH_CLIENT_TO_SERVER].frame;
    guint64 skip = 0;

    osh_l7_list_drop(&session->list, session->message, session->client.direct);
    /* The header of a binary message, which was asked about before its payload. */
    if (session->client.direct == 0 && session->client.held->len == 0)
        skip = frame->header + frame->length;
    osh_l7_list_done(&session->list, session->message, 0, 0);
    ws_end_message(session);
    session->ending.skip = skip;
    session->ending.event = session->answer.event;
    /* Whoever terminates the session refuses all its questions. */
    if (session->terminates != WS_CODE_NONE)
        ws_end(session, session->terminates, NULL);
    else
        ws_end(session, session->answer.code, session->answer.reason->str);
    return WS_RETURN;
}

/* What a reader would take for JSON has its placeholders replaced as in JSON. */
static const char *
media_type_of(const WsSession *session)
{
    const GByteArray *text = session->client.text;
    guint i = 0;

    while (i < text->len && strchr(" \t\r\n", text->data[i]) != NULL && text->data[i] != '\0')
        i++;
    return session->is_json || (i < text->len && (text->data[i] == '{' || text->data[i] == '['))
               ? "application/json"
               : "text/plain";
}

static WsStep
carry_inspection(WsSession *session)
{
    const WsFrame *frame = &session->readers[OSH_CLIENT_TO_SERVER].frame;
    const GByteArray *text = session->client.text;
    gboolean is_streamed = session->client.direct == 0 && session->client.held->len == 0;
    OshL7Action *action;

    if (session->client.opcode == WS_BINARY || session->answer.inspected)
        return ws_fail_client(session, cannot_inspect,
                              is_streamed ? frame->header + frame->length : session->client.direct);
    session->answer.inspected = TRUE;
    session->stage = WS_ASKED;
    action = osh_l7_list_add(&session->list, OSH_L7_CONTENT, session->message);
    action->flags = OSH_L7_PAUSES | OSH_L7_LAST;
    action->u.content.content = 1;
    action->u.content.media_type = media_type_of(session);
    action->u.content.bytes = (OshSpan){text->len > 0 ? (const char *)text->data : "", text->len};
    return WS_RETURN;
}

/* One frame of our own, with the message's own bytes replaced. */
static WsStep
send_replaced(WsSession *session)
{
    const WsAnswer *answer = &session->answer;
    WsClient *client = &session->client;
    WsFrame frame = {.opcode = client->opcode, .fin = TRUE, .masked = TRUE};
    OshL7Piece *header;
    OshL7Piece *content;
    guint n;

    if (session->list.capacity[OSH_CLIENT_TO_SERVER] == 0)
        return WS_RETURN;
    frame.length = answer->length;
    session->plugin->fill_mask(frame.mask);
    n = ws_frame_write(session->header, &frame);
    header = ws_next_piece(session);
    header->type = OSH_L7_PIECE_BYTES;
    header->bytes = (OshSpan){(const char *)session->header, n};
    content = ws_next_piece(session);
    content->type = OSH_L7_PIECE_CONTENT;
    content->content = answer->content;
    content->length = answer->length;
    content->has_mask = TRUE;
    memcpy(content->mask, frame.mask, sizeof content->mask);
    osh_l7_list_drop(&session->list, session->message, client->direct);
    osh_l7_list_emit(&session->list, OSH_CLIENT_TO_SERVER, session->message, header,
                     n + (gsize)answer->length)
        ->u.send.n_pieces = answer->length > 0 ? 2 : 1;
    /* What the client compresses from now on refers to what the server has not inflated. */
    if (client->compressed && !session->readers[OSH_CLIENT_TO_SERVER].agreed.resets)
        session->diverged = TRUE;
    osh_l7_list_done(&session->list, session->message, 0, 0);
    ws_end_message(session);
    return WS_AGAIN;
}

/* The message as one frame in the session's own context. */
static void
compress_again(WsSession *session)
{
    const WsReader *reader = &session->readers[OSH_CLIENT_TO_SERVER];
    WsClient *client = &session->client;
    WsFrame frame = {.opcode = client->opcode, .fin = TRUE, .masked = TRUE};
    guint n;

    g_byte_array_set_size(client->held, WS_HEADER_MAX);
    frame.rsv1 =
        ws_deflate_message(&session->deflater, &reader->agreed, client->text, client->held);
    if (!frame.rsv1 && client->text->len > 0)
        g_byte_array_append(client->held, client->text->data, client->text->len);
    frame.length = client->held->len - WS_HEADER_MAX;
    session->plugin->fill_mask(frame.mask);
    ws_mask(client->held->data + WS_HEADER_MAX, client->held->data + WS_HEADER_MAX,
            (gsize)frame.length, frame.mask, 0);
    n = ws_frame_write(session->header, &frame);
    memcpy(client->held->data + WS_HEADER_MAX - n, session->header, n);
    client->n_sent = WS_HEADER_MAX - n;
}

static WsStep
carry_allowance(WsSession *session)
{
    WsReader *reader = &session->readers[OSH_CLIENT_TO_SERVER];
    WsClient *client = &session->client;

    if (session->answer.content != NULL)
        return send_replaced(session);
    if (client->compressed && session->diverged) {
        osh_l7_list_drop(&session->list, session->message, client->direct);
        client->direct = 0;
        compress_again(session);
        session->stage = WS_SENDING;
    } else if (client->direct > 0) {
        osh_l7_list_pass(&session->list, session->message, client->direct);
        osh_l7_list_done(&session->list, session->message, 0, 0);
        ws_end_message(session);
    } else if (client->held->len > 0) {
        session->stage = WS_SENDING;
    } else {
        osh_l7_list_pass(&session->list, session->message, reader->frame.header);
        client->in_frame = TRUE;
        session->stage = WS_STREAMING;
    }
    return WS_AGAIN;
}

WsStep
ws_carry_answer(WsSession *session)
{
    switch (session->answer.action) {
    case OSH_ACTION_ALLOW:
        return carry_allowance(session);
    case OSH_ACTION_INSPECT:
        return carry_inspection(session);
    case OSH_ACTION_DENY:
    default:
        return carry_refusal(session);
    }
}

WsStep
ws_send_held(WsSession *session)
{
    WsClient *client = &session->client;
    gsize n = MIN(client->held->len - client->n_sent, OSH_L7_BYTES_MAX);
    OshL7Piece *piece;

    /* What was emitted has to stay as it is until this feed. */
    if (n == 0) {
        osh_l7_list_done(&session->list, session->message, 0, 0);
        ws_end_message(session);
        return WS_AGAIN;
    }
    if (session->list.capacity[OSH_CLIENT_TO_SERVER] == 0)
        return WS_RETURN;
    piece = ws_next_piece(session);
    piece->type = OSH_L7_PIECE_BYTES;
    piece->bytes = (OshSpan){(const char *)client->held->data + client->n_sent, n};
    osh_l7_list_emit(&session->list, OSH_CLIENT_TO_SERVER, session->message, piece, n);
    client->n_sent += n;
    return WS_RETURN;
}
