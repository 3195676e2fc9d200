/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonrpc-corpus.c: every case of tests/corpora/jsonrpc through the inspector, and what the policy
 * engine then decides by the rules of the case. Each is fed whole, byte by byte and in pieces.
 */
#include <string.h>

#include "jsonrpc-fixture.h"
#include "policy.h"

#define N_CASES 202

/* What the carrier refuses before there is an inspection. */
#define OF_THE_CARRIER "unsupported_l7_protocol"

static const char *
text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A list as value is several fields. Values are bytes, one for each character. */
static void
add_field(GPtrArray *fields, const char *name, const json_t *value)
{
    if (json_is_array(value)) {
        for (gsize i = 0; i < json_array_size(value); i++)
            add_field(fields, name, json_array_get(value, i));
        return;
    }
    g_ptr_array_add(fields, g_ascii_strdown(name, -1));
    g_ptr_array_add(
        fields, g_convert(json_string_value(value), -1, "ISO-8859-1", "UTF-8", NULL, NULL, NULL));
}

static GPtrArray *
read_fields(const json_t *headers)
{
    GPtrArray *fields = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)headers, name, value) add_field(fields, name, value);
    g_ptr_array_add(fields, NULL);
    return fields;
}

static char *
read_versions(const json_t *mcp)
{
    const json_t *list = json_object_get(mcp, "versions");
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < json_array_size(list); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "",
                               json_string_value(json_array_get(list, i)));
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

static char *
read_body(const json_t *row, gsize *ret_length)
{
    const char *encoded = text_of(row, "body_base64");

    if (encoded != NULL)
        return (char *)g_base64_decode(encoded, ret_length);
    *ret_length = json_string_length(json_object_get(row, "body"));
    return g_memdup2(json_string_value(json_object_get(row, "body")), *ret_length);
}

/* --- Which outcome it is -----------------------------------------------------------------------
 */

static const OshFact *
find(const OshFact *facts, gsize n, const char *name)
{
    for (gsize i = 0; i < n; i++)
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
    return NULL;
}

static const OshFact *
find_fact(const JsonrpcInspection *inspection, const char *name)
{
    return find((const OshFact *)(gconstpointer)inspection->facts.facts->data,
                inspection->facts.facts->len, name);
}

static gboolean
is_text(const OshFact *fact, const json_t *text)
{
    return fact != NULL && json_is_string(text) &&
           fact->value.string.length == json_string_length(text) &&
           memcmp(fact->value.string.data, json_string_value(text), json_string_length(text)) == 0;
}

static gboolean
params_are(const OshFact *params, const json_t *expected)
{
    if (params == NULL || params->count != json_array_size(expected))
        return FALSE;
    for (guint i = 0; i < params->count; i++) {
        const OshFactRecord *record = &params->value.records[i];
        const json_t *pair = json_array_get(expected, i);
        const OshFact *value = find(record->fields, record->n_fields, "value");

        if (!is_text(find(record->fields, record->n_fields, "key"), json_array_get(pair, 0)))
            return FALSE;
        if (json_array_size(pair) > 1 ? !is_text(value, json_array_get(pair, 1)) : value != NULL)
            return FALSE;
    }
    return TRUE;
}

static gboolean
calls_are(const OshFact *calls, const json_t *expected)
{
    if (calls == NULL || calls->count != json_array_size(expected))
        return FALSE;
    for (guint i = 0; i < calls->count; i++) {
        const OshFactRecord *call = &calls->value.records[i];
        const json_t *wanted = json_array_get(expected, i);
        const json_t *params = json_object_get(wanted, "params");

        if (!is_text(find(call->fields, call->n_fields, "method"),
                     json_object_get(wanted, "method")))
            return FALSE;
        if (params != NULL && !params_are(find(call->fields, call->n_fields, "params"), params))
            return FALSE;
    }
    return TRUE;
}

static gboolean
flag_is(const JsonrpcInspection *inspection, const char *name, const json_t *expected)
{
    const OshFact *fact = find_fact(inspection, name);

    return expected == NULL ||
           (fact != NULL && fact->value.boolean) == (json_is_true(expected) != 0);
}

static gboolean
error_is(const JsonrpcInspection *inspection, const char *kind)
{
    const OshFact *error = find_fact(inspection, OSH_FACT_JSONRPC_ERROR);

    return error != NULL && error->value.string.length > strlen(kind) &&
           memcmp(error->value.string.data, kind, strlen(kind)) == 0 &&
           error->value.string.data[strlen(kind)] == ':';
}

/* The answer is the client's: its status and the word for programs. */
static gboolean
answer_is(JsonrpcInspection *inspection, const json_t *answer)
{
    const OshInspectionDenial denial = {.struct_size = sizeof denial, .reason = "no"};
    const OshInspectionRefusal *refusal;
    json_t *body;
    gboolean equal;

    if (g_str_equal(text_of(answer, "error"), OF_THE_CARRIER))
        return TRUE;
    refusal = jsonrpc_refusal_make(inspection, &denial);
    if (refusal == NULL || !error_is(inspection, text_of(answer, "error")))
        return FALSE;
    body = osh_json_load(refusal->body, NULL, NULL);
    equal = refusal->status == json_integer_value(json_object_get(answer, "status")) &&
            g_strcmp0(text_of(body, "error"), text_of(answer, "error")) == 0;
    json_decref(body);
    return equal;
}

static gboolean
has_no_message(const JsonrpcInspection *inspection)
{
    const OshFact *calls = find_fact(inspection, OSH_FACT_JSONRPC_CALLS);

    return (calls == NULL || calls->count == 0) &&
           find_fact(inspection, OSH_FACT_JSONRPC_ERROR) == NULL &&
           flag_is(inspection, OSH_FACT_JSONRPC_RESPONSE, json_false()) &&
           flag_is(inspection, OSH_FACT_JSONRPC_RECEIVE_STREAM, json_false());
}

static gboolean
outcome_is(JsonrpcInspection *inspection, const json_t *expected)
{
    if (json_object_get(expected, "error") != NULL)
        return error_is(inspection, text_of(expected, "error"));
    if (json_object_get(expected, "answer") != NULL)
        return answer_is(inspection, json_object_get(expected, "answer"));
    if (json_object_get(expected, "no_message") != NULL)
        return has_no_message(inspection);
    return calls_are(find_fact(inspection, OSH_FACT_JSONRPC_CALLS),
                     json_object_get(expected, "calls")) &&
           flag_is(inspection, OSH_FACT_JSONRPC_RESPONSE, json_object_get(expected, "response")) &&
           flag_is(inspection, OSH_FACT_JSONRPC_RECEIVE_STREAM,
                   json_object_get(expected, "receive_stream"));
}

/* --- What the policy says ----------------------------------------------------------------------
 */

static char *
policy_text(const json_t *row, const char *enforcement)
{
    json_t *endpoint = json_pack("{s:s, s:i, s:s, s:s}", "host", "mcp.example", "port", 443,
                                 "protocol", text_of(row, "protocol"), "enforcement", enforcement);
    json_t *policy =
        json_pack("{s:i, s:{s:{s:s, s:[O], s:[{s:s}]}}}", "version", 1, "network_policies", "p",
                  "name", "p", "endpoints", endpoint, "binaries", "path", "/usr/bin/client");
    char *dumped;
    char *text;

    /* JSON is YAML; what the endpoint says besides stands in the row as it stands there. One
     * without rules would not load: it allows what MCP has, which must not save what the row
     * refuses. */
    json_object_update(endpoint, json_object_get(row, "policy"));
    if (json_object_get(endpoint, "rules") == NULL)
        json_object_update_new(json_object_get(endpoint, "mcp"),
                               json_pack("{s:b}", "allow_all_known_mcp_methods", 1));
    dumped = json_dumps(policy, 0);
    text = g_strdup(dumped);
    free(dumped);
    json_decref(endpoint);
    json_decref(policy);
    return text;
}

static void
add_fact(GArray *facts, OshFact fact)
{
    g_array_append_val(facts, fact);
}

/* Returns: whether it passes, where a denial is only recorded. */
static gboolean
decide(const json_t *row, const JsonrpcInspection *inspection, const char *enforcement,
       gboolean *ret_is_hard)
{
    g_autofree char *text = policy_text(row, enforcement);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GArray) facts = g_array_new(FALSE, FALSE, sizeof(OshFact));
    const OshPolicyLoadRequest request = {
        .text = text, .length = strlen(text), .file_name = "row.yaml", .generation = 1};
    OshPolicySnapshot *snapshot = osh_policy_load(&request, diagnostics);
    OshPolicyVerdict verdict;
    gboolean allowed;

    if (snapshot == NULL)
        g_error("%s: its policy does not load: %s", text_of(row, "id"), text);
    add_fact(facts, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span("mcp.example")));
    add_fact(facts, (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443));
    add_fact(facts,
             (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span("/usr/bin/client")));
    add_fact(facts, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span("/mcp")));
    add_fact(facts, (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD,
                                                  osh_span(text_of(row, "method"))));
    g_array_append_vals(facts, inspection->facts.facts->data, inspection->facts.facts->len);
    osh_policy_decide(
        snapshot, &(OshFacts){(const OshFact *)(gconstpointer)facts->data, facts->len}, &verdict);
    allowed = verdict.action == OSH_POLICY_ALLOW;
    *ret_is_hard = verdict.hard;
    osh_policy_verdict_clear(&verdict);
    osh_policy_snapshot_unref(snapshot);
    return allowed;
}

/* --- Cases -------------------------------------------------------------------------------------
 */

static JsonrpcInspection *
inspect(const json_t *row, gsize piece)
{
    const json_t *mcp = json_object_get(json_object_get(row, "policy"), "mcp");
    g_autoptr(GPtrArray) fields = read_fields(json_object_get(row, "headers"));
    g_autofree char *versions = read_versions(mcp);
    gsize length;
    g_autofree char *body = read_body(row, &length);

    return jsonrpc_fixture_inspect(&(JsonrpcAsked){
        .protocol = text_of(row, "protocol"),
        .method = text_of(row, "method"),
        .fields = (const char *const *)fields->pdata,
        .versions = versions,
        .loose_names = json_is_false(json_object_get(mcp, "strict_tool_names")),
        .body = {body != NULL ? body : "", length},
        .piece = piece,
    });
}

static gboolean
check_decision(const json_t *row, JsonrpcInspection *inspection)
{
    const char *decision = text_of(row, "decision");
    const json_t *first = json_array_get(json_object_get(row, "expect"), 0);
    gboolean is_hard;

    if (decision == NULL ||
        g_strcmp0(text_of(json_object_get(first, "answer"), "error"), OF_THE_CARRIER) == 0)
        return TRUE;
    if (decide(row, inspection, "enforce", &is_hard) != g_str_equal(decision, "allow"))
        return FALSE;
    /* What is wrong with the message itself is refused in audit mode too. */
    (void)decide(row, inspection, "audit", &is_hard);
    return inspection->problem.kind == JSONRPC_FINE || is_hard;
}

static gboolean
check_case(const json_t *row)
{
    static const gsize pieces[] = {1, 3, 17};
    const json_t *expect = json_object_get(row, "expect");
    g_autoptr(JsonrpcInspection) inspection = inspect(row, 0);
    g_autofree char *facts = jsonrpc_fixture_facts(inspection);
    gboolean right = FALSE;

    for (gsize i = 0; i < json_array_size(expect) && !right; i++)
        right = outcome_is(inspection, json_array_get(expect, i));
    for (gsize i = 0; i < G_N_ELEMENTS(pieces) && right; i++) {
        g_autoptr(JsonrpcInspection) again = inspect(row, pieces[i]);
        g_autofree char *same = jsonrpc_fixture_facts(again);

        right = g_str_equal(facts, same);
    }
    if (!right || !check_decision(row, inspection)) {
        g_test_message("%s: %s: %s", text_of(row, "id"), right ? "decided otherwise" : "read as",
                       facts);
        return FALSE;
    }
    return TRUE;
}

static void
test_cases(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("OSH_TEST_CORPORA"), "jsonrpc", "cases.jsonl", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint failed = 0;
    guint rows = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (; lines[rows] != NULL && lines[rows][0] != '\0'; rows++) {
        json_t *row = json_loads(lines[rows], JSON_ALLOW_NUL, NULL);

        g_assert_nonnull(row);
        failed += check_case(row) ? 0 : 1;
        json_decref(row);
    }
    g_assert_cmpuint(rows, ==, N_CASES);
    g_assert_cmpuint(failed, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vectors/jsonrpc/every-case-is-read-and-decided-as-it-should-be", test_cases);
    return g_test_run();
}
