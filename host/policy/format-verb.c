/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format-verb.c: `policy format`: a policy file, written evenly.
 *
 * Main thread. Comments are worth more than even spacing, so a file that has some is refused unless
 * the caller gives them up.
 */
#include "comments.h"
#include "model.h"
#include "policy-verb.h"

#include <stdio.h>

#define USAGE "format [--drop-comments] FILE"

static int
format_file(const char *path, gboolean drop_comments)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(path, diagnostics);
    g_autoptr(OshDraft) draft = NULL;
    guint line;

    if (text != NULL)
        draft = osh_draft_read(text->str, text->len, path, OSH_POLICY_LOAD_ANY, diagnostics);
    osh_policy_verb_complain(diagnostics);
    if (draft == NULL)
        return 1;
    line = drop_comments ? 0 : osh_yaml_first_comment(text->str, text->len);
    if (line > 0) {
        g_autoptr(GString) name = g_string_new(NULL);

        osh_policy_append_printable(name, path);
        fprintf(stderr, "%s:%u: error: a comment would be lost; --drop-comments gives them up\n",
                name->str, line);
        return 1;
    }
    return osh_policy_verb_print(draft) ? 0 : 1;
}

int
osh_policy_verb_format(int argc, char **argv)
{
    gboolean drop_comments = FALSE;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"drop-comments", 0, 0, G_OPTION_ARG_NONE, &drop_comments, NULL, NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!osh_policy_verb_parse(argc, argv, entries, USAGE))
        return OSH_POLICY_EXIT_USAGE;
    if (files == NULL || files[1] != NULL) {
        fputs("policy format: name one file; write: policy " USAGE "\n", stderr);
        return OSH_POLICY_EXIT_USAGE;
    }
    return format_file(files[0], drop_comments);
}
