/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placeholder.c: makes and removes placeholders. [main]; it changes the host's file system, and
 * never anything but what a placeholder of this or another box is.
 *
 * Boxes may share a tree. Each holds a shared lock on the folder of its placeholders, which the
 * kernel drops when the host dies; the box that gets it exclusively at the end is the last, and
 * removes them. A placeholder is known by its content (a folder by its mode and being empty), so
 * that one whose host was killed is taken over, and removed, by the next box.
 */
#include "placeholder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tree-error.h"

#define FILE_TEXT "# Placeholder of openshell-host. It goes when the box closes.\n"
/* git resolves it to the folder that it lies in, which is what git does without it. */
#define COMMONDIR_TEXT "./././.\n"
/* The sticky bit has no use here, and so is the mark. */
#define FOLDER_MODE   01755
#define LOCK_ATTEMPTS 100
#define LOCK_PAUSE    10000 /* microseconds */

typedef struct {
    char *name;
    gboolean folder;
    dev_t device;
    ino_t inode;
} Placeholder;

typedef struct {
    int fd; /* locked, shared */
    GArray *placeholders;
} Folder;

struct OshPlaceholders {
    GHashTable *folders; /* path → Folder */
};

static void
placeholder_clear(gpointer data)
{
    Placeholder *placeholder = data;

    g_free(placeholder->name);
}

static void
folder_free(Folder *folder)
{
    close(folder->fd);
    g_array_unref(folder->placeholders);
    g_free(folder);
}

OshPlaceholders *
osh_placeholders_new(void)
{
    OshPlaceholders *placeholders = g_new0(OshPlaceholders, 1);

    placeholders->folders =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)folder_free);
    return placeholders;
}

static const char *
text_of(OshPlaceholderKind kind)
{
    return kind == OSH_PLACEHOLDER_COMMONDIR ? COMMONDIR_TEXT : FILE_TEXT;
}

static gboolean
is_empty_folder(int above, const char *name)
{
    const struct dirent *entry;
    gboolean empty = TRUE;
    struct stat about;
    DIR *entries;
    int fd;

    if (fstatat(above, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(about.st_mode) ||
        (about.st_mode & 07777) != FOLDER_MODE)
        return FALSE;
    fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    while (empty && (entry = readdir(entries)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(entries);
    return empty;
}

static gboolean
has_text(int above, const char *name, const char *text)
{
    char found[sizeof FILE_TEXT + 1];
    struct stat about;
    gssize length;
    int fd;

    if (fstatat(above, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode) ||
        (gsize)about.st_size != strlen(text))
        return FALSE;
    fd = openat(above, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return FALSE;
    length = read(fd, found, sizeof found);
    close(fd);
    return length == (gssize)strlen(text) && memcmp(found, text, strlen(text)) == 0;
}

static gboolean
is_placeholder(int above, const char *name, OshPlaceholderKind kind)
{
    if (kind == OSH_PLACEHOLDER_NONE)
        return FALSE;
    return kind == OSH_PLACEHOLDER_FOLDER ? is_empty_folder(above, name)
                                          : has_text(above, name, text_of(kind));
}

gboolean
osh_placeholder_is(const char *path, OshPlaceholderKind kind)
{
    return is_placeholder(AT_FDCWD, path, kind);
}

static int
open_folder(const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* The last user of a folder holds it exclusively for an instant, so a short wait is enough. */
static gboolean
lock_shared(int fd)
{
    for (guint i = 0; i < LOCK_ATTEMPTS; i++) {
        if (flock(fd, LOCK_SH | LOCK_NB) == 0)
            return TRUE;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return FALSE;
        g_usleep(LOCK_PAUSE);
    }
    return FALSE;
}

/* Returns: (nullable): the folder, locked; %NULL with errno set */
static Folder *
enter(OshPlaceholders *placeholders, const char *path)
{
    Folder *folder = g_hash_table_lookup(placeholders->folders, path);
    int fd;

    if (folder != NULL)
        return folder;
    fd = open_folder(path);
    if (fd < 0)
        return NULL;
    if (!lock_shared(fd)) {
        int error = errno;

        close(fd);
        errno = error;
        return NULL;
    }
    folder = g_new0(Folder, 1);
    folder->fd = fd;
    folder->placeholders = g_array_new(FALSE, FALSE, sizeof(Placeholder));
    g_array_set_clear_func(folder->placeholders, placeholder_clear);
    g_hash_table_insert(placeholders->folders, g_strdup(path), folder);
    return folder;
}

static gboolean
write_text(int fd, const char *text)
{
    return write(fd, text, strlen(text)) == (gssize)strlen(text) && fchmod(fd, 0444) == 0;
}

/* Returns: 0 or an errno */
static int
make_by_name(int above, const char *name, const char *text)
{
    int fd = openat(above, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    int error;

    if (fd < 0)
        return errno;
    error = write_text(fd, text) ? 0 : errno;
    close(fd);
    if (error != 0)
        unlinkat(above, name, 0);
    return error;
}

/* Complete from its first instant where the file system can, since git may read it at any time. */
static int
make_file(int above, const char *name, const char *text)
{
    int fd = openat(above, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
    g_autofree char *by_number = NULL;
    gboolean made;
    int error;

    if (fd < 0)
        return make_by_name(above, name, text);
    by_number = g_strdup_printf("/proc/self/fd/%d", fd);
    made = write_text(fd, text) && linkat(AT_FDCWD, by_number, above, name, AT_SYMLINK_FOLLOW) == 0;
    error = made ? 0 : errno;
    close(fd);
    return made || error == EEXIST ? error : make_by_name(above, name, text);
}

static int
make(int above, const char *name, OshPlaceholderKind kind)
{
    mode_t mask;
    int error;

    if (kind != OSH_PLACEHOLDER_FOLDER)
        return make_file(above, name, text_of(kind));
    /* A chmod() afterwards could be led elsewhere; there is one thread. */
    mask = umask(0);
    error = mkdirat(above, name, FOLDER_MODE) == 0 ? 0 : errno;
    umask(mask);
    return error;
}

static void
note(Folder *folder, const char *name, OshPlaceholderKind kind)
{
    Placeholder placeholder = {.folder = kind == OSH_PLACEHOLDER_FOLDER};
    struct stat about;

    if (fstatat(folder->fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    placeholder.name = g_strdup(name);
    placeholder.device = about.st_dev;
    placeholder.inode = about.st_ino;
    g_array_append_val(folder->placeholders, placeholder);
}

static gboolean
fail(const char *path, int cause, GError **error)
{
    g_autofree char *shown = g_strescape(path, NULL);
    g_autofree char *folder = g_path_get_dirname(shown);

    /* Its folder was there a moment ago. */
    g_set_error(error, OSH_TREE_ERROR,
                cause == ENOENT ? OSH_TREE_ERROR_CHANGED : OSH_TREE_ERROR_INVALID,
                "%s must not be created in the box, because it is an auto-executed file, and a "
                "placeholder could not be made there: %s; make %s read_only, or open it with "
                "process.auto-executed-writable",
                shown, cause == EWOULDBLOCK ? "its folder is locked" : g_strerror(cause), folder);
    return FALSE;
}

gboolean
osh_placeholders_make(OshPlaceholders *placeholders, const char *path, OshPlaceholderKind kind,
                      gboolean *ret_needed, GError **error)
{
    g_autofree char *above = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    Folder *folder = enter(placeholders, above);
    int cause;

    *ret_needed = FALSE;
    if (folder == NULL)
        return errno == ENOENT || fail(path, errno, error);
    cause = make(folder->fd, name, kind);
    /* As an ordinary user the box has the same rights as the host: neither can make it. */
    if (cause == EROFS || (cause == EACCES && geteuid() != 0))
        return TRUE;
    if (cause != 0 && cause != EEXIST)
        return fail(path, cause, error);
    if (cause == 0 || is_placeholder(folder->fd, name, kind))
        note(folder, name, kind);
    *ret_needed = TRUE;
    return TRUE;
}

static void
remove_in(const Folder *folder)
{
    struct stat about;

    if (flock(folder->fd, LOCK_EX | LOCK_NB) != 0)
        return;
    for (guint i = 0; i < folder->placeholders->len; i++) {
        const Placeholder *placeholder = &g_array_index(folder->placeholders, Placeholder, i);

        if (fstatat(folder->fd, placeholder->name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
            about.st_dev != placeholder->device || about.st_ino != placeholder->inode)
            continue;
        unlinkat(folder->fd, placeholder->name, placeholder->folder ? AT_REMOVEDIR : 0);
    }
}

void
osh_placeholders_remove(OshPlaceholders *placeholders)
{
    GHashTableIter iterator;
    gpointer folder;

    if (placeholders == NULL)
        return;
    g_hash_table_iter_init(&iterator, placeholders->folders);
    while (g_hash_table_iter_next(&iterator, NULL, &folder)) {
        remove_in(folder);
        g_hash_table_iter_remove(&iterator);
    }
}

void
osh_placeholders_free(OshPlaceholders *placeholders)
{
    if (placeholders == NULL)
        return;
    osh_placeholders_remove(placeholders);
    g_hash_table_unref(placeholders->folders);
    g_free(placeholders);
}
