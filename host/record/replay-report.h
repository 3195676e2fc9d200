/* SPDX-License-Identifier: Apache-2.0 */
/* replay-report.h: what changes between then and now, for people and for programs. */
#pragma once

#include "replay.h"

G_BEGIN_DECLS

/**
 * OshReplayReport:
 * @newly_pass: (element-type OshReplayEntry): refused then, let through now
 * @newly_break: (element-type OshReplayEntry): let through then, refused now
 * @cannot: (element-type OshReplayEntry): the recording does not hold what the answer depends on
 * @n_unchanged: different decisions that end as they did
 * @n_times_unchanged: how often those came
 */
typedef struct {
    GPtrArray *newly_pass;
    GPtrArray *newly_break;
    GPtrArray *cannot;
    guint n_unchanged;
    guint64 n_times_unchanged;
    /*< private >*/
    const OshPolicySnapshot *policy;
    const OshRecording *recording;
} OshReplayReport;

/**
 * osh_replay_report_new:
 * @policy: the policy to ask; outlives the result
 * @recording: outlives the result
 *
 * Repeats every decision. Returns: (transfer full): the report
 */
OshReplayReport *osh_replay_report_new(const OshPolicySnapshot *policy,
                                       const OshRecording *recording);

/** osh_replay_report_text: Returns: (transfer full): several lines, escaped for a terminal. */
char *osh_replay_report_text(const OshReplayReport *report, const char *recording_name);

/** osh_replay_report_json: Returns: (transfer full): one object and a newline. */
char *osh_replay_report_json(const OshReplayReport *report, const char *recording_name);

/** osh_replay_report_free: @report: (transfer full) (nullable). */
void osh_replay_report_free(OshReplayReport *report);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshReplayReport, osh_replay_report_free)

G_END_DECLS
