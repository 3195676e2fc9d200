/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h: signals to the host, as calls on the main loop.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshSignals OshSignals;

/** OshSignalFunc: [main] @signal_number arrived. */
typedef void (*OshSignalFunc)(int signal_number, gpointer data);

/**
 * osh_signals_new:
 * @error: return location
 *
 * [main] Blocks SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 and SIGALRM for the thread and
 * every one that it starts later, and reads them from a descriptor instead. Starts no thread, as
 * GLib's own signal sources would: the box is cloned while there is only one.
 *
 * Returns: (transfer full) (nullable): the reader
 */
OshSignals *osh_signals_new(OshSignalFunc function, gpointer data, GError **error);

/** OshReloadFunc: [main] somebody sent SIGHUP. */
typedef void (*OshReloadFunc)(gpointer data);

/**
 * osh_signals_on_reload:
 * @reload: called from now on in place of the function of osh_signals_new() for a SIGHUP that
 *   somebody sent
 *
 * [main] SIGHUP also says that the controlling terminal has gone, see osh_signals_on_hangup().
 */
void osh_signals_on_reload(OshSignals *signals, OshReloadFunc reload, gpointer data);

/** OshHangupFunc: [main] the terminal has gone, or the shell that the host was started from. */
typedef void (*OshHangupFunc)(gpointer data);

/**
 * osh_signals_on_hangup:
 * @hangup: called from now on in place of the function of osh_signals_new()
 *
 * [main] A SIGHUP is a hangup when it comes from the kernel; when it comes from the parent, its
 * parent and so on, within the session of the host, and the terminal that was there at the start
 * cannot be opened any more; and when that process ends within two seconds behind it, as a shell
 * does. Under nohup(1), which asked for it, a hangup is ignored.
 */
void osh_signals_on_hangup(OshSignals *signals, OshHangupFunc hangup, gpointer data);

/**
 * osh_signals_continue_after:
 * @seconds: from now on
 *
 * [main] Has the kernel send SIGCONT then, so that a process that is stopped at that time goes on.
 *
 * Returns: %FALSE where there can be no timer
 */
gboolean osh_signals_continue_after(OshSignals *signals, guint seconds);

/** osh_signals_free: [main] @signals: (transfer full) (nullable): the signals stay blocked. */
void osh_signals_free(OshSignals *signals);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshSignals, osh_signals_free)

G_END_DECLS
