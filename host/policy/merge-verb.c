/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge-verb.c: `policy merge`, `policy compose` and `policy covers`.
 *
 * Main thread. They print a new policy or an answer; whether it comes into force is for a person.
 * Everything from the files is escaped on its way to standard error.
 */
#include "comments.h"
#include "compose.h"
#include "coverage.h"
#include "merge.h"
#include "model.h"
#include "operations.h"
#include "policy-verb.h"

#include <stdio.h>
#include <string.h>

#define MERGE_USAGE  "policy merge [--proposed] [--plugin-dir DIR]... POLICY OPERATIONS"
#define COVERS_USAGE "policy covers [--plugin-dir DIR]... POLICY OPERATIONS"
#define COMPOSE_USAGE                                                                              \
    "policy compose [--plugin-dir DIR]... POLICY --provider NAME=FILE [--provider NAME=FILE]..."

static void
say(const char *kind, const char *message)
{
    g_autoptr(GString) line = g_string_new(NULL);

    osh_policy_append_printable(line, message);
    fprintf(stderr, "%s: %s\n", kind, line->str);
}

/* Reads a policy; its warnings come again with the result, so only a refusal is told. */
static OshDraft *
read_policy(OshPolicyProtocolTable *protocols, const char *path, gboolean tell_comments)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(path, diagnostics);
    OshDraft *draft = NULL;
    guint line;

    if (text != NULL)
        draft = osh_draft_read_with(protocols, text->str, text->len, path, OSH_POLICY_LOAD_ANY,
                                    diagnostics);
    if (draft == NULL) {
        osh_policy_verb_complain(diagnostics);
        return NULL;
    }
    line = tell_comments ? osh_yaml_first_comment(text->str, text->len) : 0;
    if (line > 0) {
        g_autofree char *message =
            g_strdup_printf("%s:%u: comments are not in the result", path, line);

        say("warning", message);
    }
    return draft;
}

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

/* Loads the result once, as it is printed, so that nothing is printed that would not load. */
static int
print_result(OshPolicyProtocolTable *protocols, const OshDraft *draft, const char *name)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = osh_draft_write(draft, &error);
    OshPolicySnapshot *policy;

    if (text == NULL) {
        say("error", error->message);
        return 1;
    }
    policy = osh_policy_load_bytes_with(protocols, text, strlen(text), name, 1, OSH_POLICY_LOAD_ANY,
                                        diagnostics);
    osh_policy_verb_complain(diagnostics);
    if (policy == NULL)
        return 1;
    osh_policy_snapshot_unref(policy);
    fputs(text, stdout);
    return 0;
}

static gboolean
take_over(const OshDraft *base, GPtrArray *operations)
{
    for (guint i = 0; i < operations->len; i++) {
        g_autoptr(GError) error = NULL;

        if (!osh_merge_take_over(base, base, g_ptr_array_index(operations, i), &error)) {
            say("error", error->message);
            return FALSE;
        }
    }
    return TRUE;
}

static int
merge_files(OshPolicyProtocolTable *protocols, const char *policy_path, const char *operations_path,
            gboolean proposed)
{
    g_autoptr(OshDraft) base = read_policy(protocols, policy_path, TRUE);
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
        say("warning", g_ptr_array_index(warnings, i));
    if (merged == NULL) {
        say("error", error->message);
        return 1;
    }
    if (osh_draft_equal(base, merged))
        say("warning", "nothing changes");
    if (proposed)
        say("warning", "a file cannot say what was proposed: whoever puts this into force declares "
                       "it, private addresses of exactly named hosts included");
    return print_result(protocols, merged, "merged policy");
}

int
osh_policy_verb_merge(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    gboolean proposed = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"proposed", 0, 0, G_OPTION_ARG_NONE, &proposed,
         "A program asks for it: only additions are read, and a bare host and port take over the "
         "endpoint that is there",
         NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "POLICY OPERATIONS"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse(
            "policy merge", "- do operations on a policy, all or none",
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
    g_autoptr(OshDraft) policy = read_policy(protocols, policy_path, FALSE);
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

    if (!osh_verb_parse("policy covers", "- whether a policy grants what is to be added",
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

/* A provider adds policies; the box and its middlewares are not its business. */
static gboolean
check_layer(const OshDraft *layer, const char *path)
{
    const OshValue *root = osh_draft_root(layer);
    const OshValue *policies = osh_draft_policies(layer);

    for (guint i = 0; i < osh_value_length(root); i++) {
        const char *key = osh_value_key(root, i);
        g_autofree char *message = NULL;

        if (strcmp(key, "version") == 0 || strcmp(key, "network_policies") == 0)
            continue;
        message = g_strdup_printf("%s: a provider adds network_policies only, not %s", path, key);
        say("error", message);
        return FALSE;
    }
    if (policies == NULL || osh_value_length(policies) == 0) {
        g_autofree char *message = g_strdup_printf("%s: there is no policy in it", path);

        say("error", message);
        return FALSE;
    }
    return TRUE;
}

static gboolean
add_provider(OshPolicyProtocolTable *protocols, OshDraft *draft, const char *provider)
{
    const char *equals = strchr(provider, '=');
    g_autofree char *name = NULL;
    g_autoptr(OshDraft) layer = NULL;
    g_autoptr(GArray) policies = NULL;

    if (equals == NULL || equals == provider || equals[1] == '\0') {
        say("error", "write --provider NAME=FILE");
        return FALSE;
    }
    name = g_strndup(provider, (gsize)(equals - provider));
    layer = read_policy(protocols, equals + 1, FALSE);
    if (layer == NULL || !check_layer(layer, equals + 1))
        return FALSE;
    policies = osh_draft_sorted_policies(layer);
    for (guint i = 0; i < policies->len; i++)
        g_free(osh_compose_add(draft, name, g_array_index(policies, OshDraftPolicy, i).policy));
    return TRUE;
}

static int
compose_files(OshPolicyProtocolTable *protocols, const char *path, char **providers)
{
    g_autoptr(OshDraft) draft = read_policy(protocols, path, TRUE);

    if (draft == NULL)
        return 1;
    for (gsize i = 0; providers[i] != NULL; i++)
        if (!add_provider(protocols, draft, providers[i]))
            return 1;
    return print_result(protocols, draft, "composed policy");
}

int
osh_policy_verb_compose(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    g_auto(GStrv) providers = NULL;
    const GOptionEntry entries[] = {
        {"provider", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &providers,
         "A policy file whose network_policies are added under _provider_NAME; repeatable",
         "NAME=FILE"},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "POLICY"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse("policy compose", "- add the layers of providers to a policy", NULL,
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL || files[1] != NULL || providers == NULL)
        return osh_verb_usage("policy compose", "name one policy and the providers", COMPOSE_USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("policy compose", error->message, NULL);
    return compose_files(protocols, files[0], providers);
}
