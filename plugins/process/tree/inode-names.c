/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode-names.c: looks for second names of a few files. Any thread; no state. A mount protects one
 * name of a file and not its content, so each name in a writable tree needs a mount of its own.
 * It reads directories only, and looks at an entry when its inode number is one of those wanted.
 */
#include "inode-names.h"

gboolean
osh_inode_names_matter(const struct stat *about, uid_t uid)
{
    return S_ISREG(about->st_mode) && about->st_nlink > 1 &&
           (about->st_uid == uid || (about->st_mode & (S_IWGRP | S_IWOTH)) != 0);
}

static gboolean
has_inode(const GArray *files, ino_t inode)
{
    for (guint i = 0; i < files->len; i++)
        if (g_array_index(files, struct stat, i).st_ino == inode)
            return TRUE;
    return FALSE;
}

static gboolean
is_one_of(const GArray *files, const char *path)
{
    struct stat about;

    if (lstat(path, &about) != 0)
        return FALSE;
    for (guint i = 0; i < files->len; i++) {
        const struct stat *file = &g_array_index(files, struct stat, i);

        if (file->st_ino == about.st_ino && file->st_dev == about.st_dev)
            return TRUE;
    }
    return FALSE;
}

gboolean
osh_inode_names_is_folder(const struct dirent *entry, const char *path)
{
    struct stat about;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static gboolean
look_into(const char *folder, const GArray *files, guint *left, GQueue *folders, GPtrArray *found)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries != NULL && *left > 0 && (entry = readdir(entries)) != NULL) {
        g_autofree char *path = NULL;
        gboolean wanted;

        if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, ".."))
            continue;
        --*left;
        wanted = has_inode(files, entry->d_ino) || entry->d_type == DT_UNKNOWN;
        if (!wanted && entry->d_type != DT_DIR)
            continue;
        path = g_build_filename(folder, entry->d_name, NULL);
        if (wanted && is_one_of(files, path))
            g_ptr_array_add(found, g_steal_pointer(&path));
        else if (osh_inode_names_is_folder(entry, path))
            g_queue_push_tail(folders, g_steal_pointer(&path));
    }
    if (entries != NULL)
        closedir(entries);
    return *left > 0;
}

gboolean
osh_inode_names_find(const char *tree, const GArray *files, guint *left, GPtrArray *found)
{
    GQueue folders = G_QUEUE_INIT;
    gboolean complete = TRUE;
    char *folder;

    g_queue_push_tail(&folders, g_strdup(tree));
    while ((folder = g_queue_pop_head(&folders)) != NULL) {
        complete = complete && look_into(folder, files, left, &folders, found);
        g_free(folder);
    }
    return complete;
}
