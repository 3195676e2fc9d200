/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-connect.h: which program calls connect(2), read while it stands still in the call.
 */
#pragma once

#include "osh-identity-program.h"
#include "osh-identity.h"

G_BEGIN_DECLS

typedef struct _OshConnectWatch OshConnectWatch;

/**
 * osh_connect_watch_can_read:
 * @pidfd: a process of the workload, the hardest to read
 *
 * Returns: whether the kernel lets us take descriptors out of it (pidfd_getfd(2), Linux 5.6)
 */
gboolean osh_connect_watch_can_read(int pidfd);

/**
 * osh_connect_watch_new:
 * @listener: (transfer full): of a filter that notifies of connect(2) alone (seccomp_unotify(2))
 * @root: the box's PID 1, at which ancestry ends
 * @images: where executables are hashed
 * @diag_fd: (transfer full): a NETLINK_SOCK_DIAG socket of the box's network namespace, or -1
 * @error: return location
 *
 * [main] Starts the thread that answers. While it does not, no program can connect.
 *
 * Returns: (transfer full) (nullable): the watch
 */
OshConnectWatch *osh_connect_watch_new(int listener, pid_t root, OshImageTable *images, int diag_fd,
                                       GError **error);

/** osh_connect_watch_free: [main] @watch: (nullable) (transfer full): from now on connect fails. */
void osh_connect_watch_free(OshConnectWatch *watch);

/**
 * osh_connect_watch_take:
 * @socket: that of a connection
 * @ret_read_at: (out): g_get_monotonic_time() at which it was read
 * @ret_problem: (out) (transfer full): why there is none
 *
 * [any] What was read at the last connect(2) on @socket. Once only: the next connection of the
 * socket needs another call.
 *
 * Returns: (transfer full) (nullable): the program that connected
 */
OshProgram *osh_connect_watch_take(OshConnectWatch *watch, const OshSocketFound *socket,
                                   gint64 *ret_read_at, char **ret_problem);

/** osh_connect_watch_length: [any] Returns: how many calls are remembered; for tests. */
guint osh_connect_watch_length(OshConnectWatch *watch);

G_END_DECLS
