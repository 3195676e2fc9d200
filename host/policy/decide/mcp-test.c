/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcp-test.c: revisions of MCP where rows of vectors cannot say it: batches, what audit does not
 * soften, and what a plugin is told.
 */
#include "policy.h"

#include <string.h>

#define ENDPOINT(name, host, more)                                                                 \
    "  " name ": { endpoints: [{ host: " host ", port: 1, path: /mcp, protocol: mcp, " more        \
    "}], binaries: [/b] }\n"
#define PROFILE "allow_all_known_mcp_methods: true"

static const char policy_text[] = "version: 1\nnetwork_policies:\n" ENDPOINT(
    "oldest", "oldest.test",
    "enforcement: audit, mcp: { versions: [\"2025-03-26\"], " PROFILE
    " }, deny_rules: [{ method: resources/read }]") ENDPOINT("june", "june.test",
                                                             "enforcement: audit, mcp: { "
                                                             "versions: [\"2025-06-18\", "
                                                             "\"2025-03-26\"], " PROFILE " }")
    ENDPOINT("plain", "plain.test",
             "enforcement: audit, rules: [{ allow: { method: tools/list } }]")
        ENDPOINT("modern", "modern.test",
                 "enforcement: audit, mcp: { versions: [\"2026-07-28\"], " PROFILE " }")
            ENDPOINT("scoped", "scoped.test",
                     "enforcement: enforce, mcp: { versions: [\"2025-06-18\"], " PROFILE
                     " }") "  beside: { endpoints: [{ host: scoped.test, port: 1, path: \"/**\", "
                           "protocol: rest, "
                           "enforcement: enforce, access: full }], binaries: [/b] }\n";

static OshPolicySnapshot *
load(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = policy_text,
                                                .length = strlen(policy_text),
                                                .file_name = "p.yaml",
                                                .generation = 1},
                        diagnostics);

    if (policy == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
    return policy;
}

typedef struct {
    const char *sentence;
    const char *host;
    const char *methods; /* separated by blanks */
    guint repeated;      /* how often in all */
    const char *version; /* NULL: not stated */
    gboolean response;
    OshPolicyAction action;
    gboolean hard;
    const char *reason;
} Row;

static const Row rows[] = {
    {"a batch is one of the oldest revision", "oldest.test", "ping", 64, NULL, FALSE,
     OSH_POLICY_ALLOW, FALSE, NULL},
    {"a batch has 64 messages at most", "oldest.test", "ping", 65, NULL, FALSE, OSH_POLICY_DENY,
     TRUE, "of at most 64 messages"},
    {"an answer is a message of a batch as well", "oldest.test", "ping", 63, NULL, TRUE,
     OSH_POLICY_ALLOW, FALSE, NULL},
    {"an answer makes a batch of 65", "oldest.test", "ping", 64, NULL, TRUE, OSH_POLICY_DENY, TRUE,
     "of at most 64 messages"},
    {"one refused call refuses its batch", "oldest.test", "ping resources/read", 2, NULL, FALSE,
     OSH_POLICY_DENY, FALSE, "blocked by deny rule"},
    {"one call of another revision refuses its batch", "oldest.test", "ping tasks/get", 2, NULL,
     FALSE, OSH_POLICY_DENY, TRUE, "has no method 'tasks/get'"},
    {"no later revision has batches", "plain.test", "tools/list", 2, NULL, FALSE, OSH_POLICY_DENY,
     TRUE, "only MCP 2025-03-26 has batches"},
    {"a batch is of the oldest revision that is listed", "june.test", "ping", 2, NULL, FALSE,
     OSH_POLICY_ALLOW, FALSE, NULL},
    {"a batch of a stated later revision is refused", "june.test", "ping", 2, "2025-06-18", FALSE,
     OSH_POLICY_DENY, TRUE, "only MCP 2025-03-26 has batches"},
    {"audit softens a call that no rule allows", "plain.test", "tools/call", 1, NULL, FALSE,
     OSH_POLICY_DENY, FALSE, "not permitted by policy"},
    {"audit softens an extension that no rule names", "june.test", "vendor/x", 1, NULL, FALSE,
     OSH_POLICY_DENY, FALSE, "a rule with exactly this method"},
    {"audit does not soften a method of another revision", "june.test", "server/discover", 1, NULL,
     FALSE, OSH_POLICY_DENY, TRUE, "has no method 'server/discover'"},
    {"audit does not soften what only a server sends", "plain.test", "roots/list", 1, NULL, FALSE,
     OSH_POLICY_DENY, TRUE, "only an MCP server sends 'roots/list'"},
    {"audit does not soften a revision that is not listed", "plain.test", "tools/list", 1,
     "2025-06-18", FALSE, OSH_POLICY_DENY, TRUE, "it accepts 2025-11-25"},
    {"audit does not soften a revision that there is not", "plain.test", "tools/list", 1,
     "2025-06-19", FALSE, OSH_POLICY_DENY, TRUE, "it accepts 2025-11-25"},
    {"audit does not soften an answer without a session", "modern.test", "", 0, NULL, TRUE,
     OSH_POLICY_DENY, TRUE, "send no responses"},
    {"a rule about paths does not let through what the revision lacks", "scoped.test", "tasks/get",
     1, NULL, FALSE, OSH_POLICY_DENY, TRUE, "has no method 'tasks/get'"},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(OshPolicySnapshot) policy = load();
    g_auto(GStrv) methods = g_strsplit(row->methods, " ", -1);
    guint n_methods = g_strv_length(methods);
    g_autofree OshFact *names = g_new0(OshFact, row->repeated + 1);
    g_autofree OshFactRecord *calls = g_new0(OshFactRecord, row->repeated + 1);
    OshFact facts[8] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(row->host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("POST")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/mcp")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, calls, row->repeated),
        OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_RESPONSE, row->response),
        OSH_FACT_STRING_INIT(OSH_FACT_MCP_VERSION, osh_span(row->version)),
    };
    OshFacts all = {facts, row->version != NULL ? 8 : 7};
    g_auto(OshPolicyVerdict) verdict;

    for (guint i = 0; i < row->repeated; i++) {
        names[i] = (OshFact)OSH_FACT_STRING_INIT("method", osh_span(methods[i % n_methods]));
        calls[i] = (OshFactRecord){&names[i], 1};
    }
    osh_policy_decide(policy, &all, &verdict);
    if (row->reason != NULL &&
        (verdict.reason == NULL || strstr(verdict.reason, row->reason) == NULL))
        g_error("'%s' is not in %s", row->reason, verdict.reason);
    g_assert_cmpint(verdict.action, ==, row->action);
    g_assert_cmpint(verdict.hard, ==, row->hard);
}

#define REST(name, host, port, path)                                                               \
    "  " name ": { endpoints: [{ host: " host ", port: " port ", path: " path                      \
    ", protocol: rest, enforcement: enforce, access: full }], binaries: [/b] }\n"
#define STRICT "enforcement: enforce, mcp: { " PROFILE " }"

static const char neighbours_text[] =
    "version: 1\nnetwork_policies:\n" ENDPOINT("alone", "alone.test", STRICT)
        REST("other_port", "alone.test", "2", "/mcp") REST("left", "plain.test", "1", "/a")
            REST("right", "plain.test", "1", "/b") ENDPOINT("both", "both.test", STRICT)
                REST("near", "both.test", "1", "/a") REST("far", "both.test", "1", "/b");

/* Only where another protocol stands at one host and port, and once for each MCP endpoint. */
static void
test_neighbours(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = neighbours_text,
                                                .length = strlen(neighbours_text),
                                                .file_name = "p.yaml",
                                                .generation = 1},
                        diagnostics);
    g_autofree char *said = osh_policy_diagnostics_format(diagnostics);
    const char *first = strstr(said, "protocol mcp beside protocol rest of ");

    g_assert_nonnull(policy);
    g_assert_nonnull(first);
    g_assert_nonnull(strstr(said, "network_policies.both.endpoints[0]"));
    g_assert_null(strstr(first + 1, "warning:"));
    g_assert_true(strstr(said, "warning:") < first);
}

/* What a plugin has to know before it can ask. */
static void
test_option(void)
{
    g_autoptr(OshPolicySnapshot) policy = load();
    guint n_lists = 0;

    for (guint i = 0; i < osh_policy_n_endpoints(policy); i++) {
        const OshPolicyEndpoint *endpoint = osh_policy_endpoint(policy, i);
        g_autoptr(GVariant) option = osh_policy_endpoint_option(endpoint, "mcp.versions");
        g_autofree const char **names = option != NULL ? g_variant_get_strv(option, NULL) : NULL;

        n_lists += option != NULL;
        if (strcmp(endpoint->policy_name, "beside") == 0)
            g_assert_null(option);
        else if (strcmp(endpoint->policy_name, "modern") == 0)
            g_assert_cmpstr(names[0], ==, "2026-07-28");
        else if (strcmp(endpoint->policy_name, "plain") == 0)
            g_assert_cmpstr(names[0], ==, "2025-11-25");
        else if (strcmp(endpoint->policy_name, "june") == 0) {
            g_assert_cmpstr(names[0], ==, "2025-03-26");
            g_assert_cmpstr(names[1], ==, "2025-06-18");
            g_assert_null(names[2]);
        }
    }
    g_assert_cmpuint(n_lists, ==, 5);
}

static const char listed_text[] = "version: 1\nnetwork_policies:\n" ENDPOINT(
    "tools", "tools.test",
    "enforcement: enforce, mcp: { versions: [\"2025-11-25\"] }, rules: ["
    "{ allow: { method: tools/call, tool: read, mcp_arguments: { path: \"/work/*\" } } }, "
    "{ allow: { method: tools/call, tool: free } }], deny_rules: ["
    "{ method: tools/call, tool: free, mcp_arguments: { path: \"/etc/*\" } }, "
    "{ method: tools/call, tool: gone }]");

static gboolean
is_allowed(const OshPolicySnapshot *policy, const char *tool, const char *method,
           gboolean is_listed)
{
    const OshFact name[] = {OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name")),
                            OSH_FACT_STRING_INIT("value", osh_span(tool))};
    const OshFactRecord param = {name, 2};
    const OshFact fields[] = {
        OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call")),
        OSH_FACT_RECORDS_INIT("params", &param, 1),
    };
    const OshFactRecord call = {fields, 2};
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("tools.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(method)),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/mcp")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, &call, 1),
        OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_LISTED, is_listed),
    };
    const OshFacts all = {facts, G_N_ELEMENTS(facts)};
    g_auto(OshPolicyVerdict) verdict;

    osh_policy_decide(policy, &all, &verdict);
    return verdict.action == OSH_POLICY_ALLOW;
}

static void
test_listed(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = listed_text,
                                                .length = strlen(listed_text),
                                                .file_name = "p.yaml",
                                                .generation = 1},
                        diagnostics);
    static const struct {
        const char *tool;
        gboolean is_listed;
        gboolean is_called; /* without arguments */
    } tools[] = {{"read", TRUE, FALSE},
                 {"free", TRUE, FALSE},
                 {"gone", FALSE, FALSE},
                 {"other", FALSE, FALSE}};

    g_assert_nonnull(policy);
    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++) {
        g_assert_cmpint(is_allowed(policy, tools[i].tool, "POST", TRUE), ==, tools[i].is_listed);
        g_assert_cmpint(is_allowed(policy, tools[i].tool, "GET", TRUE), ==, tools[i].is_listed);
        g_assert_cmpint(is_allowed(policy, tools[i].tool, "POST", FALSE), ==, tools[i].is_called);
        g_assert_false(is_allowed(policy, tools[i].tool, "GET", FALSE));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/mcp/%s", rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/mcp/an endpoint beside another protocol is warned of", test_neighbours);
    g_test_add_func("/mcp/a tool is listed where some call of it may be allowed", test_listed);
    g_test_add_func("/mcp/a plugin is told which revisions an endpoint accepts", test_option);
    return g_test_run();
}
