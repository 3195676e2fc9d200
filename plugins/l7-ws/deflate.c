/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deflate.c: zlib behind permessage-deflate (RFC 7692 section 7.2). [shard]. It hands on what it
 * inflates in steps, so that the limit of a message stops a bomb before it is memory.
 */
#include "deflate.h"

#include <string.h>

/* The end of a block of no bytes, which the sender leaves out (RFC 7692 section 7.2.1). */
static const guint8 tail[] = {0x00, 0x00, 0xff, 0xff};
#define TAIL 0x0000ffffu

/* --- Inflate -----------------------------------------------------------------------------------
 */

static gboolean
inflate_open(WsInflater *inflater, const WsDeflateAgreed *agreed)
{
    /* Some senders that agreed to 256 bytes use 512: zlib does. */
    gint bits = (gint)CLAMP(agreed->window_bits, 9, WS_WINDOW_BITS);

    if (inflater->out != NULL)
        return TRUE;
    if (inflateInit2(&inflater->stream, -bits) != Z_OK)
        return FALSE;
    inflater->last = G_MAXUINT32;
    inflater->out = g_malloc(WS_UNIT);
    return TRUE;
}

/* Another block may follow one that said to be the last (RFC 7692 section 7.2.3.4), and may refer
 * to what was there before it. */
static gboolean
inflate_reopen(WsInflater *inflater)
{
    guint8 window[1 << WS_WINDOW_BITS];
    uInt length = 0;

    if (inflateGetDictionary(&inflater->stream, window, &length) != Z_OK ||
        inflateReset(&inflater->stream) != Z_OK)
        return FALSE;
    return length == 0 || inflateSetDictionary(&inflater->stream, window, length) == Z_OK;
}

static WsInflated
inflate_run(WsInflater *inflater, gint flush, WsInflateSink sink, gpointer data)
{
    z_stream *stream = &inflater->stream;

    do {
        gint status;
        gsize n;

        if (inflater->ended && !inflate_reopen(inflater))
            return WS_INFLATED_BROKEN;
        inflater->ended = FALSE;
        stream->next_out = inflater->out;
        stream->avail_out = WS_UNIT;
        status = inflate(stream, flush);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return WS_INFLATED_BROKEN;
        inflater->ended = status == Z_STREAM_END;
        n = WS_UNIT - stream->avail_out;
        if (n > 0 && !sink(data, inflater->out, n))
            return WS_INFLATED_STOPPED;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return WS_INFLATED;
}

WsInflated
ws_inflate_feed(WsInflater *inflater, const WsDeflateAgreed *agreed, const guint8 *bytes,
                gsize length, WsInflateSink sink, gpointer data)
{
    if (!inflate_open(inflater, agreed))
        return WS_INFLATED_BROKEN;
    if (length == 0)
        return WS_INFLATED;
    for (gsize i = length - MIN(length, sizeof tail); i < length; i++)
        inflater->last = inflater->last << 8 | bytes[i];
    inflater->stream.next_in = bytes;
    inflater->stream.avail_in = (uInt)length;
    return inflate_run(inflater, Z_SYNC_FLUSH, sink, data);
}

/* A sender may keep the tail, which is one block more. Where the window goes on, what follows would
 * then be read in two ways. */
static gboolean
has_kept_tail(const WsInflater *inflater, const WsDeflateAgreed *agreed)
{
    return agreed->resets && inflater->last == TAIL;
}

WsInflated
ws_inflate_end(WsInflater *inflater, const WsDeflateAgreed *agreed, WsInflateSink sink,
               gpointer data)
{
    WsInflated result = WS_INFLATED;

    if (!inflate_open(inflater, agreed))
        return WS_INFLATED_BROKEN;
    if (!inflater->ended && !has_kept_tail(inflater, agreed)) {
        inflater->stream.next_in = tail;
        inflater->stream.avail_in = sizeof tail;
        result = inflate_run(inflater, Z_BLOCK, sink, data);
        /* zlib's way to say that it stands between two blocks. */
        if (result == WS_INFLATED && !inflater->ended && (inflater->stream.data_type & 128) == 0)
            result = WS_INFLATED_BROKEN;
    }
    inflater->last = G_MAXUINT32;
    if (result == WS_INFLATED && agreed->resets) {
        inflater->ended = FALSE;
        if (inflateReset(&inflater->stream) != Z_OK)
            result = WS_INFLATED_BROKEN;
    }
    return result;
}

void
ws_inflate_clear(WsInflater *inflater)
{
    if (inflater->out != NULL)
        inflateEnd(&inflater->stream);
    g_clear_pointer(&inflater->out, g_free);
}

/* --- Deflate -----------------------------------------------------------------------------------
 */

static gboolean
deflate_open(WsDeflater *deflater, const WsDeflateAgreed *agreed)
{
    if (deflater->is_open)
        return TRUE;
    /* zlib has no window of 256 bytes. */
    if (!agreed->is_on || agreed->window_bits < 9)
        return FALSE;
    deflater->is_open = deflateInit2(&deflater->stream, Z_BEST_SPEED, Z_DEFLATED,
                                     -(gint)agreed->window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return deflater->is_open;
}

gboolean
ws_deflate_message(WsDeflater *deflater, const WsDeflateAgreed *agreed, const GByteArray *text,
                   GByteArray *to)
{
    guint before = to->len;
    z_stream *stream = &deflater->stream;

    if (text->len == 0 || !deflate_open(deflater, agreed))
        return FALSE;
    stream->next_in = text->data;
    stream->avail_in = text->len;
    do {
        guint n = to->len;

        g_byte_array_set_size(to, n + WS_UNIT);
        stream->next_out = to->data + n;
        stream->avail_out = WS_UNIT;
        (void)deflate(stream, agreed->resets ? Z_FULL_FLUSH : Z_SYNC_FLUSH);
        g_byte_array_set_size(to, n + WS_UNIT - stream->avail_out);
    } while (stream->avail_out == 0);
    if (to->len < before + sizeof tail ||
        memcmp(to->data + to->len - sizeof tail, tail, sizeof tail) != 0) {
        g_byte_array_set_size(to, before);
        return FALSE;
    }
    g_byte_array_set_size(to, to->len - (guint)sizeof tail);
    return TRUE;
}

void
ws_deflate_clear(WsDeflater *deflater)
{
    if (deflater->is_open)
        deflateEnd(&deflater->stream);
    deflater->is_open = FALSE;
}
