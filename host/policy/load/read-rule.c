/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read-rule.c: one allow or deny rule from the document, its globs compiled.
 *
 * A glob that does not compile is only a warning: the policy loads and every decision that would
 * have to consult it is refused. Runs on the loading thread.
 */
#include "schema.h"

#include <string.h>

static const char *const rule_keys[] = {"method",         "path",   "command", "query",
                                        "operation_type", "fields", "tool",    "operation_name",
                                        "params",         NULL};

/* With mcp_arguments, which OpenShell does not have. */
static const char *const mcp_rule_keys[] = {
    "method",         "path",   "command",       "query", "operation_type", "fields", "tool",
    "operation_name", "params", "mcp_arguments", NULL};

/* Which of @open and @close stands alone in @text, or NULL. */
static const char *
unbalanced(const char *text, char open, char close, const char *const *words)
{
    guint depth = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == close && depth == 0)
            return words[1];
        depth += *p == open;
        depth -= *p == close;
    }
    return depth > 0 ? words[0] : NULL;
}

void
osh_schema_check_brackets(OshPolicyLoader *loader, const OshYamlNode *node, const char *text)
{
    static const char *const square[] = {"an unclosed '['", "an unmatched ']'"};
    static const char *const curly[] = {"an unclosed '{'", "an unmatched '}'"};
    const char *problem = unbalanced(text, '[', ']', square);

    if (problem == NULL)
        problem = unbalanced(text, '{', '}', curly);
    if (problem != NULL)
        osh_yaml_warning(loader->diagnostics, node, "glob '%s' has %s", text, problem);
}

static const OshPolicyPattern *
compile(OshPolicyLoader *loader, const OshYamlNode *node, const char *text, char separator)
{
    g_autoptr(GError) error = NULL;
    const OshPolicyPattern *pattern = osh_policy_pattern(loader->snapshot, text, separator, &error);
    guint stages =
        osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_INSPECTION);

    if (pattern->glob == NULL)
        osh_yaml_warning(loader->diagnostics, node,
                         "glob '%s' has %s: every request that has to be compared with it is "
                         "refused",
                         text, error->message);
    else
        osh_schema_check_brackets(loader, node, text);
    osh_policy_diagnostics_set_stages(loader->diagnostics, stages);
    return pattern;
}

/* Borrowed text of a member, NULL when absent or empty: upstream writes empty keys itself. */
static const char *
member_text(OshPolicyLoader *loader, const OshYamlNode *node, const char *key)
{
    const char *text = osh_schema_string(loader, node, key);

    return text != NULL && *text != '\0' ? text : NULL;
}

static void
read_matcher(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyMatcher *ret_matcher)
{
    const OshPolicyPattern **patterns;
    const OshYamlNode *list;

    ret_matcher->patterns = NULL;
    ret_matcher->n_patterns = 0;
    if (node->kind != OSH_YAML_MAPPING) {
        const char *text = node->kind == OSH_YAML_SCALAR ? osh_schema_text(loader, node) : NULL;

        if (text == NULL) {
            osh_yaml_error(loader->diagnostics, node, "expected string glob or matcher object");
            return;
        }
        patterns = osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *, 1);
        patterns[0] = compile(loader, node, text, '.');
        ret_matcher->patterns = patterns;
        ret_matcher->n_patterns = 1;
        return;
    }
    list = osh_yaml_find(node, "any");
    if (list == NULL || node->length > 1) {
        const OshYamlNode *other = node->first;

        if (other == list && other != NULL)
            other = other->next;
        osh_yaml_error_hint(loader->diagnostics, other != NULL ? other : node,
                            g_strdup("write a glob or {any: [globs]}"),
                            list == NULL ? "unknown matcher keys: only `any` is supported"
                                         : "unknown matcher keys beside `any`");
        return;
    }
    if (list->kind == OSH_YAML_SEQUENCE && list->length == 0) {
        osh_yaml_error(loader->diagnostics, list, "any: the list must not be empty");
        return;
    }
    list = osh_schema_sequence(loader, list);
    if (list == NULL)
        return;
    patterns = osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *, list->length);
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
        const char *text = osh_schema_text(loader, child);

        if (text != NULL)
            patterns[ret_matcher->n_patterns++] = compile(loader, child, text, '.');
    }
    ret_matcher->patterns = patterns;
}

static OshPolicyKeyMatcher
key_matcher(OshPolicyLoader *loader, const char *key, const OshYamlNode *node)
{
    OshPolicyKeyMatcher matcher = {0};

    matcher.key = osh_arena_copy(loader->snapshot->arena, key, strlen(key));
    matcher.key_length = strlen(key);
    read_matcher(loader, node, &matcher.matcher);
    return matcher;
}

static const OshPolicyKeyMatcher *
keep_matchers(OshPolicyLoader *loader, GArray *matchers, guint *ret_length)
{
    OshPolicyKeyMatcher *kept;

    *ret_length = matchers->len;
    if (matchers->len == 0)
        return NULL;
    kept = osh_arena_new_array(loader->snapshot->arena, OshPolicyKeyMatcher, matchers->len);
    memcpy(kept, matchers->data, matchers->len * sizeof(OshPolicyKeyMatcher));
    return kept;
}

static void
read_query(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyRule *rule)
{
    const OshYamlNode *mapping = osh_yaml_find(node, "query");
    g_autoptr(GArray) matchers = g_array_new(FALSE, FALSE, sizeof(OshPolicyKeyMatcher));

    mapping = mapping != NULL ? osh_schema_mapping(loader, mapping) : NULL;
    if (mapping == NULL)
        return;
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        OshPolicyKeyMatcher matcher = key_matcher(loader, child->key, child);

        g_array_append_val(matchers, matcher);
    }
    rule->query = keep_matchers(loader, matchers, &rule->n_query);
}

/* Nested maps become dotted keys; `{any: [...]}` is a matcher, not a map. */
static void
flatten_params(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *prefix,
               GArray *matchers)
{
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        g_autofree char *key =
            *prefix != '\0' ? g_strdup_printf("%s.%s", prefix, child->key) : g_strdup(child->key);

        if (child->kind == OSH_YAML_MAPPING && child->length > 0 &&
            osh_yaml_find(child, "any") == NULL) {
            flatten_params(loader, child, key, matchers);
        } else {
            OshPolicyKeyMatcher matcher = key_matcher(loader, key, child);

            g_array_append_val(matchers, matcher);
        }
    }
}

static void
read_params(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyRule *rule)
{
    g_autoptr(GArray) matchers = g_array_new(FALSE, FALSE, sizeof(OshPolicyKeyMatcher));
    const OshYamlNode *params = osh_yaml_find(node, "params");
    const OshYamlNode *tool = osh_yaml_find(node, "tool");
    gboolean named = FALSE;

    params = params != NULL ? osh_schema_mapping(loader, params) : NULL;
    if (params != NULL)
        flatten_params(loader, params, "", matchers);
    for (guint i = 0; i < matchers->len; i++)
        named |= strcmp(g_array_index(matchers, OshPolicyKeyMatcher, i).key, "name") == 0;
    rule->has_tool = tool != NULL;
    if (tool != NULL && !named) {
        OshPolicyKeyMatcher matcher = key_matcher(loader, "name", tool);

        g_array_append_val(matchers, matcher);
    }
    rule->params = keep_matchers(loader, matchers, &rule->n_params);
}

static void
read_graphql(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyRule *rule)
{
    const OshYamlNode *fields = osh_yaml_find(node, "fields");
    const char *name = member_text(loader, node, "operation_name");
    const OshPolicyPattern **patterns;

    rule->operation_type = osh_schema_lower(loader, node, "operation_type");
    if (rule->operation_type != NULL && *rule->operation_type == '\0')
        rule->operation_type = NULL;
    if (name != NULL)
        rule->operation_name = compile(loader, osh_yaml_find(node, "operation_name"), name, '.');
    fields = fields != NULL ? osh_schema_sequence(loader, fields) : NULL;
    if (fields == NULL || fields->length == 0)
        return;
    patterns =
        osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *, fields->length);
    for (const OshYamlNode *child = fields->first; child != NULL; child = child->next) {
        const char *text = osh_schema_text(loader, child);

        if (text != NULL)
            patterns[rule->n_fields++] = compile(loader, child, text, '.');
    }
    rule->fields = patterns;
}

static void
append_matchers(GString *words, const char *what, const OshPolicyKeyMatcher *matchers, guint length)
{
    for (guint i = 0; i < length; i++) {
        g_string_append_printf(words, " %s %s=", what, matchers[i].key);
        for (guint k = 0; k < matchers[i].matcher.n_patterns; k++)
            g_string_append_printf(words, "%s%s", k > 0 ? "|" : "",
                                   matchers[i].matcher.patterns[k]->text);
    }
}

static const char *
describe(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    g_autoptr(GString) words = g_string_new(NULL);

    if (rule->command != NULL)
        g_string_append_printf(words, " command %s", rule->command);
    if (rule->method != NULL)
        g_string_append_printf(words, " %s", rule->method);
    if (rule->path != NULL)
        g_string_append_printf(words, " %s", rule->path->text);
    if (rule->operation_type != NULL)
        g_string_append_printf(words, " %s", rule->operation_type);
    if (rule->operation_name != NULL)
        g_string_append_printf(words, " named %s", rule->operation_name->text);
    for (guint i = 0; i < rule->n_fields; i++)
        g_string_append_printf(words, "%s%s", i > 0 ? ", " : " fields ", rule->fields[i]->text);
    append_matchers(words, "query", rule->query, rule->n_query);
    append_matchers(words, "param", rule->params, rule->n_params);
    append_matchers(words, "with", rule->arguments, rule->n_arguments);
    if (words->len == 0)
        g_string_append(words, " (empty rule)");
    return osh_arena_copy(loader->snapshot->arena, words->str + 1, words->len - 1);
}

void
osh_schema_read_rule(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyProtocol protocol,
                     OshPolicyRule *ret_rule)
{
    OshPolicyRule *rule = ret_rule;
    gboolean is_rpc =
        protocol == OSH_POLICY_PROTOCOL_JSONRPC || protocol == OSH_POLICY_PROTOCOL_MCP;
    const char *path;

    rule->source = node;
    rule->line = node->line;
    osh_schema_keys(loader, node,
                    protocol == OSH_POLICY_PROTOCOL_MCP ||
                            osh_yaml_find(node, "mcp_arguments") != NULL
                        ? mcp_rule_keys
                        : rule_keys);
    rule->method = member_text(loader, node, "method");
    rule->any_method = g_strcmp0(rule->method, "*") == 0;
    if (is_rpc && rule->method != NULL)
        rule->method_pattern = compile(loader, osh_yaml_find(node, "method"), rule->method, '.');
    path = member_text(loader, node, "path");
    if (path != NULL)
        rule->path = compile(loader, osh_yaml_find(node, "path"), path, '/');
    rule->command = member_text(loader, node, "command");
    read_query(loader, node, rule);
    read_params(loader, node, rule);
    osh_schema_read_arguments(loader, node, rule);
    read_graphql(loader, node, rule);
    rule->words = describe(loader, rule);
}
