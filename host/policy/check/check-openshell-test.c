/* SPDX-License-Identifier: Apache-2.0 */
/* check-openshell-test.c: what loads here and not, or otherwise, in OpenShell 0.1. */
#include "policy.h"

#include <string.h>

#define POLICY(endpoint, binary)                                                                   \
    "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - { host: a.test, port: 80" endpoint \
    " }\n    binaries: [" binary "]\n"
#define CURL          "{ path: /usr/bin/curl }"
#define GRAPHQL(more) POLICY(", protocol: graphql, enforcement: enforce, " more, CURL)
#define MCP(rules)    POLICY(", protocol: mcp, enforcement: enforce, " rules, CURL)
#define REFUSED       "; OpenShell 0.1 refuses it"

static const struct {
    const char *sentence;
    const char *policy;
    const char *error;   /* NULL: none */
    const char *warning; /* NULL: none */
} rows[] = {
    {"a plain policy means the same", POLICY("", CURL), NULL, NULL},
    {"tls: skip is known", POLICY(", tls: skip", CURL), NULL, NULL},
    {"an empty tls is known", POLICY(", tls: \"\"", CURL), NULL, NULL},
    {"tls: terminate is not", POLICY(", tls: terminate", CURL),
     "endpoints[0].tls: not portable: tls: terminate or passthrough" REFUSED, "deprecated"},
    {"tls: passthrough is not", POLICY(", tls: passthrough", CURL),
     "endpoints[0].tls: not portable: tls: terminate or passthrough" REFUSED, "deprecated"},
    {"harness is not", POLICY("", "{ path: /usr/bin/curl, harness: false }"),
     "binaries[0].harness: not portable: harness" REFUSED, "harness has no effect"},
    {"a rule for any operation is not", GRAPHQL("rules: [{ allow: { operation_type: \"*\" } }]"),
     "operation_type: not portable: operation_type: \"*\"" REFUSED, "operation_type \"*\""},
    {"nor is a deny rule", GRAPHQL("access: full, deny_rules: [{ operation_type: \"*\" }]"),
     "operation_type: not portable: operation_type: \"*\"" REFUSED, "operation_type \"*\""},
    {"access: full of graphql is known", GRAPHQL("access: full"), NULL, NULL},
    {"a registered query of any type is not",
     GRAPHQL("access: full, persisted_queries: allow_registered, graphql_persisted_queries: "
             "{ h: { operation_type: \"*\" } }"),
     "not portable: operation_type: \"*\" of a registered query" REFUSED, "operation_type \"*\""},
    {"arguments of a tool are not",
     MCP("rules: [{ allow: { method: tools/call, tool: x, mcp_arguments: { a: b } } }]"),
     "mcp_arguments: not portable: mcp_arguments; OpenShell does not know it", NULL},
    {"pinned tools are not", MCP("mcp: { pin_tools: report, allow_all_known_mcp_methods: true }"),
     "mcp.pin_tools: not portable: mcp.pin_tools; OpenShell does not know it", NULL},
    {"revisions of MCP are known",
     MCP("mcp: { versions: [\"2025-06-18\"], allow_all_known_mcp_methods: true }"), NULL, NULL},
    {"a range that is always blocked here is decided otherwise",
     POLICY(", allowed_ips: [\"224.1.0.0/16\"]", CURL), NULL, "decided otherwise: '224.1.0.0/16'"},
};

static guint
count(const char *text, const char *word)
{
    guint found = 0;

    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word))
        found++;
    return found;
}

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    gboolean enforceable[2];

    for (guint portable = 0; portable < 2; portable++) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
        g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
            &(OshPolicyLoadRequest){.text = rows[row].policy,
                                    .length = strlen(rows[row].policy),
                                    .file_name = "p.yaml",
                                    .generation = 1,
                                    .flags = OSH_POLICY_LOAD_ANY |
                                             (portable ? OSH_POLICY_LOAD_OPENSHELL : 0),
                                    .ret_enforceable = &enforceable[portable]},
            diagnostics);
        g_autofree char *said = osh_policy_diagnostics_format(diagnostics);

        g_test_message("%s", said);
        g_assert_cmpuint(count(said, "error: "), ==, portable && rows[row].error != NULL ? 1 : 0);
        g_assert_true((policy != NULL) == (!portable || rows[row].error == NULL));
        if (portable && rows[row].error != NULL)
            g_assert_nonnull(strstr(said, rows[row].error));
        if (portable && rows[row].warning != NULL)
            g_assert_nonnull(strstr(said, rows[row].warning));
        if (rows[row].warning == NULL)
            g_assert_cmpuint(count(said, "warning: "), ==, 0);
    }
    /* A run does not ask what OpenShell takes, and enforces no requests without a plugin for them.
     */
    g_assert_cmpint(enforceable[0], ==, enforceable[1]);
    g_assert_cmpint(enforceable[0], ==, strstr(rows[row].policy, "protocol:") == NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/openshell/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
