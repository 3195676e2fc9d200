/* SPDX-License-Identifier: Apache-2.0 */
/* policy-reload.h: follows the policy file of a run and swaps what is in force. */
#pragma once

#include "bus.h"
#include "policy-candidate.h"
#include "policy-interface.h"
#include "worker.h"

G_BEGIN_DECLS

/** OSH_RUN_POLICY_FLAGS: how the policy of a run is loaded, at the start and at each reload. */
#define OSH_RUN_POLICY_FLAGS                                                                       \
    (OSH_POLICY_LOAD_ENFORCEABLE | OSH_POLICY_RESOLVE_LINKS | OSH_POLICY_CHECK_PROGRAMS)

/**
 * OshPolicyPosture: what a file that cannot be used does to a run.
 * @OSH_POSTURE_RETAIN_LAST_VALID: nothing; the policy before it stays in force
 * @OSH_POSTURE_FAIL_CLOSED: everything is denied until the file is valid again
 */
typedef enum {
    OSH_POSTURE_RETAIN_LAST_VALID,
    OSH_POSTURE_FAIL_CLOSED,
} OshPolicyPosture;

/**
 * osh_policy_posture_parse:
 * @text: (nullable): a word; NULL for the default
 *
 * Returns: FALSE with @error set for an unknown word
 */
gboolean osh_policy_posture_parse(const char *text, OshPolicyPosture *ret_posture, GError **error);

/**
 * OshPolicyReloadRequest:
 * @service: whose policy came from @path; outlives the reload
 * @publisher: may publish openshell.policy.changed/1 and openshell.policy.rejected/1
 * @workers: (nullable): compiles what is large; outlives the reload, and is stopped before it is
 *   freed
 * @path: the file
 * @writable: (nullable) (array zero-terminated=1): what programs of the box may write; NULL when
 *   there is no box. Copied.
 * @vet: (nullable): has the last word about a policy that was compiled
 * @vet_data: for @vet
 * @posture: what a broken file does
 * @quiet: says nothing but errors
 * @verbose: says also why a file is not followed; the start line says that it is not
 */
typedef struct {
    OshPolicyService *service;
    OshBusPublisher *publisher;
    OshWorkerPool *workers;
    const char *path;
    const char *const *writable;
    OshPolicyVet vet;
    gpointer vet_data;
    OshPolicyPosture posture;
    gboolean quiet;
    gboolean verbose;
} OshPolicyReloadRequest;

typedef struct _OshPolicyReload OshPolicyReload;

/**
 * osh_policy_reload_new:
 *
 * [main] Watches the file from now on, and reads it once to see what happened since it was loaded.
 * A file that a program of the box could replace is neither watched nor read again (security rule
 * 3, protected files). What cannot be done is said on standard error; there is always a reload.
 *
 * Returns: (transfer full): the reload
 */
OshPolicyReload *osh_policy_reload_new(const OshPolicyReloadRequest *request);

/** osh_policy_reload_now: [main] On request: reads the file, and always says what came of it. */
void osh_policy_reload_now(OshPolicyReload *reload);

/** osh_policy_reload_free: [main] @reload: (transfer full) (nullable): after the workers. */
void osh_policy_reload_free(OshPolicyReload *reload);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyReload, osh_policy_reload_free)

G_END_DECLS
