/* SPDX-License-Identifier: Apache-2.0 */
/* osh-access.c: the permission check of inode(7), for another user. Any thread; no state. */
#include "osh-access.h"

#include <sys/stat.h>
#include <sys/xattr.h>

static gboolean
is_in_group(const OshAccessUser *user, gid_t gid)
{
    if (user->gid == gid)
        return TRUE;
    for (gsize i = 0; i < user->n_groups; i++)
        if (user->groups[i] == gid)
            return TRUE;
    return FALSE;
}

/* @others: the mode's bit for those who are neither owner nor in the group */
static gboolean
mode_allows(const char *path, const OshAccessUser *user, mode_t others)
{
    struct stat about;

    if (stat(path, &about) != 0 || getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
        return TRUE;
    if (about.st_uid == user->uid)
        return (about.st_mode & (others << 6)) != 0;
    if (is_in_group(user, about.st_gid))
        return (about.st_mode & (others << 3)) != 0;
    return (about.st_mode & others) != 0;
}

gboolean
osh_access_may_write(const char *path, const OshAccessUser *user)
{
    return mode_allows(path, user, S_IWOTH);
}

gboolean
osh_access_may_enter(const char *folder, const OshAccessUser *user)
{
    return mode_allows(folder, user, S_IXOTH);
}
