/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts of permessage-deflate slide from message to message, or not, as was agreed. */
#include "deflate.h"

#include <string.h>

static const WsDeflateAgreed slides = {TRUE, FALSE, WS_WINDOW_BITS};
static const WsDeflateAgreed resets = {TRUE, TRUE, WS_WINDOW_BITS};

static gboolean
keep(gpointer data, const guint8 *bytes, gsize length)
{
    g_byte_array_append(data, bytes, (guint)length);
    return TRUE;
}

static gboolean
stop(gpointer data, const guint8 *bytes, gsize length)
{
    gsize *left = data;

    (void)bytes;
    *left -= MIN(*left, length);
    return *left > 0;
}

static GByteArray *
random_text(guint32 seed, guint length)
{
    GRand *random = g_rand_new_with_seed(seed);
    GByteArray *text = g_byte_array_new();

    for (guint i = 0; i < length; i++) {
        guint8 byte = (guint8)g_rand_int_range(random, 'a', 'a' + (i % 64 < 32 ? 26 : 2));

        g_byte_array_append(text, &byte, 1);
    }
    g_rand_free(random);
    return text;
}

/* Sends @text through both, in two pieces cut at @cut. Returns: bytes on the way. */
static guint
round_trip(WsDeflater *deflater, WsInflater *inflater, const WsDeflateAgreed *agreed,
           const GByteArray *text, guint cut)
{
    g_autoptr(GByteArray) sent = g_byte_array_new();
    g_autoptr(GByteArray) got = g_byte_array_new();

    g_assert_true(ws_deflate_message(deflater, agreed, text, sent));
    cut = MIN(cut, sent->len);
    g_assert_cmpint(ws_inflate_feed(inflater, agreed, sent->data, cut, keep, got), ==, WS_INFLATED);
    g_assert_cmpint(ws_inflate_feed(inflater, agreed, sent->data + cut, sent->len - cut, keep, got),
                    ==, WS_INFLATED);
    g_assert_cmpint(ws_inflate_end(inflater, agreed, keep, got), ==, WS_INFLATED);
    g_assert_cmpmem(got->data, got->len, text->data, text->len);
    return sent->len;
}

static void
test_messages_come_out_as_they_went_in(void)
{
    const WsDeflateAgreed agreements[] = {slides, resets, {TRUE, FALSE, 9}, {TRUE, TRUE, 12}};

    for (guint i = 0; i < G_N_ELEMENTS(agreements); i++) {
        WsDeflater deflater = {0};
        WsInflater inflater = {0};

        for (guint n = 0; n < 30; n++) {
            g_autoptr(GByteArray) text = random_text(n, 1 + n * n * 97);

            round_trip(&deflater, &inflater, &agreements[i], text, n * 5);
        }
        ws_deflate_clear(&deflater);
        ws_inflate_clear(&inflater);
    }
}

static void
test_a_context_that_slides_makes_the_second_of_equal_messages_small(void)
{
    g_autoptr(GByteArray) text = random_text(1, 5000);

    for (guint i = 0; i < 2; i++) {
        const WsDeflateAgreed *agreed = i == 0 ? &slides : &resets;
        WsDeflater deflater = {0};
        WsInflater inflater = {0};
        guint first = round_trip(&deflater, &inflater, agreed, text, 9);
        guint second = round_trip(&deflater, &inflater, agreed, text, 9);

        if (i == 0)
            g_assert_cmpuint(second, <, first / 10);
        else
            g_assert_cmpuint(second, ==, first);
        ws_deflate_clear(&deflater);
        ws_inflate_clear(&inflater);
    }
}

static void
test_a_message_that_is_cut_short_is_broken(void)
{
    g_autoptr(GByteArray) text = random_text(3, 400);
    g_autoptr(GByteArray) sent = g_byte_array_new();
    WsDeflater deflater = {0};

    g_assert_true(ws_deflate_message(&deflater, &slides, text, sent));
    for (guint n = 1; n < sent->len; n++) {
        WsInflater inflater = {0};
        g_autoptr(GByteArray) got = g_byte_array_new();
        WsInflated fed = ws_inflate_feed(&inflater, &slides, sent->data, n, keep, got);

        if (fed == WS_INFLATED)
            fed = ws_inflate_end(&inflater, &slides, keep, got);
        if (fed == WS_INFLATED)
            g_error("%u of %u bytes are taken for a message", n, sent->len);
        ws_inflate_clear(&inflater);
    }
    ws_deflate_clear(&deflater);
}

static void
test_a_bomb_is_stopped_while_it_is_inflated(void)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    g_autoptr(GByteArray) sent = g_byte_array_new();
    WsDeflater deflater = {0};
    WsInflater inflater = {0};
    gsize left = 100000;

    g_byte_array_set_size(text, 4 << 20);
    memset(text->data, 'a', text->len);
    g_assert_true(ws_deflate_message(&deflater, &slides, text, sent));
    g_assert_cmpuint(sent->len, <, 32768);
    g_assert_cmpint(ws_inflate_feed(&inflater, &slides, sent->data, sent->len, stop, &left), ==,
                    WS_INFLATED_STOPPED);
    g_assert_cmpuint(inflater.stream.total_out, <, 100000 + 2 * WS_UNIT);
    ws_deflate_clear(&deflater);
    ws_inflate_clear(&inflater);
}

/* RFC 7692 section 7.2.3.2, twice: the second message refers to the first. */
static void
test_a_last_block_keeps_the_window(void)
{
    static const guint8 last[] = {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00};
    static const guint8 refers[] = {0xf2, 0x00, 0x11, 0x00, 0x00};
    g_autoptr(GByteArray) got = g_byte_array_new();
    WsInflater inflater = {0};

    g_assert_cmpint(ws_inflate_feed(&inflater, &slides, last, sizeof last, keep, got), ==,
                    WS_INFLATED);
    g_assert_cmpint(ws_inflate_end(&inflater, &slides, keep, got), ==, WS_INFLATED);
    g_assert_cmpint(ws_inflate_feed(&inflater, &slides, refers, sizeof refers, keep, got), ==,
                    WS_INFLATED);
    g_assert_cmpint(ws_inflate_end(&inflater, &slides, keep, got), ==, WS_INFLATED);
    g_assert_cmpmem(got->data, got->len, "HelloHello", 10);
    ws_inflate_clear(&inflater);
}

static void
test_what_zlib_cannot_do_leaves_as_it_is(void)
{
    const WsDeflateAgreed smallest = {TRUE, FALSE, 8};
    g_autoptr(GByteArray) text = random_text(5, 10);
    g_autoptr(GByteArray) none = g_byte_array_new();
    g_autoptr(GByteArray) sent = g_byte_array_new();
    WsDeflater deflater = {0};

    g_assert_false(ws_deflate_message(&deflater, &smallest, text, sent));
    g_assert_false(ws_deflate_message(&deflater, &slides, none, sent));
    g_assert_false(ws_deflate_message(&deflater, &(WsDeflateAgreed){FALSE, FALSE, 15}, text, sent));
    g_assert_cmpuint(sent->len, ==, 0);
    ws_deflate_clear(&deflater);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-ws/messages-come-out-as-they-went-in",
                    test_messages_come_out_as_they_went_in);
    g_test_add_func("/l7-ws/a-context-that-slides-makes-the-second-of-equal-messages-small",
                    test_a_context_that_slides_makes_the_second_of_equal_messages_small);
    g_test_add_func("/l7-ws/a-message-that-is-cut-short-is-broken",
                    test_a_message_that_is_cut_short_is_broken);
    g_test_add_func("/l7-ws/a-bomb-is-stopped-while-it-is-inflated",
                    test_a_bomb_is_stopped_while_it_is_inflated);
    g_test_add_func("/l7-ws/a-last-block-keeps-the-window", test_a_last_block_keeps_the_window);
    g_test_add_func("/l7-ws/what-zlib-cannot-do-leaves-as-it-is",
                    test_what_zlib_cannot_do_leaves_as_it_is);
    return g_test_run();
}
