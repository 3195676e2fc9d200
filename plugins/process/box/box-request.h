/* SPDX-License-Identifier: Apache-2.0 */
/* The plans that a box's init is sent. */
#pragma once

#include "box.h"

G_BEGIN_DECLS

/**
 * osh_box_write_open:
 *
 * Returns: a sealed memfd with the plan, or -1 with @error set
 */
int osh_box_write_open(const OshBoxPlan *plan, GError **error);

/**
 * osh_box_write_seal:
 * @uid: owner of the contributed files
 * @gid: its group
 *
 * Returns: a sealed memfd with the plan, or -1 with @error set
 */
int osh_box_write_seal(const OshBoxSeal *seal, uid_t uid, gid_t gid, GError **error);

/**
 * osh_box_new_reports:
 *
 * Returns: a file into which init writes what became of each path rule, or -1 with @error set
 */
int osh_box_new_reports(GError **error);

/**
 * osh_box_read_reports:
 * @fd: from osh_box_new_reports(), after init has answered
 * @seal: its path_reports are filled in, where it wants them
 *
 * Returns: %TRUE when init has accounted for every rule
 */
gboolean osh_box_read_reports(int fd, const OshBoxSeal *seal, GError **error);

/**
 * osh_box_write_launch:
 * @fds: (out caller-allocates): OSH_INIT_MAX_STDIO_FDS descriptors at most, those that go along
 *   with the plan; borrowed from @launch
 * @ret_fd_count: (out): how many
 *
 * Returns: a sealed memfd with the plan, or -1 with @error set
 */
int osh_box_write_launch(const OshBoxLaunch *launch, int *fds, guint *ret_fd_count, GError **error);

G_END_DECLS
