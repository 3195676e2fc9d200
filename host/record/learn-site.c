/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-site.c: rules of one host and port, from what was seen there.
 *
 * Pure; any thread. One unit for each binary, so that no program gets what only another one did.
 * A pattern must never take in the path of an endpoint that reads its requests in another way.
 */
#include "learn-site.h"

#include <string.h>

#include "learn-ceiling.h"

OshLearnRule *
osh_learn_rule_new(OshLearnKind kind, const char *scope)
{
    OshLearnRule *rule = g_new0(OshLearnRule, 1);

    rule->kind = kind;
    rule->scope = g_strdup(scope);
    return rule;
}

OshLearnRule *
osh_learn_rule_finish(OshLearnRule *rule)
{
    g_autofree char *fields = rule->fields != NULL ? g_strjoinv("\x02", rule->fields) : NULL;

    g_free(rule->key);
    rule->key = g_strdup_printf(
        "%d\x01%s\x01%s\x01%s\x01%s\x01%s\x01%s\x01%s", rule->kind,
        rule->scope != NULL ? rule->scope : "", rule->pattern != NULL ? rule->pattern->text : "",
        rule->method != NULL ? rule->method : "", rule->type != NULL ? rule->type : "",
        rule->name != NULL ? rule->name : "", fields != NULL ? fields : "",
        rule->tool != NULL ? rule->tool : "");
    return rule;
}

void
osh_learn_rule_scope(OshLearnRule *rule, OshLearnKind kind, const char *scope)
{
    g_autofree char *copy = g_strdup(scope);

    g_free(rule->scope);
    rule->scope = g_steal_pointer(&copy);
    rule->kind = kind;
    osh_learn_rule_finish(rule);
}

void
osh_learn_rule_free(OshLearnRule *rule)
{
    if (rule == NULL)
        return;
    osh_learn_pattern_free(rule->pattern);
    g_strfreev(rule->fields);
    g_free(rule->scope);
    g_free(rule->method);
    g_free(rule->type);
    g_free(rule->name);
    g_free(rule->tool);
    g_free(rule->key);
    g_free(rule);
}

static gboolean
path_covers(const OshLearnRule *rule, const OshLearnRule *seen)
{
    gboolean head = g_ascii_strcasecmp(seen->method, "HEAD") == 0 &&
                    g_ascii_strcasecmp(rule->method, "GET") == 0;

    return (head || strcmp(rule->method, seen->method) == 0) &&
           osh_learn_pattern_covers(rule->pattern, seen->pattern);
}

static gboolean
operation_covers(const OshLearnRule *rule, const OshLearnRule *seen)
{
    if (strcmp(rule->type, seen->type) != 0 ||
        (rule->name != NULL && g_strcmp0(rule->name, seen->name) != 0))
        return FALSE;
    if (rule->fields == NULL)
        return TRUE;
    for (guint i = 0; seen->fields != NULL && seen->fields[i] != NULL; i++)
        if (!g_strv_contains((const char *const *)rule->fields, seen->fields[i]))
            return FALSE;
    return seen->fields != NULL;
}

gboolean
osh_learn_rule_covers(const OshLearnRule *rule, const OshLearnRule *seen)
{
    if (rule->kind != seen->kind || g_strcmp0(rule->scope, seen->scope) != 0)
        return FALSE;
    switch (rule->kind) {
    case OSH_LEARN_CONNECTION:
        return TRUE;
    case OSH_LEARN_REST:
    case OSH_LEARN_WEBSOCKET:
        return path_covers(rule, seen);
    case OSH_LEARN_GRAPHQL:
        return operation_covers(rule, seen);
    case OSH_LEARN_JSONRPC:
    case OSH_LEARN_MCP:
        break;
    }
    return strcmp(rule->method, seen->method) == 0 && g_strcmp0(rule->tool, seen->tool) == 0;
}

static void
unit_free(gpointer data)
{
    OshLearnUnit *unit = data;

    g_free(unit->binary);
    g_ptr_array_unref(unit->rules);
    g_free(unit);
}

void
osh_learn_row_free(OshLearnRow *row)
{
    if (row == NULL)
        return;
    g_ptr_array_unref(row->images);
    g_ptr_array_unref(row->seen);
    g_free(row->grant);
    g_free(row);
}

gboolean
osh_learn_row_has_image(const OshLearnRow *row, const char *binary)
{
    return strcmp(binary, "/**") == 0 ||
           g_ptr_array_find_with_equal_func(row->images, binary, g_str_equal, NULL);
}

OshLearnSite *
osh_learn_site_new(const char *host, guint port)
{
    OshLearnSite *site = g_new0(OshLearnSite, 1);

    site->host = g_strdup(host);
    site->port = port;
    site->rows = g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_row_free);
    site->units = g_ptr_array_new_with_free_func(unit_free);
    return site;
}

void
osh_learn_site_free(OshLearnSite *site)
{
    if (site == NULL)
        return;
    g_ptr_array_unref(site->rows);
    g_ptr_array_unref(site->units);
    g_strfreev(site->allowed_ips);
    g_free(site->by_pattern);
    g_free(site->host);
    g_free(site);
}

static OshLearnUnit *
unit_for(OshLearnSite *site, const char *binary)
{
    OshLearnUnit *unit;

    for (guint i = 0; i < site->units->len; i++) {
        unit = g_ptr_array_index(site->units, i);
        if (strcmp(unit->binary, binary) == 0)
            return unit;
    }
    unit = g_new0(OshLearnUnit, 1);
    unit->binary = g_strdup(binary);
    unit->rules = g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_rule_free);
    g_ptr_array_add(site->units, unit);
    return unit;
}

static OshLearnRule *
rule_copy(const OshLearnRule *rule)
{
    OshLearnRule *copy = osh_learn_rule_new(rule->kind, rule->scope);

    copy->method = g_strdup(rule->method);
    copy->pattern = rule->pattern != NULL ? osh_learn_pattern_copy(rule->pattern) : NULL;
    copy->type = g_strdup(rule->type);
    copy->name = g_strdup(rule->name);
    copy->fields = g_strdupv(rule->fields);
    copy->tool = g_strdup(rule->tool);
    return osh_learn_rule_finish(copy);
}

static int
compare_rules(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const OshLearnRule *const *)a)->key, (*(const OshLearnRule *const *)b)->key);
}

static int
compare_units(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const OshLearnUnit *const *)a)->binary,
                  (*(const OshLearnUnit *const *)b)->binary);
}

typedef struct {
    const OshLearnSite *site;
    const OshLearnCeiling *ceiling;
    OshLearnRule *rule; /* with the method in question; its pattern is borrowed */
} May;

static gboolean
takes_in_a_scope(const OshLearnSite *site, const OshLearnPattern *pattern)
{
    for (guint i = 0; i < site->units->len; i++) {
        const OshLearnUnit *unit = g_ptr_array_index(site->units, i);

        for (guint k = 0; k < unit->rules->len; k++) {
            const OshLearnRule *rule = g_ptr_array_index(unit->rules, k);
            g_autoptr(OshGlob) scope =
                rule->scope != NULL ? osh_glob_new(rule->scope, '/', NULL) : NULL;

            if (rule->scope != NULL &&
                (scope == NULL || osh_glob_may_overlap(scope, pattern->glob)))
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean
may(const OshLearnPattern *pattern, gpointer data)
{
    May *asked = data;
    gboolean allowed;

    if (takes_in_a_scope(asked->site, pattern))
        return FALSE;
    asked->rule->pattern = (OshLearnPattern *)pattern;
    allowed = osh_learn_ceiling_allows_rule(asked->ceiling, asked->rule);
    asked->rule->pattern = NULL;
    return allowed;
}

/* The REST rules of one method, made fewer; what is not of it stays in @rules. */
static void
generalise_method(const OshLearnSite *site, const OshLearnCeiling *ceiling, GPtrArray *rules,
                  const char *method)
{
    g_autoptr(GPtrArray) patterns =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_pattern_free);
    g_autoptr(OshLearnRule) asked = osh_learn_rule_new(OSH_LEARN_REST, NULL);
    May data = {site, ceiling, asked};

    asked->method = g_strdup(method);
    for (guint i = rules->len; i > 0; i--) {
        OshLearnRule *rule = g_ptr_array_index(rules, i - 1);

        if (rule->kind != OSH_LEARN_REST || strcmp(rule->method, method) != 0)
            continue;
        g_ptr_array_add(patterns, g_steal_pointer(&rule->pattern));
        g_ptr_array_remove_index(rules, i - 1);
    }
    osh_learn_generalise(patterns, may, &data);
    for (guint i = 0; i < patterns->len; i++) {
        OshLearnRule *rule = osh_learn_rule_new(OSH_LEARN_REST, NULL);

        rule->method = g_strdup(method);
        rule->pattern = osh_learn_pattern_copy(g_ptr_array_index(patterns, i));
        g_ptr_array_add(rules, osh_learn_rule_finish(rule));
    }
}

static void
unit_generalise(const OshLearnSite *site, OshLearnUnit *unit, const OshPolicySnapshot *policy)
{
    g_autoptr(GPtrArray) methods = g_ptr_array_new_with_free_func(g_free);
    g_auto(OshLearnCeiling) ceiling = {0};

    osh_learn_ceiling_ask(policy, site->host, site->port, unit->binary, &ceiling);
    for (guint i = 0; i < unit->rules->len; i++) {
        const OshLearnRule *rule = g_ptr_array_index(unit->rules, i);

        if (rule->kind == OSH_LEARN_REST &&
            !g_ptr_array_find_with_equal_func(methods, rule->method, g_str_equal, NULL))
            g_ptr_array_add(methods, g_strdup(rule->method));
    }
    for (guint i = 0; i < methods->len; i++)
        generalise_method(site, &ceiling, unit->rules, g_ptr_array_index(methods, i));
    g_ptr_array_sort(unit->rules, compare_rules);
}

static void
unit_add_seen(OshLearnUnit *unit, const OshLearnRow *row)
{
    for (guint i = 0; i < row->seen->len; i++) {
        g_autoptr(OshLearnRule) rule = rule_copy(g_ptr_array_index(row->seen, i));
        gboolean known = FALSE;

        for (guint k = 0; k < unit->rules->len && !known; k++)
            known =
                strcmp(((OshLearnRule *)g_ptr_array_index(unit->rules, k))->key, rule->key) == 0;
        if (!known)
            g_ptr_array_add(unit->rules, g_steal_pointer(&rule));
    }
}

static gboolean
has_websocket(const OshLearnSite *site, const char *path)
{
    for (guint i = 0; i < site->rows->len; i++) {
        const OshLearnRow *row = g_ptr_array_index(site->rows, i);

        for (guint k = 0; k < row->seen->len; k++) {
            const OshLearnRule *seen = g_ptr_array_index(row->seen, k);

            if (seen->kind == OSH_LEARN_WEBSOCKET && strcmp(seen->scope, path) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

/* The GET that begins a WebSocket stands in the same endpoint as its messages. */
static void
join_websockets(OshLearnSite *site)
{
    for (guint i = 0; i < site->rows->len; i++) {
        const OshLearnRow *row = g_ptr_array_index(site->rows, i);

        for (guint k = 0; k < row->seen->len; k++) {
            OshLearnRule *seen = g_ptr_array_index(row->seen, k);

            if (seen->kind == OSH_LEARN_REST && strcmp(seen->method, "GET") == 0 &&
                has_websocket(site, seen->pattern->text))
                osh_learn_rule_scope(seen, OSH_LEARN_WEBSOCKET, seen->pattern->text);
        }
    }
}

/* An endpoint that does not allow an operation denies it, so every one that applies must say it. */
static gboolean
has_endpoint(const OshLearnUnit *unit, const OshLearnRule *seen)
{
    for (guint i = 0; i < unit->rules->len; i++) {
        const OshLearnRule *rule = g_ptr_array_index(unit->rules, i);

        if (rule->kind == OSH_LEARN_GRAPHQL && strcmp(rule->scope, seen->scope) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_covered(const OshLearnUnit *unit, const OshLearnRule *seen, const OshLearnRule *but)
{
    for (guint i = 0; i < unit->rules->len; i++) {
        const OshLearnRule *rule = g_ptr_array_index(unit->rules, i);

        if (rule != but && osh_learn_rule_covers(rule, seen))
            return TRUE;
    }
    return FALSE;
}

/* Returns: FALSE when the ceiling does not let @unit have what its descendant asked. */
static gboolean
join_operation(const OshLearnSite *site, OshLearnUnit *unit, const OshLearnRule *seen,
               const OshPolicySnapshot *policy)
{
    g_auto(OshLearnCeiling) ceiling = {0};

    if (!has_endpoint(unit, seen) || is_covered(unit, seen, NULL))
        return TRUE;
    osh_learn_ceiling_ask(policy, site->host, site->port, unit->binary, &ceiling);
    if (!osh_learn_ceiling_allows_rule(&ceiling, seen))
        return FALSE;
    g_ptr_array_add(unit->rules, rule_copy(seen));
    return TRUE;
}

/* Returns: (nullable): the row that cannot be joined. */
static OshLearnRow *
join_operations(const OshLearnSite *site, const OshPolicySnapshot *policy)
{
    for (guint i = 0; i < site->rows->len; i++) {
        OshLearnRow *row = g_ptr_array_index(site->rows, i);

        for (guint k = 0; k < row->seen->len; k++) {
            const OshLearnRule *seen = g_ptr_array_index(row->seen, k);

            for (guint u = 0; seen->kind == OSH_LEARN_GRAPHQL && u < site->units->len; u++) {
                OshLearnUnit *unit = g_ptr_array_index(site->units, u);

                if (osh_learn_row_has_image(row, unit->binary) &&
                    !join_operation(site, unit, seen, policy))
                    return row;
            }
        }
    }
    return NULL;
}

/* An operation that another rule of the same endpoint allows needs none of its own. */
static void
drop_covered_operations(OshLearnUnit *unit)
{
    for (guint i = 0; i < unit->rules->len;) {
        const OshLearnRule *rule = g_ptr_array_index(unit->rules, i);

        if (rule->kind == OSH_LEARN_GRAPHQL && is_covered(unit, rule, rule))
            g_ptr_array_remove_index(unit->rules, i);
        else
            i++;
    }
}

/* Returns: (nullable): a tunnel that was inspected and would not be: no rule is for its program. */
static OshLearnRow *
find_unread_tunnel(const OshLearnSite *site)
{
    for (guint i = 0; i < site->rows->len; i++) {
        OshLearnRow *row = g_ptr_array_index(site->rows, i);
        gboolean inspected = row->seen->len > 0 || row->row->protocol[0] == '\0';

        for (guint u = 0; u < site->units->len && !inspected; u++) {
            const OshLearnUnit *unit = g_ptr_array_index(site->units, u);

            inspected = unit->rules->len > 0 && osh_learn_row_has_image(row, unit->binary);
        }
        if (!inspected)
            return row;
    }
    return NULL;
}

OshLearnRow *
osh_learn_site_grow(OshLearnSite *site, const OshPolicySnapshot *ceiling, const char **ret_reason)
{
    OshLearnRow *alone;

    g_ptr_array_set_size(site->units, 0);
    join_websockets(site);
    for (guint i = 0; i < site->rows->len; i++) {
        const OshLearnRow *row = g_ptr_array_index(site->rows, i);

        unit_add_seen(unit_for(site, row->grant), row);
    }
    g_ptr_array_sort(site->units, compare_units);
    *ret_reason = "the ceiling does not let the program that started it have the same rule";
    alone = join_operations(site, ceiling);
    if (alone != NULL)
        return alone;
    *ret_reason = "its requests were inspected, and no rule for them was learned";
    alone = find_unread_tunnel(site);
    if (alone != NULL)
        return alone;
    for (guint i = 0; i < site->units->len; i++) {
        OshLearnUnit *unit = g_ptr_array_index(site->units, i);

        unit->is_connection = unit->rules->len == 0;
        unit_generalise(site, unit, ceiling);
        drop_covered_operations(unit);
    }
    return NULL;
}
