/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told: an error of JSON-RPC with the id of its call, or OpenShell's words. */
#include "jsonrpc-fixture.h"

#include <string.h>

static const OshInspectionDenial denial = {
    .struct_size = sizeof denial,
    .reason = "tools/call rm is not permitted by policy",
    .policy = "tools",
    .event = 7,
    .by_policy = TRUE,
};

static JsonrpcInspection *
inspect(const char *version, const char *body)
{
    const char *fields[] = {"mcp-protocol-version", version, NULL};

    return jsonrpc_fixture_inspect(&(JsonrpcAsked){
        .fields = fields,
        .versions = "2025-03-26,2025-06-18,2025-11-25",
        .body = osh_span(body),
    });
}

static json_t *
body_of(const OshInspectionRefusal *refusal)
{
    json_t *body;

    g_assert_nonnull(refusal);
    g_assert_cmpstr(refusal->media_type, ==, "application/json");
    body = osh_json_load(refusal->body, NULL, NULL);
    g_assert_nonnull(body);
    return body;
}

static const char *
text_at(json_t *object, const char *first, const char *second, const char *third)
{
    json_t *value = json_object_get(object, first);

    if (second != NULL)
        value = json_object_get(value, second);
    return json_string_value(third != NULL ? json_object_get(value, third) : value);
}

static void
test_a_call_is_answered_by_an_error_with_its_id(void)
{
    g_autoptr(JsonrpcInspection) inspection =
        inspect("2025-11-25", "{\"jsonrpc\":\"2.0\",\"id\":\"c-1\",\"method\":\"tools/call\","
                              "\"params\":{\"name\":\"rm\",\"arguments\":{\"k\":\"secret\"}}}");
    const OshInspectionRefusal *refusal = jsonrpc_refusal_make(inspection, &denial);
    json_t *body = body_of(refusal);
    g_autofree char *text = g_strndup(refusal->body.data, refusal->body.length);

    g_assert_cmpuint(refusal->status, ==, 200);
    g_assert_null(refusal->fields);
    g_assert_cmpstr(text_at(body, "jsonrpc", NULL, NULL), ==, "2.0");
    g_assert_cmpstr(text_at(body, "id", NULL, NULL), ==, "c-1");
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(body, "error"), "code")), ==,
                    -32050);
    g_assert_nonnull(strstr(text_at(body, "error", "message", NULL), denial.reason));
    g_assert_cmpstr(text_at(body, "error", "data", "error"), ==, "policy_denied");
    g_assert_cmpstr(text_at(body, "error", "data", "policy"), ==, "tools");
    g_assert_cmpstr(text_at(body, "error", "data", "detail"), ==, denial.reason);
    g_assert_cmpstr(text_at(body, "error", "data", "id"), ==, "e7");
    g_assert_cmpstr(text_at(body, "error", "data", "layer"), ==, "l7");
    g_assert_cmpstr(text_at(body, "error", "data", "protocol"), ==, "mcp");
    g_assert_cmpstr(text_at(body, "error", "data", "rule"), ==, "POST /mcp");
    g_assert_cmpstr(text_at(body, "error", "data", "host"), ==, "mcp.example");
    g_assert_null(strstr(text, "secret"));
    json_decref(body);
}

static void
test_a_number_as_id_comes_back_as_it_was(void)
{
    g_autoptr(JsonrpcInspection) inspection =
        inspect("2025-11-25", "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"method\":\"ping\"}");
    json_t *body = body_of(jsonrpc_refusal_make(inspection, &denial));

    g_assert_cmpint(json_integer_value(json_object_get(body, "id")), ==,
                    G_GINT64_CONSTANT(9007199254740993));
    json_decref(body);
}

static void
test_every_call_of_a_batch_is_answered(void)
{
    g_autoptr(JsonrpcInspection) inspection =
        inspect("2025-03-26", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},"
                              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"},"
                              "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
                              "\"name\":\"rm\"}}]");
    json_t *body = body_of(jsonrpc_refusal_make(inspection, &denial));

    g_assert_cmpuint(json_array_size(body), ==, 2);
    g_assert_cmpint(json_integer_value(json_object_get(json_array_get(body, 1), "id")), ==, 2);
    json_decref(body);
}

static void
test_who_waits_for_no_answer_gets_none(void)
{
    static const char *const bodies[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(JsonrpcInspection) inspection = inspect("2025-11-25", bodies[i]);

        g_assert_null(jsonrpc_refusal_make(inspection, &denial));
    }
}

static void
test_what_cannot_be_read_is_an_error_without_an_id(void)
{
    static const struct {
        const char *body;
        gint64 code;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\"", -32700},
        {"{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"a\"}", -32600},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(JsonrpcInspection) inspection = inspect("2025-11-25", rows[i].body);
        const OshInspectionRefusal *refusal = jsonrpc_refusal_make(inspection, &denial);
        json_t *body = body_of(refusal);
        json_t *error = json_object_get(body, "error");

        g_assert_cmpuint(refusal->status, ==, 400);
        g_assert_true(json_is_null(json_object_get(body, "id")));
        g_assert_cmpint(json_integer_value(json_object_get(error, "code")), ==, rows[i].code);
        g_assert_nonnull(json_object_get(json_object_get(error, "data"), "kind"));
        json_decref(body);
    }
}

static void
test_revisions_are_refused_in_the_words_of_openshell(void)
{
    g_autoptr(JsonrpcInspection) inspection =
        inspect("2024-01-01", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    const OshInspectionRefusal *refusal;
    json_t *body;

    inspection->plain_refusals = TRUE;
    refusal = jsonrpc_refusal_make(inspection, &denial);
    body = body_of(refusal);
    g_assert_cmpuint(refusal->status, ==, 400);
    g_assert_cmpstr(text_at(body, "error", NULL, NULL), ==, "unsupported_mcp_protocol_version");
    g_assert_cmpstr(text_at(body, "protocol", NULL, NULL), ==, "mcp");
    g_assert_cmpstr(text_at(body, "path", NULL, NULL), ==, "/mcp");
    g_assert_nonnull(text_at(body, "detail", NULL, NULL));
    json_decref(body);
}

static void
test_the_newest_revision_names_the_method_that_it_allows(void)
{
    static const char *const fields[] = {"mcp-protocol-version", "2026-07-28", NULL};
    g_autoptr(JsonrpcInspection) inspection = jsonrpc_fixture_inspect(&(JsonrpcAsked){
        .method = "DELETE", .fields = fields, .versions = "2026-07-28", .body = osh_span("")});
    const OshInspectionRefusal *refusal = jsonrpc_refusal_make(inspection, &denial);

    g_assert_cmpuint(refusal->status, ==, 405);
    g_assert_cmpstr(refusal->fields[0], ==, "Allow");
    g_assert_cmpstr(refusal->fields[1], ==, "POST");
    g_assert_null(refusal->fields[2]);
}

static void
test_the_words_of_openshell_are_left_to_the_carrier(void)
{
    g_autoptr(JsonrpcInspection) inspection =
        inspect("2025-11-25", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");

    inspection->plain_refusals = TRUE;
    g_assert_null(jsonrpc_refusal_make(inspection, &denial));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-jsonrpc/refusal/a-call-is-answered-by-an-error-with-its-id",
                    test_a_call_is_answered_by_an_error_with_its_id);
    g_test_add_func("/l7-jsonrpc/refusal/a-number-as-id-comes-back-as-it-was",
                    test_a_number_as_id_comes_back_as_it_was);
    g_test_add_func("/l7-jsonrpc/refusal/every-call-of-a-batch-is-answered",
                    test_every_call_of_a_batch_is_answered);
    g_test_add_func("/l7-jsonrpc/refusal/who-waits-for-no-answer-gets-none",
                    test_who_waits_for_no_answer_gets_none);
    g_test_add_func("/l7-jsonrpc/refusal/what-cannot-be-read-is-an-error-without-an-id",
                    test_what_cannot_be_read_is_an_error_without_an_id);
    g_test_add_func("/l7-jsonrpc/refusal/revisions-are-refused-in-the-words-of-openshell",
                    test_revisions_are_refused_in_the_words_of_openshell);
    g_test_add_func("/l7-jsonrpc/refusal/the-newest-revision-names-the-method-that-it-allows",
                    test_the_newest_revision_names_the_method_that_it_allows);
    g_test_add_func("/l7-jsonrpc/refusal/the-words-of-openshell-are-left-to-the-carrier",
                    test_the_words_of_openshell_are_left_to_the_carrier);
    return g_test_run();
}
