/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c: the table of well-formed sequences of RFC 3629 section 4, byte after byte. [any] */
#include "utf8.h"

#include <string.h>

#define HIGH_BITS G_GUINT64_CONSTANT(0x8080808080808080)

/* Returns: FALSE where no character begins with @byte. */
static gboolean
begin(WsUtf8 *utf8, guint8 byte)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (byte < 0xc2 || byte > 0xf4)
        return FALSE;
    utf8->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    /* No overlong form, no surrogate, nothing beyond U+10FFFF. */
    if (byte == 0xe0)
        utf8->low = 0xa0;
    else if (byte == 0xed)
        utf8->high = 0x9f;
    else if (byte == 0xf0)
        utf8->low = 0x90;
    else if (byte == 0xf4)
        utf8->high = 0x8f;
    return TRUE;
}

static gsize
skip_ascii(const guint8 *bytes, gsize length)
{
    gsize i = 0;
    guint64 word;

    for (; length - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        if ((word & HIGH_BITS) != 0)
            break;
    }
    while (i < length && bytes[i] < 0x80)
        i++;
    return i;
}

gboolean
ws_utf8_feed(WsUtf8 *utf8, const guint8 *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (utf8->left == 0) {
            i += skip_ascii(bytes + i, length - i);
            if (i < length && !begin(utf8, bytes[i]))
                return FALSE;
        } else if (bytes[i] < utf8->low || bytes[i] > utf8->high) {
            return FALSE;
        } else {
            utf8->left--;
            utf8->low = 0x80;
            utf8->high = 0xbf;
        }
    }
    return TRUE;
}
