/* SPDX-License-Identifier: Apache-2.0 */
/* osh-access.h: whether another user could write to a path, for messages. Any thread. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * OshAccessUser:
 * @uid: user
 * @gid: group
 * @groups: (nullable) (array length=n_groups): supplementary groups
 * @n_groups: how many
 */
typedef struct {
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    gsize n_groups;
} OshAccessUser;

/**
 * osh_access_may_write:
 * @path: a file or folder
 * @user: who, without capabilities
 *
 * By owner and mode, as inode(7) has it; an access control list is taken for a yes, since only the
 * kernel reads it right. What this says is for messages: it protects nothing.
 *
 * Returns: FALSE when the mode of @path itself refuses it
 */
gboolean osh_access_may_write(const char *path, const OshAccessUser *user);

/** osh_access_may_enter: the same for a program that makes @folder its working directory. */
gboolean osh_access_may_enter(const char *folder, const OshAccessUser *user);

G_END_DECLS
