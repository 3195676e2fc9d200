/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-write.c: sites as a policy that a person would write.
 *
 * Plain functions over a draft. What has the same rules and the same binaries stands together:
 * binaries with equal rules share an endpoint, ports with equal rules share one too, and endpoints
 * with equal binaries share a policy. No binary gets an endpoint that it did not have before.
 */
#include "learn-write.h"

#include <string.h>

/* An endpoint to be: rules of one kind and scope at one host. */
typedef struct {
    const OshLearnSite *site;
    OshLearnKind kind;
    const char *scope;
    GPtrArray *rules; /* OshLearnRule, borrowed */
    GArray *ports;    /* guint16 */
    GPtrArray *binaries;
    char *key; /* all but ports and binaries */
} Endpoint;

static void
endpoint_free(gpointer data)
{
    Endpoint *endpoint = data;

    g_ptr_array_unref(endpoint->rules);
    g_ptr_array_unref(endpoint->binaries);
    g_array_unref(endpoint->ports);
    g_free(endpoint->key);
    g_free(endpoint);
}

static char *
endpoint_key(const Endpoint *endpoint)
{
    g_autoptr(GString) key = g_string_new(endpoint->site->host);
    g_autofree char *ips = endpoint->site->allowed_ips != NULL
                               ? g_strjoinv(",", endpoint->site->allowed_ips)
                               : g_strdup("");

    g_string_append_printf(key, "\n%d\n%s\n%d%d\n%s", endpoint->kind,
                           endpoint->scope != NULL ? endpoint->scope : "", endpoint->site->tls_skip,
                           endpoint->site->encoded_slash, ips);
    for (guint i = 0; i < endpoint->rules->len; i++)
        g_string_append_printf(key, "\n%s",
                               ((const OshLearnRule *)g_ptr_array_index(endpoint->rules, i))->key);
    return g_string_free(g_steal_pointer(&key), FALSE);
}

static Endpoint *
endpoint_new(const OshLearnSite *site, OshLearnKind kind, const char *scope)
{
    Endpoint *endpoint = g_new0(Endpoint, 1);
    guint16 port = (guint16)site->port;

    endpoint->site = site;
    endpoint->kind = kind;
    endpoint->scope = scope;
    endpoint->rules = g_ptr_array_new();
    endpoint->binaries = g_ptr_array_new();
    endpoint->ports = g_array_new(FALSE, FALSE, sizeof(guint16));
    g_array_append_val(endpoint->ports, port);
    return endpoint;
}

/* Rules of a unit are sorted by kind and scope. */
static void
add_unit(GPtrArray *endpoints, const OshLearnSite *site, const OshLearnUnit *unit)
{
    guint first = endpoints->len;

    if (unit->is_connection)
        g_ptr_array_add(endpoints, endpoint_new(site, OSH_LEARN_CONNECTION, NULL));
    for (guint i = 0; i < unit->rules->len; i++) {
        OshLearnRule *rule = g_ptr_array_index(unit->rules, i);
        Endpoint *last =
            endpoints->len > first ? g_ptr_array_index(endpoints, endpoints->len - 1) : NULL;

        if (last == NULL || last->kind != rule->kind || g_strcmp0(last->scope, rule->scope) != 0) {
            last = endpoint_new(site, rule->kind, rule->scope);
            g_ptr_array_add(endpoints, last);
        }
        g_ptr_array_add(last->rules, rule);
    }
    for (guint i = first; i < endpoints->len; i++) {
        Endpoint *endpoint = g_ptr_array_index(endpoints, i);

        endpoint->key = endpoint_key(endpoint);
        g_ptr_array_add(endpoint->binaries, unit->binary);
    }
}

static char *
binaries_key(const Endpoint *endpoint)
{
    g_autoptr(GString) key = g_string_new(NULL);

    for (guint i = 0; i < endpoint->binaries->len; i++)
        g_string_append_printf(key, "%s\n", (const char *)g_ptr_array_index(endpoint->binaries, i));
    return g_string_free(g_steal_pointer(&key), FALSE);
}

static guint16
first_port(const Endpoint *endpoint)
{
    return g_array_index(endpoint->ports, guint16, 0);
}

static int
compare_endpoints(gconstpointer a, gconstpointer b)
{
    const Endpoint *left = *(const Endpoint *const *)a;
    const Endpoint *right = *(const Endpoint *const *)b;
    int order = strcmp(left->key, right->key);

    return order != 0 ? order : (int)first_port(left) - (int)first_port(right);
}

/* Of one host and port: binaries with equal rules share them. */
static void
share_binaries(GPtrArray *endpoints)
{
    g_ptr_array_sort(endpoints, compare_endpoints);
    for (guint i = 1; i < endpoints->len;) {
        Endpoint *kept = g_ptr_array_index(endpoints, i - 1);
        Endpoint *next = g_ptr_array_index(endpoints, i);

        if (compare_endpoints(&g_ptr_array_index(endpoints, i - 1),
                              &g_ptr_array_index(endpoints, i)) != 0) {
            i++;
            continue;
        }
        g_ptr_array_extend(kept->binaries, next->binaries, NULL, NULL);
        g_ptr_array_remove_index(endpoints, i);
    }
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of one host: ports with equal rules and equal binaries share them. */
static void
share_ports(GPtrArray *endpoints)
{
    for (guint i = 0; i < endpoints->len; i++) {
        Endpoint *kept = g_ptr_array_index(endpoints, i);

        g_ptr_array_sort(kept->binaries, compare_texts);
    }
    for (guint i = 0; i < endpoints->len; i++) {
        Endpoint *kept = g_ptr_array_index(endpoints, i);
        g_autofree char *binaries = binaries_key(kept);

        for (guint k = i + 1; k < endpoints->len;) {
            Endpoint *next = g_ptr_array_index(endpoints, k);
            g_autofree char *others = binaries_key(next);

            if (strcmp(kept->key, next->key) != 0)
                break;
            if (strcmp(binaries, others) != 0) {
                k++;
                continue;
            }
            g_array_append_vals(kept->ports, next->ports->data, next->ports->len);
            g_ptr_array_remove_index(endpoints, k);
        }
    }
}

static const char *
protocol_name(OshLearnKind kind)
{
    switch (kind) {
    case OSH_LEARN_CONNECTION:
        return NULL;
    case OSH_LEARN_REST:
        return "rest";
    case OSH_LEARN_WEBSOCKET:
        return "websocket";
    case OSH_LEARN_GRAPHQL:
        return "graphql";
    case OSH_LEARN_JSONRPC:
        return "json-rpc";
    case OSH_LEARN_MCP:
        break;
    }
    return "mcp";
}

static void
write_rule(OshValue *endpoint, const OshLearnRule *rule)
{
    OshValue *written = osh_draft_add_rule(endpoint, rule->method,
                                           rule->pattern != NULL ? rule->pattern->text : NULL);

    if (rule->type != NULL)
        osh_value_set_text(written, "operation_type", rule->type);
    if (rule->name != NULL)
        osh_value_set_text(written, "operation_name", rule->name);
    for (guint i = 0; rule->fields != NULL && rule->fields[i] != NULL; i++)
        osh_value_append(osh_value_ensure_list(written, "fields"),
                         osh_value_string(rule->fields[i]));
    if (rule->tool != NULL)
        osh_value_set_text(written, "tool", rule->tool);
}

static void
write_endpoint(OshValue *policy, const Endpoint *endpoint)
{
    OshValue *written = osh_draft_add_endpoint(policy, endpoint->site->host, first_port(endpoint));
    const char *protocol = protocol_name(endpoint->kind);

    osh_draft_set_ports(written, endpoint->ports);
    if (endpoint->scope != NULL)
        osh_value_set_text(written, "path", endpoint->scope);
    if (protocol != NULL) {
        osh_value_set_text(written, "protocol", protocol);
        osh_value_set_text(written, "enforcement", "enforce");
    }
    if (endpoint->site->tls_skip)
        osh_value_set_text(written, "tls", "skip");
    if (endpoint->site->encoded_slash && endpoint->kind == OSH_LEARN_REST)
        osh_value_set(written, "allow_encoded_slash", osh_value_boolean(TRUE));
    for (guint i = 0; endpoint->site->allowed_ips != NULL && endpoint->site->allowed_ips[i] != NULL;
         i++)
        osh_value_append(osh_value_ensure_list(written, "allowed_ips"),
                         osh_value_string(endpoint->site->allowed_ips[i]));
    for (guint i = 0; i < endpoint->rules->len; i++)
        write_rule(written, g_ptr_array_index(endpoint->rules, i));
}

/* "curl", "git_node"; a number follows where that is taken. */
static char *
policy_name(const OshDraft *draft, const Endpoint *endpoint)
{
    g_autoptr(GString) name = g_string_new(NULL);
    g_autofree char *unique = NULL;

    for (guint i = 0; i < MIN(endpoint->binaries->len, 3); i++) {
        const char *binary = g_ptr_array_index(endpoint->binaries, i);
        const char *slash = strrchr(binary, '/');
        const char *base = strcmp(binary, "/**") == 0 ? "any" : slash + 1;

        if (i > 0)
            g_string_append_c(name, '_');
        for (; *base != '\0' && name->len < 60; base++)
            g_string_append_c(name, g_ascii_isalnum(*base) ? *base : '_');
    }
    if (endpoint->binaries->len > 3)
        g_string_append(name, "_and_more");
    if (name->len == 0)
        g_string_append(name, "program");
    unique = g_strdup(name->str);
    for (guint i = 2; osh_draft_policy(draft, unique) != NULL; i++) {
        g_free(unique);
        unique = g_strdup_printf("%s_%u", name->str, i);
    }
    return g_steal_pointer(&unique);
}

static int
compare_by_binaries(gconstpointer a, gconstpointer b)
{
    g_autofree char *left = binaries_key(*(const Endpoint *const *)a);
    g_autofree char *right = binaries_key(*(const Endpoint *const *)b);
    int order = strcmp(left, right);

    return order != 0 ? order : compare_endpoints(a, b);
}

static void
write_policies(OshDraft *draft, GPtrArray *endpoints)
{
    OshValue *policy = NULL;
    g_autofree char *written = NULL;

    g_ptr_array_sort(endpoints, compare_by_binaries);
    for (guint i = 0; i < endpoints->len; i++) {
        const Endpoint *endpoint = g_ptr_array_index(endpoints, i);
        g_autofree char *binaries = binaries_key(endpoint);

        if (policy == NULL || strcmp(binaries, written) != 0) {
            g_autofree char *name = policy_name(draft, endpoint);

            policy = osh_draft_add_policy(draft, name);
            for (guint k = 0; k < endpoint->binaries->len; k++)
                osh_draft_add_binary(policy, g_ptr_array_index(endpoint->binaries, k));
            g_free(written);
            written = g_steal_pointer(&binaries);
        }
        write_endpoint(policy, endpoint);
    }
}

void
osh_learn_write(OshDraft *draft, const GPtrArray *sites)
{
    g_autoptr(GPtrArray) endpoints = g_ptr_array_new_with_free_func(endpoint_free);

    for (guint i = 0; i < sites->len; i++) {
        const OshLearnSite *site = g_ptr_array_index(sites, i);

        for (guint k = 0; k < site->units->len; k++) {
            const OshLearnUnit *unit = g_ptr_array_index(site->units, k);

            if (!unit->is_dropped)
                add_unit(endpoints, site, unit);
        }
    }
    share_binaries(endpoints);
    share_ports(endpoints);
    write_policies(draft, endpoints);
}
