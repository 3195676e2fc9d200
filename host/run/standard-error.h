/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standard-error.h: what the host says during a run, on a standard error that may take nothing for
 * hours (security rule 15, streams and terminal).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_standard_streams_open:
 *
 * Opens /dev/null in the place of each of the descriptors 0 to 2 that is closed, so that no file of
 * ours gets a number that others read and write. To be called before anything is opened.
 *
 * Returns: FALSE when standard output was closed; writing to it fails then
 */
gboolean osh_standard_streams_open(void);

/** osh_standard_output_discard: lets a program of a run write to the standard output there is not.
 */
void osh_standard_output_discard(void);

/**
 * osh_standard_error_begin:
 *
 * [main] From here on g_printerr() and g_log() of every thread put what they say into a bounded
 * queue and never block. Nothing is written before osh_standard_error_start().
 */
void osh_standard_error_begin(void);

/** osh_standard_error_start: [main] Begins to write. Makes a thread. */
void osh_standard_error_start(void);

/** OshScreenTaken: [main] Returns: whether a program draws on the screen of standard error. */
typedef gboolean (*OshScreenTaken)(gpointer data);

/**
 * osh_standard_error_share:
 * @taken: (nullable): asked before something is written; %NULL: nobody has the screen any more
 * @data: for @taken
 *
 * [main] Where standard error is a terminal, lines wait as long as they would spoil what a program
 * draws on it.
 */
void osh_standard_error_share(OshScreenTaken taken, gpointer data);

/**
 * osh_standard_error_end:
 *
 * [main] Waits a second at most until everything is written, then gives the rest up. What is said
 * later is not written.
 */
void osh_standard_error_end(void);

G_END_DECLS
