/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program-limits.h: resource limits of a box's programs: those of setrlimit(2), from the
 * configuration, and the cgroup's limit on processes, which is only read. [main].
 */
#pragma once

#include "box.h"

G_BEGIN_DECLS

/**
 * osh_program_limits_parse:
 * @settings: (array zero-terminated=1): NAME=SOFT or NAME=SOFT:HARD, NAME as in ulimit's manual
 *   (nofile, nproc, as, cpu, fsize, ...), a number or "unlimited"
 * @error: return location
 *
 * Returns: (transfer full) (element-type OshBoxLimit) (nullable): one for each, ascending
 */
GArray *osh_program_limits_parse(const char *const *settings, GError **error);

/**
 * OshPidLimit:
 * @OSH_PID_LIMIT_UNAVAILABLE: no cgroup says anything that can be read
 * @OSH_PID_LIMIT_UNLIMITED: "max"
 * @OSH_PID_LIMIT_LIMITED: a number
 */
typedef enum {
    OSH_PID_LIMIT_UNAVAILABLE,
    OSH_PID_LIMIT_UNLIMITED,
    OSH_PID_LIMIT_LIMITED,
} OshPidLimit;

/**
 * osh_pid_limit_parse:
 * @text: content of a pids.max file
 * @ret_limit: (out) (optional): the number, where there is one
 */
OshPidLimit osh_pid_limit_parse(const char *text, guint64 *ret_limit);

/**
 * osh_pid_limit_read:
 * @ret_limit: (out) (optional): the smallest number of our cgroup and those above it
 *
 * In a container whose cgroup namespace hides what is above, that is /sys/fs/cgroup/pids.max.
 */
OshPidLimit osh_pid_limit_read(guint64 *ret_limit);

/**
 * osh_pid_limit_check:
 * @limit: what was read
 * @required: without a limit, no box
 * @error: return location
 *
 * Returns: %FALSE with @error set when a limit is required and there is none
 */
gboolean osh_pid_limit_check(OshPidLimit limit, gboolean required, GError **error);

G_END_DECLS
