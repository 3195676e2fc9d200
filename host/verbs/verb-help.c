/* SPDX-License-Identifier: Apache-2.0 */
/* verb-help.c: what the verbs say of themselves. Pure, any thread. */
#include "verb-help.h"

#include "manifest.h"

const char *
osh_verb_help(OshVerb verb)
{
    switch (verb) {
    case OSH_VERB_PLUGINS:
        return "Usage:\n"
               "  openshell-host plugins                 what is there, and why something is not\n"
               "  openshell-host plugins inspect PLUGIN  the manifest of one, by id or file\n"
               "  openshell-host plugins settings        every setting: name, type, default, "
               "meaning\n"
               "\n"
               "--config, --plugin-dir, --set, --enable and --disable count as for a run. Without "
               "inspect and\n"
               "settings the plugins are loaded and created, but not started.\n"
               "\n"
               "Exit code 0, or 125 when a plugin or the configuration cannot be read.\n";
    case OSH_VERB_DOCTOR:
        return "Usage:\n"
               "  openshell-host [--policy FILE] [--workdir DIR] doctor\n"
               "\n"
               "Tries what this machine must refuse, each act with and without its protection, and "
               "says what\n"
               "would help. With --policy it also makes the box of that policy and says what each "
               "of its\n"
               "paths grants. --allow-degraded, --config, --plugin-dir, --set, --enable and "
               "--disable count as\n"
               "for a run. Nothing is left behind.\n"
               "\n"
               "Exit code 0 when a run could start, 1 when something is missing, 125 when it could "
               "not be\n"
               "tried.\n";
    case OSH_VERB_RUN:
    case OSH_VERB_VERSION:
    case OSH_VERB_HELP:
        break;
    }
    return osh_options_help();
}

const char *
osh_verb_help_attach(void)
{
    return "Usage:\n"
           "  openshell-host attach [--read-only] SOCKET\n"
           "\n"
           "Joins the program of a run that was started with --set " OSH_ROLE_PROCESS
           ".session=SOCKET: shows the last\n"
           "of what it wrote, then what it writes, and types for it. Ctrl-P Ctrl-Q leaves and lets "
           "it go on.\n"
           "\n"
           "  --read-only   only look\n"
           "\n"
           "Exit code: the program's own, 0 after leaving, 125 when it cannot be joined.\n";
}
