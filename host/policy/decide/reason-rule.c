/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason-rule.c: which rule refuses a request, or nearly allows it.
 *
 * Runs only when the answer is no, so it may allocate. The reason is shown to the client and is
 * kept in events: it names the keys of a query and never a value, also none that the policy
 * matches, for a value that matches is one that the request has. Any thread.
 */
#include "reason.h"

static void
append_line(GString *text, const OshPolicyRule *rule)
{
    if (rule->line != 0)
        g_string_append_printf(text, "line %u of the policy", rule->line);
    else
        g_string_append(text, "the policy");
}

void
osh_policy_append_deny_rule(GString *text, const OshPolicyRule *rule)
{
    if (rule == NULL)
        return;
    g_string_append(text, " '");
    if (rule->n_query == 0)
        osh_policy_append_span(text, osh_span(rule->words));
    else
        g_string_append_printf(text, "%s %s", rule->method != NULL ? rule->method : "",
                               rule->path != NULL ? rule->path->text : "");
    g_string_append(text, "' (");
    append_line(text, rule);
    g_string_append_c(text, ')');
    for (guint i = 0; i < rule->n_query; i++)
        g_string_append_printf(text, "%s '%s'",
                               i > 0                ? ","
                               : rule->n_query == 1 ? " because of the query key"
                                                    : " because of the query keys",
                               rule->query[i].key);
    g_string_append(text, "; change that rule to allow it: no other rule can");
}

void
osh_policy_append_query_reason(GString *text, const OshPolicyQuestion *question,
                               const OshPolicyRequestAnswer *answer)
{
    const OshPolicyRule *rule = answer->query_rule;
    const char *separator = "";

    if (rule == NULL || answer->denied != OSH_POLICY_NO || answer->allowed != OSH_POLICY_NO)
        return;
    g_string_append(text, ": method and path fit the rule of ");
    append_line(text, rule);
    g_string_append(text, ", the query does not: ");
    for (guint i = 0; i < rule->n_query; i++) {
        const OshPolicyKeyMatcher *key = &rule->query[i];

        if (osh_policy_query_key_matches(question, key, TRUE) == OSH_POLICY_YES)
            continue;
        g_string_append_printf(text, "%s'%s' %s", separator, key->key,
                               osh_policy_query_values(question, key) == NULL ? "is missing"
                                                                              : "does not match");
        separator = ", ";
    }
}
