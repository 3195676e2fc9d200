/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: openshell-host. A table of contents: what was asked, and who does it.
 */
#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "attach-verb.h"
#include "diagnostics.h"
#include "exit-code.h"
#include "init-verb.h"
#include "learn.h"
#include "openshell/plugin.h"
#include "options.h"
#include "plugin-protocols.h"
#include "plugins-verb.h"
#include "replay-verb.h"
#include "run.h"
#include "standard-error.h"
#include "verb-help.h"
#include "verbs.h"

/* A verb whose answer got lost has failed: half a policy can be a valid one. */
static int
end_verb(int code)
{
    gboolean is_lost = fflush(stdout) != 0;

    if (!is_lost && ferror(stdout) == 0)
        return code;
    g_printerr("openshell: error: standard output could not be written: %s\n",
               is_lost ? g_strerror(errno) : "part of it is missing");
    return OSH_EXIT_HOST_ERROR;
}

static gboolean
asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (g_str_equal(argv[i], "--help") || g_str_equal(argv[i], "-h"))
            return TRUE;
    return FALSE;
}

static int
run_attach(int argc, char **argv)
{
    if (!asks_for_help(argc, argv))
        return osh_verb_attach(argc - 1, argv + 1);
    g_print("%s", osh_verb_help_attach());
    return OSH_EXIT_OK;
}

/* GLib asks for it here and there, and prints lines of its own for a user without an account. */
static void
set_home(void)
{
    const struct passwd *account;

    if (g_getenv("HOME") != NULL)
        return;
    account = getpwuid(getuid());
    g_setenv("HOME", account != NULL && account->pw_dir[0] == '/' ? account->pw_dir : "/", TRUE);
}

/* These read their own arguments, so they come before our options. */
static gboolean
run_verb(int argc, char **argv, int *ret_code)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (g_str_equal(verb, "check"))
        *ret_code = osh_verb_check(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    else if (g_str_equal(verb, "explain"))
        *ret_code = osh_verb_explain(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    else if (g_str_equal(verb, "policy") && argc > 2 && g_str_equal(argv[2], "learn"))
        *ret_code = osh_verb_policy_learn(argc - 2, argv + 2, osh_plugin_protocols_for_verb);
    else if (g_str_equal(verb, "policy"))
        *ret_code = osh_verb_policy(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    else if (g_str_equal(verb, "attach"))
        *ret_code = run_attach(argc, argv);
    else if (g_str_equal(verb, "init"))
        *ret_code = osh_verb_init(argc - 1, argv + 1);
    else if (g_str_equal(verb, "replay"))
        *ret_code = osh_verb_replay(argc - 1, argv + 1);
    else
        return FALSE;
    return TRUE;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshOptions) options = NULL;
    gboolean has_output = osh_standard_streams_open();
    int code;

    setlocale(LC_CTYPE, "");
    set_home();
    if (run_verb(argc, argv, &code))
        return end_verb(code);
    options = osh_options_parse((const char *const *)argv, &error);
    if (options == NULL) {
        g_autoptr(GString) line = g_string_new(NULL);

        osh_policy_append_printable(line, error->message);
        g_printerr("openshell: error: %s\n", line->str);
        return OSH_EXIT_HOST_ERROR;
    }
    if (options->help) {
        g_print("%s", osh_verb_help(options->verb));
        return end_verb(OSH_EXIT_OK);
    }
    switch (options->verb) {
    case OSH_VERB_HELP:
        g_print("%s", osh_options_help());
        return end_verb(OSH_EXIT_OK);
    case OSH_VERB_VERSION:
        g_print("openshell-host %s (plugin ABI %u.%u)\n", OSH_VERSION, OSH_ABI_MAJOR,
                OSH_ABI_MINOR);
        return end_verb(OSH_EXIT_OK);
    case OSH_VERB_PLUGINS:
        return end_verb(osh_verb_plugins(options));
    case OSH_VERB_DOCTOR:
        return end_verb(osh_verb_doctor(options));
    case OSH_VERB_RUN:
        if (!has_output)
            osh_standard_output_discard();
        return osh_run(options);
    }
    return OSH_EXIT_HOST_ERROR;
}
