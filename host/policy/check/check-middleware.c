/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-middleware.c: reads and checks `network_middlewares`.
 *
 * Whether a plugin takes a configuration is asked when the policy comes into force. Runs on the
 * loading thread, after the endpoints were read.
 */
#include "middleware-entry.h"
#include "schema.h"
#include "variant.h"

#include <string.h>

#define MAX_MIDDLEWARES 10
#define MAX_PATTERNS    32

/* A selector names hosts without ports; of hosts, only an IPv6 address holds colons. */
static gboolean
has_port(const char *pattern)
{
    OshAddress address;

    return strchr(pattern, ':') != NULL && !osh_address_parse(pattern, -1, &address);
}

static void
read_patterns(OshPolicyLoader *loader, const OshYamlNode *selector, const char *key,
              GPtrArray *patterns)
{
    const OshYamlNode *list = osh_yaml_find(selector, key);

    list = list != NULL ? osh_schema_sequence(loader, list) : NULL;
    for (const OshYamlNode *child = list != NULL ? list->first : NULL; child != NULL;
         child = child->next) {
        const char *text = osh_schema_text(loader, child);
        g_autoptr(GError) error = NULL;
        OshHostPattern *pattern = text != NULL ? osh_host_pattern_new(text, &error) : NULL;

        if (text != NULL && has_port(text)) {
            osh_yaml_error_hint(loader->diagnostics, child, g_strdup("leave the port out"),
                                "'%s' is no host: a selector takes hosts alone, without ports",
                                text);
            osh_host_pattern_free(pattern);
        } else if (pattern != NULL)
            g_ptr_array_add(patterns, pattern);
        else if (text != NULL)
            osh_yaml_error(loader->diagnostics, child,
                           "invalid host pattern '%s' of an endpoint selector: %s", text,
                           error->message);
    }
}

static gboolean
may_select(const OshPolicyMiddlewareEntry *entry, const OshPolicyEndpoint *endpoint)
{
    g_autoptr(OshHostPattern) host =
        osh_host_pattern_new(*endpoint->host != '\0' ? endpoint->host : "**", NULL);

    return host == NULL ||
           osh_host_pattern_selector_may_match(
               (const OshHostPattern *const *)entry->include->pdata, entry->include->len,
               (const OshHostPattern *const *)entry->exclude->pdata, entry->exclude->len, host);
}

/* A middleware that denies what it cannot inspect must not select an endpoint with `tls: skip`;
 * that it makes one with `protocol: tcp` useless is worth a word. */
static void
check_uninspected(OshPolicyLoader *loader, const OshYamlNode *node,
                  const OshPolicyMiddlewareEntry *entry)
{
    for (guint i = 0; i < loader->endpoints->len; i++) {
        const OshPolicyEndpoint *endpoint = &g_array_index(loader->endpoints, OshPolicyEndpoint, i);
        gboolean skips = endpoint->tls == OSH_POLICY_TLS_SKIP;

        if ((!skips && endpoint->protocol != OSH_POLICY_PROTOCOL_TCP) ||
            !may_select(entry, endpoint))
            continue;
        if (!skips) {
            osh_yaml_warning_hint(
                loader->diagnostics, node,
                g_strdup("exclude the host, or write on_uninspectable: allow"),
                "this middleware denies what it cannot inspect, so it denies every connection to "
                "the protocol: tcp endpoint '%s' (%s)",
                endpoint->host, endpoint->label);
            continue;
        }
        osh_yaml_error_hint(
            loader->diagnostics, node,
            g_strdup("exclude the host, or write on_uninspectable: allow"),
            "this middleware denies what it cannot inspect and selects the tls: skip endpoint '%s' "
            "(%s), which it cannot see into",
            endpoint->host, endpoint->label);
    }
}

/* What nobody may reach anyway needs no middleware; more likely the pattern is not what was meant.
 * Said of a policy that is to be enforced: a fragment may get its endpoints later. */
static void
check_selects(OshPolicyLoader *loader, const OshYamlNode *node,
              const OshPolicyMiddlewareEntry *entry)
{
    for (guint i = 0; i < loader->endpoints->len; i++)
        if (may_select(entry, &g_array_index(loader->endpoints, OshPolicyEndpoint, i)))
            return;
    if (loader->endpoints->len > 0 && (loader->request->flags & OSH_POLICY_LOAD_ENFORCEABLE))
        osh_yaml_warning_hint(
            loader->diagnostics, node, g_strdup("** stands for any number of labels, * for one"),
            "this middleware selects the host of no endpoint, so it sees nothing");
}

static void
read_selector(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyMiddlewareEntry *entry)
{
    static const char *const keys[] = {"include", "exclude", NULL};
    const OshYamlNode *selector = osh_yaml_find(node, "endpoints");
    guint n_patterns = 0;
    guint errors_before = osh_policy_diagnostics_n_errors(loader->diagnostics);

    selector = selector != NULL ? osh_schema_mapping(loader, selector) : NULL;
    if (selector == NULL) {
        osh_yaml_error(loader->diagnostics, node, "endpoint selector is required");
        return;
    }
    osh_schema_keys(loader, selector, keys);
    for (const OshYamlNode *list = selector->first; list != NULL; list = list->next)
        n_patterns += list->kind == OSH_YAML_SEQUENCE ? list->length : 0;
    if (n_patterns > MAX_PATTERNS) {
        osh_yaml_error(loader->diagnostics, selector, "too many selector patterns (%u > %d)",
                       n_patterns, MAX_PATTERNS);
        return;
    }
    read_patterns(loader, selector, "include", entry->include);
    read_patterns(loader, selector, "exclude", entry->exclude);
    if (entry->include->len == 0 &&
        osh_policy_diagnostics_n_errors(loader->diagnostics) == errors_before)
        osh_yaml_error(loader->diagnostics, selector,
                       "the endpoint selector must include at least one host pattern");
    check_selects(loader, selector, entry);
    if (!entry->shown.allow_uninspectable)
        check_uninspected(loader, selector, entry);
}

static gint64
read_order(OshPolicyLoader *loader, const OshYamlNode *node)
{
    const OshYamlNode *order = osh_yaml_find(node, "order");
    gint64 value = 0;

    if (order == NULL)
        return 0;
    if (order->kind != OSH_YAML_SCALAR || osh_yaml_scalar_type(order) != OSH_YAML_INTEGER ||
        !g_ascii_string_to_signed(order->text, 10, G_MININT32, G_MAXINT32, &value, NULL))
        osh_yaml_error(loader->diagnostics, order, "order must be a whole number of 32 bits");
    return value;
}

/* @on_error: (nullable): what stands there, which decided about this until 0.1. Returns: whether
 * what cannot be inspected goes on */
static gboolean
read_uninspectable(OshPolicyLoader *loader, const OshYamlNode *node, const char *on_error)
{
    static const char *const words[] = {"allow", "deny", NULL};
    const char *word = osh_schema_word(loader, node, "on_uninspectable", words);

    if (osh_yaml_find(node, "on_uninspectable") != NULL)
        return g_strcmp0(word, "allow") == 0;
    if (g_strcmp0(on_error, "fail_open") != 0)
        return FALSE;
    osh_yaml_warning_hint(loader->diagnostics, osh_yaml_find(node, "on_error"),
                          g_strdup("write on_uninspectable: allow or deny"),
                          "on_error: fail_open without on_uninspectable also allows what cannot be "
                          "inspected, which is deprecated");
    return TRUE;
}

/* Returns: (nullable): where something else stands than one of them, that is reported. */
static const char *
read_on_error(OshPolicyLoader *loader, const OshYamlNode *node)
{
    const char *mode = osh_schema_string(loader, node, "on_error");

    if (mode != NULL && *mode != '\0' && strcmp(mode, "fail_closed") != 0 &&
        strcmp(mode, "fail_open") != 0)
        osh_yaml_error(loader->diagnostics, osh_yaml_find(node, "on_error"),
                       "invalid on_error '%s'; write fail_closed or fail_open", mode);
    return mode;
}

static const char *
read_implementation(OshPolicyLoader *loader, const OshYamlNode *node)
{
    const char *middleware = osh_schema_string(loader, node, "middleware");

    if (osh_yaml_find(node, "middleware") == NULL)
        osh_yaml_error(loader->diagnostics, node, "missing key 'middleware'");
    else if (middleware != NULL && *middleware == '\0')
        osh_yaml_error(loader->diagnostics, osh_yaml_find(node, "middleware"),
                       "middleware must not be empty");
    return middleware;
}

static void
check_order(OshPolicyLoader *loader, const OshYamlNode *node, gint64 order, GHashTable *orders)
{
    const char *earlier = g_hash_table_lookup(orders, GINT_TO_POINTER((gint)order));

    if (earlier != NULL)
        osh_yaml_error(loader->diagnostics, node,
                       "middleware '%s' already uses this: duplicate order %" G_GINT64_FORMAT,
                       earlier, order);
    else
        g_hash_table_insert(orders, GINT_TO_POINTER((gint)order), (gpointer)node->key);
}

static void
read_one(OshPolicyLoader *loader, const OshYamlNode *node, GHashTable *orders)
{
    static const char *const keys[] = {"name",     "middleware",       "order",     "config",
                                       "on_error", "on_uninspectable", "endpoints", NULL};
    const OshYamlNode *config = osh_yaml_find(node, "config");
    OshArena *arena = loader->snapshot->arena;
    OshPolicyMiddlewareEntry entry = {
        .shown = {.struct_size = sizeof(OshPolicyMiddleware)},
        .include = g_ptr_array_new_with_free_func((GDestroyNotify)osh_host_pattern_free),
        .exclude = g_ptr_array_new_with_free_func((GDestroyNotify)osh_host_pattern_free),
        .line = node->key_line,
    };
    const char *on_error;

    osh_schema_keys(loader, node, keys);
    osh_schema_string(loader, node, "name");
    if (*node->key == '\0')
        osh_yaml_error(loader->diagnostics, node, "the name must not be empty");
    entry.shown.name = osh_arena_copy(arena, node->key, strlen(node->key));
    entry.shown.implementation = read_implementation(loader, node);
    on_error = read_on_error(loader, node);
    entry.shown.fail_open = g_strcmp0(on_error, "fail_open") == 0;
    entry.shown.allow_uninspectable = read_uninspectable(loader, node, on_error);
    entry.order = (gint32)read_order(loader, node);
    check_order(loader, node, entry.order, orders);
    if (config != NULL && osh_schema_mapping(loader, config) != NULL)
        entry.shown.config = osh_yaml_to_variant(config);
    read_selector(loader, node, &entry);
    osh_policy_middleware_seal(&entry);
    g_array_append_val(loader->snapshot->middlewares, entry);
}

void
osh_schema_read_middlewares(OshPolicyLoader *loader, const OshYamlNode *mapping)
{
    g_autoptr(GHashTable) orders = g_hash_table_new(NULL, NULL);

    loader->snapshot->middlewares = osh_policy_middlewares_new();
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_SAFETY);
    if (mapping->length > MAX_MIDDLEWARES)
        osh_yaml_error(loader->diagnostics, mapping, "too many middleware configs (%u > %d)",
                       mapping->length, MAX_MIDDLEWARES);
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        const OshYamlNode *node = osh_schema_mapping(loader, child);

        if (node != NULL)
            read_one(loader, node, orders);
    }
    osh_policy_middlewares_sort(loader->snapshot->middlewares);
}
