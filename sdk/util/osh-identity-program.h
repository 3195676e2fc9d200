/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-program.h: what a process runs, and what its ancestors run. Used by the scanner's
 * thread alone; the identities that it makes are shared.
 */
#pragma once

#include "osh-identity.h"

G_BEGIN_DECLS

typedef struct _OshProgramCache OshProgramCache;

/**
 * osh_program_cache_new:
 * @root: the pid at which ancestry ends, itself left out; 0 for the whole ancestry that can be read
 */
OshProgramCache *osh_program_cache_new(pid_t root);
/** osh_program_cache_free: @cache: (transfer full). */
void osh_program_cache_free(OshProgramCache *cache);

/** osh_program_cache_begin_round: a new look: within one, a process is read once for all. */
void osh_program_cache_begin_round(OshProgramCache *cache);

/**
 * osh_program_identify:
 * @ret_problem: (out) (transfer full): why it cannot be told; set on failure only
 *
 * Returns: (transfer full) (nullable): what @pid runs in this round
 */
OshPeerIdentity *osh_program_identify(OshProgramCache *cache, pid_t pid, char **ret_problem);

/**
 * osh_program_name:
 * @ret_problem: (out) (transfer full): why it cannot be told; set on failure only
 *
 * Only what a record needs: pid, start time and path of the image; the hash is empty.
 *
 * Returns: (transfer full) (nullable): what @pid runs now
 */
OshPeerIdentity *osh_program_name(pid_t pid, char **ret_problem);

G_END_DECLS
