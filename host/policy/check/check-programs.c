/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-programs.c: binaries of a policy that no process is known by on this machine: a path that
 * leads through a linked folder, and a script, which its interpreter runs. Only reads; runs on the
 * loading thread. What is not there may be there elsewhere, and is not mentioned.
 */
#include "normalise.h"
#include "program-path.h"
#include "question.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

/* Whether @entry names @path, in this or another of its binaries. */
static gboolean
names_program(const OshPolicySnapshot *snapshot, const OshPolicyEntry *entry, const char *path)
{
    guint id = GPOINTER_TO_UINT(g_hash_table_lookup(snapshot->binary_ids, path));

    for (guint i = 0; id != 0 && i < entry->n_binaries; i++)
        if (entry->binaries[i] == id)
            return TRUE;
    for (guint i = 0; i < entry->n_binary_patterns; i++)
        if (osh_policy_pattern_matches(entry->binary_patterns[i], (OshSpan){path, strlen(path)}) !=
            OSH_POLICY_NO)
            return TRUE;
    return FALSE;
}

static void
check_program(OshPolicyLoader *loader, const OshPolicyEntry *entry, const OshYamlNode *node)
{
    g_auto(OshProgramPath) program = {0};
    g_autofree char *target = NULL;
    g_autofree char *note = NULL;

    if (!osh_program_path_find(node->text, &program))
        return;
    note = osh_program_path_note(node->text, &program);
    if (note == NULL || names_program(loader->snapshot, entry, program.path))
        return;
    /* A run adds this by itself. */
    target = program.script == NULL ? osh_policy_link_target(node->text) : NULL;
    if (g_strcmp0(target, program.path) == 0)
        return;
    osh_yaml_warning_hint(loader->diagnostics, node,
                          program.script != NULL && program.is_shell
                              ? g_strdup("name the program that it starts and that connects")
                              : g_strdup_printf("write %s", program.path),
                          "this binary matches no process: %s", note);
}

/* A pattern matches the paths of processes, which hold no links. */
static void
check_folder(OshPolicyLoader *loader, const OshYamlNode *node)
{
    g_autofree char *prefix = g_strndup(node->text, strcspn(node->text, "*?[{\\"));
    char *slash = strrchr(prefix, '/');
    char *real;

    if (slash == NULL || slash == prefix)
        return;
    *slash = '\0';
    real = realpath(prefix, NULL);
    if (real != NULL && strcmp(real, prefix) != 0)
        osh_yaml_warning_hint(loader->diagnostics, node,
                              g_strdup_printf("write %s%s", real, node->text + (slash - prefix)),
                              "this pattern matches no process: %s is a link to %s on this machine",
                              prefix, real);
    free(real);
}

void
osh_schema_check_programs(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;

    for (guint i = 0; i < snapshot->n_policies; i++) {
        const OshPolicyEntry *entry = &snapshot->policies[i];
        const OshYamlNode *list = osh_yaml_find(entry->source, "binaries");

        if (entry->any_binary || list == NULL || list->kind != OSH_YAML_SEQUENCE)
            continue;
        for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
            const OshYamlNode *path =
                child->kind == OSH_YAML_SCALAR ? child : osh_yaml_find(child, "path");

            if (path == NULL || path->kind != OSH_YAML_SCALAR || path->text[0] != '/')
                continue;
            if (strchr(path->text, '*') != NULL)
                check_folder(loader, path);
            else
                check_program(loader, entry, path);
        }
    }
}
