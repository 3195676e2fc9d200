/* SPDX-License-Identifier: Apache-2.0 */
/* rule-line.c: where in the file stands what decided. Reads a snapshot only; any thread. */
#include "model.h"

static guint
rule_line(const OshPolicyRule *rules, guint n_rules, const char *words)
{
    for (guint i = 0; i < n_rules; i++)
        if (rules[i].words == words)
            return rules[i].line;
    return 0;
}

static guint
endpoint_line(const OshPolicyEndpoint *endpoint, const char *words)
{
    guint line;

    if (endpoint->label == words)
        return endpoint->match->line;
    line = rule_line(endpoint->match->deny_rules, endpoint->match->n_deny_rules, words);
    return line != 0 ? line : rule_line(endpoint->match->rules, endpoint->match->n_rules, words);
}

guint
osh_policy_rule_line(const OshPolicySnapshot *snapshot, const char *rule,
                     const OshPolicyEndpoint *selected)
{
    /* The words of a rule belong to the snapshot, so the address of the text tells the rule. */
    for (guint i = 0; rule != NULL && i < snapshot->n_endpoints; i++) {
        guint line = endpoint_line(&snapshot->endpoints[i], rule);

        if (line != 0)
            return line;
    }
    return selected != NULL ? selected->match->line : 0;
}
