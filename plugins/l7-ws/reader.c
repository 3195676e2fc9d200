/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.c: RFC 6455 sections 5.4 to 5.6 and 8.1, and RFC 7692 section 6, for one direction.
 * [shard]
 */
#include "reader.h"

static const WsFault no_fault;

static WsFault
fault(WsCloseCode code, const char *reason)
{
    return (WsFault){code, reason};
}

static guint64
limit_of(const WsReader *reader)
{
    return reader->opcode == WS_TEXT ? reader->limits.text : reader->limits.binary;
}

static WsFault
too_large(const WsReader *reader)
{
    return fault(WS_CODE_TOO_LARGE, reader->opcode == WS_TEXT
                                        ? "a text message is larger than the limit"
                                        : "a binary message is larger than the limit");
}

static void
begin_message(WsReader *reader)
{
    reader->opcode = reader->frame.opcode;
    reader->compressed = reader->frame.rsv1;
    reader->size = 0;
    reader->wire = 0;
    reader->n_frames = 0;
    reader->utf8 = (WsUtf8){0};
}

/* RFC 6455 section 5.4, and RFC 7692 section 6.1 for RSV1. */
static WsFault
check_order(const WsReader *reader)
{
    const WsFrame *frame = &reader->frame;

    if (reader->is_closed)
        return fault(WS_CODE_PROTOCOL, "a frame follows a Close frame");
    if (ws_frame_is_control(frame))
        return no_fault;
    if (frame->opcode == WS_CONTINUATION && reader->opcode == 0)
        return fault(WS_CODE_PROTOCOL, "a continuation frame continues no message");
    if (frame->opcode != WS_CONTINUATION && reader->opcode != 0)
        return fault(WS_CODE_PROTOCOL, "a message begins inside another one");
    if (frame->rsv1 && (frame->opcode == WS_CONTINUATION || !reader->agreed.is_on))
        return fault(WS_CODE_PROTOCOL, frame->opcode == WS_CONTINUATION
                                           ? "a continuation frame has RSV1 set"
                                           : "a frame is compressed and that was not agreed to");
    return no_fault;
}

WsFault
ws_reader_take_frame(WsReader *reader)
{
    const WsFrame *frame = &reader->frame;
    WsFault found = check_order(reader);
    guint64 limit;

    if (found.code != WS_CODE_NONE)
        return found;
    reader->left = frame->length;
    if (ws_frame_is_control(frame))
        return no_fault;
    if (frame->opcode != WS_CONTINUATION)
        begin_message(reader);
    limit = limit_of(reader);
    if (limit != 0 && frame->length > limit - MIN(reader->wire, limit))
        return too_large(reader);
    reader->wire += frame->length;
    reader->n_frames++;
    if (reader->limits.frames != 0 && reader->n_frames > reader->limits.frames)
        return fault(WS_CODE_TOO_LARGE, "a message has more frames than the limit");
    return no_fault;
}

/* The text of a message, as the one who gets it will read it. */
static WsFault
take_text(WsReader *reader, const guint8 *bytes, gsize length)
{
    guint64 limit = limit_of(reader);

    reader->size += length;
    if (limit != 0 && reader->size > limit)
        return too_large(reader);
    if (reader->opcode == WS_TEXT && !ws_utf8_feed(&reader->utf8, bytes, length))
        return fault(WS_CODE_NOT_UTF8, "a text message is not UTF-8");
    return no_fault;
}

static gboolean
take_inflated(gpointer data, const guint8 *bytes, gsize length)
{
    WsReader *reader = data;

    reader->fault = take_text(reader, bytes, length);
    return reader->fault.code == WS_CODE_NONE &&
           (reader->sink == NULL || reader->sink(reader->sink_data, bytes, length));
}

static WsFault
inflated(const WsReader *reader, WsInflated result)
{
    switch (result) {
    case WS_INFLATED:
        return no_fault;
    case WS_INFLATED_STOPPED:
        return reader->fault.code != WS_CODE_NONE
                   ? reader->fault
                   : fault(WS_CODE_TRY_LATER, "too many bytes of messages are being held");
    case WS_INFLATED_BROKEN:
    default:
        return fault(WS_CODE_NOT_UTF8, "a compressed message cannot be inflated");
    }
}

WsFault
ws_reader_take_payload(WsReader *reader, const guint8 *bytes, gsize length)
{
    reader->left -= length;
    reader->fault = no_fault;
    if (!reader->compressed)
        return take_text(reader, bytes, length);
    return inflated(reader, ws_inflate_feed(&reader->inflater, &reader->agreed, bytes, length,
                                            take_inflated, reader));
}

gboolean
ws_close_code_is_valid(guint code)
{
    if (code >= 3000)
        return code <= 4999;
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

/* RFC 6455 section 5.5.1. */
static WsFault
check_close(const guint8 *bytes, gsize length)
{
    WsUtf8 utf8 = {0};

    if (length == 0)
        return no_fault;
    if (length == 1)
        return fault(WS_CODE_PROTOCOL, "a Close frame has half a code");
    if (!ws_close_code_is_valid((guint)bytes[0] << 8 | bytes[1]))
        return fault(WS_CODE_PROTOCOL, "a Close frame has a code that may not be sent");
    if (!ws_utf8_feed(&utf8, bytes + 2, length - 2) || !ws_utf8_is_complete(&utf8))
        return fault(WS_CODE_NOT_UTF8, "the reason of a Close frame is not UTF-8");
    return no_fault;
}

WsFault
ws_reader_take_control(WsReader *reader, const guint8 *bytes, gsize length)
{
    WsFault found = no_fault;

    reader->left = 0;
    if (reader->frame.opcode != WS_CLOSE)
        return no_fault;
    found = check_close(bytes, length);
    reader->is_closed = found.code == WS_CODE_NONE;
    return found;
}

WsFault
ws_reader_end_frame(WsReader *reader, gboolean *ret_ends)
{
    WsFault found = no_fault;

    *ret_ends = reader->frame.fin;
    if (!reader->frame.fin)
        return no_fault;
    reader->fault = no_fault;
    if (reader->compressed)
        found = inflated(reader,
                         ws_inflate_end(&reader->inflater, &reader->agreed, take_inflated, reader));
    if (found.code == WS_CODE_NONE && reader->opcode == WS_TEXT &&
        !ws_utf8_is_complete(&reader->utf8))
        found = fault(WS_CODE_NOT_UTF8, "a text message ends inside a character");
    reader->opcode = 0;
    return found;
}

void
ws_reader_clear(WsReader *reader)
{
    ws_inflate_clear(&reader->inflater);
}
