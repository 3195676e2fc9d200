/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-inspection.c: whether what an endpoint says about requests makes sense.
 *
 * Runs on the loading thread, on the rules as written, before `access` is expanded. The rules of
 * json-rpc and mcp are looked at more closely in check-rpc.c.
 */
#include "schema.h"

#include <string.h>

static const OshYamlNode *
member(const OshPolicyEndpoint *endpoint, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, key);

    return node != NULL ? node : endpoint->match->source;
}

static gboolean
has(const OshPolicyEndpoint *endpoint, const char *key)
{
    return osh_yaml_find(endpoint->match->source, key) != NULL;
}

static gboolean
is_explicitly_empty(const OshYamlNode *node)
{
    return node != NULL &&
           (osh_yaml_is_empty(node) || (node->kind == OSH_YAML_SEQUENCE && node->length == 0));
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

static gboolean
rule_is_empty(const OshPolicyRule *rule)
{
    return rule->method == NULL && rule->path == NULL && rule->command == NULL &&
           rule->n_query == 0 && rule->n_params == 0 && rule->n_arguments == 0 &&
           !rule_is_graphql(rule);
}

static void
check_base_set(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *rules = osh_yaml_find(endpoint->match->source, "rules");
    const OshYamlNode *deny = osh_yaml_find(endpoint->match->source, "deny_rules");
    const char *access = endpoint->match->access;
    gboolean has_access = access != NULL && *access != '\0';
    gboolean inspected = endpoint->protocol_name[0] != '\0';

    if (rules != NULL && has_access)
        osh_yaml_error(loader->diagnostics, rules, "rules and access are mutually exclusive");
    if (is_explicitly_empty(rules))
        osh_yaml_error(loader->diagnostics, rules,
                       "rules must not be empty: it would deny all requests");
    if (is_explicitly_empty(deny))
        osh_yaml_error(loader->diagnostics, deny, "deny_rules must not be empty");
    if (inspected && !is_rpc(endpoint) && rules == NULL && !has_access)
        osh_yaml_error_hint(loader->diagnostics, member(endpoint, "protocol"),
                            g_strdup("write access: read-only, or list rules"),
                            "protocol %s requires rules or access", endpoint->protocol_name);
    if (deny != NULL && !inspected)
        osh_yaml_error(loader->diagnostics, deny, "deny_rules require protocol");
    else if (deny != NULL && rules == NULL && !has_access &&
             endpoint->protocol != OSH_POLICY_PROTOCOL_MCP)
        osh_yaml_error(loader->diagnostics, deny,
                       "deny_rules require rules or access: there is nothing to deny from");
    if (has_access && strcmp(access, "read-only") != 0 && strcmp(access, "read-write") != 0 &&
        strcmp(access, "full") != 0)
        osh_yaml_warning(loader->diagnostics, member(endpoint, "access"),
                         "unknown access '%s' allows nothing: every request is denied (known: "
                         "read-only, read-write, full)",
                         access);
}

static void
check_rules_allow_something(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    for (guint i = 0; i < match->n_rules; i++)
        if (!rule_is_empty(&match->rules[i]))
            return;
    if (match->n_rules > 0)
        osh_yaml_error(loader->diagnostics, member(endpoint, "rules"),
                       "every rule is empty: it would deny all requests");
}

static void
check_method(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    static const char *const known[] = {"GET",    "HEAD",  "POST",          "PUT",
                                        "DELETE", "PATCH", "OPTIONS",       "CONNECT",
                                        "TRACE",  "*",     "WEBSOCKET_TEXT"};

    if (rule->method == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_ascii_strcasecmp(rule->method, known[i]) == 0)
            return;
    osh_yaml_warning(loader->diagnostics, osh_yaml_find(rule->source, "method"),
                     "unknown HTTP method '%s'", rule->method);
}

static void
check_operation(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    static const char *const types[] = {"query", "mutation", "subscription", "*", NULL};
    const OshYamlNode *fields = osh_yaml_find(rule->source, "fields");
    const OshYamlNode *type = osh_yaml_find(rule->source, "operation_type");

    if (rule->operation_type == NULL)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "a GraphQL rule requires operation_type (query, mutation, subscription or "
                       "*)");
    else if (!g_strv_contains(types, rule->operation_type))
        osh_yaml_error(loader->diagnostics, type,
                       "operation_type '%s' must be query, mutation, subscription or *",
                       rule->operation_type);
    if (is_explicitly_empty(fields))
        osh_yaml_error(loader->diagnostics, fields,
                       "fields must list at least one non-empty string");
}

static void
check_websocket_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint,
                     const OshPolicyRule *rule, gboolean allow)
{
    if (rule_is_graphql(rule)) {
        if (rule->method != NULL || rule->path != NULL || rule->n_query > 0)
            osh_yaml_error(loader->diagnostics, rule->source,
                           "a websocket rule must not mix method, path or query with GraphQL "
                           "fields");
        check_operation(loader, rule);
        return;
    }
    check_method(loader, rule);
    if (allow && endpoint->has_graphql_rules && rule->method != NULL &&
        g_ascii_strcasecmp(rule->method, "WEBSOCKET_TEXT") == 0)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "WEBSOCKET_TEXT rules are not allowed beside GraphQL rules, which decide "
                       "about every message");
}

static void
check_rule(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const OshPolicyRule *rule,
           gboolean allow)
{
    if (is_rpc(endpoint) || endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
        return;
    if (osh_yaml_find(rule->source, "mcp_arguments") != NULL)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(rule->source, "mcp_arguments"),
                       "mcp_arguments belong to protocol mcp only");
    if (rule->has_tool || rule->n_params > 0)
        osh_yaml_error(loader->diagnostics, rule->source,
                       "tool and params belong to protocol mcp only");
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET) {
        check_websocket_rule(loader, endpoint, rule, allow);
        return;
    }
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_GRAPHQL) {
        check_operation(loader, rule);
        return;
    }
    check_method(loader, rule);
    if (rule_is_graphql(rule))
        osh_yaml_warning(loader->diagnostics, rule->source,
                         "GraphQL fields are ignored on protocol '%s'", endpoint->protocol_name);
    if (rule->command != NULL && endpoint->protocol == OSH_POLICY_PROTOCOL_REST)
        osh_yaml_warning(loader->diagnostics, osh_yaml_find(rule->source, "command"),
                         "command is ignored on protocol rest");
    if (allow && rule->method != NULL && rule->path == NULL &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_SQL)
        osh_yaml_warning(loader->diagnostics, rule->source,
                         "a rule without path never matches; write path: \"**\" for any");
}

static void
check_graphql_options(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    static const char *const types[] = {"query", "mutation", "subscription", NULL};
    const OshYamlNode *mode = osh_yaml_find(endpoint->match->source, "persisted_queries");
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (mode != NULL && mode->kind == OSH_YAML_SCALAR && strcmp(mode->text, "deny") != 0 &&
        strcmp(mode->text, "allow_registered") != 0 && mode->length > 0)
        osh_yaml_error(loader->diagnostics, mode,
                       "persisted_queries '%s' must be deny or allow_registered", mode->text);
    for (guint i = 0; i < match->n_registered; i++)
        if (!g_strv_contains(types, match->registered[i].operation_type))
            osh_yaml_error(loader->diagnostics, member(endpoint, "graphql_persisted_queries"),
                           "operation_type of registered query '%s' must be query, mutation or "
                           "subscription",
                           match->registered[i].id);
    if (has(endpoint, "graphql_max_body_bytes")) {
        guint64 bytes;

        if (osh_yaml_integer(member(endpoint, "graphql_max_body_bytes"), &bytes) && bytes == 0)
            osh_yaml_error(loader->diagnostics, member(endpoint, "graphql_max_body_bytes"),
                           "graphql_max_body_bytes must be greater than 0");
    }
    if ((mode != NULL || match->n_registered > 0 || has(endpoint, "graphql_max_body_bytes")) &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_GRAPHQL &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_WEBSOCKET)
        osh_yaml_warning(loader->diagnostics, match->source,
                         "GraphQL options are ignored on protocol '%s'", endpoint->protocol_name);
}

static void
check_tcp(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    static const char *const inspection_keys[] = {"path",
                                                  "enforcement",
                                                  "access",
                                                  "rules",
                                                  "deny_rules",
                                                  "allow_encoded_slash",
                                                  "websocket_credential_rewrite",
                                                  "request_body_credential_rewrite",
                                                  "persisted_queries",
                                                  "graphql_persisted_queries",
                                                  "graphql_max_body_bytes",
                                                  "credential_signing",
                                                  "signing_service",
                                                  "signing_region",
                                                  "credential_binding",
                                                  "json_rpc",
                                                  "mcp"};
    g_autoptr(GString) found = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(inspection_keys); i++)
        if (has(endpoint, inspection_keys[i]))
            g_string_append_printf(found, "%s%s", found->len > 0 ? ", " : "", inspection_keys[i]);
    if (found->len > 0)
        osh_yaml_error(loader->diagnostics, endpoint->match->source,
                       "protocol tcp does not support L7-only fields: %s", found->str);
}

static void
check_surprises(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *tls = osh_yaml_find(endpoint->match->source, "tls");
    const char *mode = tls != NULL && tls->kind == OSH_YAML_SCALAR ? tls->text : "";
    gboolean inspected =
        endpoint->protocol_name[0] != '\0' && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP;

    if (g_ascii_strcasecmp(mode, "terminate") == 0 || g_ascii_strcasecmp(mode, "passthrough") == 0)
        osh_yaml_warning(loader->diagnostics, tls,
                         "tls: %s is deprecated and does nothing; TLS is detected", mode);
    else if (*mode != '\0' && g_ascii_strcasecmp(mode, "skip") != 0 &&
             g_ascii_strcasecmp(mode, "auto") != 0)
        osh_yaml_warning(loader->diagnostics, tls, "unknown tls '%s' means auto", mode);
    for (guint i = 0; endpoint->tls == OSH_POLICY_TLS_SKIP && inspected && i < endpoint->n_ports;
         i++)
        if (endpoint->ports[i] == 443)
            osh_yaml_warning(loader->diagnostics, tls,
                             "tls: skip with protocol %s on port 443: encrypted requests cannot "
                             "be inspected",
                             endpoint->protocol_name);
    if (inspected && !has(endpoint, "enforcement") && endpoint->protocol != OSH_POLICY_PROTOCOL_SQL)
        osh_yaml_warning(loader->diagnostics, endpoint->match->source,
                         "no enforcement means audit: denied requests are logged and forwarded; "
                         "write enforcement: enforce");
    if (endpoint->request_body_credential_rewrite && endpoint->protocol != OSH_POLICY_PROTOCOL_REST)
        osh_yaml_warning(loader->diagnostics, member(endpoint, "request_body_credential_rewrite"),
                         "request_body_credential_rewrite is ignored on protocol '%s'",
                         endpoint->protocol_name);
    if (endpoint->websocket_credential_rewrite &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_WEBSOCKET &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_REST)
        osh_yaml_warning(loader->diagnostics, member(endpoint, "websocket_credential_rewrite"),
                         "websocket_credential_rewrite is ignored on protocol '%s'",
                         endpoint->protocol_name);
}

void
osh_schema_check_inspection(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    check_surprises(loader, endpoint);
    if (endpoint->path[0] != '\0' && endpoint->path[0] != '/' && strcmp(endpoint->path, "**") != 0)
        osh_yaml_error(loader->diagnostics, member(endpoint, "path"),
                       "path '%s' must start with '/' (or be **)", endpoint->path);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_TCP) {
        check_tcp(loader, endpoint);
        return;
    }
    check_base_set(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
        osh_schema_check_facts(loader, endpoint);
    else
        check_rules_allow_something(loader, endpoint);
    check_graphql_options(loader, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_SQL &&
        endpoint->enforcement == OSH_POLICY_ENFORCE)
        osh_yaml_error(loader->diagnostics, member(endpoint, "enforcement"),
                       "protocol sql supports only enforcement: audit");
    if (has(endpoint, "mcp") && endpoint->protocol != OSH_POLICY_PROTOCOL_MCP)
        osh_yaml_error(loader->diagnostics, member(endpoint, "mcp"),
                       "mcp options require protocol mcp");
    if (has(endpoint, "json_rpc") && endpoint->protocol != OSH_POLICY_PROTOCOL_JSONRPC)
        osh_yaml_warning(loader->diagnostics, member(endpoint, "json_rpc"),
                         "json_rpc options are ignored on protocol '%s'", endpoint->protocol_name);
    for (guint i = 0; i < match->n_rules; i++)
        check_rule(loader, endpoint, &match->rules[i], TRUE);
    for (guint i = 0; i < match->n_deny_rules; i++)
        check_rule(loader, endpoint, &match->deny_rules[i], FALSE);
}
