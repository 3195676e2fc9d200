/* SPDX-License-Identifier: Apache-2.0 */
/* Files in a writable tree that steer what the user's own programs do later. Security rule 3. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_mount_protect_find:
 * @tree: a writable folder, without symlinks in its path
 * @files: (element-type utf8): gets the paths that must not be changed from the box
 * @unprotected: (element-type utf8): gets what was found and cannot be protected, and folders that
 *   were not looked into
 *
 * Looks at most OSH_PROTECT_MAX_FOLDERS folders, OSH_PROTECT_MAX_DEPTH deep, nearest first, so
 * that a large tree costs no more than a small one.
 */
void osh_mount_protect_find(const char *tree, GPtrArray *files, GPtrArray *unprotected);

/**
 * osh_mount_protect_is_opened:
 * @path: what steers
 * @writable: (element-type utf8): paths that a policy makes writable; a closing %NULL is ignored
 *
 * Returns: %TRUE when the policy opens it, by naming it or the repository that it belongs to
 */
gboolean osh_mount_protect_is_opened(const char *path, const GPtrArray *writable);

/**
 * osh_mount_protect_appeared:
 * @writable: (element-type utf8): paths that a policy makes writable; a closing %NULL is ignored
 * @before: (element-type utf8): what was found before programs ran
 * @ret_more: (out): how many were found beyond %OSH_PROTECT_MAX_APPEARED
 *
 * Returns: (transfer full) (element-type utf8): what steers and is new, unless the policy opens it
 */
GPtrArray *osh_mount_protect_appeared(const GPtrArray *writable, const GPtrArray *before,
                                      guint *ret_more);

#define OSH_PROTECT_MAX_APPEARED 64
#define OSH_PROTECT_MAX_FOLDERS  256
#define OSH_PROTECT_MAX_DEPTH    4

G_END_DECLS
