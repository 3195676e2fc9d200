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

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contributions.h"
#include "denial-line.h"
#include "end-by-signal.h"
#include "event-log.h"
#include "exit-code.h"
#include "file-chain.h"
#include "file-limit.h"
#include "metrics.h"
#include "openshell/ext/process-launcher.h"
#include "own-files.h"
#include "plugin-folders.h"
#include "policy-interface.h"
#include "policy-reload.h"
#include "run-recording.h"
#include "signals.h"
#include "standard-error.h"
#include "start-line.h"
#include "worker.h"
#include "writable-places.h"

#include "osh-text.h"

#define RUN_START_TIMEOUT 30
#define RUN_STOP_TIMEOUT  5
#define RUN_GRACE_USEC    (2 * G_USEC_PER_SEC)
#define RUN_TIMEOUT_USEC  (100 * 1000)
#define RUN_WORKERS       4
#define RUN_WORKER_QUEUE  256

gint64
osh_run_setting(const OshRun *run, const char *key, gint64 fallback)
{
    return osh_config_host_integer(run->config, key, fallback);
}

static const char *
text_setting(const OshRun *run, const char *key, const char *option)
{
    return osh_config_host_text(run->config, key, option);
}

/* Returns: (nullable): the policy's file; NULL also when it comes from standard input */
static const char *
policy_path(const OshRun *run)
{
    const char *path = text_setting(run, "policy", run->options->policy);

    return g_strcmp0(path, "-") != 0 ? path : NULL;
}

static gboolean
is_quiet(const OshRun *run)
{
    GVariant *value = osh_config_host(run->config, "quiet");

    return run->options->quiet || (value != NULL && g_variant_get_boolean(value));
}

/* A path in it may have been made in a box. */
void
osh_run_complain(const OshRun *run, const GError *error)
{
    g_autoptr(GString) line = g_string_new("openshell: error: ");

    osh_policy_append_printable(line, error->message);
    g_string_append_c(line, '\n');
    if (run->policy_errors != NULL)
        g_string_append_printf(line, "%s\n", run->policy_errors);
    g_printerr("%s", line->str);
}

/* The variable says so to whoever asks; that it is true shows by the failure. */
static void
complain_of_start(const OshRun *run, const GError *error)
{
    osh_run_complain(run, error);
    if (run->options->command != NULL && g_getenv("OPENSHELL_SANDBOX") != NULL)
        g_printerr("openshell: this is a box already (OPENSHELL_SANDBOX is set), and there is none "
                   "inside another: run the command itself\n");
}

/* --- Announcements -----------------------------------------------------------------------------
 */

static void
publish(OshRun *run, const char *topic, GVariant *payload)
{
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = osh_bus_topic(run->publisher, topic),
        .payload = payload,
    };

    publication.reservation = osh_bus_reserve(run->publisher, publication.topic, 0);
    osh_bus_publish(run->publisher, &publication);
}

static void
announce_policy(OshRun *run)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->policy);
    const OshEventPolicyChanged changed = {
        .which = OSH_EVENT_POLICY_CURRENT,
        .generation = osh_policy_generation(policy),
        .sha256 = osh_policy_sha256(policy),
        .file = osh_policy_file_name(policy),
    };

    publish(run, OSH_TOPIC_POLICY_CHANGED, osh_event_policy_changed_pack(&changed));
}

/* A program in the box may write where the policy lies, so that it is not read again. */
static gboolean
is_read_once(const OshRun *run)
{
    const char *path = policy_path(run);

    return path == NULL ||
           (run->options->command != NULL &&
            osh_file_chain_writable(path, (const char *const *)run->writable->pdata) != NULL);
}

static void
announce_start(OshRun *run)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->policy);
    const OshBoxInfo *info = osh_launcher_box_info(&run->launcher, run->box);
    const OshStartLine start = {.registry = run->registry,
                                .box = info,
                                .workdir = run->workdir,
                                .policy = policy,
                                .policy_given = run->policy_given,
                                .network = run->network,
                                .policy_read_once = is_read_once(run),
                                .verbose = run->options->verbose};
    g_autofree char *line = osh_start_line(&start);
    const OshEventHostStarted started = {
        .level = info != NULL ? info->level : "no box",
        .version = OSH_VERSION,
        .more = osh_box_info_report(info),
    };

    publish(run, OSH_TOPIC_HOST_STARTED, osh_event_host_started_pack(&started));
    if (!is_quiet(run))
        g_printerr("%s\n", line);
    /* Never silent: a box that refuses less than its policy says looks like any other. */
    if (run->options->audit)
        g_printerr("openshell: AUDIT: what the policy denies is NOT refused, only written down; "
                   "address checks, identity and malformed requests are refused as ever\n");
}

/* --- The end ------------------------------------------------------------------------------------
 */

static void
run_flushed(const GError *error, gpointer data)
{
    OshRun *run = data;

    if (error != NULL) {
        osh_run_complain(run, error);
        if (run->exit_code == OSH_EXIT_OK)
            run->exit_code = OSH_EXIT_HOST_ERROR;
    }
    g_main_loop_quit(run->loop);
}

static void
run_stopped(const GError *error, gpointer data)
{
    OshRun *run = data;
    gint64 deadline = g_get_monotonic_time() + RUN_STOP_TIMEOUT * G_USEC_PER_SEC;

    (void)error;
    if (!osh_bus_flush(run->bus, deadline, run_flushed, run))
        g_main_loop_quit(run->loop);
}

static void
run_box_closed(gpointer data)
{
    OshRun *run = data;

    run->box = NULL;
    osh_standard_error_share(NULL, NULL);
    osh_registry_stop(run->registry,
                      g_get_monotonic_time() +
                          osh_run_setting(run, "stop-timeout", RUN_STOP_TIMEOUT) * G_USEC_PER_SEC,
                      run_stopped, run);
}

static void
run_close_box(OshRun *run, gint64 grace)
{
    osh_launcher_box_close(&run->launcher, run->box, g_get_monotonic_time() + grace, run_box_closed,
                           run);
}

void
osh_run_drop_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

void
osh_run_finish(OshRun *run, gint exit_code)
{
    const OshEventHostStopping stopping = {.reason = "run is over"};

    if (run->finishing)
        return;
    run->finishing = TRUE;
    run->exit_code = exit_code;
    osh_run_drop_source(&run->timeout);
    osh_run_drop_source(&run->grace);
    publish(run, OSH_TOPIC_HOST_STOPPING, osh_event_host_stopping_pack(&stopping));
    if (run->box != NULL)
        run_close_box(run, exit_code == OSH_EXIT_TIMEOUT ? RUN_TIMEOUT_USEC : RUN_GRACE_USEC);
    else
        run_box_closed(run);
}

void
osh_run_finish_by_signal(OshRun *run, int signal_number)
{
    if (!run->finishing)
        run->end_signal = signal_number;
    osh_run_finish(run, OSH_EXIT_SIGNAL_BASE + signal_number);
}

static void
run_fail(OshRun *run, const GError *error)
{
    osh_run_complain(run, error);
    osh_run_finish(run, OSH_EXIT_HOST_ERROR);
}

static void
run_box_lost(const GError *error, gpointer data)
{
    OshRun *run = data;

    run->process_id = 0;
    if (!run->finishing)
        run_fail(run, error);
}

static void
run_required_failed(const OshPlugin *plugin, gpointer data)
{
    g_autoptr(GError) error =
        g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the required plugin %s failed: %s",
                    osh_plugin_id(plugin), plugin->reason);

    run_fail(data, error);
}

/* --- Start --------------------------------------------------------------------------------------
 */

static gboolean
run_seal(OshRun *run, GError **error)
{
    g_autoptr(OshContributionSet) contributions = osh_contributions_gather(
        run->registry, osh_launcher_box_info(&run->launcher, run->box), error);

    return contributions != NULL &&
           osh_launcher_seal(&run->launcher, run->box, osh_contributions_get(contributions), error);
}

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
        .service = run->policy,
        .publisher = run->publisher,
        .workers = run->workers,
        .path = policy_path(run),
        .writable =
            run->options->command != NULL ? (const char *const *)run->writable->pdata : NULL,
        .posture = run->posture,
        .quiet = is_quiet(run),
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
        run_fail(run, error);
        return;
    }
    osh_run_add_sinks(run->registry, run->bus);
    if (run->box != NULL && !run_seal(run, &failure)) {
        run_fail(run, failure);
        return;
    }
    run->started = TRUE;
    announce_start(run);
    run_follow_policy(run);
    if (run->box != NULL)
        osh_run_launch(run);
}

static gboolean
run_open_box(OshRun *run, GError **error)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->policy);
    g_autoptr(GPtrArray) allowed = osh_run_allow_degraded(run->options, run->config);
    OshOwnFilesRequest own = {
        .options = run->options,
        .config = run->config,
        .registry = run->registry,
        .policy = policy_path(run),
        .writable = (const char *const *)run->writable->pdata,
    };
    g_autoptr(GPtrArray) protected_paths = osh_own_files_list(&own, error);
    OshBoxRequest request = {
        .struct_size = sizeof(OshBoxRequest),
        .policy = osh_policy_static_part(policy),
        .workdir = run->workdir,
        .network = run->network,
        .workdir_required = text_setting(run, "workdir", run->options->workdir) != NULL,
    };

    if (protected_paths == NULL)
        return FALSE;
    request.allow_degraded = (const char *const *)allowed->pdata;
    request.protected_paths = (const char *const *)protected_paths->pdata;
    if (!osh_registry_get_interface(run->registry, OSH_INTERFACE_PROCESS_LAUNCHER,
                                    &run->launcher)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "no plugin gave a process launcher");
        return FALSE;
    }
    run->box = osh_launcher_box_open(&run->launcher, &request, run_box_lost, run, error);
    return run->box != NULL;
}

static gboolean
run_require_roles(OshRun *run, GError **error)
{
    OshPlugin *launcher = osh_registry_provider(run->registry, OSH_INTERFACE_PROCESS_LAUNCHER);
    OshPlugin *network = osh_registry_find(run->registry, "network");
    gboolean network_disabled = osh_config_enabled(run->config, "network") == OSH_FALSE;

    if (run->options->command != NULL && launcher == NULL) {
        osh_run_set_no_launcher(run->registry, error);
        return FALSE;
    }
    if (run->options->command != NULL)
        launcher->required = TRUE;
    if (network_disabled && run->options->command != NULL)
        return TRUE;
    if (network == NULL || network_disabled) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    run->options->command != NULL
                        ? "the network plugin was not found: --disable network runs the command "
                          "without any network"
                        : "nothing to do: there is no command behind -- and no network plugin");
        return FALSE;
    }
    network->required = TRUE;
    run->network = TRUE;
    return TRUE;
}

static gboolean
run_list_writable(OshRun *run, GError **error)
{
    g_autoptr(OshPolicySnapshot) policy = osh_policy_service_ref_current(run->policy);

    run->writable = osh_writable_places(osh_policy_static_part(policy),
                                        run->options->command != NULL ? run->workdir : NULL, error);
    return run->writable != NULL;
}

static gboolean
run_load_policy(OshRun *run, GError **error)
{
    g_autofree char *messages = NULL;
    OshPolicySnapshot *snapshot = osh_run_load_policy(run->options, run->config, &messages, error);

    if (snapshot == NULL) {
        run->policy_errors = g_steal_pointer(&messages);
        return FALSE;
    }
    run->policy_given = text_setting(run, "policy", run->options->policy) != NULL;
    if (messages != NULL && messages[0] != '\0' && !is_quiet(run))
        g_printerr("%s\n", messages);
    run->policy = osh_policy_service_new(snapshot);
    return TRUE;
}

static gboolean
run_open_log(OshRun *run, GError **error)
{
    const char *path = text_setting(run, "events", run->options->events);
    OshInterface sink;

    if (path == NULL)
        return TRUE;
    run->log = osh_event_log_open(path, (const char *const *)run->writable->pdata, error);
    if (run->log == NULL)
        return FALSE;
    osh_event_log_interface(run->log, &sink);
    osh_bus_add_sink(run->bus, &sink, TRUE);
    return TRUE;
}

static gboolean
run_open_recording(OshRun *run, GError **error)
{
    const char *path = text_setting(run, "record", run->options->record);
    const char *events = text_setting(run, "events", run->options->events);
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
    run->recorder = osh_run_record(path, (const char *const *)run->writable->pdata, run->registry,
                                   run->policy, run->bus, run->options->audit, error);
    return run->recorder != NULL;
}

static void
run_add_host_interfaces(OshRun *run)
{
    OshInterface policy;
    OshInterface shard = {"host", osh_shard_pool_interface(), run->shards};
    OshInterface worker = {"host", osh_worker_pool_interface(), run->workers};
    OshInterface metrics = {"host", osh_metrics_interface(), run->metrics};

    osh_policy_service_interface(run->policy, &policy);
    osh_registry_add_interface(run->registry, OSH_INTERFACE_POLICY, &policy);
    osh_registry_add_interface(run->registry, OSH_INTERFACE_SHARD, &shard);
    osh_registry_add_interface(run->registry, OSH_INTERFACE_WORKER, &worker);
    osh_registry_add_interface(run->registry, OSH_INTERFACE_METRICS, &metrics);
}

static void
print_line(const char *line, gpointer data)
{
    const OshRun *run = data;

    g_printerr("%s\n", line);
    osh_launcher_note(&run->launcher, run->box, line);
}

static gboolean
run_make_services(OshRun *run, GError **error)
{
    static const char *const topics[] = {OSH_TOPIC_HOST_STARTED, OSH_TOPIC_HOST_STOPPING,
                                         OSH_TOPIC_POLICY_CHANGED, OSH_TOPIC_POLICY_REJECTED, NULL};
    gint64 shards = osh_run_setting(run, "shards", 0);

    run->bus = osh_bus_new(NULL, NULL, error);
    if (run->bus == NULL)
        return FALSE;
    run->publisher = osh_bus_publisher_new(run->bus, "host", topics, error);
    if (run->publisher == NULL || !run_open_log(run, error))
        return FALSE;
    if (!is_quiet(run))
        run->denials = osh_denial_lines_new(run->bus, print_line, run,
                                            text_setting(run, "policy", run->options->policy),
                                            run->options->audit);
    run->metrics = osh_metrics_new(error);
    if (run->metrics == NULL)
        return FALSE;
    run->shards = osh_shard_pool_new(shards > 0 ? (guint)shards : g_get_num_processors());
    run->workers = osh_worker_pool_new(NULL, run->shards, RUN_WORKERS, RUN_WORKER_QUEUE);
    osh_bus_set_shard_pool(run->bus, run->shards);
    run->registry = osh_registry_new(run->bus);
    osh_registry_on_required_failed(run->registry, run_required_failed, run);
    run_add_host_interfaces(run);
    return TRUE;
}

static gboolean
run_prepare(OshRun *run, GError **error)
{
    run->config = osh_run_load_config(run->options, error);
    if (run->config == NULL ||
        !osh_policy_posture_parse(text_setting(run, "policy-posture", run->options->policy_posture),
                                  &run->posture, error) ||
        !run_load_policy(run, error))
        return FALSE;
    if (run->options->audit)
        osh_policy_service_set_audit(run->policy);
    run->workdir = osh_run_find_workdir(text_setting(run, "workdir", run->options->workdir), error);
    return run->workdir != NULL && run_list_writable(run, error) && run_make_services(run, error);
}

/* Everything before the first thread; a box, once open, is closed by osh_run_finish(). */
static gboolean
run_begin(OshRun *run, GError **error)
{
    announce_policy(run);
    osh_signals_on_hangup(run->signals, osh_run_hangup, run);
    if (policy_path(run) != NULL)
        osh_signals_on_reload(run->signals, run_reload, run);
    if (!osh_plugin_folders_scan(run->registry, run->options, run->config, error) ||
        !osh_registry_configure(run->registry, run->config,
                                (const char *const *)run->writable->pdata, error) ||
        !run_require_roles(run, error) || !run_open_recording(run, error) ||
        !osh_registry_create_all(run->registry, error))
        return FALSE;
    if (run->options->command != NULL && !run_open_box(run, error))
        return FALSE;
    if (run->recorder != NULL)
        osh_recorder_start(run->recorder);
    if (!osh_shard_pool_start(run->shards, error))
        return FALSE;
    osh_registry_start(run->registry,
                       g_get_monotonic_time() +
                           osh_run_setting(run, "start-timeout", RUN_START_TIMEOUT) *
                               G_USEC_PER_SEC,
                       run_ready, run);
    return TRUE;
}

static void
run_clear(OshRun *run)
{
    gint64 deadline = g_get_monotonic_time() + G_USEC_PER_SEC;

    /* Shards end before the plugins that they call into are destroyed. */
    if (run->workers != NULL)
        osh_worker_pool_stop(run->workers, deadline);
    if (run->shards != NULL)
        osh_shard_pool_stop(run->shards);
    osh_registry_free(run->registry);
    osh_run_record_end(run->recorder, run->policy);
    osh_denial_lines_free(run->denials);
    if (run->bus != NULL)
        osh_bus_set_shard_pool(run->bus, NULL);
    g_clear_object(&run->bus);
    osh_worker_pool_free(run->workers);
    osh_policy_reload_free(run->reload);
    osh_shard_pool_free(run->shards);
    osh_metrics_free(run->metrics);
    osh_event_log_close(run->log);
    osh_policy_service_free(run->policy);
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
        complain_of_start(&run, error);
        run_clear(&run);
        osh_standard_error_end();
        return OSH_EXIT_HOST_ERROR;
    }
    if (!run_begin(&run, &error)) {
        complain_of_start(&run, error);
        osh_run_finish(&run, OSH_EXIT_HOST_ERROR);
    }
    osh_standard_error_start();
    g_main_loop_run(run.loop);
    run_clear(&run);
    osh_standard_error_end();
    return run.end_signal != 0 ? osh_end_by_signal(run.end_signal) : run.exit_code;
}
