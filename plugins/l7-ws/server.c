/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c: frames of the server, checked, asked about and released. [shard]. A message is asked
 * about when it begins. A small frame is checked as a whole, of a larger one each piece before it
 * leaves.
 */
#include "ws.h"

#define METHOD_TEXT   "WEBSOCKET_SERVER_TEXT"
#define METHOD_BINARY "WEBSOCKET_SERVER_BINARY"

static WsReader *
reader_of(WsSession *session)
{
    return &session->readers[OSH_SERVER_TO_CLIENT];
}

static WsStep
read_control(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    gsize size = reader->frame.header + (gsize)reader->frame.length;
    WsFault fault;

    if (window.length < size)
        return WS_MORE;
    fault = ws_reader_take_control(reader, (const guint8 *)window.data + reader->frame.header,
                                   (gsize)reader->frame.length);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_server(session, fault);
    osh_l7_list_pass(&session->list, 0, size);
    return WS_AGAIN;
}

/* --- The question ------------------------------------------------------------------------------
 */

static WsStep
ask(WsSession *session)
{
    WsServer *server = &session->server;
    gboolean is_binary = reader_of(session)->opcode == WS_BINARY;
    guint n = ws_facts(session, is_binary ? METHOD_BINARY : METHOD_TEXT, is_binary, server->facts);

    server->message = ++session->n_messages;
    server->is_asked = TRUE;
    osh_l7_list_ask(&session->list, server->message, server->facts, n);
    return WS_RETURN;
}

void
ws_take_server_answer(WsSession *session, const OshL7Answer *answer)
{
    WsServer *server = &session->server;

    server->is_asked = FALSE;
    server->is_answered = TRUE;
    server->is_allowed = answer->action == OSH_ACTION_ALLOW;
    if (server->is_allowed)
        return;
    server->code = ws_code_of(answer);
    server->event = answer->event;
    g_string_assign(server->reason, answer->reason != NULL ? answer->reason : "refused");
}

static WsStep
begin_frame(WsSession *session)
{
    WsServer *server = &session->server;
    const WsFrame *frame = &reader_of(session)->frame;

    server->in_frame = TRUE;
    if (frame->length <= WS_UNIT - frame->header)
        server->kept = frame->header;
    else
        osh_l7_list_pass(&session->list, server->message, frame->header);
    return WS_AGAIN;
}

/* The header of its first frame is still in the window. */
static WsStep
carry_answer(WsSession *session)
{
    WsServer *server = &session->server;

    server->is_answered = FALSE;
    if (server->is_allowed)
        return begin_frame(session);
    osh_l7_list_done(&session->list, server->message, 0, 0);
    server->message = 0;
    session->ending.event = server->event;
    ws_end(session, server->code, server->reason->str);
    return WS_RETURN;
}

/* --- Frames ------------------------------------------------------------------------------------
 */

static WsStep
read_header(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    const WsFrame *frame = &reader->frame;
    const char *words = NULL;
    WsFault fault;

    switch (ws_frame_read(window, FALSE, &reader->frame, &words)) {
    case WS_FRAME_MORE:
        return WS_MORE;
    case WS_FRAME_BROKEN:
        return ws_fail_server(session, (WsFault){WS_CODE_PROTOCOL, words});
    case WS_FRAME_READ:
    default:
        break;
    }
    fault = ws_reader_take_frame(reader);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_server(session, fault);
    if (ws_frame_is_control(frame))
        return read_control(session, window);
    if (frame->opcode != WS_CONTINUATION)
        return ask(session);
    return begin_frame(session);
}

static WsStep
read_payload(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    WsServer *server = &session->server;
    gsize header = server->kept;
    gsize n = (gsize)MIN(reader->left, WS_UNIT);
    gboolean ends = FALSE;
    WsFault fault;

    if (window.length < header + n)
        return WS_MORE;
    fault = ws_reader_take_payload(reader, (const guint8 *)window.data + header, n);
    if (fault.code == WS_CODE_NONE && reader->left == 0)
        fault = ws_reader_end_frame(reader, &ends);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_server(session, fault);
    osh_l7_list_pass(&session->list, server->message, header + n);
    server->kept = 0;
    server->in_frame = reader->left > 0;
    if (ends) {
        osh_l7_list_done(&session->list, server->message, 0, 0);
        server->message = 0;
    }
    return WS_AGAIN;
}

static WsStep
read_server(WsSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    if (session->server.is_asked)
        return WS_RETURN;
    if (session->server.in_frame)
        return read_payload(session, window);
    if (session->server.is_answered)
        return carry_answer(session);
    if (window.length == 0)
        return WS_MORE;
    if (reader_of(session)->is_closed)
        return ws_fail_server(session,
                              (WsFault){WS_CODE_PROTOCOL, "a frame follows a Close frame"});
    return read_header(session, window);
}

gsize
ws_feed_server(WsSession *session)
{
    WsStep step = WS_AGAIN;

    while (step == WS_AGAIN && osh_l7_list_has_space(&session->list, WS_STEP_ACTIONS))
        step = read_server(session);
    return step == WS_MORE ? osh_l7_list_more(&session->list) : session->list.n;
}
