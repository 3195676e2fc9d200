/* SPDX-License-Identifier: Apache-2.0 */
/* Machines that refuse a box, or part of one: what is said, and that nothing is left behind. */
#include "box-test.h"

#include "network-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (gssize)strlen(text))
        g_error("%s: %s", path, g_strerror(errno));
    close(fd);
}

/*
 * fork() into a user namespace with our own id in it, in which the child may break things. Not
 * unshare(2), which a process with a second thread is refused: ThreadSanitizer has one.
 */
static pid_t
fork_into_namespaces(int flags)
{
    g_autofree char *uid_map = g_strdup_printf("%u %u 1", geteuid(), geteuid());
    g_autofree char *gid_map = g_strdup_printf("%u %u 1", getegid(), getegid());
    pid_t child;

    /* Or the maps would belong to root, after the change of user that made us ordinary. */
    g_assert_cmpint(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), ==, 0);
    child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | flags | SIGCHLD, NULL, NULL, NULL, NULL);
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/uid_map", uid_map);
        write_text("/proc/self/gid_map", gid_map);
    }
    return child;
}

static guint
count_descriptors(void)
{
    g_autoptr(GDir) entries = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    while (g_dir_read_name(entries) != NULL)
        count++;
    return count;
}

static OshBoxHandle *
try_to_open(gboolean host_proc_ok, GError **error)
{
    static const char *const system[] = {"/usr", "/lib", NULL};
    OshMountRequest request = {.read_only = system};
    g_autoptr(OshMountPlan) mounts = osh_mount_plan_new(&request, NULL);
    OshBoxPlan plan = {.mounts = mounts, .uid = 1000, .gid = 1000, .host_proc_ok = host_proc_ok};

    if (geteuid() != 0) {
        plan.uid = geteuid();
        plan.gid = getegid();
    }
    return osh_box_open(&plan, NULL, NULL, error);
}

/* Opens a box with @network, which is broken somewhere, in a process that had no child before. */
static void
assert_network_refused(const OshNetworkPlan *network)
{
    static const char *const system[] = {"/usr", NULL};
    OshMountRequest request = {.read_only = system};
    g_autoptr(OshMountPlan) mounts = osh_mount_plan_new(&request, NULL);
    OshBoxPlan plan = {
        .mounts = mounts,
        .netlinks = network->netlinks,
        .netlink_count = G_N_ELEMENTS(network->netlinks),
        .sockets = network->sockets,
        .socket_count = network->n_sockets,
        .uid = geteuid() != 0 ? geteuid() : 1000,
        .gid = geteuid() != 0 ? getegid() : 1000,
    };
    g_autoptr(GError) error = NULL;
    guint before = count_descriptors();

    g_assert_null(osh_box_open(&plan, NULL, NULL, &error));
    g_assert_nonnull(error);
    g_assert_cmpuint(count_descriptors(), ==, before);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

/* Breaks message number @wanted of a batch. Returns: FALSE when there are not so many. */
static gboolean
break_message(OshBoxNetlink *netlink, guint8 *copy, guint wanted)
{
    gsize at = 0;

    memcpy(copy, netlink->bytes, netlink->size);
    for (guint i = 0; at + sizeof(struct nlmsghdr) <= netlink->size; i++) {
        struct nlmsghdr *message = (struct nlmsghdr *)(void *)(copy + at);

        if (i == wanted) {
            /* A family that there is not, in whatever header follows. */
            copy[at + sizeof *message] = 0xee;
            message->nlmsg_type |= 0x00f0;
            netlink->bytes = copy;
            return TRUE;
        }
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
    return FALSE;
}

static void
test_partial_netns_failure(void)
{
    /* Which has a descriptor of its own, from its first use on. */
    g_main_context_default();
    /* Each message of the links; of the ruleset the first, which begins it, and each fifth. */
    for (guint batch = 0; batch < 2; batch++)
        for (guint i = 0;; i += batch == 0 ? 1 : 5) {
            g_autoptr(OshNetworkPlan) network =
                osh_network_plan_new(OSH_NETWORK_CAPTURE_REDIRECT, TRUE, OSH_NETWORK_CLAIM_ALL);
            g_autofree guint8 *copy = g_malloc(network->netlinks[batch].size);

            if (!break_message(&network->netlinks[batch], copy, i)) {
                g_assert_cmpuint(i, >, 5);
                break;
            }
            assert_network_refused(network);
        }
    for (gsize i = 0; i < OSH_NETWORK_MAX_LISTENERS + 2; i++) {
        g_autoptr(OshNetworkPlan) network =
            osh_network_plan_new(OSH_NETWORK_CAPTURE_REDIRECT, TRUE, OSH_NETWORK_CLAIM_ALL);

        if (network->sockets[i].kind == OSH_INIT_SOCKET_NETLINK)
            network->sockets[i].netlink.protocol = 1000;
        else
            network->sockets[i].family = AF_UNIX;
        assert_network_refused(network);
    }
}

static void
refuse_namespaces(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof none);
    if (geteuid() == 0) {
        g_assert_cmpint(syscall(SYS_capset, &head, none), ==, 0);
        return;
    }
    write_text("/proc/sys/user/max_user_namespaces", "0");
}

static void
test_refused_namespaces_are_one_clear_error(void)
{
    int status = 0;
    pid_t child = geteuid() == 0 ? fork() : fork_into_namespaces(0);

    if (child == 0) {
        gboolean is_root = geteuid() == 0;
        g_autoptr(GError) error = NULL;
        guint before;

        refuse_namespaces();
        before = count_descriptors();
        g_assert_null(try_to_open(FALSE, &error));
        g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_NO_NAMESPACES);
        g_assert_nonnull(strstr(error->message, is_root ? "CAP_SYS_ADMIN" : "max_user_namespaces"));
        g_assert_cmpuint(count_descriptors(), ==, before);
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static void
test_a_covered_proc_is_refused_unless_accepted(void)
{
    int status = 0;
    pid_t child;

    if (geteuid() == 0) {
        g_test_skip("root is never refused a fresh /proc");
        return;
    }
    child = fork_into_namespaces(CLONE_NEWNS);
    if (child == 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshBoxHandle) box = NULL;

        g_assert_cmpint(mount("tmpfs", "/proc/sys", "tmpfs", 0, NULL), ==, 0);
        g_assert_null(try_to_open(FALSE, &error));
        g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_PROC_REFUSED);
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
        g_clear_error(&error);
        box = try_to_open(TRUE, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(osh_box_degraded(box) & OSH_INIT_DEGRADED_HOST_PROC, !=, 0);
        g_clear_pointer(&box, osh_box_free);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

/* As a container's profile does it: whatever the host starts may not change a mount. */
static void
refuse_call(guint number)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = G_N_ELEMENTS(program), .filter = program};

    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), ==, 0);
}

static void
test_a_read_only_file_in_a_writable_tree_needs_a_mount(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-locked-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "locked", NULL);
    const char *const read_only[] = {file, "/usr", NULL};
    const char *const read_write[] = {folder, NULL};
    int status = 0;
    pid_t child;

    g_assert_true(g_file_set_contents(file, "text", -1, NULL));
    child = fork();
    if (child == 0) {
        OshMountRequest request = {.read_only = read_only, .read_write = read_write};
        g_autoptr(GError) error = NULL;
        g_autoptr(OshMountPlan) mounts = osh_mount_plan_new(&request, &error);
        OshBoxPlan plan = {.mounts = mounts,
                           .uid = geteuid() != 0 ? geteuid() : 1000,
                           .gid = geteuid() != 0 ? getegid() : 1000};
        g_autoptr(OshBoxHandle) box = osh_box_open(&plan, NULL, NULL, &error);

        g_assert_no_error(error);
        g_clear_pointer(&box, osh_box_free);
        refuse_call(SYS_mount_setattr);
        g_assert_null(osh_box_open(&plan, NULL, NULL, &error));
        g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, "read-only inside a writable tree"));
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_remove(file);
    g_rmdir(folder);
}

int
main(int argc, char **argv)
{
    osh_test_box_init(&argc, &argv);
    g_test_add_func("/refused/namespaces that are refused are one clear error",
                    test_refused_namespaces_are_one_clear_error);
    g_test_add_func("/refused/partial netns failure: whatever fails, nothing is left",
                    test_partial_netns_failure);
    g_test_add_func("/refused/a covered proc is refused unless accepted",
                    test_a_covered_proc_is_refused_unless_accepted);
    g_test_add_func("/refused/a read-only file in a writable tree needs a mount, and says so",
                    test_a_read_only_file_in_a_writable_tree_needs_a_mount);
    return g_test_run();
}
