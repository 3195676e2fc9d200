/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end-by-signal.h: the host ends by the signal that ended its program.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_end_by_signal:
 * @signal_number: ended the program
 *
 * [main] To be called when everything is cleaned up: ends the process by the same signal, without
 * a core dump.
 *
 * Returns: the exit code to end with where the kernel lets the signal do nothing: the first process
 *   of a PID namespace, or a signal whose default is to be ignored
 */
int osh_end_by_signal(int signal_number);

G_END_DECLS
