/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-generalise.c: from the paths that were seen to the fewer patterns that a person would
 * write.
 *
 * Pure; any thread. Every step asks whether the wider pattern may be, and keeps the narrow ones
 * where it may not. It must never take in a whole site: at least one literal segment stays.
 */
#include "learn-pattern.h"

#include <string.h>

/* So many paths that differ in one segment alone make that segment any. */
#define MANY_SIBLINGS 8
/* So many different segments behind one prefix make them any, whatever follows them. */
#define MANY_CHILDREN 24
/* So many patterns of several lengths below one prefix make everything below it. */
#define MANY_BELOW 12

static gboolean
all_digits(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
    return length > 0;
}

static gboolean
is_uuid(const char *text)
{
    if (strlen(text) != 36)
        return FALSE;
    for (guint i = 0; i < 36; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !g_ascii_isxdigit(text[i]))
            return FALSE;
    return TRUE;
}

/* A hash, or its beginning: hexadecimal and with a digit in it, so that "facade" is a word. */
static gboolean
is_hash(const char *text)
{
    gboolean has_digit = FALSE;
    gsize length = strlen(text);

    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isxdigit(text[i]))
            return FALSE;
        has_digit |= g_ascii_isdigit(text[i]);
    }
    return length >= 7 && has_digit;
}

static gboolean
looks_like_an_id(const char *segment)
{
    return all_digits(segment, strlen(segment)) || is_uuid(segment) || is_hash(segment);
}

static gboolean
has_literal(const OshLearnPattern *pattern)
{
    for (guint i = 1; i < pattern->segments->len; i++) {
        const char *segment = g_ptr_array_index(pattern->segments, i);

        if (segment[0] != '\0' && strcmp(segment, OSH_LEARN_ANY) != 0 &&
            strcmp(segment, OSH_LEARN_BELOW) != 0)
            return TRUE;
    }
    return FALSE;
}

/* Returns: (transfer full) (nullable): the wider pattern, where it may be. */
static OshLearnPattern *
widen(const OshLearnPattern *pattern, guint index, const char *segment, OshLearnMayFunc may,
      gpointer data)
{
    g_autoptr(OshLearnPattern) wider = osh_learn_pattern_with(pattern, index, segment);

    if (wider == NULL || !has_literal(wider) || !may(wider, data))
        return NULL;
    return g_steal_pointer(&wider);
}

static int
compare_patterns(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const OshLearnPattern *const *)a)->text,
                  (*(const OshLearnPattern *const *)b)->text);
}

static void
sort_and_drop_equal(GPtrArray *patterns)
{
    g_ptr_array_sort(patterns, compare_patterns);
    for (guint i = 1; i < patterns->len;)
        if (compare_patterns(&g_ptr_array_index(patterns, i - 1),
                             &g_ptr_array_index(patterns, i)) == 0)
            g_ptr_array_remove_index(patterns, i);
        else
            i++;
}

static void
generalise_ids(GPtrArray *patterns, OshLearnMayFunc may, gpointer data)
{
    for (guint i = 0; i < patterns->len; i++) {
        for (guint k = 1;; k++) {
            OshLearnPattern *pattern = g_ptr_array_index(patterns, i);
            OshLearnPattern *wider;

            if (k >= pattern->segments->len)
                break;
            if (!looks_like_an_id(g_ptr_array_index(pattern->segments, k)))
                continue;
            wider = widen(pattern, k, OSH_LEARN_ANY, may, data);
            if (wider == NULL)
                continue;
            osh_learn_pattern_free(pattern);
            patterns->pdata[i] = wider;
        }
    }
    sort_and_drop_equal(patterns);
}

/* What is left of @pattern without segment @index; equal for siblings. */
static char *
family(const OshLearnPattern *pattern, guint index)
{
    g_autoptr(OshLearnPattern) any = osh_learn_pattern_with(pattern, index, OSH_LEARN_ANY);

    return any != NULL ? g_strdup(any->text) : NULL;
}

/* Returns: TRUE when it made one pattern of many. */
static gboolean
merge_siblings(GPtrArray *patterns, guint index, OshLearnMayFunc may, gpointer data)
{
    g_autoptr(GHashTable) sizes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean merged = FALSE;

    for (guint i = 0; i < patterns->len; i++) {
        const OshLearnPattern *pattern = g_ptr_array_index(patterns, i);
        char *key = index < pattern->segments->len ? family(pattern, index) : NULL;

        if (key == NULL || strcmp(key, pattern->text) == 0)
            g_free(key);
        else
            g_hash_table_insert(
                sizes, key,
                GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(sizes, key)) + 1));
    }
    for (guint i = 0; i < patterns->len; i++) {
        OshLearnPattern *pattern = g_ptr_array_index(patterns, i);
        g_autofree char *key = index < pattern->segments->len ? family(pattern, index) : NULL;
        OshLearnPattern *wider;

        if (key == NULL || GPOINTER_TO_UINT(g_hash_table_lookup(sizes, key)) < MANY_SIBLINGS)
            continue;
        wider = widen(pattern, index, OSH_LEARN_ANY, may, data);
        if (wider == NULL)
            continue;
        merged |= strcmp(wider->text, pattern->text) != 0;
        osh_learn_pattern_free(pattern);
        patterns->pdata[i] = wider;
    }
    sort_and_drop_equal(patterns);
    return merged;
}

/* The part of @pattern before segment @index, and its length: equal for children of one parent. */
static char *
parent(const OshLearnPattern *pattern, guint index)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "%u", pattern->segments->len);
    for (guint i = 0; i < index; i++)
        g_string_append_printf(text, "/%s", (const char *)g_ptr_array_index(pattern->segments, i));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Returns: (element-type utf8 GHashTable): the different segments @index of each parent. */
static GHashTable *
children_of(const GPtrArray *patterns, guint index)
{
    GHashTable *parents =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);

    for (guint i = 0; i < patterns->len; i++) {
        const OshLearnPattern *pattern = g_ptr_array_index(patterns, i);
        char *key;
        GHashTable *children;

        if (index >= pattern->segments->len)
            continue;
        key = parent(pattern, index);
        children = g_hash_table_lookup(parents, key);
        if (children == NULL) {
            children = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
            g_hash_table_insert(parents, g_strdup(key), children);
        }
        g_hash_table_add(children, g_strdup(g_ptr_array_index(pattern->segments, index)));
        g_free(key);
    }
    return parents;
}

static void
merge_children(GPtrArray *patterns, guint index, OshLearnMayFunc may, gpointer data)
{
    g_autoptr(GHashTable) parents = children_of(patterns, index);

    for (guint i = 0; i < patterns->len; i++) {
        OshLearnPattern *pattern = g_ptr_array_index(patterns, i);
        g_autofree char *key = index < pattern->segments->len ? parent(pattern, index) : NULL;
        OshLearnPattern *wider;

        if (key == NULL || g_hash_table_size(g_hash_table_lookup(parents, key)) < MANY_CHILDREN)
            continue;
        wider = widen(pattern, index, OSH_LEARN_ANY, may, data);
        if (wider == NULL)
            continue;
        osh_learn_pattern_free(pattern);
        patterns->pdata[i] = wider;
    }
    sort_and_drop_equal(patterns);
}

static guint
longest(const GPtrArray *patterns)
{
    guint length = 0;

    for (guint i = 0; i < patterns->len; i++)
        length =
            MAX(length, ((const OshLearnPattern *)g_ptr_array_index(patterns, i))->segments->len);
    return length;
}

static gboolean
shares_prefix(const OshLearnPattern *left, const OshLearnPattern *right, guint length)
{
    if (left->segments->len <= length || right->segments->len <= length)
        return FALSE;
    for (guint i = 0; i < length; i++)
        if (strcmp(g_ptr_array_index(left->segments, i), g_ptr_array_index(right->segments, i)) !=
            0)
            return FALSE;
    return TRUE;
}

/* Whether many patterns of more than one length stand below the first @length segments of @first.
 */
static gboolean
is_crowded(const GPtrArray *patterns, const OshLearnPattern *first, guint length)
{
    guint count = 0;
    gboolean differ = FALSE;

    for (guint i = 0; i < patterns->len; i++) {
        const OshLearnPattern *other = g_ptr_array_index(patterns, i);

        if (!shares_prefix(first, other, length))
            continue;
        count++;
        differ |= other->segments->len != first->segments->len;
    }
    return count >= MANY_BELOW && differ;
}

static void
merge_below(GPtrArray *patterns, guint length, OshLearnMayFunc may, gpointer data)
{
    for (guint i = 0; i < patterns->len; i++) {
        OshLearnPattern *first = g_ptr_array_index(patterns, i);
        OshLearnPattern *wider;

        if (first->segments->len <= length || !is_crowded(patterns, first, length))
            continue;
        wider = widen(first, length, OSH_LEARN_BELOW, may, data);
        if (wider == NULL)
            continue;
        for (guint k = patterns->len; k > 0; k--)
            if (shares_prefix(wider, g_ptr_array_index(patterns, k - 1), length))
                g_ptr_array_remove_index(patterns, k - 1);
        g_ptr_array_add(patterns, wider);
        sort_and_drop_equal(patterns);
        i = G_MAXUINT; /* from the first again */
    }
}

void
osh_learn_generalise(GPtrArray *patterns, OshLearnMayFunc may, gpointer data)
{
    sort_and_drop_equal(patterns);
    generalise_ids(patterns, may, data);
    for (guint k = longest(patterns); k > 1; k--)
        merge_siblings(patterns, k - 1, may, data);
    for (guint k = 1; k < longest(patterns); k++)
        merge_children(patterns, k, may, data);
    /* the longest prefix first, so that a pattern covers as little as it can */
    for (guint k = longest(patterns); k > 2; k--)
        merge_below(patterns, k - 1, may, data);
}
