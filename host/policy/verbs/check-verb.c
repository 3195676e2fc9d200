/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-verb.c: `check`: loads policy files and prints what is wrong with them.
 *
 * Main thread. Touches nothing but the files named, and of plugins their manifests; everything from
 * them is escaped on its way to a terminal or into JSON.
 */
#include "verb-words.h"
#include "verbs.h"

#include "osh-text.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    gboolean json;
    gboolean strict; /* warnings fail, too */
    guint flags;
    OshPolicyProtocolTable *protocols;
} Check;

static void
append_member(GString *json, const char *name, const char *value)
{
    g_string_append_printf(json, "\"%s\":", name);
    if (value != NULL)
        osh_text_append_json(json, value);
    else
        g_string_append(json, "null");
}

static void
append_diagnostic(GString *json, const OshPolicyDiagnostic *diagnostic)
{
    g_string_append_printf(json, "{\"severity\":\"%s\",\"line\":%u,\"column\":%u,",
                           diagnostic->severity == OSH_POLICY_DIAGNOSTIC_ERROR ? "error"
                                                                               : "warning",
                           diagnostic->line, diagnostic->column);
    append_member(json, "path", diagnostic->path);
    g_string_append_c(json, ',');
    append_member(json, "message", diagnostic->message);
    g_string_append_c(json, ',');
    append_member(json, "suggestion", diagnostic->suggestion);
    g_string_append_c(json, '}');
}

static void
print_json(const char *file, const OshPolicySnapshot *policy, gboolean good, gboolean enforceable,
           OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GString) json = g_string_new("{");

    append_member(json, "file", file);
    g_string_append_printf(json, ",\"ok\":%s,\"enforceable\":%s,", good ? "true" : "false",
                           enforceable ? "true" : "false");
    append_member(json, "sha256", policy != NULL ? osh_policy_sha256(policy) : NULL);
    g_string_append_printf(json,
                           ",\"policies\":%u,\"endpoints\":%u,\"errors\":%u,\"warnings\":%u,"
                           "\"diagnostics\":[",
                           policy != NULL ? osh_policy_n_policies(policy) : 0,
                           policy != NULL ? osh_policy_n_endpoints(policy) : 0,
                           osh_policy_diagnostics_n_errors(diagnostics),
                           osh_policy_diagnostics_n_warnings(diagnostics));
    for (guint i = 0; i < osh_policy_diagnostics_length(diagnostics); i++) {
        if (i > 0)
            g_string_append_c(json, ',');
        append_diagnostic(json, osh_policy_diagnostics_get(diagnostics, i));
    }
    g_string_append(json, "]}");
    puts(json->str);
}

static void
print_text(const char *file, const OshPolicySnapshot *policy, gboolean good, gboolean enforceable,
           OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);
    g_autoptr(GString) name = g_string_new(NULL);

    osh_policy_append_printable(name, file);
    fputs(messages, stdout);
    if (good)
        printf("%s: ok, %u policies, %u endpoints, %u warnings%s\n", name->str,
               osh_policy_n_policies(policy), osh_policy_n_endpoints(policy),
               osh_policy_diagnostics_n_warnings(diagnostics),
               enforceable ? "" : "; a run refuses it for now: check --run says why");
    else
        printf("%s: refused, %u errors, %u warnings\n", name->str,
               osh_policy_diagnostics_n_errors(diagnostics),
               osh_policy_diagnostics_n_warnings(diagnostics));
}

static gboolean
check_file(const Check *check, const char *file)
{
    const char *name = strcmp(file, "-") == 0 ? "(standard input)" : file;
    gboolean enforceable = FALSE;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text =
        osh_policy_read_file(strcmp(file, "-") == 0 ? NULL : file, diagnostics);
    g_autoptr(OshPolicySnapshot) policy =
        text != NULL ? osh_policy_load(&(OshPolicyLoadRequest){.protocols = check->protocols,
                                                               .text = text->str,
                                                               .length = text->len,
                                                               .file_name = name,
                                                               .generation = 1,
                                                               .flags = check->flags,
                                                               .ret_enforceable = &enforceable},
                                       diagnostics)
                     : NULL;
    gboolean good =
        policy != NULL && !(check->strict && osh_policy_diagnostics_n_warnings(diagnostics) > 0);

    if (check->json)
        print_json(name, policy, good, enforceable, diagnostics);
    else
        print_text(name, policy, good, enforceable, diagnostics);
    return good;
}

int
osh_verb_check(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    Check check = {0};
    gboolean run = FALSE;
    gboolean openshell = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &check.json,
         "Print one JSON object for each file, one a line", NULL},
        {"run", 0, 0, G_OPTION_ARG_NONE, &run, "Refuse also what a run cannot enforce yet", NULL},
        {"openshell", 0, 0, G_OPTION_ARG_NONE, &openshell,
         "Refuse also what OpenShell 0.1 refuses or does not know, and warn of what it decides "
         "otherwise",
         NULL},
        {"strict", 0, 0, G_OPTION_ARG_NONE, &check.strict, "Treat warnings as errors", NULL},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories,
         "Folder of plugins whose protocols the policy names; repeatable", "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    if (!osh_verb_parse(
            "check", "- check policy files; - is standard input",
            "Exit code 0 when every file is valid, 1 when one is not, 125 for a usage error.",
            entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL)
        return osh_verb_usage("check", "no policy file given",
                              "check [--json] [--run] [--openshell] [--strict] "
                              "[--plugin-dir DIR]... FILE...");
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("check", error->message, NULL);
    check.protocols = protocols;
    check.flags = OSH_POLICY_CHECK_WRITABLE | OSH_POLICY_CHECK_PROGRAMS |
                  (run ? OSH_POLICY_LOAD_ENFORCEABLE : 0) |
                  (openshell ? OSH_POLICY_LOAD_OPENSHELL : 0);
    for (guint i = 0; files[i] != NULL; i++)
        good &= check_file(&check, files[i]);
    return good ? 0 : 1;
}
