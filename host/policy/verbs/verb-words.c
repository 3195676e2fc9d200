/* SPDX-License-Identifier: Apache-2.0 */
/* verb-words.c: reads the words behind a verb. Main thread. */
#include "verb-words.h"

#include <stdio.h>

int
osh_verb_usage(const char *verb, const char *problem, const char *usage)
{
    g_autoptr(GString) line = g_string_new(NULL);

    osh_policy_append_printable(line, problem);
    fprintf(stderr, "%s: %s\n", verb, line->str);
    if (usage != NULL)
        fprintf(stderr, "write: %s\n", usage);
    return OSH_VERB_ASKED_WRONGLY;
}

gboolean
osh_verb_parse(const char *verb, const char *summary, const char *description,
               const GOptionEntry *entries, int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(summary);
    g_auto(GStrv) arguments = g_new0(char *, (gsize)argc + 1);
    g_autoptr(GError) error = NULL;

    /* the first word is what --help calls the program */
    for (int i = 0; i < argc; i++)
        arguments[i] = i == 0 ? g_strconcat("openshell-host ", verb, NULL) : g_strdup(argv[i]);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context, description);
    if (g_option_context_parse_strv(context, &arguments, &error))
        return TRUE;
    osh_verb_usage(verb, error->message, NULL);
    return FALSE;
}
