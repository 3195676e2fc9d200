/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-verb.c: `policy learn`: the command line of learn.h. Main thread. It writes to standard
 * output or to a file that was not there: what is learned replaces nothing.
 */
#include "learn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto-fd.h"
#include "exit-code.h"
#include "output-file.h"
#include "verb-words.h"

#define USAGE                                                                                      \
    "policy learn [--ceiling POLICY] [--base POLICY] [--requests] [--plugin-dir DIR]... [-o OUT] " \
    "RECORDING"

static int
complain(const char *problem)
{
    return osh_verb_usage("policy learn", problem, NULL);
}

static int
complain_about(const char *name, const char *problem)
{
    g_autofree char *line = g_strdup_printf("%s: %s", name, problem);

    return complain(line);
}

static void
print_diagnostics(OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    fputs(messages, stderr);
}

/* Returns: an exit code. */
static int
give_out(const OshLearned *learned, const char *out)
{
    osh_autofd int fd = -1;

    if (out == NULL) {
        fputs(learned->text, stdout);
        return OSH_EXIT_OK;
    }
    fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return complain_about(out, errno == EEXIST ? "exists already, and is not replaced"
                                                   : g_strerror(errno));
    if (!osh_output_write(fd, learned->text))
        return complain_about(out, g_strerror(errno));
    return OSH_EXIT_OK;
}

static gboolean
is_enforceable(const OshLearned *learned, OshPolicyProtocolTable *protocols)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    gboolean enforceable = FALSE;
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.protocols = protocols,
                                                .text = learned->text,
                                                .length = strlen(learned->text),
                                                .file_name = "",
                                                .generation = 1,
                                                .ret_enforceable = &enforceable},
                        diagnostics);

    return policy != NULL && enforceable;
}

static int
report(const OshLearned *learned, OshPolicyProtocolTable *protocols, const char *out)
{
    int code = give_out(learned, out);

    if (code != OSH_EXIT_OK)
        return code;
    for (guint i = 0; i < learned->notes->len; i++)
        fprintf(stderr, "look at: %s\n", (const char *)g_ptr_array_index(learned->notes, i));
    for (guint i = 0; i < learned->left->len; i++)
        fprintf(stderr, "left: %s\n", (const char *)g_ptr_array_index(learned->left, i));
    fprintf(stderr, "learned: %u different decisions, %u left to a person\n", learned->n_learned,
            learned->left->len);
    if (!is_enforceable(learned, protocols))
        fprintf(stderr,
                "a run cannot enforce this policy yet: openshell-host check --run lists why\n");
    return learned->left->len > 0 ? 1 : OSH_EXIT_OK;
}

static int
learn_file(const char *name, const char *ceiling_name, const char *base_name, gboolean requests,
           OshPolicyProtocolTable *protocols, const char *out)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) ceiling = NULL;
    g_autoptr(OshDraft) base = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(OshRecording) recording = osh_recording_read_file(name, &error);
    g_autoptr(OshLearned) learned = NULL;
    OshLearnOptions options = {.name = name, .requests = requests};

    if (recording == NULL)
        return complain(error->message);
    if (ceiling_name != NULL)
        ceiling = osh_policy_load(&(OshPolicyLoadRequest){.protocols = protocols,
                                                          .path = ceiling_name,
                                                          .generation = 1,
                                                          .flags = OSH_POLICY_RESOLVE_LINKS},
                                  diagnostics);
    if (base_name != NULL)
        base = osh_draft_read(&(OshPolicyLoadRequest){.protocols = protocols, .path = base_name},
                              diagnostics);
    if ((ceiling_name != NULL && ceiling == NULL) || (base_name != NULL && base == NULL)) {
        print_diagnostics(diagnostics);
        return OSH_EXIT_HOST_ERROR;
    }
    options.ceiling = ceiling;
    options.base = base;
    learned = osh_learn(recording, &options, &error);
    if (learned == NULL)
        return complain(error->message);
    return report(learned, protocols, out);
}

int
osh_verb_policy_learn(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    g_autofree char *ceiling = NULL;
    g_autofree char *base = NULL;
    g_autofree char *out = NULL;
    gboolean requests = FALSE;
    g_auto(GStrv) words = NULL;
    g_auto(GStrv) directories = NULL;
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    const GOptionEntry entries[] = {
        {"ceiling", 0, 0, G_OPTION_ARG_FILENAME, &ceiling,
         "Policy that the learned one must not exceed", "POLICY"},
        {"base", 0, 0, G_OPTION_ARG_FILENAME, &base,
         "Policy from which everything but the network is taken", "POLICY"},
        {"requests", 0, 0, G_OPTION_ARG_NONE, &requests, "Learn rules about requests too", NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories,
         "Folder of plugins whose protocols were recorded; repeatable", "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "File to create; default: standard output",
         "OUT"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL, "RECORDING"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse("policy learn", "- the smallest policy that allows what was recorded",
                        "Exit code 0 when all of it was learned, 1 when something is left to a "
                        "person, 125 when a\nfile cannot be used or written.",
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (words == NULL || g_strv_length(words) != 1)
        return osh_verb_usage("policy learn", "name one recording", USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return complain(error->message);
    return learn_file(words[0], ceiling, base, requests, protocols, out);
}
