/* SPDX-License-Identifier: Apache-2.0 */
/* What a document is, and which operation with which fields a server runs. */
#include "graphql-document.h"

#include <string.h>

#define LIMIT_TOKENS 200
#define LIMIT_DEPTH  6

static const GraphqlLimits limits = {LIMIT_TOKENS, LIMIT_DEPTH, 1};

typedef struct {
    const char *sentence;
    const char *text;
    const char *name;  /* that is asked for; NULL for none */
    const char *found; /* KIND NAME: FIELDS; NULL: refused */
    GraphqlProblem problem;
} Row;

#define SYNTAX NULL, NULL, GRAPHQL_SYNTAX

static const Row rows[] = {
    /* Definitions. */
    {"a-selection-alone-is-a-query", "{ a }", NULL, "query : a", 0},
    {"a-query-without-a-name", "query { a }", NULL, "query : a", 0},
    {"a-query-with-a-name", "query A { a { b } }", NULL, "query A: a", 0},
    {"a-mutation", "mutation M { a }", NULL, "mutation M: a", 0},
    {"a-subscription", "subscription S { a }", NULL, "subscription S: a", 0},
    {"an-operation-named-like-a-keyword", "query fragment { on }", NULL, "query fragment: on", 0},
    {"fields-named-like-keywords", "{ query mutation fragment on true null }", NULL,
     "query : fragment mutation null on query true", 0},
    {"a-description-of-a-query", "\"about it\" query A { a }", NULL, "query A: a", 0},
    {"a-description-in-a-block-string", "\"\"\"mutation { b }\"\"\" query { a }", NULL, "query : a",
     0},
    {"a-description-of-a-fragment", "{ ...F } \"it\" fragment F on Q { a }", NULL, "query : a", 0},
    {"a-selection-alone-has-no-description", "\"it\" { a }", SYNTAX},
    {"two-descriptions", "\"it\" \"it\" query { a }", SYNTAX},
    {"an-unknown-word", "update { a }", SYNTAX},
    {"a-keyword-in-upper-case", "Mutation { a }", SYNTAX},
    {"a-query-without-selection", "query A", SYNTAX},
    {"an-empty-selection", "{ }", SYNTAX},
    {"an-empty-selection-of-a-field", "{ a { } }", SYNTAX},
    {"a-brace-too-many", "{ a } }", SYNTAX},
    {"a-brace-too-few", "{ a { b }", SYNTAX},
    {"a-word-behind", "{ a } b", SYNTAX},
    {"a-byte-that-is-not-utf-8", "{ a(x: \"\xff\") }", SYNTAX},
    {"nothing", "", NULL, NULL, GRAPHQL_NO_OPERATION},
    {"a-comment-alone", "# query { a }", NULL, NULL, GRAPHQL_NO_OPERATION},
    {"a-fragment-alone", "fragment F on Q { a }", NULL, NULL, GRAPHQL_NO_OPERATION},
    {"a-type", "type Q { a: Int } { a }", NULL, NULL, GRAPHQL_NOT_EXECUTABLE},
    {"a-type-with-a-description", "{ a } \"it\" type Q { a: Int }", NULL, NULL,
     GRAPHQL_NOT_EXECUTABLE},
    {"an-extension", "{ a } extend type Q { a: Int }", NULL, NULL, GRAPHQL_NOT_EXECUTABLE},
    {"a-schema", "schema { query: Q }", NULL, NULL, GRAPHQL_NOT_EXECUTABLE},
    {"a-directive-definition", "directive @a on FIELD { a }", NULL, NULL, GRAPHQL_NOT_EXECUTABLE},

    /* Aliases. */
    {"an-alias-hides-no-field", "{ viewer: deleteAll }", NULL, "query : deleteAll", 0},
    {"an-alias-is-no-field", "{ deleteAll: viewer }", NULL, "query : viewer", 0},
    {"an-alias-with-much-between", "{ a # b\n ,:, # c\r d }", NULL, "query : d", 0},
    {"an-alias-of-an-alias", "{ a: b: c }", SYNTAX},
    {"an-alias-of-nothing", "{ a: }", SYNTAX},
    {"fields-are-sorted-and-each-is-there-once", "{ c a b a x: c }", NULL, "query : a b c", 0},
    {"a-shorter-name-comes-first", "{ ab a abc }", NULL, "query : a ab abc", 0},
    {"introspection-is-a-field", "{ __schema { types { name } } __typename }", NULL,
     "query : __schema __typename", 0},

    /* Arguments and values. */
    {"every-value",
     "{ a(a: 1, b: -2.5, c: \"s\", d: true, e: null, f: RED, g: $v, h: [1 [2]], i: "
     "{j: {k: $v}}, l: [], m: {}, n: \"\"\"b\"\"\") b }",
     NULL, "query : a b", 0},
    {"no-argument", "{ a() }", SYNTAX},
    {"an-argument-without-value", "{ a(x:) }", SYNTAX},
    {"an-argument-without-colon", "{ a(x 1) }", SYNTAX},
    {"an-argument-without-name", "{ a(1) }", SYNTAX},
    {"an-open-list", "{ a(x: [1) }", SYNTAX},
    {"a-list-that-a-brace-ends", "{ a(x: [1}) }", SYNTAX},
    {"an-object-that-a-bracket-ends", "{ a(x: {y: 1]) }", SYNTAX},
    {"an-object-without-names", "{ a(x: {1}) }", SYNTAX},
    {"an-object-member-without-value", "{ a(x: {y:}) }", SYNTAX},
    {"a-variable-without-name", "{ a(x: $) }", SYNTAX},
    {"a-selection-in-a-string", "{ a(x: \"} mutation { b }\") }", NULL, "query : a", 0},

    /* Variables. */
    {"variables", "query Q($a: [[A!]!]! = [[1]] @d(x: 1), \"it\" $b: B) { a }", NULL, "query Q: a",
     0},
    {"no-variables", "query () { a }", SYNTAX},
    {"a-variable-as-default", "query ($a: A = $b) { a }", SYNTAX},
    {"a-variable-in-a-default", "query ($a: A = [{b: $b}]) { a }", SYNTAX},
    {"a-variable-in-its-directive", "query ($a: A @d(x: $b)) { a }", SYNTAX},
    {"a-variable-without-type", "query ($a) { a }", SYNTAX},
    {"an-open-type", "query ($a: [A) { a }", SYNTAX},
    {"two-exclamation-marks", "query ($a: A!!) { a }", SYNTAX},
    {"variables-of-a-selection-alone", "($a: A) { a }", SYNTAX},

    /* Directives. */
    {"directives-everywhere",
     "query @a { a @skip(if: true) { b } ...F @include(if: false) ... @c { d } } fragment F on Q "
     "@e "
     "{ f }",
     NULL, "query : a d f", 0},
    {"a-directive-with-a-variable", "query Q($v: B) @a(x: $v) { a @b(x: [$v]) }", NULL,
     "query Q: a", 0},
    {"a-directive-without-name", "{ a @ }", SYNTAX},

    /* Fragments. */
    {"a-fragment-that-comes-later", "{ ...F } fragment F on Query { deleteAll }", NULL,
     "query : deleteAll", 0},
    {"a-fragment-that-comes-earlier", "fragment F on Query { a } { ...F }", NULL, "query : a", 0},
    {"fragments-in-fragments", "{ x ...A } fragment A on Q { a ...B } fragment B on Q { b }", NULL,
     "query : a b x", 0},
    {"inline-fragments", "{ ... on Q { a ... { b } } ... @d { c } }", NULL, "query : a b c", 0},
    {"an-inline-fragment-below-a-field", "{ a { ... on A { b } } c }", NULL, "query : a c", 0},
    {"a-field-below-an-inline-fragment", "{ ... { a { b { c } } d } e }", NULL, "query : a d e", 0},
    {"a-fragment-below-a-field", "{ a { ...F } } fragment F on A { secret }", NULL, "query : a", 0},
    {"a-fragment-that-is-not-used", "{ a } fragment F on Q { b }", NULL, "query : a", 0},
    {"a-fragment-that-spreads-itself", "{ ...F } fragment F on Q { a ...F }", NULL, "query : a", 0},
    {"fragments-in-a-circle", "{ ...A } fragment A on Q { a ...B } fragment B on Q { b ...A }",
     NULL, "query : a b", 0},
    {"nothing-but-a-circle", "{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }", NULL,
     NULL, GRAPHQL_CYCLE},
    {"a-fragment-that-is-not-there", "{ a ...F }", NULL, NULL, GRAPHQL_NO_FRAGMENT},
    {"a-fragment-in-another-letter-case", "{ a ...f } fragment F on Q { b }", NULL, NULL,
     GRAPHQL_NO_FRAGMENT},
    {"two-fragments-of-one-name", "{ ...F } fragment F on Q { a } fragment F on Q { b }", NULL,
     NULL, GRAPHQL_DUPLICATE},
    {"a-fragment-named-on", "{ a } fragment on on Q { b }", SYNTAX},
    {"a-spread-of-on", "{ ...on }", SYNTAX},
    {"a-fragment-without-type", "{ a } fragment F { b }", SYNTAX},
    {"a-fragment-without-name", "{ a } fragment { b }", SYNTAX},
    {"a-fragment-with-variables", "{ a } fragment F($a: A) on Q { b }", SYNTAX},
    {"a-spread-with-a-selection", "{ ...F { b } } fragment F on Q { a }", SYNTAX},
    {"dots-alone", "{ ... }", SYNTAX},
    {"an-inline-fragment-without-selection", "{ ... on Q }", SYNTAX},

    /* The operation that is asked for. */
    {"the-one-that-is-asked-for", "query A { a } mutation B { b }", "B", "mutation B: b", 0},
    {"none-is-asked-for", "query A { a } mutation B { b }", NULL, NULL, GRAPHQL_AMBIGUOUS},
    {"one-that-is-not-there", "query A { a }", "B", NULL, GRAPHQL_NOT_FOUND},
    {"one-in-another-letter-case", "query A { a }", "a", NULL, GRAPHQL_NOT_FOUND},
    {"a-name-for-one-without", "{ a }", "A", NULL, GRAPHQL_NOT_FOUND},
    {"a-fragment-is-no-operation", "{ a } fragment F on Q { b }", "F", NULL, GRAPHQL_NOT_FOUND},
    {"two-without-a-name", "{ a } { b }", NULL, NULL, GRAPHQL_UNNAMED},
    {"one-without-a-name-beside-others", "{ a } mutation B { b }", "B", NULL, GRAPHQL_UNNAMED},
    {"two-of-one-name", "query A { a } mutation A { b }", "A", NULL, GRAPHQL_DUPLICATE},
    {"two-of-another-name", "query A { a } query B { b } query B { c }", "A", NULL,
     GRAPHQL_DUPLICATE},
    {"a-fragment-may-have-the-name-of-an-operation", "query A { ...A } fragment A on Q { a }", "A",
     "query A: a", 0},
    {"what-stands-in-a-comment-is-not-asked-for", "query A { a } # mutation B { b }\n", "B", NULL,
     GRAPHQL_NOT_FOUND},
    {"what-stands-behind-a-carriage-return-is", "query A { a } # \r mutation B { b }\n", "B",
     "mutation B: b", 0},

    /* Limits: six levels. */
    {"selections-as-deep-as-may-be", "{a{a{a{a{a{a}}}}}}", NULL, "query : a", 0},
    {"selections-too-deep", "{a{a{a{a{a{a{a}}}}}}}", NULL, NULL, GRAPHQL_DEPTH},
    {"inline-fragments-too-deep", "{...{...{...{...{...{...{a}}}}}}}", NULL, NULL, GRAPHQL_DEPTH},
    {"lists-as-deep-as-may-be", "{a(x:[[[[[]]]]])}", NULL, "query : a", 0},
    {"lists-too-deep", "{a(x:[[[[[[]]]]]])}", NULL, NULL, GRAPHQL_DEPTH},
    {"objects-too-deep", "{a(x:{b:{b:{b:{b:{b:{b:1}}}}}})}", NULL, NULL, GRAPHQL_DEPTH},
    {"types-as-deep-as-may-be", "query($a:[[[[[[A]]]]]]){a}", NULL, "query : a", 0},
    {"types-too-deep", "query($a:[[[[[[[A]]]]]]]){a}", NULL, NULL, GRAPHQL_DEPTH},
    {"what-is-closed-is-not-deep", "{a(x:[[[]]]) a(x:[[[]]]){a{a}} ...{a} ...{a}}", NULL,
     "query : a", 0},
};

static const char *const kinds[] = {"query", "mutation", "subscription"};

static char *
describe(const GraphqlDefinition *operation, const GArray *fields)
{
    GString *found = g_string_new(kinds[operation->kind]);

    g_string_append_c(found, ' ');
    g_string_append_len(found, operation->name.data, (gssize)operation->name.length);
    g_string_append_c(found, ':');
    for (guint i = 0; i < fields->len; i++) {
        OshSpan name = g_array_index(fields, OshSpan, i);

        g_string_append_c(found, ' ');
        g_string_append_len(found, name.data, (gssize)name.length);
    }
    return g_string_free(found, FALSE);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    gsize length = strlen(row->text);
    g_autofree char *copy = g_memdup2(row->text, MAX(length, 1));
    GraphqlError error = {GRAPHQL_OK, 0};
    g_autoptr(GraphqlDocument) document =
        graphql_document_parse((OshSpan){copy, length}, &limits, &error);
    g_autoptr(GArray) fields = NULL;
    const GraphqlDefinition *operation =
        document != NULL
            ? graphql_document_operation(document, osh_span(row->name), &fields, &error)
            : NULL;
    g_autofree char *found = operation != NULL ? describe(operation, fields) : NULL;

    g_assert_cmpstr(found, ==, row->found);
    g_assert_cmpint(error.problem, ==, row->problem);
    g_assert_cmpuint(error.offset, <=, length);
}

/* A document that was asked once answers the same again. */
static void
test_an_operation_can_be_asked_for_twice(void)
{
    GraphqlError error;
    g_autoptr(GraphqlDocument) document = graphql_document_parse(
        osh_span("query A { ...F } query B { b ...F } fragment F on Q { f }"), &limits, &error);

    for (guint i = 0; i < 4; i++) {
        g_autoptr(GArray) fields = NULL;
        const GraphqlDefinition *operation =
            graphql_document_operation(document, osh_span(i % 2 ? "B" : "A"), &fields, &error);
        g_autofree char *found = describe(operation, fields);

        g_assert_cmpstr(found, ==, i % 2 ? "query B: b f" : "query A: f");
    }
}

static void
append_times(GString *text, const char *piece, guint times)
{
    for (guint i = 0; i < times; i++)
        g_string_append(text, piece);
}

static void
test_as_many_tokens_as_may_be(void)
{
    g_autoptr(GString) text = g_string_new("{");
    GraphqlError error;

    append_times(text, " a", LIMIT_TOKENS - 2);
    g_string_append_c(text, '}');
    {
        g_autoptr(GraphqlDocument) document =
            graphql_document_parse((OshSpan){text->str, text->len}, &limits, &error);

        g_assert_nonnull(document);
    }
    g_string_insert(text, 1, "b");
    g_assert_null(graphql_document_parse((OshSpan){text->str, text->len}, &limits, &error));
    g_assert_cmpint(error.problem, ==, GRAPHQL_TOKENS);
}

/* Two spreads of the next in each of forty: a walk along each path would not end. */
static void
test_each_fragment_is_taken_once(void)
{
    static const GraphqlLimits wide = {100000, 10, 1};
    g_autoptr(GString) text = g_string_new("{ ...F0 ...F0 }");
    g_autoptr(GraphqlDocument) document = NULL;
    g_autoptr(GArray) fields = NULL;
    GraphqlError error;

    for (guint i = 0; i < 40; i++)
        g_string_append_printf(text, " fragment F%u on Q { ...F%u ...F%u }", i, i + 1, i + 1);
    g_string_append(text, " fragment F40 on Q { deep }");
    document = graphql_document_parse((OshSpan){text->str, text->len}, &wide, &error);
    g_assert_nonnull(graphql_document_operation(document, osh_span(NULL), &fields, &error));
    g_assert_cmpuint(fields->len, ==, 1);
}

/* A reason names the limit and holds nothing of the document. */
static void
test_a_reason_names_the_limit(void)
{
    static const struct {
        GraphqlError error;
        const char *words;
    } reasons[] = {
        {{GRAPHQL_SYNTAX, 4}, "the document is not GraphQL, byte 5"},
        {{GRAPHQL_TOKENS, 4}, "the document has too many tokens: max_tokens is 200"},
        {{GRAPHQL_DEPTH, 4}, "the document is nested too deep: max_depth is 6"},
        {{GRAPHQL_CYCLE, 0}, "the fragments of the document include each other and no field"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        graphql_error_append(text, &reasons[i].error, &limits);
        g_assert_cmpstr(text->str, ==, reasons[i].words);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/document/", rows[i].sentence, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/l7-graphql/document/an-operation-can-be-asked-for-twice",
                    test_an_operation_can_be_asked_for_twice);
    g_test_add_func("/l7-graphql/document/as-many-tokens-as-may-be", test_as_many_tokens_as_may_be);
    g_test_add_func("/l7-graphql/document/each-fragment-is-taken-once",
                    test_each_fragment_is_taken_once);
    g_test_add_func("/l7-graphql/document/a-reason-names-the-limit", test_a_reason_names_the_limit);
    return g_test_run();
}
