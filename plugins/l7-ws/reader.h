/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h: the frames of one direction put together: their order, their limits, their text.
 * [shard]
 *
 * A reader is told of each frame and of each piece of its payload, unmasked, and says what is wrong
 * as soon as it is. It keeps no payload: what is inflated is handed on to its sink.
 */
#pragma once

#include "deflate.h"
#include "frame.h"
#include "utf8.h"

G_BEGIN_DECLS

/** WsCloseCode: RFC 6455 section 7.4.1 and the registry that it opens. */
typedef enum {
    WS_CODE_NONE = 0,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NOT_UTF8 = 1007,
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_LARGE = 1009,
    WS_CODE_RESTART = 1012,
    WS_CODE_TRY_LATER = 1013,
} WsCloseCode;

/**
 * WsFault: why a direction cannot go on.
 * @code: what both sides are told; %WS_CODE_NONE where nothing is wrong
 * @reason: (nullable): constant words
 */
typedef struct {
    WsCloseCode code;
    const char *reason;
} WsFault;

/**
 * WsMessageLimits:
 * @text: bytes of a text, as sent and inflated; 0 for no limit
 * @binary: likewise, of a binary message
 * @frames: of a message; 0 for no limit
 */
typedef struct {
    guint64 text;
    guint64 binary;
    guint frames;
} WsMessageLimits;

/**
 * WsReader:
 * @from_client: its frames are masked
 * @agreed: permessage-deflate of this direction
 * @limits: of its messages
 * @sink: (nullable): gets the bytes of messages that are compressed, inflated
 * @sink_data: for @sink
 * @frame: that is read
 * @left: bytes of its payload that were not read
 * @opcode: of the message that is open; 0 for none
 * @compressed: the message is
 * @size: bytes of its text so far, inflated
 * @is_closed: a Close was read; nothing may follow
 *
 * Fill in the first five; read the others.
 */
typedef struct {
    gboolean from_client;
    WsDeflateAgreed agreed;
    WsMessageLimits limits;
    WsInflateSink sink;
    gpointer sink_data;
    WsFrame frame;
    guint64 left;
    guint8 opcode;
    gboolean compressed;
    guint64 size;
    gboolean is_closed;
    /*< private >*/
    guint64 wire;
    guint n_frames;
    WsUtf8 utf8;
    WsInflater inflater;
    WsFault fault;
} WsReader;

/** ws_reader_take_frame: @frame was read into WsReader.frame. Its payload is awaited then, also
 * where it has none. */
WsFault ws_reader_take_frame(WsReader *reader);

/** ws_reader_take_payload: the next bytes of a data frame, unmasked, at most WsReader.left. */
WsFault ws_reader_take_payload(WsReader *reader, const guint8 *bytes, gsize length);

/** ws_reader_take_control: the whole payload of a control frame, unmasked. */
WsFault ws_reader_take_control(WsReader *reader, const guint8 *bytes, gsize length);

/** ws_reader_end_frame: all of a data frame was read. @ret_ends: (out): it ends its message. */
WsFault ws_reader_end_frame(WsReader *reader, gboolean *ret_ends);

/** ws_reader_clear: frees what it took. */
void ws_reader_clear(WsReader *reader);

/** ws_close_code_is_valid: Returns: whether a peer may state it in a Close (RFC 6455 section
 * 7.4). */
gboolean ws_close_code_is_valid(guint code);

G_END_DECLS
