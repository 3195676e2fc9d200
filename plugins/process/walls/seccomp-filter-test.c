/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-filter-test.c: installs the filters in forked children and makes the calls. Each call is
 * made without the filter first: where that has the same answer, the case proves nothing and is
 * skipped.
 */
#include "seccomp-filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp-calls.h"

#define GARBAGE_ABOVE_32_BITS (1ul << 40)
#define X32_BIT               0x40000000

typedef struct {
    const char *name;
    long number;
    unsigned long arguments[5];
    int expected; /* an errno; 0: what the kernel answers without a filter */
    OshSeccompNetwork network;
} Case;

static void
install(GBytes *program)
{
    struct sock_fprog filter = {
        .len = (unsigned short)(g_bytes_get_size(program) / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)g_bytes_get_data(program, NULL),
    };

    g_assert_cmpint(g_bytes_get_size(program) % sizeof(struct sock_filter), ==, 0);
    g_assert_cmpint(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), ==, 0);
}

static void
install_both(OshSeccompNetwork network)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) clone3 = osh_seccomp_filter_clone3(&error);
    g_autoptr(GBytes) filter = NULL;

    g_assert_no_error(error);
    filter = osh_seccomp_filter_main(network, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    install(clone3);
    install(filter);
}

static int
wait_for(pid_t child)
{
    int status;

    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return status;
}

/* An ordinary user is somebody in namespaces of its own, where fewer controls are refused. */
static void
become_capable(void)
{
    if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0)
        g_test_message("no user namespace: %s", g_strerror(errno));
}

/* Returns: the errno, or 0 when the call succeeded */
static int
make_call(const Case *test, gboolean filtered, gboolean capable)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        const unsigned long *a = test->arguments;

        if (capable)
            become_capable();
        if (filtered)
            install_both(test->network);
        _exit(syscall(test->number, a[0], a[1], a[2], a[3], a[4]) == -1 ? errno : 0);
    }
    status = wait_for(child);
    if (WIFSIGNALED(status))
        g_error("%s ended with signal %d", test->name, WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void
test_call(gconstpointer data)
{
    const Case *test = data;
    int control = make_call(test, FALSE, FALSE);
    gboolean capable = FALSE;

    if (test->expected == 0) {
        g_assert_cmpint(make_call(test, TRUE, FALSE), ==, control);
        return;
    }
    if (control == test->expected) {
        capable = TRUE;
        control = make_call(test, FALSE, TRUE);
    }
    if (control == test->expected) {
        g_autofree char *reason =
            g_strdup_printf("without the filter, too: %s", g_strerror(control));

        g_test_skip(reason);
        return;
    }
    g_assert_cmpint(make_call(test, TRUE, capable), ==, test->expected);
}

static void *
run_thread(void *data)
{
    *(int *)data = 1;
    return NULL;
}

static void
test_threads(void)
{
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;
        int ran = 0;

        install_both(OSH_SECCOMP_NETWORK_FENCED);
        if (pthread_create(&thread, NULL, run_thread, &ran) != 0)
            _exit(1);
        pthread_join(thread, NULL);
        _exit(ran == 1 ? 0 : 2);
    }
    g_assert_cmpint(wait_for(child), ==, 0);
}

static void
test_interfaces(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct ifaddrs *addresses = NULL;

        install_both(OSH_SECCOMP_NETWORK_FENCED);
        _exit(getifaddrs(&addresses) == 0 ? 0 : errno);
    }
    g_assert_cmpint(wait_for(child), ==, 0);
}

/* Refused in a box, and not once the configuration names it; its neighbours stay. */
static void
test_exceptions(void)
{
    static const char *const allowed[] = {"kcmp", "unshare", "seccomp", NULL};
    static const struct {
        long number;
        unsigned long first;
        gboolean allowed;
    } rows[] = {
        {SYS_kcmp, 0, TRUE},
        {SYS_unshare, CLONE_NEWUSER, TRUE},
        {SYS_unshare, CLONE_FILES, FALSE},
        {SYS_seccomp, SECCOMP_SET_MODE_FILTER, TRUE},
        {SYS_prctl, PR_SET_SECCOMP, TRUE},
        {SYS_clone, CLONE_NEWUSER | SIGCHLD, FALSE},
        {SYS_ptrace, 0, FALSE},
        {SYS_keyctl, 0, FALSE},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) filter = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, allowed, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        pid_t child = fork();
        int refused;

        if (child == 0) {
            g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
            install(filter);
            _exit(syscall(rows[i].number, rows[i].first, 0, 0, 0, 0) == -1 ? errno : 0);
        }
        refused = WEXITSTATUS(wait_for(child));
        g_test_message("call %ld: %s", rows[i].number, g_strerror(refused));
        g_assert_cmpint(refused == EPERM || refused == ENOSYS, !=, rows[i].allowed);
    }
}

static void
test_exceptions_are_checked(void)
{
    static const struct {
        const char *name;
        const char *words;
    } rows[] = {
        {"ptrce", "did you mean ptrace?"}, {"clone3", "stays refused"},
        {"ioctl", "stays refused"},        {"prctl", "allowed with seccomp"},
        {"socket", "stays refused"},       {"read", "is allowed already"},
        {"", "no system call is named"},   {"PTRACE\n", "\\n"},
    };
    static const char *const good[] = {"ptrace", "perf_event_open", "execveat", NULL};
    static const char *const none[] = {NULL};
    g_autoptr(GError) nothing = NULL;

    g_assert_true(osh_seccomp_check_exceptions(good, &nothing));
    g_assert_true(osh_seccomp_check_exceptions(none, &nothing));
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *const names[] = {"ptrace", rows[i].name, NULL};
        g_autoptr(GError) error = NULL;

        g_assert_false(osh_seccomp_check_exceptions(names, &error));
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, rows[i].words));
    }
}

typedef struct {
    pthread_barrier_t barrier;
    int before;
    int after;
} Worker;

/* A mount that nobody may make has another errno than one that the filter refuses. */
static int
try_to_mount(void)
{
    return syscall(SYS_mount, NULL, NULL, NULL, 0, NULL) == -1 ? errno : 0;
}

static void *
mount_before_and_after(void *data)
{
    Worker *worker = data;

    worker->before = try_to_mount();
    pthread_barrier_wait(&worker->barrier);
    pthread_barrier_wait(&worker->barrier);
    worker->after = try_to_mount();
    return NULL;
}

static void
test_host_gives_up(void)
{
    pid_t child = fork();

    if (child == 0) {
        g_autoptr(GError) error = NULL;
        Worker worker = {.before = 0};
        pthread_t thread;

        pthread_barrier_init(&worker.barrier, NULL, 2);
        g_assert_cmpint(pthread_create(&thread, NULL, mount_before_and_after, &worker), ==, 0);
        pthread_barrier_wait(&worker.barrier);
        g_assert_cmpint(try_to_mount(), ==, EFAULT);
        g_assert_true(osh_seccomp_give_up(&error));
        g_assert_no_error(error);
        pthread_barrier_wait(&worker.barrier);
        pthread_join(thread, NULL);
        g_assert_cmpint(worker.before, ==, EFAULT);
        g_assert_cmpint(worker.after, ==, EPERM);
        g_assert_cmpint(try_to_mount(), ==, EPERM);
        /* What the host still needs. */
        g_assert_cmpint(syscall(SYS_setns, -1, 0), ==, -1);
        g_assert_cmpint(errno, ==, EBADF);
        g_assert_cmpint(syscall(SYS_ptrace, 7 /* PTRACE_CONT */, getpid(), 0, 0), ==, -1);
        g_assert_cmpint(errno, ==, ESRCH);
        g_assert_cmpint(unshare(CLONE_FS), ==, 0);
        g_assert_cmpint(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), ==, 1);
        _exit(0);
    }
    g_assert_cmpint(wait_for(child), ==, 0);
}

/* One child for all: each call is refused by the filter and by nothing else. */
static void
test_every_call_given_up(void)
{
    static const struct {
        const char *name;
        long number;
    } calls[] = {
        {"mount", SYS_mount},
        {"fsopen", SYS_fsopen},
        {"fsconfig", SYS_fsconfig},
        {"fsmount", SYS_fsmount},
        {"fspick", SYS_fspick},
        {"move_mount", SYS_move_mount},
        {"open_tree", SYS_open_tree},
        {"open_tree_attr", OSH_NR_OPEN_TREE_ATTR},
        {"mount_setattr", 442},
        {"pivot_root", SYS_pivot_root},
        {"umount2", SYS_umount2},
        {"bpf", SYS_bpf},
        {"perf_event_open", SYS_perf_event_open},
        {"userfaultfd", SYS_userfaultfd},
        {"io_uring_setup", SYS_io_uring_setup},
        {"io_uring_enter", SYS_io_uring_enter},
        {"io_uring_register", SYS_io_uring_register},
        {"init_module", SYS_init_module},
        {"finit_module", SYS_finit_module},
        {"delete_module", SYS_delete_module},
        {"kexec_load", SYS_kexec_load},
        {"kexec_file_load", SYS_kexec_file_load},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        for (guint filtered = 0; filtered < 2; filtered++) {
            pid_t child = fork();
            int answer;

            if (child == 0) {
                become_capable();
                if (filtered)
                    g_assert_true(osh_seccomp_give_up(NULL));
                _exit(syscall(calls[i].number, 0, 0, 0, 0, 0, 0) == -1 ? errno : 0);
            }
            answer = WEXITSTATUS(wait_for(child));
            if (filtered)
                g_assert_cmpint(answer, ==, EPERM);
            else if (answer == EPERM)
                g_test_message("%s is refused to this user by the kernel, too", calls[i].name);
        }
    }
}

#if defined(__x86_64__)
static int
make_an_x32_call(gboolean filtered)
{
    pid_t child = fork();

    if (child == 0) {
        if (filtered)
            install_both(OSH_SECCOMP_NETWORK_FENCED);
        syscall(X32_BIT | SYS_getpid);
        _exit(0);
    }
    return wait_for(child);
}

static void
test_x32(void)
{
    int status;

    g_assert_cmpint(make_an_x32_call(FALSE), ==, 0);
    status = make_an_x32_call(TRUE);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
}

/*
 * getpid is 20 in the 32-bit table, where a filter for x86_64 would see writev. A sanitizer's
 * handler would turn the signal of a kernel without that entry into an exit.
 */
static int
make_a_32_bit_call(gboolean filtered)
{
    pid_t child = fork();

    if (child == 0) {
        long result = 20;

        signal(SIGSEGV, SIG_DFL);
        if (filtered)
            install_both(OSH_SECCOMP_NETWORK_FENCED);
        __asm__ volatile("int $0x80" : "+a"(result)::"memory");
        _exit(0);
    }
    return wait_for(child);
}

static void
test_foreign_architecture(void)
{
    int control = make_a_32_bit_call(FALSE);
    int status;

    if (WIFSIGNALED(control) && WTERMSIG(control) == SIGSEGV) {
        g_test_skip("this kernel has no entry for 32-bit calls: without a filter, too, SIGSEGV");
        return;
    }
    g_assert_cmpint(control, ==, 0);
    status = make_a_32_bit_call(TRUE);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
}
#endif

#define REFUSED(call, number)                                                                      \
    {                                                                                              \
        "refused/" call, number, {0}, EPERM, OSH_SECCOMP_NETWORK_FENCED                            \
    }
#define ABSENT(call, number)                                                                       \
    {                                                                                              \
        "absent/" call, number, {0}, ENOSYS, OSH_SECCOMP_NETWORK_FENCED                            \
    }
#define FENCED(text, errno_value, number, ...)                                                     \
    {                                                                                              \
        text, number, {__VA_ARGS__}, errno_value, OSH_SECCOMP_NETWORK_FENCED                       \
    }
#define BLOCKED(text, errno_value, number, ...)                                                    \
    {                                                                                              \
        text, number, {__VA_ARGS__}, errno_value, OSH_SECCOMP_NETWORK_BLOCKED                      \
    }

static const Case cases[] = {
    REFUSED("memfd_create", SYS_memfd_create),
    ABSENT("memfd_secret", 447),
    REFUSED("ptrace", SYS_ptrace),
    REFUSED("bpf", SYS_bpf),
    REFUSED("process_vm_readv", SYS_process_vm_readv),
    REFUSED("process_vm_writev", SYS_process_vm_writev),
    ABSENT("process_madvise", SYS_process_madvise),
    REFUSED("pidfd_open", SYS_pidfd_open),
    REFUSED("pidfd_getfd", SYS_pidfd_getfd),
    REFUSED("pidfd_send_signal", SYS_pidfd_send_signal),
    REFUSED("io_uring_setup", SYS_io_uring_setup),
    REFUSED("io_uring_enter", SYS_io_uring_enter),
    REFUSED("io_uring_register", SYS_io_uring_register),
    REFUSED("mount", SYS_mount),
    REFUSED("mount_setattr", 442),
    REFUSED("fsopen", SYS_fsopen),
    REFUSED("fsconfig", SYS_fsconfig),
    REFUSED("fsmount", SYS_fsmount),
    REFUSED("fspick", SYS_fspick),
    REFUSED("move_mount", SYS_move_mount),
    REFUSED("open_tree", SYS_open_tree),
    REFUSED("open_tree_attr", 467),
    REFUSED("setns", SYS_setns),
    REFUSED("umount2", SYS_umount2),
    REFUSED("pivot_root", SYS_pivot_root),
    REFUSED("open_by_handle_at", SYS_open_by_handle_at),
    FENCED("refused/userfaultfd", EPERM, SYS_userfaultfd, UFFD_USER_MODE_ONLY),
    REFUSED("perf_event_open", SYS_perf_event_open),
    FENCED("refused/fanotify_init", EPERM, SYS_fanotify_init, FAN_REPORT_FID),
    REFUSED("kcmp", SYS_kcmp),
    ABSENT("add_key", SYS_add_key),
    ABSENT("request_key", SYS_request_key),
    ABSENT("keyctl", SYS_keyctl),
    REFUSED("init_module", SYS_init_module),
    REFUSED("finit_module", SYS_finit_module),
    REFUSED("delete_module", SYS_delete_module),
    REFUSED("kexec_load", SYS_kexec_load),
    REFUSED("kexec_file_load", SYS_kexec_file_load),
    FENCED("clone3-is-not-there", ENOSYS, SYS_clone3, 0),

    FENCED("socket/unix", 0, SYS_socket, AF_UNIX, SOCK_STREAM, 0),
    FENCED("socket/inet", 0, SYS_socket, AF_INET, SOCK_STREAM, 0),
    FENCED("socket/inet6", 0, SYS_socket, AF_INET6, SOCK_STREAM, 0),
    FENCED("socket/netlink-route", 0, SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE),
    FENCED("socket/netlink-sock-diag", EPERM, SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG),
    FENCED("socket/netlink-netfilter", EPERM, SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER),
    FENCED("socket/netlink-with-garbage", EPERM, SYS_socket, AF_NETLINK | GARBAGE_ABOVE_32_BITS,
           SOCK_RAW, NETLINK_NETFILTER),
    FENCED("socket/unspecified", EPERM, SYS_socket, AF_UNSPEC, SOCK_STREAM, 0),
    FENCED("socket/packet", EPERM, SYS_socket, AF_PACKET, SOCK_RAW, 0),
    FENCED("socket/packet-with-garbage", EPERM, SYS_socket, AF_PACKET | GARBAGE_ABOVE_32_BITS,
           SOCK_RAW, 0),
    FENCED("socket/bluetooth", EPERM, SYS_socket, AF_BLUETOOTH, SOCK_RAW, 0),
    FENCED("socket/vsock", EPERM, SYS_socket, AF_VSOCK, SOCK_STREAM, 0),
    FENCED("socket/alg", EPERM, SYS_socket, AF_ALG, SOCK_SEQPACKET, 0),
    FENCED("socket/tipc", EPERM, SYS_socket, AF_TIPC, SOCK_STREAM, 0),
    FENCED("socket/xdp", EPERM, SYS_socket, AF_XDP, SOCK_RAW, 0),
    FENCED("socket/key", EPERM, SYS_socket, AF_KEY, SOCK_RAW, 0),
    FENCED("socket/beyond-all-families", EPERM, SYS_socket, 0x80000000ul, SOCK_STREAM, 0),
    FENCED("socket/inet-with-garbage-is-still-inet", 0, SYS_socket, AF_INET | GARBAGE_ABOVE_32_BITS,
           SOCK_STREAM, 0),
    FENCED("socketpair/tipc", EPERM, SYS_socketpair, AF_TIPC, SOCK_STREAM, 0),
    BLOCKED("blocked/inet", EPERM, SYS_socket, AF_INET, SOCK_STREAM, 0),
    BLOCKED("blocked/inet-with-garbage", EPERM, SYS_socket, AF_INET | GARBAGE_ABOVE_32_BITS,
            SOCK_STREAM, 0),
    BLOCKED("blocked/inet6", EPERM, SYS_socket, AF_INET6, SOCK_DGRAM, 0),
    BLOCKED("blocked/unix-stays", 0, SYS_socket, AF_UNIX, SOCK_STREAM, 0),
    BLOCKED("blocked/packet", EPERM, SYS_socket, AF_PACKET, SOCK_RAW, 0),

    FENCED("execveat/empty-path", EPERM, SYS_execveat, 0, 0, 0, 0, AT_EMPTY_PATH),
    FENCED("execveat/by-name", 0, SYS_execveat, 0, 0, 0, 0, 0),
    FENCED("unshare/user", EPERM, SYS_unshare, CLONE_NEWUSER),
    FENCED("unshare/user-and-files", EPERM, SYS_unshare, CLONE_NEWUSER | CLONE_FILES),
    FENCED("unshare/net", EPERM, SYS_unshare, CLONE_NEWNET),
    FENCED("unshare/time", EPERM, SYS_unshare, 0x80),
    FENCED("unshare/files", EPERM, SYS_unshare, CLONE_FILES),
    FENCED("unshare/fs", 0, SYS_unshare, CLONE_FS),
    FENCED("close_range/unshare", EPERM, SYS_close_range, 1000, 1001, 2),
    FENCED("close_range/plain", 0, SYS_close_range, 1000, 1001, 0),
    /* As vfork(2), or two threads would end the process on one stack. */
    FENCED("clone/thread-with-its-own-descriptors", EPERM, SYS_clone,
           CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_VFORK),
    FENCED("unshare/mount", EPERM, SYS_unshare, CLONE_NEWNS),
    FENCED("unshare/pid", EPERM, SYS_unshare, CLONE_NEWPID),
    FENCED("unshare/ipc", EPERM, SYS_unshare, CLONE_NEWIPC),
    FENCED("unshare/uts", EPERM, SYS_unshare, CLONE_NEWUTS),
    FENCED("unshare/cgroup", EPERM, SYS_unshare, CLONE_NEWCGROUP),
    FENCED("clone/mount", EPERM, SYS_clone, CLONE_NEWNS | SIGCHLD),
    FENCED("clone/pid", EPERM, SYS_clone, CLONE_NEWPID | SIGCHLD),
    FENCED("clone/net", EPERM, SYS_clone, CLONE_NEWNET | SIGCHLD),
    FENCED("clone/ipc", EPERM, SYS_clone, CLONE_NEWIPC | SIGCHLD),
    FENCED("clone/uts", EPERM, SYS_clone, CLONE_NEWUTS | SIGCHLD),
    FENCED("clone/cgroup", EPERM, SYS_clone, CLONE_NEWCGROUP | SIGCHLD),
    FENCED("clone/user", EPERM, SYS_clone, CLONE_NEWUSER | SIGCHLD),
    FENCED("clone/user-with-garbage", EPERM, SYS_clone,
           CLONE_NEWUSER | SIGCHLD | GARBAGE_ABOVE_32_BITS),
    FENCED("clone/plain", 0, SYS_clone, SIGCHLD),
    FENCED("seccomp/another-filter", EPERM, SYS_seccomp, SECCOMP_SET_MODE_FILTER),
    FENCED("seccomp/another-filter-with-garbage", EPERM, SYS_seccomp,
           SECCOMP_SET_MODE_FILTER | GARBAGE_ABOVE_32_BITS),
    FENCED("prctl/another-filter", EPERM, SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER),
    FENCED("prctl/name", 0, SYS_prctl, PR_GET_DUMPABLE),
    FENCED("ioctl/push-input", EPERM, SYS_ioctl, 0, TIOCSTI),
    FENCED("ioctl/push-input-with-garbage", EPERM, SYS_ioctl, 0, TIOCSTI | GARBAGE_ABOVE_32_BITS),
    FENCED("ioctl/console", EPERM, SYS_ioctl, 0, 0x541c),
    FENCED("ioctl/console-with-garbage", EPERM, SYS_ioctl, 0, 0x541c | GARBAGE_ABOVE_32_BITS),
    FENCED("ioctl/window-size", 0, SYS_ioctl, 0, TIOCGWINSZ),
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/seccomp-filter/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_call);
    }
    g_test_add_func("/seccomp-filter/threads-work-without-clone3", test_threads);
    g_test_add_func("/seccomp-filter/interfaces-can-be-listed", test_interfaces);
    g_test_add_func("/seccomp-filter/exceptions-by-config-open-what-they-name-alone",
                    test_exceptions);
    g_test_add_func("/seccomp-filter/exceptions-by-config-are-checked-against-the-table",
                    test_exceptions_are_checked);
    g_test_add_func("/seccomp-filter/prelude-blocks-mount-in-all-threads", test_host_gives_up);
    g_test_add_func("/seccomp-filter/prelude-refuses-each-of-its-calls", test_every_call_given_up);
#if defined(__x86_64__)
    g_test_add_func("/seccomp-filter/x32-calls-end-the-process", test_x32);
    g_test_add_func("/seccomp-filter/32-bit-calls-end-the-process", test_foreign_architecture);
#endif
    return g_test_run();
}
