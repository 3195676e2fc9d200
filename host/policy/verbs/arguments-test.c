/* SPDX-License-Identifier: Apache-2.0 */
/* arguments-test.c: `mcp_arguments`, from the file to the decision. */
#include "policy.h"

#include <string.h>

static OshPolicySnapshot *
load(const char *endpoint, char **ret_messages)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *text =
        g_strdup_printf("version: 1\nnetwork_policies:\n  p:\n    endpoints:\n      - %s\n"
                        "    binaries: [{ path: /b }]\n",
                        endpoint);
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "p.yaml", .generation = 1},
        diagnostics);

    *ret_messages = osh_policy_diagnostics_format(diagnostics);
    return policy;
}

#define MCP(rest) "{ host: a.test, port: 1, protocol: mcp, enforcement: enforce, " rest " }"
#define IN        ": error: network_policies.p.endpoints[0]"

static const struct {
    const char *sentence;
    const char *endpoint;
    const char *messages; /* behind the place; "" loads */
} loads[] = {
    {"arguments narrow a named tool",
     MCP("rules: [{ allow: { method: tools/call, tool: read, mcp_arguments: { path: \"/w/*\" } } "
         "}]"),
     ""},
    {"nested maps and dotted names are the same",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: { a: { b: x }, c.d: { any: [1, "
         "true] } } } }]"),
     ""},
    {"a denial of some arguments stands beside tools that are allowed by name",
     MCP("rules: [{ allow: { method: tools/call, tool: a } }], deny_rules: [{ method: tools/call, "
         "mcp_arguments: { path: \"/etc/*\" } }]"),
     ""},
    {"under the profile a method is not needed",
     MCP("mcp: { allow_all_known_mcp_methods: true }, rules: [{ allow: { mcp_arguments: { a: x } } "
         "}]"),
     ""},
    {"arguments belong to tool calls",
     MCP("rules: [{ allow: { method: tools/list, mcp_arguments: { a: x } } }]"),
     IN ".rules[0].allow.method: must be tools/call when a rule uses mcp_arguments, got "
        "'tools/list'\n"},
    {"an empty mapping names nothing",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: {} } }]"),
     IN ".rules[0].allow.mcp_arguments: an empty mapping names no argument (write mcp_arguments: { "
        "NAME: glob })\n"},
    {"a list is no mapping", MCP("rules: [{ allow: { method: tools/call, mcp_arguments: [a] } }]"),
     IN ".rules[0].allow.mcp_arguments: mcp_arguments maps names of arguments to globs (write "
        "mcp_arguments: { NAME: glob })\n"},
    {"a name is a dotted path",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: { a..b: x } } }]"),
     IN ".rules[0].allow.mcp_arguments.a..b: 'a..b' is not a dotted path to an argument\n"},
    {"an argument is named once",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: { a.b: x, a: { b: y } } } }]"),
     IN ".rules[0].allow.mcp_arguments.a.b: arguments.a.b is named twice in this rule\n"},
    {"a number that can never match is an error",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: { a: 0x10 } } }]"),
     IN ".rules[0].allow.mcp_arguments.a: '0x10' can never match (numbers are compared as plain "
        "decimal text, like 42 or -1)\n"},
    {"a broken glob is an error",
     MCP("rules: [{ allow: { method: tools/call, mcp_arguments: { a: \"{x\" } } }]"),
     IN ".rules[0].allow.mcp_arguments.a: an unclosed '{' in '{x'\n"},
    {"OpenShell's spelling keeps OpenShell's answer",
     MCP("rules: [{ allow: { method: tools/call, tool: a, params: { arguments: { x: y } } } }]"),
     IN ".rules[0].allow.params.arguments.x: MCP tool argument matching is not supported; only "
        "params.name is\n"},
    {"json-rpc has no arguments",
     "{ host: a.test, port: 1, protocol: json-rpc, enforcement: enforce, rules: [{ allow: { "
     "method: a, mcp_arguments: { a: x } } }] }",
     IN ".rules[0].allow.mcp_arguments: json-rpc rules do not support mcp_arguments\n"},
    {"rest has no arguments",
     "{ host: a.test, port: 1, protocol: rest, enforcement: enforce, rules: [{ allow: { method: "
     "GET, path: /x, mcp_arguments: { a: x } } }] }",
     IN ".rules[0].allow.mcp_arguments: mcp_arguments belong to protocol mcp only\n"},
};

static void
test_load(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autofree char *messages = NULL;
    g_autoptr(OshPolicySnapshot) policy = load(loads[row].endpoint, &messages);

    g_assert_cmpstr(policy != NULL ? messages : strstr(messages, ": error"), ==,
                    loads[row].messages);
}

#define TWO                                                                                        \
    "rules: [{ allow: { method: tools/call, tool: read, mcp_arguments: { path: \"/w/*\" } } }]"
#define DENY                                                                                       \
    "rules: [{ allow: { method: tools/call, tool: read } }], deny_rules: [{ method: tools/call, "  \
    "tool: read, mcp_arguments: { path: \"/etc/*\" } }]"
#define BOTH                                                                                       \
    "rules: [{ allow: { method: tools/call, tool: read, mcp_arguments: { path: \"*\", depth: 1 } " \
    "} }]"

static const struct {
    const char *sentence;
    const char *rules;
    const char *params[8]; /* key, value, ...; a value of "-" is absent */
    OshPolicyAction action;
} rows[] = {
    {"a matching argument is allowed", TWO, {"arguments.path", "/w/a.txt"}, OSH_POLICY_ALLOW},
    {"a star crosses dots and slashes", TWO, {"arguments.path", "/w/a/b.c/d"}, OSH_POLICY_ALLOW},
    {"another value is refused", TWO, {"arguments.path", "/etc/passwd"}, OSH_POLICY_DENY},
    {"an absent argument is allowed by no rule", TWO, {"arguments.other", "/w/a"}, OSH_POLICY_DENY},
    {"a call without arguments is allowed by no rule", TWO, {NULL}, OSH_POLICY_DENY},
    {"every element of an array has to match",
     TWO,
     {"arguments.path", "/w/a", "arguments.path", "/etc/x"},
     OSH_POLICY_DENY},
    {"an array whose elements all match is allowed",
     TWO,
     {"arguments.path", "/w/a", "arguments.path", "/w/b"},
     OSH_POLICY_ALLOW},
    {"an object where a value was expected is allowed by no rule",
     TWO,
     {"arguments.path", "/w/a", "arguments.path.x", "/w/b"},
     OSH_POLICY_DENY},
    {"an empty array is allowed by no rule", TWO, {"arguments.path", "-"}, OSH_POLICY_DENY},
    {"an empty array among the elements is allowed by no rule",
     TWO,
     {"arguments.path", "/w/a", "arguments.path", "-"},
     OSH_POLICY_DENY},
    {"another argument whose name begins alike is another argument",
     TWO,
     {"arguments.path", "/w/a", "arguments.pathname", "/etc/x"},
     OSH_POLICY_ALLOW},
    {"arguments that no rule names are free",
     TWO,
     {"arguments.path", "/w/a", "arguments.mode", "fast"},
     OSH_POLICY_ALLOW},
    {"every listed argument has to match",
     BOTH,
     {"arguments.path", "/w", "arguments.depth", "2"},
     OSH_POLICY_DENY},
    {"all listed arguments match",
     BOTH,
     {"arguments.path", "/w", "arguments.depth", "1"},
     OSH_POLICY_ALLOW},
    {"a denied argument is denied", DENY, {"arguments.path", "/etc/x"}, OSH_POLICY_DENY},
    {"another one is not", DENY, {"arguments.path", "/w/x"}, OSH_POLICY_ALLOW},
    {"one element of an array is enough to deny",
     DENY,
     {"arguments.path", "/w/x", "arguments.path", "/etc/x"},
     OSH_POLICY_DENY},
    {"an absent argument is denied by every rule", DENY, {NULL}, OSH_POLICY_DENY},
    {"an object where a value was expected is denied by every rule",
     DENY,
     {"arguments.path.x", "/w/x"},
     OSH_POLICY_DENY},
    {"an empty array among the elements is denied by every rule",
     DENY,
     {"arguments.path", "/w/a", "arguments.path", "-"},
     OSH_POLICY_DENY},
    {"an empty array is denied by every rule", DENY, {"arguments.path", "-"}, OSH_POLICY_DENY},
    {"the profile lets no tool call past rules about arguments",
     "mcp: { allow_all_known_mcp_methods: true }, rules: [{ allow: { mcp_arguments: { path: "
     "\"/w/*\" } } }]",
     {"arguments.path", "/etc/x"},
     OSH_POLICY_DENY},
};

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autofree char *endpoint = g_strdup_printf(
        "{ host: a.test, port: 1, protocol: mcp, enforcement: enforce, %s }", rows[row].rules);
    g_autofree char *messages = NULL;
    g_autoptr(OshPolicySnapshot) policy = load(endpoint, &messages);
    OshFact fields[5][2] = {{OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                             OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("read"))}};
    OshFactRecord params[5] = {{fields[0], 2}};
    guint n_params = 1;
    OshFact call[2] = {OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call"))};
    OshFactRecord calls[1] = {{call, 2}};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("POST")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, 1),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};
    g_auto(OshPolicyVerdict) verdict;

    g_assert_cmpstr(messages, ==, "");
    for (gsize i = 0; i + 1 < G_N_ELEMENTS(rows[row].params) && rows[row].params[i] != NULL;
         i += 2, n_params++) {
        gboolean has_value = strcmp(rows[row].params[i + 1], "-") != 0;

        fields[n_params][0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(rows[row].params[i]));
        fields[n_params][1] =
            (OshFact)OSH_FACT_STRING_INIT("value", osh_span(rows[row].params[i + 1]));
        params[n_params] = (OshFactRecord){fields[n_params], has_value ? 2 : 1};
    }
    call[1] = (OshFact)OSH_FACT_RECORDS_INIT("params", params, n_params);
    osh_policy_decide(policy, &all, &verdict);
    g_test_message("%s", verdict.reason != NULL ? verdict.reason : "allowed");
    g_assert_cmpint(verdict.action, ==, rows[row].action);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(loads); i++) {
        g_autofree char *path = g_strdup_printf("/arguments/load/%s", loads[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_load);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/arguments/decide/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
