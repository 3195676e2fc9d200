/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: openshell-host. A table of contents: what was asked, and who does it.
 */
#include <locale.h>

#include "exit-code.h"
#include "openshell/plugin.h"
#include "options.h"
#include "plugins-verb.h"
#include "run.h"

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshOptions) options = NULL;

    (void)argc;
    setlocale(LC_CTYPE, "");
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
