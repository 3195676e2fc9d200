/* SPDX-License-Identifier: Apache-2.0 */
/* explain-verb.c: `explain`: the command line of osh_policy_explain(). Main thread. */
#include "explain.h"
#include "verbs.h"

#include <stdio.h>

#define EXIT_USAGE 125

static int
usage(const char *problem)
{
    fprintf(stderr,
            "explain: %s\n"
            "write: explain POLICY [METHOD] URL --binary PATH [--ancestor PATH]...\n",
            problem);
    return EXIT_USAGE;
}

static int
explain_words(char **words, guint n_words, const char *binary, const char *const *ancestors)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load_file(words[0], 1, OSH_POLICY_LOAD_ANY, diagnostics);
    OshPolicyExplanation explanation = {0};
    g_autoptr(GError) error = NULL;

    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        fputs(messages, stderr);
        return EXIT_USAGE;
    }
    if (!osh_policy_explain(policy, n_words == 3 ? words[1] : NULL, words[n_words - 1], binary,
                            ancestors, &explanation, &error))
        return usage(error->message);
    fputs(explanation.text, stdout);
    osh_policy_explanation_clear(&explanation);
    return explanation.allowed ? 0 : 1;
}

int
osh_verb_explain(int argc, char **argv)
{
    g_autofree char *binary = NULL;
    g_auto(GStrv) ancestors = NULL;
    g_auto(GStrv) words = NULL;
    const GOptionEntry entries[] = {
        {"binary", 0, 0, G_OPTION_ARG_FILENAME, &binary, "Executable of the process", "PATH"},
        {"ancestor", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &ancestors,
         "Executable of a parent, nearest first", "PATH"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL,
         "POLICY [METHOD] URL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- explain a decision");
    g_auto(GStrv) arguments = g_new0(char *, (gsize)argc + 1);
    g_autoptr(GError) error = NULL;
    guint n_words;

    for (int i = 0; i < argc; i++)
        arguments[i] = g_strdup(argv[i]);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse_strv(context, &arguments, &error))
        return usage(error->message);
    n_words = words != NULL ? g_strv_length(words) : 0;
    if (n_words < 2 || n_words > 3)
        return usage("name a policy and a URL");
    if (binary == NULL)
        return usage("name the process with --binary");
    return explain_words(words, n_words, binary, (const char *const *)ancestors);
}
