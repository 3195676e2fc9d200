/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher.c: openshell.process-launcher/1: programs of the box, from the request to the exit.
 *
 * [main]. A program is announced after its exec succeeded and its exit after everything that it
 * wrote to a terminal was delivered. Descriptors of a request are duplicated at once: the caller
 * closes its own whenever it likes.
 */
#include "box-program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor-probe.h"
#include "not-shown.h"

/* What the host ends with when it cannot do its own part. */
#define OUTPUT_LOST_CODE 125

/* Processes that it has left behind may still write, until the box is closed. */
static void
keep_streams(BoxProgram *program)
{
    GPtrArray *kept = program->box->kept_streams;

    if (program->streams == NULL)
        return;
    for (guint i = kept->len; i-- > 0;)
        if (osh_program_streams_have_ended(kept->pdata[i]))
            g_ptr_array_remove_index_fast(kept, i);
    g_ptr_array_add(kept, program->streams);
}

static void
program_free(gpointer data)
{
    BoxProgram *program = data;

    osh_job_free(program->job);
    osh_terminal_relay_free(program->relay);
    osh_session_streams_free(program->attended_streams);
    keep_streams(program);
    for (gsize i = 0; i < 3; i++)
        if (program->stdio[i] >= 0)
            close(program->stdio[i]);
    if (program->pidfd >= 0)
        close(program->pidfd);
    g_free(program->kind);
    g_free(program->path);
    g_free(program->command);
    g_free(program->search_path);
    g_free(program->workdir);
    g_free(program);
}

GHashTable *
osh_process_programs_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, program_free);
}

void
osh_process_publish(OshBox *box, OshTopic topic, GVariant *payload)
{
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = topic,
        .payload = payload,
    };

    publication.reservation = osh_host_reserve(box->plugin->host, topic, 0);
    osh_host_publish(box->plugin->host, &publication);
}

/* Field 22 of /proc/PID/stat; what stands before it in parentheses may hold anything. */
static guint64
start_time_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    const char *field;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    field = strrchr(text, ')');
    for (guint i = 2; field != NULL && i < 22; i++)
        field = strchr(field + 1, ' ');
    return field != NULL ? g_ascii_strtoull(field + 1, NULL, 10) : 0;
}

/* The programs of root's box have another uid, which may not enter what is root's alone. */
static GError *
explain(const BoxProgram *program, const GError *cause)
{
    const OshBox *box = program->box;
    GError *error = g_error_copy(cause);
    g_autofree char *not_shown = NULL;

    if (g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_NOT_FOUND))
        not_shown = osh_not_shown_command(box->mounts, program->command, program->search_path,
                                          box->outer_workdir);
    if (not_shown != NULL) {
        g_free(error->message);
        error->message = g_strdup_printf("cannot run %s: %s", program->path, not_shown);
    }

    if (!g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_WORKING_DIRECTORY))
        return error;
    if (!osh_mount_plan_has(box->mounts, program->workdir))
        g_prefix_error(&error, "the policy does not show %s in the box; ", program->workdir);
    else if (geteuid() == 0)
        g_prefix_error(&error,
                       "the program runs as user %s: name another one in the policy "
                       "(process.run_as_user), or let that user in; ",
                       box->identity->user);
    return error;
}

static void
launch_failed(BoxProgram *program, const GError *cause)
{
    OshBox *box = program->box;
    OshEventProcessRefused refused = {
        .kind = program->kind, .path = program->path, .stage = "launch"};
    GError *error = NULL;

    osh_process_propagate(&error, explain(program, cause));
    refused.text = error->message;
    osh_process_publish(box, box->plugin->process_refused,
                        osh_event_process_refused_pack(&refused));
    program->launched(NULL, error, program->data);
    g_error_free(error);
    g_hash_table_remove(box->programs, GUINT_TO_POINTER(program->id));
}

static void
box_launched(OshBoxHandle *handle, OshBoxProcess *process, const GError *error, gpointer data)
{
    BoxProgram *program = data;
    OshBox *box = program->box;
    OshProcess started = {.struct_size = sizeof(OshProcess)};
    OshEventProcessStarted event = {
        .process = program->id, .kind = program->kind, .path = program->path};

    (void)handle;
    if (process == NULL) {
        launch_failed(program, error);
        return;
    }
    program->pid = process->pid;
    program->pidfd = g_steal_fd(&process->pidfd);
    osh_box_program_connect(program, process);
    started.id = program->id;
    started.pid = program->pid;
    started.pidfd = program->pidfd;
    started.start_time = start_time_of(program->pid);
    event.pid = (guint32)program->pid;
    event.start_time = started.start_time;
    osh_process_publish(box, box->plugin->process_started, osh_event_process_started_pack(&event));
    program->launched(&started, NULL, program->data);
}

static void
announce_exit(const BoxProgram *program)
{
    gboolean signalled = WIFSIGNALED(program->status);
    const OshEventProcessExited exited = {
        .process = program->id,
        .pid = (guint32)program->pid,
        .exit_code = signalled ? -1 : WEXITSTATUS(program->status),
        .signal_number = signalled ? WTERMSIG(program->status) : 0,
    };

    osh_process_publish(program->box, program->box->plugin->process_exited,
                        osh_event_process_exited_pack(&exited));
}

static void
program_finished(gpointer data)
{
    BoxProgram *program = data;
    OshBox *box = program->box;
    gboolean signalled = WIFSIGNALED(program->status);
    gint code = signalled ? -1 : WEXITSTATUS(program->status);
    gint signal_number = signalled ? WTERMSIG(program->status) : 0;
    OshExitFunc exited = program->exited;
    gpointer exited_data = program->data;
    guint32 id = program->id;
    g_autofree char *lost =
        program->streams != NULL ? osh_program_streams_problem(program->streams) : NULL;

    announce_exit(program);
    if (lost != NULL)
        osh_host_log(box->plugin->host, G_LOG_LEVEL_WARNING, lost);
    /* A success whose output got lost is none. */
    if (lost != NULL && code == 0)
        code = OUTPUT_LOST_CODE;
    /* What it has left behind may write until the box is closed. */
    if (program->entrypoint)
        program->ended = TRUE;
    else
        g_hash_table_remove(box->programs, GUINT_TO_POINTER(id));
    if (exited != NULL)
        exited(id, code, signal_number, exited_data);
}

/* Attached clients are told of the end as well, before it is published. */
static void
output_delivered(BoxProgram *program)
{
    gboolean signalled = WIFSIGNALED(program->status);

    if (program->attended)
        osh_session_exited(program->box->session, signalled ? -1 : WEXITSTATUS(program->status),
                           signalled ? WTERMSIG(program->status) : 0, program_finished, program);
    else
        program_finished(program);
}

static void
stream_delivered(gpointer data)
{
    BoxProgram *program = data;

    if (--program->delivering == 0)
        output_delivered(program);
}

static void
box_exited(OshBoxHandle *handle, guint32 id, int status, gpointer data)
{
    BoxProgram *program = data;

    (void)handle;
    (void)id;
    program->status = status;
    if (program->job != NULL)
        osh_job_end(program->job);
    program->delivering =
        (program->relay != NULL) + (program->streams != NULL) + (program->attended_streams != NULL);
    if (program->delivering == 0) {
        output_delivered(program);
        return;
    }
    if (program->relay != NULL)
        osh_terminal_relay_finish(program->relay, stream_delivered, program);
    if (program->streams != NULL)
        osh_program_streams_finish(program->streams, stream_delivered, program);
    if (program->attended_streams != NULL)
        osh_session_streams_finish(program->attended_streams, stream_delivered, program);
}

static gboolean
duplicate_stdio(BoxProgram *program, const OshLaunchSpec *spec, GError **error)
{
    const int wanted[3] = {spec->stdin_fd, spec->stdout_fd, spec->stderr_fd};

    for (gsize i = 0; i < 3; i++) {
        /* A closed descriptor of the host's is /dev/null in the box. */
        if (!osh_stream_handling(wanted[i], (guint)i, &program->handling[i], error))
            return FALSE;
        program->stdio[i] = wanted[i] >= 0 ? fcntl(wanted[i], F_DUPFD_CLOEXEC, 3) : -1;
        if (program->stdio[i] < 0 && wanted[i] >= 0 && errno != EBADF) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot duplicate a descriptor: %s",
                        g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

static BoxProgram *
program_new(OshBox *box, const OshLaunchSpec *spec, OshLaunchFunc launched, OshExitFunc exited,
            gpointer data)
{
    BoxProgram *program = g_new0(BoxProgram, 1);

    program->box = box;
    program->kind = g_utf8_make_valid(spec->kind, -1);
    program->path = g_utf8_make_valid(spec->argv[0], -1);
    program->command = g_strdup(spec->argv[0]);
    program->workdir = g_strdup(spec->cwd != NULL ? spec->cwd : box->workdir);
    program->pidfd = -1;
    program->entrypoint = g_str_equal(spec->kind, "entrypoint");
    program->attended = box->session != NULL && program->entrypoint;
    program->launched = launched;
    program->exited = exited;
    program->data = data;
    for (gsize i = 0; i < 3; i++)
        program->stdio[i] = -1;
    return program;
}

static void
choose_terminal(BoxProgram *program, const OshLaunchSpec *spec, OshBoxLaunch *launch)
{
    program->terminal = osh_terminal_choose(program->stdio);
    if (spec->terminal == OSH_LAUNCH_PTY) {
        program->terminal = (OshTerminalChoice){.is_terminal = {TRUE, TRUE, TRUE},
                                                .outer = program->stdio[0],
                                                .output = program->stdio[1],
                                                .rows = spec->rows != 0 ? spec->rows : 24,
                                                .columns = spec->columns != 0 ? spec->columns : 80};
    } else if (program->attended && program->terminal.outer < 0 &&
               program->box->plugin->session_terminal) {
        /* Only those who attach type into it. */
        program->terminal = (OshTerminalChoice){.is_terminal = {TRUE, TRUE, TRUE},
                                                .outer = -1,
                                                .output = program->stdio[1],
                                                .rows = 24,
                                                .columns = 80};
    }
    for (gsize i = 0; i < 3; i++) {
        launch->stdio[i] =
            program->handling[i] != OSH_STREAM_NOTHING ? program->stdio[i] : OSH_BOX_STDIO_NULL;
        if (program->terminal.is_terminal[i]) {
            launch->stdio[i] = OSH_BOX_STDIO_TERMINAL;
            launch->terminal = TRUE;
        }
    }
    /* Only a job can be put into the foreground later. */
    program->terminal.background &= program->entrypoint;
    launch->stopped = program->entrypoint ? osh_box_program_stopped : NULL;
    launch->background = program->terminal.background;
    launch->modes = program->terminal.has_modes ? &program->terminal.modes : NULL;
    launch->rows = program->terminal.rows;
    launch->columns = program->terminal.columns;
}

/* Without a terminal the streams of an attended program pass through us, so that others see them.
 */
static gboolean
choose_attended_streams(BoxProgram *program, OshBoxLaunch *launch, int inner[3], GError **error)
{
    program->attended_streams = osh_session_streams_new(program->box->session, program->stdio,
                                                        launch->uid, launch->gid, inner, error);
    if (program->attended_streams == NULL)
        return FALSE;
    for (gsize i = 0; i < 3; i++)
        launch->stdio[i] = inner[i];
    return TRUE;
}

static gboolean
choose_streams(BoxProgram *program, OshBoxLaunch *launch, int inner[3], GError **error)
{
    gboolean piped[3];
    gboolean any = FALSE;

    if (program->attended && !launch->terminal)
        return choose_attended_streams(program, launch, inner, error);
    for (gsize i = 0; i < 3; i++) {
        piped[i] = program->handling[i] == OSH_STREAM_PIPED && !program->terminal.is_terminal[i];
        any |= piped[i];
    }
    if (!any)
        return TRUE;
    program->streams =
        osh_program_streams_new(program->stdio, piped, launch->uid, launch->gid, inner, error);
    if (program->streams == NULL)
        return FALSE;
    for (gsize i = 0; i < 3; i++)
        if (piped[i])
            launch->stdio[i] = inner[i];
    return TRUE;
}

static GStrv
environment_of(OshBox *box, const OshLaunchSpec *spec, GError **error)
{
    g_auto(GStrv) host = g_get_environ();
    OshEnvironmentRequest request = {
        .host = (const char *const *)host,
        .pass = (const char *const *)box->plugin->pass_environment,
        .additions = spec->environment,
        .contributions = (const OshEnvironmentVariable *)(gpointer)box->contributions->data,
        .n_contributions = box->contributions->len,
        .identity = box->identity,
    };

    return osh_environment_new(&request, error);
}

static guint32
start_program(OshBox *box, BoxProgram *program, const OshLaunchSpec *spec, GError **error)
{
    g_auto(GStrv) environment = environment_of(box, spec, error);
    OshBoxFilter filters[2];
    gsize sizes[2];
    int inner[3] = {-1, -1, -1};
    guint32 id;
    OshBoxLaunch launch = {
        .argv = spec->argv,
        .cwd = program->workdir,
        .uid = box->identity->uid,
        .gid = box->identity->gid,
        .groups = box->identity->groups,
        .group_count = box->identity->n_groups,
        .filters = filters,
        .filter_count = G_N_ELEMENTS(filters),
        .limits = (const OshBoxLimit *)(gpointer)box->plugin->limits->data,
        .limit_count = box->plugin->limits->len,
    };

    if (environment == NULL || !duplicate_stdio(program, spec, error))
        return 0;
    launch.environment = (const char *const *)environment;
    launch.search_path = g_environ_getenv(environment, "PATH");
    program->search_path = g_strdup(launch.search_path);
    filters[0].instructions = g_bytes_get_data(box->clone3_filter, &sizes[0]);
    filters[0].size = sizes[0];
    filters[1].instructions = g_bytes_get_data(box->main_filter, &sizes[1]);
    filters[1].size = sizes[1];
    choose_terminal(program, spec, &launch);
    if (!choose_streams(program, &launch, inner, error))
        return 0;
    id = osh_box_launch(box->handle, &launch, box_launched, box_exited, program, error);
    for (gsize i = 0; i < 3; i++)
        if (inner[i] >= 0)
            close(inner[i]);
    return id;
}

static void
launcher_launch(gpointer instance, OshBox *box, const OshLaunchSpec *spec, OshLaunchFunc launched,
                OshExitFunc exited, gpointer data)
{
    BoxProgram *program = program_new(box, spec, launched, exited, data);
    GError *cause = NULL;

    (void)instance;
    if (!box->sealed)
        cause = g_error_new(OSH_ERROR, OSH_ERROR_INVALID, "the box is not sealed yet");
    else
        program->id = start_program(box, program, spec, &cause);
    if (cause != NULL) {
        GError *error = NULL;

        osh_process_propagate(&error, cause);
        program_free(program);
        launched(NULL, error, data);
        g_error_free(error);
        return;
    }
    g_hash_table_insert(box->programs, GUINT_TO_POINTER(program->id), program);
}

static OshBox *
launcher_box_open(gpointer instance, const OshBoxRequest *request, OshBoxLostFunc lost,
                  gpointer data, GError **error)
{
    OshBox *box = osh_process_box_open(instance, request, lost, data, error);

    if (box != NULL)
        osh_job_block_signals();
    return box;
}

static OshBox *
launcher_box_get(gpointer instance)
{
    return ((OshProcessPlugin *)instance)->box;
}

static const OshBoxInfo *
launcher_box_info(gpointer instance, OshBox *box)
{
    (void)instance;
    return &box->info;
}

static gboolean
launcher_seal(gpointer instance, OshBox *box, const OshContributions *contributions, GError **error)
{
    (void)instance;
    return osh_process_box_seal(box, contributions, error);
}

static void
hurry_streams(BoxProgram *program)
{
    if (program->streams != NULL)
        osh_program_streams_hurry(program->streams);
    if (program->attended_streams != NULL)
        osh_session_streams_hurry(program->attended_streams);
}

static gboolean
launcher_signal(gpointer instance, OshBox *box, guint64 process_id, int signal_number)
{
    BoxProgram *program = g_hash_table_lookup(box->programs, GUINT_TO_POINTER((guint)process_id));

    (void)instance;
    if (program == NULL || program->ended)
        return FALSE;
    /* A signal that ends the program does not wait for a reader that takes nothing. */
    if (signal_number != SIGWINCH && signal_number != SIGUSR1 && signal_number != SIGUSR2 &&
        signal_number != SIGALRM && signal_number != SIGCONT)
        hurry_streams(program);
    return osh_box_program_signal(program, signal_number);
}

static gboolean
launcher_resize(gpointer instance, OshBox *box, guint64 process_id, guint16 rows, guint16 columns)
{
    const BoxProgram *program =
        g_hash_table_lookup(box->programs, GUINT_TO_POINTER((guint)process_id));

    (void)instance;
    return program != NULL && program->relay != NULL &&
           osh_terminal_relay_resize(program->relay, rows, columns);
}

/* Security rule 3, protected files: with auto-executed files that were made in the box, for a
 * person to look at. */
static void
announce_close(OshBox *box)
{
    OshProtectScope scope =
        osh_mount_plan_scope(box->mounts, (const char *const *)box->plugin->auto_executed_writable);
    g_autoptr(OshProtectAppeared) appeared =
        osh_mount_protect_appeared(&scope, box->mounts->auto_executed);
    OshEventBoxClosed event = {
        .box = box->info.id,
        .reason = "closed",
        .appeared_in_dependencies = appeared->in_dependencies,
        .not_searched = appeared->unsearched,
    };

    if (appeared->paths->len > 0) {
        event.appeared_more = appeared->more;
        g_ptr_array_add(appeared->paths, NULL);
        event.appeared = (const char *const *)appeared->paths->pdata;
    }
    osh_process_publish(box, box->plugin->box_closed, osh_event_box_closed_pack(&event));
}

/* A box that is closed waits for no reader: those whose output is on its way have ended all the
 * same.
 */
static void
announce_exits(const OshBox *box)
{
    GHashTableIter iter;
    gpointer program;

    g_hash_table_iter_init(&iter, box->programs);
    while (g_hash_table_iter_next(&iter, NULL, &program))
        if (((const BoxProgram *)program)->delivering > 0)
            announce_exit(program);
}

static void
box_closed(OshBoxHandle *handle, gpointer data)
{
    OshBox *box = data;
    OshProcessPlugin *plugin = box->plugin;
    OshCallback closed = box->closed;
    gpointer closed_data = box->closed_data;

    (void)handle;
    osh_refusal_watch_finish(box->refusals);
    osh_placeholders_remove(box->placeholders);
    announce_exits(box);
    announce_close(box);
    plugin->box = NULL;
    osh_process_box_free(box);
    closed(closed_data);
}

static void
launcher_box_close(gpointer instance, OshBox *box, gint64 deadline, OshCallback closed,
                   gpointer data)
{
    gint64 grace = MAX(deadline - g_get_monotonic_time(), 0) / 1000;
    GHashTableIter iter;
    gpointer program;

    (void)instance;
    g_hash_table_iter_init(&iter, box->programs);
    while (g_hash_table_iter_next(&iter, NULL, &program))
        if (((BoxProgram *)program)->job != NULL)
            osh_job_end(((BoxProgram *)program)->job);
    box->closing = TRUE;
    box->closed = closed;
    box->closed_data = data;
    osh_box_close(box->handle, (guint)MIN(grace, G_MAXINT), box_closed, box);
}

static GVariant *
launcher_probe(gpointer instance)
{
    const OshProcessPlugin *plugin = instance;

    return osh_doctor_probe((const char *const *)plugin->seccomp_allow);
}

static GVariant *
launcher_probe_rules(gpointer instance, const OshBoxRequest *request)
{
    return osh_process_probe_rules(instance, request);
}

static gboolean
launcher_screen_taken(gpointer instance, OshBox *box)
{
    GHashTableIter iter;
    gpointer program;

    (void)instance;
    g_hash_table_iter_init(&iter, box->programs);
    while (g_hash_table_iter_next(&iter, NULL, &program))
        if (osh_box_program_screen_taken(program))
            return TRUE;
    return FALSE;
}

static void
launcher_note(gpointer instance, OshBox *box, const char *line)
{
    (void)instance;
    if (box->session != NULL)
        osh_session_line(box->session, line);
}

const OshProcessLauncherInterface osh_process_launcher_vtable = {
    .struct_size = sizeof(OshProcessLauncherInterface),
    .box_open = launcher_box_open,
    .box_get = launcher_box_get,
    .box_info = launcher_box_info,
    .seal = launcher_seal,
    .launch = launcher_launch,
    .signal = launcher_signal,
    .resize = launcher_resize,
    .box_close = launcher_box_close,
    .probe = launcher_probe,
    .probe_rules = launcher_probe_rules,
    .screen_taken = launcher_screen_taken,
    .note = launcher_note,
};
