/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broken-test.c: every policy of testdata/broken-policies.txt is refused with exactly the messages
 * that stand under it. The table is text so that a person can read what they would be told.
 */
#include "policy.h"

#include <string.h>

#define MINIMUM_ROWS 100

static char *table;

static void
test_row(gconstpointer data)
{
    static const char rule[] = "\n---\n";
    /* the last one, for a policy may hold a line of dashes itself */
    const char *end = g_strrstr(data, rule);
    const char *start = strchr(data, '\n');
    g_autofree char *body = NULL;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *messages = NULL;

    g_assert_nonnull(end);
    /* the first line is the sentence; what follows, up to the rule, is the policy */
    body = start < end ? g_strndup(start + 1, (gsize)(end - start)) : g_strdup("");
    g_assert_null(osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = body, .length = strlen(body), .file_name = "policy.yaml", .generation = 1},
        diagnostics));
    messages = osh_policy_diagnostics_format(diagnostics);
    g_assert_cmpstr(messages, ==, end + strlen(rule));
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) rows = NULL;
    guint n_rows;

    g_test_init(&argc, &argv, NULL);
    if (argc < 2 || !g_file_get_contents(argv[1], &table, NULL, &error))
        g_error("no table: %s", error != NULL ? error->message : "name it as the argument");
    rows = g_strsplit(table, "\n=== ", -1);
    n_rows = g_strv_length(rows);
    g_assert_cmpuint(n_rows, >, MINIMUM_ROWS);
    for (guint i = 1; i < n_rows; i++) {
        g_autofree char *sentence = g_strndup(rows[i], strcspn(rows[i], "\n"));
        g_autofree char *path = g_strdup_printf("/broken/%s", sentence);

        /* the separator took the line end of every row but the last */
        if (i + 1 < n_rows) {
            char *whole = g_strconcat(rows[i], "\n", NULL);

            g_free(rows[i]);
            rows[i] = whole;
        }
        g_test_add_data_func(path, rows[i], test_row);
    }
    g_free(table);
    return g_test_run();
}
