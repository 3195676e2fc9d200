/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-rule.c: what of a request does not match a rule.
 *
 * Whether it matches is asked of the engine itself, with an endpoint that has this one rule; only
 * the words are made here. May allocate; any thread.
 */
#include "asked.h"
#include "reason.h"

#include <string.h>

static void add_why(GString *why, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_why(GString *why, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_string_append_printf(why, "%s%s", why->len > 0 ? "; " : "", text);
}

static char *
text_of(OshSpan span)
{
    GString *text = g_string_new(NULL);

    osh_policy_append_span(text, (OshSpan){span.data, MIN(span.length, 200)});
    return g_string_free(text, FALSE);
}

static char *
globs_of(const OshPolicyMatcher *matcher)
{
    GString *globs = g_string_new(NULL);

    for (guint i = 0; i < matcher->n_patterns; i++)
        g_string_append_printf(globs, "%s%s", i > 0 ? " or " : "", matcher->patterns[i]->text);
    return g_string_free(globs, FALSE);
}

static gboolean
is_unmatched(const OshPolicyMatcher *matcher, OshSpan value)
{
    return osh_policy_matcher_matches(matcher, value) != OSH_POLICY_YES;
}

static void
why_method(GString *why, const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    g_autofree char *method = text_of(question->method);

    if (rule->method == NULL)
        add_why(why, "it names no method, so it never matches");
    else if (!osh_policy_rule_has_method(rule, question->method))
        add_why(why, "method %s is not %s", method, rule->method);
}

static void
why_query(GString *why, const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    for (guint i = 0; i < rule->n_query; i++) {
        const OshPolicyKeyMatcher *matcher = &rule->query[i];
        const OshFact *values = osh_policy_query_values(question, matcher);
        g_autofree char *globs = globs_of(&matcher->matcher);

        if (values == NULL) {
            add_why(why, "query key '%s' is missing", matcher->key);
            continue;
        }
        for (guint k = 0; k < values->count; k++)
            if (is_unmatched(&matcher->matcher, values->value.strings[k])) {
                g_autofree char *value = text_of(values->value.strings[k]);

                add_why(why, "query %s=%s does not match %s", matcher->key, value, globs);
            }
    }
}

static void
why_rest(GString *why, const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    g_autofree char *path = text_of(question->path);

    if (rule->command != NULL) {
        g_autofree char *command = text_of(question->command);

        if (question->has_command)
            add_why(why, "command %s is not %s", command, rule->command);
        else
            add_why(why, "it is about the SQL command %s (--sql)", rule->command);
        return;
    }
    why_method(why, question, rule);
    if (rule->path == NULL)
        add_why(why, "it names no path, so it never matches");
    else if (osh_policy_pattern_matches(rule->path, question->path) != OSH_POLICY_YES)
        add_why(why, "path %s does not match %s", path, rule->path->text);
    why_query(why, question, rule);
}

static OshSpan
member(const OshFactRecord *record, const char *name)
{
    const OshFact *fact = osh_policy_record_find(record, name, OSH_FACT_STRING);

    return fact != NULL ? fact->value.string : (OshSpan){"", 0};
}

static void
why_field(GString *why, const OshPolicyRule *rule, const OshFactRecord *operation)
{
    const OshFact *fields = osh_policy_record_find(operation, "fields", OSH_FACT_STRINGS);

    if (rule->n_fields > 0 && (fields == NULL || fields->count == 0))
        add_why(why, "the operation has no fields to compare");
    for (guint i = 0; rule->n_fields > 0 && fields != NULL && i < fields->count; i++) {
        const OshPolicyMatcher matcher = {.patterns = rule->fields, .n_patterns = rule->n_fields};
        g_autofree char *field = text_of(fields->value.strings[i]);

        if (is_unmatched(&matcher, fields->value.strings[i]))
            add_why(why, "field %s is none of its fields", field);
    }
}

static void
why_graphql(GString *why, const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    if (question->n_operations == 0)
        add_why(why, "it is about GraphQL operations (--graphql-operation)");
    for (guint i = 0; i < question->n_operations; i++) {
        g_autofree char *type = text_of(member(&question->operations[i], "type"));
        g_autofree char *name = text_of(member(&question->operations[i], "name"));

        if (rule->operation_type != NULL && strcmp(rule->operation_type, "*") != 0 &&
            g_ascii_strcasecmp(type, rule->operation_type) != 0)
            add_why(why, "operation type %s is not %s", type, rule->operation_type);
        if (rule->operation_name != NULL &&
            osh_policy_pattern_matches(rule->operation_name, osh_span(name)) != OSH_POLICY_YES)
            add_why(why, "operation name '%s' does not match %s", name, rule->operation_name->text);
        why_field(why, rule, &question->operations[i]);
    }
}

static void
why_param(GString *why, const OshFactRecord *call, const OshPolicyKeyMatcher *matcher)
{
    const OshFact *params = osh_policy_record_find(call, "params", OSH_FACT_RECORDS);
    gboolean present = FALSE;
    g_autofree char *globs = globs_of(&matcher->matcher);
    const char *what = g_str_has_prefix(matcher->key, "arguments.") ? "argument " : "tool ";
    const char *name = g_str_has_prefix(matcher->key, "arguments.") ? matcher->key + 10 : "";

    for (guint i = 0; params != NULL && i < params->count; i++) {
        OshSpan key = member(&params->value.records[i], "key");
        OshSpan value = member(&params->value.records[i], "value");
        g_autofree char *text = text_of(value);

        if (key.length != matcher->key_length || memcmp(key.data, matcher->key, key.length) != 0)
            continue;
        present = TRUE;
        if (is_unmatched(&matcher->matcher, value))
            add_why(why, "%s%s%s%s does not match %s", what, name, *name != '\0' ? "=" : "", text,
                    globs);
    }
    if (!present)
        add_why(why, "%s%s is missing (%s)", what, name,
                *name != '\0' ? "--mcp-argument" : "--mcp-tool");
}

/* Why MCP itself refuses a call whose method the rule names. */
static void
why_mcp(GString *why, const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
        const OshPolicyRule *rule)
{
    OshSpan method = osh_policy_call_method(question->calls);

    if (osh_policy_mcp_fit(question, question->calls, endpoint) != OSH_POLICY_MCP_FITS)
        add_why(why, "no revision that the endpoint accepts has this message");
    else if (osh_mcp_method_class(method.data, (gssize)method.length, NULL) ==
                 OSH_MCP_METHOD_EXTENSION &&
             !osh_policy_mcp_rule_is_exact(rule))
        add_why(why, "an extension needs a rule with exactly its method");
}

static void
why_rpc(GString *why, const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
        const OshPolicyRule *rule)
{
    g_autofree char *method = NULL;
    const char *wanted = rule->method != NULL ? rule->method : OSH_POLICY_TOOL_CALL;

    if (question->n_calls == 0) {
        add_why(why, "it is about JSON-RPC calls (--rpc-method, --mcp-tool)");
        return;
    }
    method = text_of(member(&question->calls[0], "method"));
    if (rule->method_pattern != NULL
            ? osh_policy_pattern_matches(rule->method_pattern, osh_span(method)) != OSH_POLICY_YES
            : strcmp(method, wanted) != 0)
        add_why(why, "method %s is not %s", method, wanted);
    else if (endpoint->protocol == OSH_POLICY_PROTOCOL_MCP)
        why_mcp(why, question, endpoint, rule);
    for (guint i = 0; i < rule->n_params; i++)
        why_param(why, &question->calls[0], &rule->params[i]);
    for (guint i = 0; i < rule->n_arguments; i++)
        why_param(why, &question->calls[0], &rule->arguments[i]);
}

static const OshFact *
find_fact(const OshPolicyQuestion *question, const char *name)
{
    for (gsize i = 0; i < question->n_facts; i++)
        if (strcmp(question->facts[i].name, name) == 0)
            return &question->facts[i];
    return NULL;
}

static gboolean
is_empty_list(const OshFact *fact)
{
    return (fact->type == OSH_FACT_STRINGS || fact->type == OSH_FACT_RECORDS) && fact->count == 0;
}

static void
why_limits(GString *why, const char *name, gint64 value, const OshPolicyLimits *limits)
{
    if (value < limits->minimum)
        add_why(why, "fact %s is %" G_GINT64_FORMAT ", less than min %" G_GINT64_FORMAT, name,
                value, limits->minimum);
    else
        add_why(why, "fact %s is %" G_GINT64_FORMAT ", more than max %" G_GINT64_FORMAT, name,
                value, limits->maximum);
}

static void
why_facts(GString *why, const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    for (guint i = 0; i < rule->n_facts; i++) {
        const OshPolicyFactMatcher *matcher = &rule->facts[i];
        const char *name = osh_policy_fact_rule_name(matcher->fact);
        const OshFact *fact = find_fact(question, matcher->fact->name);
        g_autofree char *globs = globs_of(&matcher->matcher);

        if (osh_policy_fact_matches(question, matcher, TRUE) == OSH_POLICY_YES)
            continue;
        if (fact == NULL)
            add_why(why, "fact %s is missing (--fact %s=VALUE)", name, name);
        else if (is_empty_list(fact))
            add_why(why, "fact %s is an empty list, which matches no rule", name);
        else if (matcher->fact->type == OSH_FACT_RECORDS)
            add_why(why, "a record of %s does not match", name);
        else if (matcher->matcher.limits != NULL && fact->type == OSH_FACT_INTEGER)
            why_limits(why, name, fact->value.integer, matcher->matcher.limits);
        else
            add_why(why, "fact %s does not match %s", name, globs);
    }
}

char *
osh_policy_rule_missing_facts(const OshPolicyQuestion *question, const OshPolicyRule *rule)
{
    g_autoptr(GString) missing = g_string_new(NULL);

    for (guint i = 0; i < rule->n_facts; i++) {
        const char *name = osh_policy_fact_rule_name(rule->facts[i].fact);

        if (find_fact(question, rule->facts[i].fact->name) == NULL)
            add_why(missing, "fact %s is missing, which matches every deny rule (--fact %s=VALUE)",
                    name, name);
    }
    return missing->len > 0 ? g_string_free(g_steal_pointer(&missing), FALSE) : NULL;
}

/* Asks the engine about this one rule. */
static gboolean
matches(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
        const OshPolicyRule *rule, gboolean deny)
{
    OshPolicyEndpointMatch match = *endpoint->match;
    OshPolicyEndpoint alone = *endpoint;
    OshPolicyRequestAnswer answer = {0};

    match.rules = deny ? NULL : rule;
    match.n_rules = deny ? 0 : 1;
    match.deny_rules = deny ? rule : NULL;
    match.n_deny_rules = deny ? 1 : 0;
    alone.match = &match;
    alone.allow_all_known_mcp_methods = FALSE;
    osh_policy_request_judge(question, question->n_calls > 0 ? question->calls : NULL, &alone,
                             &answer);
    return deny ? answer.deny_rule == rule && answer.denied != OSH_POLICY_NO
                : answer.allowed == OSH_POLICY_YES && answer.allow_rule == rule;
}

char *
osh_policy_rule_why_not(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                        const OshPolicyRule *rule, gboolean deny)
{
    g_autoptr(GString) why = NULL;

    if (matches(question, endpoint, rule, deny))
        return NULL;
    why = g_string_new(NULL);
    switch (endpoint->protocol) {
    case OSH_POLICY_PROTOCOL_JSONRPC:
    case OSH_POLICY_PROTOCOL_MCP:
        why_rpc(why, question, endpoint, rule);
        break;
    case OSH_POLICY_PROTOCOL_PLUGIN:
        why_facts(why, question, rule);
        break;
    case OSH_POLICY_PROTOCOL_GRAPHQL:
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_TCP:
    case OSH_POLICY_PROTOCOL_REST:
    case OSH_POLICY_PROTOCOL_SQL:
    default:
        if (rule->operation_type != NULL)
            why_graphql(why, question, rule);
        else
            why_rest(why, question, rule);
        break;
    }
    if (why->len == 0)
        add_why(why, "it does not match");
    return g_string_free(g_steal_pointer(&why), FALSE);
}
