/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema-protocol.c: the protocols of OpenShell's schema. Constant data, any thread.
 */
#include "schema-protocol.h"

static const struct {
    const char *name;
    OshPolicyProtocol protocol;
    guint needs;
} protocols[] = {
    {"tcp", OSH_POLICY_PROTOCOL_TCP, 0},
    {"rest", OSH_POLICY_PROTOCOL_REST, OSH_POLICY_ENFORCES_REST},
    {"websocket", OSH_POLICY_PROTOCOL_WEBSOCKET, OSH_POLICY_ENFORCES_WEBSOCKET},
    {"graphql", OSH_POLICY_PROTOCOL_GRAPHQL, OSH_POLICY_ENFORCES_GRAPHQL},
    {"sql", OSH_POLICY_PROTOCOL_SQL, OSH_POLICY_ENFORCES_SQL},
    {"json-rpc", OSH_POLICY_PROTOCOL_JSONRPC, OSH_POLICY_ENFORCES_JSONRPC},
    {"mcp", OSH_POLICY_PROTOCOL_MCP, OSH_POLICY_ENFORCES_MCP},
};

const char *const *
osh_schema_protocol_names(void)
{
    static const char *const names[] = {"tcp", "rest",     "websocket", "graphql",
                                        "sql", "json-rpc", "mcp",       NULL};

    G_STATIC_ASSERT(G_N_ELEMENTS(names) == G_N_ELEMENTS(protocols) + 1);
    return names;
}

const char *
osh_schema_protocol_name(OshPolicyProtocol protocol)
{
    for (gsize i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].name;
    return NULL;
}

OshPolicyProtocol
osh_schema_protocol_find(const char *name)
{
    if (*name == '\0')
        return OSH_POLICY_PROTOCOL_NONE;
    for (gsize i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (g_ascii_strcasecmp(protocols[i].name, name) == 0)
            return protocols[i].protocol;
    return OSH_POLICY_PROTOCOL_PLUGIN;
}

guint
osh_schema_protocol_needs(OshPolicyProtocol protocol)
{
    for (gsize i = 0; i < G_N_ELEMENTS(protocols); i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].needs;
    return protocol == OSH_POLICY_PROTOCOL_PLUGIN ? OSH_POLICY_ENFORCES_PLUGINS : 0;
}

const char *const *
osh_schema_access_words(OshPolicyProtocol protocol, const char *access)
{
    static const char *const everything[] = {"*", NULL};
    static const char *const rest[] = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", NULL};
    static const char *const rest_read[] = {"GET", "HEAD", "OPTIONS", NULL};
    static const char *const websocket[] = {"GET", "WEBSOCKET_TEXT", NULL};
    static const char *const websocket_read[] = {"GET", NULL};
    static const char *const graphql[] = {"query", "mutation", NULL};
    static const char *const graphql_read[] = {"query", NULL};
    gboolean full = g_strcmp0(access, "full") == 0;
    gboolean read_only = g_strcmp0(access, "read-only") == 0;

    if (!full && !read_only && g_strcmp0(access, "read-write") != 0)
        return NULL;
    switch (protocol) {
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_REST:
    case OSH_POLICY_PROTOCOL_SQL:
        return full ? everything : read_only ? rest_read : rest;
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
        return full ? everything : read_only ? websocket_read : websocket;
    case OSH_POLICY_PROTOCOL_GRAPHQL:
        return full ? everything : read_only ? graphql_read : graphql;
    case OSH_POLICY_PROTOCOL_TCP:
    case OSH_POLICY_PROTOCOL_JSONRPC:
    case OSH_POLICY_PROTOCOL_MCP:
    case OSH_POLICY_PROTOCOL_PLUGIN:
    default:
        return NULL;
    }
}
