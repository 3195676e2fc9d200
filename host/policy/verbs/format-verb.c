/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format-verb.c: `policy format`: a policy file, written evenly.
 *
 * Main thread. Comments would be lost, so a file that has some is refused unless the caller gives
 * them up.
 */
#include "comments.h"
#include "model.h"
#include "policy-verb.h"

#include <stdio.h>

#define USAGE "policy format [--drop-comments] [--plugin-dir DIR]... FILE"

static int
format_file(OshPolicyProtocolTable *protocols, const char *path, gboolean drop_comments)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(path, diagnostics);
    g_autoptr(OshDraft) draft = NULL;
    guint line;

    if (text != NULL)
        draft = osh_draft_read(
            &(OshPolicyLoadRequest){
                .protocols = protocols, .text = text->str, .length = text->len, .file_name = path},
            diagnostics);
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
osh_policy_verb_format(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    gboolean drop_comments = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"drop-comments", 0, 0, G_OPTION_ARG_NONE, &drop_comments,
         "Leave the comments of the file out", NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse("policy format",
                        "- write a policy in the standard layout, to standard output", NULL,
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL || files[1] != NULL)
        return osh_verb_usage("policy format", "name one file", USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("policy format", error->message, NULL);
    return format_file(protocols, files[0], drop_comments);
}
