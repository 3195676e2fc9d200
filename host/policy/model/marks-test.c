/* SPDX-License-Identifier: Apache-2.0 */
/* marks-test.c: what a proposal made is allowed, but its host is not trusted for being named. */
#include "draft.h"

#include <string.h>

enum { DECLARED = 0, PROPOSED = 1 };

static const struct {
    const char *sentence;
    gboolean endpoint;
    gboolean curl;
    gboolean pattern; /* a second binary that matches curl too, by a pattern */
    gboolean pattern_proposed;
    const char *host;
    gboolean trusted;
} rows[] = {
    {"a declared host is trusted", DECLARED, DECLARED, FALSE, FALSE, "a.test", TRUE},
    {"a proposed endpoint is not", PROPOSED, DECLARED, FALSE, FALSE, "a.test", FALSE},
    {"a proposed binary does not get the trust", DECLARED, PROPOSED, FALSE, FALSE, "a.test", FALSE},
    {"a declared binary beside the proposed one does", DECLARED, PROPOSED, TRUE, DECLARED, "a.test",
     TRUE},
    {"two proposed binaries do not", DECLARED, PROPOSED, TRUE, PROPOSED, "a.test", FALSE},
    {"a declared binary beside a proposed pattern does", DECLARED, DECLARED, TRUE, PROPOSED,
     "a.test", TRUE},
    {"a wildcard never does", DECLARED, DECLARED, FALSE, FALSE, "*.b.test", FALSE},
};

static OshDraft *
draft_of(gsize row)
{
    OshDraft *draft = osh_draft_new();
    OshValue *policy = osh_draft_add_policy(draft, "p");

    osh_value_set_proposed(osh_draft_add_endpoint(policy, rows[row].host, 443), rows[row].endpoint);
    osh_value_set_proposed(osh_draft_add_binary(policy, "/usr/bin/curl"), rows[row].curl);
    if (rows[row].pattern)
        osh_value_set_proposed(osh_draft_add_binary(policy, "/usr/bin/*"),
                               rows[row].pattern_proposed);
    return draft;
}

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshDraft) draft = draft_of(row);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_draft_compile(
        draft, &(OshPolicyLoadRequest){.file_name = "p.yaml", .generation = 7}, diagnostics);
    const char *host = rows[row].host[0] == '*' ? "x.b.test" : rows[row].host;
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 443),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/usr/bin/curl")),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};
    OshPolicyVerdict verdict;

    g_assert_nonnull(policy);
    osh_policy_decide(policy, &all, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ALLOW);
    g_assert_cmpint(verdict.exact_declared_host, ==, rows[row].trusted);
    g_assert_cmpuint(verdict.generation, ==, 7);
    osh_policy_verdict_clear(&verdict);
}

static void
test_text_cannot_mark(void)
{
    g_autoptr(OshDraft) marked = draft_of(1);
    g_autofree char *text = osh_draft_write(marked, NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) again = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text, .length = strlen(text), .file_name = "p.yaml"},
        diagnostics);

    g_assert_null(strstr(text, "proposed"));
    g_assert_false(osh_value_is_proposed(
        osh_value_item(osh_draft_endpoints(osh_draft_policy(again, "p")), 0)));
}

static void
test_ambiguous(void)
{
    g_autoptr(OshDraft) draft = osh_draft_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *messages = NULL;

    for (guint i = 0; i < 2; i++) {
        OshValue *policy = osh_draft_add_policy(draft, i == 0 ? "mine" : "theirs");

        osh_value_set_proposed(osh_draft_add_endpoint(policy, "a.test", 443), i == 1);
        osh_draft_add_binary(policy, "/b");
    }
    g_assert_null(osh_draft_compile(
        draft, &(OshPolicyLoadRequest){.file_name = "p.yaml", .generation = 1}, diagnostics));
    messages = osh_policy_diagnostics_format(diagnostics);
    g_assert_nonnull(strstr(messages, "conflicting metadata: advisor_proposed"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/marks/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/marks/text carries no mark", test_text_cannot_mark);
    g_test_add_func("/marks/a proposal beside a declared endpoint is ambiguous", test_ambiguous);
    return g_test_run();
}
