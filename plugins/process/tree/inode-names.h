/* SPDX-License-Identifier: Apache-2.0 */
/* Other names of a file in a writable tree. Works on the host, before the box exists. */
#pragma once

#include <dirent.h>
#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* More entries than this are not looked at; the start is refused then. */
#define OSH_INODE_NAMES_MAX_ENTRIES 200000

/**
 * osh_inode_names_matter:
 * @about: of a file
 * @uid: the user of the box
 *
 * Returns: whether a second name of it may exist, by which a program of @uid could change it
 */
gboolean osh_inode_names_matter(const struct stat *about, uid_t uid);

/**
 * osh_inode_names_find:
 * @tree: a folder, without symlinks in its path
 * @files: (element-type struct_stat): of the files whose names are looked for
 * @left: (inout): entries that may still be looked at
 * @found: (element-type utf8): gets every path in @tree that is one of @files
 *
 * Returns: %FALSE when there was more to look at than @left
 */
gboolean osh_inode_names_find(const char *tree, const GArray *files, guint *left, GPtrArray *found);

/**
 * osh_inode_names_is_folder:
 * @entry: of readdir(3)
 * @path: of that entry; asked where the file system does not say in @entry what it is
 *
 * Returns: whether it is a folder, and no link to one
 */
gboolean osh_inode_names_is_folder(const struct dirent *entry, const char *path);

G_END_DECLS
