/* SPDX-License-Identifier: Apache-2.0 */
/* Text is checked alike however it is cut; every character passes and nothing else does. */
#include "utf8.h"

#include <string.h>

static gboolean
is_valid(const guint8 *bytes, gsize length, gsize cut)
{
    WsUtf8 utf8 = {0};

    return ws_utf8_feed(&utf8, bytes, cut) && ws_utf8_feed(&utf8, bytes + cut, length - cut) &&
           ws_utf8_is_complete(&utf8);
}

static void
test_every_character_passes_and_every_surrogate_does_not(void)
{
    for (guint32 c = 0; c <= 0x10ffff; c++) {
        gchar bytes[6];
        gint length = g_unichar_to_utf8(c, bytes);
        gboolean is_surrogate = c >= 0xd800 && c <= 0xdfff;

        for (gint cut = 0; cut <= length; cut++)
            if (is_valid((const guint8 *)bytes, (gsize)length, (gsize)cut) == is_surrogate)
                g_error("U+%04X cut at %d", c, cut);
    }
}

/* All sequences of three bytes, against GLib, which refuses NUL. */
static void
test_it_agrees_with_glib_on_all_short_sequences(void)
{
    for (guint32 all = 0; all < 1u << 24; all += 1 + (all & 0x3f) / 0x3f) {
        const guint8 bytes[3] = {(guint8)(all >> 16), (guint8)(all >> 8), (guint8)all};

        if (bytes[0] == 0 || bytes[1] == 0 || bytes[2] == 0)
            continue;
        if (is_valid(bytes, 3, 1) != g_utf8_validate_len((const char *)bytes, 3, NULL))
            g_error("%02x %02x %02x", bytes[0], bytes[1], bytes[2]);
    }
}

static void
test_the_first_wrong_byte_is_found_in_long_ascii(void)
{
    guint8 bytes[64];

    for (guint at = 0; at < sizeof bytes; at++) {
        WsUtf8 utf8 = {0};

        memset(bytes, 'a', sizeof bytes);
        bytes[at] = 0xff;
        g_assert_true(ws_utf8_feed(&utf8, bytes, at));
        g_assert_false(ws_utf8_feed(&utf8, bytes, sizeof bytes));
    }
}

static void
test_nul_is_a_character(void)
{
    static const guint8 bytes[] = {'a', 0, 'b', 0, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9};

    for (gsize cut = 0; cut <= sizeof bytes; cut++)
        g_assert_true(is_valid(bytes, sizeof bytes, cut));
    g_assert_false(is_valid(bytes, sizeof bytes - 1, 3));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-ws/every-character-passes-and-every-surrogate-does-not",
                    test_every_character_passes_and_every_surrogate_does_not);
    g_test_add_func("/l7-ws/it-agrees-with-glib-on-all-short-sequences",
                    test_it_agrees_with_glib_on_all_short_sequences);
    g_test_add_func("/l7-ws/the-first-wrong-byte-is-found-in-long-ascii",
                    test_the_first_wrong_byte_is_found_in_long_ascii);
    g_test_add_func("/l7-ws/nul-is-a-character", test_nul_is_a_character);
    return g_test_run();
}
