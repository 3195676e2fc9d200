/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-verb.c: `check`: loads policy files and prints what is wrong with them.
 *
 * Main thread. Touches nothing but the files named; everything from them is escaped on its way to
 * a terminal or into JSON.
 */
#include "policy.h"
#include "verbs.h"

#include <stdio.h>

#define EXIT_USAGE 125

static void
append_json(GString *json, const char *name, const char *value)
{
    g_autofree char *valid = value != NULL ? g_utf8_make_valid(value, -1) : NULL;

    g_string_append_printf(json, "\"%s\":", name);
    if (valid == NULL) {
        g_string_append(json, "null");
        return;
    }
    g_string_append_c(json, '"');
    for (const char *p = valid; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p);
        else if ((guchar)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(json, "\\u%04x", (guchar)*p);
        else
            g_string_append_c(json, *p);
    }
    g_string_append_c(json, '"');
}

static void
append_diagnostic(GString *json, const OshPolicyDiagnostic *diagnostic)
{
    g_string_append_printf(json, "{\"severity\":\"%s\",\"line\":%u,\"column\":%u,",
                           diagnostic->severity == OSH_POLICY_DIAGNOSTIC_ERROR ? "error"
                                                                               : "warning",
                           diagnostic->line, diagnostic->column);
    append_json(json, "path", diagnostic->path);
    g_string_append_c(json, ',');
    append_json(json, "message", diagnostic->message);
    g_string_append_c(json, ',');
    append_json(json, "suggestion", diagnostic->suggestion);
    g_string_append_c(json, '}');
}

static void
print_json(const char *file, const OshPolicySnapshot *policy, OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GString) json = g_string_new("{");

    append_json(json, "file", file);
    g_string_append_printf(json, ",\"ok\":%s,", policy != NULL ? "true" : "false");
    append_json(json, "sha256", policy != NULL ? osh_policy_sha256(policy) : NULL);
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
print_text(const char *file, const OshPolicySnapshot *policy, OshPolicyDiagnostics *diagnostics)
{
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);
    g_autoptr(GString) name = g_string_new(NULL);

    osh_policy_append_printable(name, file);
    fputs(messages, stdout);
    if (policy == NULL)
        printf("%s: refused, %u errors, %u warnings\n", name->str,
               osh_policy_diagnostics_n_errors(diagnostics),
               osh_policy_diagnostics_n_warnings(diagnostics));
    else
        printf("%s: ok, %u policies, %u endpoints, %u warnings\n", name->str,
               osh_policy_n_policies(policy), osh_policy_n_endpoints(policy),
               osh_policy_diagnostics_n_warnings(diagnostics));
}

static gboolean
check_file(const char *file, gboolean json, guint flags)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load_file(file, 1, flags, diagnostics);

    if (json)
        print_json(file, policy, diagnostics);
    else
        print_text(file, policy, diagnostics);
    return policy != NULL;
}

int
osh_verb_check(int argc, char **argv)
{
    gboolean json = FALSE;
    gboolean run = FALSE;
    g_auto(GStrv) files = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object a file", NULL},
        {"run", 0, 0, G_OPTION_ARG_NONE, &run, "Refuse also what a run cannot enforce yet", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- check policy files");
    g_auto(GStrv) arguments = g_new0(char *, (gsize)argc + 1);
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    for (int i = 0; i < argc; i++)
        arguments[i] = g_strdup(argv[i]);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse_strv(context, &arguments, &error)) {
        fprintf(stderr, "check: %s\n", error->message);
        return EXIT_USAGE;
    }
    if (files == NULL) {
        fputs("check: no policy file given; write: check [--json] [--run] FILE...\n", stderr);
        return EXIT_USAGE;
    }
    for (guint i = 0; files[i] != NULL; i++)
        good &= check_file(files[i], json, run ? OSH_POLICY_LOAD_ENFORCEABLE : OSH_POLICY_LOAD_ANY);
    return good ? 0 : 1;
}
