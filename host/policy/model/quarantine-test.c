/* SPDX-License-Identifier: Apache-2.0 */
/* In a quarantine every question has one answer, and the box keeps what it was made from. */
#include "policy.h"

#include <string.h>

static const char yaml[] = "version: 1\n"
                           "filesystem_policy:\n"
                           "  read_only: [/usr]\n"
                           "network_policies:\n"
                           "  web:\n"
                           "    endpoints:\n"
                           "    - {host: a.example.com, port: 443, protocol: rest, enforcement: "
                           "audit, access: read-only}\n"
                           "    binaries: [{path: /usr/bin/curl}]\n";

static OshPolicySnapshot *
load(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = yaml, .length = strlen(yaml), .file_name = "web.yaml", .generation = 4},
        diagnostics);

    g_assert_nonnull(snapshot);
    return snapshot;
}

static void
expect_denied(const OshPolicySnapshot *snapshot, guint n_facts)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.example.com")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/")),
    };
    OshFacts set = {facts, n_facts};
    g_auto(OshPolicyVerdict) verdict = {0};

    osh_policy_decide(snapshot, &set, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    g_assert_true(verdict.hard);
    g_assert_cmpuint(verdict.generation, ==, 5);
    g_assert_null(verdict.selected);
    g_assert_cmpstr(verdict.reason, ==,
                    "policy validation failed; fail-closed quarantine is active; candidate version "
                    "5 rejected: web.yaml:3:1: no");
}

static void
test_denies_hard_what_the_policy_allowed(void)
{
    g_autoptr(OshPolicySnapshot) policy = load();
    g_autoptr(OshPolicySnapshot) quarantine = osh_policy_quarantine(policy, 5, "web.yaml:3:1: no");

    g_assert_true(osh_policy_name_is_known(policy, "a.example.com"));
    expect_denied(quarantine, 3);
    expect_denied(quarantine, 5);
    g_assert_false(osh_policy_name_is_known(quarantine, "a.example.com"));
    g_assert_null(osh_policy_quarantine_reason(policy));
    g_assert_cmpstr(osh_policy_sha256(quarantine), ==, osh_policy_sha256(policy));
}

static void
test_keeps_the_fixed_part_of_the_last_policy(void)
{
    OshPolicySnapshot *policy = load();
    OshPolicySnapshot *first = osh_policy_quarantine(policy, 5, "one");
    OshPolicySnapshot *second = osh_policy_quarantine(first, 6, "two");

    osh_policy_snapshot_unref(policy);
    osh_policy_snapshot_unref(first);
    g_assert_cmpstr(osh_policy_static_part(second)->read_only[0], ==, "/usr");
    g_assert_cmpstr(osh_policy_static_part(second)->source_path, ==, "web.yaml");
    g_assert_false(osh_policy_fixed(second)->include_workdir);
    g_assert_true(osh_policy_needs_binaries(second));
    osh_policy_snapshot_unref(second);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/quarantine/denies-hard-what-the-policy-allowed",
                    test_denies_hard_what_the_policy_allowed);
    g_test_add_func("/policy/quarantine/keeps-the-fixed-part-of-the-last-policy",
                    test_keeps_the_fixed_part_of_the_last_policy);
    return g_test_run();
}
