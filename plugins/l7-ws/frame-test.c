/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a frame is read strictly, byte by byte as at once, and written in the shortest
 * form. */
#include "frame.h"

#include <string.h>

#define HEAD(text) text, sizeof(text) - 1

typedef struct {
    const char *bytes;
    gsize length;
    gboolean masked;
    gsize broken_at; /* the byte that shows it; 0 for a header that is read */
    guint64 payload;
} HeaderRow;

static const HeaderRow rows[] = {
    {HEAD("\x81\x80KEYS"), TRUE, 0, 0},
    {HEAD("\x81\xfdKEYS"), TRUE, 0, 125},
    {HEAD("\x82\xfe\x00\x7eKEYS"), TRUE, 0, 126},
    {HEAD("\x82\xfe\xff\xffKEYS"), TRUE, 0, 65535},
    {HEAD("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00KEYS"), TRUE, 0, 65536},
    {HEAD("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), FALSE, 0, G_MAXINT64},
    {HEAD("\x01\x05"), FALSE, 0, 5},
    {HEAD("\xc1\x05"), FALSE, 0, 5},
    {HEAD("\x89\x7d"), FALSE, 0, 125},
    {HEAD("\x81\x05"), TRUE, 2, 0},
    {HEAD("\x81\x85KEYS"), FALSE, 2, 0},
    {HEAD("\xa1\x80"), TRUE, 1, 0},
    {HEAD("\x91\x80"), TRUE, 1, 0},
    {HEAD("\x83\x80"), TRUE, 1, 0},
    {HEAD("\x87\x80"), TRUE, 1, 0},
    {HEAD("\x8b\x80"), TRUE, 1, 0},
    {HEAD("\x8f\x80"), TRUE, 1, 0},
    {HEAD("\x09\x80"), TRUE, 1, 0},
    {HEAD("\xc8\x80"), TRUE, 1, 0},
    {HEAD("\x88\xfe\x00\x7eKEYS"), TRUE, 2, 0},
    {HEAD("\x81\xfe\x00\x7dKEYS"), TRUE, 4, 0},
    {HEAD("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xffKEYS"), TRUE, 10, 0},
    {HEAD("\x81\xff\x80\x00\x00\x00\x00\x01\x00\x00KEYS"), TRUE, 10, 0},
};

static void
test_a_header_is_complete_with_its_last_byte_and_broken_with_the_first_wrong_one(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const HeaderRow *row = &rows[i];
        gsize until = row->broken_at != 0 ? row->broken_at : row->length;

        for (gsize n = 0; n <= row->length; n++) {
            WsFrame frame = {0};
            const char *fault = NULL;
            WsFrameStatus status =
                ws_frame_read((OshSpan){row->bytes, n}, row->masked, &frame, &fault);

            if (n < until) {
                g_assert_cmpint(status, ==, WS_FRAME_MORE);
            } else if (row->broken_at != 0) {
                g_assert_cmpint(status, ==, WS_FRAME_BROKEN);
                g_assert_nonnull(fault);
            } else {
                g_assert_cmpint(status, ==, WS_FRAME_READ);
                g_assert_cmpuint(frame.length, ==, row->payload);
                g_assert_cmpuint(frame.header, ==, row->length);
                g_assert_null(fault);
            }
        }
    }
}

static void
test_what_is_written_is_read_again(void)
{
    static const guint64 lengths[] = {0, 125, 126, 65535, 65536, G_GUINT64_CONSTANT(1) << 40};

    for (guint i = 0; i < G_N_ELEMENTS(lengths) * 4; i++) {
        const WsFrame frame = {.opcode = WS_BINARY,
                               .fin = (i & 1) != 0,
                               .rsv1 = TRUE,
                               .masked = (i & 2) != 0,
                               .mask = {1, 2, 3, 4},
                               .length = lengths[i / 4]};
        guint8 header[WS_HEADER_MAX];
        guint n = ws_frame_write(header, &frame);
        WsFrame again = {0};
        const char *fault = NULL;

        g_assert_cmpint(
            ws_frame_read((OshSpan){(const char *)header, n}, frame.masked, &again, &fault), ==,
            WS_FRAME_READ);
        g_assert_cmpuint(again.header, ==, n);
        g_assert_cmpuint(again.opcode, ==, WS_BINARY);
        g_assert_cmpint(again.fin, ==, frame.fin);
        g_assert_true(again.rsv1);
        g_assert_cmpuint(again.length, ==, frame.length);
        if (frame.masked)
            g_assert_cmpmem(again.mask, 4, frame.mask, 4);
    }
}

static void
test_a_mask_goes_on_where_the_piece_before_has_ended(void)
{
    static const guint8 mask[4] = {0x10, 0x20, 0x40, 0x80};
    guint8 whole[100];
    guint8 pieces[100];

    for (guint i = 0; i < sizeof whole; i++)
        whole[i] = pieces[i] = (guint8)(i * 7);
    ws_mask(whole, whole, sizeof whole, mask, 0);
    for (guint i = 0; i < sizeof whole; i++)
        g_assert_cmpuint(whole[i], ==, (guint8)(i * 7) ^ mask[i % 4]);
    for (guint first = 0; first <= 20; first++) {
        for (guint i = 0; i < sizeof pieces; i++)
            pieces[i] = (guint8)(i * 7);
        ws_mask(pieces, pieces, first, mask, 0);
        ws_mask(pieces + first, pieces + first, sizeof pieces - first, mask, first);
        g_assert_cmpmem(pieces, sizeof pieces, whole, sizeof whole);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/l7-ws/a-header-is-complete-with-its-last-byte-and-broken-with-the-first-"
        "wrong-one",
        test_a_header_is_complete_with_its_last_byte_and_broken_with_the_first_wrong_one);
    g_test_add_func("/l7-ws/what-is-written-is-read-again", test_what_is_written_is_read_again);
    g_test_add_func("/l7-ws/a-mask-goes-on-where-the-piece-before-has-ended",
                    test_a_mask_goes_on_where_the_piece_before_has_ended);
    return g_test_run();
}
