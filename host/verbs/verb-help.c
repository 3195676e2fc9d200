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
               "  openshell-host plugins                 list the plugins, and why one is not "
               "used\n"
               "  openshell-host plugins inspect PLUGIN  print the manifest of one, by id or file\n"
               "  openshell-host plugins settings        list every setting: name, type, default, "
               "meaning\n"
               "\n"
               "--config, --plugin-dir, --set, --enable and --disable have the same meaning as for "
               "a run. Without\n"
               "inspect and settings the plugins are loaded and created, but not started.\n"
               "\n"
               "Exit code 0, or 125 when a plugin or the configuration cannot be read.\n";
    case OSH_VERB_DOCTOR:
        return "Usage:\n"
               "  openshell-host [--policy FILE] [--workdir DIR] doctor\n"
               "\n"
               "Tries each protection: an act that must be refused is done with and without it. "
               "Says what is\n"
               "missing and how to get it. With --policy it also makes the box of that policy and "
               "says what\n"
               "each of its paths grants. --allow-degraded, --config, --plugin-dir, --set, "
               "--enable and\n"
               "--disable have the same meaning as for a run. Everything that it makes is removed "
               "again.\n"
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
           "MiB of its output, then its output as it comes, and sends what is typed to it. Ctrl-P "
           "Ctrl-Q\n"
           "detaches; the program goes on.\n"
           "\n"
           "  --read-only   show the output, send nothing\n"
           "\n"
           "Exit code: the program's own, 0 after detaching, 125 when the run cannot be joined.\n";
}
