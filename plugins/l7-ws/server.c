/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c: frames of the server, checked and released. [shard]. A small frame is checked as a
 * whole; of a larger one that is text or compressed, each piece before it leaves.
 */
#include "ws.h"

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
    session->server_in_frame = TRUE;
    if (frame->length <= WS_UNIT - frame->header)
        session->server_kept = frame->header;
    else
        osh_l7_list_pass(&session->list, 0, frame->header);
    return WS_AGAIN;
}

static WsStep
read_payload(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    gsize header = session->server_kept;
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
    osh_l7_list_pass(&session->list, 0, header + n);
    session->server_kept = 0;
    session->server_in_frame = reader->left > 0;
    return WS_AGAIN;
}

static WsStep
read_server(WsSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    if (session->server_in_frame)
        return read_payload(session, window);
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
