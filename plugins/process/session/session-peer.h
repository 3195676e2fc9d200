/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-peer.h: whether the peer of a control socket may connect to it (security rule 2, control
 * sockets). [main].
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * osh_session_peer_check:
 * @connection: an accepted Unix socket
 * @init_pid: the box's init, as we see it; 0 when there is no box
 * @error: return location
 *
 * The peer must be our own user or root, and must neither be in the box's PID or network namespace
 * nor descend from its init: a uid proves nothing about a box that shares ours.
 *
 * Returns: %FALSE with @error set when it may not, or when it cannot be told
 */
gboolean osh_session_peer_check(int connection, pid_t init_pid, GError **error);

G_END_DECLS
