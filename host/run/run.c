/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c: the main job, in the order in which it must happen.
 *
 * [main]. Until the box is open there is one thread, because the box is cloned from it; what makes
 * threads (shards, plugins' own) comes after. Every failure ends at one place, osh_run_finish(),
 * which takes down whatever is up, in reverse. It must never leave a box behind, nor say that
 * something was refused when it failed.
 */
#include "run-private.h"

#include <sys/stat.h>

#include "end-by-signal.h"
#include "exit-code.h"
#include "file-limit.h"
#include "middleware-check.h"
#include "plugin-folders.h"
#include "standard-error.h"
#include "writable-places.h"

#define RUN_START_TIMEOUT 30
#define RUN_WORKERS       4
#define RUN_WORKER_QUEUE  256

/* --- What was asked for, and what the host has for it ------------------------------------------
 */

/* Returns: (transfer full) (nullable): the policy that the run begins with */
static OshPolicySnapshot *
load_policy(OshRun *run, const OshPluginSet *plugins, GError **error)
{
    g_autofree char *messages = NULL;
    OshPolicySnapshot *policy =
        osh_run_load_policy(run->options, run->config, plugins, &messages, error);

    if (policy == NULL)
        run->policy_errors = g_steal_pointer(&messages);
    else if (messages != NULL && messages[0] != '\0' && !osh_run_is_quiet(run))
        g_printerr("%s\n", messages);
    return policy;
}

/* OshPolicyVet */
static gboolean
vet_policy(const OshPolicySnapshot *policy, OshPolicyDiagnostics *diagnostics, gpointer data)
{
    OshRun *run = data;

    return osh_middlewares_check(run->services->registry, policy, diagnostics);
}

/* Once the plugins are there. */
static gboolean
vet_first_policy(OshRun *run, GError **error)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->services->policy);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

    osh_policy_diagnostics_set_file(diagnostics, osh_policy_file_name(policy));
    if (vet_policy(policy, diagnostics, run))
        return TRUE;
    run->policy_errors = g_strchomp(osh_policy_diagnostics_format(diagnostics));
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "the policy cannot be used:");
    return FALSE;
}

static gboolean
find_places(OshRun *run, const OshPolicySnapshot *policy, GError **error)
{
    run->workdir = osh_run_find_workdir(osh_run_text(run, "workdir", run->options->workdir), error);
    if (run->workdir == NULL)
        return FALSE;
    run->writable = osh_writable_places(osh_policy_static_part(policy),
                                        run->options->command != NULL ? run->workdir : NULL, error);
    return run->writable != NULL;
}

static gboolean
open_log(OshRun *run, GError **error)
{
    const char *path = osh_run_text(run, "events", run->options->events);

    return path == NULL || osh_services_open_log(run->services, path,
                                                 (const char *const *)run->writable->pdata, error);
}

static void
required_failed(const OshPlugin *plugin, gpointer data)
{
    g_autoptr(GError) error =
        g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the required plugin %s failed: %s",
                    osh_plugin_id(plugin), plugin->reason);

    osh_run_fail(data, error);
}

/* @policy, @plugins: (transfer full) */
static gboolean
make_services(OshRun *run, OshPolicySnapshot *policy, OshPluginSet *plugins, GError **error)
{
    OshServicesRequest request = {
        .policy = policy,
        .plugins = plugins,
        .shards = (guint)osh_run_setting(run, "shards", 0),
        .workers = RUN_WORKERS,
        .worker_queue = RUN_WORKER_QUEUE,
    };

    run->services = osh_services_new(&request, error);
    if (run->services == NULL || !open_log(run, error))
        return FALSE;
    if (run->options->audit)
        osh_policy_service_set_audit(run->services->policy);
    if (!osh_run_is_quiet(run))
        run->denials = osh_denial_lines_new(run->services->bus, osh_run_print_denial, run,
                                            osh_run_text(run, "policy", run->options->policy),
                                            run->options->audit);
    osh_registry_on_required_failed(run->services->registry, required_failed, run);
    return TRUE;
}

static gboolean
run_prepare(OshRun *run, GError **error)
{
    g_autoptr(OshPluginSet) plugins = NULL;
    g_autoptr(OshPolicySnapshot) policy = NULL;

    run->config = osh_run_load_config(run->options, error);
    if (run->config == NULL ||
        !osh_policy_posture_parse(osh_run_text(run, "policy-posture", run->options->policy_posture),
                                  &run->posture, error))
        return FALSE;
    plugins = osh_plugin_folders_find(run->options, run->config, error);
    policy = plugins != NULL ? load_policy(run, plugins, error) : NULL;
    return policy != NULL && find_places(run, policy, error) &&
           make_services(run, g_steal_pointer(&policy), g_steal_pointer(&plugins), error);
}

/* --- The start ----------------------------------------------------------------------------------
 */

static void
run_reload(gpointer data)
{
    OshRun *run = data;

    /* Before there is one nothing is missed: it begins by reading the file. */
    if (!run->finishing && run->reload != NULL)
        osh_policy_reload_now(run->reload);
}

/* A box exists from here on, so what its programs may write is known and holds. */
static void
run_follow_policy(OshRun *run)
{
    OshPolicyReloadRequest request = {
        .service = run->services->policy,
        .publisher = run->services->publisher,
        .workers = run->services->workers,
        .path = osh_run_policy_path(run),
        .writable =
            run->options->command != NULL ? (const char *const *)run->writable->pdata : NULL,
        .vet = vet_policy,
        .vet_data = run,
        .posture = run->posture,
        .quiet = osh_run_is_quiet(run),
        .verbose = run->options->verbose,
    };

    if (request.path != NULL)
        run->reload = osh_policy_reload_new(&request);
}

static void
run_ready(const GError *error, gpointer data)
{
    OshRun *run = data;
    g_autoptr(GError) failure = NULL;

    if (run->finishing)
        return;
    if (error != NULL) {
        osh_run_fail(run, error);
        return;
    }
    if (run->box != NULL && !osh_run_seal(run, &failure)) {
        osh_run_fail(run, failure);
        return;
    }
    run->started = TRUE;
    osh_run_announce_start(run);
    run_follow_policy(run);
    if (run->box != NULL)
        osh_run_launch(run);
}

static gboolean
run_open_recording(OshRun *run, GError **error)
{
    const char *path = osh_run_text(run, "record", run->options->record);
    const char *events = osh_run_text(run, "events", run->options->events);
    struct stat one;
    struct stat other;

    if (path == NULL)
        return TRUE;
    if (events != NULL && stat(path, &one) == 0 && stat(events, &other) == 0 &&
        S_ISREG(one.st_mode) && one.st_dev == other.st_dev && one.st_ino == other.st_ino) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "--events and --record name the same file, %s: give each its own", path);
        return FALSE;
    }
    return osh_services_record(run->services, path, (const char *const *)run->writable->pdata,
                               run->options->audit, error);
}

static void
start_plugins(OshRun *run)
{
    gint64 seconds = osh_run_setting(run, "start-timeout", RUN_START_TIMEOUT);

    osh_registry_start(run->services->registry, g_get_monotonic_time() + seconds * G_USEC_PER_SEC,
                       run_ready, run);
}

/* Everything before the first thread; a box, once open, is closed by osh_run_finish(). */
static gboolean
run_begin(OshRun *run, GError **error)
{
    OshServices *services = run->services;

    osh_run_announce_policy(run);
    osh_signals_on_hangup(run->signals, osh_run_hangup, run);
    if (osh_run_policy_path(run) != NULL)
        osh_signals_on_reload(run->signals, run_reload, run);
    if (!osh_plugin_set_configure(osh_registry_set(services->registry), run->config,
                                  (const char *const *)run->writable->pdata, error) ||
        !osh_run_require_roles(run, error) || !run_open_recording(run, error) ||
        !osh_services_create_plugins(services, error) || !vet_first_policy(run, error))
        return FALSE;
    if (run->options->command != NULL && !osh_run_open_box(run, error))
        return FALSE;
    if (services->recorder != NULL)
        osh_recorder_start(services->recorder);
    if (!osh_shard_pool_start(services->shards, error))
        return FALSE;
    start_plugins(run);
    return TRUE;
}

/* --- From the beginning to the exit code --------------------------------------------------------
 */

static void
run_clear(OshRun *run)
{
    osh_services_stop(run->services);
    osh_denial_lines_free(run->denials);
    osh_policy_reload_free(run->reload);
    osh_services_free(run->services);
    osh_signals_free(run->signals);
    osh_config_free(run->config);
    g_clear_pointer(&run->writable, g_ptr_array_unref);
    g_clear_pointer(&run->loop, g_main_loop_unref);
    g_free(run->workdir);
    g_free(run->policy_errors);
}

int
osh_run(const OshOptions *options)
{
    OshRun run = {.options = options, .exit_code = OSH_EXIT_HOST_ERROR};
    g_autoptr(GError) error = NULL;

    if (!osh_file_limit_check())
        return OSH_EXIT_HOST_ERROR;
    osh_standard_error_begin();
    run.loop = g_main_loop_new(NULL, FALSE);
    run.signals = osh_signals_new(osh_run_signal, &run, &error);
    if (run.signals == NULL || !run_prepare(&run, &error)) {
        osh_run_complain_of_start(&run, error);
        run_clear(&run);
        osh_standard_error_end();
        return OSH_EXIT_HOST_ERROR;
    }
    if (!run_begin(&run, &error)) {
        osh_run_complain_of_start(&run, error);
        osh_run_finish(&run, OSH_EXIT_HOST_ERROR);
    }
    osh_standard_error_start();
    g_main_loop_run(run.loop);
    run_clear(&run);
    osh_standard_error_end();
    return run.end_signal != 0 ? osh_end_by_signal(run.end_signal) : run.exit_code;
}
