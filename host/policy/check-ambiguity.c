/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-ambiguity.c: refuses endpoints that can mean the same destination and treat it differently.
 *
 * One connection can have only one TLS mode and one list of addresses, and one request only one
 * parser. Pairs are found through the index, so a large policy costs what really overlaps. Runs on
 * the loading thread, after the index was built.
 */
#include "schema.h"

#include <string.h>

#define MAX_REPORTS 100

typedef struct {
    OshPolicyLoader *loader;
    guint32 *connection; /* equal numbers: equal treatment of the connection */
    guint32 *request;    /* equal numbers: equal treatment of a request */
    guint8 *redundant;   /* an earlier endpoint says the same about the same destination */
    guint endpoint;      /* the one being compared */
    gboolean is_pattern;
    guint port; /* which of its ports is being looked at */
    guint reports;
} Search;

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
address_set(const OshPolicyEndpoint *endpoint)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    GString *joined = g_string_new(NULL);
    const char *before = NULL;

    for (guint i = 0; endpoint->n_allowed_ips > 0 && endpoint->allowed_ip_texts[i] != NULL; i++)
        g_ptr_array_add(texts, g_strstrip(g_ascii_strdown(endpoint->allowed_ip_texts[i], -1)));
    g_ptr_array_sort(texts, compare_texts);
    for (guint i = 0; i < texts->len; i++) {
        const char *text = g_ptr_array_index(texts, i);

        if (before == NULL || strcmp(before, text) != 0)
            g_string_append_printf(joined, "%s,", text);
        before = text;
    }
    return g_string_free(joined, FALSE);
}

static char *
connection_key(const OshPolicyEndpoint *endpoint)
{
    g_autofree char *addresses = address_set(endpoint);

    return g_strdup_printf("%d|%d|%d|%s", endpoint->protocol == OSH_POLICY_PROTOCOL_TCP,
                           endpoint->tls, endpoint->is_proposed, addresses);
}

static gboolean
is_extended(const OshPolicyEndpoint *endpoint)
{
    return endpoint->has_config || endpoint->credential_provider != NULL;
}

static gboolean
is_graphql_websocket(const OshPolicyEndpoint *endpoint)
{
    return endpoint->protocol == OSH_POLICY_PROTOCOL_WEBSOCKET && endpoint->has_graphql_rules;
}

static const char *
text(const char *value)
{
    return value != NULL ? value : "";
}

static char *
request_key(const OshPolicyEndpoint *endpoint)
{
    if (!is_extended(endpoint))
        return g_strdup("-");
    return g_strdup_printf(
        "%s|%d|%d|%d|%d|%d|%s|%s|%s|%s|%u|%d|%d|%s", endpoint->protocol_name, endpoint->enforcement,
        endpoint->allow_encoded_slash, endpoint->websocket_credential_rewrite,
        endpoint->request_body_credential_rewrite, endpoint->allow_uninspected_credentials,
        text(endpoint->credential_signing), text(endpoint->signing_service),
        text(endpoint->signing_region), text(endpoint->credential_provider),
        endpoint->max_body_bytes,
        endpoint->protocol == OSH_POLICY_PROTOCOL_MCP && endpoint->strict_tool_names,
        is_graphql_websocket(endpoint), endpoint->path);
}

/* The number of @key, which it takes. */
static guint32
number_of(GHashTable *numbers, char *key)
{
    gpointer number = g_hash_table_lookup(numbers, key);

    if (number != NULL) {
        g_free(key);
        return GPOINTER_TO_UINT(number);
    }
    number = GUINT_TO_POINTER(g_hash_table_size(numbers) + 1);
    g_hash_table_insert(numbers, key, number);
    return GPOINTER_TO_UINT(number);
}

static gboolean
ports_meet(const OshPolicyEndpoint *left, const OshPolicyEndpoint *right)
{
    for (guint i = 0; i < left->n_ports; i++)
        for (guint k = 0; k < right->n_ports; k++)
            if (left->ports[i] == right->ports[k])
                return TRUE;
    return FALSE;
}

/* What an endpoint's path selects, as globs in which `*` crosses slashes. */
static GPtrArray *
selector_globs(const OshPolicyEndpoint *endpoint)
{
    GPtrArray *globs = g_ptr_array_new_with_free_func((GDestroyNotify)osh_glob_free);
    const OshPolicyEndpointMatch *match = endpoint->match;
    g_autoptr(GString) literal = NULL;
    g_autofree char *below = NULL;

    if (match->path_prefix == NULL) {
        const char *pattern = match->path_selector != NULL ? endpoint->path : "*";

        g_ptr_array_add(globs, osh_glob_new(pattern, '\0', NULL));
        return globs;
    }
    literal = g_string_new(NULL);
    for (const char *p = match->path_prefix; *p != '\0'; p++) {
        if (strchr("*?[]{}\\", *p) != NULL)
            g_string_append_c(literal, '\\');
        g_string_append_c(literal, *p);
    }
    below = g_strconcat(literal->str, "/*", NULL);
    g_ptr_array_add(globs, osh_glob_new(literal->str, '\0', NULL));
    g_ptr_array_add(globs, osh_glob_new(below, '\0', NULL));
    return globs;
}

static gboolean
paths_meet(const OshPolicyEndpoint *left, const OshPolicyEndpoint *right)
{
    g_autoptr(GPtrArray) left_globs = NULL;
    g_autoptr(GPtrArray) right_globs = NULL;

    if (left->match->path_specificity != right->match->path_specificity)
        return FALSE;
    if (strcmp(left->path, right->path) == 0)
        return TRUE;
    left_globs = selector_globs(left);
    right_globs = selector_globs(right);
    for (guint i = 0; i < left_globs->len; i++)
        for (guint k = 0; k < right_globs->len; k++) {
            const OshGlob *a = g_ptr_array_index(left_globs, i);
            const OshGlob *b = g_ptr_array_index(right_globs, k);

            if (a == NULL || b == NULL || osh_glob_may_overlap(a, b))
                return TRUE;
        }
    return FALSE;
}

static void
append_field(GString *fields, const char *name, gboolean differs)
{
    if (differs)
        g_string_append_printf(fields, "%s%s", fields->len > 0 ? ", " : "", name);
}

static void
append_connection_fields(GString *fields, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    g_autofree char *left = address_set(a);
    g_autofree char *right = address_set(b);

    append_field(fields, "protocol tcp",
                 (a->protocol == OSH_POLICY_PROTOCOL_TCP) !=
                     (b->protocol == OSH_POLICY_PROTOCOL_TCP));
    append_field(fields, "tls", a->tls != b->tls);
    append_field(fields, "allowed_ips", strcmp(left, right) != 0);
    append_field(fields, "made by a proposal", a->is_proposed != b->is_proposed);
}

static void
append_request_fields(GString *fields, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    append_field(fields, "protocol", strcmp(a->protocol_name, b->protocol_name) != 0);
    append_field(fields, "enforcement", a->enforcement != b->enforcement);
    append_field(fields, "allow_encoded_slash", a->allow_encoded_slash != b->allow_encoded_slash);
    append_field(fields, "websocket_credential_rewrite",
                 a->websocket_credential_rewrite != b->websocket_credential_rewrite);
    append_field(fields, "request_body_credential_rewrite",
                 a->request_body_credential_rewrite != b->request_body_credential_rewrite);
    append_field(fields, "allow_uninspected_credentials",
                 a->allow_uninspected_credentials != b->allow_uninspected_credentials);
    append_field(fields, "credential_signing",
                 g_strcmp0(a->credential_signing, b->credential_signing) != 0);
    append_field(fields, "signing_service", g_strcmp0(a->signing_service, b->signing_service) != 0);
    append_field(fields, "signing_region", g_strcmp0(a->signing_region, b->signing_region) != 0);
    append_field(fields, "credential_binding",
                 g_strcmp0(a->credential_provider, b->credential_provider) != 0);
    append_field(fields, "max_body_bytes", a->max_body_bytes != b->max_body_bytes);
    append_field(fields, "strict_tool_names", a->strict_tool_names != b->strict_tool_names);
    append_field(fields, "GraphQL rules", is_graphql_websocket(a) != is_graphql_websocket(b));
}

static void
report(Search *search, const OshPolicyEndpoint *a, const OshPolicyEndpoint *b, const char *what,
       const GString *fields)
{
    const OshPolicyEndpoint *later = a < b ? b : a;
    const OshPolicyEndpoint *earlier = a < b ? a : b;

    search->reports++;
    osh_yaml_error_hint(
        search->loader->diagnostics, later->match->source,
        g_strdup_printf("make %s the same in both, or separate their hosts, ports or paths",
                        fields->str),
        "ambiguous: policy '%s' endpoint %u (%s%s) overlaps policy '%s' endpoint %u (%s%s) on a "
        "port, and they differ in %s fields: %s",
        later->policy_name, later->index, *later->host != '\0' ? later->host : "any host",
        later->path, earlier->policy_name, earlier->index,
        *earlier->host != '\0' ? earlier->host : "any host", earlier->path, what, fields->str);
}

/* What a plugin carries over plain TCP shares no path with anything that is inspected beside it. */
static gboolean
carriers_differ(const OshPolicyEndpoint *a, const OshPolicyEndpoint *b)
{
    const OshPolicyProtocolDecl *left = a->match->declared;
    const OshPolicyProtocolDecl *right = b->match->declared;

    return left != right && ((left != NULL && strcmp(left->carrier, "tcp") == 0) ||
                             (right != NULL && strcmp(right->carrier, "tcp") == 0));
}

static void
compare(Search *search, guint left, guint right)
{
    const OshPolicyEndpoint *a = &search->loader->snapshot->endpoints[left];
    const OshPolicyEndpoint *b = &search->loader->snapshot->endpoints[right];
    gboolean same_connection = search->connection[left] == search->connection[right];
    gboolean same_request =
        search->request[left] == search->request[right] || !is_extended(a) || !is_extended(b);
    g_autoptr(GString) fields = NULL;

    if ((same_connection && same_request) || !ports_meet(a, b))
        return;
    if (a->host_is_pattern && b->host_is_pattern &&
        (a->match->host->glob == NULL || b->match->host->glob == NULL ||
         !osh_glob_may_overlap(a->match->host->glob, b->match->host->glob)))
        return;
    fields = g_string_new(NULL);
    if (!same_connection) {
        append_connection_fields(fields, a, b);
        report(search, a, b, "connection", fields);
        return;
    }
    append_request_fields(fields, a, b);
    if (fields->len > 0 && (carriers_differ(a, b) || paths_meet(a, b)))
        report(search, a, b, "request", fields);
}

/* What stands behind the last label that holds a wildcard. */
static const char *
fixed_labels(const char *host)
{
    const char *fixed = host;

    for (const char *p = host; *p != '\0'; p++)
        if (strchr("*?[]{},\\", *p) != NULL)
            fixed = p + 1 + strcspn(p + 1, ".");
    return fixed;
}

/* A pair that shares several ports is met at each of them. */
static gboolean
met_before(const Search *search, const OshPolicyEndpoint *self, const OshPolicyEndpoint *other)
{
    for (guint i = 0; i < search->port; i++)
        for (guint k = 0; k < other->n_ports; k++)
            if (self->ports[i] == other->ports[k])
                return TRUE;
    return FALSE;
}

static gboolean
visit(guint other, gboolean exact, gpointer data)
{
    Search *search = data;
    const OshPolicyEndpoint *endpoint = &search->loader->snapshot->endpoints[other];
    const OshPolicyEndpoint *self = &search->loader->snapshot->endpoints[search->endpoint];
    /* a pair of the same kind is met from both sides, any other from one side only */
    gboolean same_kind = exact || (endpoint->host[0] == '\0' && self->host[0] == '\0') ||
                         (search->is_pattern && endpoint->host_is_pattern &&
                          strcmp(fixed_labels(endpoint->host), fixed_labels(self->host)) == 0);

    if (other == search->endpoint || search->redundant[other] ||
        (same_kind && other < search->endpoint) || met_before(search, self, endpoint))
        return search->reports < MAX_REPORTS;
    compare(search, search->endpoint, other);
    return search->reports < MAX_REPORTS;
}

static void
search_pairs(Search *search)
{
    const OshPolicySnapshot *snapshot = search->loader->snapshot;

    for (guint i = 0; i < snapshot->n_endpoints && search->reports < MAX_REPORTS; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];

        if (search->redundant[i])
            continue;
        search->endpoint = i;
        search->is_pattern = endpoint->host_is_pattern;
        search->port = 0;
        if (endpoint->host_is_pattern) {
            osh_policy_index_walk_patterns(snapshot, i, visit, search);
            continue;
        }
        for (; search->port < endpoint->n_ports && search->reports < MAX_REPORTS; search->port++)
            osh_policy_index_walk(snapshot, endpoint->host, strlen(endpoint->host),
                                  endpoint->ports[search->port], visit, search);
    }
}

void
osh_schema_check_ambiguity(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;
    g_autoptr(GHashTable) connections =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) requests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree guint32 *connection = g_new0(guint32, snapshot->n_endpoints + 1);
    g_autofree guint32 *request = g_new0(guint32, snapshot->n_endpoints + 1);
    g_autofree guint8 *redundant = g_malloc0(snapshot->n_endpoints + 1);
    Search search = {loader, connection, request, redundant, 0, FALSE, 0, 0};

    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];
        GString *key = g_string_new(endpoint->host);

        connection[i] = number_of(connections, connection_key(endpoint));
        request[i] = number_of(requests, request_key(endpoint));
        g_string_append_printf(key, "|%u|%u", connection[i], request[i]);
        for (guint k = 0; k < endpoint->n_ports; k++)
            g_string_append_printf(key, "|%u", endpoint->ports[k]);
        redundant[i] = !g_hash_table_add(seen, g_string_free(key, FALSE));
    }
    /* one treatment for all cannot be ambiguous */
    if (g_hash_table_size(connections) > 1 || g_hash_table_size(requests) > 1)
        search_pairs(&search);
}
