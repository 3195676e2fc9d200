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

#define OSH_PROTECT_MAX_FOLDERS 256
#define OSH_PROTECT_MAX_DEPTH   4

G_END_DECLS
