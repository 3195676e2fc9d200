/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record-file.c: opens the file of a recording so that nothing of the box can turn it.
 *
 * [main], before any program of the box exists. A box of an earlier run may have left links and
 * files wherever it could write, so the way to the file is walked by hand and none of it may lead
 * through such a place (security rule 3). It must never append to what is not a recording.
 */
#include "record-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto-fd.h"
#include "openshell/host.h"

#define MAX_LINKS 40
#define FIRST     "{\"openshell-recording\":"

/* Returns: (nullable): the directory of @writable that @path is or lies in. */
static const char *
writable_above(const char *path, const char *const *writable)
{
    for (; *writable != NULL; writable++) {
        gsize length = strlen(*writable);

        while (length > 1 && (*writable)[length - 1] == '/')
            length--;
        if (length == 1 || (strncmp(path, *writable, length) == 0 &&
                            (path[length] == '/' || path[length] == '\0')))
            return *writable;
    }
    return NULL;
}

static gboolean
fail(GError **error, gint code, const char *path, const char *problem)
{
    g_set_error(error, OSH_ERROR, code, "the recording %s %s", path, problem);
    return FALSE;
}

static gboolean
fail_errno(GError **error, const char *path, const char *what)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "the recording %s: %s: %s", path, what,
                g_strerror(errno));
    return FALSE;
}

static gboolean
fail_writable(GError **error, const char *path, const char *directory)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                "the recording %s could be replaced from the box, because %s is writable there: "
                "give a path outside of it",
                path, directory);
    return FALSE;
}

/* Puts the components of @text before those that are left. */
static void
push_components(GQueue *left, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);

    for (guint i = g_strv_length(parts); i > 0; i--)
        if (parts[i - 1][0] != '\0' && strcmp(parts[i - 1], ".") != 0)
            g_queue_push_head(left, g_strdup(parts[i - 1]));
}

/*
 * Follows @directory link by link. Returns: (transfer full) (nullable): where it is; NULL with
 * @error set, also when some component is the box's to change.
 */
static char *
walk(const char *path, const char *directory, const char *const *writable, GError **error)
{
    g_autoptr(GQueue) left = g_queue_new();
    char *at = g_strdup("");
    guint links = 0;
    gboolean good = TRUE;

    push_components(left, directory);
    while (good && left->length > 0) {
        g_autofree char *name = g_queue_pop_head(left);
        g_autofree char *next = NULL;
        g_autofree char *target = NULL;
        const char *grant;

        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(at, '/');

            if (slash != NULL)
                *slash = '\0';
            continue;
        }
        next = g_strconcat(at, "/", name, NULL);
        grant = writable_above(next, writable);
        if (grant != NULL) {
            good = fail_writable(error, path, grant);
            continue;
        }
        target = g_file_read_link(next, NULL);
        if (target == NULL) {
            g_free(at);
            at = g_steal_pointer(&next);
            continue;
        }
        if (++links > MAX_LINKS) {
            good = fail(error, OSH_ERROR_INVALID, path, "lies behind too many symbolic links");
            continue;
        }
        if (target[0] == '/')
            at[0] = '\0';
        push_components(left, target);
    }
    g_queue_clear_full(left, g_free);
    if (good)
        return at;
    g_free(at);
    return NULL;
}

static gboolean
check_file(int fd, const char *path, struct stat *ret_status, GError **error)
{
    if (fstat(fd, ret_status) != 0)
        return fail_errno(error, path, "cannot look at it");
    if (!S_ISREG(ret_status->st_mode))
        return fail(error, OSH_ERROR_INVALID, path, "is not a regular file: give another path");
    if (ret_status->st_uid != geteuid())
        return fail(error, OSH_ERROR_DENIED, path,
                    "belongs to another user: give a path of your own");
    if (ret_status->st_nlink != 1)
        return fail(error, OSH_ERROR_DENIED, path,
                    "has a second name (a hard link): give another path");
    if ((ret_status->st_mode & 077) != 0)
        return fail(error, OSH_ERROR_DENIED, path,
                    "may be read or written by others: chmod 600 it, or give another path");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return fail(error, OSH_ERROR_DENIED, path, "is being written by another run");
    return TRUE;
}

/* A run that was killed may have left half a line, which the next must not continue. */
static gboolean
check_content(int fd, const char *path, off_t size, GError **error)
{
    char first[sizeof FIRST - 1];
    char last;

    if (size == 0)
        return TRUE;
    if (pread(fd, first, sizeof first, 0) != (ssize_t)sizeof first ||
        memcmp(first, FIRST, sizeof first) != 0)
        return fail(error, OSH_ERROR_INVALID, path,
                    "exists and is not a recording: give another path, or remove it");
    while (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n')
        size--;
    if (ftruncate(fd, size) != 0)
        return fail_errno(error, path, "cannot cut off an unfinished line");
    return TRUE;
}

/* A grant that is a link means what it leads to as well. */
static GPtrArray *
with_targets(const char *const *writable)
{
    GPtrArray *both = g_ptr_array_new_with_free_func(free);

    for (; *writable != NULL; writable++) {
        char *target = realpath(*writable, NULL);

        g_ptr_array_add(both, strdup(*writable));
        if (target != NULL)
            g_ptr_array_add(both, target);
    }
    g_ptr_array_add(both, NULL);
    return both;
}

/* Returns: a descriptor, or -1 with @error set. */
static int
open_in(const char *where, const char *name, const char *path, GError **error)
{
    osh_autofd int folder = -1;
    int fd;

    folder = open(where[0] != '\0' ? where : "/", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        fail_errno(error, path, "cannot open its directory");
        return -1;
    }
    fd = openat(folder, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                0600);
    if (fd < 0 && errno == ELOOP)
        fail(error, OSH_ERROR_DENIED, path, "is a symbolic link: name its target instead");
    else if (fd < 0)
        fail_errno(error, path, "cannot open it");
    return fd;
}

int
osh_record_file_open(const char *path, const char *const *writable, GError **error)
{
    g_autoptr(GPtrArray) grants = with_targets(writable);
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *parent = g_path_get_dirname(absolute);
    g_autofree char *name = g_path_get_basename(absolute);
    g_autofree char *where = walk(path, parent, (const char *const *)grants->pdata, error);
    g_autofree char *file = NULL;
    osh_autofd int fd = -1;
    const char *grant;
    struct stat status;
    int made;

    if (where == NULL)
        return -1;
    file = g_strconcat(where, "/", name, NULL);
    grant = writable_above(file, (const char *const *)grants->pdata);
    if (grant != NULL) {
        fail_writable(error, path, grant);
        return -1;
    }
    fd = open_in(where, name, path, error);
    if (fd < 0)
        return -1;
    if (!check_file(fd, path, &status, error) || !check_content(fd, path, status.st_size, error))
        return -1;
    made = fd;
    fd = -1;
    return made;
}
