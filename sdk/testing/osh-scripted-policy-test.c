/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy of tests answers its script first, then its rules, then what it was made with.
 */
#include "osh-scripted-policy.h"

static guint32
ask(OshScriptedPolicy *policy, OshFact fact)
{
    OshInterface interface = osh_scripted_policy_interface(policy);
    OshPolicySnapshot *snapshot = osh_policy_interface_current(&interface);
    OshFacts facts = {&fact, 1};
    OshVerdict verdict = OSH_VERDICT_INIT;
    guint32 action;

    osh_policy_interface_decide(&interface, snapshot, &facts, &verdict);
    action = verdict.action;
    g_assert_true((verdict.reason != NULL) == (action == OSH_ACTION_DENY));
    osh_verdict_clear(&verdict);
    osh_policy_interface_release(&interface, snapshot);
    return action;
}

static guint32
ask_word(OshScriptedPolicy *policy, const char *word)
{
    return ask(policy, (OshFact)OSH_FACT_STRING_INIT("x.word", osh_span(word)));
}

static void
test_script_comes_before_rules_and_begins_again(void)
{
    g_autoptr(OshScriptedPolicy) policy = osh_scripted_policy_new(OSH_ACTION_ALLOW);

    osh_scripted_policy_rule(policy, OSH_ACTION_DENY, "x.word", "b*");
    osh_scripted_policy_next(policy, OSH_ACTION_ALLOW, NULL);
    osh_scripted_policy_next(policy, OSH_ACTION_DENY, "scripted");
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpuint(ask_word(policy, "bad"), ==, OSH_ACTION_ALLOW);
        g_assert_cmpuint(ask_word(policy, "good"), ==, OSH_ACTION_DENY);
        g_assert_cmpuint(ask_word(policy, "bad"), ==, OSH_ACTION_DENY);
        g_assert_cmpuint(ask_word(policy, "good"), ==, OSH_ACTION_ALLOW);
        g_assert_cmpuint(osh_scripted_policy_n_decisions(policy), ==, 4);
        osh_scripted_policy_rewind(policy);
    }
}

static void
test_list_is_allowed_whole_and_denied_by_one_value(void)
{
    static const OshSpan mixed[] = {{"a1", 2}, {"b1", 2}};
    static const OshSpan same[] = {{"a1", 2}, {"a2", 2}};
    g_autoptr(OshScriptedPolicy) allows = osh_scripted_policy_new(OSH_ACTION_DENY);
    g_autoptr(OshScriptedPolicy) denies = osh_scripted_policy_new(OSH_ACTION_ALLOW);

    osh_scripted_policy_rule(allows, OSH_ACTION_ALLOW, "x.keys", "a?");
    osh_scripted_policy_rule(denies, OSH_ACTION_DENY, "x.keys", "b?");
    g_assert_cmpuint(ask(allows, (OshFact)OSH_FACT_STRINGS_INIT("x.keys", same, 2)), ==,
                     OSH_ACTION_ALLOW);
    g_assert_cmpuint(ask(allows, (OshFact)OSH_FACT_STRINGS_INIT("x.keys", mixed, 2)), ==,
                     OSH_ACTION_DENY);
    g_assert_cmpuint(ask(allows, (OshFact)OSH_FACT_STRINGS_INIT("x.keys", mixed, 0)), ==,
                     OSH_ACTION_DENY);
    g_assert_cmpuint(ask(denies, (OshFact)OSH_FACT_STRINGS_INIT("x.keys", mixed, 2)), ==,
                     OSH_ACTION_DENY);
    g_assert_cmpuint(ask(denies, (OshFact)OSH_FACT_STRINGS_INIT("x.keys", same, 2)), ==,
                     OSH_ACTION_ALLOW);
}

static void
test_numbers_and_booleans_are_compared_as_text(void)
{
    g_autoptr(OshScriptedPolicy) policy = osh_scripted_policy_new(OSH_ACTION_DENY);

    osh_scripted_policy_rule(policy, OSH_ACTION_ALLOW, "x.number", "-4");
    osh_scripted_policy_rule(policy, OSH_ACTION_INSPECT, "x.flag", "true");
    g_assert_cmpuint(ask(policy, (OshFact)OSH_FACT_INTEGER_INIT("x.number", -4)), ==,
                     OSH_ACTION_ALLOW);
    g_assert_cmpuint(ask(policy, (OshFact)OSH_FACT_INTEGER_INIT("x.number", 4)), ==,
                     OSH_ACTION_DENY);
    g_assert_cmpuint(ask(policy, (OshFact)OSH_FACT_BOOLEAN_INIT("x.flag", TRUE)), ==,
                     OSH_ACTION_INSPECT);
    g_assert_cmpuint(ask_word(policy, "true"), ==, OSH_ACTION_DENY);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/testing/scripted-policy/script-comes-before-rules-and-begins-again",
                    test_script_comes_before_rules_and_begins_again);
    g_test_add_func("/testing/scripted-policy/list-is-allowed-whole-and-denied-by-one-value",
                    test_list_is_allowed_whole_and_denied_by_one_value);
    g_test_add_func("/testing/scripted-policy/numbers-and-booleans-are-compared-as-text",
                    test_numbers_and_booleans_are_compared_as_text);
    return g_test_run();
}
