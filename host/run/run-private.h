/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-private.h: what the files of the main job share. [main] throughout.
 */
#pragma once

#include "denial-line.h"
#include "openshell/ext/process-launcher.h"
#include "policy-reload.h"
#include "run.h"
#include "services.h"
#include "signals.h"

G_BEGIN_DECLS

typedef struct {
    const OshOptions *options;
    OshConfig *config;
    GMainLoop *loop;
    OshSignals *signals;
    OshServices *services;
    OshDenialLines *denials;
    OshPolicyReload *reload; /* (nullable) */
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

/* --- run-config.c: what was asked for */

/** osh_run_setting: Returns: a number of [host], or @fallback. */
gint64 osh_run_setting(const OshRun *run, const char *key, gint64 fallback);

/** osh_run_text: Returns: (nullable): @option where it was given, or a text of [host]. */
const char *osh_run_text(const OshRun *run, const char *key, const char *option);

/** osh_run_policy_path: Returns: (nullable): the policy's file; %NULL also for standard input. */
const char *osh_run_policy_path(const OshRun *run);

/** osh_run_policy_is_given: Returns: whether it is not the built-in policy. */
gboolean osh_run_policy_is_given(const OshRun *run);

/** osh_run_is_quiet: Returns: whether nothing but errors is said. */
gboolean osh_run_is_quiet(const OshRun *run);

/* --- run-roles.c: who does what a run consists of */

/** osh_run_require_roles: marks the plugins that this run cannot do without. */
gboolean osh_run_require_roles(OshRun *run, GError **error);

/* --- run-box.c: the box, from the request to the seal */

/** osh_run_open_box: closed by osh_run_finish(). */
gboolean osh_run_open_box(OshRun *run, GError **error);

/** osh_run_seal: nothing is put into the box any more. */
gboolean osh_run_seal(OshRun *run, GError **error);

/* --- run-announce.c: what is said, and what is published */

/** osh_run_complain: says @error on standard error. */
void osh_run_complain(const OshRun *run, const GError *error);

/** osh_run_complain_of_start: the same, and why it may be. */
void osh_run_complain_of_start(const OshRun *run, const GError *error);

/** osh_run_publish: @payload: (transfer floating): an event of the host. */
void osh_run_publish(OshRun *run, const char *topic, GVariant *payload);

/** osh_run_announce_policy: the policy that the run begins with. */
void osh_run_announce_policy(OshRun *run);

/** osh_run_announce_start: the start line and its event. */
void osh_run_announce_start(OshRun *run);

/** osh_run_print_denial: #OshDenialLineFunc; @data: the run. */
void osh_run_print_denial(const char *line, gpointer data);

/* --- run-end.c */

/** osh_run_finish: takes down whatever is up, then ends the process with @exit_code. */
void osh_run_finish(OshRun *run, gint exit_code);

/** osh_run_finish_by_signal: the same, and ends the process by @signal_number. */
void osh_run_finish_by_signal(OshRun *run, int signal_number);

/** osh_run_fail: says @error and finishes. */
void osh_run_fail(OshRun *run, const GError *error);

/** osh_run_drop_source: @source: (inout) (nullable): destroyed. */
void osh_run_drop_source(GSource **source);

/* --- run-program.c */

/** osh_run_launch: starts the program; the box is sealed. */
void osh_run_launch(OshRun *run);

/** osh_run_signal: #OshSignalFunc; @data: the run. */
void osh_run_signal(int signal_number, gpointer data);

/** osh_run_hangup: #OshHangupFunc; @data: the run. */
void osh_run_hangup(gpointer data);

G_END_DECLS
