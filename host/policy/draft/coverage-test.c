/* SPDX-License-Identifier: Apache-2.0 */
/* coverage-test.c: what counts as granted, and the layers of providers. */
#include "compose.h"
#include "coverage.h"

#include <string.h>

#define REST  "host: a.test, port: 443, protocol: rest, enforcement: enforce, "
#define RULES "rules: [{ allow: { method: GET, path: /x } }, { allow: { method: POST, path: /x } }]"
#define MCP                                                                                        \
    "host: a.test, port: 443, path: /mcp, protocol: mcp, enforcement: enforce, rules: [{ allow: "  \
    "{ method: tools/list } }]"

/* The endpoint of one loaded policy for /b, and of a proposal for /b. */
static const struct {
    const char *sentence;
    const char *loaded;
    const char *asked;
    gboolean live;
} endpoints[] = {
    {"the same", "host: a.test, port: 443", "host: A.test, port: 443", TRUE},
    {"another host", "host: a.test, port: 443", "host: b.test, port: 443", FALSE},
    {"another port", "host: a.test, port: 443", "host: a.test, port: 80", FALSE},
    {"one port of several", "host: a.test, ports: [80, 443]", "host: a.test, port: 80", TRUE},
    {"one port too many", "host: a.test, port: 443", "host: a.test, ports: [80, 443]", FALSE},
    {"another path", REST "access: full", REST "path: /v1, access: full", FALSE},
    {"words left out ask for nothing", REST "access: full, tls: skip", "host: a.test, port: 443",
     TRUE},
    {"a protocol that is not there", "host: a.test, port: 443", REST "access: full", FALSE},
    {"terminate is what happens anyway", "host: a.test, port: 443",
     "host: a.test, port: 443, tls: terminate", TRUE},
    {"tls that differs", "host: a.test, port: 443", "host: a.test, port: 443, tls: skip", FALSE},
    {"audit is what happens anyway", "host: a.test, port: 443, protocol: rest, access: full",
     "host: a.test, port: 443, enforcement: audit", TRUE},
    {"enforcement that differs", "host: a.test, port: 443, protocol: rest, access: full",
     "host: a.test, port: 443, enforcement: enforce", FALSE},
    {"another access", REST "access: full", REST "access: read-only", FALSE},
    {"access written out",
     REST "rules: [{ allow: { method: GET, path: \"**\" } }, { allow: { "
          "method: HEAD, path: \"**\" } }, { allow: { method: OPTIONS, path: "
          "\"**\" } }, { allow: { method: POST, path: /x } }]",
     REST "access: read-only", TRUE},
    {"some of the rules", REST RULES, REST "rules: [{ allow: { path: /x, method: POST } }]", TRUE},
    {"one rule too many", REST "rules: [{ allow: { method: GET, path: /x } }]", REST RULES, FALSE},
    {"a query matcher that differs", REST "rules: [{ allow: { method: GET, path: /x } }]",
     REST "rules: [{ allow: { method: GET, path: /x, query: { a: b } } }]", FALSE},
    {"a denial that is missing", REST "access: full",
     REST "access: full, deny_rules: [{ method: GET, path: /x }]", FALSE},
    {"a denial more than asked for", REST "access: full, deny_rules: [{ method: GET, path: /x }]",
     REST "access: full", TRUE},
    {"addresses", "host: a.test, port: 443, allowed_ips: [10.0.0.1, 10.0.0.2]",
     "host: a.test, port: 443, allowed_ips: [10.0.0.2]", TRUE},
    {"an address that is missing", "host: a.test, port: 443, allowed_ips: [10.0.0.1]",
     "host: a.test, port: 443, allowed_ips: [10.0.0.1, 10.0.0.2]", FALSE},
    {"a switch that is off", REST "access: full", REST "access: full, allow_encoded_slash: true",
     FALSE},
    {"a switch that is on", REST "access: full, allow_encoded_slash: true",
     REST "access: full, allow_encoded_slash: false", TRUE},
    {"a switch of credentials that is off", "host: a.test, port: 443",
     "host: a.test, port: 443, allow_uninspected_credentials: true", FALSE},
    {"another credential", REST "access: full, credential_binding: { provider: x }",
     REST "access: full, credential_binding: { provider: y }", FALSE},
    {"the same MCP contract", MCP, MCP, TRUE},
    {"the same MCP contract in other words", MCP, MCP ", mcp: { strict_tool_names: true }", TRUE},
    {"another MCP contract", MCP, MCP ", mcp: { max_body_bytes: 1 }", FALSE},
    {"a tool in either spelling", MCP ", deny_rules: [{ method: tools/call, tool: pay }]",
     MCP ", deny_rules: [{ params: { name: pay }, method: tools/call }]", TRUE},
};

static OshDraft *
draft_of(const char *policies)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *text = g_strdup_printf("version: 1\nnetwork_policies:\n%s", policies);
    OshDraft *draft = osh_draft_read(&(OshPolicyLoadRequest){.text = text,
                                                             .length = strlen(text),
                                                             .file_name = "policy",
                                                             .flags = OSH_POLICY_LOAD_DERIVED},
                                     diagnostics);

    if (draft == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
    return draft;
}

static gboolean
is_live(const char *loaded, const char *asked)
{
    g_autoptr(OshDraft) policy = draft_of(loaded);
    g_autoptr(OshDraft) proposal = draft_of(asked);

    return osh_coverage_is_live(policy, osh_draft_policy(proposal, "new"));
}

static void
test_endpoint(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autofree char *loaded = g_strdup_printf(
        "  p:\n    endpoints: [{ %s }]\n    binaries: [{ path: /b }]\n", endpoints[row].loaded);
    g_autofree char *asked = g_strdup_printf(
        "  new:\n    endpoints: [{ %s }]\n    binaries: [{ path: /b }]\n", endpoints[row].asked);

    g_assert_cmpint(is_live(loaded, asked), ==, endpoints[row].live);
}

static const struct {
    const char *loaded[2]; /* binaries of two policies, each for the endpoint of its own */
    const char *asked;
    gboolean live;
} scopes[] = {
    {{"{ path: /b }, { path: /c }", ""}, "{ path: /b }, { path: /c }", TRUE},
    {{"{ path: /b }", ""}, "{ path: /b }, { path: /c }", FALSE},
    {{"{ path: /b }", "{ path: /c }"}, "{ path: /b }, { path: /c }", TRUE},
    {{"{ path: \"/**\" }", "{ path: /c }"}, "{ path: /b }", TRUE},
    {{"{ path: /b }", "{ path: /c }"}, "{ path: \"/**\" }", FALSE},
    {{"{ path: /b }", "{ path: \"/**\" }"}, "", TRUE},
    {{"{ path: /b }", "{ path: /c }"}, "", FALSE},
    /* a policy without binaries lets none through */
    {{"", "{ path: /c }"}, "{ path: /b }", FALSE},
};

static void
test_scopes(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scopes); i++) {
        g_autofree char *loaded = g_strdup_printf(
            "  p:\n    endpoints: [{ host: a.test, port: 443 }]\n    binaries: [%s]\n"
            "  q:\n    endpoints: [{ host: a.test, ports: [443, 80] }]\n    binaries: [%s]\n",
            scopes[i].loaded[0], scopes[i].loaded[1]);
        g_autofree char *asked = g_strdup_printf(
            "  new:\n    endpoints: [{ host: a.test, port: 443 }]\n    binaries: [%s]\n",
            scopes[i].asked);

        g_test_message("row %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(is_live(loaded, asked), ==, scopes[i].live);
    }
}

static void
test_nothing_asked(void)
{
    g_assert_false(is_live("  p: { endpoints: [{ host: a.test, port: 1 }] }\n",
                           "  new: { binaries: [{ path: /b }] }\n"));
}

static void
test_pairs(void)
{
    const char *loaded =
        "  p: { endpoints: [{ host: a.test, port: 1 }], binaries: [{ path: /b }] }\n"
        "  q: { endpoints: [{ host: b.test, port: 1 }], binaries: [{ path: /c }] }\n";

    g_assert_false(is_live(loaded, "  new: { endpoints: [{ host: a.test, port: 1 }, { host: "
                                   "b.test, port: 1 }], binaries: [{ path: /b }] }\n"));
}

static void
test_marks(void)
{
    g_autoptr(OshDraft) policy =
        draft_of("  p: { endpoints: [{ host: a.test, port: 1 }], binaries: [{ path: /b }] }\n");
    OshValue *loaded = osh_draft_policy(policy, "p");
    g_autoptr(OshValue) asked = osh_value_copy(loaded);

    osh_value_set_proposed(osh_value_item(osh_draft_endpoints(asked), 0), TRUE);
    g_assert_false(osh_coverage_is_live(policy, asked));
    osh_value_set_proposed(osh_value_item(osh_draft_endpoints(loaded), 0), TRUE);
    g_assert_true(osh_coverage_is_live(policy, asked));
}

static void
test_provider_keys(void)
{
    static const struct {
        const char *name;
        const char *key;
    } rows[] = {
        {"github", "_provider_github"},
        {"My-GitHub.1", "_provider_my_github_1"},
        {"__a__", "_provider_a"},
        {"", "_provider_unnamed"},
        {"--", "_provider_unnamed"},
        {"\xc3\xa9"
         "x"
         "\xe2\x82\xac"
         "y",
         "_provider_x_y"},
        {"a\nb: c", "_provider_a_b__c"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *key = osh_compose_key(rows[i].name);

        g_assert_cmpstr(key, ==, rows[i].key);
    }
}

static void
test_compose(void)
{
    g_autoptr(OshDraft) mine = draft_of(
        "  p: { endpoints: [{ host: a.test, port: 1 }], binaries: [{ path: /b }] }\n"
        "  _provider_x: { endpoints: [{ host: mine.test, port: 1 }], binaries: [{ path: /b }] }\n");
    g_autoptr(OshDraft) layer =
        draft_of("  any: { endpoints: [{ host: x.test, port: 1 }], binaries: [{ path: /c }] }\n");
    g_autoptr(OshDraft) effective = osh_draft_copy(mine);
    const OshValue *added = osh_draft_policy(layer, "any");

    for (guint i = 2; i < 5; i++) {
        g_autofree char *key = osh_compose_add(effective, "_provider_x", added);
        g_autofree char *expected = g_strdup_printf("_provider_x_%u", i);

        g_assert_cmpstr(key, ==, expected);
        g_assert_true(osh_value_equal(osh_draft_policy(effective, key), added));
    }
    g_assert_true(osh_value_equal(osh_draft_policy(effective, "p"), osh_draft_policy(mine, "p")));
    g_assert_true(osh_value_equal(osh_draft_policy(effective, "_provider_x"),
                                  osh_draft_policy(mine, "_provider_x")));
    g_assert_true(osh_compose_strip(effective));
    g_assert_false(osh_compose_strip(effective));
    g_assert_cmpuint(osh_value_length(osh_draft_policies(effective)), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(endpoints); i++) {
        g_autofree char *path = g_strdup_printf("/coverage/%s: %s", endpoints[i].sentence,
                                                endpoints[i].live ? "granted" : "not granted");

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_endpoint);
    }
    g_test_add_func("/coverage/every binary is let to it, by one policy or another", test_scopes);
    g_test_add_func("/coverage/every pair of binary and endpoint is looked for", test_pairs);
    g_test_add_func("/coverage/nothing asked is not granted", test_nothing_asked);
    g_test_add_func("/coverage/a mark that is asked for has to be there", test_marks);
    g_test_add_func("/compose/a provider's key is fit for a key", test_provider_keys);
    g_test_add_func("/compose/layers are added and nothing is overwritten", test_compose);
    return g_test_run();
}
