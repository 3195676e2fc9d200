/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h: whether a text is UTF-8, piece by piece (RFC 3629 section 4). [any]
 *
 * g_utf8_validate() refuses NUL, which a text message may hold, and cannot go on where a piece has
 * ended inside a character.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** WsUtf8: all zeroes between two characters; the members are its own. */
typedef struct {
    guint8 left;
    guint8 low;
    guint8 high;
} WsUtf8;

/** ws_utf8_feed: Returns: FALSE when no text goes on like this; found with the first wrong byte. */
gboolean ws_utf8_feed(WsUtf8 *utf8, const guint8 *bytes, gsize length);

/** ws_utf8_is_complete: Returns: whether the text may end here. */
static inline gboolean
ws_utf8_is_complete(const WsUtf8 *utf8)
{
    return utf8->left == 0;
}

G_END_DECLS
