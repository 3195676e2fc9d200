/* SPDX-License-Identifier: Apache-2.0 */
/* normalise.h: file system paths as text. Private to host/policy. */
#pragma once

#include <glib.h>

/**
 * osh_policy_normalise_path:
 * @path: a path
 * @fold_parents: whether `..` takes away what stands before it, as after a symbolic link; otherwise
 *   it stays, for the checks to refuse
 *
 * Folds repeated slashes, single dots and a slash at the end; looks at no file.
 *
 * Returns: (transfer full): the path
 */
char *osh_policy_normalise_path(const char *path, gboolean fold_parents);
