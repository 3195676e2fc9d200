/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c: frames of the client, up to the question about their message. [shard]
 *
 * What is released or dropped is decided by what a frame says of itself and never by how much of it
 * has come, so that the same bytes lead to the same end however they are split.
 */
#include "ws.h"

static const WsFault taking_too_long = {WS_CODE_PROTOCOL, "a message took too long to arrive"};
static const WsFault after_close = {WS_CODE_PROTOCOL, "a frame follows a Close frame"};
static const WsFault no_binary = {WS_CODE_POLICY, "binary messages are refused"};
static const WsFault held_too_much = {WS_CODE_TRY_LATER,
                                      "too many bytes of messages are being held"};

static WsReader *
reader_of(WsSession *session)
{
    return &session->readers[OSH_CLIENT_TO_SERVER];
}

/* Its bytes are kept back until it is judged. */
static gboolean
is_held(const WsSession *session)
{
    return session->client.opcode == WS_TEXT || (session->client.compressed && session->diverged);
}

/* --- Control frames ----------------------------------------------------------------------------
 */

static WsStep
read_control(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    const WsFrame *frame = &reader->frame;
    gsize size = frame->header + (gsize)frame->length;
    guint8 payload[WS_CONTROL_MAX];
    WsFault fault;

    if (window.length < size)
        return WS_MORE;
    ws_mask(payload, (const guint8 *)window.data + frame->header, (gsize)frame->length, frame->mask,
            0);
    fault = ws_reader_take_control(reader, payload, (gsize)frame->length);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_client(session, fault, size);
    osh_l7_list_pass_framing(&session->list, size);
    /* A text that was not complete is never going to be. */
    if (reader->is_closed && session->stage == WS_READING)
        ws_end_message(session);
    return WS_AGAIN;
}

/* --- Data frames -------------------------------------------------------------------------------
 */

/* Unmasks payload that stands at @bytes. Returns: (transfer none): where it is then. */
static const guint8 *
unmask(WsSession *session, const guint8 *bytes, gsize length)
{
    const WsReader *reader = reader_of(session);
    WsClient *client = &session->client;
    guint64 phase = reader->frame.length - reader->left;
    guint before = client->text->len;
    guint8 *to;

    if (length == 0)
        return bytes;
    if (client->compressed || !is_held(session)) {
        if (session->scratch == NULL)
            session->scratch = g_malloc(WS_UNIT);
        to = session->scratch;
    } else {
        g_byte_array_set_size(client->text, before + (guint)length);
        to = client->text->data + before;
    }
    ws_mask(to, bytes, length, reader->frame.mask, phase);
    return to;
}

static WsFault
take_payload(WsSession *session, const guint8 *bytes, gsize length)
{
    return ws_reader_take_payload(reader_of(session), unmask(session, bytes, length), length);
}

/* All of a frame was read. */
static WsStep
end_frame(WsSession *session)
{
    gboolean ends = FALSE;
    WsFault fault = ws_reader_end_frame(reader_of(session), &ends);

    session->client.in_frame = FALSE;
    if (fault.code != WS_CODE_NONE)
        return ws_fail_client(session, fault, session->client.direct);
    if (!ends)
        return WS_AGAIN;
    if (session->stage == WS_STREAMING) {
        osh_l7_list_done(&session->list, session->message, 0, 0);
        ws_end_message(session);
        return WS_AGAIN;
    }
    return ws_ask(session);
}

/* A text that is one small frame stays in the window. */
static WsStep
read_kept(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    WsClient *client = &session->client;
    WsFault fault;

    if (window.length < client->kept)
        return WS_MORE;
    fault = take_payload(session, (const guint8 *)window.data + reader->frame.header,
                         (gsize)reader->frame.length);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_client(session, fault, client->kept);
    client->direct = client->kept;
    client->kept = 0;
    return end_frame(session);
}

static WsStep
read_held(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    WsClient *client = &session->client;
    gsize n = (gsize)MIN(reader->left, WS_UNIT);
    WsFault fault;

    if (window.length < n)
        return WS_MORE;
    if (n > 0) {
        g_byte_array_append(client->held, (const guint8 *)window.data, (guint)n);
        fault = take_payload(session, (const guint8 *)window.data, n);
        if (fault.code == WS_CODE_NONE && !ws_hold(session))
            fault = held_too_much;
        if (fault.code != WS_CODE_NONE)
            return ws_fail_client(session, fault, reader->left + n);
        osh_l7_list_drop(&session->list, 0, n);
        client->progressed = session->list.input->now;
    }
    return reader->left == 0 ? end_frame(session) : WS_AGAIN;
}

static WsStep
read_streamed(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    gsize n = (gsize)MIN(reader->left, session->client.compressed ? WS_UNIT : window.length);
    WsFault fault;

    if (window.length < n || (n == 0 && reader->left > 0))
        return WS_MORE;
    if (session->client.compressed)
        fault = take_payload(session, (const guint8 *)window.data, n);
    else
        fault = ws_reader_take_payload(reader, (const guint8 *)window.data, n);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_client(session, fault, reader->left + n);
    osh_l7_list_pass(&session->list, session->message, n);
    return reader->left == 0 ? end_frame(session) : WS_AGAIN;
}

static WsStep
read_payload(WsSession *session, OshSpan window)
{
    if (session->client.kept > 0)
        return read_kept(session, window);
    return is_held(session) ? read_held(session, window) : read_streamed(session, window);
}

/* --- Headers -----------------------------------------------------------------------------------
 */

static WsStep
begin_binary(WsSession *session)
{
    const WsFrame *frame = &reader_of(session)->frame;

    /* Its header stays in the window until the answer is there. */
    session->client.in_frame = FALSE;
    if (session->plugin->limits.binary == WS_BINARY_REFUSED)
        return ws_fail_client(session, no_binary, frame->header + frame->length);
    return ws_ask(session);
}

static WsStep
begin_frame(WsSession *session, OshSpan window)
{
    const WsReader *reader = reader_of(session);
    const WsFrame *frame = &reader->frame;
    WsClient *client = &session->client;

    client->in_frame = TRUE;
    client->progressed = session->list.input->now;
    if (frame->opcode != WS_CONTINUATION) {
        client->opcode = frame->opcode;
        client->compressed = frame->rsv1;
    }
    if (is_held(session)) {
        if (frame->opcode != WS_CONTINUATION && frame->fin &&
            frame->length <= WS_UNIT - frame->header) {
            client->kept = frame->header + (gsize)frame->length;
            return WS_AGAIN;
        }
        g_byte_array_append(client->held, (const guint8 *)window.data, frame->header);
        osh_l7_list_drop(&session->list, 0, frame->header);
        return WS_AGAIN;
    }
    if (session->stage == WS_READING)
        return begin_binary(session);
    osh_l7_list_pass(&session->list, session->message, frame->header);
    return WS_AGAIN;
}

static WsStep
read_header(WsSession *session, OshSpan window)
{
    WsReader *reader = reader_of(session);
    const char *words = NULL;
    WsFault fault;

    switch (ws_frame_read(window, TRUE, &reader->frame, &words)) {
    case WS_FRAME_MORE:
        return WS_MORE;
    case WS_FRAME_BROKEN:
        session->ending.is_deaf = TRUE;
        return ws_fail_client(session, (WsFault){WS_CODE_PROTOCOL, words}, 0);
    case WS_FRAME_READ:
    default:
        break;
    }
    fault = ws_reader_take_frame(reader);
    if (fault.code != WS_CODE_NONE)
        return ws_fail_client(session, fault, reader->frame.header + reader->frame.length);
    if (ws_frame_is_control(&reader->frame))
        return read_control(session, window);
    return begin_frame(session, window);
}

WsStep
ws_read_client(WsSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    if (session->expired)
        return ws_fail_client(session, taking_too_long,
                              session->client.kept > 0 ? session->client.kept
                                                       : reader_of(session)->left);
    if (session->client.in_frame)
        return read_payload(session, window);
    if (window.length == 0)
        return WS_MORE;
    if (reader_of(session)->is_closed) {
        session->ending.is_deaf = TRUE;
        return ws_fail_client(session, after_close, 0);
    }
    return read_header(session, window);
}
