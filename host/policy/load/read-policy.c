/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read-policy.c: `network_policies`, sorted by key, with their binaries and endpoints, and the
 * expansion of `access` into rules.
 *
 * Keys are sorted bytewise here once, so "the smallest matching key" is later just the smallest
 * number. Runs on the loading thread.
 */
#include "normalise.h"
#include "program-path.h"
#include "schema-protocol.h"
#include "schema.h"

#include <string.h>

static gint
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const OshYamlNode *const *)a)->key, (*(const OshYamlNode *const *)b)->key);
}

static gint
compare_ids(gconstpointer a, gconstpointer b)
{
    guint32 left = *(const guint32 *)a;
    guint32 right = *(const guint32 *)b;

    return left < right ? -1 : left > right;
}

static guint32
binary_id(OshPolicyLoader *loader, const char *path)
{
    GHashTable *ids = loader->snapshot->binary_ids;
    gpointer id = g_hash_table_lookup(ids, path);

    if (id == NULL) {
        id = GUINT_TO_POINTER(g_hash_table_size(ids) + 1);
        g_hash_table_insert(ids, g_strdup(path), id);
    }
    return GPOINTER_TO_UINT(id);
}

static void
read_exact_binary(OshPolicyLoader *loader, const OshYamlNode *node, const char *path,
                  OshPolicyEntry *entry, guint32 *ids)
{
    g_autofree char *target = NULL;

    ids[entry->n_binaries++] = binary_id(loader, path);
    if (!(loader->request->flags & OSH_POLICY_RESOLVE_LINKS) || *path != '/')
        return;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        osh_yaml_warning(loader->diagnostics, node, "'%s' does not exist here", path);
        return;
    }
    target = osh_policy_link_target(path);
    if (target != NULL && strcmp(target, path) != 0)
        ids[entry->n_binaries++] = binary_id(loader, target);
}

/* The node of the path of a binary, which may stand alone; NULL after a report. */
static const OshYamlNode *
binary_path(OshPolicyLoader *loader, const OshYamlNode *node)
{
    static const char *const keys[] = {"path", "harness", NULL};
    const OshYamlNode *mapping;
    const OshYamlNode *harness;

    if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_STRING)
        return node;
    mapping = osh_schema_mapping(loader, node);
    if (mapping == NULL)
        return NULL;
    osh_schema_keys(loader, mapping, keys);
    osh_schema_boolean(loader, mapping, "harness", FALSE);
    harness = osh_yaml_find(mapping, "harness");
    if (harness != NULL)
        osh_yaml_warning_hint(loader->diagnostics, harness, g_strdup("leave the key out"),
                              "harness has no effect; OpenShell 0.1 refuses it");
    if (osh_yaml_find(mapping, "path") == NULL)
        osh_yaml_error(loader->diagnostics, node, "a binary needs 'path'");
    return osh_yaml_find(mapping, "path");
}

static void
read_binary(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEntry *entry, guint32 *ids,
            const OshPolicyPattern **patterns)
{
    const OshYamlNode *path_node = binary_path(loader, node);
    const char *path = path_node != NULL ? osh_schema_text(loader, path_node) : NULL;
    g_autoptr(GError) error = NULL;

    if (path == NULL)
        return;
    if (*path == '\0')
        osh_yaml_error(loader->diagnostics, path_node, "the path of a binary must not be empty");
    else if (*path != '/' && *path != '*')
        osh_yaml_warning(loader->diagnostics, path_node,
                         "'%s' is not absolute and matches no process", path);
    if (strchr(path, '*') == NULL) {
        read_exact_binary(loader, path_node, path, entry, ids);
        return;
    }
    patterns[entry->n_binary_patterns] = osh_policy_pattern(loader->snapshot, path, '/', &error);
    if (error != NULL)
        osh_yaml_error(loader->diagnostics, path_node, "%s in '%s'", error->message, path);
    else
        entry->n_binary_patterns++;
    entry->any_binary |= strcmp(path, "/**") == 0 || strcmp(path, "**") == 0;
}

static void
read_binaries(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEntry *entry)
{
    const OshYamlNode *list = osh_yaml_find(node, "binaries");
    const OshPolicyPattern **patterns;
    guint32 *ids;

    list = list != NULL ? osh_schema_sequence(loader, list) : NULL;
    if (list == NULL || list->length == 0) {
        osh_yaml_warning(loader->diagnostics, node,
                         "no binaries: this policy matches no process; for any, write "
                         "binaries: [{ path: \"/**\" }]");
        return;
    }
    /* a link adds its target */
    ids = osh_arena_new_array(loader->snapshot->arena, guint32, 2 * (gsize)list->length);
    patterns = osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *, list->length);
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next)
        read_binary(loader, child, entry, ids, patterns);
    qsort(ids, entry->n_binaries, sizeof(*ids), compare_ids);
    entry->binaries = ids;
    entry->binary_patterns = patterns;
}

/*
 * Reads the binaries once more without those that a proposal made, into an entry of their own; the
 * messages of the first time are enough.
 */
static void
read_declared(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyEntry *entry)
{
    const OshYamlNode *list = osh_yaml_find(node, "binaries");
    g_autoptr(OshPolicyDiagnostics) unheard = NULL;
    OshPolicyDiagnostics *heard = loader->diagnostics;
    OshPolicyEntry *declared;
    const OshPolicyPattern **patterns;
    guint32 *ids;
    guint n_kept = 0;

    if (loader->request->marks == NULL || list == NULL || list->kind != OSH_YAML_SEQUENCE)
        return;
    unheard = osh_policy_diagnostics_new();
    declared = osh_arena_take(loader->snapshot->arena, sizeof(*declared));
    ids = osh_arena_new_array(loader->snapshot->arena, guint32, 2 * (gsize)list->length);
    patterns = osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *, list->length);
    loader->diagnostics = unheard;
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
        const OshYamlNode *path =
            child->kind == OSH_YAML_SCALAR ? child : osh_yaml_find(child, "path");

        if (path != NULL && path->kind == OSH_YAML_SCALAR &&
            osh_policy_marks_has_binary(loader->request->marks, entry->name, path->text))
            continue;
        read_binary(loader, child, declared, ids, patterns);
        n_kept++;
    }
    loader->diagnostics = heard;
    if (n_kept == list->length)
        return;
    qsort(ids, declared->n_binaries, sizeof(*ids), compare_ids);
    declared->binaries = ids;
    declared->binary_patterns = patterns;
    entry->declared = declared;
}

static const char *
endpoint_label(OshPolicyLoader *loader, const OshPolicyEndpoint *endpoint)
{
    g_autofree char *label =
        g_strdup_printf("%s.endpoints[%u] (%s:%u)", endpoint->policy_name, endpoint->index,
                        *endpoint->host != '\0' ? endpoint->host : "any host",
                        endpoint->n_ports > 0 ? endpoint->ports[0] : 0);

    return osh_arena_copy(loader->snapshot->arena, label, strlen(label));
}

static void
read_entry(OshPolicyLoader *loader, const OshYamlNode *node, guint index)
{
    static const char *const keys[] = {"name", "endpoints", "binaries", NULL};
    OshPolicySnapshot *snapshot = loader->snapshot;
    OshPolicyEntry *entry = &snapshot->policies[index];
    const OshYamlNode *mapping = osh_schema_mapping(loader, node);
    const OshYamlNode *list;

    entry->source = node;
    entry->name = osh_arena_copy(snapshot->arena, node->key, strlen(node->key));
    entry->display_name = entry->name;
    entry->first_endpoint = loader->endpoints->len;
    if (g_str_has_prefix(node->key, OSH_PROVIDER_PREFIX) &&
        !(loader->request->flags & OSH_POLICY_LOAD_DERIVED))
        osh_yaml_error_hint(loader->diagnostics, node, g_strdup("choose another name"),
                            "the name of a policy must not begin with " OSH_PROVIDER_PREFIX
                            ", which stands for what providers add");
    if (mapping == NULL)
        return;
    osh_schema_keys(loader, mapping, keys);
    entry->display_name = osh_schema_string(loader, mapping, "name");
    if (entry->display_name == NULL || *entry->display_name == '\0')
        entry->display_name = entry->name;
    read_binaries(loader, mapping, entry);
    read_declared(loader, mapping, entry);
    list = osh_yaml_find(mapping, "endpoints");
    list = list != NULL ? osh_schema_sequence(loader, list) : NULL;
    if (list == NULL)
        return;
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
        OshPolicyEndpoint endpoint = {0};

        if (osh_schema_mapping(loader, child) == NULL)
            continue;
        endpoint.policy_name = entry->name;
        endpoint.policy_index = index;
        endpoint.index = entry->n_endpoints;
        endpoint.is_proposed =
            osh_policy_marks_has_endpoint(loader->request->marks, entry->name, endpoint.index);
        osh_schema_read_endpoint(loader, child, &endpoint);
        endpoint.label = endpoint_label(loader, &endpoint);
        g_array_append_val(loader->endpoints, endpoint);
        entry->n_endpoints++;
    }
}

void
osh_schema_read_policies(OshPolicyLoader *loader, const OshYamlNode *mapping)
{
    OshPolicySnapshot *snapshot = loader->snapshot;
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next)
        g_ptr_array_add(nodes, (gpointer)child);
    g_ptr_array_sort(nodes, compare_keys);
    snapshot->policies = osh_arena_new_array(snapshot->arena, OshPolicyEntry, nodes->len);
    snapshot->n_policies = nodes->len;
    for (guint i = 0; i < nodes->len; i++)
        read_entry(loader, g_ptr_array_index(nodes, i), i);
    for (guint i = 0; i < nodes->len; i++)
        snapshot->needs_binaries |= !snapshot->policies[i].any_binary;
}

/* A shared expansion of one preset. */
typedef struct {
    const char *const *methods;
    gboolean graphql;
    const OshPolicyRule *rules;
    guint n_rules;
} Preset;

static const Preset *
find_preset(OshPolicyLoader *loader, const char *const *methods, gboolean graphql,
            const char *access)
{
    OshArena *arena = loader->snapshot->arena;
    Preset *preset;
    OshPolicyRule *rules;
    guint length = g_strv_length((char **)methods);

    for (guint i = 0; i < loader->preset_rules->len; i++) {
        preset = g_ptr_array_index(loader->preset_rules, i);
        if (preset->methods == methods && preset->graphql == graphql)
            return preset;
    }
    rules = osh_arena_new_array(arena, OshPolicyRule, length);
    for (guint i = 0; i < length; i++) {
        g_autofree char *words = g_strdup_printf("%s **, from access: %s", methods[i], access);

        rules[i].words = osh_arena_copy(arena, words, strlen(words));
        if (graphql) {
            rules[i].operation_type = methods[i];
        } else {
            rules[i].method = methods[i];
            rules[i].any_method = strcmp(methods[i], "*") == 0;
            rules[i].path = osh_policy_pattern(loader->snapshot, "**", '/', NULL);
        }
    }
    preset = g_new0(Preset, 1);
    *preset = (Preset){methods, graphql, rules, length};
    g_ptr_array_add(loader->preset_rules, preset);
    return preset;
}

/*
 * Where the method profile is on, a rule may leave out its method: one that names a tool is about
 * tool calls, any other about everything.
 */
static void
expand_methods(OshPolicyLoader *loader, const OshPolicyRule *rules, guint length)
{
    for (guint i = 0; i < length; i++) {
        OshPolicyRule *rule = (OshPolicyRule *)&rules[i];
        gboolean named = rule->n_arguments > 0;

        for (guint k = 0; k < rule->n_params; k++)
            named |= strcmp(rule->params[k].key, "name") == 0;
        if (rule->method != NULL)
            continue;
        rule->method = named ? OSH_POLICY_TOOL_CALL : "*";
        rule->method_pattern = osh_policy_pattern(loader->snapshot, rule->method, '.', NULL);
    }
}

void
osh_schema_expand_presets(OshPolicyLoader *loader)
{
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_EXPAND);
    for (guint i = 0; i < loader->endpoints->len; i++) {
        OshPolicyEndpoint *endpoint = &g_array_index(loader->endpoints, OshPolicyEndpoint, i);
        OshPolicyEndpointMatch *match = (OshPolicyEndpointMatch *)endpoint->match;
        gboolean graphql = endpoint->protocol == OSH_POLICY_PROTOCOL_GRAPHQL;
        const char *const *methods;
        const Preset *preset;

        if (endpoint->protocol == OSH_POLICY_PROTOCOL_PLUGIN)
            osh_schema_expand_full(loader, endpoint);
        if (endpoint->protocol == OSH_POLICY_PROTOCOL_MCP &&
            endpoint->allow_all_known_mcp_methods) {
            expand_methods(loader, match->rules, match->n_rules);
            expand_methods(loader, match->deny_rules, match->n_deny_rules);
        }
        if (match->access == NULL || match->n_rules > 0)
            continue;
        methods = osh_schema_access_words(endpoint->protocol, match->access);
        if (methods == NULL)
            continue;
        preset = find_preset(loader, methods, graphql, match->access);
        match->rules = preset->rules;
        match->n_rules = preset->n_rules;
        endpoint->has_graphql_rules |= graphql;
    }
}
