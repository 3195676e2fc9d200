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
 * [main] Blocks SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGUSR1 for the thread and every one that it
 * starts later, and reads them from a descriptor instead. Starts no thread, as GLib's own signal
 * sources would: the box is cloned while there is only one.
 *
 * Returns: (transfer full) (nullable): the reader
 */
OshSignals *osh_signals_new(OshSignalFunc function, gpointer data, GError **error);

/** osh_signals_free: [main] @signals: (transfer full) (nullable): the signals stay blocked. */
void osh_signals_free(OshSignals *signals);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshSignals, osh_signals_free)

G_END_DECLS
