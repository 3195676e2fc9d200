/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy that answers what a test says. It belongs to the test's thread, and never reads a
 * policy text: what it decides is what was scripted, nothing else.
 */
#include "osh-scripted-policy.h"

typedef struct {
    OshAction action;
    char *reason;
} Answer;

typedef struct {
    OshAction action;
    char *fact;
    GPatternSpec *pattern;
    char *words;
} Rule;

struct _OshScriptedPolicy {
    OshAction otherwise;
    guint64 limit;
    GPtrArray *answers; /* of Answer, owned */
    GPtrArray *rules;   /* of Rule, owned */
    guint next;
    guint n_decisions;
};

static void
answer_free(gpointer data)
{
    Answer *answer = data;

    g_free(answer->reason);
    g_free(answer);
}

static void
rule_free(gpointer data)
{
    Rule *rule = data;

    g_free(rule->fact);
    g_free(rule->words);
    g_pattern_spec_free(rule->pattern);
    g_free(rule);
}

OshScriptedPolicy *
osh_scripted_policy_new(OshAction otherwise)
{
    OshScriptedPolicy *policy = g_new0(OshScriptedPolicy, 1);

    policy->otherwise = otherwise;
    policy->limit = 65536;
    policy->answers = g_ptr_array_new_with_free_func(answer_free);
    policy->rules = g_ptr_array_new_with_free_func(rule_free);
    return policy;
}

void
osh_scripted_policy_free(OshScriptedPolicy *policy)
{
    if (policy == NULL)
        return;
    g_ptr_array_unref(policy->answers);
    g_ptr_array_unref(policy->rules);
    g_free(policy);
}

void
osh_scripted_policy_next(OshScriptedPolicy *policy, OshAction action, const char *reason)
{
    Answer *answer = g_new0(Answer, 1);

    answer->action = action;
    answer->reason = g_strdup(reason);
    g_ptr_array_add(policy->answers, answer);
}

void
osh_scripted_policy_rule(OshScriptedPolicy *policy, OshAction action, const char *fact,
                         const char *pattern)
{
    Rule *rule = g_new0(Rule, 1);

    rule->action = action;
    rule->fact = g_strdup(fact);
    rule->pattern = g_pattern_spec_new(pattern);
    rule->words = g_strdup_printf("%s is %s", fact, pattern);
    g_ptr_array_add(policy->rules, rule);
}

void
osh_scripted_policy_set_limit(OshScriptedPolicy *policy, guint64 limit)
{
    policy->limit = limit;
}

void
osh_scripted_policy_rewind(OshScriptedPolicy *policy)
{
    policy->next = 0;
    policy->n_decisions = 0;
}

guint
osh_scripted_policy_n_decisions(const OshScriptedPolicy *policy)
{
    return policy->n_decisions;
}

static const OshFact *
find_fact(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name))
            return &facts->facts[i];
    return NULL;
}

static gboolean
span_matches(const Rule *rule, OshSpan span)
{
    g_autofree char *text = g_strndup(span.data != NULL ? span.data : "", span.length);

    return g_pattern_spec_match_string(rule->pattern, text);
}

static gboolean
strings_match(const Rule *rule, const OshFact *fact)
{
    guint n = 0;

    for (guint32 i = 0; i < fact->count; i++)
        n += span_matches(rule, fact->value.strings[i]) ? 1 : 0;
    return rule->action == OSH_ACTION_ALLOW ? fact->count > 0 && n == fact->count : n > 0;
}

static gboolean
rule_matches(const Rule *rule, const OshFacts *facts)
{
    const OshFact *fact = find_fact(facts, rule->fact);
    char number[24];

    if (fact == NULL ||
        (rule->action == OSH_ACTION_INSPECT && find_fact(facts, OSH_SCRIPTED_CONTENT) != NULL))
        return FALSE;
    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        return span_matches(rule, fact->value.string);
    case OSH_FACT_STRINGS:
        return strings_match(rule, fact);
    case OSH_FACT_INTEGER:
        g_snprintf(number, sizeof(number), "%" G_GINT64_FORMAT, fact->value.integer);
        return g_pattern_spec_match_string(rule->pattern, number);
    case OSH_FACT_BOOLEAN:
        return g_pattern_spec_match_string(rule->pattern, fact->value.boolean ? "true" : "false");
    case OSH_FACT_RECORDS:
    default:
        return FALSE;
    }
}

static void
answer_with(const OshScriptedPolicy *policy, OshVerdict *verdict, OshAction action,
            const char *reason)
{
    verdict->action = action;
    verdict->generation = 1;
    verdict->policy = "scripted";
    if (action == OSH_ACTION_DENY)
        verdict->reason = g_strdup(reason != NULL ? reason : "no rule allows it");
    if (action == OSH_ACTION_INSPECT) {
        verdict->inspector = "scripted";
        verdict->inspect_limit = policy->limit;
    }
}

void
osh_scripted_policy_decide(OshScriptedPolicy *policy, const OshFacts *facts, OshVerdict *verdict)
{
    policy->n_decisions++;
    osh_verdict_clear(verdict);
    if (policy->next < policy->answers->len) {
        const Answer *answer = g_ptr_array_index(policy->answers, policy->next++);

        answer_with(policy, verdict, answer->action, answer->reason);
        return;
    }
    for (guint i = 0; i < policy->rules->len; i++) {
        const Rule *rule = g_ptr_array_index(policy->rules, i);

        if (rule_matches(rule, facts)) {
            answer_with(policy, verdict, rule->action, rule->words);
            return;
        }
    }
    answer_with(policy, verdict, policy->otherwise, NULL);
}

static OshPolicySnapshot *
policy_current(gpointer instance)
{
    return instance;
}

static void
policy_release(gpointer instance, OshPolicySnapshot *snapshot)
{
    (void)instance;
    (void)snapshot;
}

static guint64
policy_generation(gpointer instance)
{
    (void)instance;
    return 1;
}

static void
policy_decide(gpointer instance, const OshPolicySnapshot *snapshot, const OshFacts *facts,
              OshVerdict *verdict)
{
    (void)snapshot;
    osh_scripted_policy_decide(instance, facts, verdict);
}

static gboolean
policy_name_is_known(gpointer instance, const OshPolicySnapshot *snapshot, const char *host)
{
    (void)instance;
    (void)snapshot;
    (void)host;
    return TRUE;
}

static const OshPolicyInterface policy_vtable = {
    .struct_size = sizeof(OshPolicyInterface),
    .current = policy_current,
    .release = policy_release,
    .generation = policy_generation,
    .decide = policy_decide,
    .name_is_known = policy_name_is_known,
};

OshInterface
osh_scripted_policy_interface(OshScriptedPolicy *policy)
{
    return (OshInterface){"host", &policy_vtable, policy};
}
