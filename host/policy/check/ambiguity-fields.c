/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ambiguity-fields.c: what two endpoints that overlap must agree about, and how to say that they
 * do not.
 *
 * The rules of requests may differ, they add up; what chooses a parser or shapes a connection may
 * not. A field counts only where both protocols know it. Runs on the loading thread.
 */
#include "ambiguity-fields.h"

#include <string.h>

#define MAX_PORTS_SHOWN 8

typedef struct {
    const char *name;
    char *value; /* NULL: the endpoint has no such field */
} Field;

typedef enum {
    FIELD_TCP,
    FIELD_TLS,
    FIELD_ADDRESSES,
    FIELD_PROPOSED,
    FIELD_PROTOCOL, /* this one and the following are about requests */
    FIELD_ENFORCEMENT,
    FIELD_ENCODED_SLASH,
    FIELD_WEBSOCKET_REWRITE,
    FIELD_BODY_REWRITE,
    FIELD_WEBSOCKET_GRAPHQL,
    FIELD_SIGNING,
    FIELD_SIGNING_SERVICE,
    FIELD_SIGNING_REGION,
    FIELD_BINDING,
    FIELD_GRAPHQL_BODY,
    FIELD_RPC_BODY,
    FIELD_STRICT_TOOLS,
    FIELD_MCP_VERSIONS,
    N_FIELDS,
} FieldNumber;

static const char *const field_names[N_FIELDS] = {
    [FIELD_TCP] = "transparent_tcp_eligible",
    [FIELD_TLS] = "tls",
    [FIELD_ADDRESSES] = "allowed_ips",
    [FIELD_PROPOSED] = "advisor_proposed",
    [FIELD_PROTOCOL] = "protocol",
    [FIELD_ENFORCEMENT] = "enforcement",
    [FIELD_ENCODED_SLASH] = "allow_encoded_slash",
    [FIELD_WEBSOCKET_REWRITE] = "websocket_credential_rewrite",
    [FIELD_BODY_REWRITE] = "request_body_credential_rewrite",
    [FIELD_WEBSOCKET_GRAPHQL] = "websocket_graphql_policy",
    [FIELD_SIGNING] = "credential_signing",
    [FIELD_SIGNING_SERVICE] = "signing_service",
    [FIELD_SIGNING_REGION] = "signing_region",
    [FIELD_BINDING] = "credential_binding.provider",
    [FIELD_GRAPHQL_BODY] = "graphql_max_body_bytes",
    [FIELD_RPC_BODY] = "json_rpc_max_body_bytes",
    [FIELD_STRICT_TOOLS] = "mcp.strict_tool_names",
    [FIELD_MCP_VERSIONS] = "mcp.versions",
};

gboolean
osh_ambiguity_is_extended(const OshPolicyEndpoint *endpoint)
{
    return endpoint->has_config || endpoint->credential_provider != NULL;
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
address_set(const OshPolicyEndpoint *endpoint)
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

static char *
yes_or_no(gboolean value)
{
    return g_strdup(value ? "true" : "false");
}

static char *
text_or_none(const char *text)
{
    return g_strdup(text != NULL ? text : "");
}

static char *
versions_of(const OshPolicyEndpoint *endpoint)
{
    GString *joined = g_string_new(NULL);

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++)
        if (endpoint->mcp_versions & osh_mcp_revision_at(i))
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "",
                                   osh_mcp_revision_name(osh_mcp_revision_at(i)));
    return g_string_free(joined, FALSE);
}

static char *
bytes_if(gboolean known, guint32 bytes)
{
    return known ? g_strdup_printf("%u", bytes) : NULL;
}

/* NULL when the endpoint has no such field. */
static char *
field_value(const OshPolicyEndpoint *endpoint, FieldNumber number)
{
    OshPolicyProtocol protocol = endpoint->protocol;

    switch (number) {
    case FIELD_TCP:
        return yes_or_no(protocol == OSH_POLICY_PROTOCOL_TCP);
    case FIELD_TLS:
        return g_strdup(endpoint->tls == OSH_POLICY_TLS_SKIP ? "skip" : "auto");
    case FIELD_ADDRESSES:
        return address_set(endpoint);
    case FIELD_PROPOSED:
        return yes_or_no(endpoint->is_proposed);
    case FIELD_PROTOCOL:
        return g_strdup(protocol == OSH_POLICY_PROTOCOL_TCP ? "" : endpoint->protocol_name);
    case FIELD_ENFORCEMENT:
        return g_strdup(endpoint->enforcement == OSH_POLICY_ENFORCE ? "enforce" : "audit");
    case FIELD_ENCODED_SLASH:
        return yes_or_no(endpoint->allow_encoded_slash);
    case FIELD_WEBSOCKET_REWRITE:
        return yes_or_no(endpoint->websocket_credential_rewrite);
    case FIELD_BODY_REWRITE:
        return yes_or_no(endpoint->request_body_credential_rewrite);
    case FIELD_WEBSOCKET_GRAPHQL:
        return protocol == OSH_POLICY_PROTOCOL_WEBSOCKET ? yes_or_no(endpoint->has_graphql_rules)
                                                         : NULL;
    case FIELD_SIGNING:
        return text_or_none(endpoint->credential_signing);
    case FIELD_SIGNING_SERVICE:
        return text_or_none(endpoint->signing_service);
    case FIELD_SIGNING_REGION:
        return text_or_none(endpoint->signing_region);
    case FIELD_BINDING:
        return text_or_none(endpoint->credential_provider);
    case FIELD_GRAPHQL_BODY:
        return bytes_if(protocol == OSH_POLICY_PROTOCOL_GRAPHQL, endpoint->max_body_bytes);
    case FIELD_RPC_BODY:
        return bytes_if(protocol == OSH_POLICY_PROTOCOL_JSONRPC ||
                            protocol == OSH_POLICY_PROTOCOL_MCP,
                        endpoint->max_body_bytes);
    case FIELD_STRICT_TOOLS:
        return protocol == OSH_POLICY_PROTOCOL_MCP ? yes_or_no(endpoint->strict_tool_names) : NULL;
    case FIELD_MCP_VERSIONS:
        return protocol == OSH_POLICY_PROTOCOL_MCP ? versions_of(endpoint) : NULL;
    case N_FIELDS:
    default:
        return NULL;
    }
}

static char *
join_fields(const OshPolicyEndpoint *endpoint, FieldNumber from, FieldNumber to)
{
    GString *key = g_string_new(NULL);

    for (FieldNumber number = from; number < to; number++) {
        g_autofree char *value = field_value(endpoint, number);

        g_string_append_printf(key, "%s\n", value != NULL ? value : "-");
    }
    return g_string_free(key, FALSE);
}

char *
osh_ambiguity_connection_key(const OshPolicyEndpoint *endpoint)
{
    return join_fields(endpoint, FIELD_TCP, FIELD_PROTOCOL);
}

char *
osh_ambiguity_request_key(const OshPolicyEndpoint *endpoint)
{
    return join_fields(endpoint, FIELD_PROTOCOL, N_FIELDS);
}

static void
append_ports(GString *text, const OshPolicyEndpoint *endpoint)
{
    for (guint i = 0; i < endpoint->n_ports && i < MAX_PORTS_SHOWN; i++)
        g_string_append_printf(text, "%s%u", i > 0 ? "," : "", endpoint->ports[i]);
    if (endpoint->n_ports > MAX_PORTS_SHOWN)
        g_string_append(text, ",...");
}

static void
append_endpoint(GString *text, const OshPolicySnapshot *snapshot, const OshPolicyEndpoint *endpoint)
{
    g_string_append_printf(text, "policy '%.100s' endpoint[%u] (%s:",
                           snapshot->policies[endpoint->policy_index].display_name, endpoint->index,
                           *endpoint->host != '\0' ? endpoint->host : "any host");
    append_ports(text, endpoint);
    g_string_append_printf(text, "%s)", endpoint->path);
}

static void
append_shared_ports(GString *text, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    guint shown = 0;

    for (guint i = 0; i < a->n_ports && shown < MAX_PORTS_SHOWN; i++)
        for (guint k = 0; k < b->n_ports; k++)
            if (a->ports[i] == b->ports[k]) {
                g_string_append_printf(text, "%s%u", shown++ > 0 ? "," : "", a->ports[i]);
                break;
            }
}

/* A field that only one of two protocols knows does not count: they differ already. */
static void
append_differences(GString *text, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    gboolean both = osh_ambiguity_is_extended(a) && osh_ambiguity_is_extended(b) &&
                    a->match->path_specificity == b->match->path_specificity;
    const char *separator = "";

    for (FieldNumber number = FIELD_TCP; number < (both ? N_FIELDS : FIELD_PROTOCOL); number++) {
        g_autofree char *left = field_value(a, number);
        g_autofree char *right = field_value(b, number);

        if (left == NULL || right == NULL || strcmp(left, right) == 0 ||
            (number == FIELD_RPC_BODY && a->protocol != b->protocol))
            continue;
        g_string_append_printf(text, "%s%s ('%.200s' against '%.200s')", separator,
                               field_names[number], left, right);
        separator = "; ";
    }
}

char *
osh_ambiguity_describe(const OshPolicySnapshot *snapshot, const OshPolicyEndpoint *earlier,
                       const OshPolicyEndpoint *later)
{
    GString *text = g_string_new("ambiguous: ");

    append_endpoint(text, snapshot, earlier);
    g_string_append(text, " and ");
    append_endpoint(text, snapshot, later);
    g_string_append(text, " overlap on port(s) ");
    append_shared_ports(text, earlier, later);
    g_string_append(text, " with conflicting metadata: ");
    append_differences(text, earlier, later);
    return g_string_free(text, FALSE);
}
