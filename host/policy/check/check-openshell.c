/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-openshell.c: what keeps a policy from meaning the same to OpenShell itself.
 *
 * An error is what OpenShell would refuse or not understand, a warning what it would decide
 * otherwise; docs/deviations.md has the whole list, this is the part of it that can be seen in a
 * file. Runs on the loading thread, after every other check.
 */
#include "schema.h"

#include <string.h>

#define ALONE "OpenShell does not know it"

static void
check_protocol(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
        osh_yaml_error_hint(loader->diagnostics, osh_yaml_find(endpoint->match->source, "protocol"),
                            g_strdup("for OpenShell, leave the endpoint out or without protocol"),
                            "not portable: protocol %s is declared by plugin %s; " ALONE,
                            endpoint->protocol_name, endpoint->match->declared->provider);
}

static void
refuse(OshPolicyLoader *loader, const OshYamlNode *node, const char *suggestion, const char *what)
{
    osh_yaml_error_hint(loader->diagnostics, node, g_strdup(suggestion),
                        "not portable: %s; OpenShell 0.1 refuses it", what);
}

static void
check_rule(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    const OshYamlNode *arguments = osh_yaml_find(rule->source, "mcp_arguments");

    if (arguments != NULL)
        osh_yaml_error_hint(loader->diagnostics, arguments,
                            g_strdup("OpenShell can only tell tools apart, not their arguments"),
                            "not portable: mcp_arguments; " ALONE);
    if (g_strcmp0(rule->operation_type, "*") == 0)
        refuse(loader, osh_yaml_find(rule->source, "operation_type"), "write a rule for each type",
               "operation_type: \"*\"");
}

static void
check_pins(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *pins =
        osh_yaml_find(osh_yaml_find(endpoint->match->source, "mcp"), "pin_tools");

    if (pins != NULL)
        osh_yaml_error_hint(loader->diagnostics, pins, g_strdup("for OpenShell, leave it out"),
                            "not portable: mcp.pin_tools; " ALONE);
}

/* Deprecated words, which load here with a warning. */
static void
check_deprecated(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *source = endpoint->match->source;
    const OshYamlNode *tls = osh_yaml_find(source, "tls");
    const OshPolicyEndpointMatch *match = endpoint->match;

    if (tls != NULL && tls->length > 0 && endpoint->tls != OSH_POLICY_TLS_SKIP)
        refuse(loader, tls, "leave the key out", "tls: terminate or passthrough");
    for (guint i = 0; i < match->n_registered; i++)
        if (strcmp(match->registered[i].operation_type, "*") == 0)
            refuse(loader, osh_yaml_find(source, "graphql_persisted_queries"), "name the type",
                   "operation_type: \"*\" of a registered query");
}

static void
check_harness(OshPolicyLoader *loader, const OshPolicyEntry *entry)
{
    const OshYamlNode *binaries = osh_yaml_find(entry->source, "binaries");

    for (const OshYamlNode *child =
             binaries != NULL && binaries->kind == OSH_YAML_SEQUENCE ? binaries->first : NULL;
         child != NULL; child = child->next)
        if (osh_yaml_find(child, "harness") != NULL)
            refuse(loader, osh_yaml_find(child, "harness"), "leave the key out", "harness");
}

/* Ranges that are refused here whatever the policy says, and not by OpenShell. */
static void
check_addresses(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *list = osh_yaml_find(endpoint->match->source, "allowed_ips");
    const OshYamlNode *host = osh_yaml_find(endpoint->match->source, "host");
    const OshYamlNode *node = list != NULL && list->kind == OSH_YAML_SEQUENCE ? list->first : NULL;
    OshAddress literal;

    for (guint i = 0; i < endpoint->n_allowed_ips && node != NULL; i++, node = node->next) {
        const OshAddress *address = &endpoint->allowed_ips[i].address;

        if (osh_address_classify(address) != OSH_ADDRESS_ALWAYS_BLOCKED &&
            osh_address_classify_strict(address) == OSH_ADDRESS_ALWAYS_BLOCKED)
            osh_yaml_warning(loader->diagnostics, node,
                             "decided otherwise: '%s' is reachable through OpenShell and always "
                             "blocked here",
                             endpoint->allowed_ip_texts[i]);
    }
    if (host != NULL && osh_address_parse(endpoint->host, -1, &literal) &&
        osh_address_classify(&literal) != OSH_ADDRESS_ALWAYS_BLOCKED &&
        osh_address_classify_strict(&literal) == OSH_ADDRESS_ALWAYS_BLOCKED)
        osh_yaml_warning(loader->diagnostics, host,
                         "decided otherwise: '%s' is reachable through OpenShell and always "
                         "blocked here",
                         endpoint->host);
}

void
osh_schema_check_openshell(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;

    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];
        const OshPolicyEndpointMatch *match = endpoint->match;
        gboolean as_written = osh_yaml_find(match->source, "rules") != NULL;

        check_protocol(loader, endpoint);
        check_pins(loader, endpoint);
        check_addresses(loader, endpoint);
        check_deprecated(loader, endpoint);
        for (guint k = 0; as_written && k < match->n_rules; k++)
            check_rule(loader, &match->rules[k]);
        for (guint k = 0; k < match->n_deny_rules; k++)
            check_rule(loader, &match->deny_rules[k]);
    }
    for (guint i = 0; i < snapshot->n_policies; i++)
        check_harness(loader, &snapshot->policies[i]);
}
