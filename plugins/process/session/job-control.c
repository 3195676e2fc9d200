/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job-control.c: what becomes of the host when the program stops, and of the program when the host
 * is told to stop or to go on.
 *
 * [main]. To the shell outside, the host is the job. So a program that stops (a key, kill(0,
 * SIGTSTP) of an editor, SIGSTOP) stops the host by the same signal with its default action, and
 * the kernel decides as it would for the program: in an orphaned process group, which no shell
 * could continue, SIGTSTP, SIGTTIN and SIGTTOU stop nothing, and the program goes on at once.
 * SIGCONT continues both.
 *
 * A host that is stopped sees nothing. Meanwhile whatever init has to say, the end of the program
 * for one, comes with a SIGCONT of the kernel (F_SETSIG on the control socket).
 */
#include "job-control.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "drop-source.h"

struct OshJob {
    OshJobRequest request;
    int signals;
    GSource *signal_source;
    GSource *settle_source;
    int stopped;    /* by this signal; 0 while it runs */
    gboolean asked; /* the host was told to stop, and has passed it on */
    gboolean waiting;
    gboolean ended;
};

static void
fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGWINCH);
    sigaddset(set, SIGCONT);
    sigaddset(set, SIGTSTP);
}

void
osh_job_block_signals(void)
{
    sigset_t set;

    fill_signals(&set);
    /* What comes instead of a signal of F_SETSIG that cannot be queued. */
    sigaddset(&set, SIGIO);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
signal_program(const OshJob *job, int signal_number)
{
    osh_box_signal(job->request.box, job->request.id, signal_number, TRUE, NULL);
}

void
osh_job_continue(OshJob *job)
{
    OshTerminalRelay *relay = job->request.relay;

    job->stopped = 0;
    job->asked = job->waiting = FALSE;
    osh_drop_source(&job->settle_source);
    if (relay != NULL)
        osh_terminal_relay_return(relay);
    /* Most programs draw anew when the size may have changed. It waits for them to go on: one that
       came later could take the place of a key, as in less(1). */
    if (relay != NULL)
        signal_program(job, SIGWINCH);
    signal_program(job, SIGCONT);
}

/* --- The host stops -----------------------------------------------------------------------------
 */

static void
set_wake(const OshJob *job, gboolean wake)
{
    int control = osh_box_control(job->request.box);
    int flags = fcntl(control, F_GETFL);

    if (wake) {
        fcntl(control, F_SETOWN, getpid());
        fcntl(control, F_SETSIG, SIGCONT);
    }
    fcntl(control, F_SETFL, wake ? flags | O_ASYNC : flags & ~O_ASYNC);
}

static gboolean
has_answer(const OshJob *job)
{
    struct pollfd control = {.fd = osh_box_control(job->request.box), .events = POLLIN};

    return poll(&control, 1, 0) != 0;
}

static gboolean
take_continue(void)
{
    struct timespec none = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    return sigtimedwait(&set, NULL, &none) == SIGCONT;
}

/*
 * Comes back when we are continued. A SIGCONT takes back a stop signal that is blocked still,
 * so that none can come too early; SIGSTOP alone cannot be blocked.
 * Returns: FALSE when the signal has stopped nothing
 */
static gboolean
stop_self(const OshJob *job, int signal_number, gboolean whole_group)
{
    struct timespec none = {0};
    sigset_t set;
    sigset_t before;

    if (has_answer(job))
        return TRUE;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    take_continue();
    kill(whole_group ? 0 : getpid(), signal_number);
    if (has_answer(job))
        sigtimedwait(&set, NULL, &none);
    /* Here it is taken. SIGCONT is blocked, and so remains to tell that it came. */
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return take_continue() || has_answer(job);
}

static void
suspend(OshJob *job)
{
    OshTerminalRelay *relay = job->request.relay;
    int signal_number = job->stopped;
    gboolean has_stopped;
    gboolean whole_group =
        signal_number != SIGSTOP && relay != NULL && osh_terminal_relay_is_controlling(relay);

    if (relay != NULL)
        osh_terminal_relay_leave(relay);
    job->request.note("openshell: the program and its host are stopped", job->request.data);
    set_wake(job, TRUE);
    has_stopped = stop_self(job, signal_number, whole_group);
    set_wake(job, FALSE);
    osh_job_continue(job);
    /* No process may read here, and the program would ask for ever. */
    if (!has_stopped && signal_number == SIGTTIN && relay != NULL)
        osh_terminal_relay_end_input(relay);
}

/* --- The program has stopped --------------------------------------------------------------------
 */

static gboolean
settle(gpointer data)
{
    OshJob *job = data;
    gboolean wants_terminal = job->stopped == SIGTTIN || job->stopped == SIGTTOU;

    osh_drop_source(&job->settle_source);
    if (job->ended)
        return G_SOURCE_REMOVE;
    if (wants_terminal && job->request.relay != NULL &&
        osh_terminal_relay_give(job->request.relay)) {
        job->stopped = 0;
        signal_program(job, SIGCONT);
    } else if (job->request.alone && !job->asked) {
        job->waiting = TRUE;
        job->request.note("openshell: the program has stopped itself: any key continues it",
                          job->request.data);
    } else {
        suspend(job);
    }
    return G_SOURCE_REMOVE;
}

/* What init has said behind it comes first: it may have been continued, or have ended. */
void
osh_job_stopped(OshJob *job, int signal_number)
{
    job->stopped = signal_number;
    if (signal_number == 0) {
        job->waiting = FALSE;
        osh_drop_source(&job->settle_source);
        return;
    }
    if (job->settle_source != NULL)
        return;
    job->settle_source = g_idle_source_new();
    g_source_set_priority(job->settle_source, G_PRIORITY_DEFAULT);
    g_source_set_callback(job->settle_source, settle, job, NULL);
    g_source_attach(job->settle_source, g_main_context_get_thread_default());
}

gboolean
osh_job_is_waiting(const OshJob *job)
{
    return job->waiting;
}

/* --- Signals to the host ------------------------------------------------------------------------
 */

/* The program decides whether it stops; when it does, we follow. */
static void
pass_stop(OshJob *job)
{
    OshTerminalRelay *relay = job->request.relay;

    job->asked = TRUE;
    if (relay == NULL || !osh_terminal_relay_signal(relay, SIGTSTP))
        signal_program(job, SIGTSTP);
}

static gboolean
signals_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshJob *job = data;
    struct signalfd_siginfo info;

    (void)condition;
    while (read(fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTSTP)
            pass_stop(job);
        else if (info.ssi_signo == SIGCONT)
            osh_job_continue(job);
        else if (job->request.relay != NULL)
            osh_terminal_relay_copy_size(job->request.relay);
    }
    return G_SOURCE_CONTINUE;
}

OshJob *
osh_job_new(const OshJobRequest *request)
{
    OshJob *job = g_new0(OshJob, 1);
    sigset_t set;

    job->request = *request;
    fill_signals(&set);
    job->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    job->signal_source = g_unix_fd_source_new(job->signals, G_IO_IN);
    g_source_set_callback(job->signal_source, G_SOURCE_FUNC(signals_ready), job, NULL);
    g_source_attach(job->signal_source, g_main_context_get_thread_default());
    return job;
}

void
osh_job_end(OshJob *job)
{
    job->ended = TRUE;
}

void
osh_job_free(OshJob *job)
{
    if (job == NULL)
        return;
    osh_drop_source(&job->signal_source);
    osh_drop_source(&job->settle_source);
    if (job->signals >= 0)
        close(job->signals);
    g_free(job);
}
