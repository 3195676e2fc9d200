/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob-parse.c: pattern text to tokens, in the two dialects there are.
 *
 * With a separator or none: OpenShell's rule globs. Its evaluator knows only slashes as separators,
 * so another separator is translated first, and character classes see the translated text; that
 * shows in corners (a class may take a slash) which are kept. OSH_GLOB_SELECTOR: the globs that
 * select endpoints and hosts, which know neither braces nor escapes. Runs on the thread that loads
 * a policy; depth and length are capped. Works on bytes: `?` takes one byte.
 */
#include "osh-glob-private.h"

#include <string.h>

/* What a real slash becomes when it is not the separator; no pattern and no value holds it. */
#define HIDDEN_SLASH '\0'

typedef struct {
    const char *text;
    gsize length;
    gsize cursor;
    guint depth; /* of braces */
    GArray *sets;
    GError **error;
} Parser;

void
osh_glob_tokens_free(gpointer tokens)
{
    GArray *array = tokens;

    if (array == NULL)
        return;
    for (guint i = 0; i < array->len; i++)
        g_clear_pointer(&g_array_index(array, OshGlobToken, i).branches, g_ptr_array_unref);
    g_array_unref(array);
}

static GArray *
tokens_new(void)
{
    return g_array_new(FALSE, TRUE, sizeof(OshGlobToken));
}

static void
push(GArray *tokens, OshGlobTokenKind kind, guchar byte)
{
    OshGlobToken token = {.kind = (guint8)kind, .byte = byte};

    g_array_append_val(tokens, token);
}

static void
push_set(Parser *parser, GArray *tokens, OshGlobSet set, gboolean negated)
{
    OshGlobToken token = {.kind = OSH_GLOB_TOKEN_SET, .set = (guint16)parser->sets->len};

    for (guint word = 0; negated && word < 4; word++)
        set.bits[word] = ~set.bits[word];
    g_array_append_val(parser->sets, set);
    g_array_append_val(tokens, token);
}

static void
set_add(OshGlobSet *set, guint from, guint to)
{
    for (guint byte = from; byte <= to; byte++)
        set->bits[byte >> 6] |= G_GUINT64_CONSTANT(1) << (byte & 63);
}

static gboolean
fail(Parser *parser, const char *message)
{
    g_set_error_literal(parser->error, OSH_GLOB_ERROR, 0, message);
    return FALSE;
}

static gboolean
at_end(const Parser *parser)
{
    return parser->cursor == parser->length;
}

static gboolean
next_is(const Parser *parser, char c)
{
    return !at_end(parser) && parser->text[parser->cursor] == c;
}

/* Bytes of the character at @p, whose text ends at @end. */
static guint
character_size(const char *p, const char *end)
{
    gunichar c = g_utf8_get_char_validated(p, end - p);

    return c == (gunichar)-1 || c == (gunichar)-2 || c == 0 ? 1 : g_unichar_to_utf8(c, NULL);
}

static guint32
character_value(const char *p, guint size)
{
    return size == 1 ? (guchar)*p : g_utf8_get_char(p);
}

/*
 * A range between two characters. The evaluator writes characters out as bytes, so of a longer one
 * only its nearest byte takes part in the range, and the others stand for themselves.
 */
static gboolean
add_range(Parser *parser, OshGlobSet *set, const char *low, guint low_size, const char *high,
          guint high_size)
{
    guchar from = (guchar)low[low_size - 1];
    guchar to = (guchar)high[0];

    if (low_size == high_size && memcmp(low, high, low_size) == 0)
        return TRUE;
    if (character_value(high, high_size) < character_value(low, low_size) || to < from)
        return fail(parser, "a class with a range that runs backwards");
    for (guint i = 0; i + 1 < low_size; i++)
        set_add(set, (guchar)low[i], (guchar)low[i]);
    set_add(set, from, to);
    for (guint i = 1; i < high_size; i++)
        set_add(set, (guchar)high[i], (guchar)high[i]);
    return TRUE;
}

static gboolean
parse_class(Parser *parser, GArray *tokens)
{
    const char *end = parser->text + parser->length;
    OshGlobSet set = {{0}};
    const char *last = NULL; /* the character that a range would begin with */
    guint last_size = 0;
    gboolean in_range = FALSE;
    gboolean negated = next_is(parser, '!') || next_is(parser, '^');

    parser->cursor += negated;
    for (gboolean first = TRUE;; first = FALSE) {
        const char *p = parser->text + parser->cursor;
        guint size;

        if (at_end(parser))
            return fail(parser, "an unclosed '['");
        size = character_size(p, end);
        parser->cursor += size;
        if (*p == ']' && !first)
            break;
        if (*p == '-' && !first && !in_range) {
            in_range = TRUE;
            continue;
        }
        if (in_range) {
            if (!add_range(parser, &set, last, last_size, p, size))
                return FALSE;
            /* `a-c-e` is one range from a to e, so @last stays */
            in_range = FALSE;
            continue;
        }
        for (guint i = 0; i < size; i++)
            set_add(&set, (guchar)p[i], (guchar)p[i]);
        last = p;
        last_size = size;
    }
    if (in_range)
        set_add(&set, '-', '-');
    push_set(parser, tokens, set, negated);
    return TRUE;
}

/* Two stars at the cursor's left: @before is the byte before them, or -1. */
static void
parse_two_stars(Parser *parser, GArray *tokens, gint before)
{
    gboolean nested = parser->depth > 0;
    gboolean last;
    OshGlobToken *previous;

    if (tokens->len == 0) {
        if (!at_end(parser) && !next_is(parser, '/')) {
            push(tokens, OSH_GLOB_TOKEN_RUN, 0);
            return;
        }
        push(tokens, OSH_GLOB_TOKEN_DEEP_FIRST, 0);
        parser->cursor += !at_end(parser);
        return;
    }
    last = at_end(parser) || (nested && (next_is(parser, ',') || next_is(parser, '}')));
    if ((before != '/' && !(nested && (before == ',' || before == '{'))) ||
        (!last && !next_is(parser, '/'))) {
        push(tokens, OSH_GLOB_TOKEN_RUN, 0);
        return;
    }
    parser->cursor += !last;
    /* the token before it, as a rule the slash, becomes part of this one */
    previous = &g_array_index(tokens, OshGlobToken, tokens->len - 1);
    if (previous->kind == OSH_GLOB_TOKEN_DEEP_FIRST || previous->kind == OSH_GLOB_TOKEN_DEEP_LAST)
        return;
    g_clear_pointer(&previous->branches, g_ptr_array_unref);
    previous->kind = last ? OSH_GLOB_TOKEN_DEEP_LAST : OSH_GLOB_TOKEN_DEEP_BETWEEN;
}

static GArray *parse_branch(Parser *parser);

static gboolean
parse_braces(Parser *parser, GArray *tokens)
{
    OshGlobToken token = {.kind = OSH_GLOB_TOKEN_ALTERNATIVES};

    if (++parser->depth > OSH_GLOB_MAX_NESTING)
        return fail(parser, "braces nested too deeply");
    token.branches = g_ptr_array_new_with_free_func(osh_glob_tokens_free);
    g_array_append_val(tokens, token);
    for (;;) {
        GArray *branch = parse_branch(parser);

        if (branch == NULL)
            return FALSE;
        g_ptr_array_add(token.branches, branch);
        if (at_end(parser))
            return fail(parser, "an unclosed '{'");
        if (parser->text[parser->cursor++] == '}')
            break;
    }
    parser->depth--;
    return TRUE;
}

/* Up to the end, or inside braces up to the comma or brace that ends the branch. */
static GArray *
parse_branch(Parser *parser)
{
    GArray *tokens = tokens_new();

    while (!at_end(parser)) {
        gint before = parser->cursor > 0 ? parser->text[parser->cursor - 1] : -1;
        char c = parser->text[parser->cursor];
        gboolean good = TRUE;

        if (parser->depth > 0 && (c == ',' || c == '}'))
            return tokens;
        parser->cursor++;
        switch (c) {
        case '*':
            if (next_is(parser, '*')) {
                parser->cursor++;
                parse_two_stars(parser, tokens, before);
            } else {
                push(tokens, OSH_GLOB_TOKEN_RUN, 0);
            }
            break;
        case '?':
            push(tokens, OSH_GLOB_TOKEN_ONE, 0);
            break;
        case '[':
            good = parse_class(parser, tokens);
            break;
        case '{':
            good = parse_braces(parser, tokens);
            break;
        case '}':
            good = fail(parser, "an unmatched '}'");
            break;
        case '\\':
            if (at_end(parser))
                good = fail(parser, "a '\\' with nothing after it");
            else
                push(tokens, OSH_GLOB_TOKEN_BYTE, (guchar)parser->text[parser->cursor++]);
            break;
        default:
            push(tokens, OSH_GLOB_TOKEN_BYTE, (guchar)c);
            break;
        }
        if (!good) {
            osh_glob_tokens_free(tokens);
            return NULL;
        }
    }
    return tokens;
}

/* The class of a selector ends at the first bracket after its first character. */
static gboolean
parse_selector_class(Parser *parser, GArray *tokens)
{
    gboolean negated = next_is(parser, '!');
    const char *from = parser->text + parser->cursor + negated;
    const char *end = parser->text + parser->length;
    const char *close = end - from > 1 ? memchr(from + 1, ']', (gsize)(end - from - 1)) : NULL;
    OshGlobSet set = {{0}};

    if (close == NULL)
        return fail(parser, "an unclosed '['");
    for (const char *p = from; p < close; p++) {
        guchar low = (guchar)*p;
        gboolean range = close - p > 2 && p[1] == '-';

        /* a range that runs backwards holds nothing */
        if (!range || low <= (guchar)p[2])
            set_add(&set, low, range ? (guchar)p[2] : low);
        p += range ? 2 : 0;
    }
    parser->cursor = (gsize)(close + 1 - parser->text);
    push_set(parser, tokens, set, negated);
    return TRUE;
}

static gboolean
parse_selector_stars(Parser *parser, GArray *tokens)
{
    gsize start = parser->cursor - 1;
    gsize count = 1;

    for (; next_is(parser, '*'); parser->cursor++)
        count++;
    if (count == 1) {
        push(tokens, OSH_GLOB_TOKEN_EVERYTHING, 0);
        return TRUE;
    }
    if (count > 2)
        return fail(parser, "more than two '*' in a row");
    if ((start > 0 && parser->text[start - 1] != '/') || (!at_end(parser) && !next_is(parser, '/')))
        return fail(parser, "a '**' that is not a whole component");
    parser->cursor += !at_end(parser);
    push(tokens, OSH_GLOB_TOKEN_DEEP_OPTIONAL, 0);
    return TRUE;
}

static GArray *
parse_selector(Parser *parser)
{
    GArray *tokens = tokens_new();
    gboolean good = TRUE;

    while (good && !at_end(parser)) {
        char c = parser->text[parser->cursor++];

        if (c == '*')
            good = parse_selector_stars(parser, tokens);
        else if (c == '[')
            good = parse_selector_class(parser, tokens);
        else
            push(tokens, c == '?' ? OSH_GLOB_TOKEN_ANY : OSH_GLOB_TOKEN_BYTE, (guchar)c);
    }
    if (!good)
        g_clear_pointer(&tokens, osh_glob_tokens_free);
    return tokens;
}

static GString *
translate(const char *pattern, char separator)
{
    GString *text = g_string_new(NULL);

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == separator && separator != '/') {
            g_string_append_c(text, '/');
            g_string_append_c(text, separator);
            g_string_append_c(text, '/');
        } else {
            g_string_append_c(text, *p == '/' && separator != '/' ? HIDDEN_SLASH : *p);
        }
    }
    return text;
}

GArray *
osh_glob_parse(const char *pattern, char separator, GArray *sets, GError **error)
{
    g_autoptr(GString) translated = NULL;
    Parser parser = {.sets = sets, .error = error};
    GArray *tokens;

    if (separator == OSH_GLOB_SELECTOR) {
        parser.text = pattern;
        parser.length = strlen(pattern);
        return parse_selector(&parser);
    }
    translated = translate(pattern, separator);
    parser.text = translated->str;
    parser.length = translated->len;
    tokens = parse_branch(&parser);
    /* two stars alone, however they are spelt, are everything */
    if (tokens != NULL && tokens->len == 1 &&
        g_array_index(tokens, OshGlobToken, 0).kind == OSH_GLOB_TOKEN_DEEP_FIRST)
        g_array_index(tokens, OshGlobToken, 0).kind = OSH_GLOB_TOKEN_EVERYTHING;
    return tokens;
}
