/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-endpoint.c: where an endpoint may point, and how credentials may go there.
 *
 * Runs on the loading thread. Messages name the policy as people know it (its display name).
 */
#include "schema.h"

#include <string.h>

#define MAX_LABEL 63

static const OshYamlNode *
member(const OshPolicyEndpoint *endpoint, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, key);

    return node != NULL ? node : endpoint->match->source;
}

/* Whether every label is a whole `*` or `**`, or only the last one is not. */
static gboolean
covers_top_level(const char *host)
{
    const char *dot = strchr(host, '.');

    return dot != NULL && strchr(dot + 1, '.') == NULL &&
           (strncmp(host, "*.", 2) == 0 || strncmp(host, "**.", 3) == 0);
}

static gboolean
label_is(const char *label, gsize length, const char *text)
{
    return strlen(text) == length && memcmp(label, text, length) == 0;
}

static void
check_pattern_label(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const char *label,
                    gsize length, gboolean first)
{
    const OshYamlNode *node = member(endpoint, "host");

    if (length == 0) {
        osh_yaml_error(loader->diagnostics, node, "host '%s' has an empty label", endpoint->host);
        return;
    }
    if (memchr(label, '*', length) == NULL || label_is(label, length, "*"))
        return;
    if (first && (label_is(label, length, "**") || memmem(label, length, "**", 2) == NULL))
        return;
    if (memmem(label, length, "**", 2) != NULL)
        osh_yaml_error(loader->diagnostics, node,
                       "host '%s': '**' is only allowed as the whole first label", endpoint->host);
    else
        osh_yaml_error(loader->diagnostics, node,
                       "host '%s': a wildcard inside a label is only allowed in the first label; "
                       "another label may be exactly '*'",
                       endpoint->host);
}

static void
check_wildcard_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = member(endpoint, "host");
    const char *label = endpoint->host;

    if (strcmp(label, "*") == 0 || strcmp(label, "**") == 0) {
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("name the hosts, or use allowed_ips without host"),
                            "host '%s' matches every host", label);
        return;
    }
    if (covers_top_level(label)) {
        osh_yaml_error_hint(
            loader->diagnostics, node, g_strdup_printf("write *.example%s", strrchr(label, '.')),
            "host '%s' is a wildcard over a whole top-level domain (TLD wildcard)", label);
        return;
    }
    if (endpoint->match->host->glob == NULL) {
        g_autoptr(GError) error = NULL;

        osh_policy_pattern(loader->snapshot, label, '.', &error);
        osh_yaml_error(loader->diagnostics, node, "host '%s': %s", label, error->message);
    }
    for (gboolean first = TRUE;; first = FALSE) {
        gsize length = strcspn(label, ".");

        check_pattern_label(loader, endpoint, label, length, first);
        if (label[length] == '\0')
            return;
        label += length + 1;
    }
}

static void
check_tcp_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = member(endpoint, "host");
    const char *host = endpoint->host;
    gsize length = strlen(host);
    OshAddress address;

    if (length == 0) {
        osh_yaml_error(loader->diagnostics, node, "protocol tcp requires a DNS hostname");
        return;
    }
    if (osh_address_parse(host, -1, &address) || host[0] == '[') {
        osh_yaml_error(loader->diagnostics, node,
                       "protocol tcp must use a DNS hostname, not an IP literal: '%s'", host);
        return;
    }
    if (g_ascii_isspace(host[0]) || g_ascii_isspace(host[length - 1]))
        osh_yaml_error(loader->diagnostics, node, "protocol tcp: host '%s' has blanks at its edge",
                       host);
    else if (host[length - 1] == '.')
        osh_yaml_error(loader->diagnostics, node, "protocol tcp: host '%s' must not end in a dot",
                       host);
    else if (host[0] == '.' || strstr(host, "..") != NULL)
        osh_yaml_error(loader->diagnostics, node, "protocol tcp: host '%s' has an empty label",
                       host);
    else if (length > 253)
        osh_yaml_error(loader->diagnostics, node, "protocol tcp: the host is too long");
    for (const char *label = host; *label != '\0';) {
        gsize size = strcspn(label, ".");

        if (size > MAX_LABEL)
            osh_yaml_error(loader->diagnostics, node,
                           "protocol tcp: a label of host '%.80s' is longer than %d bytes", host,
                           MAX_LABEL);
        label += size + (label[size] == '.');
    }
}

static void
check_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const char *host = endpoint->host;
    gsize length = strlen(host);

    if (length == 0 && endpoint->n_allowed_ips == 0 &&
        endpoint->protocol != OSH_POLICY_PROTOCOL_TCP)
        osh_yaml_error_hint(loader->diagnostics, member(endpoint, "host"),
                            g_strdup("name a host, or list allowed_ips"),
                            "endpoint host must not be empty unless allowed_ips is given");
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_TCP)
        check_tcp_host(loader, endpoint);
    if (length == 0)
        return;
    if (endpoint->host_is_pattern)
        check_wildcard_host(loader, endpoint);
    else if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        osh_yaml_warning(loader->diagnostics, member(endpoint, "host"),
                         "host '%s' is a URL and matches nothing; write the bare host name", host);
    else if (endpoint->protocol != OSH_POLICY_PROTOCOL_TCP &&
             (host[length - 1] == '.' || strpbrk(host, " ?[{") != NULL))
        osh_yaml_warning(loader->diagnostics, member(endpoint, "host"),
                         "host '%s' is compared as it stands and will match nothing", host);
}

static void
check_ports(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, "ports");

    if (endpoint->n_ports == 0) {
        osh_yaml_error_hint(loader->diagnostics, member(endpoint, "port"),
                            g_strdup("write port: 443"),
                            "an endpoint must declare at least one port");
        return;
    }
    for (guint i = 0; i < endpoint->n_ports; i++)
        if (endpoint->ports[i] == 0)
            osh_yaml_error(loader->diagnostics, node != NULL ? node : member(endpoint, "port"),
                           "invalid port 0: an endpoint must declare at least one port between 1 "
                           "and 65535");
}

static void
check_signing(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const char *signing = endpoint->credential_signing;
    const OshYamlNode *node = member(endpoint, "credential_signing");

    if (signing == NULL || *signing == '\0')
        return;
    if (strcmp(signing, "sigv4") != 0 && strcmp(signing, "sigv4:body") != 0 &&
        strcmp(signing, "sigv4:no_body") != 0)
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("known: sigv4, sigv4:body, sigv4:no_body"),
                            "unknown credential_signing '%s'", signing);
    if (endpoint->signing_service == NULL || *endpoint->signing_service == '\0')
        osh_yaml_error(loader->diagnostics, node, "credential_signing requires signing_service");
    if (endpoint->request_body_credential_rewrite)
        osh_yaml_error(loader->diagnostics, node,
                       "credential_signing cannot be combined with "
                       "request_body_credential_rewrite");
}

void
osh_schema_check_endpoint(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *binding = osh_yaml_find(endpoint->match->source, "credential_binding");

    check_host(loader, endpoint);
    check_ports(loader, endpoint);
    check_signing(loader, endpoint);
    if (binding != NULL && binding->kind == OSH_YAML_MAPPING &&
        (endpoint->credential_provider == NULL || *endpoint->credential_provider == '\0'))
        osh_yaml_error(loader->diagnostics, binding, "credential_binding requires provider");
}
