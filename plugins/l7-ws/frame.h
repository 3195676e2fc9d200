/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h: one frame of a WebSocket: its header read and written, its payload masked. [any]
 *
 * Sans-I/O and without allocation. The reader is strict: what two readers could understand in two
 * ways is refused (RFC 6455 section 5.2).
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/** WS_HEADER_MAX: bytes of the longest header: two, a length of eight, a key of four. */
#define WS_HEADER_MAX 14
/** WS_CONTROL_MAX: bytes of the payload of a control frame (RFC 6455 section 5.5). */
#define WS_CONTROL_MAX 125

/** WsOpcode: RFC 6455 section 5.2; every other one is refused. */
typedef enum {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
} WsOpcode;

/**
 * WsFrame: a header that was read.
 * @opcode: a #WsOpcode
 * @fin: it ends its message
 * @rsv1: RSV1 is set, which an extension has to explain
 * @masked: its payload is masked by @mask
 * @header: bytes of the header
 * @length: bytes of the payload
 */
typedef struct {
    guint8 opcode;
    gboolean fin;
    gboolean rsv1;
    gboolean masked;
    guint8 mask[4];
    guint header;
    guint64 length;
} WsFrame;

/** WsFrameStatus: what ws_frame_read() found. */
typedef enum {
    WS_FRAME_MORE,
    WS_FRAME_READ,
    WS_FRAME_BROKEN,
} WsFrameStatus;

/**
 * ws_frame_read:
 * @window: begins with the header
 * @masked: whether the sender has to mask, which a client has to and a server must not
 * @ret_fault: (out): of %WS_FRAME_BROKEN, constant words; untouched otherwise
 *
 * A fault is found with the byte that shows it. @frame is complete with %WS_FRAME_READ only.
 */
WsFrameStatus ws_frame_read(OshSpan window, gboolean masked, WsFrame *frame,
                            const char **ret_fault);

/** ws_frame_is_control: Returns: whether it is a Close, a Ping or a Pong. */
static inline gboolean
ws_frame_is_control(const WsFrame *frame)
{
    return (frame->opcode & 8) != 0;
}

/** ws_frame_write: @header: gets the bytes; the rest as in #WsFrame, whose @header is not read.
 * Returns: how many bytes were written. */
guint ws_frame_write(guint8 header[WS_HEADER_MAX], const WsFrame *frame);

/** ws_mask: masks or unmasks @length bytes; @phase: which byte of @mask meets the first of them.
 * @to and @from may be the same. */
void ws_mask(guint8 *to, const guint8 *from, gsize length, const guint8 mask[4], guint64 phase);

G_END_DECLS
