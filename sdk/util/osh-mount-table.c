/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-mount-table.c: reads /proc/self/mountinfo and compares places by file system and by the path
 * inside of it. Any thread; nothing is shared.
 *
 * Two mounts show the same files where their device is the same and the part of the file system
 * that one shows (its root) contains, or lies in, that of the other. A path that another mount
 * covers leads elsewhere: where it can be looked at, it is compared by device and inode, and where
 * it cannot it is kept, which errs on the side of one path too many.
 */
#include "osh-mount-table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "osh-path-walk.h"

typedef struct {
    guint64 id;
    char *device; /* MAJOR:MINOR as the table has it, which is not st_dev on every file system */
    char *root;   /* the part of the file system that is shown */
    char *point;
} Mount;

struct _OshMountTable {
    GPtrArray *mounts; /* Mount, in the order in which they cover each other */
};

static void
mount_free(gpointer data)
{
    Mount *mount = data;

    g_free(mount->device);
    g_free(mount->root);
    g_free(mount->point);
    g_free(mount);
}

void
osh_mount_table_free(OshMountTable *table)
{
    if (table == NULL)
        return;
    g_ptr_array_unref(table->mounts);
    g_free(table);
}

/* proc_pid_mountinfo(5): ID, parent, device, root, mount point; blanks in them as octal escapes. */
static void
add_line(OshMountTable *table, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", 6);
    Mount *mount;

    if (g_strv_length(fields) < 6)
        return;
    mount = g_new0(Mount, 1);
    mount->id = g_ascii_strtoull(fields[0], NULL, 10);
    mount->device = g_strdup(fields[2]);
    mount->root = g_strcompress(fields[3]);
    mount->point = g_strcompress(fields[4]);
    g_ptr_array_add(table->mounts, mount);
}

OshMountTable *
osh_mount_table_read(GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    OshMountTable *table;

    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, error)) {
        g_prefix_error(error, "the mounts of this machine cannot be read: ");
        return NULL;
    }
    table = g_new0(OshMountTable, 1);
    table->mounts = g_ptr_array_new_with_free_func(mount_free);
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++)
        add_line(table, lines[i]);
    return table;
}

static gboolean
read_mount_id(const char *path, guint64 *ret_id)
{
    struct statx about;

    if (syscall(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID,
                &about) != 0 ||
        (about.stx_mask & STATX_MNT_ID) == 0)
        return FALSE;
    *ret_id = about.stx_mnt_id;
    return TRUE;
}

/* Returns: (nullable): the mount that @path is on */
static const Mount *
find_mount(const OshMountTable *table, const char *path)
{
    const Mount *deepest = NULL;
    guint64 id;
    gboolean known = read_mount_id(path, &id);

    for (guint i = 0; i < table->mounts->len; i++) {
        const Mount *mount = g_ptr_array_index(table->mounts, i);

        if (known && mount->id == id)
            return mount;
        if (osh_path_is_in(path, mount->point) &&
            (deepest == NULL || strlen(mount->point) >= strlen(deepest->point)))
            deepest = mount;
    }
    return deepest;
}

/* What follows @folder in @path, which lies in it: empty, or with a slash in front. */
static const char *
below(const char *path, const char *folder)
{
    const char *rest = path + (g_str_equal(folder, "/") ? 0 : strlen(folder));

    return g_str_equal(rest, "/") ? "" : rest;
}

static char *
join(const char *folder, const char *rest)
{
    if (rest[0] == '\0')
        return g_strdup(folder);
    return g_str_equal(folder, "/") ? g_strdup(rest) : g_strconcat(folder, rest, NULL);
}

/* Where @path is inside its file system. */
static char *
inner_path(const Mount *mount, const char *path)
{
    if (!osh_path_is_in(path, mount->point))
        return g_strdup(mount->root);
    return join(mount->root, below(path, mount->point));
}

static gboolean
differs(const char *one, const char *other)
{
    struct stat first, second;

    return lstat(one, &first) == 0 &&
           (lstat(other, &second) == 0
                ? first.st_dev != second.st_dev || first.st_ino != second.st_ino
                : errno == ENOENT || errno == ENOTDIR);
}

static void
add_path(GPtrArray *paths, char *path)
{
    for (guint i = 0; i < paths->len; i++) {
        if (g_str_equal(g_ptr_array_index(paths, i), path)) {
            g_free(path);
            return;
        }
    }
    g_ptr_array_add(paths, path);
}

/* Where @inner of @mount's file system is shown. @of: (nullable): the path of the same, to compare
 */
static void
add_views(const OshMountTable *table, const Mount *mount, const char *inner, const char *of,
          gboolean parts, GPtrArray *paths)
{
    for (guint i = 0; i < table->mounts->len; i++) {
        const Mount *other = g_ptr_array_index(table->mounts, i);

        if (!g_str_equal(other->device, mount->device))
            continue;
        if (osh_path_is_in(inner, other->root)) {
            g_autofree char *path = join(other->point, below(inner, other->root));

            if (of == NULL || !differs(of, path))
                add_path(paths, g_steal_pointer(&path));
        } else if (parts && osh_path_is_in(other->root, inner)) {
            add_path(paths, g_strdup(other->point));
        }
    }
}

static GPtrArray *
list(const OshMountTable *table, const char *path, gboolean parts)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const Mount *mount = find_mount(table, path);

    g_ptr_array_add(paths, g_strdup(path));
    if (mount != NULL) {
        g_autofree char *inner = inner_path(mount, path);

        add_views(table, mount, inner, path, parts, paths);
    }
    return paths;
}

GPtrArray *
osh_mount_table_views(const OshMountTable *table, const char *path)
{
    return list(table, path, FALSE);
}

GPtrArray *
osh_mount_table_spread(const OshMountTable *table, const char *path)
{
    GPtrArray *paths = list(table, path, TRUE);

    for (guint i = 0; i < table->mounts->len; i++) {
        const Mount *mount = g_ptr_array_index(table->mounts, i);

        if (osh_path_is_in(mount->point, path) && !g_str_equal(mount->point, path))
            add_views(table, mount, mount->root, mount->point, TRUE, paths);
    }
    return paths;
}
