/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c: `openshell-host doctor`: what this machine can enforce, and what to do about the rest.
 *
 * [main]. Asks the launcher's own probe and leaves nothing behind; it must never claim what was not
 * tried.
 */
#include "exit-code.h"
#include "openshell/ext/process-launcher.h"
#include "osh-text.h"
#include "plugins-verb.h"
#include "verb-host.h"

static void
print_row(const char *name, const char *state, const char *detail, const char *remedy)
{
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_append_printf(line, "%-18s %-8s ", name, state);
    osh_text_append_terminal(line, detail);
    if (remedy[0] != '\0') {
        g_string_append(line, "\n                            -> ");
        osh_text_append_terminal(line, remedy);
    }
    g_print("%s\n", line->str);
}

static int
print_probe(GVariant *probe)
{
    const char *name;
    const char *state;
    const char *detail;
    const char *remedy;
    guint weak = 0;
    guint missing = 0;
    GVariantIter iter;

    g_variant_iter_init(&iter, probe);
    while (g_variant_iter_next(&iter, "(&s&s&s&s)", &name, &state, &detail, &remedy)) {
        print_row(name, state, detail, remedy);
        weak += g_str_equal(state, "weak");
        missing += g_str_equal(state, "missing");
    }
    g_print("%-18s %s\n", "level",
            missing > 0 ? "not startable without --allow-degraded: see what is missing above"
            : weak > 0  ? "strict, with what is marked weak above"
                        : "strict");
    return missing > 0 ? OSH_EXIT_CHECK_FAILED : OSH_EXIT_OK;
}

int
osh_verb_doctor(const OshOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshVerbHost) host = NULL;
    g_autoptr(GVariant) probe = NULL;
    OshInterface launcher;

    if (options->arguments->len > 0) {
        g_printerr("openshell: error: openshell-host doctor takes no words\n");
        return OSH_EXIT_HOST_ERROR;
    }
    host = osh_verb_host_new(options, &error);
    if (host == NULL) {
        g_printerr("openshell: error: %s\n", error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    if (!osh_registry_get_interface(osh_verb_host_registry(host), OSH_INTERFACE_PROCESS_LAUNCHER,
                                    &launcher)) {
        g_printerr("openshell: error: no usable plugin makes boxes: openshell-host plugins says "
                   "why\n");
        return OSH_EXIT_HOST_ERROR;
    }
    probe = osh_launcher_probe(&launcher);
    if (probe == NULL) {
        g_printerr("openshell: error: %s cannot tell what this machine offers\n",
                   launcher.provider);
        return OSH_EXIT_HOST_ERROR;
    }
    return print_probe(probe);
}
