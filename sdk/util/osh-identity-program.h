/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-program.h: what a process runs, and what its ancestors run. A cache belongs to one
 * thread; the programs that it reads are immutable and shared.
 */
#pragma once

#include "osh-identity-image.h"
#include "osh-identity.h"

G_BEGIN_DECLS

typedef struct _OshProgramCache OshProgramCache;

/**
 * OshProgram: a process and its ancestors, with their executables, as they were at one moment.
 * [any]; references are counted.
 */
typedef struct _OshProgram OshProgram;

/**
 * osh_program_cache_new:
 * @root: the pid at which ancestry ends, itself left out; 0 for the whole ancestry that can be read
 * @images: where executables are hashed; shared by caches
 */
OshProgramCache *osh_program_cache_new(pid_t root, OshImageTable *images);
/** osh_program_cache_free: @cache: (transfer full). */
void osh_program_cache_free(OshProgramCache *cache);

/**
 * osh_program_read:
 * @pid: a thread group
 * @thread: one of its threads that is known to live, or @pid
 * @ret_problem: (out) (transfer full): why it cannot be told; %NULL when the process has ended
 *
 * Reads what has changed since the last time; hashes nothing.
 *
 * Returns: (transfer full) (nullable): what @pid runs now
 */
OshProgram *osh_program_read(OshProgramCache *cache, pid_t pid, pid_t thread, char **ret_problem);

/** osh_program_cache_pidfd: Returns: a pidfd of @pid where it was read before, or -1. */
int osh_program_cache_pidfd(const OshProgramCache *cache, pid_t pid);

/**
 * osh_program_cache_is_unsettled:
 *
 * Returns: whether the last osh_program_read() failed because ancestors were ending: one that ends
 *   has lost its executable and not yet its children, so another reading a little later can tell
 */
gboolean osh_program_cache_is_unsettled(const OshProgramCache *cache);

/** osh_program_unref: @program: (nullable) (transfer full). */
void osh_program_unref(OshProgram *program);
/** osh_program_ref: Returns: (transfer full). */
OshProgram *osh_program_ref(OshProgram *program);
/** osh_program_pid: Returns: the thread group's id. */
pid_t osh_program_pid(const OshProgram *program);
/** osh_program_start_time: Returns: /proc/PID/stat field 22. */
guint64 osh_program_start_time(const OshProgram *program);

/**
 * osh_program_same:
 *
 * Returns: whether both are one execution (fork(2) makes a second process of it), or processes with
 *   the same executable and the same ancestry
 */
gboolean osh_program_same(const OshProgram *left, const OshProgram *right);

/** osh_program_execution_is: Returns: whether it is the execution that OshPeerIdentity.execution
 * names @text. */
gboolean osh_program_execution_is(const OshProgram *program, const char *text);

/**
 * osh_program_identity:
 * @ret_problem: (out) (transfer full): why there is none; set with %OSH_IMAGE_FAILED only
 * @ret_pending: (out) (transfer none): the image to wait for; set with %OSH_IMAGE_PENDING only
 *
 * Returns: %OSH_IMAGE_READY with @ret_identity (transfer full) set, or why not
 */
OshImageState osh_program_identity(OshProgram *program, OshPeerIdentity **ret_identity,
                                   OshImage **ret_pending, char **ret_problem);

/**
 * osh_program_name:
 * @ret_problem: (out) (transfer full): why it cannot be told; set on failure only
 *
 * Only what a record needs: pid, start time and path of the image; the hash is empty.
 *
 * Returns: (transfer full) (nullable): what @pid runs now
 */
OshPeerIdentity *osh_program_name(pid_t pid, char **ret_problem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshProgram, osh_program_unref)

G_END_DECLS
