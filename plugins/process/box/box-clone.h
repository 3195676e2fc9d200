/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the init of a box in namespaces of its own. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
    pid_t pid;
    int pidfd;
    int control; /* our end */
} OshBoxInit;

/**
 * osh_box_clone:
 * @ret_init: (out): the new init, which waits for its first request
 * @error: return location
 *
 * Returns: %TRUE on success; on failure nothing is left behind
 */
gboolean osh_box_clone(OshBoxInit *ret_init, GError **error);

G_END_DECLS
