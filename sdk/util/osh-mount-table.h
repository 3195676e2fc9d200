/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-mount-table.h: under which paths the same file can be reached, by the kernel's table of
 * mounts.
 *
 * Any thread; a table is not changed after it was read. A bind mount gives a folder a second path
 * that no symbolic link tells of, so a comparison of resolved paths alone misses it (security
 * rule 3, protected files).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshMountTable: the mounts of this process's mount namespace at one time. */
typedef struct _OshMountTable OshMountTable;

/**
 * osh_mount_table_read:
 * @error: return location
 *
 * Returns: (transfer full) (nullable): /proc/self/mountinfo as it is now
 */
OshMountTable *osh_mount_table_read(GError **error);

/** osh_mount_table_free: @table: (nullable) (transfer full). */
void osh_mount_table_free(OshMountTable *table);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshMountTable, osh_mount_table_free)

/**
 * osh_mount_table_views:
 * @table: the mounts
 * @path: absolute and resolved
 *
 * Returns: (transfer full) (element-type utf8): the paths by which the file or folder at @path can
 *   be reached, @path itself first
 */
GPtrArray *osh_mount_table_views(const OshMountTable *table, const char *path);

/**
 * osh_mount_table_spread:
 * @table: the mounts
 * @path: absolute and resolved
 *
 * What a program can change when it is given @path with all that is mounted below it: a resolved
 * path names something of that exactly if it is one of these paths or lies below one.
 *
 * Returns: (transfer full) (element-type utf8): folders and files, @path itself first
 */
GPtrArray *osh_mount_table_spread(const OshMountTable *table, const char *path);

G_END_DECLS
