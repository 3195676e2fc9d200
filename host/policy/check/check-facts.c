/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-facts.c: endpoints whose protocol a plugin brings.
 *
 * Whatever the plugin's declaration gives no meaning to is an error: a person must not believe that
 * it narrows something. Runs on the loading thread.
 */
#include "endpoint-key.h"
#include "schema.h"

#include <string.h>

static void
check_access(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *access = osh_yaml_find(endpoint->match->source, "access");

    if (endpoint->match->access == NULL || endpoint->match->access[0] == '\0' ||
        strcmp(endpoint->match->access, "full") == 0)
        return;
    osh_yaml_error_hint(loader->diagnostics, access,
                        g_strdup("list rules about its facts, or write access: full"),
                        "access: %s means nothing for protocol %s", endpoint->match->access,
                        endpoint->protocol_name);
}

static void
check_rules(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const OshPolicyRule *rules,
            guint length, const char *kind)
{
    for (guint i = 0; i < length; i++)
        if (rules[i].n_facts == 0 && rules[i].source->length == 0)
            osh_yaml_error_hint(loader->diagnostics, rules[i].source,
                                g_strdup("name facts; for every message write access: full"),
                                "this %s rule names no fact of protocol %s", kind,
                                endpoint->protocol_name);
}

static void
check_carrier(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyProtocolDecl *protocol = endpoint->match->declared;
    gboolean is_http = strcmp(protocol->carrier, "tcp") != 0;
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const OshYamlNode *node = osh_yaml_find(endpoint->match->source, key->name);

        if (node != NULL && !is_http && (key->traits & OSH_ENDPOINT_KEY_HTTP) != 0)
            osh_yaml_error(loader->diagnostics, node,
                           "%s is about HTTP, and protocol %s is carried by %s", key->name,
                           protocol->name, protocol->carrier);
        if (node != NULL && (key->traits & OSH_ENDPOINT_KEY_NOT_OF_PLUGINS) != 0)
            osh_yaml_error(loader->diagnostics, node, "%s does not belong to protocol %s",
                           key->name, protocol->name);
    }
}

void
osh_schema_check_facts(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshPolicyEndpointMatch *match = endpoint->match;

    check_access(loader, endpoint);
    check_carrier(loader, endpoint);
    check_rules(loader, endpoint, match->rules, match->n_rules, "allow");
    check_rules(loader, endpoint, match->deny_rules, match->n_deny_rules, "deny");
}

void
osh_schema_expand_full(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    OshPolicyEndpointMatch *match = (OshPolicyEndpointMatch *)endpoint->match;
    OshPolicyRule *rule;

    if (g_strcmp0(match->access, "full") != 0 || match->n_rules > 0)
        return;
    rule = osh_arena_new_array(loader->snapshot->arena, OshPolicyRule, 1);
    rule->words = "every message, from access: full";
    rule->line = match->line;
    match->rules = rule;
    match->n_rules = 1;
}
