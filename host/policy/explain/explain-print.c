/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-print.c: an explanation as lines for a person and as JSON for a program.
 *
 * Whatever comes from the policy or the question is escaped; the suggested YAML comes from the
 * writer, which leaves nothing but printable ASCII. Any thread.
 */
#include "explain.h"
#include "model.h"

#include "osh-text.h"

static void add_line(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_line(GString *text, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    osh_policy_append_printable(text, line);
    g_string_append_c(text, '\n');
}

/* ", policy.yaml:12", or nothing */
static char *
place(const OshPolicySnapshot *policy, guint line)
{
    return line > 0 ? g_strdup_printf(", %s:%u", osh_policy_file_name(policy), line) : g_strdup("");
}

static void
add_rule(GString *text, const OshPolicySnapshot *policy, const OshPolicyNearRule *rule)
{
    g_autofree char *where = place(policy, rule->line);

    add_line(text, "      %s %u%s: %s: %s", rule->deny ? "deny rule" : "rule", rule->number, where,
             rule->words,
             rule->why != NULL ? rule->why
             : rule->deny      ? "matches, so this is denied"
                               : "matches");
}

static void
add_near(GString *text, const OshPolicySnapshot *policy, const OshPolicyExplanation *explanation)
{
    add_line(text, "  nearest:");
    if (explanation->near->len == 0)
        add_line(text, "    nothing: no endpoint names this host or one like it");
    for (guint i = 0; i < explanation->near->len; i++) {
        const OshPolicyNear *near = g_ptr_array_index(explanation->near, i);
        g_autofree char *where = place(policy, near->line);

        add_line(text, "    %s%s", near->endpoint->label, where);
        for (guint k = 0; k < near->why->len; k++)
            add_line(text, "      %s", (const char *)g_ptr_array_index(near->why, k));
        for (guint k = 0; k < near->rules->len; k++)
            add_rule(text, policy, g_ptr_array_index(near->rules, k));
    }
    if (explanation->n_near > explanation->near->len)
        add_line(text, "    and %u more", explanation->n_near - explanation->near->len);
}

static void
add_change(GString *text, const OshPolicyExplanation *explanation)
{
    g_auto(GStrv) lines = NULL;

    if (explanation->change_yaml == NULL)
        return;
    add_line(text, "  to allow it, add to %s:", explanation->change_where);
    lines = g_strsplit(explanation->change_yaml, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        if (lines[i][0] != '\0')
            add_line(text, "    %s", lines[i]);
    if (explanation->change_opens != NULL)
        add_line(text, "  that opens also: %s", explanation->change_opens);
}

char *
osh_policy_explanation_text(const OshPolicyExplanation *explanation,
                            const OshPolicySnapshot *policy)
{
    GString *text = g_string_new(NULL);
    g_autofree char *where = place(policy, explanation->rule_line);

    if (explanation->allowed)
        add_line(text, "allowed");
    else
        add_line(text, "%s: %s",
                 explanation->audited ? "denied by the rules, but only audited (logged and "
                                        "forwarded)"
                                      : "denied",
                 explanation->reason);
    if (explanation->policy_name != NULL)
        add_line(text, "  policy   %s%s", explanation->policy_name,
                 explanation->allowed ? "" : " lets the connection through");
    if (explanation->rule != NULL)
        add_line(text, "  rule     %s%s", explanation->rule, where);
    for (guint i = 0; explanation->allowed && i < explanation->endpoints->len; i++) {
        const OshPolicyEndpoint *endpoint = g_ptr_array_index(explanation->endpoints, i);

        add_line(text, "  endpoint %s%s", endpoint->label,
                 endpoint == explanation->selected ? " (its options apply)" : "");
    }
    for (guint i = 0; i < explanation->notes->len; i++)
        add_line(text, "  note     %s", (const char *)g_ptr_array_index(explanation->notes, i));
    if (explanation->searched)
        add_near(text, policy, explanation);
    add_change(text, explanation);
    return g_string_free(text, FALSE);
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static void
member(GString *json, const char *name, const char *value)
{
    g_string_append_printf(json, "%s\"%s\":", json->str[json->len - 1] == '{' ? "" : ",", name);
    if (value != NULL)
        osh_text_append_json(json, value);
    else
        g_string_append(json, "null");
}

static void
strings(GString *json, const char *name, const GPtrArray *values)
{
    g_string_append_printf(json, ",\"%s\":[", name);
    for (guint i = 0; i < values->len; i++) {
        g_string_append(json, i > 0 ? "," : "");
        osh_text_append_json(json, g_ptr_array_index(values, i));
    }
    g_string_append_c(json, ']');
}

static void
rules_member(GString *json, const GPtrArray *rules)
{
    g_string_append(json, ",\"rules\":[");
    for (guint i = 0; i < rules->len; i++) {
        const OshPolicyNearRule *rule = g_ptr_array_index(rules, i);

        g_string_append(json, i > 0 ? ",{" : "{");
        member(json, "kind", rule->deny ? "deny" : "allow");
        g_string_append_printf(json, ",\"number\":%u,\"line\":%u,\"matches\":%s", rule->number,
                               rule->line, rule->why == NULL ? "true" : "false");
        member(json, "words", rule->words);
        member(json, "why", rule->why);
        g_string_append_c(json, '}');
    }
    g_string_append_c(json, ']');
}

static void
near_member(GString *json, const OshPolicyExplanation *explanation)
{
    g_string_append(json, ",\"close\":[");
    for (guint i = 0; i < explanation->near->len; i++) {
        const OshPolicyNear *near = g_ptr_array_index(explanation->near, i);

        g_string_append(json, i > 0 ? ",{" : "{");
        member(json, "endpoint", near->endpoint->label);
        member(json, "policy", near->endpoint->policy_name);
        g_string_append_printf(json, ",\"line\":%u", near->line);
        strings(json, "why", near->why);
        rules_member(json, near->rules);
        g_string_append_c(json, '}');
    }
    g_string_append_printf(json, "],\"close_in_all\":%u", explanation->n_near);
}

char *
osh_policy_explanation_json(const OshPolicyExplanation *explanation,
                            const OshPolicySnapshot *policy)
{
    GString *json = g_string_new("{");

    g_string_append_printf(json, "\"allowed\":%s,\"audited\":%s",
                           explanation->allowed ? "true" : "false",
                           explanation->audited ? "true" : "false");
    member(json, "file", osh_policy_file_name(policy));
    member(json, "sha256", osh_policy_sha256(policy));
    member(json, "reason", explanation->reason);
    member(json, "policy", explanation->policy_name);
    member(json, "rule", explanation->rule);
    g_string_append_printf(json, ",\"rule_line\":%u", explanation->rule_line);
    member(json, "endpoint", explanation->selected != NULL ? explanation->selected->label : NULL);
    strings(json, "notes", explanation->notes);
    near_member(json, explanation);
    if (explanation->change_yaml == NULL) {
        member(json, "change", NULL);
    } else {
        g_string_append(json, ",\"change\":{");
        member(json, "add_to", explanation->change_where);
        member(json, "yaml", explanation->change_yaml);
        member(json, "opens_also", explanation->change_opens);
        g_string_append_c(json, '}');
    }
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}
