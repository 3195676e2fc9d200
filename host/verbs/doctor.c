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
#include "run.h"
#include "verb-host.h"
#include "writable-places.h"

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

typedef struct {
    guint weak;
    guint missing;
} Tally;

static void
print_rows(GVariant *rows, Tally *tally)
{
    const char *name;
    const char *state;
    const char *detail;
    const char *remedy;
    GVariantIter iter;

    g_variant_iter_init(&iter, rows);
    while (g_variant_iter_next(&iter, "(&s&s&s&s)", &name, &state, &detail, &remedy)) {
        print_row(name, state, detail, remedy);
        tally->weak += g_str_equal(state, "weak");
        tally->missing += g_str_equal(state, "missing");
    }
}

static int
print_level(const Tally *tally)
{
    g_print("%-18s %s\n", "level",
            tally->missing > 0
                ? "a run cannot start without --allow-degraded: see what is missing above"
            : tally->weak > 0 ? "strict, with what is marked weak above"
                              : "strict");
    return tally->missing > 0 ? OSH_EXIT_CHECK_FAILED : OSH_EXIT_OK;
}

static OshPolicySnapshot *
load_policy(const OshOptions *options, const OshConfig *config, const OshPluginSet *plugins)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *messages = NULL;
    OshPolicySnapshot *policy = osh_run_load_policy(options, config, plugins, &messages, &error);

    if (policy == NULL)
        g_printerr("openshell: error: %s\n", error->message);
    if (messages != NULL && messages[0] != '\0')
        g_printerr("%s\n", messages);
    return policy;
}

/* The host refuses these plugins by itself, before it asks the launcher. */
static void
print_plugins(OshRegistry *registry, const OshPolicySnapshot *policy, const char *workdir,
              Tally *tally)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);
    g_autoptr(GPtrArray) writable =
        osh_writable_places(osh_policy_static_part(policy), workdir, NULL);

    for (guint i = 0; writable != NULL && i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);
        g_autofree char *reason = osh_plugin_refusal(plugin, (const char *const *)writable->pdata);

        if (reason == NULL || osh_plugin_state(plugin) == OSH_PLUGIN_DISABLED)
            continue;
        print_row("plugin", "missing", plugin->file->path, reason);
        tally->missing++;
    }
}

static void
print_rules(const OshOptions *options, const OshConfig *config, const OshPolicySnapshot *policy,
            const char *workdir, const OshInterface *launcher, Tally *tally)
{
    g_autoptr(GPtrArray) allowed = osh_run_allow_degraded(options, config);
    OshBoxRequest request = {
        .struct_size = sizeof(OshBoxRequest),
        .workdir = workdir,
        .policy = osh_policy_static_part(policy),
        .allow_degraded = (const char *const *)allowed->pdata,
    };
    g_autoptr(GVariant) rows = osh_launcher_probe_rules(launcher, &request);

    if (rows != NULL)
        print_rows(rows, tally);
}

int
osh_verb_doctor(const OshOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshVerbHost) host = NULL;
    g_autoptr(OshPolicySnapshot) policy = NULL;
    g_autoptr(GVariant) probe = NULL;
    g_autofree char *workdir = NULL;
    OshInterface launcher;
    Tally tally = {0};

    if (options->arguments->len > 0) {
        g_autoptr(GString) line =
            g_string_new("openshell: error: doctor takes options only, not '");

        osh_text_append_terminal(line, g_ptr_array_index(options->arguments, 0));
        g_printerr("%s': for a policy write openshell-host --policy FILE doctor\n", line->str);
        return OSH_EXIT_HOST_ERROR;
    }
    host = osh_verb_host_new(options, &error);
    if (host == NULL) {
        g_printerr("openshell: error: %s\n", error->message);
        return OSH_EXIT_HOST_ERROR;
    }
    policy = load_policy(options, osh_verb_host_config(host),
                         osh_registry_set(osh_verb_host_registry(host)));
    if (policy == NULL)
        return OSH_EXIT_HOST_ERROR;
    workdir = osh_run_find_workdir(
        osh_config_host_text(osh_verb_host_config(host), "workdir", options->workdir), &error);
    if (workdir == NULL) {
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
    print_rows(probe, &tally);
    print_plugins(osh_verb_host_registry(host), policy, workdir, &tally);
    print_rules(options, osh_verb_host_config(host), policy, workdir, &launcher, &tally);
    return print_level(&tally);
}
