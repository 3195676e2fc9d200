/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-vectors.c: runs the decision vectors of a directory against the engine.
 *
 * Reads DIR/cases.jsonl and the policies in DIR/policies, asks the same functions that a run uses,
 * and prints one line for each row that differs, a table, and the sum. Knows nothing about how an
 * answer comes about, so it cannot make one come out right.
 */
#include "answers.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    guint passed;
    guint failed;
} Count;

static void
count(GHashTable *counts, const char *key, gboolean passed)
{
    Count *entry = g_hash_table_lookup(counts, key);

    if (entry == NULL) {
        entry = g_new0(Count, 1);
        g_hash_table_insert(counts, g_strdup(key), entry);
    }
    if (passed)
        entry->passed++;
    else
        entry->failed++;
}

static void
print_counts(const char *title, GHashTable *counts)
{
    g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(counts), (GCompareFunc)strcmp);

    printf("%-16s %8s %8s\n", title, "passed", "failed");
    for (GList *key = keys; key != NULL; key = key->next) {
        const Count *entry = g_hash_table_lookup(counts, key->data);

        printf("%-16s %8u %8u\n", (const char *)key->data, entry->passed, entry->failed);
    }
}

static const char *
member(json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

static gboolean
run_row(json_t *row, OshVectorPolicies *policies)
{
    g_autoptr(GString) problem = g_string_new(NULL);

    osh_vector_check(row, policies, problem);
    if (problem->len == 0)
        return TRUE;
    printf("FAIL %s: %s\n", member(row, "id"), problem->str);
    return FALSE;
}

int
main(int argc, char **argv)
{
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) since = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    g_autoptr(GError) error = NULL;
    OshVectorPolicies *policies;
    Count total = {0, 0};

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    path = g_build_filename(argv[1], "cases.jsonl", NULL);
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    policies = osh_vector_policies_new(argv[1]);
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        json_error_t problem;
        json_t *row;
        gboolean passed;

        if (*g_strstrip(lines[i]) == '\0')
            continue;
        row = json_loads(lines[i], JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
        if (row == NULL) {
            printf("FAIL line %u: expected JSON, got %s\n", i + 1, problem.text);
            total.failed++;
            continue;
        }
        passed = run_row(row, policies);
        count(kinds, member(row, "kind"), passed);
        count(since, member(row, "since"), passed);
        if (passed)
            total.passed++;
        else
            total.failed++;
        json_decref(row);
    }
    osh_vector_policies_free(policies);
    print_counts("kind", kinds);
    print_counts("since", since);
    printf("%u passed, %u failed\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}
