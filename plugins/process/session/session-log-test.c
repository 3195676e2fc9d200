/* SPDX-License-Identifier: Apache-2.0 */
/* session-log-test.c: what is kept, what goes, and how pieces are numbered. */
#include "session-log.h"

#include <string.h>

static void
assert_piece(const OshSessionLog *log, guint64 number, guint stream, const char *text)
{
    guint found_stream;
    gsize length;
    const char *bytes = osh_session_log_get(log, number, &found_stream, &length);

    g_assert_cmpuint(found_stream, ==, stream);
    g_assert_cmpmem(bytes, length, text, strlen(text));
}

static void
test_pieces_keep_their_numbers(void)
{
    g_autoptr(OshSessionLog) log = osh_session_log_new(4096);

    g_assert_cmpuint(osh_session_log_first(log), ==, 0);
    g_assert_cmpuint(osh_session_log_next(log), ==, 0);
    osh_session_log_append(log, 1, "one", 3);
    osh_session_log_append(log, 2, "two", 3);
    g_assert_cmpuint(osh_session_log_next(log), ==, 2);
    assert_piece(log, 0, 1, "one");
    assert_piece(log, 1, 2, "two");
}

static void
test_the_oldest_goes_first(void)
{
    g_autoptr(OshSessionLog) log = osh_session_log_new(256);
    char piece[64];

    for (guint i = 0; i < 1000; i++) {
        g_snprintf(piece, sizeof piece, "piece %u", i);
        osh_session_log_append(log, 1, piece, strlen(piece));
        g_assert_cmpuint(osh_session_log_next(log), ==, i + 1);
    }
    g_assert_cmpuint(osh_session_log_first(log), >, 990);
    assert_piece(log, 999, 1, "piece 999");
    g_snprintf(piece, sizeof piece, "piece %" G_GUINT64_FORMAT, osh_session_log_first(log));
    assert_piece(log, osh_session_log_first(log), 1, piece);
}

static void
test_single_bytes_are_bounded_too(void)
{
    g_autoptr(OshSessionLog) log = osh_session_log_new(1024);

    for (guint i = 0; i < 100000; i++)
        osh_session_log_append(log, 1, "x", 1);
    g_assert_cmpuint(osh_session_log_next(log) - osh_session_log_first(log), <=, 32);
}

/* Ten pieces with their book-keeping fit, an eleventh does not. */
static void
test_what_fits_is_counted_with_its_cost(void)
{
    g_autoptr(OshSessionLog) log = osh_session_log_new(340);

    for (guint i = 0; i < 50; i++)
        osh_session_log_append(log, 1, "x", 1);
    g_assert_cmpuint(osh_session_log_next(log) - osh_session_log_first(log), ==, 10);
}

static void
test_a_piece_longer_than_the_log_keeps_its_end(void)
{
    g_autoptr(OshSessionLog) log = osh_session_log_new(64);
    guint stream;
    gsize length;
    const char *bytes;
    g_autofree char *text = g_strnfill(100, 'a');

    text[99] = 'z';
    osh_session_log_append(log, 1, text, 100);
    bytes = osh_session_log_get(log, 0, &stream, &length);
    g_assert_cmpuint(length, <, 64);
    g_assert_cmpint(bytes[length - 1], ==, 'z');
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session-log/pieces keep their numbers", test_pieces_keep_their_numbers);
    g_test_add_func("/session-log/the oldest goes first", test_the_oldest_goes_first);
    g_test_add_func("/session-log/single bytes are bounded too", test_single_bytes_are_bounded_too);
    g_test_add_func("/session-log/what fits is counted with its cost",
                    test_what_fits_is_counted_with_its_cost);
    g_test_add_func("/session-log/a piece longer than the log keeps its end",
                    test_a_piece_longer_than_the_log_keeps_its_end);
    return g_test_run();
}
