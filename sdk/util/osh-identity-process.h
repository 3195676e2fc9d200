/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-process.h: single readings of /proc about one process. [any], no state. What cannot
 * be read and what is gone are different answers throughout.
 */
#pragma once

#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

G_BEGIN_DECLS

/** OSH_EXECUTION_SIZE: bytes that name one execution of a program. */
#define OSH_EXECUTION_SIZE 16

/**
 * osh_process_read_stat:
 *
 * Returns: 0 with parent and start time set, -ESRCH when the process is gone, or another errno
 */
int osh_process_read_stat(pid_t pid, pid_t *ret_parent, guint64 *ret_start_time);

/**
 * osh_process_exists:
 *
 * For many pids of which few are there: much cheaper than a file of /proc that is missing.
 *
 * Returns: FALSE when no process or thread has the number
 */
gboolean osh_process_exists(pid_t thread);

/** osh_process_thread_group: Returns: the thread group of @thread, or a negative errno. */
int osh_process_thread_group(pid_t thread);

/**
 * osh_process_read_image:
 * @pid: a thread group
 * @thread: one of its threads; its first one may have ended before the others
 * @ret_status: (out): of the executable
 * @ret_path: (out) (transfer full): where it is, as the process sees it
 * @ret_fd: (out) (nullable): opened for reading where that is wanted
 *
 * Returns: 0, -ESRCH when the process is gone, -EACCES when it or its executable cannot be read
 */
int osh_process_read_image(pid_t pid, pid_t thread, struct stat *ret_status, char **ret_path,
                           int *ret_fd);

/** osh_process_is_alive: Returns: whether any thread of the process of @pidfd is left. */
gboolean osh_process_is_alive(int pidfd);

/**
 * osh_process_start_stack:
 * @thread: one of @pid that is known to live, or @pid
 *
 * Changes when the process executes a program, also the same one, but for a system that places
 * every stack alike.
 *
 * Returns: where its first stack begins; 0 when it cannot be told
 */
guint64 osh_process_start_stack(pid_t pid, pid_t thread);

/**
 * osh_process_execution:
 * @thread: one of @pid that is known to live, or @pid
 * @ret_execution: (out): what fork(2) inherits and execve(2) makes anew: the layout of the address
 *   space and the random bytes that the kernel gave it (getauxval(3), AT_RANDOM)
 *
 * Returns: FALSE when it cannot be read
 */
gboolean osh_process_execution(pid_t pid, pid_t thread, guint8 ret_execution[OSH_EXECUTION_SIZE]);

G_END_DECLS
