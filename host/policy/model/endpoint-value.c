/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-value.c: values of the endpoint keys that are not held as they are written.
 *
 * Pure functions over an endpoint, any thread. The texts are compared byte by byte, so two values
 * that mean the same must give the same text.
 */
#include "endpoint-value.h"

#include "model.h"
#include "osh-content-coding.h"

#include <string.h>

static GVariant *
text_option(const char *text)
{
    return text != NULL && *text != '\0' ? g_variant_ref_sink(g_variant_new_string(text)) : NULL;
}

GVariant *
osh_endpoint_ports_option(const OshPolicyEndpoint *endpoint)
{
    return g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_UINT16, endpoint->ports,
                                                        endpoint->n_ports, sizeof(guint16)));
}

GVariant *
osh_endpoint_tls_option(const OshPolicyEndpoint *endpoint)
{
    return text_option(endpoint->tls == OSH_POLICY_TLS_SKIP ? "skip" : NULL);
}

GVariant *
osh_endpoint_enforcement_option(const OshPolicyEndpoint *endpoint)
{
    g_autofree char *text = osh_endpoint_enforcement_text(endpoint);

    return text_option(text);
}

GVariant *
osh_endpoint_access_option(const OshPolicyEndpoint *endpoint)
{
    return text_option(endpoint->match->access);
}

GVariant *
osh_endpoint_addresses_option(const OshPolicyEndpoint *endpoint)
{
    return g_variant_ref_sink(
        g_variant_new_strv(endpoint->allowed_ip_texts, endpoint->n_allowed_ips));
}

GVariant *
osh_endpoint_persisted_option(const OshPolicyEndpoint *endpoint)
{
    return text_option(endpoint->allow_registered_queries ? "allow_registered" : "deny");
}

/* An mcp endpoint has its limit as `mcp.max_body_bytes`, even when the json_rpc section set it. */
GVariant *
osh_endpoint_json_rpc_bytes_option(const OshPolicyEndpoint *endpoint)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_JSONRPC && endpoint->max_body_bytes > 0
               ? g_variant_ref_sink(g_variant_new_uint32(endpoint->max_body_bytes))
               : NULL;
}

GVariant *
osh_endpoint_versions_option(const OshPolicyEndpoint *endpoint)
{
    const char *names[OSH_MCP_REVISIONS + 1];
    gssize length = 0;

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++)
        if (endpoint->mcp_versions & osh_mcp_revision_at(i))
            names[length++] = osh_mcp_revision_name(osh_mcp_revision_at(i));
    return length > 0 ? g_variant_ref_sink(g_variant_new_strv(names, length)) : NULL;
}

GVariant *
osh_endpoint_codings_option(const OshPolicyEndpoint *endpoint)
{
    const char *names[OSH_CONTENT_CODINGS + 1];
    gssize length = 0;

    for (guint i = 0; i < OSH_CONTENT_CODINGS; i++)
        if (endpoint->decode_content & osh_content_coding_at(i))
            names[length++] = osh_content_coding_name(osh_content_coding_at(i));
    return length > 0 ? g_variant_ref_sink(g_variant_new_strv(names, length)) : NULL;
}

static char *
yes_or_no(gboolean value)
{
    return g_strdup(value ? "true" : "false");
}

char *
osh_endpoint_transparent_text(const OshPolicyEndpoint *endpoint)
{
    return yes_or_no(endpoint->protocol == OSH_POLICY_PROTOCOL_TCP);
}

char *
osh_endpoint_protocol_text(const OshPolicyEndpoint *endpoint)
{
    return g_strdup(endpoint->protocol == OSH_POLICY_PROTOCOL_TCP ? "" : endpoint->protocol_name);
}

char *
osh_endpoint_tls_text(const OshPolicyEndpoint *endpoint)
{
    return g_strdup(endpoint->tls == OSH_POLICY_TLS_SKIP ? "skip" : "auto");
}

char *
osh_endpoint_enforcement_text(const OshPolicyEndpoint *endpoint)
{
    return g_strdup(endpoint->enforcement == OSH_POLICY_ENFORCE ? "enforce" : "audit");
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A set: sorted, each entry once. */
char *
osh_endpoint_addresses_text(const OshPolicyEndpoint *endpoint)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    GString *joined = g_string_new(NULL);
    const char *before = NULL;

    for (guint i = 0; endpoint->allowed_ip_texts[i] != NULL; i++)
        g_ptr_array_add(texts, g_strstrip(g_ascii_strdown(endpoint->allowed_ip_texts[i], -1)));
    g_ptr_array_sort(texts, compare_texts);
    for (guint i = 0; i < texts->len; i++) {
        const char *text = g_ptr_array_index(texts, i);

        if (before == NULL || strcmp(before, text) != 0)
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "", text);
        before = text;
    }
    return g_string_free(joined, FALSE);
}

char *
osh_endpoint_proposed_text(const OshPolicyEndpoint *endpoint)
{
    return yes_or_no(endpoint->is_proposed);
}

char *
osh_endpoint_graphql_text(const OshPolicyEndpoint *endpoint)
{
    return yes_or_no(endpoint->has_graphql_rules);
}

char *
osh_endpoint_versions_text(const OshPolicyEndpoint *endpoint)
{
    GString *joined = g_string_new(NULL);

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++)
        if (endpoint->mcp_versions & osh_mcp_revision_at(i))
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "",
                                   osh_mcp_revision_name(osh_mcp_revision_at(i)));
    return g_string_free(joined, FALSE);
}

char *
osh_endpoint_codings_text(const OshPolicyEndpoint *endpoint)
{
    GString *joined = g_string_new(NULL);

    for (guint i = 0; i < OSH_CONTENT_CODINGS; i++)
        if (endpoint->decode_content & osh_content_coding_at(i))
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "",
                                   osh_content_coding_name(osh_content_coding_at(i)));
    return g_string_free(joined, FALSE);
}
