/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-recording.h: the recording of a run, from its file to its last line.
 */
#pragma once

#include "bus.h"
#include "policy-interface.h"
#include "recorder.h"
#include "registry.h"

G_BEGIN_DECLS

/**
 * osh_run_record:
 * @path: of `--record`
 * @writable: (array zero-terminated=1): what programs of the box may write
 * @registry: its manifests say which facts of plugins may be written
 * @policy: hands its decisions to the recorder from now on
 * @bus: gives no reservation while the recording cannot be written
 * @audit: the run only audits
 * @error: return location
 *
 * [main] before any thread.
 *
 * Returns: (transfer full) (nullable): the recorder, not started yet
 */
OshRecorder *osh_run_record(const char *path, const char *const *writable, OshRegistry *registry,
                            OshPolicyService *policy, OshBus *bus, gboolean audit, GError **error);

/**
 * osh_run_record_end:
 * @recorder: (transfer full) (nullable): after every thread that decides
 * @policy: (nullable): whose decisions it took
 *
 * [main] Writes what is left, and says what is missing.
 */
void osh_run_record_end(OshRecorder *recorder, OshPolicyService *policy);

G_END_DECLS
