/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protection-proof.h: whether this kernel refuses what Landlock and seccomp are there to refuse,
 * found out by trying, each in a child that ends. Main thread; leaves nothing.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshProofVerdict:
 * @OSH_PROOF_HOLDS: it was possible without the protection and is refused with it
 * @OSH_PROOF_OPEN: it is possible with the protection as well
 * @OSH_PROOF_UNKNOWN: it was not possible without the protection either, or could not be tried
 */
typedef enum {
    OSH_PROOF_HOLDS,
    OSH_PROOF_OPEN,
    OSH_PROOF_UNKNOWN,
} OshProofVerdict;

/**
 * OshLandlockProof:
 * @abi: the first that can control it
 * @name: what is forbidden, in a word or two
 * @since: the first kernel, for a remedy
 * @proved: what has been seen when it holds
 * @stands_in: what of the box keeps it out where Landlock cannot
 * @attempt: does it behind a Landlock of @abi
 */
typedef struct {
    guint abi;
    const char *name;
    const char *since;
    const char *proved;
    const char *stands_in;
    OshProofVerdict (*attempt)(void);
} OshLandlockProof;

/**
 * osh_landlock_proofs:
 * @ret_count: (out): how many
 *
 * Returns: (transfer none) (array length=ret_count): from the lowest ABI to the highest
 */
const OshLandlockProof *osh_landlock_proofs(gsize *ret_count);

/**
 * osh_seccomp_prove:
 * @allowed: (array zero-terminated=1): exceptions, which are not tried
 * @ret_refused: (out): how many calls were refused with the answer of the table
 * @ret_open: (out) (transfer none) (nullable): the first that was not
 *
 * Installs both filters in a child and makes every call of the table that is refused as a whole.
 *
 * Returns: a verdict; %OSH_PROOF_UNKNOWN when the filters cannot be installed
 */
OshProofVerdict osh_seccomp_prove(const char *const *allowed, guint *ret_refused,
                                  const char **ret_open);

G_END_DECLS
