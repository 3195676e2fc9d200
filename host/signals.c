/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.c: a signalfd(2) on the main loop. [main]. It must never run code in a signal handler,
 * nor take the end of a terminal for somebody's wish to reload.
 */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "openshell/host.h"

struct _OshSignals {
    int fd;
    GSource *source;
    OshSignalFunc function;
    gpointer data;
    OshReloadFunc reload; /* (nullable) */
    gpointer reload_data;
    pid_t session; /* its leader, which owns the terminal */
    gboolean had_terminal;
    gboolean hangup_ignored; /* as nohup(1) leaves it */
};

static gboolean
has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The kernel says so itself to who is in the foreground; a shell that ends tells the others. */
static gboolean
is_terminal_gone(const OshSignals *signals, const struct signalfd_siginfo *info)
{
    return info->ssi_code == SI_KERNEL ||
           (signals->had_terminal && !has_terminal() && (pid_t)info->ssi_pid == signals->session);
}

static void
signals_hangup(OshSignals *signals, const struct signalfd_siginfo *info)
{
    if (!is_terminal_gone(signals, info)) {
        if (signals->reload != NULL)
            signals->reload(signals->reload_data);
        else
            signals->function(SIGHUP, signals->data);
        return;
    }
    signals->had_terminal = FALSE;
    if (!signals->hangup_ignored)
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
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
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
    signals->session = getsid(0);
    signals->had_terminal = has_terminal();
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
osh_signals_free(OshSignals *signals)
{
    if (signals == NULL)
        return;
    g_source_destroy(signals->source);
    g_source_unref(signals->source);
    close(signals->fd);
    g_free(signals);
}
