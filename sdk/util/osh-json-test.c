/* SPDX-License-Identifier: Apache-2.0 */
/* What is strict about JSON here, and a public corpus of what parsers get wrong. */
#include "osh-json.h"

#include <string.h>

/* Rows of tests/corpora/json. */
#define N_PARSING   318
#define N_TRANSFORM 22

static OshJsonProblem
problem_with(OshSpan text, const OshJsonLimits *limits)
{
    OshJsonProblem problem = OSH_JSON_SYNTAX;
    json_t *value = osh_json_load(text, limits, &problem);

    g_assert_cmpint(value != NULL, ==, problem == OSH_JSON_OK);
    json_decref(value);
    return problem;
}

static OshJsonProblem
problem_of(const char *text)
{
    return problem_with(osh_span(text), NULL);
}

static void
test_a_nul_is_refused_wherever_it_stands(void)
{
    const OshSpan texts[] = {
        OSH_SPAN_INIT("[1\0,2]"),
        OSH_SPAN_INIT("{\"a\":1\0}"),
        OSH_SPAN_INIT("[true\0]"),
        OSH_SPAN_INIT("[]\0"),
        OSH_SPAN_INIT("\0[]"),
        OSH_SPAN_INIT("[\"a\0b\"]"),
        OSH_SPAN_INIT("[\"\\\0\"]"),
        OSH_SPAN_INIT("1\0"),
        OSH_SPAN_INIT("[\"\\u0000\"]"),
        OSH_SPAN_INIT("{\"\\u0000\":1}"),
        OSH_SPAN_INIT("\0"),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_cmpint(problem_with(texts[i], NULL), ==, OSH_JSON_NUL);
}

static void
test_a_member_name_occurs_once(void)
{
    g_assert_cmpint(problem_of("{\"a\":1,\"a\":1}"), ==, OSH_JSON_DUPLICATE);
    g_assert_cmpint(problem_of("{\"a\":1,\"\\u0061\":2}"), ==, OSH_JSON_DUPLICATE);
    g_assert_cmpint(problem_of("[[{\"b\":{\"a\":1,\"c\":2,\"a\":3}}]]"), ==, OSH_JSON_DUPLICATE);
    g_assert_cmpint(problem_of("{\"a\":{\"a\":1},\"A\":1}"), ==, OSH_JSON_OK);
}

static void
test_text_is_utf8_and_nothing_stands_behind_the_value(void)
{
    static const char *const not_utf8[] = {
        "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc3\"", "\xe9",
    };
    static const char *const syntax[] = {
        "",     " ",   "\xef\xbb\xbf{}",     "{}x",      "{}{}",        "[1]\n[2]", "{\"a\":1,}",
        "[1,]", "'a'", "[1] /* a */",        "NaN",      "\"\\ud800\"", "01",       "+1",
        "[",    "\"a", "\"\\udc00\\ud800\"", "\"a\nb\"", "\"\\x41\"",   "tru",      "{a:1}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(not_utf8); i++)
        g_assert_cmpint(problem_of(not_utf8[i]), ==, OSH_JSON_NOT_UTF8);
    for (gsize i = 0; i < G_N_ELEMENTS(syntax); i++)
        g_assert_cmpint(problem_of(syntax[i]), ==, OSH_JSON_SYNTAX);
    g_assert_cmpint(problem_with((OshSpan){NULL, 0}, NULL), ==, OSH_JSON_SYNTAX);
    g_assert_cmpint(problem_of(" \r\n\t{}\n "), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_of("\"a\""), ==, OSH_JSON_OK);
}

static char *
nested(guint depth)
{
    g_autofree char *open = g_strnfill(depth, '[');
    g_autofree char *shut = g_strnfill(depth, ']');

    return g_strconcat(open, shut, NULL);
}

static void
test_depth_is_limited_before_anything_is_read(void)
{
    g_autofree char *fits = nested(OSH_JSON_MAX_DEPTH);
    g_autofree char *deeper = nested(OSH_JSON_MAX_DEPTH + 1);
    g_autofree char *deepest = nested(1024);
    g_autofree char *beyond = nested(1025);
    g_autofree char *open = g_strnfill(100000, '[');
    OshJsonLimits limits = {.max_depth = G_MAXUINT};

    g_assert_cmpint(problem_of(fits), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_of(deeper), ==, OSH_JSON_TOO_DEEP);
    g_assert_cmpint(problem_of(open), ==, OSH_JSON_TOO_DEEP);
    g_assert_cmpint(problem_with(osh_span(deepest), &limits), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span(beyond), &limits), ==, OSH_JSON_TOO_DEEP);
    /* Brackets in strings are none, also behind an escaped quotation mark. */
    limits.max_depth = 1;
    g_assert_cmpint(problem_with(osh_span("[\"[[{\\\"[[\",\"\\\\\"]"), &limits), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span("[\"\\\\\",[]]"), &limits), ==, OSH_JSON_TOO_DEEP);
    g_assert_cmpint(problem_with(osh_span("[1]"), &limits), ==, OSH_JSON_OK);
}

static void
test_length_and_number_of_values_are_limited(void)
{
    const OshJsonLimits values = {.max_values = 4};
    const OshJsonLimits bytes = {.max_bytes = 5};

    g_assert_cmpint(problem_with(osh_span("[1,2,3,4]"), &values), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span("[1,2,3,4,5]"), &values), ==, OSH_JSON_TOO_MANY);
    g_assert_cmpint(problem_with(osh_span("[[[[]]]]"), &values), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span("[[[[[]]]]]"), &values), ==, OSH_JSON_TOO_MANY);
    g_assert_cmpint(problem_with(osh_span("[\",,,,,,\"]"), &values), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span("[1,2]"), &bytes), ==, OSH_JSON_OK);
    g_assert_cmpint(problem_with(osh_span("[1,2] "), &bytes), ==, OSH_JSON_TOO_LONG);
}

static void
test_numbers_out_of_range_are_refused_or_become_doubles(void)
{
    static const char large[] = "[18446744073709551616,7]";
    const OshJsonLimits limits = {.flags = OSH_JSON_LARGE_INTEGERS};
    OshJsonProblem problem;
    json_t *value;

    g_assert_cmpint(problem_of("[1e400]"), ==, OSH_JSON_NUMBER);
    g_assert_cmpint(problem_of(large), ==, OSH_JSON_NUMBER);
    g_assert_cmpint(problem_with(osh_span("[1e400]"), &limits), ==, OSH_JSON_NUMBER);
    value = osh_json_load(osh_span(large), &limits, &problem);
    g_assert_cmpint(problem, ==, OSH_JSON_OK);
    g_assert_cmpfloat(json_number_value(json_array_get(value, 0)), ==, 18446744073709551616.0);
    g_assert_true(json_is_real(json_array_get(value, 1)));
    json_decref(value);
    value = osh_json_load(osh_span("[9223372036854775807]"), &limits, NULL);
    g_assert_cmpint(json_integer_value(json_array_get(value, 0)), ==, G_MAXINT64);
    json_decref(value);
}

static const char *
confusable(const char *text)
{
    static const char *const known[] = {"method", "id", "task", NULL};
    json_t *object = osh_json_load(osh_span(text), NULL, NULL);
    const char *found;

    g_assert_nonnull(object);
    found = osh_json_confusable(object, known);
    json_decref(object);
    return found;
}

static void
test_a_name_that_differs_in_letter_case_alone_is_found(void)
{
    g_assert_null(confusable("{\"method\":1,\"id\":2,\"methods\":3,\"\":4}"));
    g_assert_cmpstr(confusable("{\"Method\":1}"), ==, "method");
    g_assert_cmpstr(confusable("{\"method\":1,\"x\":0,\"METHOD\":1}"), ==, "method");
    g_assert_cmpstr(confusable("{\"iD\":1}"), ==, "id");
    /* U+212A is a k and U+017F an s to readers that fold letters as Unicode does. */
    g_assert_cmpstr(confusable("{\"tas\\u212a\":1}"), ==, "task");
    g_assert_cmpstr(confusable("{\"ta\\u017Fk\":1}"), ==, "task");
    g_assert_null(confusable("{\"t\\u00e4sk\":1}"));
    g_assert_null(confusable("[1]"));
    g_assert_null(osh_json_confusable(NULL, NULL));
}

static gboolean
collide(const char *text)
{
    json_t *object = osh_json_load(osh_span(text), NULL, NULL);
    gboolean found = osh_json_names_collide(object);

    g_assert_nonnull(object);
    json_decref(object);
    return found;
}

static void
test_two_names_that_differ_in_letter_case_alone_are_found(void)
{
    g_assert_true(collide("{\"path\":1,\"x\":2,\"Path\":3}"));
    g_assert_true(collide("{\"task\":1,\"tas\\u212a\":3}"));
    g_assert_true(collide("{\"\\u00c4\":1,\"\\u00e4\":3}"));
    g_assert_false(collide("{\"path\":{\"Path\":1},\"paths\":2}"));
    g_assert_false(collide("[\"a\",\"A\"]"));
    g_assert_false(collide("{}"));
}

static void
test_problems_have_words_of_their_own(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (OshJsonProblem problem = OSH_JSON_OK; problem <= OSH_JSON_SYNTAX; problem++)
        g_assert_true(g_hash_table_add(seen, (gpointer)osh_json_problem_words(problem)));
}

static void
test_text_of_a_string_is_its_bytes(void)
{
    json_t *string = osh_json_load(osh_span("\"a\\u00e9\""), NULL, NULL);
    json_t *number = osh_json_load(osh_span("5"), NULL, NULL);
    OshSpan text = osh_json_text(string);

    g_assert_cmpmem(text.data, text.length, "a\xc3\xa9", 3);
    g_assert_null(osh_json_text(number).data);
    g_assert_null(osh_json_text(NULL).data);
    json_decref(string);
    json_decref(number);
}

/* Where the rules here are stricter than the corpus; its NOTICE names them. */
static gboolean
is_stricter(const char *name)
{
    static const char *const stricter[] = {
        "y_object_duplicated_key.json",
        "y_object_duplicated_key_and_value.json",
        "y_object_escaped_null_in_key.json",
        "y_string_null_escape.json",
        NULL,
    };
    g_autofree char *file =
        g_str_has_suffix(name, ".json") ? g_strdup(name) : g_strconcat(name, ".json", NULL);

    return g_strv_contains(stricter, file);
}

static guint
check_row(const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *expect = json_string_value(json_object_get(row, "expect"));
    gsize length;
    g_autofree char *data =
        (char *)g_base64_decode(json_string_value(json_object_get(row, "data")), &length);
    gboolean accepted = problem_with((OshSpan){data, length}, NULL) == OSH_JSON_OK;
    gboolean right = TRUE;

    if (is_stricter(name))
        right = !accepted;
    else if (g_strcmp0(expect, "accept") == 0)
        right = accepted;
    else if (g_strcmp0(expect, "refuse") == 0)
        right = !accepted;
    if (!right)
        g_test_message("%s: %s", name, accepted ? "accepted" : "refused");
    return right ? 0 : 1;
}

static guint
check_rows(const char *name, guint *ret_failed)
{
    g_autofree char *path = g_build_filename(g_getenv("OSH_TEST_CORPORA"), "json", name, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint rows = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (; lines[rows] != NULL && lines[rows][0] != '\0'; rows++) {
        json_t *row = osh_json_load(osh_span(lines[rows]), NULL, NULL);

        g_assert_nonnull(row);
        *ret_failed += check_row(row);
        json_decref(row);
    }
    return rows;
}

static void
test_the_public_corpus_is_read_as_it_should_be(void)
{
    guint failed = 0;

    g_assert_cmpuint(check_rows("parsing.jsonl", &failed), ==, N_PARSING);
    g_assert_cmpuint(check_rows("transform.jsonl", &failed), ==, N_TRANSFORM);
    g_assert_cmpuint(failed, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/a-nul-is-refused-wherever-it-stands",
                    test_a_nul_is_refused_wherever_it_stands);
    g_test_add_func("/json/a-member-name-occurs-once", test_a_member_name_occurs_once);
    g_test_add_func("/json/text-is-utf8-and-nothing-stands-behind-the-value",
                    test_text_is_utf8_and_nothing_stands_behind_the_value);
    g_test_add_func("/json/depth-is-limited-before-anything-is-read",
                    test_depth_is_limited_before_anything_is_read);
    g_test_add_func("/json/length-and-number-of-values-are-limited",
                    test_length_and_number_of_values_are_limited);
    g_test_add_func("/json/numbers-out-of-range-are-refused-or-become-doubles",
                    test_numbers_out_of_range_are_refused_or_become_doubles);
    g_test_add_func("/json/a-name-that-differs-in-letter-case-alone-is-found",
                    test_a_name_that_differs_in_letter_case_alone_is_found);
    g_test_add_func("/json/two-names-that-differ-in-letter-case-alone-are-found",
                    test_two_names_that_differ_in_letter_case_alone_are_found);
    g_test_add_func("/json/problems-have-words-of-their-own",
                    test_problems_have_words_of_their_own);
    g_test_add_func("/json/text-of-a-string-is-its-bytes", test_text_of_a_string_is_its_bytes);
    g_test_add_func("/json/the-public-corpus-is-read-as-it-should-be",
                    test_the_public_corpus_is_read_as_it_should_be);
    return g_test_run();
}
