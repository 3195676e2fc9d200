/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hard-links.c: the other names of protected files. [any]; no state beside that of the search.
 *
 * A mount protects one name of a file. The folder entries that the search has read carry the inode
 * number of each name, so that finding the others needs no look at the files themselves.
 */
#include "protect-search.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static char *
key_of(guint64 device, guint64 inode)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, device, inode);
}

void
osh_protect_note_links(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row)
{
    g_autofree char *key = NULL;
    OshLinkedFile *linked;
    struct stat about;

    if (search->linked == NULL || lstat(path, &about) != 0 || !S_ISREG(about.st_mode) ||
        about.st_nlink < 2)
        return;
    key = key_of(about.st_dev, about.st_ino);
    linked = g_hash_table_lookup(search->linked, key);
    if (linked != NULL) {
        linked->known++;
        return;
    }
    linked = g_new0(OshLinkedFile, 1);
    linked->device = about.st_dev;
    linked->inode = about.st_ino;
    linked->links = about.st_nlink;
    linked->known = 1;
    linked->row = row;
    linked->path = g_strdup(path);
    g_hash_table_insert(search->linked, g_steal_pointer(&key), linked);
}

static void
look_for_names(OshProtectSearch *search, GHashTable *inodes, const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        guint64 inode = entry->d_ino;
        g_autofree char *path = NULL;
        g_autofree char *key = NULL;
        g_autofree char *real = NULL;
        const OshLinkedFile *linked;
        struct stat about;

        if (!g_hash_table_contains(inodes, &inode))
            continue;
        path = g_build_filename(folder, entry->d_name, NULL);
        if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
            continue;
        key = key_of(about.st_dev, about.st_ino);
        linked = g_hash_table_lookup(search->linked, key);
        /* Recording a name counts it. */
        if (linked != NULL)
            real = osh_protect_add(search, path, linked->row, OSH_PLACEHOLDER_NONE);
    }
    if (entries != NULL)
        closedir(entries);
}

static void
say_what_is_missing(OshProtectSearch *search)
{
    const OshLinkedFile *first = NULL;
    GHashTableIter iterator;
    gpointer value;
    guint count = 0;

    g_hash_table_iter_init(&iterator, search->linked);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const OshLinkedFile *linked = value;

        if (linked->known >= linked->links)
            continue;
        if (first == NULL || strcmp(linked->path, first->path) < 0)
            first = linked;
        count++;
    }
    if (count == 1)
        osh_protect_remark(search,
                           "perhaps writable by another name: %s has %" G_GUINT64_FORMAT
                           " hard links, of which %" G_GUINT64_FORMAT " were found",
                           first->path, first->links, first->known);
    else if (count > 1)
        osh_protect_remark(search,
                           "perhaps writable by other names: %s and %u other auto-executed files "
                           "have hard links that were not found",
                           first->path, count - 1);
}

void
osh_protect_add_hard_links(OshProtectSearch *search)
{
    g_autoptr(GHashTable) inodes = g_hash_table_new(g_int64_hash, g_int64_equal);
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, search->linked);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        OshLinkedFile *linked = value;

        if (linked->known < linked->links)
            g_hash_table_add(inodes, &linked->inode);
    }
    if (g_hash_table_size(inodes) == 0)
        return;
    for (guint i = 0; i < search->looked->len; i++)
        look_for_names(search, inodes, g_ptr_array_index(search->looked, i));
    say_what_is_missing(search);
}
