/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare-paths.h: folders that a policy makes writable and that are not there yet. [main], before
 * the box is planned.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * osh_prepare_paths:
 * @read_write: (array zero-terminated=1): absolute paths
 * @uid: owner of a folder that is made
 * @gid: its group
 * @made: (element-type utf8): gets each path that was made
 * @error: return location
 *
 * What exists keeps its owner and mode. A missing path is made as a folder, its parents with mode
 * 0755; only the last one is given away. No symbolic link is followed on the way to something that
 * is made. What cannot be made stays missing, which the mount plan reports.
 *
 * Returns: %FALSE when a path is a symbolic link: a user who may replace it would choose what the
 * next box may write
 */
gboolean osh_prepare_paths(const char *const *read_write, uid_t uid, gid_t gid, GPtrArray *made,
                           GError **error);

G_END_DECLS
