/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-policy-merge.c: any policy and any file of operations, split at the first "\n---\n".
 *
 * What merges can be written and reads back the same, leaves the policy it began with alone, and
 * gives the same result and the same words again.
 */
#include "coverage.h"
#include "operations.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
merge(const OshDraft *base, const char *text, gsize length, gboolean proposed)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) operations =
        osh_operations_read(text, length, "operations", proposed, diagnostics);
    g_autoptr(OshDraft) merged = NULL;
    g_autoptr(GError) error = NULL;
    GString *outcome;
    char *written;

    for (guint i = 0; operations != NULL && i < operations->len; i++) {
        OshMergeOperation *operation = g_ptr_array_index(operations, i);

        if (operation->kind != OSH_MERGE_ADD_RULE)
            continue;
        osh_coverage_is_live(base, operation->rule);
        if (!osh_merge_take_over(base, base, operation, NULL))
            return g_strdup("");
    }
    if (operations == NULL)
        return osh_policy_diagnostics_format(diagnostics);
    merged = osh_merge(base, operations, warnings, &error);
    if ((merged == NULL) == (error == NULL))
        abort();
    if (merged == NULL)
        return g_strdup(error->message);
    written = osh_draft_write(merged, NULL);
    if (written == NULL)
        abort();
    outcome = g_string_new(written);
    for (guint i = 0; i < warnings->len; i++)
        g_string_append_printf(outcome, "%s\n", (char *)g_ptr_array_index(warnings, i));
    g_free(written);
    return g_string_free(outcome, FALSE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char rule[] = "\n---\n";
    const uint8_t *middle = size > 0 ? memmem(data, size, rule, strlen(rule)) : NULL;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) base = NULL;
    g_autoptr(OshDraft) untouched = NULL;

    if (middle == NULL)
        return 0;
    base = osh_draft_read(&(OshPolicyLoadRequest){.text = (const char *)data,
                                                  .length = (gsize)(middle + 1 - data),
                                                  .file_name = "policy"},
                          diagnostics);
    if (base == NULL)
        return 0;
    untouched = osh_draft_copy(base);
    middle += strlen(rule);
    for (guint proposed = 0; proposed < 2; proposed++) {
        const char *text = (const char *)middle;
        gsize length = size - (gsize)(middle - data);
        g_autofree char *once = merge(base, text, length, proposed == 1);
        g_autofree char *twice = merge(base, text, length, proposed == 1);

        if (strcmp(once, twice) != 0 || !osh_draft_equal(base, untouched))
            abort();
    }
    return 0;
}
