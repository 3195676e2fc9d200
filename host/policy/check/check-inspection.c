/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-inspection.c: whether what an endpoint says about requests makes sense.
 *
 * Runs on the loading thread, on the rules as written, before `access` is expanded. The rules of
 * json-rpc and mcp are looked at more closely in check-rpc.c.
 */
#include "endpoint-key.h"
#include "schema.h"

#include <string.h>

static gboolean
has(const OshPolicyEndpoint *endpoint, const char *key)
{
    return osh_yaml_find(endpoint->match->source, key) != NULL;
}

/* Whether @key is there and says something, be it right or wrong. */
static gboolean
is_written(const OshPolicyEndpoint *endpoint, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, key);

    return node != NULL && (node->kind != OSH_YAML_SCALAR || node->length > 0);
}

static gboolean
is_explicitly_empty(const OshYamlNode *node)
{
    return node != NULL && node->kind == OSH_YAML_SEQUENCE && node->length == 0;
}

static gboolean
is_rpc(const OshPolicyEndpoint *endpoint)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_JSONRPC ||
           endpoint->protocol == OSH_POLICY_PROTOCOL_MCP;
}

static gboolean
rule_is_graphql(const OshPolicyRule *rule)
{
    return rule->operation_type != NULL || rule->operation_name != NULL ||
           osh_yaml_find(rule->source, "fields") != NULL;
}

/* A condition on the query alone matches nothing: the rule still names no method and no path. */
static gboolean
rule_is_empty(const OshPolicyRule *rule)
{
    return rule->method == NULL && rule->path == NULL && rule->command == NULL &&
           rule->n_params == 0 && rule->n_arguments == 0 && !rule_is_graphql(rule);
}

static gboolean
has_access(const OshPolicyEndpoint *endpoint)
{
    return endpoint->match->access != NULL && *endpoint->match->access != '\0';
}

static void
check_deny_rules(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *deny = osh_yaml_find(endpoint->match->source, "deny_rules");

    if (deny == NULL)
        return;
    if (is_explicitly_empty(deny))
        osh_yaml_error(loader->diagnostics, deny,
                       "the deny_rules list cannot be empty: it would have no effect");
    if (!osh_policy_protocol_is_inspected(endpoint->protocol))
        osh_yaml_error(loader->diagnostics, deny,
                       "deny_rules require protocol: requests are not inspected without one");
    if (endpoint->protocol != OSH_POLICY_PROTOCOL_MCP && endpoint->match->n_rules == 0 &&
        !is_written(endpoint, "access"))
        osh_yaml_error(loader->diagnostics, deny,
                       "deny_rules require rules or access: there is nothing to deny from");
}

static void
check_base_set(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *rules = osh_yaml_find(endpoint->match->source, "rules");

    if (endpoint->match->n_rules > 0 && has_access(endpoint))
        osh_yaml_error(loader->diagnostics, rules, "rules and access are mutually exclusive");
    if (is_explicitly_empty(rules))
        osh_yaml_error(loader->diagnostics, rules,
                       "the rules list cannot be empty: it would deny all traffic");
    if (osh_policy_protocol_is_inspected(endpoint->protocol) && !is_rpc(endpoint) &&
        rules == NULL && !is_written(endpoint, "access"))
        osh_yaml_error_hint(loader->diagnostics, osh_schema_member(endpoint, "protocol"),
                            g_strdup("write access: read-only, or list rules"),
                            "protocol requires rules or access: %s allows nothing by itself",
                            endpoint->protocol_name);
    check_deny_rules(loader, endpoint);
}

static void
check_rules_allow_something(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (endpoint->protocol == OSH_POLICY_PROTOCOL_MCP && endpoint->allow_all_known_mcp_methods)
        return;
    for (guint i = 0; i < match->n_rules; i++)
        if (!rule_is_empty(&match->rules[i]))
            return;
    if (match->n_rules > 0)
        osh_yaml_error(loader->diagnostics, osh_schema_member(endpoint, "rules"),
                       "the rules would deny all traffic: every one of them is empty");
}

static void
check_method(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const OshPolicyRule *rule)
{
    static const char *const http[] = {"GET",   "HEAD",    "POST", "PUT", "DELETE",
                                       "PATCH", "OPTIONS", "*",    NULL};
    static const char *const websocket[] = {"GET",
                                            "WEBSOCKET_TEXT",
                                            "WEBSOCKET_BINARY",
                                            "WEBSOCKET_SERVER_TEXT",
                                            "WEBSOCKET_SERVER_BINARY",
                                            "*",
                                            NULL};
    const char *const *known =
        endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET ? websocket : http;

    if (rule->method == NULL || (endpoint->protocol != OSH_POLICY_PROTOCOL_WEBSOCKET &&
                                 endpoint->protocol != OSH_POLICY_PROTOCOL_REST))
        return;
    for (gsize i = 0; known[i] != NULL; i++)
        if (g_ascii_strcasecmp(rule->method, known[i]) == 0)
            return;
    osh_yaml_warning(loader->diagnostics, osh_yaml_find(rule->source, "method"),
                     "Unknown HTTP/WebSocket method '%s' on protocol %s", rule->method,
                     endpoint->protocol_name);
}

static void
warn_any_operation(OshPolicyLoader *loader, const OshYamlNode *node)
{
    osh_yaml_warning_hint(loader->diagnostics, node, g_strdup("write a rule for each type"),
                          "operation_type \"*\" stands for query, mutation and subscription; "
                          "OpenShell 0.1 refuses it");
}

static void
check_operation(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    static const char *const types[] = {"query", "mutation", "subscription", "*", NULL};
    const OshYamlNode *fields = osh_yaml_find(rule->source, "fields");
    const OshYamlNode *type = osh_yaml_find(rule->source, "operation_type");

    if (rule->operation_type == NULL)
        osh_yaml_error_at(loader->diagnostics, rule->source, "operation_type",
                          "operation_type is required for GraphQL rules: query, mutation, "
                          "subscription or *");
    else if (!g_strv_contains(types, rule->operation_type))
        osh_yaml_error(loader->diagnostics, type,
                       "operation_type '%s' must be query, mutation, subscription or *",
                       rule->operation_type);
    else if (strcmp(rule->operation_type, "*") == 0)
        warn_any_operation(loader, type);
    for (const OshYamlNode *child =
             fields != NULL && fields->kind == OSH_YAML_SEQUENCE ? fields->first : NULL;
         child != NULL; child = child->next)
        if (child->kind == OSH_YAML_SCALAR && child->length == 0)
            osh_yaml_error(loader->diagnostics, child, "a field glob must not be empty");
    if (is_explicitly_empty(fields))
        osh_yaml_error(loader->diagnostics, fields,
                       "fields: the list must not be empty; leave it out for all root fields");
}

static void
check_websocket_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                     const OshPolicyRule *rule, gboolean allow)
{
    if (rule_is_graphql(rule)) {
        if (rule->method != NULL || rule->path != NULL || rule->n_query > 0)
            osh_yaml_error(loader->diagnostics, rule->source,
                           "a WebSocket rule must not combine method, path or query with "
                           "operation_type, operation_name or fields");
        check_operation(loader, rule);
    }
    if (allow && endpoint->has_graphql_rules && rule->method != NULL &&
        g_ascii_strcasecmp(rule->method, "WEBSOCKET_TEXT") == 0)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "the endpoint has a GraphQL operation policy, which decides about every "
                       "client message: write operation rules instead of WEBSOCKET_TEXT");
}

static void
check_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const OshPolicyRule *rule,
           gboolean allow)
{
    const OshYamlNode *params = osh_yaml_find(rule->source, "params");
    const OshYamlNode *arguments = osh_yaml_find(rule->source, "mcp_arguments");

    if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
        return;
    if (arguments != NULL && !is_rpc(endpoint))
        osh_yaml_error(loader->diagnostics, arguments, "mcp_arguments belong to protocol mcp only");
    check_method(loader, endpoint, rule);
    if (!is_rpc(endpoint) && rule->has_tool)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(rule->source, "tool"),
                       "MCP tool matching is only valid for protocol mcp");
    if (!is_rpc(endpoint) && params != NULL && params->length > 0)
        osh_yaml_error(loader->diagnostics, params,
                       "params matching is only valid for protocol mcp");
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET) {
        check_websocket_rule(loader, endpoint, rule, allow);
        return;
    }
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_GRAPHQL) {
        check_operation(loader, rule);
        return;
    }
    if (rule_is_graphql(rule))
        osh_yaml_warning(loader->diagnostics, rule->source,
                         "GraphQL rule fields are ignored unless protocol is graphql or websocket, "
                         "except against GraphQL that another endpoint inspects");
    if (rule->command != NULL && endpoint->protocol == OSH_POLICY_PROTOCOL_REST)
        osh_yaml_warning(loader->diagnostics, osh_yaml_find(rule->source, "command"),
                         "command is for SQL protocol, not REST");
    if (allow && rule->method != NULL && rule->path == NULL && !is_rpc(endpoint) &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_SQL)
        osh_yaml_warning(loader->diagnostics, rule->source,
                         "a rule without path never matches; write path: \"**\" for any");
}

static void
check_registered(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                 const OshPolicyRegisteredQuery *query)
{
    static const char *const types[] = {"query", "mutation", "subscription", "*", NULL};
    const OshYamlNode *node = osh_schema_member(endpoint, "graphql_persisted_queries");

    if (strcmp(query->operation_type, "*") == 0)
        warn_any_operation(loader, node);
    if (!g_strv_contains(types, query->operation_type))
        osh_yaml_error(loader->diagnostics, node,
                       "graphql_persisted_queries[%s].operation_type must be query, mutation or "
                       "subscription",
                       query->id);
    for (guint i = 0; i < query->n_fields; i++)
        if (query->fields[i].length == 0)
            osh_yaml_error(loader->diagnostics, node,
                           "graphql_persisted_queries[%s].fields: a field must not be empty",
                           query->id);
}

static void
check_graphql_options(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *mode = osh_yaml_find(endpoint->match->source, "persisted_queries");
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (mode != NULL && mode->kind == OSH_YAML_SCALAR && strcmp(mode->text, "deny") != 0 &&
        strcmp(mode->text, "allow_registered") != 0 && mode->length > 0)
        osh_yaml_error(loader->diagnostics, mode,
                       "persisted_queries must be 'deny' or 'allow_registered', got '%s'",
                       mode->text);
    for (guint i = 0; i < match->n_registered; i++)
        check_registered(loader, endpoint, &match->registered[i]);
    if (has(endpoint, "graphql_max_body_bytes")) {
        guint64 bytes;

        if (osh_yaml_integer(osh_schema_member(endpoint, "graphql_max_body_bytes"), &bytes) &&
            bytes == 0)
            osh_yaml_error(loader->diagnostics,
                           osh_schema_member(endpoint, "graphql_max_body_bytes"),
                           "graphql_max_body_bytes must be a positive integer");
    }
    if ((mode != NULL || match->n_registered > 0 || has(endpoint, "graphql_max_body_bytes")) &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_GRAPHQL &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_WEBSOCKET)
        osh_yaml_warning(loader->diagnostics, match->source,
                         "GraphQL-specific endpoint fields are ignored unless protocol is graphql "
                         "or websocket");
}

/* Whether @node sets something: it is not empty, not null and not a switch that is off. */
static gboolean
asks_for_something(const OshYamlNode *node)
{
    if (node == NULL || osh_yaml_is_null(node) || node->length == 0)
        return FALSE;
    return !osh_schema_is_off(node);
}

static void
check_tcp(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *source = endpoint->match->source;
    g_autoptr(GString) found = g_string_new(NULL);
    const OshEndpointKey *key;

    if (has_access(endpoint) || endpoint->match->n_rules > 0 || endpoint->match->n_deny_rules > 0)
        osh_yaml_error(loader->diagnostics, source,
                       "protocol tcp does not support access, rules, or deny_rules: nothing is "
                       "inspected");
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
        if ((key->traits & OSH_ENDPOINT_KEY_INSPECTION) != 0 &&
            asks_for_something(osh_yaml_find(source, key->name)))
            g_string_append_printf(found, "%s%s", found->len > 0 ? ", " : "", key->name);
    if (found->len > 0)
        osh_yaml_error(loader->diagnostics, source,
                       "protocol tcp does not support L7-only fields: %s", found->str);
}

static void
check_surprises(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *tls = osh_yaml_find(endpoint->match->source, "tls");
    const char *mode = tls != NULL && tls->kind == OSH_YAML_SCALAR ? tls->text : "";
    gboolean inspected =
        endpoint->protocol_name[0] != '\0' && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP;

    if (strcmp(mode, "terminate") == 0 || strcmp(mode, "passthrough") == 0)
        osh_yaml_warning_hint(loader->diagnostics, tls, g_strdup("leave the key out"),
                              "tls: %s is deprecated and does nothing: TLS is detected; OpenShell "
                              "0.1 refuses it",
                              mode);
    if (endpoint->tls == OSH_POLICY_TLS_SKIP && inspected)
        osh_yaml_warning_hint(loader->diagnostics, tls,
                              g_strdup("leave tls: skip out to have TLS inspected"),
                              "tls: skip with protocol %s: encrypted requests cannot be inspected, "
                              "so the rules hold only for what is sent without TLS",
                              endpoint->protocol_name);
    if (inspected && !is_written(endpoint, "enforcement") &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_SQL)
        osh_yaml_warning(loader->diagnostics, endpoint->match->source,
                         "no enforcement means audit: denied requests are logged and forwarded; "
                         "write enforcement: enforce");
    if (endpoint->request_body_credential_rewrite && endpoint->protocol != OSH_POLICY_PROTOCOL_REST)
        osh_yaml_warning(loader->diagnostics,
                         osh_schema_member(endpoint, "request_body_credential_rewrite"),
                         "request_body_credential_rewrite is ignored unless protocol is rest");
}

/* Names each option, so that a person sees which protocol was meant. */
static void
refuse_mcp(OshPolicyLoader *loader, const OshYamlNode *mcp)
{
    const OshYamlNode *first = mcp->kind == OSH_YAML_MAPPING ? mcp->first : NULL;

    if (first == NULL)
        osh_yaml_error_hint(loader->diagnostics, mcp,
                            g_strdup("write protocol: mcp, or leave mcp out"),
                            "mcp is only valid for protocol mcp");
    for (const OshYamlNode *child = first; child != NULL; child = child->next)
        osh_yaml_error_hint(loader->diagnostics, child,
                            g_strdup("write protocol: mcp, or leave mcp out"),
                            "mcp.%.100s is only valid for protocol mcp", child->key);
}

static void
check_rpc_options(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    if (has(endpoint, "mcp") && endpoint->protocol != OSH_POLICY_PROTOCOL_MCP)
        refuse_mcp(loader, osh_schema_member(endpoint, "mcp"));
    if (!is_rpc(endpoint) && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP &&
        has(endpoint, "json_rpc"))
        osh_yaml_warning(loader->diagnostics, osh_schema_member(endpoint, "json_rpc"),
                         "JSON-RPC-specific endpoint fields are ignored unless protocol is "
                         "json-rpc or mcp");
}

/* Elsewhere no body is inspected, or none is decoded. */
static void
check_decoding(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    if (endpoint->decode_content != 0 && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_GRAPHQL && !is_rpc(endpoint))
        osh_yaml_error_hint(loader->diagnostics, osh_schema_member(endpoint, "decode_content"),
                            g_strdup("leave it out: the bodies of other protocols are not decoded"),
                            "decode_content is only valid for protocol graphql, json-rpc or mcp");
}

/* On another protocol nothing is rewritten, and the server would get the placeholder. */
static void
check_websocket_rewrite(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    if (endpoint->websocket_credential_rewrite &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_WEBSOCKET)
        osh_yaml_error_hint(loader->diagnostics,
                            osh_schema_member(endpoint, "websocket_credential_rewrite"),
                            g_strdup("write protocol: websocket, or leave it out"),
                            "websocket_credential_rewrite is only valid for protocol websocket");
}

void
osh_schema_check_inspection(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    osh_policy_diagnostics_set_stages(loader->diagnostics,
                                      OSH_POLICY_STAGE_INSPECTION | OSH_POLICY_STAGE_SAFETY);
    if (endpoint->path[0] != '\0' && endpoint->path[0] != '/' && strcmp(endpoint->path, "**") != 0)
        osh_yaml_error(loader->diagnostics, osh_schema_member(endpoint, "path"),
                       "endpoint path must start with '/' or be '**', got '%s'", endpoint->path);
    check_base_set(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
        osh_schema_check_facts(loader, endpoint);
    else
        check_rules_allow_something(loader, endpoint);
    check_rpc_options(loader, endpoint);
    check_websocket_rewrite(loader, endpoint);
    check_decoding(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_TCP)
        check_tcp(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_SQL &&
        endpoint->enforcement == OSH_POLICY_ENFORCE)
        osh_yaml_error(loader->diagnostics, osh_schema_member(endpoint, "enforcement"),
                       "SQL enforcement is not supported: protocol sql can only be audited");
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_INSPECTION);
    check_surprises(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_TCP)
        return;
    check_graphql_options(loader, endpoint);
    for (guint i = 0; i < match->n_rules; i++)
        check_rule(loader, endpoint, &match->rules[i], TRUE);
    for (guint i = 0; i < match->n_deny_rules; i++)
        check_rule(loader, endpoint, &match->deny_rules[i], FALSE);
}
