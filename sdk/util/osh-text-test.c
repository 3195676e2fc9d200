/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping, over tables of what must not get through. */
#include "osh-text.h"

#include <string.h>

typedef struct {
    const char *text;
    const char *terminal;
    const char *json;
    const char *shell;
} Row;

static const Row rows[] = {
    {"plain", "plain", "\"plain\"", "plain"},
    {"", "", "\"\"", "''"},
    {"a b", "a b", "\"a b\"", "'a b'"},
    {"a'b", "a'b", "\"a'b\"", "'a'\\''b'"},
    {"$(x) `y` \"z\"", "$(x) `y` \"z\"", "\"$(x) `y` \\\"z\\\"\"", "'$(x) `y` \"z\"'"},
    {"\x1b[31m", "\\x1b[31m", "\"\\u001b[31m\"", NULL},
    {"a\nb\r\t", "a\\x0ab\\x0d\\x09", "\"a\\u000ab\\u000d\\u0009\"", NULL},
    {"back\\slash", "back\\x5cslash", "\"back\\\\slash\"", "'back\\slash'"},
    {"\x7f", "\\x7f", "\"\\u007f\"", NULL},
    {"\xc3\xa9", "\\xc3\\xa9", "\"\\u00e9\"", NULL},
    {"\xf0\x9f\x98\x80", "\\xf0\\x9f\\x98\\x80", "\"\\ud83d\\ude00\"", NULL},
    {"\xff\xc3", "\\xff\\xc3", "\"\\ufffd\\ufffd\"", NULL},
    {"\xc2\x9b"
     "1A",
     "\\xc2\\x9b1A", "\"\\u009b1A\"", NULL},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GString) terminal = g_string_new(NULL);
    g_autoptr(GString) json = g_string_new(NULL);
    g_autofree char *shell = osh_text_shell_quote(row->text);

    osh_text_append_terminal(terminal, row->text);
    osh_text_append_json(json, row->text);
    g_assert_cmpstr(terminal->str, ==, row->terminal);
    g_assert_cmpstr(json->str, ==, row->json);
    g_assert_cmpstr(shell, ==, row->shell);
}

/* A name, and how it stands in a line that it must not be able to imitate. */
static const char *const words[][2] = {
    {"curl", "curl"},
    {"python3.11", "python3.11"},
    {"a.example.com", "a.example.com"},
    {"2001:db8::1", "2001:db8::1"},
    {"", "\"\""},
    {"openshell: ALLOWED e9 curl", "\"openshell: ALLOWED e9 curl\""},
    {"curl(1) -> a", "\"curl(1) -> a\""},
    {"a\" -> b", "\"a\\x22 -> b\""},
    {"a\\", "\"a\\x5c\""},
    {"x\n", "\"x\\x0a\""},
    {"x\r", "\"x\\x0d\""},
    {"\x1b[2K", "\"\\x1b[2K\""},
    {"a\xe2\x80\xae"
     "b",
     "\"a\\xe2\\x80\\xaeb\""},
    {"a\xe2\x81\xa9", "\"a\\xe2\\x81\\xa9\""},
    {"a\xe2\x80\x8b", "\"a\\xe2\\x80\\x8b\""},
    {"a\xe2\x80\xa8", "\"a\\xe2\\x80\\xa8\""},
    {"\xff", "\"\\xff\""},
    {"0123456789abcdefgh", "0123456789abcdef..."},
    {"0123456789 bcdefgh", "\"0123456789 bcdef\"..."},
};

static void
test_word_cannot_read_like_the_words_around_it(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize max = i + 2 < G_N_ELEMENTS(words) ? OSH_TEXT_MAX : 16;
        g_autoptr(GString) line = g_string_new(NULL);

        osh_text_append_word(line, words[i][0], max);
        g_assert_cmpstr(line->str, ==, words[i][1]);
    }
}

static void
test_long_text_is_cut_and_marked(void)
{
    g_autofree char *text = g_strnfill(OSH_TEXT_MAX + 1, 'x');
    g_autoptr(GString) line = g_string_new(NULL);

    osh_text_append_terminal(line, text);
    g_assert_cmpuint(line->len, ==, OSH_TEXT_MAX + 3);
    g_assert_true(g_str_has_suffix(line->str, "x..."));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/util/text/is-escaped-for-its-reader/%zu", i);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/util/text/long-text-is-cut-and-marked", test_long_text_is_cut_and_marked);
    g_test_add_func("/util/text/word-cannot-read-like-the-words-around-it",
                    test_word_cannot_read_like_the_words_around_it);
    return g_test_run();
}
