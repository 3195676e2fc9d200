/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h: `--record FILE`: decisions of the live data plane, written by a thread of its own. */
#pragma once

#include <gio/gio.h>

#include "policy.h"
#include <openshell/ext/policy.h>

G_BEGIN_DECLS

typedef struct _OshRecorder OshRecorder;

/**
 * osh_recorder_new: [main]
 * @fd: (transfer full): of osh_record_file_open()
 * @path: for messages
 * @policy: what decides first
 * @audit: the run forwards what the policy denies
 *
 * Writes the first line. Starts no thread.
 *
 * Returns: (transfer full) (nullable): the recorder, or NULL with @error set
 */
OshRecorder *osh_recorder_new(int fd, const char *path, const OshPolicySnapshot *policy,
                              gboolean audit, GError **error);

/** osh_recorder_keep_fact: [main] before the thread: a plugin's fact @name may be written. */
void osh_recorder_keep_fact(OshRecorder *recorder, const char *name);

/**
 * OshRecorderTrouble:
 * @problem: (nullable): why the file takes nothing; %NULL when it takes what it is given again
 *
 * Called from the recorder's thread, or from osh_recorder_finish(), in turns.
 */
typedef void (*OshRecorderTrouble)(const char *problem, gpointer data);

/** osh_recorder_on_trouble: [main] before the thread. */
void osh_recorder_on_trouble(OshRecorder *recorder, OshRecorderTrouble trouble, gpointer data);

/** osh_recorder_start: [main] starts the thread. */
void osh_recorder_start(OshRecorder *recorder);

/**
 * osh_recorder_add: [any]
 * @decision: borrowed
 *
 * Never blocks. Without capacity the decision is counted as lost.
 */
void osh_recorder_add(OshRecorder *recorder, const OshDecision *decision);

/** osh_recorder_policy: [any] from now on another snapshot decides. */
void osh_recorder_policy(OshRecorder *recorder, const OshPolicySnapshot *policy);

/**
 * osh_recorder_finish: [main]
 * @recorder: (transfer full) (nullable): after everyone who adds
 *
 * Writes what is left and the last line.
 *
 * Returns: (transfer full) (nullable): what a person must know: that decisions are missing, and why
 */
char *osh_recorder_finish(OshRecorder *recorder);

G_END_DECLS
