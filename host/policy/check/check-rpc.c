/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-rpc.c: the rules of json-rpc and mcp endpoints.
 *
 * A rule must not read narrower than it is, so a condition that the engine would not look at is an
 * error. Runs on the loading thread.
 */
#include "schema.h"

#include <string.h>

static gboolean
is_glob(const char *text)
{
    return strpbrk(text, "*?[]{}") != NULL;
}

static const OshYamlNode *
params_of(const OshPolicyRule *rule)
{
    return osh_yaml_find(rule->source, "params");
}

/* Whether a rule is about some tool calls, by their name or by their arguments. */
static gboolean
names_tool(const OshPolicyRule *rule)
{
    if (rule->n_arguments > 0)
        return TRUE;
    for (guint i = 0; i < rule->n_params; i++)
        if (strcmp(rule->params[i].key, "name") == 0)
            return TRUE;
    return FALSE;
}

static void
refuse_path_and_query(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                      const OshPolicyRule *rule)
{
    if (rule->path != NULL || rule->n_query > 0)
        osh_yaml_error(loader->diagnostics, rule->source, "%s rules must use %s, not path/query",
                       endpoint->protocol_name,
                       endpoint->protocol == OSH_POLICY_PROTOCOL_MCP ? "method/tool" : "method");
}

static void
check_json_rpc_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                    const OshPolicyRule *rule)
{
    refuse_path_and_query(loader, endpoint, rule);
    if (osh_yaml_find(rule->source, "mcp_arguments") != NULL)
        osh_yaml_error_at(loader->diagnostics, rule->source, "mcp_arguments",
                          "json-rpc rules do not support mcp_arguments");
    if (params_of(rule) != NULL && params_of(rule)->length > 0)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "JSON-RPC rules do not support params matchers");
    if (rule->has_tool)
        osh_yaml_error_at(loader->diagnostics, rule->source, "tool",
                          "MCP tool matching is only valid for protocol mcp");
    if (rule->method == NULL)
        osh_yaml_error_at(loader->diagnostics, rule->source, "method",
                          "required for json-rpc rules");
    else if (!rule->any_method && is_glob(rule->method))
        osh_yaml_error_at(
            loader->diagnostics, rule->source, "method",
            "json-rpc method rules do not support glob or wildcard matchers; write an "
            "exact method or \"*\"");
}

static void
check_tool_names(OshPolicyLoader *loader, const OshPolicyRule *rule,
                 const OshPolicyMatcher *matcher)
{
    for (guint k = 0; k < matcher->n_patterns; k++) {
        if (!is_glob(matcher->patterns[k]->text))
            continue;
        osh_yaml_error_at(
            loader->diagnostics, rule->source,
            osh_yaml_find(params_of(rule), "name") != NULL ? "params.name" : "tool",
            "wildcard tool name '%s' requires mcp.strict_tool_names to remain enabled",
            matcher->patterns[k]->text);
        return;
    }
}

static void
check_mcp_params(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                 const OshPolicyRule *rule)
{
    for (guint i = 0; i < rule->n_params; i++) {
        g_autofree char *key = g_strconcat("params.", rule->params[i].key, NULL);

        if (strcmp(rule->params[i].key, "name") != 0)
            osh_yaml_error_at(loader->diagnostics, rule->source, key,
                              "MCP tool argument matching is not supported; only params.name is");
        else if (!endpoint->strict_tool_names)
            check_tool_names(loader, rule, &rule->params[i].matcher);
    }
    if (rule->has_tool && osh_yaml_find(params_of(rule), "name") != NULL)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "MCP rules must use either tool or params.name, not both");
}

static void
check_mcp_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
               const OshPolicyRule *rule)
{
    refuse_path_and_query(loader, endpoint, rule);
    check_mcp_params(loader, endpoint, rule);
    if (rule->method == NULL && !endpoint->allow_all_known_mcp_methods)
        osh_yaml_error_at(loader->diagnostics, rule->source, "method",
                          "required while mcp.allow_all_known_mcp_methods is false");
    if (rule->method == NULL)
        return;
    if (names_tool(rule) && strcmp(rule->method, OSH_POLICY_TOOL_CALL) != 0)
        osh_yaml_error_at(loader->diagnostics, rule->source, "method",
                          "must be tools/call when a rule uses %s, got '%s'",
                          rule->n_arguments > 0 ? "mcp_arguments" : "tool or params.name",
                          rule->method);
    if (is_glob(rule->method) && !g_str_has_prefix(rule->method, "tools/"))
        osh_yaml_error_at(loader->diagnostics, rule->source, "method",
                          "method globs are only valid for the tools/ method family");
}

/* Warns of an allow rule whose method no client sends to this endpoint. */
static void
warn_unusable_method(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                     const OshPolicyRule *rule)
{
    const OshYamlNode *node = osh_yaml_find(rule->source, "method");
    guint revisions;

    if (rule->method == NULL)
        return;
    switch (osh_mcp_method_class(rule->method, -1, &revisions)) {
    case OSH_MCP_METHOD_SERVER_ONLY:
        osh_yaml_warning(loader->diagnostics, node,
                         "only an MCP server sends %s: the rule allows nothing", rule->method);
        break;
    case OSH_MCP_METHOD_CORE:
        if (!(revisions & endpoint->mcp_versions))
            osh_yaml_warning(loader->diagnostics, node,
                             "no revision of mcp.versions has the method %s: the rule allows "
                             "nothing",
                             rule->method);
        break;
    case OSH_MCP_METHOD_EXTENSION:
    default:
        break;
    }
}

/* Whether a rule without a tool takes every tool call. */
static gboolean
takes_every_call(const OshPolicyEndpoint *endpoint, const OshPolicyRule *rule)
{
    if (names_tool(rule))
        return FALSE;
    if (rule->method == NULL)
        return endpoint->allow_all_known_mcp_methods;
    return rule->any_method ||
           (rule->method_pattern != NULL && rule->method_pattern->glob != NULL &&
            osh_glob_match(rule->method_pattern->glob, OSH_POLICY_TOOL_CALL,
                           sizeof(OSH_POLICY_TOOL_CALL) - 1) == OSH_GLOB_MATCHED);
}

static void
check_tool_breadth(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean specific = FALSE;

    for (guint i = 0; i < match->n_rules; i++)
        specific |= names_tool(&match->rules[i]);
    if (!specific)
        return;
    for (guint i = 0; i < match->n_rules; i++)
        if (takes_every_call(endpoint, &match->rules[i]))
            osh_yaml_error(loader->diagnostics, match->rules[i].source,
                           "this rule allows every tool call, which conflicts with MCP tool allow "
                           "rules beside it");
    for (guint i = 0; i < match->n_deny_rules; i++)
        if (takes_every_call(endpoint, &match->deny_rules[i]))
            osh_yaml_error(loader->diagnostics, match->deny_rules[i].source,
                           "this rule denies every tool call, which conflicts with MCP tool allow "
                           "rules beside it");
}

static void
check_endpoint_shape(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean is_mcp = endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
    gboolean has_access = match->access != NULL && *match->access != '\0';

    if (has_access)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(match->source, "access"),
                       "protocol %s does not support access presets; list rules by allow.method%s",
                       endpoint->protocol_name,
                       is_mcp ? " or set mcp.allow_all_known_mcp_methods: true" : "");
    else if (match->n_rules == 0 && !is_mcp)
        osh_yaml_error(loader->diagnostics, match->source,
                       "protocol json-rpc requires explicit rules with allow.method");
    else if (match->n_rules == 0 && !endpoint->allow_all_known_mcp_methods)
        osh_yaml_error(loader->diagnostics, match->source,
                       "protocol mcp requires rules when mcp.allow_all_known_mcp_methods is false");
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_INSPECTION);
    if (is_mcp && endpoint->host[strspn(endpoint->host, " \t")] == '\0')
        osh_yaml_error(loader->diagnostics, match->source, "protocol mcp requires host");
    if (is_mcp && endpoint->n_ports == 0)
        osh_yaml_error(loader->diagnostics, match->source, "protocol mcp requires port or ports");
    if (endpoint->pin_tools != NULL && strcmp(endpoint->pin_tools, "report") != 0 &&
        strcmp(endpoint->pin_tools, "refuse") != 0)
        osh_yaml_error(loader->diagnostics,
                       osh_yaml_find(osh_yaml_find(match->source, "mcp"), "pin_tools"),
                       "mcp.pin_tools is report or refuse");
    if (endpoint->max_body_bytes == 0)
        osh_yaml_error(loader->diagnostics, match->source,
                       "max_body_bytes must be a positive integer");
}

void
osh_schema_check_rpc(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean is_mcp = endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;

    osh_policy_diagnostics_set_stages(loader->diagnostics,
                                      OSH_POLICY_STAGE_INSPECTION | OSH_POLICY_STAGE_SAFETY);
    check_endpoint_shape(loader, endpoint);
    for (guint i = 0; i < match->n_rules; i++) {
        if (is_mcp) {
            check_mcp_rule(loader, endpoint, &match->rules[i]);
            warn_unusable_method(loader, endpoint, &match->rules[i]);
        } else {
            check_json_rpc_rule(loader, endpoint, &match->rules[i]);
        }
    }
    for (guint i = 0; i < match->n_deny_rules; i++) {
        if (is_mcp)
            check_mcp_rule(loader, endpoint, &match->deny_rules[i]);
        else
            check_json_rpc_rule(loader, endpoint, &match->deny_rules[i]);
    }
    if (is_mcp)
        check_tool_breadth(loader, endpoint);
}
