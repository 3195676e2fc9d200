/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read-facts.c: rules about facts: those of a plugin's protocol, and the arguments of MCP tools.
 *
 * OpenShell has neither, so nothing is tolerated for its sake: a name that is not declared, a glob
 * that does not compile and a value that can never match are errors. Runs on the loading thread.
 */
#include "schema.h"

#include <string.h>

/* What values a matcher is about. */
typedef struct {
    guint type; /* an OshFactType but records; 0 is any */
    char separator;
    const char *const *values; /* (nullable): the vocabulary */
} Scalars;

static gboolean
is_canonical_integer(const char *text)
{
    gint64 value;
    g_autofree char *again = NULL;

    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &value, NULL))
        return FALSE;
    again = g_strdup_printf("%" G_GINT64_FORMAT, value);
    return strcmp(again, text) == 0;
}

static gboolean
has_glob_syntax(const char *text)
{
    return strpbrk(text, "*?[{\\") != NULL;
}

/* Whether @text may stand for a value of @type; reports it when not. */
static gboolean
check_scalar(OshPolicyLoader *loader, const OshYamlNode *node, guint type)
{
    OshYamlScalarType written = osh_yaml_scalar_type(node);

    if (type == OSH_FACT_BOOLEAN && strcmp(node->text, "true") != 0 &&
        strcmp(node->text, "false") != 0) {
        osh_yaml_error(loader->diagnostics, node, "expected true or false, found '%s'", node->text);
        return FALSE;
    }
    if ((type == OSH_FACT_INTEGER && !has_glob_syntax(node->text) &&
         !is_canonical_integer(node->text)) ||
        (type == 0 && written == OSH_YAML_INTEGER && !is_canonical_integer(node->text))) {
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("numbers are compared as plain decimal text, like 42 or -1"),
                            "'%s' can never match", node->text);
        return FALSE;
    }
    if ((type == OSH_FACT_STRING || type == OSH_FACT_STRINGS) && written != OSH_YAML_STRING)
        return osh_schema_text(loader, node) != NULL;
    if (type == 0 && written == OSH_YAML_NULL) {
        osh_yaml_error_hint(loader->diagnostics, node, g_strdup("put it in quotes: \"null\""),
                            "expected a value, found nothing");
        return FALSE;
    }
    return TRUE;
}

/* A value outside the vocabulary, or a glob that matches none in it, can never match. */
static gboolean
check_vocabulary(OshPolicyLoader *loader, const OshYamlNode *node, const OshPolicyPattern *pattern,
                 const char *const *values)
{
    const char *nearest;
    g_autofree char *list = NULL;

    for (gsize i = 0; values != NULL && values[i] != NULL; i++)
        if (osh_glob_match(pattern->glob, values[i], strlen(values[i])) == OSH_GLOB_MATCHED)
            return TRUE;
    if (values == NULL)
        return TRUE;
    nearest = osh_policy_nearest_word(node->text, values);
    list = g_strjoinv(", ", (char **)values);
    osh_yaml_error_hint(loader->diagnostics, node,
                        nearest != NULL ? g_strdup_printf("did you mean '%s'?", nearest)
                                        : g_strdup_printf("known here: %s", list),
                        has_glob_syntax(node->text) ? "'%s' matches no value that the fact can have"
                                                    : "'%s' is no value that the fact can have",
                        node->text);
    return FALSE;
}

static const char *
expected_words(guint type)
{
    return type == OSH_FACT_INTEGER ? "a number, a glob, {any: [globs]} or {min: N, max: N}"
                                    : "a glob or {any: [globs]}";
}

static const OshPolicyPattern *
read_scalar(OshPolicyLoader *loader, const OshYamlNode *node, const Scalars *scalars)
{
    const OshPolicyPattern *pattern;
    g_autoptr(GError) error = NULL;

    if (node->kind != OSH_YAML_SCALAR) {
        g_autofree char *found = osh_yaml_describe(node);

        osh_yaml_error(loader->diagnostics, node, "expected %s, found %s",
                       expected_words(scalars->type), found);
        return NULL;
    }
    if (osh_yaml_is_empty(node)) {
        osh_yaml_error(loader->diagnostics, node, "expected %s", expected_words(scalars->type));
        return NULL;
    }
    if (!check_scalar(loader, node, scalars->type))
        return NULL;
    pattern = osh_policy_pattern(loader->snapshot, node->text, scalars->separator, &error);
    if (pattern->glob == NULL) {
        osh_yaml_error(loader->diagnostics, node, "%s in '%s'", error->message, node->text);
        return NULL;
    }
    return check_vocabulary(loader, node, pattern, scalars->values) ? pattern : NULL;
}

/* @node: (nullable): one limit; FALSE after a report */
static gboolean
read_limit(OshPolicyLoader *loader, const OshYamlNode *node, gint64 *ret_limit)
{
    if (node == NULL)
        return TRUE;
    if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_INTEGER &&
        is_canonical_integer(node->text))
        return g_ascii_string_to_signed(node->text, 10, G_MININT64, G_MAXINT64, ret_limit, NULL);
    if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_INTEGER) {
        osh_yaml_error_hint(loader->diagnostics, node,
                            g_strdup("write it in plain decimal, like 42 or -1, within 64 bits"),
                            "'%s' is no limit", node->text);
    } else {
        g_autofree char *found = osh_yaml_describe(node);

        osh_yaml_error(loader->diagnostics, node, "expected a whole number, found %s", found);
    }
    return FALSE;
}

static void
read_limits(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyMatcher *ret_matcher)
{
    static const char *const keys[] = {"min", "max", NULL};
    OshPolicyLimits *limits = osh_arena_take(loader->snapshot->arena, sizeof(*limits));
    const OshYamlNode *any = osh_yaml_find(node, "any");

    *limits = (OshPolicyLimits){G_MININT64, G_MAXINT64};
    if (any != NULL) {
        osh_yaml_error(loader->diagnostics, any, "any cannot stand beside min and max");
        return;
    }
    osh_schema_keys(loader, node, keys);
    if (!read_limit(loader, osh_yaml_find(node, "min"), &limits->minimum) ||
        !read_limit(loader, osh_yaml_find(node, "max"), &limits->maximum))
        return;
    if (limits->minimum > limits->maximum)
        osh_yaml_error(loader->diagnostics, node,
                       "min %" G_GINT64_FORMAT " is more than max %" G_GINT64_FORMAT
                       ": no number can match",
                       limits->minimum, limits->maximum);
    ret_matcher->limits = limits;
}

/* The list of `any`, or NULL after a report. */
static const OshYamlNode *
find_any(OshPolicyLoader *loader, const OshYamlNode *node, const Scalars *scalars)
{
    static const char *const keys[] = {"any", NULL};
    const OshYamlNode *list = osh_yaml_find(node, "any");
    const OshYamlNode *limit = osh_yaml_find(node, "min");

    limit = limit != NULL ? limit : osh_yaml_find(node, "max");
    if (limit != NULL) {
        osh_yaml_error(loader->diagnostics, limit,
                       "%s is for facts that are whole numbers, and this one is not", limit->key);
        return NULL;
    }
    osh_schema_keys(loader, node, keys);
    if (list == NULL) {
        if (node->length == 0)
            osh_yaml_error(loader->diagnostics, node, "a matcher is %s",
                           expected_words(scalars->type));
        return NULL;
    }
    if (list->kind == OSH_YAML_SEQUENCE && list->length > 0)
        return list;
    osh_yaml_error(loader->diagnostics, list, "any must list at least one glob");
    return NULL;
}

/*
 * A glob, {any: [globs]}, or for integers {min: N, max: N}. Numbers and booleans may stand unquoted
 * where the type lets them. A glob that does not compile, and what can never match, is an error.
 */
static void
read_scalars(OshPolicyLoader *loader, const OshYamlNode *node, const Scalars *scalars,
             OshPolicyMatcher *ret_matcher)
{
    const OshYamlNode *list = NULL;
    const OshPolicyPattern **patterns;

    *ret_matcher = (OshPolicyMatcher){0};
    if (scalars->type == OSH_FACT_INTEGER &&
        (osh_yaml_find(node, "min") != NULL || osh_yaml_find(node, "max") != NULL)) {
        read_limits(loader, node, ret_matcher);
        return;
    }
    if (node->kind == OSH_YAML_MAPPING) {
        list = find_any(loader, node, scalars);
        if (list == NULL)
            return;
    }
    patterns = osh_arena_new_array(loader->snapshot->arena, const OshPolicyPattern *,
                                   list != NULL ? list->length : 1);
    for (const OshYamlNode *item = list != NULL ? list->first : node; item != NULL;
         item = list != NULL ? item->next : NULL) {
        const OshPolicyPattern *pattern = read_scalar(loader, item, scalars);

        if (pattern != NULL)
            patterns[ret_matcher->n_patterns++] = pattern;
    }
    ret_matcher->patterns = patterns;
}

static void
report_unknown(OshPolicyLoader *loader, const OshYamlNode *node, char *message,
               const char *const *names)
{
    const char *nearest = osh_policy_nearest_word(node->key, names);
    g_autofree char *list = g_strjoinv(", ", (char **)names);

    osh_policy_diagnostics_add(loader->diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, node->key_line,
                               node->key_column, osh_yaml_path(node->parent), message,
                               nearest != NULL ? g_strdup_printf("did you mean '%s'?", nearest)
                               : *list != '\0' ? g_strdup_printf("known here: %s", list)
                                               : g_strdup("none is declared"));
}

static const OshPolicyFieldDecl *
find_field(const OshPolicyFactDecl *fact, const char *name)
{
    for (guint i = 0; i < fact->n_fields; i++)
        if (strcmp(fact->fields[i].name, name) == 0)
            return &fact->fields[i];
    return NULL;
}

static void
read_fields(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyFactMatcher *matcher)
{
    const OshPolicyFactDecl *fact = matcher->fact;
    g_autofree const char **names = g_new0(const char *, (gsize)fact->n_fields + 1);
    OshPolicyFieldMatcher *fields;

    for (guint i = 0; i < fact->n_fields; i++)
        names[i] = fact->fields[i].name;
    if (node->kind != OSH_YAML_MAPPING || node->length == 0) {
        osh_yaml_error_hint(
            loader->diagnostics, node,
            g_strdup_printf("write %s: { FIELD: glob }", osh_policy_fact_rule_name(fact)),
            "%s is a list of records: name their fields", fact->name);
        return;
    }
    fields = osh_arena_new_array(loader->snapshot->arena, OshPolicyFieldMatcher, node->length);
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next) {
        OshPolicyFieldMatcher *field = &fields[matcher->n_fields];

        field->field = find_field(fact, child->key);
        if (field->field == NULL) {
            report_unknown(loader, child,
                           g_strdup_printf("unknown field '%s' of %s", child->key, fact->name),
                           names);
            continue;
        }
        read_scalars(loader, child, &(Scalars){field->field->type, fact->separator, NULL},
                     &field->matcher);
        matcher->n_fields++;
    }
    matcher->fields = fields;
}

static void
append_limits(GString *words, const char *name, const OshPolicyLimits *limits)
{
    if (limits->minimum == G_MININT64)
        g_string_append_printf(words, " %s<=%" G_GINT64_FORMAT, name, limits->maximum);
    else if (limits->maximum == G_MAXINT64)
        g_string_append_printf(words, " %s>=%" G_GINT64_FORMAT, name, limits->minimum);
    else
        g_string_append_printf(words, " %s=%" G_GINT64_FORMAT "..%" G_GINT64_FORMAT, name,
                               limits->minimum, limits->maximum);
}

static void
append_matcher(GString *words, const char *name, const OshPolicyMatcher *matcher)
{
    if (matcher->limits != NULL) {
        append_limits(words, name, matcher->limits);
        return;
    }
    g_string_append_printf(words, " %s=", name);
    for (guint i = 0; i < matcher->n_patterns; i++)
        g_string_append_printf(words, "%s%s", i > 0 ? "|" : "", matcher->patterns[i]->text);
}

static const char *
describe(OshPolicyLoader *loader, const OshPolicyRule *rule)
{
    g_autoptr(GString) words = g_string_new(NULL);

    for (guint i = 0; i < rule->n_facts; i++) {
        const OshPolicyFactMatcher *matcher = &rule->facts[i];
        const char *name = osh_policy_fact_rule_name(matcher->fact);

        if (matcher->fact->type != OSH_FACT_RECORDS)
            append_matcher(words, name, &matcher->matcher);
        for (guint k = 0; k < matcher->n_fields; k++) {
            g_autofree char *field = g_strconcat(name, ".", matcher->fields[k].field->name, NULL);

            append_matcher(words, field, &matcher->fields[k].matcher);
        }
    }
    if (words->len == 0)
        g_string_append(words, " (empty rule)");
    return osh_arena_copy(loader->snapshot->arena, words->str + 1, words->len - 1);
}

static gboolean
is_named_before(const OshPolicyFactMatcher *facts, guint length, const OshPolicyFactDecl *fact)
{
    for (guint i = 0; i < length; i++)
        if (facts[i].fact == fact)
            return TRUE;
    return FALSE;
}

void
osh_schema_read_fact_rule(OshPolicyLoader *loader, const OshYamlNode *node,
                          const OshPolicyProtocolDecl *protocol, OshPolicyRule *ret_rule)
{
    g_autofree const char **names = osh_policy_protocol_fact_names(protocol);
    OshPolicyRule *rule = ret_rule;
    OshPolicyFactMatcher *facts =
        osh_arena_new_array(loader->snapshot->arena, OshPolicyFactMatcher, node->length + 1);

    rule->source = node;
    rule->line = node->line;
    rule->facts = facts;
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next) {
        OshPolicyFactMatcher *matcher = &facts[rule->n_facts];
        const OshPolicyFactDecl *fact = osh_policy_protocol_find_fact(protocol, child->key);

        if (fact == NULL) {
            report_unknown(
                loader, child,
                g_strdup_printf("protocol %s states no fact '%s'", protocol->name, child->key),
                names);
            continue;
        }
        if (is_named_before(facts, rule->n_facts, fact)) {
            osh_yaml_error(loader->diagnostics, child, "%s is named twice in this rule",
                           fact->name);
            continue;
        }
        matcher->fact = fact;
        if (fact->type == OSH_FACT_RECORDS)
            read_fields(loader, child, matcher);
        else
            read_scalars(loader, child,
                         &(Scalars){fact->type, fact->separator, (const char *const *)fact->values},
                         &matcher->matcher);
        rule->n_facts++;
    }
    rule->words = describe(loader, rule);
}

/* Nested maps become dotted names; `{any: [...]}` is a matcher, not a map. */
static void
flatten_arguments(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *prefix,
                  GArray *matchers)
{
    if (mapping->length == 0)
        osh_yaml_error_hint(loader->diagnostics, mapping,
                            g_strdup("write mcp_arguments: { NAME: glob }"),
                            "an empty mapping names no argument");
    for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next) {
        g_autofree char *key = g_strdup_printf("%s.%s", prefix, child->key);
        OshPolicyKeyMatcher matcher = {0};

        if (*child->key == '\0' || child->key[0] == '.' || strstr(key, "..") != NULL ||
            g_str_has_suffix(child->key, ".")) {
            osh_yaml_error(loader->diagnostics, child, "'%s' is not a dotted path to an argument",
                           child->key);
            continue;
        }
        if (child->kind == OSH_YAML_MAPPING && osh_yaml_find(child, "any") == NULL) {
            flatten_arguments(loader, child, key, matchers);
            continue;
        }
        for (guint i = 0; i < matchers->len; i++)
            if (strcmp(g_array_index(matchers, OshPolicyKeyMatcher, i).key, key) == 0)
                osh_yaml_error(loader->diagnostics, child, "%s is named twice in this rule", key);
        matcher.key = osh_arena_copy(loader->snapshot->arena, key, strlen(key));
        matcher.key_length = strlen(key);
        read_scalars(loader, child, &(Scalars){0}, &matcher.matcher);
        g_array_append_val(matchers, matcher);
    }
}

void
osh_schema_read_arguments(OshPolicyLoader *loader, const OshYamlNode *node, OshPolicyRule *rule)
{
    const OshYamlNode *mapping = osh_yaml_find(node, "mcp_arguments");
    g_autoptr(GArray) matchers = g_array_new(FALSE, FALSE, sizeof(OshPolicyKeyMatcher));
    OshPolicyKeyMatcher *kept;

    if (mapping == NULL)
        return;
    if (mapping->kind != OSH_YAML_MAPPING) {
        osh_yaml_error_hint(loader->diagnostics, mapping,
                            g_strdup("write mcp_arguments: { NAME: glob }"),
                            "mcp_arguments maps names of arguments to globs");
        return;
    }
    flatten_arguments(loader, mapping, "arguments", matchers);
    if (matchers->len == 0)
        return;
    kept = osh_arena_new_array(loader->snapshot->arena, OshPolicyKeyMatcher, matchers->len);
    memcpy(kept, matchers->data, matchers->len * sizeof(OshPolicyKeyMatcher));
    rule->arguments = kept;
    rule->n_arguments = matchers->len;
}
