/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt-files.c: reading, writing and moving files that the policy does not give. Arguments are
 * paths that the test has made.
 */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static int
open_to_read(char **arguments)
{
    return failed(open(arguments[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

static int
open_to_write(char **arguments)
{
    return failed(open(arguments[0], O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

static int
create(char **arguments)
{
    return failed(open(arguments[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static int
cut(char **arguments)
{
    return failed(truncate(arguments[0], 0));
}

/* A descriptor for reading, opened again for writing by the kernel's name of it. */
static int
open_again(char **arguments)
{
    char path[64];
    int fd = open(arguments[0], O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return failed(open(path, O_WRONLY | O_CLOEXEC));
}

static int
hard_link(char **arguments)
{
    return failed(link(arguments[0], arguments[1]));
}

static int
link_descriptor(char **arguments)
{
    char path[64];
    int fd = open(arguments[0], O_PATH | O_CLOEXEC);

    if (fd < 0)
        return errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return failed(linkat(AT_FDCWD, path, AT_FDCWD, arguments[1], AT_SYMLINK_FOLLOW));
}

static int
move(char **arguments)
{
    return failed(rename(arguments[0], arguments[1]));
}

static int
exchange(char **arguments)
{
    return failed(
        syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], 2 /* EXCHANGE */));
}

static int
delete_file(char **arguments)
{
    return failed(unlink(arguments[0]));
}

static int
make_folder(char **arguments)
{
    return failed(mkdir(arguments[0], 0700));
}

static int
change_mode(char **arguments)
{
    return failed(chmod(arguments[0], 0666));
}

static int
change_times(char **arguments)
{
    return failed(utimes(arguments[0], NULL));
}

static int
give_to_root(char **arguments)
{
    return failed(chown(arguments[0], 0, 0));
}

static int
make_device(char **arguments)
{
    return failed(mknod(arguments[0], S_IFCHR | 0666, makedev(1, 1)));
}

/* The text of a symbolic link in a writable folder, which the kernel follows. */
static int
through_link(char **arguments)
{
    unlink(arguments[0]);
    if (symlink(arguments[1], arguments[0]) != 0)
        return errno;
    return failed(open(arguments[0], O_RDONLY | O_CLOEXEC));
}

/* Out by a name that leads up more often than there are folders. */
static int
climb(char **arguments)
{
    char path[4096] = "";

    for (int i = 0; i < 64; i++)
        strcat(path, "../");
    strncat(path, arguments[0] + 1, sizeof path - strlen(path) - 1);
    return failed(open(path, O_RDONLY | O_CLOEXEC));
}

/* A file without a path, past every mount: needs the handle of one that is on the same disk. */
static int
open_by_handle(char **arguments)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } target;
    int mount_id;
    int folder;

    target.handle.handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(AT_FDCWD, arguments[0], &target.handle, &mount_id, 0) != 0)
        return errno;
    folder = open(arguments[0], O_RDONLY | O_CLOEXEC);
    return failed(open_by_handle_at(folder, &target.handle, O_RDONLY | O_CLOEXEC));
}

static int
use_descriptor(char **arguments)
{
    char byte;

    return failed(read(atoi(arguments[0]), &byte, 1));
}

static int
device_ioctl(char **arguments)
{
    int fd = open(arguments[0], O_RDWR | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? errno : 0;
}

const AttemptEntry attempt_files[] = {
    {"open-to-read", open_to_read},
    {"open-to-write", open_to_write},
    {"create", create},
    {"cut", cut},
    {"open-again", open_again},
    {"hard-link", hard_link},
    {"link-descriptor", link_descriptor},
    {"move", move},
    {"exchange", exchange},
    {"delete", delete_file},
    {"make-folder", make_folder},
    {"change-mode", change_mode},
    {"change-times", change_times},
    {"give-to-root", give_to_root},
    {"make-device", make_device},
    {"through-link", through_link},
    {"climb", climb},
    {"open-by-handle", open_by_handle},
    {"use-descriptor", use_descriptor},
    {"device", device_ioctl},
    {NULL, NULL},
};
