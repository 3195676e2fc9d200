/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-enforceable.c: refuses to run a policy of which a part would be ignored.
 *
 * A key that the running host does not act upon is an error: a person who wrote a rule must not
 * believe that it holds when it does not. Runs on the loading thread.
 */
#include "endpoint-key.h"
#include "schema-protocol.h"
#include "schema.h"

#include "osh-suggest.h"

#include <string.h>

/* Returns: whether what the endpoint says about requests is worth a look: a plugin that is not used
 * is reason enough for all of it. */
static gboolean
check_protocol(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, guint enforced)
{
    const OshYamlNode *source = endpoint->match->source;
    const OshPolicyProtocolDecl *declared =
        osh_policy_protocol_table_find(loader->request->protocols, endpoint->protocol_name);
    guint needs = osh_schema_protocol_needs(endpoint->protocol);

    if (declared != NULL && declared->unusable != NULL) {
        osh_yaml_error(loader->diagnostics, osh_yaml_find(source, "protocol"),
                       "protocol %s is declared by plugin %s, which is not used: %s",
                       endpoint->protocol_name, declared->provider, declared->unusable);
        return FALSE;
    }
    if (needs != 0 && !(enforced & needs))
        osh_yaml_error(loader->diagnostics, osh_yaml_find(source, "protocol"),
                       "protocol %s is not enforced yet%s", endpoint->protocol_name,
                       declared != NULL ? " by this run: the plugins network and l7-rest, which "
                                          "carry and read its connections, have to take part"
                                        : "");
    else if (endpoint->has_graphql_rules && !(enforced & OSH_POLICY_ENFORCES_GRAPHQL))
        osh_yaml_error(loader->diagnostics, source, "GraphQL rules are not enforced yet");
    return TRUE;
}

static void
check_endpoint(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, guint enforced)
{
    const OshYamlNode *source = endpoint->match->source;
    gboolean inspected = osh_policy_protocol_is_inspected(endpoint->protocol);
    const OshEndpointKey *key;

    if (!check_protocol(loader, endpoint, enforced))
        return;
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const OshYamlNode *node = key->needs != 0 ? osh_yaml_find(source, key->name) : NULL;

        if (node == NULL || osh_schema_is_off(node))
            continue;
        if (!(enforced & key->needs))
            osh_yaml_error(loader->diagnostics, node, "%s is not enforced yet", key->name);
        else if (!inspected)
            osh_yaml_error(loader->diagnostics, node,
                           "%s is not enforced without protocol: no request is inspected there",
                           key->name);
    }
}

/* Each entry names a middleware that some plugin of the run serves. */
static void
check_middlewares(OshPolicyLoader *loader, const OshYamlNode *middlewares, guint enforced)
{
    g_autofree char **names = osh_policy_protocol_table_middlewares(loader->request->protocols);

    if (!(enforced & OSH_POLICY_ENFORCES_MIDDLEWARE)) {
        osh_yaml_error(loader->diagnostics, middlewares,
                       "network_middlewares are not enforced by this run: no plugin serves any");
        return;
    }
    for (const OshYamlNode *entry = middlewares->first; entry != NULL; entry = entry->next) {
        const OshYamlNode *node = osh_yaml_find(entry, "middleware");
        g_autofree char *clause = NULL;

        if (node == NULL || node->kind != OSH_YAML_SCALAR ||
            g_strv_contains((const char *const *)names, node->text))
            continue;
        clause = osh_suggest_clause(node->text, (const char *const *)names);
        osh_yaml_error(loader->diagnostics, node, "no plugin of this run serves middleware '%s'%s",
                       node->text, clause);
    }
}

static void
check_all(OshPolicyLoader *loader)
{
    const OshYamlNode *middlewares = osh_yaml_find(loader->root, "network_middlewares");
    guint enforced =
        loader->request->flags | osh_policy_protocol_table_enforces(loader->request->protocols);

    for (guint i = 0; i < loader->snapshot->n_endpoints; i++)
        check_endpoint(loader, &loader->snapshot->endpoints[i], enforced);
    if (middlewares != NULL && middlewares->kind == OSH_YAML_MAPPING && middlewares->length > 0)
        check_middlewares(loader, middlewares, enforced);
}

gboolean
osh_schema_check_enforceable(OshPolicyLoader *loader)
{
    OshPolicyDiagnostics *diagnostics = loader->diagnostics;
    g_autoptr(OshPolicyDiagnostics) unsaid = osh_policy_diagnostics_new();
    guint errors;

    if (!(loader->request->flags & OSH_POLICY_LOAD_ENFORCEABLE))
        loader->diagnostics = unsaid;
    errors = osh_policy_diagnostics_n_errors(loader->diagnostics);
    check_all(loader);
    errors = osh_policy_diagnostics_n_errors(loader->diagnostics) - errors;
    loader->diagnostics = diagnostics;
    return errors == 0;
}
