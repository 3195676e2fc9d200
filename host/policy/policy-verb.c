/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-verb.c: `policy`: tools that turn policy files into others.
 *
 * Main thread. They print; none of them changes a file or makes anything live.
 */
#include "policy-verb.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
    const char *summary;
} sub_verbs[] = {
    {"format", osh_policy_verb_format, "format [--drop-comments] FILE",
     "the same policy, written evenly"},
    {"merge", osh_policy_verb_merge, "merge [--proposed] POLICY OPERATIONS",
     "the policy with all operations done; exit 1 when one cannot be"},
    {"compose", osh_policy_verb_compose, "compose POLICY --provider NAME=FILE...",
     "the policy with the layers of providers, as it would be in force"},
    {"covers", osh_policy_verb_covers, "covers POLICY OPERATIONS",
     "whether the policy grants all that is to be added; exit 1 when it does not"},
};

static void
print_table(FILE *stream)
{
    for (gsize i = 0; i < G_N_ELEMENTS(sub_verbs); i++)
        fprintf(stream, "  openshell-host policy %s\n      %s\n", sub_verbs[i].usage,
                sub_verbs[i].summary);
}

int
osh_verb_policy(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_table(stdout);
        return 0;
    }
    for (gsize i = 0; argc > 1 && i < G_N_ELEMENTS(sub_verbs); i++)
        if (strcmp(argv[1], sub_verbs[i].name) == 0)
            return sub_verbs[i].run(argc - 1, argv + 1);
    fputs(argc > 1 ? "policy: there is no such verb; write one of\n" : "policy: write one of\n",
          stderr);
    print_table(stderr);
    return OSH_POLICY_EXIT_USAGE;
}

gboolean
osh_policy_verb_parse(int argc, char **argv, const GOptionEntry *entries, const char *usage)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_auto(GStrv) arguments = g_new0(char *, (gsize)argc + 1);
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < argc; i++)
        arguments[i] = g_strdup(argv[i]);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_add_main_entries(context, entries, NULL);
    if (g_option_context_parse_strv(context, &arguments, &error))
        return TRUE;
    fprintf(stderr, "policy %s: %s; write: policy %s\n", argv[0], error->message, usage);
    return FALSE;
}

void
osh_policy_verb_complain(OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    fputs(messages, stderr);
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
