/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokens a text has; the rows say them with one letter each. */
#include "graphql-lexer.h"

#include <string.h>

#define LIMIT 1000

/* A text with its length, since some hold a NUL. */
#define TEXT(literal) (literal), sizeof(literal) - 1

typedef struct {
    const char *sentence;
    const char *text;
    gsize length;
    const char
        *tokens; /* n for a name, 0 for a number, s for a string; ! alone at the end: refused */
} Row;

static const Row rows[] = {
    {"nothing", TEXT(""), ""},
    {"nothing-but-what-is-ignored", TEXT(" \t\r\n,,\xef\xbb\xbf# x"), ""},
    {"every-punctuator", TEXT("!$&()...:=@[]{|}"), "!$&().:=@[]{|}"},
    {"names-of-letters-digits-and-underscores", TEXT("a _b C9 __d"), "nnnn"},
    {"a-byte-order-mark-ends-a-name",
     TEXT("a\xef\xbb\xbf"
          "b"),
     "nn"},
    {"a-comment-ends-at-a-line-feed", TEXT("# a\nb"), "n"},
    {"a-comment-ends-at-a-carriage-return", TEXT("# a\rb"), "n"},
    {"a-comment-does-not-end-at-a-unicode-line-separator", TEXT("# a\xe2\x80\xa8 b\nc"), "n"},
    {"a-number-sign-in-a-string-begins-no-comment", TEXT("\"#\" a"), "sn"},
    {"whole-numbers", TEXT("0 -0 7 -12 1234567890123456789012345"), "00000"},
    {"floats", TEXT("0.5 -1.25 1e5 1E+5 1.5e-10 0e0"), "000000"},
    {"a-number-ends-before-a-punctuator", TEXT("1)2]3}4:5,6"), "0)0]0}0:00"},
    {"a-needless-zero", TEXT("01"), "!"},
    {"a-needless-zero-behind-a-minus", TEXT("-00"), "!"},
    {"a-plus", TEXT("+1"), "!"},
    {"a-minus-alone", TEXT("-"), "!"},
    {"a-minus-before-a-name", TEXT("-a"), "!"},
    {"a-dot-behind-a-number", TEXT("1."), "!"},
    {"a-dot-behind-a-float", TEXT("1.2.3"), "!"},
    {"three-dots-behind-a-number", TEXT("1...a"), "!"},
    {"a-dot-before-a-number", TEXT(".5"), "!"},
    {"an-exponent-without-digits", TEXT("1e"), "!"},
    {"an-exponent-with-only-a-sign", TEXT("1e+"), "!"},
    {"a-name-behind-a-number", TEXT("1a"), "!"},
    {"an-underscore-behind-a-number", TEXT("1_0"), "!"},
    {"hexadecimal", TEXT("0xF"), "!"},
    {"two-dots", TEXT(".."), "!"},
    {"four-dots", TEXT("...."), ".!"},
    {"an-empty-string", TEXT("\"\" a"), "sn"},
    {"two-empty-strings-are-not-a-block-string", TEXT("\"\" \"\""), "ss"},
    {"a-string-with-every-escape", TEXT("\"\\\" \\\\ \\/ \\b\\f\\n\\r\\t\" a"), "sn"},
    {"a-string-that-ends-in-a-backslash", TEXT("\"\\\\\" a"), "sn"},
    {"a-string-with-an-escaped-quote", TEXT("\"\\\" a"), "!"},
    {"a-string-with-a-character-of-three-bytes", TEXT("\"\xe2\x82\xac\" a"), "sn"},
    {"four-digits-of-unicode", TEXT("\"\\u00e9\\uD7FF\\uE000\" a"), "sn"},
    {"a-quote-as-unicode-ends-nothing", TEXT("\"\\u0022 b\" a"), "sn"},
    {"braced-unicode", TEXT("\"\\u{9}\\u{1F600}\\u{10FFFF}\" a"), "sn"},
    {"a-surrogate-pair", TEXT("\"\\uD83D\\uDE00\" a"), "sn"},
    {"half-of-a-pair", TEXT("\"\\uD83D\""), "!"},
    {"half-of-a-pair-before-a-character", TEXT("\"\\uD83D\\u0041\""), "!"},
    {"half-of-a-pair-before-a-braced-half", TEXT("\"\\uD83D\\u{DE00}\""), "!"},
    {"the-second-half-first", TEXT("\"\\uDE00\\uD83D\""), "!"},
    {"two-second-halves", TEXT("\"\\uDE00\\uDE00\""), "!"},
    {"half-of-a-pair-in-braces", TEXT("\"\\u{D83D}\""), "!"},
    {"a-character-beyond-unicode", TEXT("\"\\u{110000}\""), "!"},
    {"a-number-that-wraps-around", TEXT("\"\\u{100000041}\""), "!"},
    {"no-digits-in-braces", TEXT("\"\\u{}\""), "!"},
    {"braces-that-stay-open", TEXT("\"\\u{41\""), "!"},
    {"three-digits-of-unicode", TEXT("\"\\u041\""), "!"},
    {"unicode-at-the-end", TEXT("\"\\u04"), "!"},
    {"an-unknown-escape", TEXT("\"\\x41\""), "!"},
    {"an-escape-at-the-end", TEXT("\"\\"), "!"},
    {"an-escaped-nul", TEXT("\"\\\0\""), "!"},
    {"a-line-feed-in-a-string", TEXT("\"a\nb\""), "!"},
    {"a-carriage-return-in-a-string", TEXT("\"a\rb\""), "!"},
    {"a-string-that-stays-open", TEXT("\"a"), "!"},
    {"a-block-string", TEXT("\"\"\"a\nb\"\"\" c"), "sn"},
    {"an-empty-block-string", TEXT("\"\"\"\"\"\" c"), "sn"},
    {"quotes-in-a-block-string", TEXT("\"\"\"one \" two \"\" three\"\"\" c"), "sn"},
    {"three-quotes-with-a-backslash-do-not-end-it", TEXT("\"\"\"a \\\"\"\" b\"\"\" c"), "sn"},
    {"a-backslash-before-three-quotes-alone", TEXT("\"\"\"\\\"\"\" c"), "!"},
    {"two-backslashes-do-not-undo-each-other", TEXT("\"\"\"\\\\\"\"\" c"), "!"},
    {"a-backslash-of-a-block-string-escapes-nothing-else", TEXT("\"\"\"\\u{zz}\"\"\" c"), "sn"},
    {"a-comment-in-a-block-string-is-none", TEXT("\"\"\"# x\"\"\" c"), "sn"},
    {"a-block-string-that-stays-open", TEXT("\"\"\"a\"\""), "!"},
    {"five-quotes", TEXT("\"\"\"\"\""), "!"},
    {"a-nul", TEXT("a \0 b"), "n!"},
    {"a-nul-in-a-comment", TEXT("a # \0\n b"), "n!"},
    {"a-nul-in-a-string", TEXT("\"\0\""), "!"},
    {"a-control-character-in-a-block-string", TEXT("\"\"\"\x01\"\"\""), "!"},
    {"a-vertical-tab", TEXT("a\vb"), "n!"},
    {"a-form-feed-in-a-comment", TEXT("# \f\na"), "!"},
    {"a-no-break-space",
     TEXT("a\xc2\xa0"
          "b"),
     "n!"},
    {"a-letter-that-is-not-ascii", TEXT("caf\xc3\xa9"), "n!"},
    {"a-wide-letter", TEXT("\xef\xbd\x84"), "!"},
    {"an-escape-outside-of-a-string", TEXT("\\u0061"), "!"},
    {"a-semicolon", TEXT("a;b"), "n!"},
    {"a-percent-sign", TEXT("%"), "!"},
    {"a-single-quote", TEXT("'a'"), "!"},
    {"half-of-a-byte-order-mark", TEXT("a\xef\xbb"), "n!"},
};

static char
letter(int token)
{
    switch (token) {
    case GRAPHQL_NAME:
        return 'n';
    case GRAPHQL_NUMBER:
        return '0';
    case GRAPHQL_STRING:
        return 's';
    case GRAPHQL_BAD:
        return '!';
    default:
        return (char)token;
    }
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    /* A copy of exactly that size: a byte that is read too far is noticed. */
    g_autofree char *copy = g_memdup2(row->text, MAX(row->length, 1));
    g_autoptr(GString) found = g_string_new(NULL);
    GraphqlLexer lexer;

    graphql_lexer_init(&lexer, (OshSpan){copy, row->length}, LIMIT);
    for (; lexer.token != GRAPHQL_END && lexer.token != GRAPHQL_BAD; graphql_lexer_next(&lexer))
        g_string_append_c(found, letter(lexer.token));
    if (lexer.token == GRAPHQL_BAD) {
        g_string_append_c(found, '!');
        g_assert_cmpint(lexer.problem, ==, GRAPHQL_SYNTAX);
        graphql_lexer_next(&lexer);
        g_assert_cmpint(lexer.token, ==, GRAPHQL_BAD);
    }
    g_assert_cmpstr(found->str, ==, row->tokens);
}

static void
test_the_text_of_a_token(void)
{
    GraphqlLexer lexer;

    graphql_lexer_init(&lexer, osh_span(" query ,\"a\\\"b\" ...-1.5 "), LIMIT);
    g_assert_true(graphql_lexer_is(&lexer, "query"));
    g_assert_false(graphql_lexer_is(&lexer, "quer"));
    g_assert_false(graphql_lexer_is(&lexer, "queryy"));
    graphql_lexer_next(&lexer);
    g_assert_true(graphql_span_equal(lexer.text, osh_span("\"a\\\"b\"")));
    g_assert_false(graphql_lexer_is(&lexer, "\"a\\\"b\""));
    graphql_lexer_next(&lexer);
    g_assert_true(graphql_span_equal(lexer.text, osh_span("...")));
    graphql_lexer_next(&lexer);
    g_assert_true(graphql_span_equal(lexer.text, osh_span("-1.5")));
    graphql_lexer_next(&lexer);
    g_assert_cmpint(lexer.token, ==, GRAPHQL_END);
    graphql_lexer_next(&lexer);
    g_assert_cmpint(lexer.token, ==, GRAPHQL_END);
    g_assert_cmpuint(lexer.n_tokens, ==, 4);
}

static void
test_tokens_are_counted(void)
{
    GraphqlLexer lexer;

    graphql_lexer_init(&lexer, osh_span("a b # c d\n,,"), 2);
    graphql_lexer_next(&lexer);
    graphql_lexer_next(&lexer);
    g_assert_cmpint(lexer.token, ==, GRAPHQL_END);
    graphql_lexer_init(&lexer, osh_span("a b c"), 2);
    graphql_lexer_next(&lexer);
    g_assert_cmpint(lexer.token, ==, GRAPHQL_NAME);
    graphql_lexer_next(&lexer);
    g_assert_cmpint(lexer.token, ==, GRAPHQL_BAD);
    g_assert_cmpint(lexer.problem, ==, GRAPHQL_TOKENS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/lexer/", rows[i].sentence, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/l7-graphql/lexer/the-text-of-a-token", test_the_text_of_a_token);
    g_test_add_func("/l7-graphql/lexer/tokens-are-counted", test_tokens_are_counted);
    return g_test_run();
}
