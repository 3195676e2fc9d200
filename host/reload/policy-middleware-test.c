/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins see of network_middlewares: which hold for a host, and what they mean for a verdict.
 */
#include "policy-interface.h"

#include <string.h>

static const char yaml[] =
    "version: 1\n"
    "network_policies:\n"
    "  all:\n"
    "    endpoints:\n"
    "    - {host: plain.example.com, port: 443}\n"
    "    - {host: plain.example.org, port: 443}\n"
    "    - {host: lenient.example.com, port: 443}\n"
    "    - {host: rest.example.com, port: 443, protocol: rest, enforcement: enforce, access: "
    "full}\n"
    "    - {host: tcp.example.com, port: 443, protocol: tcp}\n"
    "    - {host: tcp.lenient.net, port: 443, protocol: tcp}\n"
    "    - {host: skip.lenient.net, port: 443, tls: skip}\n"
    "    binaries: [{path: /usr/bin/curl}]\n"
    "network_middlewares:\n"
    "  last:\n"
    "    middleware: test/last\n"
    "    order: 5\n"
    "    on_error: fail_open\n"
    "    on_uninspectable: deny\n"
    "    endpoints: {include: [\"**.example.com\"], exclude: [lenient.example.com]}\n"
    "  first:\n"
    "    middleware: test/first\n"
    "    order: -5\n"
    "    on_uninspectable: allow\n"
    "    config: {word: text, number: 12, part: 0.5, on: true, none: ~, list: [a, 1], map: {k: "
    "v}}\n"
    "    endpoints: {include: [\"**.example.com\", \"*.lenient.net\"]}\n";

static const OshInterface *
policy(void)
{
    static OshInterface interface;
    static OshPolicyService *service;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *snapshot;

    if (service != NULL)
        return &interface;
    snapshot = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = yaml, .length = strlen(yaml), .file_name = "p.yaml", .generation = 1},
        diagnostics);
    if (snapshot == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
    service = osh_policy_service_new(snapshot);
    osh_policy_service_interface(service, &interface);
    return &interface;
}

static char *
names_for(const char *host)
{
    const OshInterface *of = policy();
    OshPolicySnapshot *snapshot = osh_policy_interface_current(of);
    GString *names = g_string_new(NULL);
    const OshPolicyMiddleware *at;

    for (guint i = 0; (at = osh_policy_interface_middleware(of, snapshot, host, i)) != NULL; i++)
        g_string_append_printf(names, "%s ", at->name);
    osh_policy_interface_release(of, snapshot);
    return g_string_free(names, FALSE);
}

static void
test_those_that_select_a_host_come_in_their_order(void)
{
    static const char *const rows[][2] = {
        {"plain.example.com", "first last "},
        {"PLAIN.Example.COM", "first last "},
        {"a.b.example.com", "first last "},
        {"lenient.example.com", "first "},
        {"x.lenient.net", "first "},
        {"plain.example.org", ""},
        {NULL, "first last "},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *names = names_for(rows[i][0]);

        g_assert_cmpstr(names, ==, rows[i][1]);
    }
}

static void
test_an_entry_shows_what_was_written(void)
{
    const OshInterface *of = policy();
    OshPolicySnapshot *snapshot = osh_policy_interface_current(of);
    const OshPolicyMiddleware *first = osh_policy_interface_middleware(of, snapshot, NULL, 0);
    const OshPolicyMiddleware *last = osh_policy_interface_middleware(of, snapshot, NULL, 1);
    g_autofree char *config = g_variant_print(first->config, TRUE);

    g_assert_cmpstr(first->implementation, ==, "test/first");
    g_assert_false(first->fail_open);
    g_assert_true(first->allow_uninspectable);
    g_assert_cmpstr(config, ==,
                    "{'word': <'text'>, 'number': <int64 12>, 'part': <0.5>, 'on': <true>, 'list': "
                    "<[<'a'>, <int64 1>]>, 'map': <{'k': <'v'>}>}");
    g_assert_true(last->fail_open);
    g_assert_false(last->allow_uninspectable);
    g_assert_null(last->config);
    g_assert_cmpuint(first->fingerprint, !=, last->fingerprint);
    osh_policy_interface_release(of, snapshot);
}

/* Whether, and how, a connection is allowed. */
static void
check(const char *host, const char *expected)
{
    const OshInterface *of = policy();
    OshPolicySnapshot *snapshot = osh_policy_interface_current(of);
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span("/usr/bin/curl")),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    OshVerdict verdict = OSH_VERDICT_INIT;
    g_autofree char *got = NULL;

    osh_policy_interface_decide(of, snapshot, &set, &verdict);
    got = g_strdup_printf("%d %s%s %s", verdict.action == OSH_ACTION_ALLOW, verdict.protocol,
                          verdict.unjudged ? " unjudged" : "",
                          verdict.uninspectable != NULL ? verdict.uninspectable : "-");
    g_assert_cmpstr(got, ==, expected);
    if (verdict.action == OSH_ACTION_DENY)
        g_assert_nonnull(strstr(verdict.reason, "middleware 'last' has to inspect"));
    osh_verdict_clear(&verdict);
    osh_policy_interface_release(of, snapshot);
}

static void
test_an_endpoint_without_a_protocol_is_read_for_them(void)
{
    check("plain.example.com", "1 rest unjudged -");
    check("lenient.example.com", "1 rest unjudged first");
    check("plain.example.org", "1  -");
    check("rest.example.com", "1 rest -");
}

static void
test_what_cannot_be_inspected_is_refused_unless_each_lets_it_pass(void)
{
    check("tcp.example.com", "0  -");
    check("tcp.lenient.net", "1  first");
    check("skip.lenient.net", "1  first");
}

static void
test_one_that_selects_no_endpoint_is_worth_a_word(void)
{
    static const char typo[] = "version: 1\n"
                               "network_policies:\n"
                               "  all:\n"
                               "    endpoints: [{host: api.example.com, port: 443}]\n"
                               "    binaries: [{path: /usr/bin/curl}]\n"
                               "network_middlewares:\n"
                               "  typo: {middleware: test/a, endpoints: {include: [\"*\"]}}\n";

    for (guint enforced = 0; enforced < 2; enforced++) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
        g_autoptr(OshPolicyProtocolTable) table = osh_policy_protocol_table_new();
        g_autoptr(OshPolicySnapshot) snapshot = NULL;
        g_autofree char *said = NULL;

        osh_policy_protocol_table_add_middleware(table, "test/a");
        snapshot = osh_policy_load(
            &(OshPolicyLoadRequest){.text = typo,
                                    .length = strlen(typo),
                                    .file_name = "p.yaml",
                                    .generation = 1,
                                    .protocols = table,
                                    .flags = enforced != 0 ? OSH_POLICY_LOAD_ENFORCEABLE |
                                                                 OSH_POLICY_ENFORCES_MIDDLEWARE
                                                           : OSH_POLICY_LOAD_ANY},
            diagnostics);
        said = osh_policy_diagnostics_format(diagnostics);
        g_assert_cmpint(strstr(said, "selects the host of no endpoint") != NULL, ==,
                        (gint)enforced);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy-middleware/those-that-select-a-host-come-in-their-order",
                    test_those_that_select_a_host_come_in_their_order);
    g_test_add_func("/policy-middleware/an-entry-shows-what-was-written",
                    test_an_entry_shows_what_was_written);
    g_test_add_func("/policy-middleware/an-endpoint-without-a-protocol-is-read-for-them",
                    test_an_endpoint_without_a_protocol_is_read_for_them);
    g_test_add_func("/policy-middleware/"
                    "what-cannot-be-inspected-is-refused-unless-each-lets-it-pass",
                    test_what_cannot_be_inspected_is_refused_unless_each_lets_it_pass);
    g_test_add_func("/policy-middleware/one-that-selects-no-endpoint-is-worth-a-word",
                    test_one_that_selects_no_endpoint_is_worth_a_word);
    return g_test_run();
}
