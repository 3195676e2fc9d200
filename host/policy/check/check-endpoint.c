/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-endpoint.c: where an endpoint may point, and how credentials may go there.
 *
 * Runs on the loading thread. Messages name the policy as people know it (its display name).
 */
#include "schema.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_LABEL 63
/* Of a label of a DNS name, with the star of a pattern. */
#define DNS_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*"

static gboolean
label_is(const char *label, gsize length, const char *text)
{
    return strlen(text) == length && memcmp(label, text, length) == 0;
}

/* Returns FALSE after a report. */
static gboolean
check_pattern_label(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint, const char *label,
                    gsize length, gboolean first)
{
    const OshYamlNode *node = osh_schema_member(endpoint, "host");

    if (length == 0) {
        osh_yaml_error(loader->diagnostics, node, "host '%s' has an empty label", endpoint->host);
        return FALSE;
    }
    if (memchr(label, '*', length) == NULL || label_is(label, length, "*"))
        return TRUE;
    if (first && (label_is(label, length, "**") || memmem(label, length, "**", 2) == NULL))
        return TRUE;
    if (memmem(label, length, "**", 2) != NULL)
        osh_yaml_error(loader->diagnostics, node,
                       "invalid host wildcard '%s': the recursive host wildcard '**' may only be "
                       "the whole first label",
                       endpoint->host);
    else
        osh_yaml_error(loader->diagnostics, node,
                       "invalid host wildcard '%s': a middle DNS label wildcard must be the whole "
                       "label '*'",
                       endpoint->host);
    return FALSE;
}

static void
check_wildcard_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = osh_schema_member(endpoint, "host");
    const char *host = endpoint->host;
    guint n_labels = 1;

    if (strcmp(host, "*") == 0 || strcmp(host, "**") == 0) {
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("name the hosts, or use allowed_ips without host"),
                            "invalid host wildcard '%s': it matches all hosts", host);
        return;
    }
    if (endpoint->match->host->glob == NULL) {
        g_autoptr(GError) error = NULL;

        osh_policy_pattern(loader->snapshot, host, '.', &error);
        osh_yaml_error(loader->diagnostics, node, "invalid host wildcard '%s': %s", host,
                       error->message);
    }
    for (const char *label = host;; n_labels++) {
        gsize length = strcspn(label, ".");

        if (!check_pattern_label(loader, endpoint, label, length, label == host))
            return;
        if (label[length] == '\0')
            break;
        label += length + 1;
    }
    if (n_labels <= 2)
        osh_yaml_error_hint(
            loader->diagnostics, node,
            g_strdup_printf("write *.example.%s", n_labels == 2 ? strrchr(host, '.') + 1 : "com"),
            "TLD wildcard '%s' is not allowed: it covers a whole top-level domain", host);
}

/* NULL when policy DNS could answer for names of this shape; a star stands for some of the rest. */
static const char *
dns_problem(const char *host)
{
    gsize length = strlen(host);

    if (g_ascii_isspace(host[0]) || g_ascii_isspace(host[length - 1]))
        return "it has leading or trailing whitespace";
    if (host[length - 1] == '.')
        return "omit the trailing DNS root dot";
    if (strpbrk(host, " \t") != NULL)
        return "it holds whitespace";
    if (host[0] == '.' || strstr(host, "..") != NULL)
        return "it has empty DNS labels";
    for (const char *label = host; *label != '\0';) {
        gsize size = strcspn(label, ".");

        if (size > MAX_LABEL)
            return "a label longer than 63 bytes cannot represent a valid DNS name";
        if (label[0] == '-' || strspn(label, DNS_CHARACTERS) < size)
            return "a label of other characters than letters, digits, '_' and (behind the first) "
                   "'-' cannot represent a valid DNS name";
        label += size + (label[size] == '.');
    }
    return length > 253 ? "more than 253 bytes cannot represent a valid DNS name" : NULL;
}

static void
check_tcp_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = osh_schema_member(endpoint, "host");
    const char *host = endpoint->host;
    const char *problem;
    OshAddress address;

    if (host[strspn(host, " \t")] == '\0')
        osh_yaml_error(loader->diagnostics, node,
                       "protocol tcp requires a DNS hostname, also beside allowed_ips");
    else if (osh_address_parse(host, -1, &address) || host[0] == '[')
        osh_yaml_error(loader->diagnostics, node,
                       "protocol tcp endpoint '%s' must use a DNS hostname, not an IP literal: "
                       "direct IP connections bypass policy DNS and are blocked",
                       host);
    else if ((problem = dns_problem(host)) != NULL)
        osh_yaml_error(loader->diagnostics, node,
                       "protocol tcp endpoint has an invalid DNS host '%.80s': %s", host, problem);
}

/* Whether a pattern stands for addresses rather than for names: 10.*.*.*, **.0.1, fd00:*. */
static gboolean
is_address_pattern(const char *host)
{
    gboolean has_number = FALSE;

    if (strchr(host, ':') != NULL)
        return TRUE;
    for (const char *label = host; *label != '\0';) {
        gsize size = strcspn(label, ".");

        if (strspn(label, "0123456789*?[]-!^") < size)
            return FALSE;
        has_number |= strcspn(label, "0123456789") < size;
        label += size + (label[size] == '.');
    }
    return has_number;
}

/* Warns of an address that is always blocked, or that is not in the one form that is compared. */
static void
check_address_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = osh_schema_member(endpoint, "host");
    char canonical[INET6_ADDRSTRLEN];
    OshAddress address;

    if (endpoint->host_is_pattern && is_address_pattern(endpoint->host))
        osh_yaml_warning_hint(
            loader->diagnostics, node,
            g_strdup("name the address itself, or list its network in allowed_ips"),
            "host '%s' is a wildcard for addresses: it allows public ones alone, never a private "
            "one",
            endpoint->host);
    /* RFC 6761, 6.3 */
    if (strcmp(endpoint->host, "localhost") == 0 || g_str_has_suffix(endpoint->host, ".localhost"))
        osh_yaml_warning_hint(loader->diagnostics, node, g_strdup("take the endpoint out"),
                              "host '%s' is a loopback address, which is always blocked, whatever "
                              "a policy says",
                              endpoint->host);
    if (endpoint->host_is_pattern || !osh_address_parse(endpoint->host, -1, &address))
        return;
    if (osh_address_classify_strict(&address) == OSH_ADDRESS_ALWAYS_BLOCKED)
        osh_yaml_warning_hint(loader->diagnostics, node, g_strdup("take the endpoint out"),
                              "host '%s' is an address that is always blocked, whatever a policy "
                              "says",
                              endpoint->host);
    inet_ntop(address.family == 6 ? AF_INET6 : AF_INET, address.bytes, canonical, sizeof canonical);
    if (strcmp(canonical, endpoint->host) != 0)
        osh_yaml_warning_hint(loader->diagnostics, node, g_strdup_printf("write %s", canonical),
                              "host '%s' matches nothing: an address is compared in its shortest "
                              "form",
                              endpoint->host);
}

static void
check_host(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const char *host = endpoint->host;
    gsize length = strlen(host);

    if (endpoint->protocol == OSH_POLICY_PROTOCOL_TCP)
        check_tcp_host(loader, endpoint);
    else if (host[strspn(host, " \t")] == '\0' && endpoint->allowed_ip_texts[0] == NULL)
        osh_yaml_error_hint(loader->diagnostics, osh_schema_member(endpoint, "host"),
                            g_strdup("name a host, or list allowed_ips"),
                            "endpoint host must not be empty unless allowed_ips is given");
    if (length == 0)
        return;
    check_address_host(loader, endpoint);
    if (endpoint->host_is_pattern)
        return;
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        osh_yaml_warning(loader->diagnostics, osh_schema_member(endpoint, "host"),
                         "host '%s' is a URL and matches nothing; write the bare host name", host);
    else if (endpoint->protocol != OSH_POLICY_PROTOCOL_TCP &&
             (host[length - 1] == '.' || strpbrk(host, " ?[{") != NULL))
        osh_yaml_warning(loader->diagnostics, osh_schema_member(endpoint, "host"),
                         "host '%s' is compared as it stands and will match nothing", host);
}

static void
check_ports(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *node = osh_yaml_find(endpoint->match->source, "ports");

    if (endpoint->n_ports == 0) {
        osh_yaml_error_hint(loader->diagnostics, osh_schema_member(endpoint, "port"),
                            g_strdup("write port: 443"),
                            "endpoint '%s' must declare at least one port", endpoint->host);
        return;
    }
    for (guint i = 0; i < endpoint->n_ports; i++)
        if (endpoint->ports[i] == 0)
            osh_yaml_error(loader->diagnostics,
                           node != NULL ? node : osh_schema_member(endpoint, "port"),
                           "endpoint '%s' has invalid port 0; expected 1 to 65535", endpoint->host);
}

static void
check_signing(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const char *signing = endpoint->credential_signing;
    const OshYamlNode *node = osh_schema_member(endpoint, "credential_signing");

    if (signing == NULL || *signing == '\0')
        return;
    if (strcmp(signing, "sigv4") != 0 && strcmp(signing, "sigv4:body") != 0 &&
        strcmp(signing, "sigv4:no_body") != 0)
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("known: sigv4, sigv4:body, sigv4:no_body"),
                            "unrecognized credential_signing value '%s'", signing);
    if (endpoint->signing_service == NULL || *endpoint->signing_service == '\0')
        osh_yaml_error(loader->diagnostics, node,
                       "credential_signing requires signing_service, which is empty");
    if (endpoint->request_body_credential_rewrite)
        osh_yaml_error(loader->diagnostics, node,
                       "credential_signing and request_body_credential_rewrite are mutually "
                       "exclusive");
}

void
osh_schema_check_endpoint(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *binding = osh_yaml_find(endpoint->match->source, "credential_binding");

    osh_policy_diagnostics_set_stages(loader->diagnostics,
                                      OSH_POLICY_STAGE_SAFETY | OSH_POLICY_STAGE_INSPECTION);
    if (endpoint->host_is_pattern)
        check_wildcard_host(loader, endpoint);
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_SAFETY);
    check_host(loader, endpoint);
    check_ports(loader, endpoint);
    check_signing(loader, endpoint);
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_PARSE);
    if (binding != NULL && binding->kind == OSH_YAML_MAPPING &&
        (endpoint->credential_provider == NULL || *endpoint->credential_provider == '\0'))
        osh_yaml_error(loader->diagnostics, binding, "credential_binding requires provider");
}
