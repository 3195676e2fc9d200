/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.c: a signalfd(2) on the main loop. [main]. It must never run code in a signal handler.
 */
#include "signals.h"

#include <errno.h>
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
};

static gboolean
signals_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshSignals *signals = data;
    struct signalfd_siginfo info;

    (void)condition;
    while (read(fd, &info, sizeof(info)) == sizeof(info))
        signals->function((int)info.ssi_signo, signals->data);
    return G_SOURCE_CONTINUE;
}

OshSignals *
osh_signals_new(OshSignalFunc function, gpointer data, GError **error)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    OshSignals *signals;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* A reader of ours that has gone must not end the host. */
    signal(SIGPIPE, SIG_IGN);
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
    signals->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(signals->source, G_SOURCE_FUNC(signals_ready), signals, NULL);
    g_source_attach(signals->source, g_main_context_get_thread_default());
    return signals;
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
