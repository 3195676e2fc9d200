/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-middleware.c: `network_middlewares`.
 *
 * Only the policy's side of it: names, order and selectors. Runs on the loading thread, after the
 * endpoints were read.
 */
#include "schema.h"

#include "osh-host-pattern.h"

#include <string.h>

#define MAX_MIDDLEWARES 10
#define MAX_PATTERNS    32

/* What a middleware does about traffic that it cannot look into. */
typedef enum {
    UNINSPECTABLE_DENIED,
    UNINSPECTABLE_ALLOWED,
} Uninspectable;

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

/* A middleware that denies what it cannot inspect must not select an endpoint with `tls: skip`. */
static void
check_uninspected(OshPolicyLoader *loader, const OshYamlNode *node, GPtrArray *include,
                  GPtrArray *exclude)
{
    for (guint i = 0; i < loader->endpoints->len; i++) {
        const OshPolicyEndpoint *endpoint = &g_array_index(loader->endpoints, OshPolicyEndpoint, i);
        g_autoptr(OshHostPattern) host = NULL;

        if (endpoint->tls != OSH_POLICY_TLS_SKIP)
            continue;
        host = osh_host_pattern_new(*endpoint->host != '\0' ? endpoint->host : "**", NULL);
        if (host != NULL && !osh_host_pattern_selector_may_match(
                                (const OshHostPattern *const *)include->pdata, include->len,
                                (const OshHostPattern *const *)exclude->pdata, exclude->len, host))
            continue;
        osh_yaml_error_hint(
            loader->diagnostics, node,
            g_strdup("exclude the host, or write on_uninspectable: allow"),
            "this middleware denies what it cannot inspect and selects the tls: skip endpoint '%s' "
            "(%s), which it cannot see into",
            endpoint->host, endpoint->label);
    }
}

static void
check_selector(OshPolicyLoader *loader, const OshYamlNode *node, Uninspectable uninspectable)
{
    static const char *const keys[] = {"include", "exclude", NULL};
    const OshYamlNode *selector = osh_yaml_find(node, "endpoints");
    g_autoptr(GPtrArray) include =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_host_pattern_free);
    g_autoptr(GPtrArray) exclude =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_host_pattern_free);
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
    read_patterns(loader, selector, "include", include);
    read_patterns(loader, selector, "exclude", exclude);
    if (include->len == 0 && osh_policy_diagnostics_n_errors(loader->diagnostics) == errors_before)
        osh_yaml_error(loader->diagnostics, selector,
                       "the endpoint selector must include at least one host pattern");
    if (uninspectable == UNINSPECTABLE_DENIED)
        check_uninspected(loader, selector, include, exclude);
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

/* @on_error: (nullable): what stands there, which decided about this until 0.1 */
static Uninspectable
read_uninspectable(OshPolicyLoader *loader, const OshYamlNode *node, const char *on_error)
{
    static const char *const words[] = {"allow", "deny", NULL};
    const char *word = osh_schema_word(loader, node, "on_uninspectable", words);

    if (osh_yaml_find(node, "on_uninspectable") != NULL)
        return g_strcmp0(word, "allow") == 0 ? UNINSPECTABLE_ALLOWED : UNINSPECTABLE_DENIED;
    if (g_strcmp0(on_error, "fail_open") != 0)
        return UNINSPECTABLE_DENIED;
    osh_yaml_warning_hint(loader->diagnostics, osh_yaml_find(node, "on_error"),
                          g_strdup("write on_uninspectable: allow or deny"),
                          "on_error: fail_open without on_uninspectable also allows what cannot be "
                          "inspected, which is deprecated");
    return UNINSPECTABLE_ALLOWED;
}

static void
check_one(OshPolicyLoader *loader, const OshYamlNode *node, GHashTable *orders)
{
    static const char *const keys[] = {"name",     "middleware",       "order",     "config",
                                       "on_error", "on_uninspectable", "endpoints", NULL};
    const OshYamlNode *config = osh_yaml_find(node, "config");
    const OshYamlNode *on_error = osh_yaml_find(node, "on_error");
    const char *middleware = osh_schema_string(loader, node, "middleware");
    const char *mode = osh_schema_string(loader, node, "on_error");
    gint64 order = read_order(loader, node);
    const char *earlier;

    osh_schema_keys(loader, node, keys);
    osh_schema_string(loader, node, "name");
    if (config != NULL)
        osh_schema_mapping(loader, config);
    if (osh_yaml_find(node, "middleware") == NULL)
        osh_yaml_error(loader->diagnostics, node, "missing key 'middleware'");
    else if (middleware != NULL && *middleware == '\0')
        osh_yaml_error(loader->diagnostics, osh_yaml_find(node, "middleware"),
                       "middleware must not be empty");
    if (*node->key == '\0')
        osh_yaml_error(loader->diagnostics, node, "the name must not be empty");
    if (mode != NULL && *mode != '\0' && strcmp(mode, "fail_closed") != 0 &&
        strcmp(mode, "fail_open") != 0)
        osh_yaml_error(loader->diagnostics, on_error,
                       "invalid on_error '%s'; write fail_closed or fail_open", mode);
    earlier = g_hash_table_lookup(orders, GINT_TO_POINTER((gint)order));
    if (earlier != NULL)
        osh_yaml_error(loader->diagnostics, node,
                       "middleware '%s' already uses this: duplicate order %" G_GINT64_FORMAT,
                       earlier, order);
    else
        g_hash_table_insert(orders, GINT_TO_POINTER((gint)order), (gpointer)node->key);
    check_selector(loader, node, read_uninspectable(loader, node, mode));
}

void
osh_schema_check_middleware(OshPolicyLoader *loader, const OshYamlNode *mapping)
{
    g_autoptr(GHashTable) orders = g_hash_table_new(NULL, NULL);

    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_SAFETY);
    if (mapping->length > MAX_MIDDLEWARES)
        osh_yaml_error(loader->diagnostics, mapping, "too many middleware configs (%u > %d)",
                       mapping->length, MAX_MIDDLEWARES);
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        const OshYamlNode *node = osh_schema_mapping(loader, child);

        if (node != NULL)
            check_one(loader, node, orders);
    }
}
