/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-program.c: the program of a run, from its launch to its exit, and the signals that are meant
 * for it. [main]. Every end goes through osh_run_finish().
 */
#include "run-private.h"

#include <signal.h>
#include <unistd.h>

#include "exit-code.h"
#include "standard-error.h"

#define RUN_TERM_GRACE   10
#define RUN_HANGUP_GRACE 1

static gboolean
run_screen_taken(gpointer data)
{
    const OshRun *run = data;

    return osh_launcher_screen_taken(&run->launcher, run->box);
}

static void
run_exited(guint64 process_id, gint exit_code, gint signal_number, gpointer data)
{
    OshRun *run = data;

    (void)process_id;
    run->process_id = 0;
    if (signal_number != 0)
        osh_run_finish_by_signal(run, signal_number);
    else
        osh_run_finish(run, exit_code);
}

static gboolean
run_timed_out(gpointer data)
{
    OshRun *run = data;

    g_clear_pointer(&run->timeout, g_source_unref);
    osh_run_finish(run, OSH_EXIT_TIMEOUT);
    g_printerr("openshell: the time of --timeout is over, ending the program\n");
    return G_SOURCE_REMOVE;
}

static void
run_watch_time(OshRun *run)
{
    gint64 seconds =
        run->options->timeout >= 0 ? run->options->timeout : osh_run_setting(run, "timeout", 0);

    if (seconds == 0)
        return;
    run->timeout = g_timeout_source_new((guint)MIN(seconds * 1000, G_MAXINT32));
    g_source_set_callback(run->timeout, run_timed_out, run, NULL);
    g_source_attach(run->timeout, NULL);
    /* It holds for a run that is stopped as well. */
    osh_signals_continue_after(run->signals, (guint)MIN(seconds, G_MAXINT32));
}

static void
run_launched(const OshProcess *process, const GError *error, gpointer data)
{
    OshRun *run = data;
    gint exit_code = OSH_EXIT_HOST_ERROR;

    run->launching = FALSE;
    if (process != NULL) {
        run->process_id = process->id;
        osh_standard_error_share(run_screen_taken, run);
        run_watch_time(run);
        if (run->hung_up)
            osh_run_hangup(run);
        else if (run->early_signal != 0)
            osh_run_signal(run->early_signal, run);
        return;
    }
    osh_run_complain(run, error);
    if (g_error_matches(error, OSH_ERROR, OSH_ERROR_NOT_FOUND))
        exit_code = OSH_EXIT_NOT_FOUND;
    else if (g_error_matches(error, OSH_ERROR, OSH_ERROR_NOT_EXECUTABLE))
        exit_code = OSH_EXIT_NOT_EXECUTABLE;
    osh_run_finish(run, exit_code);
}

static gboolean
run_grace_over(gpointer data)
{
    OshRun *run = data;

    g_clear_pointer(&run->grace, g_source_unref);
    osh_run_finish_by_signal(run, run->grace_signal);
    return G_SOURCE_REMOVE;
}

/* The signal asks the program to end; one that does not is ended. */
static void
run_watch_grace(OshRun *run, int signal_number)
{
    osh_run_drop_source(&run->grace);
    run->grace_signal = signal_number;
    run->grace =
        g_timeout_source_new(1000 * (signal_number == SIGHUP ? RUN_HANGUP_GRACE : RUN_TERM_GRACE));
    g_source_set_callback(run->grace, run_grace_over, run, NULL);
    g_source_attach(run->grace, NULL);
}

void
osh_run_signal(int signal_number, gpointer data)
{
    OshRun *run = data;

    if (run->finishing)
        return;
    if (run->launching) {
        run->early_signal = signal_number;
        return;
    }
    if (run->process_id == 0) {
        if (run->options->command != NULL || !run->started)
            osh_run_finish_by_signal(run, signal_number);
        else
            osh_run_finish(run, OSH_EXIT_OK);
        return;
    }
    if (signal_number == SIGTERM && run->grace != NULL && run->grace_signal == SIGTERM) {
        /* A second SIGTERM ends the program at once. */
        osh_run_finish_by_signal(run, signal_number);
        return;
    }
    osh_launcher_signal(&run->launcher, run->box, run->process_id, signal_number);
    if (signal_number == SIGTERM)
        run_watch_grace(run, SIGTERM);
}

/* As the kernel tells a job of a terminal that has gone: also one that is stopped. */
void
osh_run_hangup(gpointer data)
{
    OshRun *run = data;

    run->hung_up = TRUE;
    osh_run_signal(SIGHUP, run);
    if (run->finishing || run->launching || run->process_id == 0)
        return;
    osh_launcher_signal(&run->launcher, run->box, run->process_id, SIGCONT);
    run_watch_grace(run, SIGHUP);
}

void
osh_run_launch(OshRun *run)
{
    OshLaunchSpec spec = {
        .struct_size = sizeof(OshLaunchSpec),
        .kind = "entrypoint",
        .argv = (const char *const *)run->options->command,
        .stdin_fd = STDIN_FILENO,
        .stdout_fd = STDOUT_FILENO,
        .stderr_fd = STDERR_FILENO,
        .terminal = OSH_LAUNCH_STDIO,
    };

    run->launching = TRUE;
    osh_launcher_launch(&run->launcher, run->box, &spec, run_launched, run_exited, run);
}
