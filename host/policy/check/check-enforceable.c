/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-enforceable.c: refuses to run a policy of which a part would be ignored.
 *
 * A key that the running host does not act upon is an error here, never silence: a person who wrote
 * a rule must not believe that it holds when it does not. Runs on the loading thread.
 */
#include "endpoint-key.h"
#include "schema.h"

#include <string.h>

static guint
protocol_needs(OshPolicyProtocol protocol)
{
    switch (protocol) {
    case OSH_POLICY_PROTOCOL_REST:
        return OSH_POLICY_ENFORCES_REST;
    case OSH_POLICY_PROTOCOL_WEBSOCKET:
        return OSH_POLICY_ENFORCES_WEBSOCKET;
    case OSH_POLICY_PROTOCOL_GRAPHQL:
        return OSH_POLICY_ENFORCES_GRAPHQL;
    case OSH_POLICY_PROTOCOL_SQL:
        return OSH_POLICY_ENFORCES_SQL;
    case OSH_POLICY_PROTOCOL_JSONRPC:
        return OSH_POLICY_ENFORCES_JSONRPC;
    case OSH_POLICY_PROTOCOL_MCP:
        return OSH_POLICY_ENFORCES_MCP;
    case OSH_POLICY_PROTOCOL_PLUGIN:
        return OSH_POLICY_ENFORCES_PLUGINS;
    case OSH_POLICY_PROTOCOL_NONE:
    case OSH_POLICY_PROTOCOL_TCP:
    default:
        return 0;
    }
}

static void
check_endpoint(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *source = endpoint->match->source;
    guint needs = protocol_needs(endpoint->protocol);
    const OshEndpointKey *key;

    if (needs != 0 && !(loader->request->flags & needs))
        osh_yaml_error(loader->diagnostics, osh_yaml_find(source, "protocol"),
                       "protocol %s is not enforced yet", endpoint->protocol_name);
    else if (endpoint->match->declared != NULL && endpoint->match->declared->unusable != NULL)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(source, "protocol"),
                       "protocol %s is declared by plugin %s, which is not used: %s",
                       endpoint->protocol_name, endpoint->match->declared->provider,
                       endpoint->match->declared->unusable);
    else if (endpoint->has_graphql_rules && !(loader->request->flags & OSH_POLICY_ENFORCES_GRAPHQL))
        osh_yaml_error(loader->diagnostics, source, "GraphQL rules are not enforced yet");
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const OshYamlNode *node = key->needs != 0 ? osh_yaml_find(source, key->name) : NULL;

        if (node != NULL && !(loader->request->flags & key->needs) && !osh_schema_is_off(node))
            osh_yaml_error(loader->diagnostics, node, "%s is not enforced yet", key->name);
    }
}

void
osh_schema_check_enforceable(OshPolicyLoader *loader)
{
    const OshYamlNode *middlewares = osh_yaml_find(loader->root, "network_middlewares");

    for (guint i = 0; i < loader->snapshot->n_endpoints; i++)
        check_endpoint(loader, &loader->snapshot->endpoints[i]);
    if (middlewares != NULL && middlewares->kind == OSH_YAML_MAPPING && middlewares->length > 0 &&
        !(loader->request->flags & OSH_POLICY_ENFORCES_MIDDLEWARE))
        osh_yaml_error(loader->diagnostics, middlewares,
                       "network_middlewares are not enforced yet");
}
