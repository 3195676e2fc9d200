/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-prune.c: leaves out every rule and binary that nothing needs.
 *
 * Pure; any thread. For everything that was seen it is counted by how many rules it is allowed; a
 * rule goes when each of those has another one. What remains is minimal: without any one of them
 * something that was seen is refused. The rules of a GraphQL endpoint stay or go together: an
 * endpoint that does not allow an operation denies it to everybody that it applies to.
 */
#include "learn-site.h"

#include <string.h>

typedef struct {
    OshLearnUnit *unit;
    GPtrArray *rules; /* OshLearnRule, borrowed; none for a unit of connections */
    GArray *covers;   /* guint: numbers of what it allows */
    gboolean is_dropped;
} Allowance;

typedef struct {
    const OshLearnSite *site;
    GPtrArray *allowances; /* Allowance */
    GArray *counts;        /* guint: for each thing seen, by how many it is allowed */
} Table;

static void
allowance_free(gpointer data)
{
    Allowance *allowance = data;

    g_array_unref(allowance->covers);
    g_ptr_array_unref(allowance->rules);
    g_free(allowance);
}

static gboolean
is_connection_of(const OshLearnUnit *unit, const OshLearnRow *row)
{
    return !unit->is_dropped && unit->is_connection && osh_learn_row_has_image(row, unit->binary);
}

static gboolean
is_inspector_of(const OshLearnUnit *unit, const OshLearnRow *row)
{
    return !unit->is_dropped && !unit->is_connection && osh_learn_row_has_image(row, unit->binary);
}

/* Whether requests of @row are let through unread, because none but @but of the units that apply
 * has rules. */
static gboolean
passes_unread(const OshLearnSite *site, const OshLearnRow *row, const OshLearnUnit *but)
{
    gboolean connects = FALSE;

    for (guint i = 0; i < site->units->len; i++) {
        const OshLearnUnit *unit = g_ptr_array_index(site->units, i);

        if (unit != but && is_inspector_of(unit, row))
            return FALSE;
        connects |= is_connection_of(unit, row);
    }
    return connects;
}

/* Whether @row has some other unit than @but. */
static gboolean
connects_without(const OshLearnSite *site, const OshLearnRow *row, const OshLearnUnit *but)
{
    for (guint i = 0; i < site->units->len; i++) {
        const OshLearnUnit *unit = g_ptr_array_index(site->units, i);

        if (unit != but && !unit->is_dropped && osh_learn_row_has_image(row, unit->binary))
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_allowed_without(const OshLearnSite *site, const OshLearnRow *row, const OshLearnRule *seen,
                   const OshLearnUnit *but)
{
    for (guint i = 0; i < site->units->len; i++) {
        const OshLearnUnit *unit = g_ptr_array_index(site->units, i);

        if (unit == but || !is_inspector_of(unit, row))
            continue;
        for (guint k = 0; k < unit->rules->len; k++)
            if (osh_learn_rule_covers(g_ptr_array_index(unit->rules, k), seen))
                return TRUE;
    }
    return FALSE;
}

/* Whether @row stays as it is when @but goes. */
static gboolean
holds_without(const OshLearnSite *site, const OshLearnRow *row, const OshLearnUnit *but)
{
    if (row->seen->len == 0)
        return connects_without(site, row, but);
    if (passes_unread(site, row, but))
        return TRUE;
    for (guint i = 0; i < row->seen->len; i++)
        if (!is_allowed_without(site, row, g_ptr_array_index(row->seen, i), but))
            return FALSE;
    return TRUE;
}

/* Drops the rules of a binary all of whose rows other units allow. */
static gboolean
drop_overshadowed(OshLearnSite *site)
{
    gboolean dropped = FALSE;

    for (guint i = 0; i < site->units->len; i++) {
        OshLearnUnit *unit = g_ptr_array_index(site->units, i);
        gboolean needed = unit->is_connection || unit->is_dropped;

        for (guint k = 0; k < site->rows->len && !needed; k++) {
            const OshLearnRow *row = g_ptr_array_index(site->rows, k);

            needed = osh_learn_row_has_image(row, unit->binary) && !holds_without(site, row, unit);
        }
        if (needed)
            continue;
        unit->is_dropped = TRUE;
        g_ptr_array_set_size(unit->rules, 0);
        dropped = TRUE;
    }
    return dropped;
}

/* What connects and asks nothing more is one thing seen, allowed by whole units. */
static gboolean
allows_thing(const OshLearnSite *site, const Allowance *allowance, const OshLearnRow *row,
             const OshLearnRule *seen)
{
    if (!osh_learn_row_has_image(row, allowance->unit->binary))
        return FALSE;
    if (seen == NULL)
        return TRUE;
    if (allowance->rules->len == 0)
        return passes_unread(site, row, NULL);
    for (guint i = 0; i < allowance->rules->len; i++)
        if (osh_learn_rule_covers(g_ptr_array_index(allowance->rules, i), seen))
            return TRUE;
    return FALSE;
}

static void
add_thing(Table *table, OshLearnRow *row, const OshLearnRule *seen)
{
    guint number = table->counts->len;
    guint count = 0;

    for (guint i = 0; i < table->allowances->len; i++) {
        Allowance *allowance = g_ptr_array_index(table->allowances, i);

        if (!allows_thing(table->site, allowance, row, seen))
            continue;
        g_array_append_val(allowance->covers, number);
        count++;
    }
    g_array_append_val(table->counts, count);
}

static Allowance *
add_allowance(Table *table, OshLearnUnit *unit)
{
    Allowance *allowance = g_new0(Allowance, 1);

    allowance->unit = unit;
    allowance->rules = g_ptr_array_new();
    allowance->covers = g_array_new(FALSE, FALSE, sizeof(guint));
    g_ptr_array_add(table->allowances, allowance);
    return allowance;
}

/* Rules are sorted, so those of one GraphQL endpoint stand in a row. */
static void
add_rules(Table *table, OshLearnUnit *unit)
{
    Allowance *last = NULL;
    const OshLearnRule *before = NULL;

    if (unit->is_connection && !unit->is_dropped)
        add_allowance(table, unit);
    for (guint i = 0; i < unit->rules->len; i++) {
        OshLearnRule *rule = g_ptr_array_index(unit->rules, i);

        if (before == NULL || rule->kind != OSH_LEARN_GRAPHQL ||
            before->kind != OSH_LEARN_GRAPHQL || strcmp(before->scope, rule->scope) != 0)
            last = add_allowance(table, unit);
        g_ptr_array_add(last->rules, rule);
        before = rule;
    }
}

static gboolean
is_needed(const Table *table, const Allowance *allowance)
{
    for (guint i = 0; i < allowance->covers->len; i++) {
        guint number = g_array_index(allowance->covers, guint, i);

        if (g_array_index(table->counts, guint, number) < 2)
            return TRUE;
    }
    return FALSE;
}

static void
drop(Table *table, Allowance *allowance)
{
    for (guint i = 0; i < allowance->covers->len; i++)
        g_array_index(table->counts, guint, g_array_index(allowance->covers, guint, i))--;
    allowance->is_dropped = TRUE;
}

/* Narrow ones go first, so that a wide one that was made from them is not left beside them. */
static gboolean
is_narrow(const Allowance *allowance)
{
    const OshLearnRule *rule =
        allowance->rules->len > 0 ? g_ptr_array_index(allowance->rules, 0) : NULL;

    return rule == NULL || rule->pattern == NULL || rule->pattern->plain != NULL;
}

static gboolean
drop_unneeded(Table *table, gboolean narrow)
{
    gboolean dropped = FALSE;

    for (guint i = 0; i < table->allowances->len; i++) {
        Allowance *allowance = g_ptr_array_index(table->allowances, i);

        if (allowance->is_dropped || is_narrow(allowance) != narrow || is_needed(table, allowance))
            continue;
        drop(table, allowance);
        dropped = TRUE;
    }
    return dropped;
}

static void
apply(const Table *table)
{
    for (guint i = 0; i < table->allowances->len; i++) {
        Allowance *allowance = g_ptr_array_index(table->allowances, i);

        if (!allowance->is_dropped)
            continue;
        if (allowance->rules->len == 0)
            allowance->unit->is_dropped = TRUE;
        for (guint k = 0; k < allowance->rules->len; k++)
            g_ptr_array_remove(allowance->unit->rules, g_ptr_array_index(allowance->rules, k));
        if (!allowance->unit->is_connection && allowance->unit->rules->len == 0)
            allowance->unit->is_dropped = TRUE;
    }
}

/* Returns: whether anything went. */
static gboolean
prune_once(OshLearnSite *site)
{
    g_autoptr(GPtrArray) allowances = g_ptr_array_new_with_free_func(allowance_free);
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(guint));
    Table table = {.site = site, .allowances = allowances, .counts = counts};
    gboolean dropped;

    for (guint i = 0; i < site->units->len; i++)
        add_rules(&table, g_ptr_array_index(site->units, i));
    for (guint i = 0; i < site->rows->len; i++) {
        OshLearnRow *row = g_ptr_array_index(site->rows, i);

        if (row->seen->len == 0)
            add_thing(&table, row, NULL);
        for (guint k = 0; k < row->seen->len; k++)
            add_thing(&table, row, g_ptr_array_index(row->seen, k));
    }
    dropped = drop_unneeded(&table, TRUE);
    dropped |= drop_unneeded(&table, FALSE);
    apply(&table);
    return dropped;
}

void
osh_learn_site_prune(OshLearnSite *site)
{
    while (drop_overshadowed(site) || prune_once(site)) {
    }
}
