/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-key.c: the table of the keys of an endpoint.
 *
 * Constant data and functions that walk it, any thread. A key that is a switch, a text or a number
 * is read, compared, merged, written and served to plugins by its row alone; what it does is for
 * its judge: the check, the decision or the plugin that asks for it.
 */
#include "endpoint-key.h"

#include "endpoint-value.h"

#include <string.h>

#define FIELD(name)   G_STRUCT_OFFSET(OshPolicyEndpoint, name)
#define OF(protocol)  OSH_ENDPOINT_OF(OSH_POLICY_PROTOCOL_##protocol)
#define DEFAULT_BYTES "65536"
#define OF_GRAPHQL    (OF(GRAPHQL) | OF(WEBSOCKET))
#define OF_RPC        (OF(JSONRPC) | OF(MCP))
#define ANY_INSPECTION                                                                             \
    (OSH_POLICY_ENFORCES_REST | OSH_POLICY_ENFORCES_WEBSOCKET | OSH_POLICY_ENFORCES_GRAPHQL |      \
     OSH_POLICY_ENFORCES_JSONRPC | OSH_POLICY_ENFORCES_MCP | OSH_POLICY_ENFORCES_SQL |             \
     OSH_POLICY_ENFORCES_PLUGINS)

#define SPECIAL  OSH_ENDPOINT_KEY_SPECIAL
#define SWITCH   OSH_ENDPOINT_KEY_SWITCH
#define TEXT     OSH_ENDPOINT_KEY_TEXT
#define BYTES    OSH_ENDPOINT_KEY_BYTES
#define SECTION  OSH_ENDPOINT_KEY_SECTION
#define DERIVED  OSH_ENDPOINT_KEY_DERIVED
#define ALONE    OSH_ENDPOINT_KEY_READ_ALONE
#define INSPECTS OSH_ENDPOINT_KEY_INSPECTION
#define HTTP     OSH_ENDPOINT_KEY_HTTP
#define OTHER    OSH_ENDPOINT_KEY_NOT_OF_PLUGINS
#define HANDLES  OSH_ENDPOINT_KEY_HANDLING
#define SECRET   OSH_ENDPOINT_KEY_CREDENTIALS
#define PLACE    OSH_ENDPOINT_KEY_OF_PLACE
#define DECLARED OSH_ENDPOINT_KEY_DECLARED

/* In the order in which messages list them. */
static const OshEndpointKey table[] = {
    {"host", TEXT, .offset = FIELD(host), .written = 1, .traits = ALONE | DECLARED,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"port", SPECIAL, .written = 2, .traits = DECLARED, .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"ports", SPECIAL, .written = 3, .traits = DECLARED, .merge = OSH_ENDPOINT_MERGE_SPECIAL,
     .option = osh_endpoint_ports_option},
    {"transparent_tcp_eligible", DERIVED, .agree = OSH_ENDPOINT_AGREE_CONNECTION,
     .text = osh_endpoint_transparent_text},
    {"protocol", TEXT, .offset = FIELD(protocol_name), .written = 5,
     .traits = ALONE | HANDLES | PLACE, .merge = OSH_ENDPOINT_MERGE_WORD,
     .agree = OSH_ENDPOINT_AGREE_REQUEST, .text = osh_endpoint_protocol_text},
    {"enforcement", SPECIAL, .written = 7, .traits = INSPECTS | PLACE,
     .merge = OSH_ENDPOINT_MERGE_WORD, .agree = OSH_ENDPOINT_AGREE_REQUEST,
     .option = osh_endpoint_enforcement_option, .text = osh_endpoint_enforcement_text},
    {"tls", SPECIAL, .written = 6, .traits = PLACE, .merge = OSH_ENDPOINT_MERGE_WORD,
     .agree = OSH_ENDPOINT_AGREE_CONNECTION, .option = osh_endpoint_tls_option,
     .text = osh_endpoint_tls_text},
    {"path", TEXT, .offset = FIELD(path), .written = 4, .needs = ANY_INSPECTION,
     .traits = ALONE | INSPECTS | HTTP | PLACE | DECLARED, .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"access", SPECIAL, .written = 8, .needs = ANY_INSPECTION, .merge = OSH_ENDPOINT_MERGE_SPECIAL,
     .option = osh_endpoint_access_option},
    {"rules", SPECIAL, .written = 10, .needs = ANY_INSPECTION, .traits = DECLARED,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"deny_rules", SPECIAL, .written = 11, .needs = ANY_INSPECTION, .traits = DECLARED,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"allowed_ips", SPECIAL, .written = 9, .traits = PLACE | DECLARED,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL, .agree = OSH_ENDPOINT_AGREE_CONNECTION,
     .option = osh_endpoint_addresses_option, .text = osh_endpoint_addresses_text},
    {"advisor_proposed", DERIVED, .agree = OSH_ENDPOINT_AGREE_CONNECTION,
     .text = osh_endpoint_proposed_text},
    {"allow_encoded_slash", SWITCH, .offset = FIELD(allow_encoded_slash), .needs = ANY_INSPECTION,
     .traits = INSPECTS | HTTP, .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"websocket_credential_rewrite", SWITCH, .offset = FIELD(websocket_credential_rewrite),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS | HTTP | HANDLES | SECRET,
     .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"request_body_credential_rewrite", SWITCH, .offset = FIELD(request_body_credential_rewrite),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS | HTTP | HANDLES | SECRET,
     .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"websocket_graphql_policy", DERIVED, .agree = OSH_ENDPOINT_AGREE_REQUEST,
     .agree_of = OF(WEBSOCKET), .text = osh_endpoint_graphql_text},
    {"allow_uninspected_credentials", SWITCH, .offset = FIELD(allow_uninspected_credentials),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = HANDLES | SECRET},
    {"credential_signing", TEXT, .offset = FIELD(credential_signing),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS | HANDLES | SECRET,
     .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"signing_service", TEXT, .offset = FIELD(signing_service),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS | HANDLES,
     .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"signing_region", TEXT, .offset = FIELD(signing_region),
     .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS | HANDLES,
     .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"credential_binding", SECTION, .needs = OSH_POLICY_ENFORCES_CREDENTIALS, .traits = INSPECTS},
    {"credential_binding.provider", TEXT, .offset = FIELD(credential_provider),
     .traits = HANDLES | SECRET, .agree = OSH_ENDPOINT_AGREE_REQUEST},
    {"persisted_queries", SPECIAL, .absent = "deny", .needs = OSH_POLICY_ENFORCES_GRAPHQL,
     .traits = INSPECTS | OTHER, .option = osh_endpoint_persisted_option},
    {"graphql_persisted_queries", SPECIAL, .needs = OSH_POLICY_ENFORCES_GRAPHQL,
     .traits = INSPECTS | OTHER},
    {"graphql_max_body_bytes", BYTES, .offset = FIELD(max_body_bytes), .absent = DEFAULT_BYTES,
     .of = OF_GRAPHQL, .needs = OSH_POLICY_ENFORCES_GRAPHQL, .traits = INSPECTS | OTHER,
     .agree = OSH_ENDPOINT_AGREE_REQUEST, .agree_of = OF(GRAPHQL)},
    {"json_rpc", SECTION, .needs = OSH_POLICY_ENFORCES_JSONRPC, .traits = INSPECTS | OTHER,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"json_rpc.max_body_bytes", BYTES, .offset = FIELD(max_body_bytes), .absent = DEFAULT_BYTES,
     .of = OF_RPC, .agree = OSH_ENDPOINT_AGREE_REQUEST, .agree_of = OF_RPC,
     .agree_as = "json_rpc_max_body_bytes", .option = osh_endpoint_json_rpc_bytes_option},
    {"mcp", SECTION, .needs = OSH_POLICY_ENFORCES_MCP, .traits = INSPECTS | DECLARED,
     .merge = OSH_ENDPOINT_MERGE_SPECIAL},
    {"mcp.max_body_bytes", BYTES, .offset = FIELD(max_body_bytes), .absent = DEFAULT_BYTES,
     .of = OF(MCP)},
    {"mcp.strict_tool_names", SWITCH, .offset = FIELD(strict_tool_names), .absent = "true",
     .agree = OSH_ENDPOINT_AGREE_REQUEST, .agree_of = OF(MCP)},
    {"mcp.allow_all_known_mcp_methods", SWITCH, .offset = FIELD(allow_all_known_mcp_methods)},
    {"mcp.pin_tools", TEXT, .offset = FIELD(pin_tools), .agree = OSH_ENDPOINT_AGREE_REQUEST,
     .agree_of = OF(MCP)},
    {"mcp.versions", SPECIAL, .agree = OSH_ENDPOINT_AGREE_REQUEST, .agree_of = OF(MCP),
     .option = osh_endpoint_versions_option, .text = osh_endpoint_versions_text},
    {NULL},
};

const OshEndpointKey *
osh_endpoint_key_at(guint index)
{
    return table[index].name != NULL ? &table[index] : NULL;
}

const OshEndpointKey *
osh_endpoint_key_find(const char *name)
{
    for (const OshEndpointKey *key = table; key->name != NULL; key++)
        if (key->type != DERIVED && strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

gboolean
osh_endpoint_key_is_top(const OshEndpointKey *key)
{
    return key->type != DERIVED && strchr(key->name, '.') == NULL;
}

const char *
osh_endpoint_key_member(const OshEndpointKey *key, const OshEndpointKey *section)
{
    gsize length = strlen(section->name);

    return strncmp(key->name, section->name, length) == 0 && key->name[length] == '.'
               ? key->name + length + 1
               : NULL;
}

const char **
osh_endpoint_key_names(const OshEndpointKey *section)
{
    const char **names = g_new0(const char *, G_N_ELEMENTS(table));
    gsize length = 0;

    for (const OshEndpointKey *key = table; key->name != NULL; key++) {
        const char *name = section != NULL                ? osh_endpoint_key_member(key, section)
                           : osh_endpoint_key_is_top(key) ? key->name
                                                          : NULL;

        if (name != NULL)
            names[length++] = name;
    }
    return names;
}

gboolean
osh_endpoint_key_holds(const OshEndpointKey *key, OshPolicyProtocol protocol)
{
    return key->of == 0 || (key->of & OSH_ENDPOINT_OF(protocol)) != 0;
}

gpointer
osh_endpoint_key_field(const OshEndpointKey *key, OshPolicyEndpoint *endpoint)
{
    return G_STRUCT_MEMBER_P(endpoint, key->offset);
}

gboolean
osh_endpoint_key_switch(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    return G_STRUCT_MEMBER(gboolean, endpoint, key->offset);
}

const char *
osh_endpoint_key_string(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    return G_STRUCT_MEMBER(const char *, endpoint, key->offset);
}

static guint32
bytes_of(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    return G_STRUCT_MEMBER(guint32, endpoint, key->offset);
}

char *
osh_endpoint_key_text(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    const char *text;

    if (key->text != NULL)
        return key->text(endpoint);
    switch (key->type) {
    case SWITCH:
        return g_strdup(osh_endpoint_key_switch(key, endpoint) ? "true" : "false");
    case TEXT:
        text = osh_endpoint_key_string(key, endpoint);
        return g_strdup(text != NULL ? text : "");
    case BYTES:
        return g_strdup_printf("%u", bytes_of(key, endpoint));
    case SPECIAL:
    case SECTION:
    case DERIVED:
    default:
        return g_strdup("");
    }
}

/* --- What follows from the table ----------------------------------------------------------------
 */

static GVariant *
option_of(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint)
{
    const char *text;
    guint32 bytes;

    if (key->option != NULL)
        return key->option(endpoint);
    if (!osh_endpoint_key_holds(key, endpoint->protocol))
        return NULL;
    switch (key->type) {
    case SWITCH:
        return g_variant_ref_sink(g_variant_new_boolean(osh_endpoint_key_switch(key, endpoint)));
    case TEXT:
        text = osh_endpoint_key_string(key, endpoint);
        return text != NULL && *text != '\0' ? g_variant_ref_sink(g_variant_new_string(text))
                                             : NULL;
    case BYTES:
        bytes = bytes_of(key, endpoint);
        return bytes > 0 ? g_variant_ref_sink(g_variant_new_uint32(bytes)) : NULL;
    case SPECIAL:
    case SECTION:
    case DERIVED:
    default:
        return NULL;
    }
}

GVariant *
osh_policy_endpoint_option(const OshPolicyEndpoint *endpoint, const char *name)
{
    const OshEndpointKey *key = osh_endpoint_key_find(name);

    if (strcmp(name, "max_body_bytes") == 0)
        return endpoint->max_body_bytes > 0
                   ? g_variant_ref_sink(g_variant_new_uint32(endpoint->max_body_bytes))
                   : NULL;
    return key != NULL ? option_of(key, endpoint) : NULL;
}

/* The key that is the protocol's own stands behind those that it shares. */
const char *
osh_policy_endpoint_limit_name(const OshPolicyEndpoint *endpoint)
{
    const char *name = NULL;

    for (const OshEndpointKey *key = table; key->name != NULL; key++)
        if (key->type == BYTES && osh_endpoint_key_holds(key, endpoint->protocol))
            name = key->name;
    return name;
}

gboolean
osh_policy_endpoint_has_credentials(const OshPolicyEndpoint *endpoint)
{
    for (const OshEndpointKey *key = table; endpoint != NULL && key->name != NULL; key++)
        if ((key->traits & SECRET) != 0 &&
            (key->type == SWITCH ? osh_endpoint_key_switch(key, endpoint)
                                 : osh_endpoint_key_string(key, endpoint) != NULL))
            return TRUE;
    return FALSE;
}
