/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins see of the engine: verdicts as they were decided, and one policy or the other. */
#include "policy-interface.h"

#include <string.h>

static const char web_yaml[] =
    "version: 1\n"
    "filesystem_policy:\n"
    "  read_only: [/usr]\n"
    "  read_write: [/data]\n"
    "network_policies:\n"
    "  web:\n"
    "    endpoints:\n"
    "    - {host: a.example.com, port: 443}\n"
    "    - {host: \"*.example.org\", port: 80, allowed_ips: [10.0.0.0/8]}\n"
    "    binaries: [{path: /usr/bin/curl}]\n";

/* Endpoints whose rules are about content. */
static const char content_yaml[] =
    "version: 1\n"
    "network_policies:\n"
    "  content:\n"
    "    endpoints:\n"
    "    - {host: g.example, port: 80, protocol: graphql, enforcement: audit, path: /graphql,\n"
    "       graphql_max_body_bytes: 1000, rules: [{allow: {operation_type: query}}]}\n"
    "    - {host: g.example, port: 80, protocol: rest, enforcement: enforce, path: /rest/**,\n"
    "       access: full}\n"
    "    - {host: j.example, port: 80, protocol: json-rpc, enforcement: enforce,\n"
    "       rules: [{allow: {method: ping}}]}\n"
    "    - {host: m.example, port: 80, protocol: mcp, enforcement: enforce,\n"
    "       mcp: {max_body_bytes: 3000}, rules: [{allow: {method: ping}}]}\n"
    "    - {host: w.example, port: 80, protocol: websocket, enforcement: enforce,\n"
    "       rules: [{allow: {method: GET, path: '/**'}}, {allow: {operation_type: query}}]}\n"
    "    binaries: [{path: /usr/bin/curl}]\n";

static OshPolicySnapshot *
load_content(void)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot =
        osh_policy_load(&(OshPolicyLoadRequest){.text = content_yaml,
                                                .length = strlen(content_yaml),
                                                .file_name = "content.yaml",
                                                .generation = 1},
                        diagnostics);
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    if (snapshot == NULL)
        g_error("%s", messages);
    return snapshot;
}

static OshPolicySnapshot *
load(guint64 generation)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot =
        osh_policy_load(&(OshPolicyLoadRequest){.text = web_yaml,
                                                .length = strlen(web_yaml),
                                                .file_name = "web.yaml",
                                                .generation = generation,
                                                .flags = OSH_POLICY_LOAD_ENFORCEABLE},
                        diagnostics);

    g_assert_nonnull(snapshot);
    return snapshot;
}

static void
decide(const OshInterface *policy, const OshPolicySnapshot *snapshot, const char *host, gint64 port,
       OshVerdict *verdict)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, port),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
    };
    OshFacts set = {facts, G_N_ELEMENTS(facts)};

    osh_policy_interface_decide(policy, snapshot, &set, verdict);
}

static void
test_verdict_is_translated_whole(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load(1));
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshPolicySnapshot *snapshot;
    const OshPolicyStatic *fixed;
    OshInterface policy;

    osh_policy_service_interface(service, &policy);
    snapshot = osh_policy_interface_current(&policy);
    decide(&policy, snapshot, "a.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_ALLOW);
    g_assert_cmpstr(verdict.policy, ==, "web");
    g_assert_true(verdict.exact_declared_host);
    g_assert_cmpuint(verdict.n_allowed_addresses, ==, 0);
    g_assert_null(verdict.reason);

    decide(&policy, snapshot, "x.example.org", 80, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_ALLOW);
    g_assert_false(verdict.exact_declared_host);
    g_assert_cmpuint(verdict.n_allowed_addresses, ==, 1);
    g_assert_cmpuint(verdict.allowed_addresses[0].prefix, ==, 96 + 8);
    g_assert_cmpuint(verdict.allowed_addresses[0].address.s6_addr[12], ==, 10);

    decide(&policy, snapshot, "b.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    g_assert_false(verdict.audit);
    g_assert_nonnull(verdict.reason);
    osh_verdict_clear(&verdict);

    fixed = osh_policy_interface_static_part(&policy, snapshot);
    g_assert_cmpstr(fixed->read_only[0], ==, "/usr");
    g_assert_cmpstr(fixed->read_write[0], ==, "/data");
    g_assert_false(fixed->include_workdir);
    g_assert_cmpstr(fixed->source_path, ==, "web.yaml");
    g_assert_true(osh_policy_interface_names_binaries(&policy, snapshot));
    g_assert_true(osh_policy_interface_name_is_known(&policy, snapshot, "x.example.org"));
    osh_policy_interface_release(&policy, snapshot);
}

static void
test_swap_leaves_held_snapshots_alone(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load(1));
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshPolicySnapshot *held;
    OshPolicySnapshot *now;
    OshInterface policy;

    osh_policy_service_interface(service, &policy);
    held = osh_policy_interface_current(&policy);
    osh_policy_service_swap(service, osh_policy_default());
    now = osh_policy_interface_current(&policy);
    decide(&policy, held, "a.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_ALLOW);
    decide(&policy, now, "a.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    osh_verdict_clear(&verdict);
    osh_policy_interface_release(&policy, held);
    osh_policy_interface_release(&policy, now);
    osh_policy_service_swap(service, load(9));
    g_assert_cmpuint(osh_policy_interface_generation(&policy), ==, 9);
}

static void
test_caller_with_less_room_is_denied(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load(1));
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshPolicySnapshot *snapshot;
    OshInterface policy;

    osh_policy_service_interface(service, &policy);
    snapshot = osh_policy_interface_current(&policy);
    verdict.struct_size = 24;
    decide(&policy, snapshot, "a.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    osh_policy_interface_release(&policy, snapshot);
}

static void
test_audit_softens_denials_and_nothing_hard(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load(1));
    OshVerdict verdict = OSH_VERDICT_INIT;
    OshPolicySnapshot *snapshot;
    OshInterface policy;
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a\0b")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
    };
    const OshFacts broken = {facts, G_N_ELEMENTS(facts)};

    osh_policy_service_set_audit(service);
    osh_policy_service_interface(service, &policy);
    snapshot = osh_policy_interface_current(&policy);
    decide(&policy, snapshot, "b.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    g_assert_true(verdict.audit);
    g_assert_false(verdict.exact_declared_host);
    osh_verdict_clear(&verdict);
    osh_policy_interface_decide(&policy, snapshot, &broken, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_DENY);
    g_assert_false(verdict.audit);
    osh_verdict_clear(&verdict);
    decide(&policy, snapshot, "a.example.com", 443, &verdict);
    g_assert_cmpuint(verdict.action, ==, OSH_ACTION_ALLOW);
    g_assert_false(verdict.audit);
    g_assert_true(osh_policy_interface_name_is_known(&policy, snapshot, "anything.example"));
    g_assert_false(osh_policy_interface_is_recording(&policy));
    osh_policy_interface_release(&policy, snapshot);
}

#define SWAPS   2000
#define READERS 3

typedef struct {
    const OshInterface *policy;
    gint ended; /* atomic */
    gint mixed;
    gint backwards;
    gint decisions;
} Race;

static OshPolicySnapshot *
load_one_of_two(guint64 generation)
{
    g_autofree char *yaml = g_strdup_printf(
        "version: 1\nnetwork_policies:\n  web:\n    endpoints:\n"
        "    - {host: %s.example.com, port: 443}\n    binaries: [{path: /usr/bin/curl}]\n",
        generation % 2 == 0 ? "even" : "odd");
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot =
        osh_policy_load(&(OshPolicyLoadRequest){.text = yaml,
                                                .length = strlen(yaml),
                                                .file_name = "web.yaml",
                                                .generation = generation,
                                                .flags = OSH_POLICY_LOAD_ENFORCEABLE},
                        diagnostics);

    g_assert_nonnull(snapshot);
    return snapshot;
}

/* Every generation allows exactly one of two hosts, and it says which one by its number. */
static gpointer
race_read(gpointer data)
{
    Race *race = data;
    guint64 last = 0;

    while (!g_atomic_int_get(&race->ended)) {
        OshPolicySnapshot *snapshot = osh_policy_interface_current(race->policy);
        guint64 announced = osh_policy_interface_generation(race->policy);
        OshVerdict even = OSH_VERDICT_INIT;
        OshVerdict odd = OSH_VERDICT_INIT;

        decide(race->policy, snapshot, "even.example.com", 443, &even);
        decide(race->policy, snapshot, "odd.example.com", 443, &odd);
        if (even.generation != odd.generation ||
            (even.action == OSH_ACTION_ALLOW) != (even.generation % 2 == 0) ||
            (odd.action == OSH_ACTION_ALLOW) == (even.action == OSH_ACTION_ALLOW))
            g_atomic_int_inc(&race->mixed);
        /* A reader never has a snapshot whose generation is not announced yet. */
        if (even.generation < last || announced < even.generation)
            g_atomic_int_inc(&race->backwards);
        last = even.generation;
        g_atomic_int_inc(&race->decisions);
        osh_verdict_clear(&even);
        osh_verdict_clear(&odd);
        osh_policy_interface_release(race->policy, snapshot);
    }
    return NULL;
}

static void
test_decision_uses_one_snapshot_or_the_other(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load_one_of_two(1));
    OshInterface policy;
    Race race = {.policy = &policy};
    GThread *readers[READERS];

    osh_policy_service_interface(service, &policy);
    for (guint i = 0; i < READERS; i++)
        readers[i] = g_thread_new("reader", race_read, &race);
    while (g_atomic_int_get(&race.decisions) < READERS)
        g_thread_yield();
    for (guint64 generation = 2; generation < SWAPS; generation++)
        osh_policy_service_swap(service, load_one_of_two(generation));
    g_atomic_int_set(&race.ended, TRUE);
    for (guint i = 0; i < READERS; i++)
        g_thread_join(readers[i]);
    g_test_message("%d decisions during %d swaps", race.decisions, SWAPS);
    g_assert_cmpint(race.mixed, ==, 0);
    g_assert_cmpint(race.backwards, ==, 0);
}

static const struct {
    const char *host;
    const char *method;
    const char *path;
    const char *error; /* a fact that an inspector has found */
    OshAction action;
    const char *inspector;
    guint64 limit;
    const char *name;
} contents[] = {
    {"g.example", "POST", "/graphql", NULL, OSH_ACTION_INSPECT, "graphql", 1000,
     "graphql_max_body_bytes"},
    {"g.example", "GET", "/graphql", NULL, OSH_ACTION_INSPECT, "graphql", 1000,
     "graphql_max_body_bytes"},
    {"g.example", "POST", "/graphql", OSH_FACT_GRAPHQL_ERROR, OSH_ACTION_DENY, NULL, 0, NULL},
    {"g.example", "POST", "/graphql", OSH_FACT_JSONRPC_ERROR, OSH_ACTION_INSPECT, "graphql", 1000,
     "graphql_max_body_bytes"},
    {"g.example", "POST", "/rest/a", NULL, OSH_ACTION_ALLOW, NULL, 0, NULL},
    {"g.example", "POST", "/rest/a%2Fb", NULL, OSH_ACTION_DENY, NULL, 0, NULL},
    {"g.example", "POST", "/other", NULL, OSH_ACTION_DENY, NULL, 0, NULL},
    {"j.example", "POST", "/", NULL, OSH_ACTION_INSPECT, "json-rpc", 65536,
     "json_rpc.max_body_bytes"},
    {"j.example", "POST", "/a%2Fb", NULL, OSH_ACTION_DENY, NULL, 0, NULL},
    {"j.example", "POST", "/", OSH_FACT_JSONRPC_ERROR, OSH_ACTION_DENY, NULL, 0, NULL},
    {"m.example", "DELETE", "/", NULL, OSH_ACTION_INSPECT, "mcp", 3000, "mcp.max_body_bytes"},
    {"m.example", "POST", "/", OSH_FACT_JSONRPC_ERROR, OSH_ACTION_DENY, NULL, 0, NULL},
    {"w.example", "GET", "/", NULL, OSH_ACTION_ALLOW, NULL, 0, NULL},
    {"w.example", "WEBSOCKET_TEXT", "/", NULL, OSH_ACTION_INSPECT, "graphql", 65536,
     "graphql_max_body_bytes"},
    {"w.example", "WEBSOCKET_TEXT", "/", OSH_FACT_GRAPHQL_ERROR, OSH_ACTION_DENY, NULL, 0, NULL},
    {"unknown.example", "POST", "/", NULL, OSH_ACTION_DENY, NULL, 0, NULL},
};

/* Content is looked into before the rules about it are asked, and audit lets nothing pass before.
 */
static void
test_content_is_inspected_first(void)
{
    g_autoptr(OshPolicyService) service = osh_policy_service_new(load_content());
    OshPolicySnapshot *snapshot;
    OshInterface policy;

    osh_policy_service_interface(service, &policy);
    snapshot = osh_policy_interface_current(&policy);
    for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
        OshVerdict verdict = OSH_VERDICT_INIT;
        const OshFact facts[] = {
            OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(contents[i].host)),
            OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 80),
            OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, osh_span(contents[i].method)),
            OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(contents[i].path)),
            OSH_FACT_STRING_INIT(contents[i].error, osh_span("no")),
        };
        const OshFacts set = {facts, G_N_ELEMENTS(facts) - (contents[i].error == NULL ? 1 : 0)};

        g_test_message("row %zu", i);
        osh_policy_interface_decide(&policy, snapshot, &set, &verdict);
        g_assert_cmpuint(verdict.action, ==, contents[i].action);
        g_assert_cmpstr(verdict.inspector, ==, contents[i].inspector);
        g_assert_cmpuint(verdict.inspect_limit, ==, contents[i].limit);
        g_assert_cmpstr(verdict.inspect_limit_name, ==, contents[i].name);
        if (contents[i].action == OSH_ACTION_INSPECT) {
            g_assert_null(verdict.reason);
            g_assert_false(verdict.audit);
        }
        osh_verdict_clear(&verdict);
    }
    osh_policy_interface_release(&policy, snapshot);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/policy-interface/verdict-is-translated-whole",
                    test_verdict_is_translated_whole);
    g_test_add_func("/host/policy-interface/swap-leaves-held-snapshots-alone",
                    test_swap_leaves_held_snapshots_alone);
    g_test_add_func("/host/policy-interface/caller-with-less-room-is-denied",
                    test_caller_with_less_room_is_denied);
    g_test_add_func("/host/policy-interface/audit-softens-denials-and-nothing-hard",
                    test_audit_softens_denials_and_nothing_hard);
    g_test_add_func("/host/policy-interface/decision-uses-one-snapshot-or-the-other",
                    test_decision_uses_one_snapshot_or_the_other);
    g_test_add_func("/host/policy-interface/content-is-inspected-first",
                    test_content_is_inspected_first);
    return g_test_run();
}
