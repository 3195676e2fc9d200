/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record-file.c: opens the file of a recording, for one run at a time.
 *
 * [main], before any program of the box exists. It must never append to what is not a recording.
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
#include "output-file.h"

#define FIRST "{\"openshell-recording\":"

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

int
osh_record_file_open(const char *path, const char *const *writable, GError **error)
{
    osh_autofd int fd = osh_output_file_open("the recording", path, writable, error);
    struct stat status;

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fail(error, OSH_ERROR_DENIED, path, "is being written by another run");
        return -1;
    }
    if (fstat(fd, &status) != 0) {
        fail_errno(error, path, "cannot read its status");
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        fail(error, OSH_ERROR_INVALID, path, "is not a regular file: give another path");
        return -1;
    }
    return check_content(fd, path, status.st_size, error) ? g_steal_fd(&fd) : -1;
}
