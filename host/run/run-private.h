/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-private.h: what the files of the main job share. [main] throughout.
 */
#pragma once

#include "denial-line.h"
#include "event-log.h"
#include "metrics.h"
#include "openshell/ext/process-launcher.h"
#include "policy-interface.h"
#include "policy-reload.h"
#include "run-recording.h"
#include "run.h"
#include "signals.h"
#include "worker.h"

G_BEGIN_DECLS

typedef struct {
    const OshOptions *options;
    OshConfig *config;
    GMainLoop *loop;
    OshSignals *signals;
    OshBus *bus;
    OshBusPublisher *publisher;
    OshEventLog *log;
    OshDenialLines *denials;
    OshRegistry *registry;
    OshPolicyService *policy;
    gboolean policy_given;
    OshRecorder *recorder;   /* (nullable) */
    OshPolicyReload *reload; /* (nullable) */
    OshShardPool *shards;
    OshWorkerPool *workers;
    OshMetrics *metrics;
    OshInterface launcher;
    OshBox *box;
    gboolean network;
    char *workdir;
    GPtrArray *writable; /* from osh_writable_places() */
    guint64 process_id;  /* of the entrypoint while it runs */
    gboolean launching;  /* it may run already, and was not reported yet */
    int early_signal;    /* what arrived meanwhile, 0 for nothing */
    GSource *timeout;
    GSource *grace;   /* running since SIGTERM arrived, or the terminal has gone */
    int grace_signal; /* which of the two: SIGTERM or SIGHUP */
    gboolean hung_up;
    gboolean finishing;
    gboolean started;
    gint exit_code;
    int end_signal; /* ended the program, and ends the host; 0 for none */
    OshPolicyPosture posture;
    char *policy_errors; /* (nullable): lines that follow the error of a policy */
} OshRun;

/** osh_run_setting: Returns: a number of [host], or @fallback. */
gint64 osh_run_setting(const OshRun *run, const char *key, gint64 fallback);

/** osh_run_complain: says @error on standard error. */
void osh_run_complain(const OshRun *run, const GError *error);

/** osh_run_finish: takes down whatever is up, then ends the process with @exit_code. */
void osh_run_finish(OshRun *run, gint exit_code);

/** osh_run_finish_by_signal: the same, and ends the process by @signal_number. */
void osh_run_finish_by_signal(OshRun *run, int signal_number);

/** osh_run_drop_source: @source: (inout) (nullable): destroyed. */
void osh_run_drop_source(GSource **source);

/** osh_run_launch: starts the program; the box is sealed. */
void osh_run_launch(OshRun *run);

/** osh_run_signal: #OshSignalFunc; @data: the run. */
void osh_run_signal(int signal_number, gpointer data);

/** osh_run_hangup: #OshHangupFunc; @data: the run. */
void osh_run_hangup(gpointer data);

G_END_DECLS
