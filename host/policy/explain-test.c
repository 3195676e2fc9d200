/* SPDX-License-Identifier: Apache-2.0 */
/* explain-test.c: what `explain` says about requests that pass, nearly pass, and do not. */
#include "explain.h"

#include <string.h>

static const char policy_text[] = "version: 1\n"
                                  "network_policies:\n"
                                  "  github:\n"
                                  "    endpoints:\n"
                                  "      - host: api.github.com\n"
                                  "        port: 443\n"
                                  "        protocol: rest\n"
                                  "        enforcement: enforce\n"
                                  "        rules:\n"
                                  "          - allow: { method: GET, path: \"/repos/**\" }\n"
                                  "        deny_rules:\n"
                                  "          - { method: GET, path: \"/repos/*/secrets\" }\n"
                                  "    binaries: [{ path: /usr/bin/gh }]\n"
                                  "  plain:\n"
                                  "    endpoints: [{ host: example.com, port: 443 }]\n"
                                  "    binaries: [{ path: \"/**\" }]\n";

static const struct {
    const char *sentence;
    const char *method;
    const char *target;
    const char *binary;
    const char *ancestor;
    gboolean allowed;
    const char *says[4];
} rows[] = {
    {"an allow names policy and rule",
     "GET",
     "https://api.github.com/repos/a/b",
     "/usr/bin/gh",
     NULL,
     TRUE,
     {"allowed", "policy   github", "rule     GET /repos/**"}},
    {"a connection is explained without a path",
     NULL,
     "api.github.com:443",
     "/usr/bin/gh",
     NULL,
     TRUE,
     {"allowed", "each request is judged"}},
    {"an ancestor counts", NULL, "api.github.com:443", "/bin/sh", "/usr/bin/gh", TRUE, {"allowed"}},
    {"a wrong binary is named with the right ones",
     NULL,
     "api.github.com:443",
     "/usr/bin/curl",
     NULL,
     FALSE,
     {"denied", "its binaries are /usr/bin/gh", "path: \"/usr/bin/curl\""}},
    {"a wrong port is named",
     NULL,
     "api.github.com:8443",
     "/usr/bin/gh",
     NULL,
     FALSE,
     {"it allows port 443, not 8443"}},
    {"a wrong method is named",
     "POST",
     "https://api.github.com/repos/a/b",
     "/usr/bin/gh",
     NULL,
     FALSE,
     {"not permitted by policy", "rule GET /repos/**: is for another method",
      "allow: { method: POST, path: \"/repos/a/b\" }"}},
    {"a wrong path is named",
     "GET",
     "https://api.github.com/user",
     "/usr/bin/gh",
     NULL,
     FALSE,
     {"its path does not match"}},
    {"a deny rule is named and nothing is suggested",
     "GET",
     "https://api.github.com/repos/a/secrets",
     "/usr/bin/gh",
     NULL,
     FALSE,
     {"blocked by deny rule", "deny GET /repos/*/secrets"}},
    {"a near name is named",
     NULL,
     "api.githab.com:443",
     "/usr/bin/gh",
     NULL,
     FALSE,
     {"github.endpoints[0] (api.github.com:443): another host"}},
    {"an unknown host gets a suggestion",
     NULL,
     "https://other.test",
     "/usr/bin/x",
     NULL,
     FALSE,
     {"no endpoint names this host", "host: \"other.test\""}},
};

static OshPolicySnapshot *
load(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

    return osh_policy_load_bytes(policy_text, strlen(policy_text), "p.yaml", 1, 0, diagnostics);
}

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshPolicySnapshot) policy = load();
    const char *ancestors[] = {rows[row].ancestor, NULL};
    OshPolicyExplanation explanation = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(osh_policy_explain(policy, rows[row].method, rows[row].target, rows[row].binary,
                                     ancestors, &explanation, &error));
    g_test_message("%s", explanation.text);
    g_assert_cmpint(explanation.allowed, ==, rows[row].allowed);
    for (gsize i = 0; i < G_N_ELEMENTS(rows[row].says) && rows[row].says[i] != NULL; i++)
        if (strstr(explanation.text, rows[row].says[i]) == NULL)
            g_error("'%s' is missing in:\n%s", rows[row].says[i], explanation.text);
    if (strstr(explanation.text, "blocked by") != NULL)
        g_assert_null(strstr(explanation.text, "to allow it"));
    osh_policy_explanation_clear(&explanation);
}

static void
test_wrong_targets(void)
{
    static const char *const targets[] = {
        "example.com",   "https://",          "https://a.test:0/",    "https://u@a.test/",
        "https://[::1/", "https://a.test/%2", "https://a.test/../..", "https://a.test/a#b"};
    g_autoptr(OshPolicySnapshot) policy = load();

    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autoptr(GError) error = NULL;
        OshPolicyExplanation explanation = {0};

        g_assert_false(
            osh_policy_explain(policy, NULL, targets[i], "/b", NULL, &explanation, &error));
        g_assert_nonnull(error);
    }
}

static void
test_nothing_is_suggested_from_odd_values(void)
{
    static const char *const binaries[] = {"/usr/bin/a\"b", "relative", "/usr/bin/*", "/a\nb"};
    g_autoptr(OshPolicySnapshot) policy = load();

    for (gsize i = 0; i < G_N_ELEMENTS(binaries); i++) {
        OshPolicyExplanation explanation = {0};

        g_assert_true(osh_policy_explain(policy, NULL, "other.test:443", binaries[i], NULL,
                                         &explanation, NULL));
        g_assert_null(strstr(explanation.text, "to allow it"));
        osh_policy_explanation_clear(&explanation);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/explain/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/explain/a wrong target is refused", test_wrong_targets);
    g_test_add_func("/explain/nothing is suggested from odd values",
                    test_nothing_is_suggested_from_odd_values);
    return g_test_run();
}
