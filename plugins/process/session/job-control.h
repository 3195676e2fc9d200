/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job-control.h: the program stops, and the host with it, so that the shell outside has its
 * terminal back and continues both. [main]: belongs to the thread of the GMainContext that was the
 * thread default when it was made.
 */
#pragma once

#include <glib.h>

#include "box.h"
#include "terminal.h"

G_BEGIN_DECLS

typedef struct OshJob OshJob;

/**
 * OshJobRequest:
 * @box: of the program
 * @id: of its launch, which names osh_job_stopped() in OshBoxLaunch.stopped
 * @relay: (nullable): of its terminal
 * @alone: no terminal of the host's is the program's, and people may attach to it: then the host
 *   goes on, and they continue the program
 * @note: says something to those who are attached
 * @data: for @note
 */
typedef struct {
    OshBoxHandle *box;
    guint32 id;
    OshTerminalRelay *relay;
    gboolean alone;
    void (*note)(const char *text, gpointer data);
    gpointer data;
} OshJobRequest;

/**
 * osh_job_new:
 * @request: copied
 *
 * SIGWINCH, SIGCONT and SIGTSTP must be blocked in every thread (osh_job_block_signals()): they are
 * read from a descriptor from now on.
 *
 * Returns: (transfer full): a job that runs
 */
OshJob *osh_job_new(const OshJobRequest *request);

/**
 * osh_job_stopped:
 * @signal_number: stopped the program; 0: it was continued
 */
void osh_job_stopped(OshJob *job, int signal_number);

/** osh_job_is_waiting: Returns: whether the program is stopped and the host is not. */
gboolean osh_job_is_waiting(const OshJob *job);

/** osh_job_continue: continues the program. */
void osh_job_continue(OshJob *job);

/** osh_job_end: the program has ended or is being ended: the host stops for it no more. */
void osh_job_end(OshJob *job);

/**
 * osh_job_free:
 * @job: (nullable) (transfer full): its signals stay blocked
 */
void osh_job_free(OshJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshJob, osh_job_free)

/**
 * osh_job_block_signals:
 *
 * Blocks the signals that a job reads from a descriptor of its own. To be called before any thread
 * is made, and after the box's init was forked, which would inherit it.
 */
void osh_job_block_signals(void);

G_END_DECLS
