/* SPDX-License-Identifier: Apache-2.0 */
/* replay-verb.c: `replay`: the command line of replay-report.h. Main thread; changes nothing. */
#include "replay-verb.h"

#include <stdio.h>

#include "plugin-protocols.h"
#include "replay-report.h"
#include "verb-words.h"

#define USAGE "replay [--json] [--strict] [--plugin-dir DIR]... RECORDING POLICY"

static int
complain(const char *problem)
{
    return osh_verb_usage("replay", problem, NULL);
}

static int
replay_files(const char *recording_name, const char *policy_name, const char *const *plugin_dirs,
             gboolean json, gboolean strict)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshRecording) recording = osh_recording_read_file(recording_name, &error);
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;
    g_autoptr(OshReplayReport) report = NULL;
    g_autofree char *text = NULL;

    if (recording == NULL)
        return complain(error->message);
    protocols = osh_plugin_protocols_for_verb(plugin_dirs, &error);
    if (protocols == NULL)
        return complain(error->message);
    /* Links are followed as a run follows them: a program was recorded by what it really is. */
    policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = protocols,
                                                     .path = policy_name,
                                                     .generation = 1,
                                                     .flags = OSH_POLICY_RESOLVE_LINKS},
                             diagnostics);
    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        fputs(messages, stderr);
        return OSH_VERB_ASKED_WRONGLY;
    }
    report = osh_replay_report_new(policy, recording);
    text = json ? osh_replay_report_json(report, recording_name)
                : osh_replay_report_text(report, recording_name);
    fputs(text, stdout);
    return report->newly_pass->len > 0 || report->newly_break->len > 0 ||
                   (strict && report->cannot->len > 0)
               ? 1
               : 0;
}

int
osh_verb_replay(int argc, char **argv)
{
    gboolean json = FALSE;
    gboolean strict = FALSE;
    g_auto(GStrv) plugin_dirs = NULL;
    g_auto(GStrv) words = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object", NULL},
        {"strict", 0, 0, G_OPTION_ARG_NONE, &strict,
         "Exit with 1 also for decisions that cannot be repeated", NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &plugin_dirs,
         "Folder of plugins whose protocols the policy names; repeatable", "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL, "RECORDING POLICY"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!osh_verb_parse("replay", "- decide recorded requests again with another policy",
                        "Exit code 0 when nothing changes, 1 when something newly passes or "
                        "breaks, 125 when a file\ncannot be used.",
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (words == NULL || g_strv_length(words) != 2)
        return osh_verb_usage("replay", "name a recording and a policy", USAGE);
    return replay_files(words[0], words[1], (const char *const *)plugin_dirs, json, strict);
}
