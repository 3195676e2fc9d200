/* SPDX-License-Identifier: Apache-2.0 */
/* judge-test.c: requests against the rules of every protocol. */
#include "policy.h"

#include <string.h>

static const char policy_text[] =
    "version: 1\n"
    "network_policies:\n"
    "  rest:\n"
    "    endpoints:\n"
    "      - host: rest.test\n"
    "        port: 1\n"
    "        protocol: rest\n"
    "        enforcement: enforce\n"
    "        rules:\n"
    "          - allow: { method: GET, path: \"/x/**\" }\n"
    "          - allow: { method: POST, path: /q, query: { tag: \"foo-*\" } }\n"
    "          - allow: { method: PUT, path: \"**\" }\n"
    "          - allow: { method: POST, path: /two, query: { page: \"1\", order: up, by: name } }\n"
    "          - allow: { method: POST, path: /two, query: { page: \"1\", order: up } }\n"
    "          - allow: { method: GET, path: /two, query: { page: \"1\" } }\n"
    "        deny_rules:\n"
    "          - { method: GET, path: /x/secret }\n"
    "          - { method: PUT, path: \"**\", query: { force: \"true\" } }\n"
    "      - { host: silent.test, port: 1, protocol: rest, access: read-only }\n"
    "      - { host: broken.test, port: 1, protocol: rest, enforcement: enforce, rules: [{ allow: "
    "{ "
    "method: GET, path: \"/a\" } }, { allow: { method: GET, path: \"/[\" } }] }\n"
    "      - { host: many.test, port: 1, path: \"/v1/**\", protocol: rest, enforcement: enforce, "
    "access: full }\n"
    "      - { host: many.test, port: 1, path: \"/v1/admin/**\", protocol: rest, enforcement: "
    "audit, access: full }\n"
    "      - { host: slash.test, port: 1, path: \"/names/**\", protocol: rest, enforcement: "
    "enforce, "
    "access: read-only, allow_encoded_slash: true }\n"
    "      - { host: slash.test, port: 1, path: \"/paths/**\", protocol: rest, enforcement: audit, "
    "access: read-only }\n"
    "    binaries: [{ path: /b }]\n"
    "  graphql:\n"
    "    endpoints:\n"
    "      - host: graphql.test\n"
    "        port: 1\n"
    "        protocol: graphql\n"
    "        enforcement: enforce\n"
    "        persisted_queries: allow_registered\n"
    "        graphql_persisted_queries: { known: { operation_type: query, fields: [viewer] } }\n"
    "        rules: [{ allow: { operation_type: query } }]\n"
    "        deny_rules: [{ operation_type: query, fields: [secret] }]\n"
    "      - host: unregistered.test\n"
    "        port: 1\n"
    "        protocol: graphql\n"
    "        enforcement: enforce\n"
    "        graphql_persisted_queries: { known: { operation_type: query, fields: [viewer] } }\n"
    "        rules: [{ allow: { operation_type: query } }]\n"
    "    binaries: [{ path: /b }]\n"
    "  websocket:\n"
    "    endpoints:\n"
    "      - host: websocket.test\n"
    "        port: 1\n"
    "        protocol: websocket\n"
    "        enforcement: enforce\n"
    "        rules: [{ allow: { method: GET, path: \"/x/*\" } }]\n"
    "        deny_rules: [{ method: WEBSOCKET_SERVER_TEXT, path: /x/secret }]\n"
    "    binaries: [{ path: /b }]\n"
    "  rpc:\n"
    "    endpoints:\n"
    "      - { host: rpc.test, port: 1, protocol: json-rpc, enforcement: enforce, rules: [{ allow: "
    "{ "
    "method: \"*\" } }] }\n"
    "      - { host: mcp.test, port: 1, protocol: mcp, enforcement: enforce, mcp: { "
    "allow_all_known_mcp_methods: true }, rules: [{ allow: { tool: read } }] }\n"
    "    binaries: [{ path: /b }]\n";

typedef struct {
    const char *sentence;
    const char *host;
    const char *method;
    const char *path;
    const char *query_key;
    const char *query_values[2];
    const char *graphql_fields[2]; /* of one query */
    const char *graphql_hash;      /* of one persisted operation */
    const char *graphql_id;
    const char *rpc_method;
    const char *rpc_tool;
    gboolean rpc_response;
    OshPolicyAction action;
    gboolean hard;
    gboolean rule_missing;
    const char *reason; /* its beginning */
} Row;

static const Row rows[] = {
    {.sentence = "an endpoint may allow encoded slashes",
     .host = "slash.test",
     .method = "GET",
     .path = "/names/a%2Fb",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "its rules still decide",
     .host = "slash.test",
     .method = "PUT",
     .path = "/names/a%2Fb",
     .rule_missing = TRUE,
     .reason = "PUT /names/a%2Fb not permitted by policy"},
    {.sentence = "another endpoint of the host does not, and audit softens nothing",
     .host = "slash.test",
     .method = "GET",
     .path = "/paths/a%2Fb",
     .hard = TRUE,
     .reason = "the path holds an encoded slash; that needs allow_encoded_slash: true in"},
    {.sentence = "nor where a rule refuses it as well",
     .host = "slash.test",
     .method = "PUT",
     .path = "/paths/a%2Fb",
     .hard = TRUE,
     .reason = "PUT /paths/a%2Fb not permitted by policy"},
    {.sentence = "HEAD satisfies a GET rule",
     .host = "rest.test",
     .method = "HEAD",
     .path = "/x/y",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "OPTIONS is not implied",
     .host = "rest.test",
     .method = "OPTIONS",
     .path = "/x/y",
     .rule_missing = TRUE,
     .reason = "OPTIONS /x/y not permitted by policy"},
    {.sentence = "a GET denial also holds for HEAD",
     .host = "rest.test",
     .method = "HEAD",
     .path = "/x/secret",
     .reason = "HEAD /x/secret blocked by deny rule 'GET /x/secret' (line 17 of the policy); "
               "change that rule to allow it: no other rule can"},
    {.sentence = "a GET rule holds for no other method",
     .host = "rest.test",
     .method = "DELETE",
     .path = "/x/y",
     .rule_missing = TRUE,
     .reason = "DELETE /x/y not permitted by policy"},
    {.sentence = "an allow needs every value",
     .host = "rest.test",
     .method = "POST",
     .path = "/q",
     .query_key = "tag",
     .query_values = {"foo-a", "bar"},
     .rule_missing = TRUE,
     .reason = "POST /q not permitted by policy: method and path fit the rule of line 11 of the "
               "policy, the query does not: 'tag' does not match"},
    {.sentence = "a query key that an allow needs is named when it is missing",
     .host = "rest.test",
     .method = "POST",
     .path = "/q",
     .query_key = "secret",
     .query_values = {"value"},
     .rule_missing = TRUE,
     .reason = "POST /q not permitted by policy: method and path fit the rule of line 11 of the "
               "policy, the query does not: 'tag' is missing"},
    {.sentence = "every query key that does not fit is named, of the rule that fits best",
     .host = "rest.test",
     .method = "POST",
     .path = "/two",
     .query_key = "page",
     .query_values = {"secret"},
     .rule_missing = TRUE,
     .reason = "POST /two not permitted by policy: method and path fit the rule of line 14 of the "
               "policy, the query does not: 'page' does not match, 'order' is missing"},
    {.sentence = "an allow takes all matching values",
     .host = "rest.test",
     .method = "POST",
     .path = "/q",
     .query_key = "tag",
     .query_values = {"foo-a", "foo-b"},
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a denial needs any value",
     .host = "rest.test",
     .method = "PUT",
     .path = "/q",
     .query_key = "force",
     .query_values = {"no", "true"},
     .reason = "PUT /q blocked by deny rule 'PUT **' (line 18 of the policy) because of the query "
               "key 'force'; change that rule to allow it: no other rule can"},
    {.sentence = "a denial of another value does not hold",
     .host = "rest.test",
     .method = "PUT",
     .path = "/q",
     .query_key = "force",
     .query_values = {"no", "never"},
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a broken glob denies what an earlier rule allows",
     .host = "broken.test",
     .method = "GET",
     .path = "/a",
     .action = OSH_POLICY_ERROR,
     .hard = TRUE,
     .reason = "policy evaluation failed"},
    {.sentence = "a GraphQL denial needs any field",
     .host = "graphql.test",
     .method = "POST",
     .path = "/",
     .graphql_fields = {"viewer", "secret"},
     .reason = "GraphQL operation blocked by endpoint policy: query of viewer, secret"},
    {.sentence = "a GraphQL query without a denied field passes",
     .host = "graphql.test",
     .method = "POST",
     .path = "/",
     .graphql_fields = {"viewer", "other"},
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a registered hash is judged as registered",
     .host = "graphql.test",
     .method = "POST",
     .path = "/",
     .graphql_hash = "known",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "an id does not rescue an unknown hash",
     .host = "graphql.test",
     .method = "POST",
     .path = "/",
     .graphql_hash = "unknown",
     .graphql_id = "known",
     .reason = "GraphQL persisted query is not registered"},
    {.sentence = "registered queries are denied by default",
     .host = "unregistered.test",
     .method = "POST",
     .path = "/",
     .graphql_hash = "known",
     .reason = "GraphQL persisted query is not registered"},
    {.sentence = "a GraphQL endpoint without GraphQL facts denies",
     .host = "graphql.test",
     .method = "POST",
     .path = "/",
     .reason = "POST / not permitted by policy"},
    {.sentence = "a rule for GET lets the server of a WebSocket speak",
     .host = "websocket.test",
     .method = "WEBSOCKET_SERVER_TEXT",
     .path = "/x/y",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "in bytes as well",
     .host = "websocket.test",
     .method = "websocket_server_binary",
     .path = "/x/secret",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a rule may refuse what the server of a WebSocket says",
     .host = "websocket.test",
     .method = "WEBSOCKET_SERVER_TEXT",
     .path = "/x/secret",
     .reason = "WEBSOCKET_SERVER_TEXT /x/secret blocked by deny rule"},
    {.sentence = "a refusal of what the server says lets the WebSocket open",
     .host = "websocket.test",
     .method = "GET",
     .path = "/x/secret",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a rule for GET lets no client speak",
     .host = "websocket.test",
     .method = "WEBSOCKET_TEXT",
     .path = "/x/y",
     .rule_missing = TRUE,
     .reason = "WEBSOCKET_TEXT /x/y not permitted by policy"},
    {.sentence = "nobody speaks where no rule lets the WebSocket open",
     .host = "websocket.test",
     .method = "WEBSOCKET_SERVER_TEXT",
     .path = "/z",
     .rule_missing = TRUE,
     .reason = "WEBSOCKET_SERVER_TEXT /z not permitted by policy"},
    {.sentence = "a JSON-RPC call is a POST",
     .host = "rpc.test",
     .method = "PUT",
     .path = "/",
     .rpc_method = "a",
     .rule_missing = TRUE,
     .reason = "PUT / not permitted by policy"},
    {.sentence = "a JSON-RPC call passes",
     .host = "rpc.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "a",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a JSON-RPC response is a hard denial",
     .host = "rpc.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "a",
     .rpc_response = TRUE,
     .hard = TRUE,
     .reason = "JSON-RPC response frames are not permitted from client to server"},
    {.sentence = "an MCP client may answer",
     .host = "mcp.test",
     .method = "POST",
     .path = "/",
     .rpc_response = TRUE,
     .action = OSH_POLICY_ALLOW},
    {.sentence = "the method profile passes a method",
     .host = "mcp.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "resources/list",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "the method profile leaves tools to their rules",
     .host = "mcp.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "tools/call",
     .rpc_tool = "write",
     .rule_missing = TRUE,
     .reason = "POST / not permitted by policy"},
    {.sentence = "a listed tool passes",
     .host = "mcp.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "tools/call",
     .rpc_tool = "read",
     .action = OSH_POLICY_ALLOW},
    {.sentence = "a tool call without a name matches no allow",
     .host = "mcp.test",
     .method = "POST",
     .path = "/",
     .rpc_method = "tools/call",
     .rule_missing = TRUE,
     .reason = "POST / not permitted by policy"},
};

static OshPolicySnapshot *
load(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "test.yaml", .generation = 1},
        diagnostics);

    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_error("the policy of a test does not load: %s", messages);
    }
    return policy;
}

static guint
span_list(const char *const *texts, OshSpan *ret_spans)
{
    guint length = 0;

    for (guint i = 0; i < 2 && texts[i] != NULL; i++)
        ret_spans[length++] = osh_span(texts[i]);
    return length;
}

static void
ask(const OshPolicySnapshot *policy, const Row *row, OshPolicyVerdict *ret_verdict)
{
    OshSpan values[2];
    OshSpan fields[2];
    guint n_values = span_list(row->query_values, values);
    guint n_fields = span_list(row->graphql_fields, fields);
    OshFact pair[] = {OSH_FACT_STRING_INIT("key", osh_span(row->query_key)),
                      OSH_FACT_STRINGS_INIT("values", values, n_values)};
    OshFactRecord query = {pair, 2};
    OshFact query_operation[] = {OSH_FACT_STRING_INIT("type", OSH_SPAN_LITERAL("query")),
                                 OSH_FACT_STRINGS_INIT("fields", fields, n_fields)};
    OshFact hash_operation[] = {OSH_FACT_BOOLEAN_INIT("persisted", TRUE),
                                OSH_FACT_STRING_INIT("hash", osh_span(row->graphql_hash)),
                                OSH_FACT_STRING_INIT("id", osh_span(row->graphql_id))};
    OshFactRecord operation = {row->graphql_hash != NULL ? hash_operation : query_operation,
                               row->graphql_hash != NULL ? 3 : 2};
    OshFact tool[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                      OSH_FACT_STRING_INIT("value", osh_span(row->rpc_tool))};
    OshFactRecord param = {tool, 2};
    OshFact method[] = {OSH_FACT_STRING_INIT("method", osh_span(row->rpc_method)),
                        OSH_FACT_RECORDS_INIT("params", &param, row->rpc_tool != NULL ? 1 : 0)};
    OshFactRecord call = {method, 2};
    OshFact facts[10] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(row->host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(row->method)),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(row->path)),
    };
    OshFacts all = {facts, 5};

    if (row->query_key != NULL)
        facts[all.n_facts++] = (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, &query, 1);
    if (n_fields > 0 || row->graphql_hash != NULL)
        facts[all.n_facts++] =
            (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_GRAPHQL_OPERATIONS, &operation, 1);
    if (row->rpc_method != NULL)
        facts[all.n_facts++] = (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, &call, 1);
    if (row->rpc_response)
        facts[all.n_facts++] = (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RESPONSE, TRUE);
    osh_policy_decide(policy, &all, ret_verdict);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(OshPolicySnapshot) policy = load(policy_text);
    g_auto(OshPolicyVerdict) verdict;

    ask(policy, row, &verdict);
    g_assert_cmpint(verdict.action, ==, row->action);
    g_assert_cmpint(verdict.hard, ==, row->hard);
    g_assert_cmpint(verdict.rule_missing, ==, row->rule_missing);
    if (row->reason == NULL) {
        g_assert_null(verdict.reason);
    } else {
        g_autofree char *start = g_strndup(verdict.reason, strlen(row->reason));

        g_assert_cmpstr(start, ==, row->reason);
    }
}

/* Of a batch the reason names the operation that is refused, and of that what is a name. */
static void
test_the_refused_operation_is_named(void)
{
    static const struct {
        const char *type;
        OshSpan name;
        guint n_fields;
        const char *reason;
    } cases[] = {
        {"mutation", OSH_SPAN_INIT("Add"), 1, ": mutation Add of a1"},
        {"query", OSH_SPAN_INIT("Who"), 2, ": query Who of a1, secret"},
        {"query", OSH_SPAN_INIT("a b"), 2, ": query of a1, secret"},
        {"query", OSH_SPAN_INIT(""), 8, ": query of a1, secret, a3, a4, a5, a6 and 2 more"},
    };
    static const OshSpan names[] = {
        OSH_SPAN_INIT("a1"), OSH_SPAN_INIT("secret"), OSH_SPAN_INIT("a3"), OSH_SPAN_INIT("a4"),
        OSH_SPAN_INIT("a5"), OSH_SPAN_INIT("a6"),     OSH_SPAN_INIT("a7"), OSH_SPAN_INIT("a8")};
    static const OshSpan viewer = OSH_SPAN_INIT("viewer");
    g_autoptr(OshPolicySnapshot) policy = load(policy_text);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const OshFact good[] = {osh_fact_string("type", osh_span("query")),
                                osh_fact_strings("fields", &viewer, 1)};
        const OshFact bad[] = {osh_fact_string("type", osh_span(cases[i].type)),
                               osh_fact_string("name", cases[i].name),
                               osh_fact_strings("fields", names, cases[i].n_fields)};
        const OshFactRecord operations[] = {{good, 2}, {bad, 3}, {good, 2}};
        const OshFact facts[] = {osh_fact_string(OSH_FACT_NETWORK_HOST, osh_span("graphql.test")),
                                 osh_fact_integer(OSH_FACT_NETWORK_PORT, 1),
                                 osh_fact_string(OSH_FACT_PROCESS_BINARY, osh_span("/b")),
                                 osh_fact_string(OSH_FACT_REQUEST_METHOD, osh_span("POST")),
                                 osh_fact_string(OSH_FACT_REQUEST_PATH, osh_span("/x")),
                                 osh_fact_records(OSH_FACT_GRAPHQL_OPERATIONS, operations, 3)};
        const OshFacts all = {facts, G_N_ELEMENTS(facts)};
        g_auto(OshPolicyVerdict) verdict;

        osh_policy_decide(policy, &all, &verdict);
        g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
        g_assert_nonnull(strstr(verdict.reason, cases[i].reason));
    }
}

static void
test_selection(void)
{
    static const struct {
        const char *path;
        const char *selected; /* path of the endpoint, NULL: none */
    } paths[] = {
        {"/v1", "/v1/**"}, {"/v1/x", "/v1/**"}, {"/v1x", NULL}, {"/v1/admin/x", "/v1/admin/**"},
        {"/other", NULL},
    };
    g_autoptr(OshPolicySnapshot) policy = load(policy_text);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        const Row row = {.host = "many.test", .method = "GET", .path = paths[i].path};
        g_auto(OshPolicyVerdict) verdict;

        ask(policy, &row, &verdict);
        g_assert_cmpstr(verdict.selected != NULL ? verdict.selected->path : NULL, ==,
                        paths[i].selected);
    }
}

static void
test_audit_is_the_default(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(policy_text);
    const Row row = {.host = "silent.test", .method = "POST", .path = "/"};
    g_auto(OshPolicyVerdict) verdict;

    ask(policy, &row, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    g_assert_false(verdict.hard);
    g_assert_cmpint(verdict.selected->enforcement, ==, OSH_POLICY_AUDIT);
}

static void
test_batch(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(policy_text);
    OshFact good[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("resources/list"))};
    OshFact bad[] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call"))};
    OshFactRecord calls[] = {{good, 1}, {bad, 1}, {good, 1}};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("mcp.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("POST")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, 3),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};
    OshPolicyVerdict verdict;

    osh_policy_decide(policy, &all, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    osh_policy_verdict_clear(&verdict);
    facts[5].count = 1;
    osh_policy_decide(policy, &all, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ALLOW);
    osh_policy_verdict_clear(&verdict);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/judge/%s", rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/judge/the refused operation of a batch is named",
                    test_the_refused_operation_is_named);
    g_test_add_func("/judge/the most specific path is selected", test_selection);
    g_test_add_func("/judge/without enforcement a denial is only audited",
                    test_audit_is_the_default);
    g_test_add_func("/judge/one refused call refuses its batch", test_batch);
    return g_test_run();
}
