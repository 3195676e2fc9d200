/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-ceiling.c: whether a rule lies inside a ceiling.
 *
 * Pure over a snapshot; any thread. The question is not what one request would get but what every
 * request would that the rule lets through, so a rule with a condition that we do not write (a
 * query, an argument) never proves anything, and a denial that could overlap always refutes. It
 * must err on the side of no.
 */
#include "learn-ceiling.h"

#include <string.h>

#include "question.h"

#define ANY_BINARY "/**"
/* A path that no policy names: only a policy for any program allows it. */
#define UNHEARD_OF "/\x01openshell-learn/unheard-of"

static gboolean
is_for_any(const OshLearnCeiling *ceiling, const char *policy_name)
{
    for (guint i = 0; i < ceiling->policy->n_policies; i++)
        if (strcmp(ceiling->policy->policies[i].name, policy_name) == 0)
            return ceiling->policy->policies[i].any_binary;
    return FALSE;
}

void
osh_learn_ceiling_ask(const OshPolicySnapshot *policy, const char *host, guint port,
                      const char *binary, OshLearnCeiling *ret_ceiling)
{
    gboolean any = strcmp(binary, ANY_BINARY) == 0;
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, (gint64)port),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(any ? UNHEARD_OF : binary)),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    OshPolicyVerdict *verdict = &ret_ceiling->verdict;

    memset(ret_ceiling, 0, sizeof *ret_ceiling);
    ret_ceiling->policy = policy;
    ret_ceiling->allows = policy == NULL;
    if (policy == NULL)
        return;
    osh_policy_decide(policy, &set, verdict);
    ret_ceiling->allows = verdict->action == OSH_POLICY_ALLOW &&
                          (!any || is_for_any(ret_ceiling, verdict->policy_name));
    ret_ceiling->is_inspected =
        verdict->selected != NULL && osh_policy_protocol_is_inspected(verdict->selected->protocol);
}

void
osh_learn_ceiling_clear(OshLearnCeiling *ceiling)
{
    osh_policy_verdict_clear(&ceiling->verdict);
}

static gboolean
kind_is(const OshPolicyEndpoint *endpoint, OshLearnKind kind)
{
    switch (kind) {
    case OSH_LEARN_CONNECTION:
        return FALSE;
    case OSH_LEARN_REST:
        return endpoint->protocol == OSH_POLICY_PROTOCOL_REST;
    case OSH_LEARN_WEBSOCKET:
        return endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET;
    case OSH_LEARN_GRAPHQL:
        return endpoint->protocol == OSH_POLICY_PROTOCOL_GRAPHQL;
    case OSH_LEARN_JSONRPC:
        return endpoint->protocol == OSH_POLICY_PROTOCOL_JSONRPC;
    case OSH_LEARN_MCP:
        break;
    }
    return endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
}

/* The path that @rule is about: of the request, or of the endpoint that it would stand in. */
static OshLearnPattern *
path_of(const OshLearnRule *rule)
{
    return rule->pattern != NULL ? osh_learn_pattern_copy(rule->pattern)
                                 : osh_learn_pattern_new(rule->scope, strlen(rule->scope));
}

static gboolean
may_meet(const OshPolicyPattern *pattern, const OshLearnPattern *path)
{
    return pattern == NULL || pattern->glob == NULL ||
           osh_glob_may_overlap(pattern->glob, path->glob);
}

/* Whether requests for @path could be routed to @endpoint. */
static gboolean
may_select(const OshPolicyEndpoint *endpoint, const OshLearnPattern *path)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (match->path_prefix != NULL &&
        osh_glob_match(path->glob, match->path_prefix, strlen(match->path_prefix)) ==
            OSH_GLOB_MATCHED)
        return TRUE;
    if (match->path_selector != NULL)
        return may_meet(match->path_selector, path);
    return may_meet(match->path, path);
}

static gboolean
rest_allows(const OshPolicyRule *allow, const OshLearnRule *rule)
{
    return allow->path != NULL && allow->n_query == 0 &&
           osh_policy_rule_has_method(allow, osh_span(rule->method)) &&
           osh_learn_pattern_inside(rule->pattern, allow->path->text);
}

static gboolean
rest_may_deny(const OshPolicyRule *deny, const OshLearnRule *rule)
{
    gboolean head = g_ascii_strcasecmp(rule->method, "GET") == 0 && deny->method != NULL &&
                    g_ascii_strcasecmp(deny->method, "HEAD") == 0;

    return deny->path != NULL &&
           (head || osh_policy_rule_has_method(deny, osh_span(rule->method))) &&
           may_meet(deny->path, rule->pattern);
}

static gboolean
matches(const OshPolicyPattern *pattern, const char *text)
{
    return pattern->glob != NULL &&
           osh_glob_match(pattern->glob, text, strlen(text)) == OSH_GLOB_MATCHED;
}

static gboolean
any_matches(const OshPolicyRule *allow, const char *text)
{
    for (guint i = 0; i < allow->n_fields; i++)
        if (matches(allow->fields[i], text))
            return TRUE;
    return FALSE;
}

static gboolean
graphql_allows(const OshPolicyRule *allow, const OshLearnRule *rule)
{
    if (allow->operation_type == NULL ||
        (strcmp(allow->operation_type, "*") != 0 &&
         g_ascii_strcasecmp(allow->operation_type, rule->type) != 0))
        return FALSE;
    if (allow->operation_name != NULL &&
        (rule->name == NULL || !matches(allow->operation_name, rule->name)))
        return FALSE;
    if (allow->n_fields > 0 && rule->fields == NULL)
        return FALSE;
    for (guint i = 0; allow->n_fields > 0 && rule->fields[i] != NULL; i++)
        if (!any_matches(allow, rule->fields[i]))
            return FALSE;
    return TRUE;
}

/* A rule without a name or fields lets every one of them through: any denial could be about one. */
static gboolean
graphql_may_deny(const OshPolicyRule *deny, const OshLearnRule *rule)
{
    if (deny->operation_type != NULL && strcmp(deny->operation_type, "*") != 0 &&
        g_ascii_strcasecmp(deny->operation_type, rule->type) != 0)
        return FALSE;
    if (deny->operation_name != NULL && rule->name != NULL && deny->operation_name->glob != NULL &&
        !matches(deny->operation_name, rule->name))
        return FALSE;
    if (deny->n_fields == 0 || rule->fields == NULL)
        return TRUE;
    for (guint i = 0; rule->fields[i] != NULL; i++)
        if (any_matches(deny, rule->fields[i]))
            return TRUE;
    return FALSE;
}

static gboolean
rpc_method_is(const OshPolicyRule *other, const OshLearnRule *rule)
{
    if (other->method == NULL)
        return other->has_tool && strcmp(rule->method, OSH_POLICY_TOOL_CALL) == 0;
    if (other->any_method || strcmp(other->method, rule->method) == 0)
        return TRUE;
    return other->method_pattern != NULL && matches(other->method_pattern, rule->method);
}

static gboolean
rpc_tool_is(const OshPolicyRule *other, const OshLearnRule *rule)
{
    for (guint i = 0; i < other->n_params; i++) {
        const OshPolicyMatcher *matcher = &other->params[i].matcher;
        gboolean found = FALSE;

        if (strcmp(other->params[i].key, "name") != 0 || rule->tool == NULL)
            return FALSE;
        for (guint k = 0; k < matcher->n_patterns; k++)
            found |= matches(matcher->patterns[k], rule->tool);
        if (!found)
            return FALSE;
    }
    return TRUE;
}

static gboolean
rpc_allows(const OshPolicyRule *allow, const OshLearnRule *rule)
{
    return allow->n_arguments == 0 && rpc_method_is(allow, rule) && rpc_tool_is(allow, rule);
}

/* Of arguments nothing is known: a denial about them is one about the whole tool. */
static gboolean
rpc_may_deny(const OshPolicyRule *deny, const OshLearnRule *rule)
{
    gboolean by_name_alone = deny->n_params == 1 && strcmp(deny->params[0].key, "name") == 0;

    if (!rpc_method_is(deny, rule))
        return FALSE;
    return !by_name_alone || rpc_tool_is(deny, rule);
}

static gboolean
allows(const OshPolicyRule *allow, const OshLearnRule *rule)
{
    switch (rule->kind) {
    case OSH_LEARN_CONNECTION:
        return FALSE;
    case OSH_LEARN_REST:
    case OSH_LEARN_WEBSOCKET:
        return rest_allows(allow, rule);
    case OSH_LEARN_GRAPHQL:
        return graphql_allows(allow, rule);
    case OSH_LEARN_JSONRPC:
    case OSH_LEARN_MCP:
        break;
    }
    return rpc_allows(allow, rule);
}

static gboolean
may_deny(const OshPolicyRule *deny, const OshLearnRule *rule)
{
    switch (rule->kind) {
    case OSH_LEARN_CONNECTION:
        return TRUE;
    case OSH_LEARN_REST:
    case OSH_LEARN_WEBSOCKET:
        return rest_may_deny(deny, rule);
    case OSH_LEARN_GRAPHQL:
        return graphql_may_deny(deny, rule);
    case OSH_LEARN_JSONRPC:
    case OSH_LEARN_MCP:
        break;
    }
    return rpc_may_deny(deny, rule);
}

/*
 * As the engine has it: what MCP itself rules out, and what needs a rule with exactly its name.
 * What is written down accepts the default revision, so the ceiling has to accept that one.
 */
static gboolean
mcp_allows(const OshPolicyEndpoint *endpoint, const OshPolicyRule *allow, const OshLearnRule *rule)
{
    guint revisions;

    switch (osh_mcp_method_class(rule->method, -1, &revisions)) {
    case OSH_MCP_METHOD_SERVER_ONLY:
        return FALSE;
    case OSH_MCP_METHOD_CORE:
        return (revisions & endpoint->mcp_versions & OSH_MCP_REVISION_DEFAULT) != 0;
    case OSH_MCP_METHOD_EXTENSION:
    default:
        return (endpoint->mcp_versions & OSH_MCP_REVISION_DEFAULT) != 0 && allow != NULL &&
               g_strcmp0(allow->method, rule->method) == 0;
    }
}

static gboolean
endpoint_allows(const OshPolicyEndpoint *endpoint, const OshLearnRule *rule,
                const OshLearnPattern *path)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (match->path != NULL && !osh_learn_pattern_inside(path, match->path->text))
        return FALSE;
    if (rule->kind == OSH_LEARN_MCP && endpoint->allow_all_known_mcp_methods &&
        mcp_allows(endpoint, NULL, rule) && !(match->has_tool_rules && rule->tool != NULL))
        return TRUE;
    for (guint i = 0; i < match->n_rules; i++)
        if (allows(&match->rules[i], rule) &&
            (rule->kind != OSH_LEARN_MCP || mcp_allows(endpoint, &match->rules[i], rule)))
            return TRUE;
    return FALSE;
}

gboolean
osh_learn_ceiling_allows_rule(const OshLearnCeiling *ceiling, const OshLearnRule *rule)
{
    const OshPolicyVerdict *verdict = &ceiling->verdict;
    g_autoptr(OshLearnPattern) path = NULL;
    gboolean allowed = FALSE;

    if (!ceiling->is_inspected)
        return ceiling->allows;
    if (!ceiling->allows || rule->kind == OSH_LEARN_CONNECTION)
        return FALSE;
    path = path_of(rule);
    if (path == NULL)
        return FALSE;
    for (guint i = 0; i < verdict->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = verdict->endpoints[i];

        /* Another endpoint would read the same requests in another way. */
        if (!kind_is(endpoint, rule->kind) && may_select(endpoint, path))
            return FALSE;
        if (!may_meet(endpoint->match->path, path))
            continue;
        for (guint k = 0; k < endpoint->match->n_deny_rules; k++)
            if (may_deny(&endpoint->match->deny_rules[k], rule))
                return FALSE;
        allowed |= kind_is(endpoint, rule->kind) && endpoint_allows(endpoint, rule, path);
    }
    return allowed;
}
