/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deflate.h: permessage-deflate (RFC 7692), both contexts of one direction. [shard]
 *
 * The inflater follows what the sender compressed; its window slides from message to message where
 * the two peers agreed to that. The deflater is there for messages that leave otherwise than they
 * came: from then on the receiver has not seen what the sender refers to. Memory is taken with the
 * first compressed message.
 */
#pragma once

#include <glib.h>

#define ZLIB_CONST
#include <zlib.h>

G_BEGIN_DECLS

/** WS_UNIT: bytes that are inflated, checked or released in one step. */
#define WS_UNIT 16384
/** WS_WINDOW_BITS: base two logarithm of the largest window. */
#define WS_WINDOW_BITS 15

/**
 * WsDeflateAgreed: what was agreed for one direction.
 * @is_on: the extension is in use
 * @resets: no context takeover: the window is empty at the start of each message
 * @window_bits: 8 to 15
 */
typedef struct {
    gboolean is_on;
    gboolean resets;
    guint window_bits;
} WsDeflateAgreed;

/** WsInflated: what a call has led to. */
typedef enum {
    WS_INFLATED,
    WS_INFLATED_STOPPED, /* the sink returned FALSE */
    WS_INFLATED_BROKEN,
} WsInflated;

/** WsInflateSink: takes inflated bytes, at most %WS_UNIT. Returns: FALSE to stop. */
typedef gboolean (*WsInflateSink)(gpointer data, const guint8 *bytes, gsize length);

/** WsInflater: all zeroes before its first use; the members are its own. */
typedef struct {
    z_stream stream;
    guint8 *out;
    gboolean ended;
    guint32 last;
} WsInflater;

/** ws_inflate_feed: the next bytes of a message; @agreed: the same in each call. */
WsInflated ws_inflate_feed(WsInflater *inflater, const WsDeflateAgreed *agreed, const guint8 *bytes,
                           gsize length, WsInflateSink sink, gpointer data);

/** ws_inflate_end: the message has ended. Returns: %WS_INFLATED_BROKEN where it was cut short. */
WsInflated ws_inflate_end(WsInflater *inflater, const WsDeflateAgreed *agreed, WsInflateSink sink,
                          gpointer data);

/** ws_inflate_clear: frees it. */
void ws_inflate_clear(WsInflater *inflater);

/** WsDeflater: all zeroes before its first use; the members are its own. */
typedef struct {
    z_stream stream;
    gboolean is_open;
} WsDeflater;

/** ws_deflate_message: appends @text, compressed as one message, to @to. Returns: FALSE where it
 * cannot be compressed: @to is then as it was, and the message goes as it is. */
gboolean ws_deflate_message(WsDeflater *deflater, const WsDeflateAgreed *agreed,
                            const GByteArray *text, GByteArray *to);

/** ws_deflate_clear: frees it. */
void ws_deflate_clear(WsDeflater *deflater);

G_END_DECLS
