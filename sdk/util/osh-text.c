/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-text.c: escaping. Plain functions, [any]; must never pass a byte that a terminal obeys.
 */
#include "osh-text.h"

#include <string.h>

void
osh_text_append_terminal(GString *line, const char *text)
{
    gsize shown = 0;

    for (; text[shown] != '\0' && shown < OSH_TEXT_MAX; shown++) {
        guchar byte = (guchar)text[shown];

        if (byte >= 0x20 && byte < 0x7f && byte != '\\')
            g_string_append_c(line, (char)byte);
        else
            g_string_append_printf(line, "\\x%02x", byte);
    }
    if (text[shown] != '\0')
        g_string_append(line, "...");
}

static gboolean
is_plain_word(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("._-+@/:", *at) == NULL)
            return FALSE;
    return text[0] != '\0';
}

void
osh_text_append_word(GString *line, const char *text, gsize max)
{
    gboolean plain = is_plain_word(text);
    gsize shown = 0;

    if (!plain)
        g_string_append_c(line, '"');
    for (; text[shown] != '\0' && shown < max; shown++) {
        guchar byte = (guchar)text[shown];

        if (byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"')
            g_string_append_c(line, (char)byte);
        else
            g_string_append_printf(line, "\\x%02x", byte);
    }
    if (!plain)
        g_string_append_c(line, '"');
    if (text[shown] != '\0')
        g_string_append(line, "...");
}

static void
append_code_point(GString *line, gunichar character)
{
    if (character < 0x10000) {
        g_string_append_printf(line, "\\u%04x", character);
        return;
    }
    character -= 0x10000;
    g_string_append_printf(line, "\\u%04x\\u%04x", 0xd800 + (character >> 10),
                           0xdc00 + (character & 0x3ff));
}

/* Returns: how many bytes at @text stand for themselves in a JSON string. */
static gsize
plain_in_json(const char *text)
{
    gsize n = 0;

    while (text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

void
osh_text_append_json(GString *line, const char *text)
{
    const char *end = text + strlen(text);

    g_string_append_c(line, '"');
    while (text < end) {
        gsize plain = plain_in_json(text);
        gunichar character;

        g_string_append_len(line, text, (gssize)plain);
        text += plain;
        if (text == end)
            break;
        character = g_utf8_get_char_validated(text, end - text);
        if (character == (gunichar)-1 || character == (gunichar)-2) {
            g_string_append(line, "\\ufffd");
            text++;
            continue;
        }
        if (character == '"' || character == '\\')
            g_string_append_printf(line, "\\%c", (char)character);
        else
            append_code_point(line, character);
        text = g_utf8_next_char(text);
    }
    g_string_append_c(line, '"');
}

char *
osh_text_shell_quote(const char *text)
{
    g_autofree char *quoted = g_shell_quote(text);
    g_autofree char *back = NULL;
    gboolean plain = text[0] != '\0';

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < 0x20 || *at >= 0x7f)
            return NULL;
        plain &= g_ascii_isalnum(*at) || strchr("/._-:@=+,%", *at) != NULL;
    }
    if (plain)
        return g_strdup(text);
    back = g_shell_unquote(quoted, NULL);
    return g_strcmp0(back, text) == 0 ? g_steal_pointer(&quoted) : NULL;
}
