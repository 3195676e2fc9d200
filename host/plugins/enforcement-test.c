/* SPDX-License-Identifier: Apache-2.0 */
/* What a run enforces follows from the plugins that are there. */
#include "enforcement.h"

#include <string.h>

#include "plugin-protocols.h"
#include "policy.h"
#include "told-plugins-test-support.h"

typedef struct {
    const char *sentence;
    const char *plugins;
    const char *config;
    guint enforced;
} Row;

static const Row rows[] = {
    {"nothing-without-plugins", "", "", 0},
    {"nothing-without-one-that-carries-connections", "speaks", "", 0},
    {"nothing-of-a-protocol-where-connections-are-carried-blindly", "carries speaks", "", 0},
    {"a-protocol-of-the-schema-by-the-plugin-that-declares-it", "drives speaks", "",
     OSH_POLICY_ENFORCES_REST},
    {"a-protocol-that-the-schema-does-not-have", "drives invents", "", OSH_POLICY_ENFORCES_PLUGINS},
    {"no-protocol-that-is-only-declared", "drives declares", "", 0},
    {"what-is-inspected-in-bodies", "drives-and-inspects speaks inspects", "",
     OSH_POLICY_ENFORCES_REST | OSH_POLICY_ENFORCES_GRAPHQL},
    {"no-bodies-where-nobody-inspects-them", "drives speaks inspects", "",
     OSH_POLICY_ENFORCES_REST},
    {"no-bodies-without-a-plugin-that-reads-their-requests", "drives-and-inspects inspects", "", 0},
    {"no-bodies-by-an-inspector-that-is-disabled", "drives-and-inspects speaks inspects",
     "[plugin inspects]\nenabled=false\n", OSH_POLICY_ENFORCES_REST},
    {"no-bodies-by-an-inspector-of-something-else", "drives-and-inspects speaks inspects-streams",
     "", OSH_POLICY_ENFORCES_REST},
    {"no-bodies-of-a-protocol-that-no-decision-asks-for",
     "drives-and-inspects speaks inspects-gopher", "", OSH_POLICY_ENFORCES_REST},
    {"credentials-by-their-provider", "drives lends-keys", "", OSH_POLICY_ENFORCES_CREDENTIALS},
    {"no-credentials-without-a-provider", "drives alone", "", 0},
    {"nothing-of-a-plugin-that-is-disabled", "drives speaks", "[plugin speaks]\nenabled=false\n",
     0},
    {"nothing-where-the-role-is-disabled", "drives speaks", "[plugin network]\nenabled=false\n", 0},
};

static void
test_row(OshToldFixture *fixture, gconstpointer data)
{
    const Row *row = data;
    g_autoptr(OshConfig) config = osh_config_new();
    const OshPluginSet *set;

    osh_told_scan(fixture, row->plugins);
    set = osh_registry_set(fixture->registry);
    g_assert_true(osh_config_parse(config, "f", row->config, strlen(row->config), NULL));
    g_assert_true(osh_plugin_set_check_config(set, config, NULL));
    g_assert_cmphex(osh_plugin_enforcement(set, config), ==, row->enforced);
}

/* The table of protocols carries it to whatever loads a policy. */
static void
test_load(OshToldFixture *fixture, gconstpointer data)
{
    static const char text[] =
        "version: 1\nnetwork_policies:\n  web:\n    endpoints:\n    - {host: a.test, port: 80, "
        "protocol: rest, access: full}\n    binaries: [{path: /bin/a}]\n";
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(OshPolicySnapshot) policy = NULL;
    gboolean enforceable = FALSE;
    OshPolicyLoadRequest request = {.text = text,
                                    .length = strlen(text),
                                    .file_name = "p",
                                    .generation = 1,
                                    .flags = OSH_POLICY_LOAD_ENFORCEABLE,
                                    .ret_enforceable = &enforceable};

    (void)data;
    g_assert_null(osh_policy_load(&request, diagnostics));
    g_assert_false(enforceable);
    osh_told_scan(fixture, "drives speaks");
    protocols = osh_plugin_protocols_read(osh_registry_set(fixture->registry), NULL, NULL);
    request.protocols = protocols;
    policy = osh_policy_load(&request, diagnostics);
    g_assert_nonnull(policy);
    g_assert_true(enforceable);
}

/* The loader names a plugin that declares a protocol and cannot read it. */
static void
test_unusable(OshToldFixture *fixture, gconstpointer data)
{
    static const struct {
        const char *protocol;
        const char *unusable;
    } found[] = {
        {"graphql", NULL},
        {"gopher", "it does not provide openshell.draft.l7-protocol/1"},
        {"rest", "it does not provide openshell.draft.l7-protocol/1"},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;

    (void)data;
    osh_told_scan(fixture, "inspects inspects-gopher declares");
    protocols = osh_plugin_protocols_read(osh_registry_set(fixture->registry), NULL, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(found); i++)
        g_assert_cmpstr(osh_policy_protocol_table_find(protocols, found[i].protocol)->unusable, ==,
                        found[i].unusable);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/enforcement/%s", rows[i].sentence);

        g_test_add(path, OshToldFixture, &rows[i], osh_told_set_up, test_row, osh_told_tear_down);
    }
    g_test_add("/enforcement/a-policy-is-loaded-by-what-the-plugins-enforce", OshToldFixture, NULL,
               osh_told_set_up, test_load, osh_told_tear_down);
    g_test_add("/enforcement/a-protocol-that-its-plugin-cannot-read-is-unusable", OshToldFixture,
               NULL, osh_told_set_up, test_unusable, osh_told_tear_down);
    return g_test_run();
}
