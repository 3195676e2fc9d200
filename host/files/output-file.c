/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output-file.c: opens what the host writes so that nothing of the box can turn it.
 *
 * [main], before any program of the box exists. A box of an earlier run may have left links, hard
 * links and pipes wherever it could write, so no link is followed on the way, and the file is
 * judged by its descriptor. It must never write into what it did not make and its owner alone may
 * read.
 */
#include "output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auto-fd.h"
#include "openshell/host.h"
#include "osh-path-walk.h"

static gboolean
fail(GError **error, gint code, const char *what, const char *path, const char *problem)
{
    g_set_error(error, OSH_ERROR, code, "%s %s %s", what, path, problem);
    return FALSE;
}

static gboolean
fail_errno(GError **error, const char *what, const char *path, const char *step)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "%s %s: %s: %s", what, path, step,
                g_strerror(errno));
    return FALSE;
}

static gboolean
check_place(const char *what, const char *path, const char *resolved, const char *const *writable,
            GError **error)
{
    for (; *writable != NULL; writable++) {
        if (!osh_path_is_in(resolved, *writable))
            continue;
        g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                    "%s %s could be replaced from the box, because %s is writable there: give a "
                    "path outside of it",
                    what, path, *writable);
        return FALSE;
    }
    return TRUE;
}

static gboolean
keep_first(const char *link, const char *text, gpointer data)
{
    (void)text;
    *(char **)data = g_strdup(link);
    return FALSE;
}

/* A link is named, and the path that does without it. */
static gboolean
fail_link(const char *what, const char *path, const char *absolute, GError **error)
{
    g_autofree char *link = NULL;
    g_autofree char *end = osh_path_resolve(absolute);
    OshPathWalk walk = {.follow = keep_first, .data = &link};

    g_free(osh_path_walk(absolute, &walk));
    g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                "%s %s leads through a symbolic link (%s), and is never opened through one: give "
                "the path itself, %s",
                what, path, link != NULL ? link : "which is gone", end != NULL ? end : "if any");
    return FALSE;
}

/* Returns: a descriptor, or -1 with @error set. */
static int
open_folder(const char *what, const char *path, const char *absolute, GError **error)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    g_autofree char *folder = g_path_get_dirname(absolute);
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, folder, &how, sizeof how);

    if (fd < 0 && errno == ELOOP)
        fail_link(what, path, absolute, error);
    else if (fd < 0)
        fail_errno(error, what, path, "cannot open its directory");
    return fd;
}

/* Returns: a descriptor, or -1 with @error set. */
static int
open_in(int folder, const char *name, const char *what, const char *path, GError **error)
{
    int fd = openat(folder, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                    0600);

    if (fd < 0 && errno == ELOOP)
        fail(error, OSH_ERROR_DENIED, what, path, "is a symbolic link: name its target instead");
    else if (fd < 0)
        fail_errno(error, what, path, "cannot open it");
    return fd;
}

static gboolean
check_file(int fd, const char *what, const char *path, GError **error)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return fail_errno(error, what, path, "cannot read its status");
    /* A device has nothing that another program could replace or read later. */
    if (S_ISCHR(status.st_mode))
        return TRUE;
    if (!S_ISREG(status.st_mode))
        return fail(error, OSH_ERROR_INVALID, what, path,
                    "is not a regular file: give another path");
    if (status.st_uid != geteuid())
        return fail(error, OSH_ERROR_DENIED, what, path,
                    "belongs to another user: give a path of your own");
    if (status.st_nlink != 1)
        return fail(error, OSH_ERROR_DENIED, what, path,
                    "has a second hard link: give another path");
    if ((status.st_mode & 077) != 0)
        return fail(error, OSH_ERROR_DENIED, what, path,
                    "may be read or written by others: chmod 600 it, or give another path");
    return TRUE;
}

int
osh_output_file_open(const char *what, const char *path, const char *const *writable,
                     GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *name = g_path_get_basename(absolute);
    g_autofree char *resolved = osh_path_resolve(absolute);
    osh_autofd int folder = -1;
    osh_autofd int fd = -1;

    if (!check_place(what, path, absolute, writable, error) ||
        (resolved != NULL && !check_place(what, path, resolved, writable, error)))
        return -1;
    folder = open_folder(what, path, absolute, error);
    if (folder < 0)
        return -1;
    fd = open_in(folder, name, what, path, error);
    if (fd < 0 || !check_file(fd, what, path, error))
        return -1;
    return g_steal_fd(&fd);
}

gboolean
osh_output_write(int fd, const char *text)
{
    gsize length = strlen(text);
    gsize done = 0;

    while (done < length) {
        ssize_t written = write(fd, text + done, length - done);

        if (written < 0 && errno != EINTR)
            return FALSE;
        done += written > 0 ? (gsize)written : 0;
    }
    return TRUE;
}
