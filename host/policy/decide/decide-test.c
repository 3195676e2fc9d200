/* SPDX-License-Identifier: Apache-2.0 */
/* decide-test.c: connections and requests against small policies written out in place. */
#include "policy.h"

#include <string.h>

static OshPolicySnapshot *
load(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "test.yaml", .generation = 7},
        diagnostics);

    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_error("the policy of a test does not load: %s", messages);
    }
    return policy;
}

static void
ask(const OshPolicySnapshot *policy, const char *host, guint port, const char *binary,
    const char *ancestor, OshPolicyVerdict *ret_verdict)
{
    OshSpan ancestors[] = {osh_span(ancestor)};
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, port),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(binary)),
        OSH_FACT_STRINGS_INIT(OSH_FACT_PROCESS_ANCESTORS, ancestors, ancestor != NULL ? 1 : 0),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};

    osh_policy_decide(policy, &all, ret_verdict);
}

static const char two_policies[] =
    "version: 1\n"
    "network_policies:\n"
    "  zebra:\n"
    "    endpoints: [{ host: API.example.com, port: 443, tls: skip }]\n"
    "    binaries: [{ path: /usr/bin/curl }]\n"
    "  apple:\n"
    "    endpoints:\n"
    "      - { host: api.example.com, ports: [443, 8443], tls: skip }\n"
    "      - { host: \"*.deep.example.com\", port: 443 }\n"
    "      - { host: \"**.any.example.com\", port: 443 }\n"
    "      - { port: 9443, allowed_ips: [10.1.0.0/16] }\n"
    "    binaries: [{ path: /usr/bin/curl }, { path: \"/opt/*/bin/tool\" }]\n";

static const struct {
    const char *sentence;
    const char *host;
    guint port;
    const char *binary;
    const char *ancestor;
    const char *policy; /* NULL: denied */
    gboolean exact;
    const char *reason;
} connections[] = {
    {"the smallest key is reported", "api.example.com", 443, "/usr/bin/curl", NULL, "apple", TRUE,
     NULL},
    {"host case does not matter", "Api.Example.COM", 8443, "/usr/bin/curl", NULL, "apple", TRUE,
     NULL},
    {"a binary glob stops at a slash", "api.example.com", 443, "/opt/a/b/bin/tool", NULL, NULL,
     FALSE,
     "binary '/opt/a/b/bin/tool' not allowed in policy 'apple' (ancestors: [], cmdline: [])"},
    {"a binary glob matches one component", "api.example.com", 443, "/opt/a/bin/tool", NULL,
     "apple", TRUE, NULL},
    {"an ancestor grants", "api.example.com", 443, "/bin/sh", "/usr/bin/curl", "apple", TRUE, NULL},
    {"a wrong port is no endpoint", "api.example.com", 80, "/usr/bin/curl", NULL, NULL, FALSE,
     "endpoint api.example.com:80 is not allowed by any policy"},
    {"one star is exactly one label", "x.deep.example.com", 443, "/usr/bin/curl", NULL, "apple",
     FALSE, NULL},
    {"one star is not two labels", "x.y.deep.example.com", 443, "/usr/bin/curl", NULL, NULL, FALSE,
     "endpoint x.y.deep.example.com:443 is not allowed by any policy"},
    {"one star is not no label", "deep.example.com", 443, "/usr/bin/curl", NULL, NULL, FALSE,
     "endpoint deep.example.com:443 is not allowed by any policy"},
    {"a star never takes an empty label", ".deep.example.com", 443, "/usr/bin/curl", NULL, NULL,
     FALSE, "endpoint .deep.example.com:443 is not allowed by any policy"},
    {"two stars take no empty label either", "x..any.example.com", 443, "/usr/bin/curl", NULL, NULL,
     FALSE, "endpoint x..any.example.com:443 is not allowed by any policy"},
    {"two stars are several labels", "x.y.any.example.com", 443, "/usr/bin/curl", NULL, "apple",
     FALSE, NULL},
    {"two stars are not no label", "any.example.com", 443, "/usr/bin/curl", NULL, NULL, FALSE,
     "endpoint any.example.com:443 is not allowed by any policy"},
    {"a hostless endpoint takes any name", "db.internal", 9443, "/usr/bin/curl", NULL, "apple",
     FALSE, NULL},
    {"a suffix that only looks alike is refused", "xapi.example.com", 443, "/usr/bin/curl", NULL,
     NULL, FALSE, "endpoint xapi.example.com:443 is not allowed by any policy"},
};

static void
test_connections(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshPolicySnapshot) policy = load(two_policies);
    g_auto(OshPolicyVerdict) verdict;

    ask(policy, connections[row].host, connections[row].port, connections[row].binary,
        connections[row].ancestor, &verdict);
    g_assert_cmpstr(verdict.policy_name, ==, connections[row].policy);
    g_assert_cmpint(verdict.action, ==,
                    connections[row].policy != NULL ? OSH_POLICY_ALLOW : OSH_POLICY_DENY);
    g_assert_cmpint(verdict.exact_declared_host, ==, connections[row].exact);
    g_assert_cmpuint(verdict.generation, ==, 7);
    if (connections[row].reason == NULL)
        g_assert_null(verdict.reason);
    else
        g_assert_nonnull(strstr(verdict.reason, connections[row].reason));
}

static void
test_endpoint_configuration(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(two_policies);
    OshPolicyVerdict verdict;

    ask(policy, "api.example.com", 443, "/usr/bin/curl", NULL, &verdict);
    g_assert_cmpuint(verdict.n_endpoints, ==, 2);
    g_assert_true(verdict.selected == verdict.endpoints[0]);
    g_assert_cmpint(verdict.selected->tls, ==, OSH_POLICY_TLS_SKIP);
    osh_policy_verdict_clear(&verdict);
    ask(policy, "db.internal", 9443, "/usr/bin/curl", NULL, &verdict);
    g_assert_cmpuint(verdict.selected->n_allowed_ips, ==, 1);
    g_assert_cmpuint(verdict.selected->allowed_ips[0].prefix, ==, 16);
    osh_policy_verdict_clear(&verdict);
}

static void
test_many_endpoints_of_one_host(void)
{
    g_autoptr(GString) text = g_string_new("version: 1\nnetwork_policies:\n");
    g_autoptr(OshPolicySnapshot) policy = NULL;
    OshPolicyVerdict verdict;

    for (guint i = 0; i < 150; i++)
        g_string_append_printf(text,
                               "  p%03u: { endpoints: [{ host: a.test, port: 1, tls: skip }], "
                               "binaries: [{ path: /b }] }\n",
                               i);
    policy = load(text->str);
    ask(policy, "a.test", 1, "/b", NULL, &verdict);
    g_assert_cmpuint(verdict.n_endpoints, ==, 150);
    for (guint i = 0; i < 150; i++)
        g_assert_cmpuint(verdict.endpoints[i]->policy_index, ==, i);
    g_assert_cmpstr(verdict.policy_name, ==, "p000");
    osh_policy_verdict_clear(&verdict);
}

static void
test_names(void)
{
    g_autoptr(OshPolicySnapshot) policy =
        load("version: 1\n"
             "network_policies:\n"
             "  a: { endpoints: [{ host: one.test, port: 1 }], binaries: [{ path: /b }] }\n"
             "  b: { endpoints: [{ host: \"*.two.test\", port: 1 }], binaries: [{ path: /b }] }\n"
             "  c: { endpoints: [{ host: nobody.test, port: 1 }], binaries: [] }\n");

    g_assert_true(osh_policy_name_is_known(policy, "ONE.test"));
    g_assert_true(osh_policy_name_is_known(policy, "x.two.test"));
    g_assert_false(osh_policy_name_is_known(policy, "two.test"));
    g_assert_false(osh_policy_name_is_known(policy, "nobody.test"));
    g_assert_false(osh_policy_name_is_known(policy, ""));
    g_assert_true(osh_policy_needs_binaries(policy));
}

static void
test_default(void)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_default();
    OshPolicyVerdict verdict;

    g_assert_true(osh_policy_fixed(policy)->include_workdir);
    g_assert_true(osh_policy_fixed(policy)->private_tmp);
    g_assert_false(osh_policy_name_is_known(policy, "example.com"));
    ask(policy, "example.com", 443, "/usr/bin/curl", NULL, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    g_assert_cmpstr(verdict.reason, ==, "network connections not allowed by policy");
    osh_policy_verdict_clear(&verdict);
}

static void
test_undecidable_facts(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(two_policies);
    OshFact twice[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("api.example.com")),
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("api.example.com")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
    };
    OshFact nul[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a\0b.deep.example.com")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
    };
    OshFacts sets[] = {{twice, 4}, {nul, 3}, {nul, 2}, {twice, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_auto(OshPolicyVerdict) verdict;

        osh_policy_decide(policy, &sets[i], &verdict);
        g_assert_cmpint(verdict.action, ==, OSH_POLICY_ERROR);
        g_assert_true(verdict.hard);
        g_assert_nonnull(verdict.reason);
    }
}

static void
test_order_of_kinds(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(
        "version: 1\n"
        "network_policies:\n"
        "  a: { endpoints: [{ host: \"*.x.test\", port: 1, tls: skip }], binaries: [{ path: /b }] "
        "}\n"
        "  b: { endpoints: [{ host: y.x.test, port: 1, tls: skip }], binaries: [{ path: /b }] }\n");
    g_auto(OshPolicyVerdict) verdict;

    ask(policy, "y.x.test", 1, "/b", NULL, &verdict);
    g_assert_cmpstr(verdict.policy_name, ==, "a");
    g_assert_cmpstr(verdict.endpoints[0]->policy_name, ==, "a");
    g_assert_true(verdict.exact_declared_host);
}

static void
test_relaxed_identity(void)
{
    g_autoptr(OshPolicySnapshot) policy = load(two_policies);
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("api.example.com")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_IDENTITY, OSH_SPAN_LITERAL("relaxed")),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};
    OshPolicyVerdict verdict;

    osh_policy_decide(policy, &all, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ALLOW);
    osh_policy_verdict_clear(&verdict);
    facts[1].value.integer = 444;
    osh_policy_decide(policy, &all, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    osh_policy_verdict_clear(&verdict);
}

static gpointer
decide_often(gpointer data)
{
    OshPolicySnapshot *policy = data;

    for (guint i = 0; i < 2000; i++) {
        g_auto(OshPolicyVerdict) verdict;

        ask(policy, i % 2 == 0 ? "api.example.com" : "other.test", 443, "/usr/bin/curl", NULL,
            &verdict);
        g_assert_cmpint(verdict.action, ==, i % 2 == 0 ? OSH_POLICY_ALLOW : OSH_POLICY_DENY);
    }
    osh_policy_snapshot_unref(policy);
    return NULL;
}

static void
test_threads_share_a_snapshot(void)
{
    OshPolicySnapshot *policy = load(two_policies);
    GThread *threads[4];

    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("decide", decide_often, osh_policy_snapshot_ref(policy));
    osh_policy_snapshot_unref(policy);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(connections); i++) {
        g_autofree char *path = g_strdup_printf("/decide/connection/%s", connections[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_connections);
    }
    g_test_add_func("/decide/the first endpoint with handling is selected",
                    test_endpoint_configuration);
    g_test_add_func("/decide/more endpoints than fit inline are all returned in key order",
                    test_many_endpoints_of_one_host);
    g_test_add_func("/decide/a name is known when some binary reaches some port", test_names);
    g_test_add_func("/decide/without a policy there is no network", test_default);
    g_test_add_func("/decide/the smallest key counts, whatever kind of host it has",
                    test_order_of_kinds);
    g_test_add_func("/decide/relaxed identity binds endpoints only", test_relaxed_identity);
    g_test_add_func("/decide/facts that cannot be read are refused", test_undecidable_facts);
    g_test_add_func("/decide/threads share a snapshot without locks",
                    test_threads_share_a_snapshot);
    return g_test_run();
}
