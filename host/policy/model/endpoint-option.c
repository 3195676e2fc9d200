/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-option.c: options of an endpoint by the name they have in the schema.
 *
 * For protocol plugins, which know their own options and must not know the engine's structures.
 * Read-only, any thread.
 */
#include "model.h"

#include <string.h>

static GVariant *
text_option(const char *text)
{
    return text != NULL && *text != '\0' ? g_variant_ref_sink(g_variant_new_string(text)) : NULL;
}

static GVariant *
ports_option(const OshPolicyEndpoint *endpoint)
{
    return g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_UINT16, endpoint->ports,
                                                        endpoint->n_ports, sizeof(guint16)));
}

/* NULL unless it speaks MCP. */
static GVariant *
versions_option(const OshPolicyEndpoint *endpoint)
{
    const char *names[OSH_MCP_REVISIONS + 1];
    gssize length = 0;

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++)
        if (endpoint->mcp_versions & osh_mcp_revision_at(i))
            names[length++] = osh_mcp_revision_name(osh_mcp_revision_at(i));
    return length > 0 ? g_variant_ref_sink(g_variant_new_strv(names, length)) : NULL;
}

static GVariant *
limit_option(const OshPolicyEndpoint *endpoint)
{
    return endpoint->max_body_bytes > 0
               ? g_variant_ref_sink(g_variant_new_uint32(endpoint->max_body_bytes))
               : NULL;
}

static gboolean
is_limit(const OshPolicyEndpoint *endpoint, const char *name)
{
    if (strcmp(name, "max_body_bytes") == 0)
        return TRUE;
    switch (endpoint->protocol) {
    case OSH_POLICY_PROTOCOL_MCP:
        return strcmp(name, "mcp.max_body_bytes") == 0;
    case OSH_POLICY_PROTOCOL_JSONRPC:
        return strcmp(name, "json_rpc.max_body_bytes") == 0;
    case OSH_POLICY_PROTOCOL_GRAPHQL:
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
        return strcmp(name, "graphql_max_body_bytes") == 0;
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_TCP:
    case OSH_POLICY_PROTOCOL_REST:
    case OSH_POLICY_PROTOCOL_SQL:
    case OSH_POLICY_PROTOCOL_PLUGIN:
    default:
        return FALSE;
    }
}

GVariant *
osh_policy_endpoint_option(const OshPolicyEndpoint *endpoint, const char *name)
{
    const struct {
        const char *name;
        gboolean value;
    } switches[] = {
        {"allow_encoded_slash", endpoint->allow_encoded_slash},
        {"websocket_credential_rewrite", endpoint->websocket_credential_rewrite},
        {"request_body_credential_rewrite", endpoint->request_body_credential_rewrite},
        {"allow_uninspected_credentials", endpoint->allow_uninspected_credentials},
        {"mcp.strict_tool_names", endpoint->strict_tool_names},
        {"mcp.allow_all_known_mcp_methods", endpoint->allow_all_known_mcp_methods},
    };
    const struct {
        const char *name;
        const char *value;
    } texts[] = {
        {"host", endpoint->host},
        {"path", endpoint->path},
        {"protocol", endpoint->protocol_name},
        {"access", endpoint->match->access},
        {"tls", endpoint->tls == OSH_POLICY_TLS_SKIP ? "skip" : NULL},
        {"enforcement", endpoint->enforcement == OSH_POLICY_ENFORCE ? "enforce" : "audit"},
        {"persisted_queries", endpoint->allow_registered_queries ? "allow_registered" : "deny"},
        {"credential_signing", endpoint->credential_signing},
        {"signing_service", endpoint->signing_service},
        {"signing_region", endpoint->signing_region},
        {"credential_binding.provider", endpoint->credential_provider},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(switches); i++)
        if (strcmp(switches[i].name, name) == 0)
            return g_variant_ref_sink(g_variant_new_boolean(switches[i].value));
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(texts[i].name, name) == 0)
            return text_option(texts[i].value);
    if (strcmp(name, "ports") == 0)
        return ports_option(endpoint);
    if (strcmp(name, "allowed_ips") == 0)
        return g_variant_ref_sink(
            g_variant_new_strv(endpoint->allowed_ip_texts, endpoint->n_allowed_ips));
    if (strcmp(name, "mcp.versions") == 0)
        return versions_option(endpoint);
    return is_limit(endpoint, name) ? limit_option(endpoint) : NULL;
}
