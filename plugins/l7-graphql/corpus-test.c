/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corpus tests/corpora/graphql: documents, requests over HTTP and texts of a WebSocket, each
 * through a whole inspection; what is found is one of the right outcomes. A document stands in the
 * body of a POST.
 */
#include "graphql-fixture.h"

#include <jansson.h>
#include <string.h>

#define N_ROWS 220

static const char *
text_member(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static GBytes *
document_of(json_t *row)
{
    GString *text = g_string_new(text_member(row, "document"));
    json_t *pieces = json_object_get(row, "document_pieces");

    for (gsize i = 0; i < json_array_size(pieces); i++) {
        json_t *piece = json_array_get(pieces, i);

        for (json_int_t n = json_integer_value(json_array_get(piece, 1)); n > 0; n--)
            g_string_append(text, json_string_value(json_array_get(piece, 0)));
    }
    return g_string_free_to_bytes(text);
}

/* As a client would send it. */
static char *
body_of_document(json_t *row)
{
    g_autoptr(GBytes) document = document_of(row);
    json_t *given = json_object_get(row, "document");
    json_t *query = json_is_string(given) ? json_incref(given)
                                          : json_stringn(g_bytes_get_data(document, NULL),
                                                         g_bytes_get_size(document));
    json_t *body = json_pack("{s:o}", "query", query);
    char *text;

    if (json_object_get(row, "operationName") != NULL)
        json_object_set(body, "operationName", json_object_get(row, "operationName"));
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static GBytes *
content_of(json_t *row, const char *kind)
{
    const char *encoded = text_member(row, "body_base64");
    json_t *body = json_object_get(row, "body");

    if (encoded != NULL) {
        gsize length;
        guchar *data = g_base64_decode(encoded, &length);

        return g_bytes_new_take(data, length);
    }
    if (strcmp(kind, "document") == 0) {
        char *text = body_of_document(row);

        return g_bytes_new_with_free_func(text, strlen(text), free, text);
    }
    return g_bytes_new(json_string_value(body), json_string_length(body));
}

/* --- What is expected, in the words of the fixture ---------------------------------------------
 */

static void
append_operation(GString *text, json_t *operation)
{
    static const char *const front[] = {"type", "name"};
    static const char *const back[] = {"hash", "id"};
    json_t *fields = json_object_get(operation, "fields");

    for (gsize i = 0; i < G_N_ELEMENTS(front); i++)
        if (text_member(operation, front[i]) != NULL)
            g_string_append_printf(text, "%s ", text_member(operation, front[i]));
    g_string_append_c(text, '{');
    for (gsize i = 0; i < json_array_size(fields); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               json_string_value(json_array_get(fields, i)));
    g_string_append_c(text, '}');
    if (json_is_true(json_object_get(operation, "persisted")))
        g_string_append(text, " persisted");
    for (gsize i = 0; i < G_N_ELEMENTS(back); i++)
        if (text_member(operation, back[i]) != NULL)
            g_string_append_printf(text, " %s=%s", back[i], text_member(operation, back[i]));
}

static gboolean
is_outcome(json_t *outcome, const char *found)
{
    json_t *operations = json_object_get(outcome, "operations");
    g_autoptr(GString) text = g_string_new(NULL);

    if (text_member(outcome, "error") != NULL)
        return g_str_has_prefix(found, "error: ");
    if (text_member(outcome, "control") != NULL)
        g_string_append_printf(text, "control: %s", text_member(outcome, "control"));
    for (gsize i = 0; i < json_array_size(operations); i++) {
        g_string_append(text, i > 0 ? "; " : "");
        append_operation(text, json_array_get(operations, i));
    }
    return strcmp(text->str, found) == 0;
}

static gboolean
is_right(json_t *row, const char *found)
{
    json_t *expect = json_object_get(row, "expect");

    for (gsize i = 0; i < json_array_size(expect); i++)
        if (is_outcome(json_array_get(expect, i), found))
            return TRUE;
    return FALSE;
}

static gboolean
check_row(const GraphqlFixture *fixture, json_t *row)
{
    const char *kind = text_member(row, "kind");
    json_t *headers = json_object_get(row, "headers");
    g_autoptr(GBytes) content = content_of(row, kind);
    GraphqlMessage message = {
        .method = text_member(row, "method"),
        .target = text_member(row, "target"),
        .content_type = text_member(headers, "Content-Type"),
        .content_encoding = text_member(headers, "Content-Encoding"),
        .content = {g_bytes_get_data(content, NULL), g_bytes_get_size(content)},
        .limit = 1024 * 1024};
    g_autofree char *found = NULL;

    if (strcmp(kind, "request") != 0) {
        message.method = strcmp(kind, "document") == 0 ? "POST" : "WEBSOCKET_TEXT";
        message.content_type = "application/json";
    }
    found = graphql_fixture_inspect(fixture, &message);
    if (is_right(row, found))
        return TRUE;
    g_test_message("%s: %s", text_member(row, "id"), found);
    return FALSE;
}

static void
test_every_row(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("OSH_TEST_CORPORA"), "graphql", "cases.jsonl", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GraphqlFixture fixture;
    guint n = 0;
    guint wrong = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    graphql_fixture_init(&fixture, NULL, NULL);
    for (gsize i = 0; lines[i] != NULL; i++) {
        json_t *row = lines[i][0] != '\0' ? json_loads(lines[i], JSON_ALLOW_NUL, NULL) : NULL;

        if (lines[i][0] == '\0')
            continue;
        g_assert_nonnull(row);
        wrong += check_row(&fixture, row) ? 0 : 1;
        n++;
        json_decref(row);
    }
    graphql_fixture_clear(&fixture);
    g_assert_cmpuint(n, ==, N_ROWS);
    g_assert_cmpuint(wrong, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-graphql/corpus/every-row-has-a-right-outcome", test_every_row);
    return g_test_run();
}
