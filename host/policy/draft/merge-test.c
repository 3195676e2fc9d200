/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-test.c: every row of testdata/merges.txt: a policy, operations, what comes out and what is
 * said about it. The result always loads, and the policy that went in is never changed.
 */
#include "merge.h"
#include "operations.h"

#include <string.h>

#define MINIMUM_ROWS 50

typedef struct {
    char *sentence;
    char *policy;
    char *operations;
    char *result;
    char *says;
} Row;

static OshDraft *
read_draft(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshDraft *draft = osh_draft_read(&(OshPolicyLoadRequest){.text = text,
                                                             .length = strlen(text),
                                                             .file_name = "policy",
                                                             .flags = OSH_POLICY_LOAD_DERIVED},
                                     diagnostics);

    if (draft == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
    return draft;
}

/* The words of a row that begins with a star: the operations are a proposal. */
static OshDraft *
merge_row(const Row *row, const OshDraft *base, GString *says)
{
    gboolean proposed = row->sentence[0] == '*';
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) operations = osh_operations_read(row->operations, strlen(row->operations),
                                                          "operations", proposed, diagnostics);
    g_autoptr(GError) error = NULL;
    OshDraft *merged = NULL;
    gboolean good = operations != NULL;

    if (operations == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_string_append(says, messages);
    }
    for (guint i = 0; good && proposed && i < operations->len; i++)
        good = osh_merge_take_over(base, base, g_ptr_array_index(operations, i), &error);
    if (good)
        merged = osh_merge(base, operations, warnings, &error);
    for (guint i = 0; i < warnings->len; i++)
        g_string_append_printf(says, "warning: %s\n", (char *)g_ptr_array_index(warnings, i));
    if (error != NULL)
        g_string_append_printf(says, "error: %s\n", error->message);
    return merged;
}

/* What is marked, a line each. */
static void
append_marks(GString *text, const OshDraft *draft)
{
    static const char *const lists[] = {"endpoints", "binaries"};
    const OshValue *policies = osh_draft_policies(draft);

    for (guint i = 0; policies != NULL && i < osh_value_length(policies); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(lists); k++) {
            const OshValue *list = osh_value_find(osh_value_item(policies, i), lists[k]);

            for (guint m = 0; list != NULL && m < osh_value_length(list); m++)
                if (osh_value_is_proposed(osh_value_item(list, m)))
                    g_string_append_printf(text, "proposed: %s.%s[%u]\n",
                                           osh_value_key(policies, i), lists[k], m);
        }
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(OshDraft) base = read_draft(row->policy);
    g_autoptr(OshDraft) untouched = osh_draft_copy(base);
    g_autoptr(GString) says = g_string_new(NULL);
    g_autoptr(OshDraft) merged = merge_row(row, base, says);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;
    g_autofree char *text = merged != NULL ? osh_draft_write(merged, NULL) : g_strdup("");

    if (merged != NULL)
        append_marks(says, merged);
    if (g_getenv("OSH_PRINT_ROWS") != NULL) {
        g_print("=== %s\n%s--- operations\n%s--- result\n%s--- says\n%s", row->sentence,
                row->policy, row->operations, text, says->str);
        return;
    }
    g_assert_cmpstr(text, ==, row->result);
    g_assert_cmpstr(says->str, ==, row->says);
    g_assert_true(osh_draft_equal(base, untouched));
    if (merged == NULL)
        return;
    policy = osh_draft_compile(
        merged, &(OshPolicyLoadRequest){.file_name = "result", .generation = 1}, diagnostics);
    if (policy == NULL)
        g_error("%s", osh_policy_diagnostics_format(diagnostics));
}

static char *
cut(char **rest, const char *until)
{
    char *found = until != NULL ? strstr(*rest, until) : NULL;
    char *part = found != NULL ? g_strndup(*rest, (gsize)(found - *rest)) : g_strdup(*rest);

    *rest = found != NULL ? found + strlen(until) : *rest + strlen(*rest);
    return part;
}

static void
row_free(gpointer data)
{
    Row *row = data;

    g_free(row->sentence);
    g_free(row->policy);
    g_free(row->operations);
    g_free(row->result);
    g_free(row->says);
    g_free(row);
}

static Row *
row_new(char *text)
{
    Row *row = g_new0(Row, 1);
    char *rest = text;

    row->sentence = cut(&rest, "\n");
    row->policy = cut(&rest, "--- operations\n");
    row->operations = cut(&rest, "--- result\n");
    row->result = cut(&rest, "--- says\n");
    row->says = cut(&rest, NULL);
    return row;
}

static void
test_generated_name(void)
{
    static const struct {
        const char *host;
        guint16 port;
        const char *name;
    } rows[] = {
        {"api.example-one.com", 443, "allow_api_example_one_com_443"},
        {"*.example.com", 80, "allow__example_com_80"},
        {"10.0.0.1", 1, "allow_10_0_0_1_1"},
        {"", 443, "allow__443"},
        {"a\nb: c.test", 1, "allow_abc_test_1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = osh_merge_generated_name(rows[i].host, rows[i].port);

        g_assert_cmpstr(name, ==, rows[i].name);
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
    g_autofree char *table = NULL;
    g_auto(GStrv) texts = NULL;
    int status;

    g_test_init(&argc, &argv, NULL);
    if (argc < 2 || !g_file_get_contents(argv[1], &table, NULL, NULL))
        g_error("name the table as the argument");
    texts = g_strsplit(table, "=== ", -1);
    for (guint i = 1; texts[i] != NULL; i++) {
        Row *row = row_new(texts[i]);
        g_autofree char *path = g_strdup_printf("/merge/%s", row->sentence);

        g_ptr_array_add(rows, row);
        g_test_add_data_func(path, row, test_row);
    }
    g_assert_cmpuint(rows->len, >=, MINIMUM_ROWS);
    g_test_add_func("/merge/a generated name is fit for a key", test_generated_name);
    status = g_test_run();
    return status;
}
