/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: openshell-host. A table of contents: what was asked, and who does it.
 */
#include <locale.h>

#include "attach-verb.h"
#include "exit-code.h"
#include "openshell/plugin.h"
#include "options.h"
#include "plugin-protocols.h"
#include "plugins-verb.h"
#include "policy/verbs.h"
#include "record/learn.h"
#include "record/replay-verb.h"
#include "run.h"

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshOptions) options = NULL;

    setlocale(LC_CTYPE, "");
    /* These read their own arguments, so they come before our options. */
    if (argc > 1 && g_str_equal(argv[1], "check"))
        return osh_verb_check(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    if (argc > 1 && g_str_equal(argv[1], "explain"))
        return osh_verb_explain(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    if (argc > 2 && g_str_equal(argv[1], "policy") && g_str_equal(argv[2], "learn"))
        return osh_verb_policy_learn(argc - 2, argv + 2, osh_plugin_protocols_for_verb);
    if (argc > 1 && g_str_equal(argv[1], "policy"))
        return osh_verb_policy(argc - 1, argv + 1, osh_plugin_protocols_for_verb);
    if (argc > 1 && g_str_equal(argv[1], "attach"))
        return osh_verb_attach(argc - 1, argv + 1);
    if (argc > 1 && g_str_equal(argv[1], "replay"))
        return osh_verb_replay(argc - 1, argv + 1);
    options = osh_options_parse((const char *const *)argv, &error);
    if (options == NULL) {
        g_printerr("openshell: error: %s\n", error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    switch (options->verb) {
    case OSH_VERB_HELP:
        g_print("%s", osh_options_help());
        return OSH_EXIT_OK;
    case OSH_VERB_VERSION:
        g_print("openshell-host %s (plugin ABI %u.%u)\n", OSH_VERSION, OSH_ABI_MAJOR,
                OSH_ABI_MINOR);
        return OSH_EXIT_OK;
    case OSH_VERB_PLUGINS:
        return osh_verb_plugins(options);
    case OSH_VERB_DOCTOR:
        return osh_verb_doctor(options);
    case OSH_VERB_RUN:
        return osh_run(options);
    }
    return OSH_EXIT_HOST_ERROR;
}
