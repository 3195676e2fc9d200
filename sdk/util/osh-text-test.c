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
    return g_test_run();
}
