/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-verb.c: `policy`: tools that turn policy files into others.
 *
 * Main thread. They print; none of them changes a file or makes anything live.
 */
#include "policy-verb.h"

#include "comments.h"
#include "model.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);
    const char *usage;
    const char *summary;
} sub_verbs[] = {
    {"format", osh_policy_verb_format, "format [--drop-comments] FILE",
     "the same policy in the standard layout"},
    {"merge", osh_policy_verb_merge, "merge [--proposed] POLICY OPERATIONS",
     "the policy with all operations applied; exit 1 when one cannot be"},
    {"compose", osh_policy_verb_compose, "compose [--replace] FILE... [--provider NAME=FILE]...",
     "policies and fragments of policies as one; exit 1 when they contradict each other"},
    {"covers", osh_policy_verb_covers, "covers POLICY OPERATIONS",
     "whether the policy grants all that is to be added; exit 1 when it does not"},
    /* of host/record, which stands above the policy: main.c calls it before it comes here */
    {"learn", NULL, "learn [--ceiling POLICY] [--base POLICY] [--requests] [-o OUT] RECORDING",
     "the smallest policy that allows a recording; exit 1 when something is left to a person"},
};

static void
print_table(FILE *stream)
{
    for (gsize i = 0; i < G_N_ELEMENTS(sub_verbs); i++)
        fprintf(stream, "  openshell-host policy %s\n      %s\n", sub_verbs[i].usage,
                sub_verbs[i].summary);
}

int
osh_verb_policy(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_table(stdout);
        return 0;
    }
    for (gsize i = 0; argc > 1 && i < G_N_ELEMENTS(sub_verbs); i++)
        if (sub_verbs[i].run != NULL && strcmp(argv[1], sub_verbs[i].name) == 0)
            return sub_verbs[i].run(argc - 1, argv + 1, find_protocols);
    fputs(argc > 1 ? "policy: there is no such verb; write one of\n" : "policy: write one of\n",
          stderr);
    print_table(stderr);
    return OSH_VERB_ASKED_WRONGLY;
}

void
osh_policy_verb_complain(OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    fputs(messages, stderr);
}

void
osh_policy_verb_say(const char *kind, const char *message)
{
    g_autoptr(GString) line = g_string_new(NULL);

    osh_policy_append_printable(line, message);
    fprintf(stderr, "%s: %s\n", kind, line->str);
}

OshDraft *
osh_policy_verb_read(OshPolicyProtocolTable *protocols, const char *path, guint flags,
                     gboolean tell_comments)
{
    gboolean piped = strcmp(path, "-") == 0;
    const char *name = piped ? "(standard input)" : path;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(piped ? NULL : path, diagnostics);
    OshDraft *draft = NULL;
    guint line;

    if (text != NULL)
        draft = osh_draft_read(&(OshPolicyLoadRequest){.protocols = protocols,
                                                       .text = text->str,
                                                       .length = text->len,
                                                       .file_name = name,
                                                       .flags = flags},
                               diagnostics);
    if (draft == NULL) {
        osh_policy_verb_complain(diagnostics);
        return NULL;
    }
    line = tell_comments ? osh_yaml_first_comment(text->str, text->len) : 0;
    if (line > 0) {
        g_autofree char *message =
            g_strdup_printf("%s:%u: comments are not in the result", name, line);

        osh_policy_verb_say("warning", message);
    }
    return draft;
}

int
osh_policy_verb_print_result(OshPolicyProtocolTable *protocols, const OshDraft *draft,
                             const char *name)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = osh_draft_write(draft, &error);
    OshPolicySnapshot *policy;

    if (text == NULL) {
        osh_policy_verb_say("error", error->message);
        return 1;
    }
    policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = protocols,
                                                     .text = text,
                                                     .length = strlen(text),
                                                     .file_name = name,
                                                     .generation = 1},
                             diagnostics);
    osh_policy_verb_complain(diagnostics);
    if (policy == NULL)
        return 1;
    osh_policy_snapshot_unref(policy);
    fputs(text, stdout);
    return 0;
}

gboolean
osh_policy_verb_print(const OshDraft *draft)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = osh_draft_write(draft, &error);

    if (text == NULL) {
        fprintf(stderr, "policy: %s\n", error->message);
        return FALSE;
    }
    fputs(text, stdout);
    return TRUE;
}
