/* SPDX-License-Identifier: Apache-2.0 */
/* examples-test.c: the example policies load without a warning and do what they say. */
#include "explain.h"

#include <string.h>

static const struct {
    const char *file;
    const char *method;
    const char *target;
    const char *binary;
    gboolean allowed;
} questions[] = {
    {"github-read-only", "GET", "https://api.github.com/repos/a/b", "/usr/bin/gh", TRUE},
    {"github-read-only", "POST", "https://api.github.com/repos/a/b/issues", "/usr/bin/gh", FALSE},
    {"github-read-only", "GET", "https://api.github.com/repos/a/b/actions/secrets/x", "/usr/bin/gh",
     FALSE},
    {"github-read-only", "POST", "https://github.com/a/b.git/git-upload-pack", "/usr/bin/git",
     TRUE},
    {"github-read-only", "GET", "https://github.com/a/b.git/info/refs?service=git-upload-pack",
     "/usr/bin/git", TRUE},
    {"github-read-only", "GET", "https://github.com/a/b.git/info/refs?service=git-receive-pack",
     "/usr/bin/git", FALSE},
    {"github-read-only", "POST", "https://github.com/a/b.git/git-receive-pack", "/usr/bin/git",
     FALSE},
    {"package-registry", "GET", "https://registry.example.com/@scope%2fname", "/usr/bin/npm", TRUE},
    {"package-registry", "PUT", "https://registry.example.com/@scope%2fname", "/usr/bin/npm",
     FALSE},
    {"llm-api", "POST", "https://api.anthropic.com/v1/messages", "/usr/bin/node", TRUE},
    {"llm-api", "POST", "https://api.anthropic.com/v1/files", "/usr/bin/node", FALSE},
    {"llm-api", NULL, "api.anthropic.com:443", "/usr/bin/curl", FALSE},
    {"websocket-feed", "GET", "wss://realtime.example.com/v1/realtime/x", "/usr/bin/node", TRUE},
    {"websocket-feed", "WEBSOCKET_TEXT", "wss://realtime.example.com/v1/realtime/admin/x",
     "/usr/bin/node", FALSE},
    {"mcp-server", NULL, "mcp.example.com:443", "/usr/bin/node", TRUE},
    {"demo-https", "GET", "https://10.77.0.1:8443/items/7", "/usr/bin/curl", TRUE},
    {"demo-https", "POST", "https://10.77.0.1:8443/items/7", "/usr/bin/curl", FALSE},
    {"graphql-api", NULL, "api.example.com:443", "/usr/bin/curl", TRUE},
    {"private-range", NULL, "anything.test:5432", "/usr/bin/psql", TRUE},
    {"private-range", NULL, "anything.test:5432", "/usr/bin/curl", FALSE},
    {"plain-hosts", NULL, "a.mirror.example.com:443", "/usr/bin/curl", TRUE},
    {"plain-hosts", NULL, "a.b.mirror.example.com:443", "/usr/bin/curl", FALSE},
    {"learn-from-nothing", "GET", "https://api.example.com/x", "/opt/any", TRUE},
};

static const char *directory;

static OshPolicySnapshot *
load(const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy =
        osh_policy_load(&(OshPolicyLoadRequest){.path = path, .generation = 1}, diagnostics);
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    g_assert_cmpstr(messages, ==, "");
    return policy;
}

static void
test_clean(void)
{
    g_autoptr(GDir) listing = g_dir_open(directory, 0, NULL);
    const char *name;
    guint loaded = 0;

    while ((name = g_dir_read_name(listing)) != NULL) {
        g_autoptr(OshPolicySnapshot) policy = NULL;

        if (!g_str_has_suffix(name, ".yaml"))
            continue;
        policy = load(name);
        g_assert_nonnull(policy);
        loaded++;
    }
    g_assert_cmpuint(loaded, >=, 8);
}

static void
test_answers(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_autofree char *name = g_strconcat(questions[i].file, ".yaml", NULL);
        g_autoptr(OshPolicySnapshot) policy = load(name);
        const OshPolicyAsk ask = {.method = questions[i].method,
                                  .target = questions[i].target,
                                  .binary = questions[i].binary};
        OshPolicyExplanation explanation = {0};
        g_autoptr(GError) error = NULL;

        osh_policy_explain(policy, NULL, &ask, &explanation, &error);
        g_assert_no_error(error);
        if (explanation.allowed != questions[i].allowed)
            g_error("%s: %s %s: %s", questions[i].file, questions[i].target, questions[i].binary,
                    explanation.reason != NULL ? explanation.reason : "allowed");
        osh_policy_explanation_clear(&explanation);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = argc > 1 ? argv[1] : "data/examples";
    g_test_add_func("/examples/each loads without a warning", test_clean);
    g_test_add_func("/examples/each does what it says", test_answers);
    return g_test_run();
}
