/* SPDX-License-Identifier: Apache-2.0 */
/* policy-candidate.h: one reading of a policy file that may be in the middle of a change. */
#pragma once

#include <sys/stat.h>

#include "policy.h"

G_BEGIN_DECLS

/**
 * OshPolicyCandidateState:
 * @OSH_CANDIDATE_UNSTABLE: a process is writing it: read it again in a moment
 * @OSH_CANDIDATE_ABSENT: it is not there, or empty, which is how many a change begins
 * @OSH_CANDIDATE_UNCHANGED: the text of the policy in force
 * @OSH_CANDIDATE_REJECTED_BEFORE: the text that was rejected last
 * @OSH_CANDIDATE_REJECTED: it cannot be used; the diagnostics say why
 * @OSH_CANDIDATE_LOADED: it can
 */
typedef enum {
    OSH_CANDIDATE_UNSTABLE,
    OSH_CANDIDATE_ABSENT,
    OSH_CANDIDATE_UNCHANGED,
    OSH_CANDIDATE_REJECTED_BEFORE,
    OSH_CANDIDATE_REJECTED,
    OSH_CANDIDATE_LOADED,
} OshPolicyCandidateState;

/**
 * OshPolicyVet:
 * @diagnostics: gets what is wrong
 *
 * [any] One call at a time. Returns: whether a policy that was compiled may come into force.
 */
typedef gboolean (*OshPolicyVet)(const OshPolicySnapshot *snapshot,
                                 OshPolicyDiagnostics *diagnostics, gpointer data);

/**
 * OshPolicyCandidate: a reading; filled in by the caller above the line, by the reading below.
 * @path: (transfer none): the file
 * @writable: (transfer none): directories that the program may write; the file must not lie there
 * @flags: #OshPolicyLoadFlags
 * @protocols: (transfer none) (nullable): of plugins, as at the start
 * @generation: of the snapshot that comes out
 * @in_force: SHA-256 of the text in force, "" for none
 * @rejected: SHA-256 of the text rejected last, "" for none
 * @vet: (nullable): has the last word about what was compiled
 * @vet_data: for @vet
 * @seen_writer: a writer was noticed; believed where the kernel does not say
 * @sha256: of what was read, "" for nothing
 * @about: the file that was read
 * @snapshot: (nullable): when loaded
 */
typedef struct {
    const char *path;
    const char *const *writable;
    guint flags;
    OshPolicyProtocolTable *protocols;
    guint64 generation;
    char in_force[65];
    char rejected[65];
    OshPolicyVet vet;
    gpointer vet_data;
    gboolean seen_writer;

    OshPolicyCandidateState state;
    char sha256[65];
    struct stat about;
    OshPolicyDiagnostics *diagnostics;
    OshPolicySnapshot *snapshot;
} OshPolicyCandidate;

/**
 * osh_policy_candidate_read:
 *
 * [any] Opens, reads and, when the text is new, compiles. A file that a process has open for
 * writing, or that changes while it is read, is not used.
 */
void osh_policy_candidate_read(OshPolicyCandidate *candidate);

/**
 * osh_policy_candidate_is_current: [any]
 *
 * Returns: whether the path still leads to what was read
 */
gboolean osh_policy_candidate_is_current(const OshPolicyCandidate *candidate);

/** osh_policy_candidate_clear: [any] Releases what the reading made. */
void osh_policy_candidate_clear(OshPolicyCandidate *candidate);

G_END_DECLS
