/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are found where both ends of a protocol agree that they end, and nowhere else.
 */
#include <string.h>

#include "osh-line-reader.h"

typedef struct {
    const char *sentence;
    const char *bytes;
    gsize n_bytes;
    gsize cap;
    guint32 flags;
    OshLineStatus status;
    const char *line;
    gsize length;
} Row;

#define BYTES(text) (text), sizeof(text) - 1

static const Row rows[] = {
    {"crlf-ends-a-line", BYTES("get a\r\nrest"), 64, 0, OSH_LINE_FOUND, "get a", 7},
    {"empty-line-is-a-line", BYTES("\r\n"), 64, 0, OSH_LINE_FOUND, "", 2},
    {"lf-alone-is-malformed", BYTES("get a\nrest"), 64, 0, OSH_LINE_MALFORMED, NULL, 0},
    {"lf-alone-ends-a-line-where-it-may", BYTES("get a\nrest"), 64, OSH_LINE_LF, OSH_LINE_FOUND,
     "get a", 6},
    {"cr-before-that-lf-belongs-to-the-end", BYTES("get a\r\nrest"), 64, OSH_LINE_LF,
     OSH_LINE_FOUND, "get a", 7},
    {"cr-inside-is-malformed", BYTES("get\ra\r\n"), 64, 0, OSH_LINE_MALFORMED, NULL, 0},
    {"cr-inside-is-text-where-it-may", BYTES("get\ra\r\n"), 64, OSH_LINE_ALLOW_CR, OSH_LINE_FOUND,
     "get\ra", 7},
    {"two-cr-before-lf-are-malformed", BYTES("get a\r\r\n"), 64, 0, OSH_LINE_MALFORMED, NULL, 0},
    {"nul-is-malformed", BYTES("get \0a\r\n"), 64, 0, OSH_LINE_MALFORMED, NULL, 0},
    {"nul-is-text-where-it-may", BYTES("a\0b\r\n"), 64, OSH_LINE_ALLOW_NUL, OSH_LINE_FOUND, "a", 5},
    {"no-end-yet", BYTES("get a"), 64, 0, OSH_LINE_MORE, NULL, 0},
    {"half-an-end-yet", BYTES("get a\r"), 64, 0, OSH_LINE_MORE, NULL, 0},
    {"nothing-yet", BYTES(""), 64, 0, OSH_LINE_MORE, NULL, 0},
    {"line-of-the-cap-fits", BYTES("abcdef\r\n"), 8, 0, OSH_LINE_FOUND, "abcdef", 8},
    {"line-beyond-the-cap-is-too-long", BYTES("abcdefg\r\n"), 8, 0, OSH_LINE_TOO_LONG, NULL, 0},
    {"end-that-would-cross-the-cap-is-too-long", BYTES("abcdefg\r"), 8, 0, OSH_LINE_TOO_LONG, NULL,
     0},
    {"window-of-the-cap-without-an-end-is-too-long", BYTES("abcdefgh"), 8, 0, OSH_LINE_TOO_LONG,
     NULL, 0},
};

static void
check(const Row *row, OshLineStatus status, OshSpan line, gsize length)
{
    g_assert_cmpint(status, ==, row->status);
    if (status != OSH_LINE_FOUND)
        return;
    g_assert_cmpuint(length, ==, row->length);
    g_assert_cmpint(strncmp(line.data, row->line, strlen(row->line)), ==, 0);
    g_assert_true(line.data == row->bytes);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    OshLineReader whole = OSH_LINE_READER_INIT(row->cap, row->flags);
    OshLineReader bytes = OSH_LINE_READER_INIT(row->cap, row->flags);
    OshSpan line = {NULL, 0};
    gsize length = 0;
    OshLineStatus status =
        osh_line_reader_find(&whole, (OshSpan){row->bytes, row->n_bytes}, &line, &length);

    check(row, status, line, length);
    check(row, osh_line_reader_find(&whole, (OshSpan){row->bytes, row->n_bytes}, &line, &length),
          line, length);
    status = OSH_LINE_MORE;
    for (gsize n = 0; n <= row->n_bytes && status == OSH_LINE_MORE; n++)
        status = osh_line_reader_find(&bytes, (OshSpan){row->bytes, n}, &line, &length);
    check(row, status, line, length);
}

static void
test_reader_begins_anew_behind_a_line(void)
{
    OshLineReader reader = OSH_LINE_READER_INIT(64, 0);
    OshSpan line;
    gsize length;

    g_assert_cmpint(osh_line_reader_find(&reader, osh_span("one\r\ntwo\r\n"), &line, &length), ==,
                    OSH_LINE_FOUND);
    osh_line_reader_next(&reader);
    g_assert_cmpint(osh_line_reader_find(&reader, osh_span("two\r\n"), &line, &length), ==,
                    OSH_LINE_FOUND);
    g_assert_true(osh_span_equal(line, "two"));
    g_assert_false(osh_span_equal(line, "twos"));
    g_assert_false(osh_span_equal(line, "Two"));
    g_assert_true(osh_span_equal_fold(line, "tWo"));
    g_assert_false(osh_span_equal_fold(line, "tWos"));
    g_assert_false(osh_span_equal_fold(line, "tw"));
    g_assert_true(osh_span_equal_fold((OshSpan){NULL, 0}, ""));
}

static void
test_reader_that_was_used_begins_anew(void)
{
    OshLineReader reader = OSH_LINE_READER_INIT(4, 0);
    OshSpan line;
    gsize length;

    g_assert_cmpint(osh_line_reader_find(&reader, osh_span("one"), &line, &length), ==,
                    OSH_LINE_MORE);
    osh_line_reader_init(&reader, 8, OSH_LINE_LF);
    g_assert_cmpint(osh_line_reader_find(&reader, osh_span("\nlong"), &line, &length), ==,
                    OSH_LINE_FOUND);
    g_assert_cmpuint(length, ==, 1);
    osh_line_reader_next(&reader);
    g_assert_cmpint(osh_line_reader_find(&reader, osh_span("longer\n"), &line, &length), ==,
                    OSH_LINE_FOUND);
}

static void
test_reader_of_zeroes_has_a_cap(void)
{
    g_autofree char *line = g_strnfill(OSH_LINE_CAP, 'a');
    OshLineReader reader = {0};
    OshSpan found;
    gsize length;

    g_assert_cmpint(
        osh_line_reader_find(&reader, (OshSpan){line, OSH_LINE_CAP - 1}, &found, &length), ==,
        OSH_LINE_MORE);
    g_assert_cmpint(osh_line_reader_find(&reader, osh_span(line), &found, &length), ==,
                    OSH_LINE_TOO_LONG);
}

static void
test_words_have_one_space_between_them(void)
{
    OshSpan words[3];

    g_assert_cmpuint(osh_line_split(osh_span("get a bc"), words, 3), ==, 3);
    g_assert_true(osh_span_equal(words[0], "get"));
    g_assert_true(osh_span_equal(words[2], "bc"));
    g_assert_cmpuint(osh_line_split(osh_span("get"), words, 3), ==, 1);
    g_assert_cmpuint(osh_line_split(osh_span(""), words, 3), ==, 0);
    g_assert_cmpuint(osh_line_split(osh_span(" get"), words, 3), ==, 0);
    g_assert_cmpuint(osh_line_split(osh_span("get "), words, 3), ==, 0);
    g_assert_cmpuint(osh_line_split(osh_span("get  a"), words, 3), ==, 0);
    g_assert_cmpuint(osh_line_split(osh_span("a b c d"), words, 3), ==, 0);
}

static void
test_number_is_decimal_digits_up_to_its_bound(void)
{
    static const char *const refused[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0", "101"};
    guint64 number = 7;

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_false(osh_span_number(osh_span(refused[i]), 100, &number));
    g_assert_cmpuint(number, ==, 7);
    g_assert_true(osh_span_number(osh_span("100"), 100, &number));
    g_assert_cmpuint(number, ==, 100);
    g_assert_true(osh_span_number(osh_span("007"), 100, &number));
    g_assert_cmpuint(number, ==, 7);
    g_assert_true(osh_span_number(osh_span("18446744073709551615"), G_MAXUINT64, &number));
    g_assert_true(number == G_MAXUINT64);
    g_assert_false(osh_span_number(osh_span("18446744073709551616"), G_MAXUINT64, &number));
    g_assert_false(osh_span_number(osh_span("99999999999999999999999"), G_MAXUINT64, &number));
    g_assert_false(osh_span_number(osh_span("5"), 4, &number));
    g_assert_true(osh_span_number(osh_span("0"), 0, &number));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/util/line-reader/%s", rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/util/line-reader/reader-begins-anew-behind-a-line",
                    test_reader_begins_anew_behind_a_line);
    g_test_add_func("/util/line-reader/reader-that-was-used-begins-anew",
                    test_reader_that_was_used_begins_anew);
    g_test_add_func("/util/line-reader/reader-of-zeroes-has-a-cap",
                    test_reader_of_zeroes_has_a_cap);
    g_test_add_func("/util/line-reader/words-have-one-space-between-them",
                    test_words_have_one_space_between_them);
    g_test_add_func("/util/line-reader/number-is-decimal-digits-up-to-its-bound",
                    test_number_is_decimal_digits_up_to_its_bound);
    return g_test_run();
}
