/* SPDX-License-Identifier: Apache-2.0 */
/* session-socket.h: the listening socket of a session, where no program of the box reaches it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_session_socket_listen:
 * @path: absolute or relative to the working directory
 * @visible: (array zero-terminated=1): paths that a program of the box can see
 * @ret_path: (out) (transfer full): what to remove at the end
 * @error: return location
 *
 * Mode 0600, in a folder that no other user may write. A socket that no process listens on is
 * replaced.
 *
 * Returns: a non-blocking listening socket, or -1 with @error set
 */
int osh_session_socket_listen(const char *path, const char *const *visible, char **ret_path,
                              GError **error);

G_END_DECLS
