/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending.c: the last words (RFC 6455 section 7). [shard]
 *
 * Both sides are told the same code, behind what was released to them and never inside a frame. The
 * client may then say Close and is otherwise not heard; what it still sends is dropped, or a reset
 * would overtake the words.
 */
#include "ws.h"

#include <string.h>

/* For the words to be read, and answered. */
#define LINGER (2 * G_TIME_SPAN_SECOND)

/* --- Words -------------------------------------------------------------------------------------
 */

/* Returns: bytes of @text, at most @size, that end between two characters. */
static gsize
cut_text(const char *text, gsize size)
{
    gsize n = strlen(text);

    if (n <= size)
        return n;
    for (n = size; n > 0 && ((guint8)text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

/* What the client is told, and where it can be looked up. Returns: bytes that were written. */
static gsize
write_reason(const WsEnding *ending, guint8 *to, gsize size)
{
    char event[40] = "";
    gsize length;

    if (ending->reason == NULL)
        return 0;
    if (ending->event != 0)
        g_snprintf(event, sizeof event, " (event e%" G_GUINT64_FORMAT ")", ending->event);
    length = cut_text(ending->reason, size - strlen(event));
    memcpy(to, ending->reason, length);
    memcpy(to + length, event, strlen(event));
    return length + strlen(event);
}

static void
write_close(WsSession *session, guint direction)
{
    WsEnding *ending = &session->ending;
    WsFrame frame = {.opcode = WS_CLOSE, .fin = TRUE, .masked = direction == OSH_CLIENT_TO_SERVER};
    guint8 payload[WS_CONTROL_MAX];
    gsize n = 2;
    guint header;

    payload[0] = (guint8)((guint)ending->code >> 8);
    payload[1] = (guint8)ending->code;
    if (direction == OSH_SERVER_TO_CLIENT)
        n += write_reason(ending, payload + n, sizeof payload - n);
    frame.length = n;
    if (frame.masked)
        session->plugin->fill_mask(frame.mask);
    header = ws_frame_write(ending->frames[direction], &frame);
    if (frame.masked)
        ws_mask(payload, payload, n, frame.mask, 0);
    memcpy(ending->frames[direction] + header, payload, n);
    ending->lengths[direction] = header + n;
}

static void
say_close(WsSession *session)
{
    WsEnding *ending = &session->ending;

    for (guint i = 0; i < 2; i++) {
        OshL7Piece *piece;

        if (!ending->due[i] || session->list.capacity[i] == 0 ||
            (i == OSH_SERVER_TO_CLIENT && ending->rest > 0))
            continue;
        if (ending->lengths[i] == 0)
            write_close(session, i);
        piece = ws_next_piece(session);
        piece->type = OSH_L7_PIECE_BYTES;
        piece->bytes = (OshSpan){(const char *)ending->frames[i], ending->lengths[i]};
        osh_l7_list_emit(&session->list, i, 0, piece, ending->lengths[i])->flags =
            i == OSH_CLIENT_TO_SERVER ? OSH_L7_FRAMING : 0;
        ending->due[i] = FALSE;
    }
}

/* --- Beginnings --------------------------------------------------------------------------------
 */

/* Of the client: its end has not been released. */
static gboolean
is_inside_frame(const WsSession *session)
{
    const WsClient *client = &session->client;

    return session->stage == WS_SENDING ? client->n_sent > 0 && client->n_sent < client->held->len
                                        : session->stage == WS_STREAMING && client->in_frame;
}

void
ws_end(WsSession *session, WsCloseCode code, const char *reason)
{
    WsReader *server = &session->readers[OSH_SERVER_TO_CLIENT];
    WsEnding *ending = &session->ending;
    gboolean is_inside = is_inside_frame(session);

    ending->code = code;
    ending->reason = reason;
    ending->due[OSH_CLIENT_TO_SERVER] =
        !is_inside && !session->readers[OSH_CLIENT_TO_SERVER].is_closed;
    ending->due[OSH_SERVER_TO_CLIENT] = !server->is_closed;
    ending->rest = session->server.in_frame && session->server.kept == 0 ? server->left : 0;
    session->stage = WS_CLOSING;
}

static WsStep
deny(WsSession *session, guint64 message, WsFault fault, guint32 flags)
{
    OshL7Action *action = osh_l7_list_add(&session->list, OSH_L7_DENY, message);

    action->flags = flags;
    action->u.deny.reason = fault.reason;
    action->u.deny.ret_event = &session->ending.event;
    action->u.deny.kind = fault.code == WS_CODE_TOO_LARGE || fault.code == WS_CODE_TRY_LATER
                              ? OSH_L7_DENY_LIMIT
                              : OSH_L7_DENY_FRAMING;
    action->u.deny.facts = (OshFacts){session->facts, session->n_facts};
    osh_l7_list_done(&session->list, message, 0, 0);
    return WS_RETURN;
}

WsStep
ws_fail_client(WsSession *session, WsFault fault, guint64 skip)
{
    guint64 message = session->message != 0 ? session->message : ++session->n_messages;

    ws_state_facts(session);
    ws_end(session, fault.code, fault.reason);
    ws_end_message(session);
    session->stage = WS_CLOSING;
    session->ending.skip = skip;
    return deny(session, message, fault, 0);
}

WsStep
ws_fail_server(WsSession *session, WsFault fault)
{
    gboolean is_inside = session->server.in_frame && session->server.kept == 0;

    guint64 message =
        session->server.message != 0 ? session->server.message : ++session->n_messages;

    session->n_facts = 0;
    session->server.message = 0;
    ws_end(session, fault.code, fault.reason);
    session->ending.rest = 0;
    if (is_inside)
        session->ending.due[OSH_SERVER_TO_CLIENT] = FALSE;
    return deny(session, message, fault, OSH_L7_FAILURE);
}

/* --- The end -----------------------------------------------------------------------------------
 */

/* Looks for the client's Close in what is dropped. Returns: bytes that are dropped. */
static gsize
hear_client(WsEnding *ending, OshSpan window)
{
    gsize at = 0;

    while (!ending->is_deaf && !ending->is_answered && window.length > 0) {
        gsize n = (gsize)MIN(ending->skip, window.length - at);
        OshSpan rest = {window.data + at + n, window.length - at - n};
        const char *words = NULL;
        WsFrame frame;

        at += n;
        ending->skip -= n;
        if (ending->skip > 0)
            break;
        ending->is_answered = ending->is_answering;
        if (ending->is_answered)
            break;
        switch (ws_frame_read(rest, TRUE, &frame, &words)) {
        case WS_FRAME_MORE:
            return at;
        case WS_FRAME_BROKEN:
            ending->is_deaf = TRUE;
            break;
        case WS_FRAME_READ:
        default:
            ending->is_answering = frame.opcode == WS_CLOSE;
            ending->skip = frame.header + frame.length;
        }
    }
    return ending->is_deaf ? window.length : at;
}

gsize
ws_feed_ending(WsSession *session)
{
    WsEnding *ending = &session->ending;
    OshL7List *list = &session->list;
    OshSpan window = osh_l7_list_window(list);
    gboolean is_client = list->input->direction == OSH_CLIENT_TO_SERVER;

    if (ending->until == 0)
        ending->until = list->input->now + LINGER;
    if (is_client) {
        osh_l7_list_drop(list, 0, hear_client(ending, window));
    } else {
        gsize rest = (gsize)MIN(ending->rest, window.length);

        osh_l7_list_pass(list, 0, rest);
        ending->rest -= rest;
        osh_l7_list_drop(list, 0, window.length - rest);
    }
    say_close(session);
    if ((ending->is_answered && !ending->due[0] && !ending->due[1]) ||
        list->input->now >= ending->until || (is_client && list->input->eof))
        return osh_l7_list_end(list);
    list->deadline = ending->until;
    return osh_l7_list_more(list);
}
