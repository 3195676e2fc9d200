/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.c: a signalfd(2) on the main loop. [main]. It must never run code in a signal handler,
 * nor take the end of a terminal for somebody's wish to reload.
 *
 * A shell that loses its terminal, or is told to end, sends SIGHUP to its jobs while the terminal
 * is there still, and ends then. A person who types kill -HUP in the same shell looks the same. So
 * a SIGHUP of a shell that the host descends from is a wish to reload at first, and a hangup when
 * that shell ends right behind it.
 */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "openshell/host.h"

/* Shells within shells on one terminal. */
#define MAX_SHELLS 16
/* A shell that hangs up its jobs ends as soon as it has told them. */
#define SHELL_END_MS 2000

struct _OshSignals {
    int fd;
    GSource *source;
    OshSignalFunc function;
    gpointer data;
    OshReloadFunc reload; /* (nullable) */
    gpointer reload_data;
    OshHangupFunc hangup; /* (nullable) */
    gpointer hangup_data;
    pid_t shells[MAX_SHELLS]; /* parent, its parent and so on, of one session with us; then 0 */
    gboolean had_terminal;
    gboolean hangup_ignored; /* as nohup(1) leaves it */
    int sender;              /* pidfd of a shell that has sent SIGHUP, or -1 */
    GSource *sender_source;
    GSource *sender_timeout;
    timer_t wake;
    gboolean has_wake;
};

static gboolean
has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Returns: the parent of @pid, 0 where @pid is not of our session. */
static pid_t
parent_in_session(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    const char *fields;
    int parent = 0;
    int session = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    fields = strrchr(text, ')');
    if (fields == NULL || sscanf(fields, ") %*c %d %*d %d", &parent, &session) != 2)
        return 0;
    return session == getsid(0) ? parent : 0;
}

static void
find_shells(OshSignals *signals)
{
    pid_t pid = getsid(0) != getpid() ? getppid() : 0;

    for (guint i = 0; i < MAX_SHELLS && pid > 0; i++) {
        pid_t parent = parent_in_session(pid);

        if (parent == 0)
            return;
        signals->shells[i] = pid;
        pid = parent;
    }
}

static gboolean
is_shell_of_ours(const OshSignals *signals, const struct signalfd_siginfo *info)
{
    for (guint i = 0; i < MAX_SHELLS && signals->shells[i] != 0; i++)
        if (info->ssi_code == SI_USER && signals->shells[i] == (pid_t)info->ssi_pid)
            return TRUE;
    return FALSE;
}

static void
drop_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

static void
forget_sender(OshSignals *signals)
{
    drop_source(&signals->sender_source);
    drop_source(&signals->sender_timeout);
    if (signals->sender >= 0)
        close(signals->sender);
    signals->sender = -1;
}

static void
terminal_is_gone(OshSignals *signals)
{
    forget_sender(signals);
    if (signals->hangup_ignored)
        return;
    if (signals->hangup != NULL)
        signals->hangup(signals->hangup_data);
    else
        signals->function(SIGHUP, signals->data);
}

static gboolean
sender_has_ended(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    terminal_is_gone(data);
    return G_SOURCE_REMOVE;
}

static gboolean
sender_lives_on(gpointer data)
{
    forget_sender(data);
    return G_SOURCE_REMOVE;
}

/* Returns: FALSE when it has ended already. */
static gboolean
watch_sender(OshSignals *signals, pid_t pid)
{
    struct pollfd entry = {.events = POLLIN};

    forget_sender(signals);
    signals->sender = (int)syscall(SYS_pidfd_open, pid, 0);
    if (signals->sender < 0)
        return errno != ESRCH;
    entry.fd = signals->sender;
    if (poll(&entry, 1, 0) > 0)
        return FALSE;
    signals->sender_source = g_unix_fd_source_new(signals->sender, G_IO_IN);
    g_source_set_callback(signals->sender_source, G_SOURCE_FUNC(sender_has_ended), signals, NULL);
    g_source_attach(signals->sender_source, g_main_context_get_thread_default());
    signals->sender_timeout = g_timeout_source_new(SHELL_END_MS);
    g_source_set_callback(signals->sender_timeout, sender_lives_on, signals, NULL);
    g_source_attach(signals->sender_timeout, g_main_context_get_thread_default());
    return TRUE;
}

static void
signals_hangup(OshSignals *signals, const struct signalfd_siginfo *info)
{
    gboolean by_shell = signals->had_terminal && is_shell_of_ours(signals, info);

    /* The kernel says so itself to the leader of the session and to the foreground. */
    if (info->ssi_code == SI_KERNEL || (by_shell && !has_terminal()) ||
        (by_shell && !watch_sender(signals, (pid_t)info->ssi_pid))) {
        signals->had_terminal = FALSE;
        terminal_is_gone(signals);
        return;
    }
    if (signals->reload != NULL)
        signals->reload(signals->reload_data);
    else if (!by_shell || !signals->hangup_ignored)
        signals->function(SIGHUP, signals->data);
}

static gboolean
signals_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshSignals *signals = data;
    struct signalfd_siginfo info;

    (void)condition;
    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            signals_hangup(signals, &info);
        else
            signals->function((int)info.ssi_signo, signals->data);
    }
    return G_SOURCE_CONTINUE;
}

OshSignals *
osh_signals_new(OshSignalFunc function, gpointer data, GError **error)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};
    OshSignals *signals;
    struct sigaction hangup;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* A reader of ours that has gone must not end the host, nor a file as large as it may be. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot read signals: %s",
                    g_strerror(errno));
        return NULL;
    }
    signals = g_new0(OshSignals, 1);
    signals->fd = fd;
    signals->function = function;
    signals->data = data;
    signals->sender = -1;
    signals->had_terminal = has_terminal();
    if (signals->had_terminal)
        find_shells(signals);
    signals->hangup_ignored = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    signals->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(signals->source, G_SOURCE_FUNC(signals_ready), signals, NULL);
    g_source_attach(signals->source, g_main_context_get_thread_default());
    return signals;
}

void
osh_signals_on_reload(OshSignals *signals, OshReloadFunc reload, gpointer data)
{
    signals->reload = reload;
    signals->reload_data = data;
}

void
osh_signals_on_hangup(OshSignals *signals, OshHangupFunc hangup, gpointer data)
{
    signals->hangup = hangup;
    signals->hangup_data = data;
}

gboolean
osh_signals_continue_after(OshSignals *signals, guint seconds)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    struct itimerspec when = {.it_value = {.tv_sec = seconds}};

    if (!signals->has_wake)
        signals->has_wake = timer_create(CLOCK_MONOTONIC, &event, &signals->wake) == 0;
    return signals->has_wake && timer_settime(signals->wake, 0, &when, NULL) == 0;
}

void
osh_signals_free(OshSignals *signals)
{
    if (signals == NULL)
        return;
    forget_sender(signals);
    if (signals->has_wake)
        timer_delete(signals->wake);
    drop_source(&signals->source);
    close(signals->fd);
    g_free(signals);
}
