/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.c: tokens of a GraphQL document. [any]
 *
 * Two readers of one document must see the same tokens, so this one takes no liberties: a number
 * ends where the specification says, half of a surrogate pair is no character, and a control
 * character other than tab and the line ends stands nowhere. It reads each byte once and allocates
 * nothing.
 */
#include "graphql-lexer.h"

#include <string.h>

#define BOM        "\xef\xbb\xbf"
#define BLOCK      "\"\"\""
#define BLOCK_QUOT "\\\"\"\""

static gboolean
is_name_start(char c)
{
    return g_ascii_isalpha(c) || c == '_';
}

static gboolean
is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* A character that a comment or a string may hold. */
static gboolean
is_source(char c)
{
    return (guchar)c >= 0x20 || c == '\t' || is_line_end(c);
}

static gboolean
is_next(const GraphqlLexer *lexer, const char *text)
{
    gsize length = strlen(text);

    return (gsize)(lexer->end - lexer->at) >= length && memcmp(lexer->at, text, length) == 0;
}

/* Returns: the character that follows, or NUL at the end. */
static char
peek(const GraphqlLexer *lexer)
{
    return lexer->at < lexer->end ? *lexer->at : '\0';
}

static void
fail(GraphqlLexer *lexer, GraphqlProblem problem)
{
    lexer->token = GRAPHQL_BAD;
    lexer->problem = problem;
}

/* Up to the line end. Returns: FALSE at a control character. */
static gboolean
skip_comment(GraphqlLexer *lexer)
{
    while (lexer->at < lexer->end && !is_line_end(*lexer->at)) {
        if (!is_source(*lexer->at))
            return FALSE;
        lexer->at++;
    }
    return TRUE;
}

static gboolean
skip_ignored(GraphqlLexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;

        if (c == '#') {
            if (!skip_comment(lexer))
                return FALSE;
        } else if (c == ' ' || c == '\t' || c == ',' || is_line_end(c)) {
            lexer->at++;
        } else if (is_next(lexer, BOM)) {
            lexer->at += strlen(BOM);
        } else {
            return TRUE;
        }
    }
    return TRUE;
}

/* --- Names and numbers -------------------------------------------------------------------------
 */

static void
read_name(GraphqlLexer *lexer)
{
    while (lexer->at < lexer->end && (is_name_start(*lexer->at) || g_ascii_isdigit(*lexer->at)))
        lexer->at++;
    lexer->token = GRAPHQL_NAME;
}

/* Returns: FALSE where there is none. */
static gboolean
read_digits(GraphqlLexer *lexer)
{
    const char *first = lexer->at;

    while (g_ascii_isdigit(peek(lexer)))
        lexer->at++;
    return lexer->at > first;
}

/* The whole part has no needless zero in front. */
static gboolean
read_whole(GraphqlLexer *lexer)
{
    if (peek(lexer) == '-')
        lexer->at++;
    if (peek(lexer) != '0')
        return read_digits(lexer);
    lexer->at++;
    return TRUE;
}

static gboolean
read_fraction(GraphqlLexer *lexer)
{
    if (peek(lexer) != '.')
        return TRUE;
    lexer->at++;
    return read_digits(lexer);
}

static gboolean
read_exponent(GraphqlLexer *lexer)
{
    if (peek(lexer) != 'e' && peek(lexer) != 'E')
        return TRUE;
    lexer->at++;
    if (peek(lexer) == '+' || peek(lexer) == '-')
        lexer->at++;
    return read_digits(lexer);
}

/* Sections 2.9.1 and 2.9.2: neither a digit, a dot nor a name follows. */
static void
read_number(GraphqlLexer *lexer)
{
    gboolean is_read = read_whole(lexer) && read_fraction(lexer) && read_exponent(lexer);
    char next = peek(lexer);

    lexer->token = GRAPHQL_NUMBER;
    if (!is_read || g_ascii_isdigit(next) || next == '.' || is_name_start(next))
        fail(lexer, GRAPHQL_SYNTAX);
}

/* --- Strings -----------------------------------------------------------------------------------
 */

#define SURROGATE_FIRST 0xd800u
#define SURROGATE_LOW   0xdc00u
#define SURROGATE_LAST  0xdfffu
#define CHARACTER_LAST  0x10ffffu

/* Returns: FALSE unless exactly four follow. */
static gboolean
read_four_digits(GraphqlLexer *lexer, guint32 *ret_value)
{
    *ret_value = 0;
    if (lexer->end - lexer->at < 4)
        return FALSE;
    for (guint i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(*lexer->at++);

        if (digit < 0)
            return FALSE;
        *ret_value = *ret_value * 16 + (guint32)digit;
    }
    return TRUE;
}

/* Behind the opening brace, up to the closing one. */
static gboolean
read_braced_digits(GraphqlLexer *lexer, guint32 *ret_value)
{
    const char *first = lexer->at;

    for (*ret_value = 0; lexer->at < lexer->end && *lexer->at != '}'; lexer->at++) {
        int digit = g_ascii_xdigit_value(*lexer->at);

        if (digit < 0)
            return FALSE;
        *ret_value = *ret_value * 16 + (guint32)digit;
        if (*ret_value > CHARACTER_LAST)
            return FALSE;
    }
    return lexer->at < lexer->end && lexer->at++ > first;
}

/* Behind `\u`: one character, where two escapes of four digits may be its two halves. */
static gboolean
read_unicode(GraphqlLexer *lexer)
{
    guint32 value;

    if (peek(lexer) == '{') {
        lexer->at++;
        return read_braced_digits(lexer, &value) &&
               (value < SURROGATE_FIRST || value > SURROGATE_LAST);
    }
    if (!read_four_digits(lexer, &value))
        return FALSE;
    if (value < SURROGATE_FIRST || value > SURROGATE_LAST)
        return TRUE;
    if (value >= SURROGATE_LOW || !is_next(lexer, "\\u"))
        return FALSE;
    lexer->at += 2;
    return read_four_digits(lexer, &value) && value >= SURROGATE_LOW && value <= SURROGATE_LAST;
}

static gboolean
read_escape(GraphqlLexer *lexer)
{
    char c;

    lexer->at++;
    c = peek(lexer);
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return FALSE;
    lexer->at++;
    return c != 'u' || read_unicode(lexer);
}

static gboolean
read_string(GraphqlLexer *lexer)
{
    lexer->at++;
    while (lexer->at < lexer->end) {
        char c = *lexer->at;

        if (c == '"') {
            lexer->at++;
            return TRUE;
        }
        if (is_line_end(c) || !is_source(c))
            return FALSE;
        if (c != '\\')
            lexer->at++;
        else if (!read_escape(lexer))
            return FALSE;
    }
    return FALSE;
}

/* Three quotes end it, unless a backslash stands before them. */
static gboolean
read_block_string(GraphqlLexer *lexer)
{
    lexer->at += strlen(BLOCK);
    while (lexer->at < lexer->end) {
        if (is_next(lexer, BLOCK)) {
            lexer->at += strlen(BLOCK);
            return TRUE;
        }
        if (is_next(lexer, BLOCK_QUOT))
            lexer->at += strlen(BLOCK_QUOT);
        else if (is_source(*lexer->at))
            lexer->at++;
        else
            return FALSE;
    }
    return FALSE;
}

static void
read_any_string(GraphqlLexer *lexer)
{
    gboolean is_read = is_next(lexer, BLOCK) ? read_block_string(lexer) : read_string(lexer);

    lexer->token = GRAPHQL_STRING;
    if (!is_read)
        fail(lexer, GRAPHQL_SYNTAX);
}

/* --- Tokens ------------------------------------------------------------------------------------
 */

static void
read_punctuator(GraphqlLexer *lexer)
{
    char c = *lexer->at;

    lexer->token = c;
    if (is_next(lexer, "..."))
        lexer->at += 3;
    else if (c != '\0' && strchr("!$&():=@[]{|}", c) != NULL)
        lexer->at++;
    else
        fail(lexer, GRAPHQL_SYNTAX);
}

void
graphql_lexer_next(GraphqlLexer *lexer)
{
    const char *first;
    char c;

    if (lexer->token == GRAPHQL_BAD)
        return;
    if (!skip_ignored(lexer)) {
        fail(lexer, GRAPHQL_SYNTAX);
        return;
    }
    first = lexer->at;
    lexer->text = (OshSpan){first, 0};
    lexer->token = GRAPHQL_END;
    if (first == lexer->end)
        return;
    if (lexer->n_tokens++ == lexer->max_tokens) {
        fail(lexer, GRAPHQL_TOKENS);
        return;
    }
    c = *first;
    if (is_name_start(c))
        read_name(lexer);
    else if (g_ascii_isdigit(c) || c == '-')
        read_number(lexer);
    else if (c == '"')
        read_any_string(lexer);
    else
        read_punctuator(lexer);
    lexer->text.length = (gsize)(lexer->at - first);
}

void
graphql_lexer_init(GraphqlLexer *lexer, OshSpan text, guint max_tokens)
{
    *lexer = (GraphqlLexer){.start = text.length > 0 ? text.data : "", .max_tokens = max_tokens};
    lexer->at = lexer->start;
    lexer->end = lexer->start + text.length;
    lexer->token = GRAPHQL_NAME;
    graphql_lexer_next(lexer);
}

gboolean
graphql_span_equal(OshSpan a, OshSpan b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

gboolean
graphql_lexer_is(const GraphqlLexer *lexer, const char *word)
{
    return lexer->token == GRAPHQL_NAME && graphql_span_equal(lexer->text, osh_span(word));
}
