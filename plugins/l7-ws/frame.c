/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c: the header of a frame, bit by bit (RFC 6455 section 5.2). [any] */
#include "frame.h"

#include <string.h>

#define FIN  0x80
#define RSV1 0x40
#define RSV  0x30
#define MASK 0x80

static const char *
fault_of_first_byte(const WsFrame *frame, guint8 first)
{
    if ((first & RSV) != 0)
        return "a frame has RSV2 or RSV3 set";
    if (frame->opcode > WS_PONG || (frame->opcode > WS_BINARY && frame->opcode < WS_CLOSE))
        return "a frame has a reserved opcode";
    if (ws_frame_is_control(frame) && !frame->fin)
        return "a control frame is fragmented";
    if (ws_frame_is_control(frame) && frame->rsv1)
        return "a control frame has RSV1 set";
    return NULL;
}

static const char *
fault_of_second_byte(const WsFrame *frame, guint8 second, gboolean masked)
{
    if (frame->masked != masked)
        return masked ? "a frame of the client is not masked" : "a frame of the server is masked";
    if (ws_frame_is_control(frame) && (second & ~MASK) > WS_CONTROL_MAX)
        return "a control frame is longer than 125 bytes";
    return NULL;
}

/* Returns: FALSE where a shorter form would do, or the top bit is set. */
static gboolean
read_length(WsFrame *frame, const guint8 *bytes, guint n_bytes)
{
    frame->length = 0;
    for (guint i = 0; i < n_bytes; i++)
        frame->length = frame->length << 8 | bytes[i];
    return n_bytes == 2 ? frame->length > WS_CONTROL_MAX
                        : frame->length > G_MAXUINT16 && frame->length <= G_MAXINT64;
}

static WsFrameStatus
broken(const char *fault, const char **ret_fault)
{
    *ret_fault = fault;
    return WS_FRAME_BROKEN;
}

WsFrameStatus
ws_frame_read(OshSpan window, gboolean masked, WsFrame *frame, const char **ret_fault)
{
    const guint8 *bytes = (const guint8 *)window.data;
    const char *fault;
    guint n_length = 0;
    guint8 small;

    if (window.length < 1)
        return WS_FRAME_MORE;
    frame->opcode = bytes[0] & 0x0f;
    frame->fin = (bytes[0] & FIN) != 0;
    frame->rsv1 = (bytes[0] & RSV1) != 0;
    fault = fault_of_first_byte(frame, bytes[0]);
    if (fault != NULL)
        return broken(fault, ret_fault);
    if (window.length < 2)
        return WS_FRAME_MORE;
    frame->masked = (bytes[1] & MASK) != 0;
    fault = fault_of_second_byte(frame, bytes[1], masked);
    if (fault != NULL)
        return broken(fault, ret_fault);
    small = bytes[1] & (guint8)~MASK;
    frame->length = small;
    if (small > WS_CONTROL_MAX)
        n_length = small == 126 ? 2 : 8;
    if (window.length < 2 + n_length)
        return WS_FRAME_MORE;
    if (n_length > 0 && !read_length(frame, bytes + 2, n_length))
        return broken("a frame states its length in a longer form than needed", ret_fault);
    frame->header = 2 + n_length + (masked ? 4 : 0);
    if (window.length < frame->header)
        return WS_FRAME_MORE;
    if (masked)
        memcpy(frame->mask, bytes + 2 + n_length, sizeof frame->mask);
    return WS_FRAME_READ;
}

guint
ws_frame_write(guint8 header[WS_HEADER_MAX], const WsFrame *frame)
{
    guint n_length = frame->length <= WS_CONTROL_MAX ? 0 : frame->length <= G_MAXUINT16 ? 2 : 8;
    guint n = 2;

    header[0] =
        (guint8)((frame->fin ? FIN : 0) | (frame->rsv1 ? RSV1 : 0) | (frame->opcode & 0x0f));
    header[1] = n_length == 0 ? (guint8)frame->length : n_length == 2 ? 126 : 127;
    for (guint i = n_length; i > 0; i--)
        header[n++] = (guint8)(frame->length >> 8 * (i - 1));
    if (frame->masked) {
        header[1] |= MASK;
        memcpy(header + n, frame->mask, sizeof frame->mask);
        n += sizeof frame->mask;
    }
    return n;
}

void
ws_mask(guint8 *to, const guint8 *from, gsize length, const guint8 mask[4], guint64 phase)
{
    guint8 key[8];
    guint64 wide;
    gsize i = 0;

    for (guint k = 0; k < sizeof key; k++)
        key[k] = mask[(phase + k) % 4];
    memcpy(&wide, key, sizeof wide);
    for (; length - i >= sizeof wide; i += sizeof wide) {
        guint64 word;

        memcpy(&word, from + i, sizeof word);
        word ^= wide;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < length; i++)
        to[i] = from[i] ^ key[i % 8];
}
