/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-facts.c: endpoints whose protocol a plugin brings.
 *
 * Whatever the plugin's declaration gives no meaning to is an error: a person must not believe that
 * it narrows something. Runs on the loading thread.
 */
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

/* Keys that say something about HTTP. */
static void
check_carrier(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    static const char *const http_keys[] = {"path", "allow_encoded_slash",
                                            "websocket_credential_rewrite",
                                            "request_body_credential_rewrite"};
    static const char *const other_keys[] = {"persisted_queries", "graphql_persisted_queries",
                                             "graphql_max_body_bytes", "json_rpc"};
    const OshPolicyProtocolDecl *protocol = endpoint->match->declared;
    const OshYamlNode *source = endpoint->match->source;
    gboolean is_http = strcmp(protocol->carrier, "tcp") != 0;

    for (gsize i = 0; i < G_N_ELEMENTS(http_keys) && !is_http; i++)
        if (osh_yaml_find(source, http_keys[i]) != NULL)
            osh_yaml_error(loader->diagnostics, osh_yaml_find(source, http_keys[i]),
                           "%s is about HTTP, and protocol %s is carried by %s", http_keys[i],
                           protocol->name, protocol->carrier);
    for (gsize i = 0; i < G_N_ELEMENTS(other_keys); i++)
        if (osh_yaml_find(source, other_keys[i]) != NULL)
            osh_yaml_error(loader->diagnostics, osh_yaml_find(source, other_keys[i]),
                           "%s does not belong to protocol %s", other_keys[i], protocol->name);
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
