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
    int (*run)(int argc, char **argv, OshPolicyProtocolsFunc find_protocols);
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
