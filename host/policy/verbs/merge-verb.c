/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-verb.c: `policy merge` and `policy covers`.
 *
 * Main thread. They print a new policy or an answer; whether it comes into force is for a person.
 * Everything from the files is escaped on its way to standard error.
 */
#include "coverage.h"
#include "merge.h"
#include "model.h"
#include "operations.h"
#include "policy-verb.h"

#include <stdio.h>
#include <string.h>

#define MERGE_USAGE  "policy merge [--proposed] [--plugin-dir DIR]... POLICY OPERATIONS"
#define COVERS_USAGE "policy covers [--plugin-dir DIR]... POLICY OPERATIONS"

static GPtrArray *
read_operations(const char *path, gboolean proposed)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(path, diagnostics);
    GPtrArray *operations = NULL;

    if (text != NULL)
        operations = osh_operations_read(text->str, text->len, path, proposed, diagnostics);
    osh_policy_verb_complain(diagnostics);
    return operations;
}

static gboolean
take_over(const OshDraft *base, GPtrArray *operations)
{
    for (guint i = 0; i < operations->len; i++) {
        g_autoptr(GError) error = NULL;

        if (!osh_merge_take_over(base, base, g_ptr_array_index(operations, i), &error)) {
            osh_policy_verb_say("error", error->message);
            return FALSE;
        }
    }
    return TRUE;
}

static int
merge_files(OshPolicyProtocolTable *protocols, const char *policy_path, const char *operations_path,
            gboolean proposed)
{
    g_autoptr(OshDraft) base =
        osh_policy_verb_read(protocols, policy_path, OSH_POLICY_LOAD_ANY, TRUE);
    g_autoptr(GPtrArray) operations = NULL;
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(OshDraft) merged = NULL;
    g_autoptr(GError) error = NULL;

    if (base == NULL)
        return 1;
    operations = read_operations(operations_path, proposed);
    if (operations == NULL || (proposed && !take_over(base, operations)))
        return 1;
    merged = osh_merge(base, operations, warnings, &error);
    for (guint i = 0; i < warnings->len; i++)
        osh_policy_verb_say("warning", g_ptr_array_index(warnings, i));
    if (merged == NULL) {
        osh_policy_verb_say("error", error->message);
        return 1;
    }
    if (osh_draft_equal(base, merged))
        osh_policy_verb_say("warning", "nothing changes");
    if (proposed)
        osh_policy_verb_say(
            "warning", "a policy file does not say what was proposed: to put it into force is to "
                       "declare all of it, private addresses of exactly named hosts included");
    return osh_policy_verb_print_result(protocols, merged, "merged policy");
}

int
osh_policy_verb_merge(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    gboolean proposed = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"proposed", 0, 0, G_OPTION_ARG_NONE, &proposed,
         "Operations that a program proposed: only additions are read, and a bare host and port "
         "take over the existing endpoint",
         NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "POLICY OPERATIONS"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse(
            "policy merge", "- apply operations to a policy, all or none",
            "Prints the new policy. Exit code 1 when an operation cannot be done or the "
            "result would not load.",
            entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL || g_strv_length(files) != 2)
        return osh_verb_usage("policy merge", "name a policy and a file of operations",
                              MERGE_USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("policy merge", error->message, NULL);
    return merge_files(protocols, files[0], files[1], proposed);
}

static int
covers_files(OshPolicyProtocolTable *protocols, const char *policy_path,
             const char *operations_path)
{
    g_autoptr(OshDraft) policy =
        osh_policy_verb_read(protocols, policy_path, OSH_POLICY_LOAD_ANY, FALSE);
    g_autoptr(GPtrArray) operations = NULL;
    gboolean all = TRUE;

    if (policy != NULL)
        operations = read_operations(operations_path, FALSE);
    for (guint i = 0; operations != NULL && i < operations->len; i++) {
        const OshMergeOperation *operation = g_ptr_array_index(operations, i);
        g_autoptr(GString) name = g_string_new(NULL);
        gboolean live;

        if (operation->kind != OSH_MERGE_ADD_RULE)
            continue;
        live = osh_coverage_is_live(policy, operation->rule);
        all &= live;
        osh_policy_append_printable(name, operation->rule_name);
        printf("%s: %s\n", name->str, live ? "granted" : "not granted");
    }
    return operations != NULL && all ? 0 : 1;
}

int
osh_policy_verb_covers(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "POLICY OPERATIONS"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse("policy covers",
                        "- tell whether a policy already grants what is to be added",
                        "Exit code 0 when it grants all of it, 1 when not.", entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL || g_strv_length(files) != 2)
        return osh_verb_usage("policy covers", "name a policy and a file of operations",
                              COVERS_USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("policy covers", error->message, NULL);
    return covers_files(protocols, files[0], files[1]);
}
