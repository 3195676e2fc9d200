/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read-endpoint.c: one entry of `endpoints` from the document.
 *
 * Reads types and known keys only; whether the values make sense together is for the check-*.c
 * files. Runs on the loading thread.
 */
#include "endpoint-key.h"
#include "osh-content-coding.h"
#include "osh-socket-address.h"
#include "question.h"
#include "schema-protocol.h"
#include "schema.h"

#include <string.h>

static void
read_ports(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *list = osh_yaml_find(node, "ports");
    const OshYamlNode *single = osh_yaml_find(node, "port");
    guint64 seen[(G_MAXUINT16 + 1) / 64];
    guint16 *ports;

    endpoint->ports = NULL;
    list = list != NULL ? osh_schema_sequence(loader, list) : NULL;
    if (list != NULL && list->length > 0) {
        memset(seen, 0, sizeof(seen));
        ports = osh_arena_new_array(loader->snapshot->arena, guint16, list->length);
        for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
            guint64 value = 0;

            if (!osh_yaml_integer(child, &value) || value > G_MAXUINT16) {
                osh_yaml_wrong_port(loader->diagnostics, child);
                continue;
            }
            if ((seen[value >> 6] >> (value & 63)) & 1)
                continue;
            seen[value >> 6] |= G_GUINT64_CONSTANT(1) << (value & 63);
            ports[endpoint->n_ports++] = (guint16)value;
        }
        endpoint->ports = ports;
        osh_schema_integer(loader, node, "port", G_MAXUINT16, 0);
        if (single != NULL)
            osh_yaml_warning(loader->diagnostics, single,
                             "port is ignored because ports is given as well");
        return;
    }
    if (single == NULL)
        return;
    ports = osh_arena_new_array(loader->snapshot->arena, guint16, 1);
    ports[0] = (guint16)osh_schema_integer(loader, node, "port", G_MAXUINT16, 1);
    endpoint->ports = ports;
    endpoint->n_ports = 1;
}

static void
read_protocol(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpoint *endpoint,
              OshPolicyEndpointMatch *match)
{
    const char *const *names = osh_schema_protocol_names();
    const char *name = osh_schema_lower(loader, node, "protocol");
    g_autofree char **brought = NULL;
    g_autofree char *list = NULL;
    guint n_brought = 0;
    const char *nearest;

    endpoint->protocol_name = name != NULL ? name : "";
    if (name == NULL || *name == '\0')
        return;
    endpoint->protocol = osh_schema_protocol_find(name);
    if (endpoint->protocol != OSH_POLICY_PROTOCOL_PLUGIN)
        return;
    match->declared = osh_policy_protocol_table_find(loader->request->protocols, name);
    if (match->declared != NULL)
        return;
    endpoint->protocol = OSH_POLICY_PROTOCOL_NONE;
    brought = osh_policy_protocol_table_names(loader->request->protocols);
    /* What the schema has too is named with it. */
    for (guint i = 0; brought[i] != NULL; i++)
        if (osh_schema_protocol_find(brought[i]) == OSH_POLICY_PROTOCOL_PLUGIN)
            brought[n_brought++] = brought[i];
    brought[n_brought] = NULL;
    list = g_strjoinv(", ", brought);
    nearest = osh_policy_nearest_word(name, names);
    if (nearest == NULL)
        nearest = osh_policy_nearest_word(name, (const char *const *)brought);
    osh_policy_diagnostics_set_stages(loader->diagnostics,
                                      OSH_POLICY_STAGE_INSPECTION | OSH_POLICY_STAGE_SAFETY);
    osh_yaml_error_hint(
        loader->diagnostics, osh_yaml_find(node, "protocol"),
        nearest != NULL
            ? g_strdup_printf("did you mean '%s'?", nearest)
            : g_strdup_printf("known: tcp, rest, websocket, graphql, sql, json-rpc, mcp%s%s",
                              *list != '\0' ? ", and by plugins: " : "", list),
        "unknown protocol '%s'", name);
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_PARSE);
}

/* As the public interface writes it: IPv4 in its mapped form. */
static OshCidr
public_range(const OshAddressRange *range)
{
    OshCidr cidr = {.prefix = range->prefix};

    if (range->address.family == 6) {
        memcpy(cidr.address.s6_addr, range->address.bytes, 16);
        return cidr;
    }
    osh_address_map_ipv4(range->address.bytes, &cidr.address);
    cidr.prefix += 96;
    return cidr;
}

static void
read_addresses(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *list = osh_yaml_find(node, "allowed_ips");
    const OshYamlNode *child;
    OshAddressRange *ranges;
    OshCidr *cidrs;
    guint kept = 0;
    guint n_texts;
    const char *const *texts = osh_schema_strings(loader, node, "allowed_ips", &n_texts);

    endpoint->allowed_ip_texts = texts;
    if (n_texts == 0)
        return;
    child = list->first;
    ranges = osh_arena_new_array(loader->snapshot->arena, OshAddressRange, n_texts);
    cidrs = osh_arena_new_array(loader->snapshot->arena, OshCidr, n_texts);
    for (guint i = 0; i < n_texts; i++, child = child->next) {
        g_autofree char *trimmed = g_strstrip(g_strdup(texts[i]));

        if (!osh_address_range_parse(trimmed, &ranges[kept])) {
            osh_yaml_error_hint(loader->diagnostics, child,
                                g_strdup("write 10.0.5.0/24, 10.0.5.7 or fd00::/8"),
                                "'%s' is not an IP address or CIDR range", texts[i]);
            continue;
        }
        if (osh_address_range_overlaps_class(&ranges[kept], OSH_ADDRESS_ALWAYS_BLOCKED))
            osh_yaml_error(loader->diagnostics, child,
                           "'%s' overlaps loopback, link-local or unspecified addresses, which are "
                           "always blocked",
                           texts[i]);
        else if (ranges[kept].prefix < 16)
            osh_yaml_warning(loader->diagnostics, child,
                             "'%s' is a very wide range (prefix shorter than /16)", texts[i]);
        cidrs[kept] = public_range(&ranges[kept]);
        kept++;
    }
    endpoint->allowed_ips = ranges;
    endpoint->allowed_cidrs = cidrs;
    endpoint->n_allowed_ips = kept;
}

static const OshPolicyRule *
read_rules(OshPolicyLoader *loader, const OshYamlNode *node, const OshPolicyEndpoint *endpoint,
           gboolean wrapped, guint *ret_length)
{
    static const char *const wrapper_keys[] = {"allow", NULL};
    const OshYamlNode *list = node != NULL ? osh_schema_sequence(loader, node) : NULL;
    OshPolicyRule *rules;
    guint length = 0;

    *ret_length = 0;
    if (list == NULL || list->length == 0)
        return NULL;
    rules = osh_arena_new_array(loader->snapshot->arena, OshPolicyRule, list->length);
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
        const OshYamlNode *body = osh_schema_mapping(loader, child);

        if (body == NULL)
            continue;
        if (wrapped) {
            osh_schema_keys(loader, body, wrapper_keys);
            body = osh_yaml_find(body, "allow");
            if (body == NULL) {
                osh_yaml_error_hint(loader->diagnostics, child,
                                    g_strdup("write - allow: { method: GET, path: \"/**\" }"),
                                    "a rule needs 'allow'");
                continue;
            }
            body = osh_schema_mapping(loader, body);
            if (body == NULL)
                continue;
        }
        if (endpoint->match->declared != NULL)
            osh_schema_read_fact_rule(loader, body, endpoint->match->declared, &rules[length++]);
        else
            osh_schema_read_rule(loader, body, endpoint->protocol, &rules[length++]);
    }
    *ret_length = length;
    return rules;
}

static void
read_registered(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpointMatch *match)
{
    static const char *const keys[] = {"operation_type", "operation_name", "fields", NULL};
    const OshYamlNode *mapping = osh_yaml_find(node, "graphql_persisted_queries");
    OshPolicyRegisteredQuery *queries;

    mapping = mapping != NULL ? osh_schema_mapping(loader, mapping) : NULL;
    if (mapping == NULL)
        return;
    queries =
        osh_arena_new_array(loader->snapshot->arena, OshPolicyRegisteredQuery, mapping->length);
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        const OshYamlNode *body = osh_schema_mapping(loader, child);
        OshPolicyRegisteredQuery *query = &queries[match->n_registered];
        const char *const *fields;
        OshSpan *spans;

        if (body == NULL)
            continue;
        osh_schema_keys(loader, body, keys);
        query->id = osh_arena_copy(loader->snapshot->arena, child->key, strlen(child->key));
        query->operation_type = osh_schema_lower(loader, body, "operation_type");
        query->operation_name = osh_schema_string(loader, body, "operation_name");
        if (query->operation_type == NULL)
            query->operation_type = "";
        fields = osh_schema_strings(loader, body, "fields", &query->n_fields);
        spans = osh_arena_new_array(loader->snapshot->arena, OshSpan, query->n_fields);
        for (guint i = 0; i < query->n_fields; i++)
            spans[i] = osh_span(fields[i]);
        query->fields = spans;
        match->n_registered++;
    }
    match->registered = queries;
}

/* @mcp: (nullable): the section. Returns: sum of the revisions in its list, or the default. */
static guint
read_mcp_versions(OshPolicyLoader *loader, const OshYamlNode *mcp)
{
    const OshYamlNode *list = osh_yaml_find(mcp, "versions");
    guint versions = 0;

    if (list == NULL)
        return OSH_MCP_REVISION_DEFAULT;
    list = osh_schema_sequence(loader, list);
    if (list != NULL && list->length == 0)
        osh_yaml_error_hint(loader->diagnostics, list,
                            g_strdup("leave the key out for [\"2025-11-25\"]"),
                            "mcp.versions must name at least one revision");
    for (const OshYamlNode *child = list != NULL ? list->first : NULL; child != NULL;
         child = child->next) {
        const char *text = osh_schema_text(loader, child);
        guint revision = text != NULL ? osh_mcp_revision_parse(text, child->length) : 0;

        if (text != NULL && revision == 0)
            osh_yaml_error_hint(loader->diagnostics, child,
                                g_strdup("known: 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"),
                                "unknown MCP revision '%.100s'", text);
        else if (revision & versions)
            osh_yaml_error(loader->diagnostics, child, "MCP revision '%s' is listed twice", text);
        versions |= revision;
    }
    return versions != 0 ? versions : OSH_MCP_REVISION_DEFAULT;
}

/* Returns: sum of the codings in the list. */
static guint
read_codings(OshPolicyLoader *loader, const OshYamlNode *node)
{
    const OshYamlNode *list = osh_yaml_find(node, "decode_content");
    guint codings = 0;

    list = list != NULL ? osh_schema_sequence(loader, list) : NULL;
    for (const OshYamlNode *child = list != NULL ? list->first : NULL; child != NULL;
         child = child->next) {
        const char *text = osh_schema_text(loader, child);
        guint coding = text != NULL ? osh_content_coding_parse(text) : 0;

        if (text != NULL && coding == 0)
            osh_yaml_error_hint(loader->diagnostics, child, g_strdup("known: gzip, deflate, br"),
                                "unknown content coding '%.100s'", text);
        else if (coding & codings)
            osh_yaml_error(loader->diagnostics, child, "content coding '%s' is listed twice", text);
        codings |= coding;
    }
    return codings;
}

/* @node: (nullable): where @key stands as @name; NULL leaves what it is when it is not written. */
static void
read_value(OshPolicyLoader *loader, const OshEndpointKey *key, const OshYamlNode *node,
           const char *name, OshPolicyEndpoint *endpoint)
{
    gpointer field = osh_endpoint_key_field(key, endpoint);
    gboolean holds = osh_endpoint_key_holds(key, endpoint->protocol);
    guint64 absent_bytes = key->absent != NULL ? g_ascii_strtoull(key->absent, NULL, 10) : 0;
    guint64 bytes;

    switch (key->type) {
    case OSH_ENDPOINT_KEY_SWITCH:
        *(gboolean *)field = osh_schema_boolean(loader, node, name, key->absent != NULL);
        break;
    case OSH_ENDPOINT_KEY_TEXT:
        *(const char **)field = osh_schema_string(loader, node, name);
        break;
    case OSH_ENDPOINT_KEY_BYTES:
        /* its type counts also where nothing uses it */
        bytes = osh_schema_integer(loader, node, name, G_MAXUINT32, absent_bytes);
        if (holds)
            *(guint32 *)field = (guint32)bytes;
        break;
    case OSH_ENDPOINT_KEY_SPECIAL:
    case OSH_ENDPOINT_KEY_SECTION:
    case OSH_ENDPOINT_KEY_DERIVED:
    default:
        break;
    }
}

/* A limit that several sections may set keeps what an earlier one says where a later one is
 * missing. */
static void
read_section(OshPolicyLoader *loader, const OshEndpointKey *section, const OshYamlNode *node,
             OshPolicyEndpoint *endpoint)
{
    const OshYamlNode *mapping = osh_yaml_find(node, section->name);
    g_autofree const char **names = osh_endpoint_key_names(section);
    const OshEndpointKey *key;

    mapping = mapping != NULL ? osh_schema_mapping(loader, mapping) : NULL;
    if (mapping != NULL)
        osh_schema_keys(loader, mapping, names);
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        const char *member = osh_endpoint_key_member(key, section);

        if (member != NULL && (mapping != NULL || key->type != OSH_ENDPOINT_KEY_BYTES))
            read_value(loader, key, mapping, member, endpoint);
    }
}

/* Every key whose row says how it is read. */
static void
read_values(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpoint *endpoint)
{
    const OshEndpointKey *key;

    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
        if (key->type == OSH_ENDPOINT_KEY_BYTES)
            read_value(loader, key, NULL, key->name, endpoint);
    for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++) {
        if (key->type == OSH_ENDPOINT_KEY_SECTION)
            read_section(loader, key, node, endpoint);
        else if (osh_endpoint_key_is_top(key) && !(key->traits & OSH_ENDPOINT_KEY_READ_ALONE))
            read_value(loader, key, node, key->name, endpoint);
    }
}

/* The endpoint's path, once as a selector of requests and once as a rule path. */
static void
read_path(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEndpoint *endpoint,
          OshPolicyEndpointMatch *match)
{
    const char *path = osh_schema_string(loader, node, "path");
    gsize length;

    endpoint->path = path != NULL ? path : "";
    length = strlen(endpoint->path);
    for (const char *p = endpoint->path; *p != '\0'; p++)
        match->path_specificity += *p != '*';
    if (length == 0)
        return;
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_INSPECTION);
    osh_schema_check_brackets(loader, osh_yaml_find(node, "path"), endpoint->path);
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_PARSE);
    match->path = osh_policy_pattern(loader->snapshot, endpoint->path, '/', NULL);
    match->has_broken_pattern |= match->path->glob == NULL;
    switch (osh_policy_selector_kind(endpoint->path)) {
    case OSH_POLICY_SELECT_BELOW:
        match->path_prefix = osh_arena_copy(loader->snapshot->arena, endpoint->path, length - 3);
        break;
    case OSH_POLICY_SELECT_GLOB:
        match->path_selector =
            osh_policy_pattern(loader->snapshot, endpoint->path, OSH_GLOB_SELECTOR, NULL);
        break;
    case OSH_POLICY_SELECT_ALL:
    default:
        break;
    }
}

static gboolean
is_graphql_rule(const OshPolicyRule *rule)
{
    return rule->operation_type != NULL || rule->operation_name != NULL || rule->n_fields > 0;
}

/* @persisted: (nullable): what it says about queries that come as a hash */
static gboolean
has_graphql_policy(const OshPolicyEndpoint *endpoint, const char *persisted)
{
    const OshPolicyEndpointMatch *match = endpoint->match;
    gboolean found = match->n_registered > 0 ||
                     (persisted != NULL && *persisted != '\0' && strcmp(persisted, "deny") != 0);

    for (guint i = 0; i < match->n_rules; i++)
        found |= is_graphql_rule(&match->rules[i]);
    for (guint i = 0; i < match->n_deny_rules; i++)
        found |= is_graphql_rule(&match->deny_rules[i]);
    return found;
}

void
osh_schema_read_endpoint(OshPolicyLoader *loader, const OshYamlNode *node,
                         OshPolicyEndpoint *ret_endpoint)
{
    static const char *const tls_words[] = {"skip", "", "terminate", "passthrough", NULL};
    static const char *const enforcement_words[] = {"enforce", "audit", NULL};
    static const char *const access_words[] = {"read-only", "read-write", "full", NULL};
    OshPolicyEndpoint *endpoint = ret_endpoint;
    OshPolicyEndpointMatch *match = osh_arena_take(loader->snapshot->arena, sizeof(*match));
    g_autofree const char **keys = osh_endpoint_key_names(NULL);
    const char *text;
    const char *tls;

    match->source = node;
    match->line = node->line;
    endpoint->match = match;
    osh_schema_keys(loader, node, keys);
    text = osh_schema_lower(loader, node, "host");
    endpoint->host = text != NULL ? text : "";
    endpoint->host_is_pattern = strchr(endpoint->host, '*') != NULL;
    if (endpoint->host_is_pattern)
        match->host = osh_policy_pattern(loader->snapshot, endpoint->host, '.', NULL);
    read_ports(loader, node, endpoint);
    read_protocol(loader, node, endpoint, match);
    read_path(loader, node, endpoint, match);
    tls = osh_schema_word(loader, node, "tls", tls_words);
    endpoint->tls = g_strcmp0(tls, "skip") == 0 ? OSH_POLICY_TLS_SKIP : OSH_POLICY_TLS_AUTO;
    text = osh_schema_word(loader, node, "enforcement", enforcement_words);
    endpoint->enforcement = g_strcmp0(text, "enforce") == 0 ? OSH_POLICY_ENFORCE : OSH_POLICY_AUDIT;
    match->access = osh_schema_word(loader, node, "access", access_words);
    read_addresses(loader, node, endpoint);
    text = osh_schema_string(loader, node, "persisted_queries");
    endpoint->allow_registered_queries = g_strcmp0(text, "allow_registered") == 0;
    read_registered(loader, node, match);
    read_values(loader, node, endpoint);
    if (endpoint->protocol == OSH_POLICY_PROTOCOL_MCP)
        endpoint->mcp_versions = read_mcp_versions(loader, osh_yaml_find(node, "mcp"));
    endpoint->decode_content = read_codings(loader, node);
    match->rules =
        read_rules(loader, osh_yaml_find(node, "rules"), endpoint, TRUE, &match->n_rules);
    match->deny_rules = read_rules(loader, osh_yaml_find(node, "deny_rules"), endpoint, FALSE,
                                   &match->n_deny_rules);
    endpoint->has_graphql_rules = has_graphql_policy(endpoint, text);
    endpoint->has_config =
        (endpoint->protocol_name[0] != '\0' && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP) ||
        endpoint->n_allowed_ips > 0 || endpoint->tls == OSH_POLICY_TLS_SKIP;
}
