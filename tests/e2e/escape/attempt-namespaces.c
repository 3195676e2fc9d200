/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt-namespaces.c: new namespaces, other namespaces, and changes to the tree of mounts. What
 * changes mounts tries a mount namespace of its own first, so that success outside harms nobody.
 */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static int
unshare_one(char **arguments)
{
    return failed(unshare((int)strtoul(arguments[0], NULL, 0)));
}

static int
clone_one(char **arguments)
{
    unsigned long flags = strtoul(arguments[0], NULL, 0);
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return failed(pid);
}

static int
clone3_one(char **arguments)
{
    struct {
        unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } request = {.flags = strtoull(arguments[0], NULL, 0), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &request, sizeof request);

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return failed(pid);
}

/* Into the namespace that we are in: the kernel asks for the same privilege. */
static int
join_namespace(char **arguments)
{
    int fd = open(arguments[0], O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    return failed(setns(fd, 0));
}

static int
mount_memory(char **arguments)
{
    (void)arguments;
    unshare(CLONE_NEWNS);
    return failed(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int
mount_again(char **arguments)
{
    unshare(CLONE_NEWNS);
    return failed(mount(NULL, arguments[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int
unmount(char **arguments)
{
    unshare(CLONE_NEWNS);
    return failed(umount2(arguments[0], MNT_DETACH));
}

static int
change_root(char **arguments)
{
    return failed(chroot(arguments[0]));
}

static int
clone_tree(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int
open_file_system(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_fsopen, "tmpfs", 0));
}

static int
pick_file_system(char **arguments)
{
    return failed(syscall(SYS_fspick, AT_FDCWD, arguments[0], FSPICK_NO_AUTOMOUNT));
}

static int
set_mount_attributes(char **arguments)
{
    struct {
        unsigned long long set, clear, propagation, userns;
    } attributes = {.clear = MOUNT_ATTR_RDONLY};

    unshare(CLONE_NEWNS);
    return failed(
        syscall(SYS_mount_setattr, AT_FDCWD, arguments[0], 0, &attributes, sizeof attributes));
}

static int
change_propagation(char **arguments)
{
    (void)arguments;
    unshare(CLONE_NEWNS);
    return failed(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL));
}

/* A descriptor table of one thread hides from who looks at the process. */
static int
own_descriptors(char **arguments)
{
    (void)arguments;
    return failed(unshare(CLONE_FILES));
}

const AttemptEntry attempt_namespaces[] = {
    {"unshare", unshare_one},
    {"clone", clone_one},
    {"clone3", clone3_one},
    {"join-namespace", join_namespace},
    {"mount-memory", mount_memory},
    {"mount-again", mount_again},
    {"unmount", unmount},
    {"change-root", change_root},
    {"clone-tree", clone_tree},
    {"open-file-system", open_file_system},
    {"pick-file-system", pick_file_system},
    {"set-mount-attributes", set_mount_attributes},
    {"change-propagation", change_propagation},
    {"own-descriptors", own_descriptors},
    {NULL, NULL},
};
