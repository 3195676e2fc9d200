/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.c: the operation of a document that a server runs, and the fields at its root. [any]
 *
 * Where servers differ about which one that is (section 5.2: names that occur twice, an operation
 * without a name beside others), there is none. Each fragment is taken once, however often and
 * through whatever circle it is spread, so the work grows with the document alone.
 */
#include "graphql-document.h"

#include <string.h>

static int
compare_spans(OshSpan a, OshSpan b)
{
    gsize shorter = MIN(a.length, b.length);
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return compare_spans(*(const OshSpan *)a, *(const OshSpan *)b);
}

static int
compare_definitions(gconstpointer a, gconstpointer b)
{
    return compare_spans((*(GraphqlDefinition *const *)a)->name,
                         (*(GraphqlDefinition *const *)b)->name);
}

/* Returns: (transfer full) (element-type GraphqlDefinition): fragments, or operations, by name */
static GPtrArray *
sorted_definitions(GraphqlDocument *document, gboolean fragments)
{
    GPtrArray *sorted = g_ptr_array_new();

    for (guint i = 0; i < document->definitions->len; i++) {
        GraphqlDefinition *definition = &g_array_index(document->definitions, GraphqlDefinition, i);

        if ((definition->kind == GRAPHQL_FRAGMENT) == fragments)
            g_ptr_array_add(sorted, definition);
    }
    g_ptr_array_sort(sorted, compare_definitions);
    return sorted;
}

static gboolean
has_duplicate(const GPtrArray *sorted)
{
    for (guint i = 1; i < sorted->len; i++)
        if (compare_definitions(&sorted->pdata[i - 1], &sorted->pdata[i]) == 0)
            return TRUE;
    return FALSE;
}

/* Returns: (nullable) */
static GraphqlDefinition *
find_definition(const GPtrArray *sorted, OshSpan name)
{
    guint low = 0;
    guint high = sorted->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        GraphqlDefinition *definition = g_ptr_array_index(sorted, middle);
        int order = compare_spans(name, definition->name);

        if (order == 0)
            return definition;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static GraphqlProblem
select_operation(const GPtrArray *operations, OshSpan name, GraphqlDefinition **ret_operation)
{
    if (operations->len == 0)
        return GRAPHQL_NO_OPERATION;
    /* The empty name is the first. */
    if (operations->len > 1 &&
        ((const GraphqlDefinition *)g_ptr_array_index(operations, 0))->name.length == 0)
        return GRAPHQL_UNNAMED;
    if (has_duplicate(operations))
        return GRAPHQL_DUPLICATE;
    if (name.length == 0) {
        *ret_operation = g_ptr_array_index(operations, 0);
        return operations->len == 1 ? GRAPHQL_OK : GRAPHQL_AMBIGUOUS;
    }
    *ret_operation = find_definition(operations, name);
    return *ret_operation != NULL ? GRAPHQL_OK : GRAPHQL_NOT_FOUND;
}

/* Adds the fields of @definition to @fields, and fragments that were not taken yet to @waiting. */
static GraphqlProblem
collect(const GraphqlDocument *document, const GraphqlDefinition *definition,
        const GPtrArray *fragments, GArray *fields, GPtrArray *waiting)
{
    for (guint i = 0; i < definition->n_selections; i++) {
        const GraphqlSelection *selection =
            &g_array_index(document->selections, GraphqlSelection, definition->first + i);
        GraphqlDefinition *fragment;

        if (!selection->is_spread) {
            g_array_append_val(fields, selection->name);
            continue;
        }
        fragment = find_definition(fragments, selection->name);
        if (fragment == NULL)
            return GRAPHQL_NO_FRAGMENT;
        if (!fragment->is_collected)
            g_ptr_array_add(waiting, fragment);
        fragment->is_collected = TRUE;
    }
    return GRAPHQL_OK;
}

static void
sort_unique(GArray *fields)
{
    guint kept = 0;

    g_array_sort(fields, compare_names);
    for (guint i = 0; i < fields->len; i++) {
        OshSpan name = g_array_index(fields, OshSpan, i);

        if (kept == 0 || compare_spans(g_array_index(fields, OshSpan, kept - 1), name) != 0)
            g_array_index(fields, OshSpan, kept++) = name;
    }
    g_array_set_size(fields, kept);
}

static GraphqlProblem
collect_all(GraphqlDocument *document, GraphqlDefinition *operation, GArray *fields)
{
    g_autoptr(GPtrArray) fragments = sorted_definitions(document, TRUE);
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();
    GraphqlProblem problem;

    if (has_duplicate(fragments))
        return GRAPHQL_DUPLICATE;
    for (guint i = 0; i < fragments->len; i++)
        ((GraphqlDefinition *)g_ptr_array_index(fragments, i))->is_collected = FALSE;
    problem = collect(document, operation, fragments, fields, waiting);
    for (guint i = 0; problem == GRAPHQL_OK && i < waiting->len; i++)
        problem = collect(document, g_ptr_array_index(waiting, i), fragments, fields, waiting);
    if (problem == GRAPHQL_OK && fields->len == 0)
        problem = GRAPHQL_CYCLE;
    sort_unique(fields);
    return problem;
}

const GraphqlDefinition *
graphql_document_operation(GraphqlDocument *document, OshSpan name, GArray **ret_fields,
                           GraphqlError *ret_error)
{
    g_autoptr(GPtrArray) operations = sorted_definitions(document, FALSE);
    g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(OshSpan));
    GraphqlDefinition *operation = NULL;

    *ret_error = (GraphqlError){select_operation(operations, name, &operation), 0};
    if (ret_error->problem == GRAPHQL_OK)
        ret_error->problem = collect_all(document, operation, fields);
    if (ret_error->problem != GRAPHQL_OK)
        return NULL;
    *ret_fields = g_steal_pointer(&fields);
    return operation;
}

void
graphql_error_append(GString *text, const GraphqlError *error, const GraphqlLimits *limits)
{
    static const char *const words[] = {
        [GRAPHQL_OK] = "nothing is wrong with the document",
        [GRAPHQL_SYNTAX] = "the document is not GraphQL",
        [GRAPHQL_TOKENS] = "the document has too many tokens",
        [GRAPHQL_DEPTH] = "the document is nested too deep",
        [GRAPHQL_NOT_EXECUTABLE] = "the document defines types, which no request does",
        [GRAPHQL_NO_OPERATION] = "the document has no operation",
        [GRAPHQL_UNNAMED] = "the document has an operation without a name beside others",
        [GRAPHQL_AMBIGUOUS] = "the document has several operations: name one in operationName",
        [GRAPHQL_NOT_FOUND] = "the document has no operation of the name in operationName",
        [GRAPHQL_DUPLICATE] = "the document has two operations or two fragments of one name",
        [GRAPHQL_NO_FRAGMENT] = "the document uses a fragment that it does not define",
        [GRAPHQL_CYCLE] = "the fragments of the document include each other and no field",
    };

    g_string_append(text, words[error->problem]);
    if (error->problem == GRAPHQL_SYNTAX)
        g_string_append_printf(text, ", byte %" G_GSIZE_FORMAT, error->offset + 1);
    else if (error->problem == GRAPHQL_TOKENS)
        g_string_append_printf(text, ": max_tokens is %u", limits->tokens);
    else if (error->problem == GRAPHQL_DEPTH)
        g_string_append_printf(text, ": max_depth is %u", limits->depth);
}
