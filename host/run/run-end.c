/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-end.c: the end of a run, whatever brings it about: the box, the plugins, the events.
 *
 * [main]. Each step is asked for and answered from the main loop; the last one ends the loop. What
 * is up already is taken down in reverse, and a second end changes nothing.
 */
#include "run-private.h"

#include "exit-code.h"
#include "standard-error.h"

#define RUN_STOP_TIMEOUT 5
#define RUN_GRACE_USEC   (2 * G_USEC_PER_SEC)
#define RUN_TIMEOUT_USEC (100 * 1000)

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
    if (!osh_bus_flush(run->services->bus, deadline, run_flushed, run))
        g_main_loop_quit(run->loop);
}

static void
run_box_closed(gpointer data)
{
    OshRun *run = data;

    run->box = NULL;
    osh_standard_error_share(NULL, NULL);
    osh_registry_stop(run->services->registry,
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
    osh_run_publish(run, OSH_TOPIC_HOST_STOPPING, osh_event_host_stopping_pack(&stopping));
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

void
osh_run_fail(OshRun *run, const GError *error)
{
    osh_run_complain(run, error);
    osh_run_finish(run, OSH_EXIT_HOST_ERROR);
}
