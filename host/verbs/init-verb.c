/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init-verb.c: `init`: writes a policy from a profile that was installed beside the host.
 *
 * Main thread. It must never write over a file that it was not told to, nor a policy that does not
 * load.
 */
#include "init-verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto-fd.h"
#include "exit-code.h"
#include "folder-names.h"
#include "manifest.h"
#include "openshell/host.h"
#include "osh-suggest.h"
#include "osh-text.h"
#include "output-file.h"
#include "plugin-folders.h"
#include "plugin-protocols.h"
#include "policy.h"
#include "profile.h"
#include "verb-words.h"

#define DEFAULT_FILE "policy.yaml"
#define SUFFIX       ".yaml"
#define INIT_FLAGS                                                                                 \
    (OSH_POLICY_LOAD_ENFORCEABLE | OSH_POLICY_RESOLVE_LINKS | OSH_POLICY_CHECK_WRITABLE |          \
     OSH_POLICY_CHECK_PROGRAMS)

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void
say(const char *format, ...)
{
    g_autoptr(GString) line = g_string_new("init: ");
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    osh_policy_append_printable(line, text);
    fprintf(stderr, "%s\n", line->str);
}

static char *
profile_folder(void)
{
    gboolean build_tree = FALSE;
    g_autofree char *own = osh_plugin_folders_own_data(&build_tree);

    return own != NULL ? g_build_filename(own, "profiles", NULL) : NULL;
}

/* Returns: (transfer full) (nullable): the names of all profiles, NULL-terminated */
static GPtrArray *
list_profiles(const char *folder)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *names = folder != NULL ? osh_folder_names(folder, SUFFIX, &error) : NULL;

    if (names == NULL) {
        say("no profiles are installed: %s",
            error != NULL ? error->message : "the host cannot find its own executable");
        return NULL;
    }
    for (guint i = 0; i < names->len; i++) {
        char *name = g_ptr_array_index(names, i);

        name[strlen(name) - strlen(SUFFIX)] = '\0';
    }
    g_ptr_array_add(names, NULL);
    return names;
}

static char *
read_profile(const char *folder, const char *name)
{
    g_autofree char *file_name = g_strconcat(name, SUFFIX, NULL);
    g_autofree char *path = g_build_filename(folder, file_name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        say("%s", error->message);
    return text;
}

static int
print_profiles(const char *folder)
{
    g_autoptr(GPtrArray) names = list_profiles(folder);

    if (names == NULL)
        return OSH_EXIT_HOST_ERROR;
    for (guint i = 0; i + 1 < names->len; i++) {
        g_autofree char *text = read_profile(folder, g_ptr_array_index(names, i));
        g_autofree char *summary = text != NULL ? osh_profile_summary(text) : g_strdup("");

        printf("%-12s %s\n", (const char *)g_ptr_array_index(names, i), summary);
    }
    say("write openshell-host init PROFILE to make " DEFAULT_FILE " from one of them");
    return OSH_EXIT_OK;
}

static int
write_new(const char *path, const char *text)
{
    osh_autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0 && errno == EEXIST) {
        say("%s exists already: --output FILE writes another file%s", path,
            g_file_test(path, G_FILE_TEST_IS_REGULAR) ? ", --force replaces it" : "");
        return OSH_EXIT_CHECK_FAILED;
    }
    if (fd < 0 || !osh_output_write(fd, text)) {
        say("cannot write %s: %s", path, g_strerror(errno));
        if (fd >= 0)
            unlink(path);
        return OSH_EXIT_HOST_ERROR;
    }
    return OSH_EXIT_OK;
}

/* A link stays one; a device, a pipe or a folder is nobody's policy. */
static int
write_over(const char *path, const char *text)
{
    g_autofree char *real = realpath(path, NULL);
    g_autoptr(GError) error = NULL;

    if (real == NULL)
        return write_new(path, text);
    if (!g_file_test(real, G_FILE_TEST_IS_REGULAR)) {
        say("%s is not a regular file, and is not replaced: --output - writes to standard "
            "output",
            path);
        return OSH_EXIT_CHECK_FAILED;
    }
    if (g_file_set_contents_full(real, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0666, &error))
        return OSH_EXIT_OK;
    say("%s", error->message);
    return OSH_EXIT_HOST_ERROR;
}

static int
write_policy(const char *path, const char *text, gboolean force)
{

    if (g_str_equal(path, "-")) {
        fputs(text, stdout);
        return OSH_EXIT_OK;
    }
    return force ? write_over(path, text) : write_new(path, text);
}

static gboolean
check_policy(const OshProfile *profile)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicyProtocolTable) protocols = osh_plugin_protocols_for_verb(NULL, NULL);
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.protocols = protocols,
                                                .text = profile->text,
                                                .length = strlen(profile->text),
                                                .file_name = "(the policy)",
                                                .generation = 1,
                                                .flags = INIT_FLAGS},
                        diagnostics);
    gboolean said = profile->missing->len > 0;

    /* That a program is not there has been said in better words. */
    for (guint i = 0; i < osh_policy_diagnostics_length(diagnostics); i++) {
        const OshPolicyDiagnostic *diagnostic = osh_policy_diagnostics_get(diagnostics, i);

        if (!said || diagnostic->severity == OSH_POLICY_DIAGNOSTIC_ERROR ||
            strstr(diagnostic->message, "does not exist here") == NULL)
            say("line %u: %s%s%s%s", diagnostic->line, diagnostic->message,
                diagnostic->suggestion != NULL ? " (" : "",
                diagnostic->suggestion != NULL ? diagnostic->suggestion : "",
                diagnostic->suggestion != NULL ? ")" : "");
    }
    return policy != NULL;
}

/* Security rule 13, text from the box: what is offered to be typed comes from a serializer, or not
 * at all. */
static void
say_variable(const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    g_autofree char *name = g_strndup(assignment, (gsize)(equals - assignment));
    g_autofree char *value = osh_text_shell_quote(equals + 1);

    if (value != NULL)
        fprintf(stderr, "  export %s=%s\n", name, value);
}

static void
say_next(const OshProfile *profile, const char *path)
{
    g_autofree char *file = osh_text_shell_quote(g_str_equal(path, "-") ? DEFAULT_FILE : path);
    g_autoptr(GString) names = g_string_new(NULL);
    g_autofree char *setting = NULL;

    if (file == NULL || profile->command == NULL)
        return;
    for (guint i = 0; i < profile->variables->len; i++) {
        const char *variable = g_ptr_array_index(profile->variables, i);

        g_string_append_printf(names, "%s%.*s", names->len > 0 ? ";" : "",
                               (int)strcspn(variable, "="), variable);
    }
    for (guint i = 0; i < profile->passed->len; i++)
        g_string_append_printf(names, "%s%s", names->len > 0 ? ";" : "",
                               (const char *)g_ptr_array_index(profile->passed, i));
    if (names->len > 0) {
        g_autofree char *text =
            g_strconcat(OSH_ROLE_PROCESS ".pass-environment=", names->str, NULL);

        setting = osh_text_shell_quote(text);
    }
    fprintf(stderr, "init: read the policy, then type:\n");
    for (guint i = 0; i < profile->variables->len; i++)
        say_variable(g_ptr_array_index(profile->variables, i));
    fprintf(stderr, "  openshell-host --policy %s%s%s -- %s\n", file,
            setting != NULL ? " --set " : "", setting != NULL ? setting : "", profile->command);
}

static int
init_from(const char *folder, const char *name, const char *path, gboolean force)
{
    g_autoptr(GPtrArray) names = list_profiles(folder);
    g_autofree char *text = NULL;
    g_autoptr(OshProfile) profile = NULL;
    g_autoptr(GError) error = NULL;
    int code;

    if (names == NULL)
        return OSH_EXIT_HOST_ERROR;
    if (!g_strv_contains((const char *const *)names->pdata, name)) {
        g_autofree char *suggestion = osh_suggest_clause(name, (const char *const *)names->pdata);
        g_autofree char *known = g_strjoinv(", ", (char **)names->pdata);

        say("there is no profile '%s'%s; there are %s", name, suggestion, known);
        return OSH_EXIT_HOST_ERROR;
    }
    text = read_profile(folder, name);
    profile =
        text != NULL ? osh_profile_adapt(text, g_get_home_dir(), g_getenv("PATH"), &error) : NULL;
    if (profile == NULL) {
        if (error != NULL)
            say("the profile %s cannot be used: %s", name, error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    for (guint i = 0; i < profile->missing->len; i++)
        say("%s", (const char *)g_ptr_array_index(profile->missing, i));
    if (!check_policy(profile))
        return OSH_EXIT_HOST_ERROR;
    code = write_policy(path, profile->text, force);
    if (code != OSH_EXIT_OK)
        return code;
    if (!g_str_equal(path, "-"))
        say("wrote %s from the profile %s", path, name);
    for (guint i = 0; i < profile->found->len; i++)
        say("%s", (const char *)g_ptr_array_index(profile->found, i));
    say_next(profile, path);
    return OSH_EXIT_OK;
}

int
osh_verb_init(int argc, char **argv)
{
    gboolean force = FALSE;
    g_autofree char *output = NULL;
    g_auto(GStrv) words = NULL;
    g_autofree char *folder = profile_folder();
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
         "Where to write, " DEFAULT_FILE " without it; - is standard output", "FILE"},
        {"force", 0, 0, G_OPTION_ARG_NONE, &force, "Replace an existing file", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, NULL, "[PROFILE]"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    if (!osh_verb_parse(
            "init", "- write a first policy; without PROFILE list the profiles",
            "The binaries of the profile are looked up in PATH and written as the kernel "
            "names their\nprocesses. Exit code 0 when the policy is written, 1 when the "
            "file exists already, 125\nfor a usage error or when a file cannot be used.",
            entries, argc, argv))
        return OSH_EXIT_HOST_ERROR;
    if (words == NULL && (output != NULL || force))
        return osh_verb_usage("init", "name a profile", "init [PROFILE] [--output FILE] [--force]");
    if (words == NULL)
        return print_profiles(folder);
    if (words[1] != NULL)
        return osh_verb_usage("init", "name one profile",
                              "init [PROFILE] [--output FILE] [--force]");
    return init_from(folder, words[0], output != NULL ? output : DEFAULT_FILE, force);
}
