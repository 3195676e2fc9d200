/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason-facts.c: why a message of a plugin's protocol is denied, in words.
 *
 * Runs only when the answer is no, so it may allocate. Values come from the box and are escaped;
 * those of a fact declared sensitive are never shown. Any thread.
 */
#include "reason.h"

#include <string.h>

#define MAX_FACTS  8
#define MAX_VALUES 4
#define MAX_VALUE  80

static void
append_value(GString *text, OshSpan value)
{
    osh_policy_append_span(text, (OshSpan){value.data, MIN(value.length, MAX_VALUE)});
    if (value.length > MAX_VALUE)
        g_string_append(text, "...");
}

static void
append_fact(GString *text, const OshPolicyFactDecl *decl, const OshFact *fact)
{
    g_string_append_printf(text, " %s=", osh_policy_fact_rule_name(decl));
    if (decl->sensitive) {
        g_string_append(text, "(sensitive)");
        return;
    }
    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        append_value(text, fact->value.string);
        break;
    case OSH_FACT_INTEGER:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, fact->value.integer);
        break;
    case OSH_FACT_BOOLEAN:
        g_string_append(text, fact->value.boolean ? "true" : "false");
        break;
    case OSH_FACT_STRINGS:
        g_string_append_c(text, '[');
        for (guint i = 0; i < fact->count && i < MAX_VALUES; i++) {
            g_string_append(text, i > 0 ? ", " : "");
            append_value(text, fact->value.strings[i]);
        }
        g_string_append(text, fact->count > MAX_VALUES ? ", ...]" : "]");
        break;
    case OSH_FACT_RECORDS:
        g_string_append_printf(text, "(%u records)", fact->count);
        break;
    default:
        g_string_append_c(text, '?');
        break;
    }
}

/* The facts that were given, in the order of their declarations. */
static void
append_facts(GString *text, const OshPolicyQuestion *question,
             const OshPolicyProtocolDecl *protocol)
{
    guint shown = 0;

    for (guint i = 0; i < protocol->facts->len && shown < MAX_FACTS; i++) {
        const OshPolicyFactDecl *decl = g_ptr_array_index(protocol->facts, i);

        for (gsize k = 0; k < question->n_facts; k++)
            if (strcmp(question->facts[k].name, decl->name) == 0) {
                append_fact(text, decl, &question->facts[k]);
                shown++;
                break;
            }
    }
    if (shown == 0)
        g_string_append(text, " (no facts)");
}

/* How many facts of an allow rule match; @ret_first gets the first that does not, unless it has
 * one. */
static guint
count_matching_facts(const OshPolicyQuestion *question, const OshPolicyRule *rule,
                     const OshPolicyFactDecl **ret_first)
{
    guint matching = 0;

    for (guint i = 0; i < rule->n_facts; i++) {
        if (osh_policy_fact_matches(question, &rule->facts[i], TRUE) == OSH_POLICY_YES)
            matching++;
        else if (*ret_first == NULL)
            *ret_first = rule->facts[i].fact;
    }
    return matching;
}

/* Absent and empty are different things to a deny rule. */
static const char *
how_given(const OshPolicyQuestion *question, const OshPolicyFactDecl *decl)
{
    for (gsize i = 0; i < question->n_facts; i++) {
        const OshFact *fact = &question->facts[i];

        if (strcmp(fact->name, decl->name) == 0)
            return (fact->type == OSH_FACT_STRINGS || fact->type == OSH_FACT_RECORDS) &&
                           fact->count == 0
                       ? ", which is an empty list"
                       : "";
    }
    return ", which is absent";
}

static void
append_nearest_rule(GString *text, const OshPolicyQuestion *question,
                    const OshPolicyEndpointMatch *match)
{
    const OshPolicyRule *nearest = NULL;
    const OshPolicyFactDecl *differs = NULL;
    guint best = 0;

    for (guint i = 0; i < match->n_rules; i++) {
        const OshPolicyFactDecl *first = NULL;
        guint matching = count_matching_facts(question, &match->rules[i], &first);

        if (nearest != NULL && matching <= best)
            continue;
        nearest = &match->rules[i];
        differs = first;
        best = matching;
    }
    if (nearest != NULL && differs != NULL)
        g_string_append_printf(text, "; the nearest rule '%s' differs in %s%s", nearest->words,
                               osh_policy_fact_rule_name(differs), how_given(question, differs));
}

void
osh_policy_append_facts_reason(GString *text, const OshPolicyQuestion *question,
                               const OshPolicyRequestAnswer *answer)
{
    const OshPolicyEndpoint *endpoint = answer->judged_by_facts;

    g_string_append_printf(text, "%s message ", endpoint->protocol_name);
    if (answer->deny_rule != NULL && answer->denied != OSH_POLICY_NO)
        g_string_append_printf(text, "blocked by deny rule '%s':", answer->deny_rule->words);
    else
        g_string_append(text, "not permitted by policy:");
    append_facts(text, question, endpoint->match->declared);
    if (answer->deny_rule == NULL)
        append_nearest_rule(text, question, endpoint->match);
}
