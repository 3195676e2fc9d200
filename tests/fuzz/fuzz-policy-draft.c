/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-policy-draft.c: any policy, read as a draft, written, and read again.
 *
 * What the loader accepts can be written, reads back as the same draft, and is written the same. So
 * does what is composed of it, or of a fragment, with itself.
 */
#include "compose.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static OshDraft *
read_draft(const char *text, gsize size)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

    return osh_draft_read(
        &(OshPolicyLoadRequest){.text = text, .length = size, .file_name = "fuzz.yaml"},
        diagnostics);
}

static void
compose(const char *text, gsize size)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text,
                                .length = size,
                                .file_name = "fuzz.yaml",
                                .flags = OSH_POLICY_LOAD_ANY | OSH_POLICY_LOAD_FRAGMENT},
        diagnostics);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    OshComposition *composition = osh_composition_new(FALSE);
    g_autofree char *written = NULL;
    g_autoptr(OshDraft) again = NULL;

    for (guint i = 0; draft != NULL && i < 2; i++)
        if (!osh_composition_add(composition, draft, "fuzz.yaml", notes, NULL) || notes->len > 0)
            abort();
    written = osh_draft_write(osh_composition_draft(composition), NULL);
    again = written != NULL ? read_draft(written, strlen(written)) : NULL;
    if (again == NULL || !osh_draft_equal(osh_composition_draft(composition), again))
        abort();
    osh_composition_free(composition);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OshDraft *draft = read_draft((const char *)data, size);
    g_autoptr(OshDraft) again = NULL;
    g_autofree char *text = NULL;
    g_autofree char *twice = NULL;

    compose((const char *)data, size);
    if (draft == NULL)
        return 0;
    text = osh_draft_write(draft, NULL);
    if (text == NULL)
        abort();
    again = read_draft(text, strlen(text));
    if (again == NULL || !osh_draft_equal(draft, again))
        abort();
    twice = osh_draft_write(again, NULL);
    if (strcmp(text, twice) != 0)
        abort();
    osh_draft_free(draft);
    return 0;
}
