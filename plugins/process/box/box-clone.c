/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-clone.c: a clone() into new namespaces, and in the child the few system calls that lead to
 * the exec of our own init from a sealed memfd. [main], because the end of the calling thread ends
 * the box.
 *
 * The child has our memory, and this thread waits meanwhile: between clone() and exec it must make
 * raw system calls only and write to nothing but its own stack. It writes its own identity map,
 * which the kernel allows for the one line that names its own id, and carries its capabilities
 * across the exec as ambient ones, because an exec by a user other than root loses them otherwise.
 */
#include "box-clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box-plan.h"
#include "box.h"
#include "init/protocol.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define OSH_NAMESPACES                                                                             \
    (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

#define CHILD_STACK (64 * 1024)

/* The program of init, from init-image.S. */
extern const guint8 osh_init_image_start[] __attribute__((visibility("hidden")));
extern const guint8 osh_init_image_end[] __attribute__((visibility("hidden")));

/* All that the child needs, made before it exists. */
typedef struct {
    int image;
    int control;
    int null;
    gboolean user_namespace;
    char uid_map[48];
    char gid_map[48];
} ChildPlan;

static int
open_image(void)
{
    gsize size = (gsize)(osh_init_image_end - osh_init_image_start);
    int fd = memfd_create("openshell-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

    /* Kernels before 6.3 know no MFD_EXEC: there every memfd may be executed. */
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("openshell-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return osh_box_seal_memory(fd, osh_init_image_start, size);
}

/* --- in the child: raw system calls only --- */

static long
write_file(const char *path, const char *text)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    long done;

    if (fd < 0)
        return -errno;
    done = syscall(SYS_write, fd, text, strlen(text));
    if (done < 0)
        done = -errno;
    syscall(SYS_close, fd);
    return done < 0 ? done : 0;
}

static long
map_identity(const ChildPlan *plan)
{
    long error;

    /* The files belong to root while we are not dumpable, which the host may have chosen. */
    if (syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
        return -errno;
    error = write_file("/proc/self/setgroups", "deny");
    if (error == 0)
        error = write_file("/proc/self/uid_map", plan->uid_map);
    if (error == 0)
        error = write_file("/proc/self/gid_map", plan->gid_map);
    return error;
}

static long
keep_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    memset(data, 0, sizeof data);
    if (syscall(SYS_capget, &head, data) != 0)
        return -errno;
    for (gsize i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &head, data) != 0)
        return -errno;
    for (guint capability = 0; capability < 64; capability++) {
        if ((data[capability / 32].permitted & (1u << (capability % 32))) == 0)
            continue;
        if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
            return -errno;
    }
    return 0;
}

static long
arrange_descriptors(const ChildPlan *plan, int *ret_image)
{
    long image = syscall(SYS_fcntl, plan->image, F_DUPFD_CLOEXEC, 16);
    long control = syscall(SYS_fcntl, plan->control, F_DUPFD_CLOEXEC, 16);
    long null = syscall(SYS_fcntl, plan->null, F_DUPFD_CLOEXEC, 16);

    if (image < 0 || control < 0 || null < 0)
        return -errno;
    for (int fd = 0; fd < 3; fd++) {
        if (syscall(SYS_dup3, null, fd, 0) < 0)
            return -errno;
    }
    if (syscall(SYS_dup3, control, OSH_INIT_CONTROL_FD, 0) < 0)
        return -errno;
    if (syscall(SYS_close_range, OSH_INIT_CONTROL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        return -errno;
    *ret_image = (int)image;
    return 0;
}

/* Returns only when it has failed, which it has told by then. */
static void
become_init(const ChildPlan *plan)
{
    static const char name[] = "openshell-init";
    const char *const arguments[] = {name, NULL};
    const char *const environment[] = {NULL};
    struct osh_init_reply reply;
    int control = plan->control;
    int image = -1;
    long error = 0;

    syscall(SYS_setsid);
    if (plan->user_namespace)
        error = map_identity(plan);
    if (error == 0)
        error = keep_capabilities();
    if (error == 0) {
        error = arrange_descriptors(plan, &image);
        if (error == 0)
            control = OSH_INIT_CONTROL_FD;
    }
    if (error == 0) {
        syscall(SYS_execveat, image, "", arguments, environment, AT_EMPTY_PATH);
        error = -errno;
    }
    memset(&reply, 0, sizeof reply);
    reply.type = OSH_INIT_FAILED;
    reply.request = OSH_INIT_OPEN;
    reply.stage = OSH_INIT_STAGE_START;
    reply.error = (int32_t)-error;
    syscall(SYS_write, control, &reply, sizeof reply);
}

/* Ends the child when it returns: see clone(2). */
static int
run_child(void *plan)
{
    become_init(plan);
    return 1;
}

/* --- in the host --- */

static int
clone_child(const ChildPlan *plan, OshBoxInit *ret_init)
{
    /* As vfork(2): the child has our memory and a stack of its own, and we stand still until it has
       executed init or ended. To copy what a host has costs more than all that the child does. */
    int flags = (int)OSH_NAMESPACES | CLONE_PIDFD | CLONE_VM | CLONE_VFORK | SIGCHLD;
    g_autofree char *stack = g_malloc(CHILD_STACK);
    sigset_t all;
    sigset_t before;
    int pidfd = -1;
    pid_t pid;
    int error;

    if (plan->user_namespace)
        flags |= CLONE_NEWUSER;
    /* No handler of ours may run in the child, whose memory is ours. Init unblocks. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = clone(run_child, stack + CHILD_STACK, flags, (void *)plan, &pidfd);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return -error;
    ret_init->pid = pid;
    ret_init->pidfd = pidfd;
    return 0;
}

static void
set_clone_error(int error, gboolean user_namespace, GError **ret_error)
{
    const char *remedy = "";

    if (!user_namespace && error == EPERM)
        remedy = ": root without CAP_SYS_ADMIN cannot make one; give the container that capability "
                 "or run as an ordinary user";
    else if (error == ENOSPC)
        remedy = ": no further user namespace is allowed; an administrator can raise "
                 "/proc/sys/user/max_user_namespaces";
    else if (error == EPERM)
        remedy = ": an administrator can set kernel.unprivileged_userns_clone=1 where that sysctl "
                 "exists; in a container, its seccomp profile must allow clone() with "
                 "CLONE_NEWUSER";
    else if (error == EINVAL)
        remedy = ": this kernel was built without one of the user, net, pid, ipc, uts and cgroup "
                 "namespaces";
    g_set_error(ret_error, OSH_BOX_ERROR, OSH_BOX_ERROR_NO_NAMESPACES,
                "this machine refuses the namespaces of a box (%s)%s", g_strerror(error), remedy);
}

gboolean
osh_box_clone(OshBoxInit *ret_init, GError **error)
{
    ChildPlan plan = {.image = -1, .control = -1, .null = -1};
    OshBoxInit init = {.pid = -1, .pidfd = -1, .control = -1};
    int pair[2] = {-1, -1};
    int failure = 0;

    plan.user_namespace = geteuid() != 0;
    g_snprintf(plan.uid_map, sizeof plan.uid_map, "%u %u 1", geteuid(), geteuid());
    g_snprintf(plan.gid_map, sizeof plan.gid_map, "%u %u 1", getegid(), getegid());

    plan.image = open_image();
    plan.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (plan.image < 0 || plan.null < 0)
        failure = plan.image < 0 ? plan.image : -errno;
    else if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        failure = -errno;
    if (failure < 0) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED,
                    "failed to prepare the init of the box: %s", g_strerror(-failure));
    } else {
        init.control = pair[0];
        plan.control = pair[1];
        failure = clone_child(&plan, &init);
        if (failure < 0)
            set_clone_error(-failure, plan.user_namespace, error);
    }
    if (plan.image >= 0)
        close(plan.image);
    if (plan.null >= 0)
        close(plan.null);
    if (pair[1] >= 0)
        close(pair[1]);
    if (failure < 0) {
        if (pair[0] >= 0)
            close(pair[0]);
        return FALSE;
    }
    *ret_init = init;
    return TRUE;
}
