/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-rpc.c: the rules of json-rpc and mcp endpoints.
 *
 * A rule that reads narrower than it is would be the worst surprise here, so whatever the engine
 * would not look at is refused. Runs on the loading thread.
 */
#include "schema.h"

#include <string.h>

#define TOOL_CALL "tools/call"

static const OshYamlNode *
at(const OshPolicyRule *rule, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(rule->source, key);

    return node != NULL ? node : rule->source;
}

static gboolean
is_glob(const char *text)
{
    return strpbrk(text, "*?[{") != NULL;
}

static void
refuse_members(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
               const OshPolicyRule *rule, const char *const *keys)
{
    for (gsize i = 0; keys[i] != NULL; i++)
        if (osh_yaml_find(rule->source, keys[i]) != NULL)
            osh_yaml_error(loader->diagnostics, at(rule, keys[i]), "%s rules do not support %s",
                           endpoint->protocol_name, keys[i]);
}

static void
check_json_rpc_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                    const OshPolicyRule *rule)
{
    static const char *const refused[] = {
        "params",         "tool",   "path",           "query",         "command",
        "operation_type", "fields", "operation_name", "mcp_arguments", NULL};

    refuse_members(loader, endpoint, rule, refused);
    if (rule->method == NULL)
        osh_yaml_error(loader->diagnostics, rule->source, "a json-rpc rule requires method");
    else if (!rule->any_method && is_glob(rule->method))
        osh_yaml_error(loader->diagnostics, at(rule, "method"),
                       "json-rpc method '%s' must be exact or '*'", rule->method);
}

/* Whether some name matcher leaves every tool in. */
static gboolean
names_every_tool(const OshPolicyRule *rule)
{
    if (rule->n_arguments > 0)
        return FALSE;
    if (rule->n_params == 0)
        return TRUE;
    for (guint i = 0; i < rule->n_params; i++) {
        const OshPolicyMatcher *matcher = &rule->params[i].matcher;
        gboolean every = FALSE;

        for (guint k = 0; k < matcher->n_patterns; k++)
            every |= strspn(matcher->patterns[k]->text, "*") == strlen(matcher->patterns[k]->text);
        if (!every)
            return FALSE;
    }
    return TRUE;
}

static gboolean
covers_tool_calls(const OshPolicyRule *rule)
{
    if (rule->method == NULL)
        return rule->n_params + rule->n_arguments > 0;
    return rule->any_method ||
           (rule->method_pattern != NULL && rule->method_pattern->glob != NULL &&
            osh_glob_match(rule->method_pattern->glob, TOOL_CALL, sizeof(TOOL_CALL) - 1) ==
                OSH_GLOB_MATCHED);
}

static void
check_mcp_names(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                const OshPolicyRule *rule)
{
    gboolean named = FALSE;

    for (guint i = 0; i < rule->n_params; i++) {
        const OshPolicyMatcher *matcher = &rule->params[i].matcher;

        if (strcmp(rule->params[i].key, "name") != 0) {
            osh_yaml_error(loader->diagnostics, at(rule, "params"),
                           "params.%s: argument matching is not supported; only params.name is",
                           rule->params[i].key);
            continue;
        }
        named = TRUE;
        for (guint k = 0; k < matcher->n_patterns && !endpoint->strict_tool_names; k++)
            if (is_glob(matcher->patterns[k]->text))
                osh_yaml_error(loader->diagnostics, rule->source,
                               "wildcard tool name '%s' requires strict_tool_names",
                               matcher->patterns[k]->text);
    }
    if (rule->has_tool && osh_yaml_find(at(rule, "params"), "name") != NULL)
        osh_yaml_error(loader->diagnostics, at(rule, "tool"),
                       "tool and params.name are the same thing; give one");
    if (!named && rule->n_arguments == 0)
        return;
    if (rule->method == NULL ? !endpoint->allow_all_known_mcp_methods
                             : strcmp(rule->method, TOOL_CALL) != 0)
        osh_yaml_error(loader->diagnostics, rule->source, "%s require method: tools/call",
                       named ? "tool and params.name" : "mcp_arguments");
}

static void
check_mcp_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
               const OshPolicyRule *rule)
{
    static const char *const refused[] = {"path",   "query",          "command", "operation_type",
                                          "fields", "operation_name", NULL};

    refuse_members(loader, endpoint, rule, refused);
    check_mcp_names(loader, endpoint, rule);
    if (rule->method == NULL && !endpoint->allow_all_known_mcp_methods)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "an mcp rule requires method unless allow_all_known_mcp_methods is on");
    else if (rule->method == NULL && rule->n_params + rule->n_arguments == 0)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "an mcp rule names no method and no tool");
    if (rule->method != NULL && is_glob(rule->method) &&
        (!g_str_has_prefix(rule->method, "tools/") || rule->any_method))
        osh_yaml_error(loader->diagnostics, at(rule, "method"),
                       "method '%s': wildcards are only valid for the tools/ method family",
                       rule->method);
}

static void
check_tool_breadth(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean specific = FALSE;

    for (guint i = 0; i < match->n_rules; i++)
        specific |= covers_tool_calls(&match->rules[i]) && !names_every_tool(&match->rules[i]);
    if (!specific)
        return;
    for (guint i = 0; i < match->n_rules; i++)
        if (covers_tool_calls(&match->rules[i]) && names_every_tool(&match->rules[i]))
            osh_yaml_error(loader->diagnostics, match->rules[i].source,
                           "this rule allows every tool call, which makes the tool-specific allow "
                           "rules beside it meaningless");
    for (guint i = 0; i < match->n_deny_rules; i++)
        if (covers_tool_calls(&match->deny_rules[i]) && names_every_tool(&match->deny_rules[i]))
            osh_yaml_error(loader->diagnostics, match->deny_rules[i].source,
                           "this rule denies every tool call, which makes the tool-specific allow "
                           "rules beside it meaningless");
}

void
osh_schema_check_rpc(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean is_mcp = endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
    gboolean profile = is_mcp && endpoint->allow_all_known_mcp_methods;

    if (osh_yaml_find(match->source, "access") != NULL)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(match->source, "access"),
                       "protocol %s does not support access; list rules", endpoint->protocol_name);
    if (match->n_rules == 0 && !profile)
        osh_yaml_error(loader->diagnostics, match->source, "protocol %s requires rules",
                       endpoint->protocol_name);
    if (is_mcp && endpoint->host[0] == '\0')
        osh_yaml_error(loader->diagnostics, match->source, "protocol mcp requires host");
    if (endpoint->max_body_bytes == 0)
        osh_yaml_error(loader->diagnostics, match->source, "max_body_bytes must be greater than 0");
    for (guint i = 0; i < match->n_rules; i++) {
        if (is_mcp)
            check_mcp_rule(loader, endpoint, &match->rules[i]);
        else
            check_json_rpc_rule(loader, endpoint, &match->rules[i]);
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
