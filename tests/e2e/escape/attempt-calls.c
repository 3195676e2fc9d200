/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt-calls.c: system calls that reach into other processes, into the kernel, or take back what
 * was given up. Numbers are written out where Debian 12's headers lack them.
 */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fanotify.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif

/* A child that waits to be attacked. */
static pid_t
victim(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    return pid;
}

static int
bury(pid_t pid, int error)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return error;
}

static int
ptrace_attach(char **arguments)
{
    pid_t pid = victim();

    (void)arguments;
    return bury(pid, failed(ptrace(PTRACE_SEIZE, pid, NULL, NULL)));
}

static int
ptrace_me(char **arguments)
{
    (void)arguments;
    return failed(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
read_memory(char **arguments)
{
    static char here[8], there[8] = "secret";
    struct iovec local = {here, sizeof here}, remote = {there, sizeof there};
    pid_t pid = victim();

    (void)arguments;
    return bury(pid, failed(process_vm_readv(pid, &local, 1, &remote, 1, 0)));
}

static int
write_memory(char **arguments)
{
    static char here[8] = "changed", there[8];
    struct iovec local = {here, sizeof here}, remote = {there, sizeof there};
    pid_t pid = victim();

    (void)arguments;
    return bury(pid, failed(process_vm_writev(pid, &local, 1, &remote, 1, 0)));
}

static int
open_pidfd(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_pidfd_open, getpid(), 0));
}

static int
steal_descriptor(char **arguments)
{
    int pidfd = -1;
    pid_t pid;
    int error;

    (void)arguments;
    /* By clone, which hands one out without pidfd_open. */
    pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    error = failed(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    return bury(pid, error);
}

static int
signal_by_pidfd(char **arguments)
{
    int pidfd = -1;
    pid_t pid;
    int error;

    (void)arguments;
    pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    error = failed(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
    return bury(pid, error);
}

static int
compare_kernel_pointers(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1));
}

static int
signal_host(char **arguments)
{
    return failed(kill(atoi(arguments[0]), 0));
}

static int
anonymous_file(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_memfd_create, "x", 0));
}

static int
secret_memory(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_memfd_secret, 0));
}

static int
page_faults(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int
ring(char **arguments)
{
    struct io_uring_params parameters;

    (void)arguments;
    memset(&parameters, 0, sizeof parameters);
    return failed(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int
read_key_ring(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}

static int
add_key(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_add_key, "user", "openshell", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int
load_bpf(char **arguments)
{
    union bpf_attr attributes;

    (void)arguments;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = 4;
    attributes.value_size = 4;
    attributes.max_entries = 1;
    return failed(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int
measure_kernel(char **arguments)
{
    struct perf_event_attr attributes;

    (void)arguments;
    memset(&attributes, 0, sizeof attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    return failed(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int
watch_file_system(char **arguments)
{
    (void)arguments;
    return failed(syscall(SYS_fanotify_init, FAN_CLASS_CONTENT, O_RDONLY));
}

static int
advise_process(char **arguments)
{
    static char page[8192] __attribute__((aligned(4096)));
    struct iovec range = {page, 4096};
    int pidfd = -1;
    pid_t pid;

    (void)arguments;
    pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return bury(pid, failed(syscall(SYS_process_madvise, pidfd, &range, 1, 20, 0)));
}

static int
type_into_terminal(char **arguments)
{
    char letter = 'x';
    int master, slave;
    pid_t pid;
    int status;

    (void)arguments;
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        return errno;
    pid = fork();
    if (pid == 0) {
        setsid();
        ioctl(slave, TIOCSCTTY, 0);
        _exit(failed(ioctl(slave, TIOCSTI, &letter)));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* The kernel looks at the low half of the number alone; a filter must as well. */
static int
type_with_high_bits(char **arguments)
{
    char letter = 'x';
    int master, slave;
    pid_t pid;
    int status;

    (void)arguments;
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        return errno;
    pid = fork();
    if (pid == 0) {
        setsid();
        ioctl(slave, TIOCSCTTY, 0);
        _exit(failed(syscall(SYS_ioctl, slave, 0x100000000UL | TIOCSTI, &letter)));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

#ifdef __x86_64__
static int
x32_call(char **arguments)
{
    (void)arguments;
    return failed(syscall(0x40000000 | SYS_getpid));
}
#endif

static int
another_filter(char **arguments)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};

    (void)arguments;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return failed(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static int
another_filter_by_prctl(char **arguments)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};

    (void)arguments;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return failed(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static int
become_root(char **arguments)
{
    (void)arguments;
    return failed(setresuid(0, 0, 0));
}

static int
join_root_group(char **arguments)
{
    (void)arguments;
    return failed(setresgid(0, 0, 0));
}

static int
take_capability(char **arguments)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    (void)arguments;
    memset(data, 0, sizeof data);
    data[0].permitted = data[0].effective = 1u << CAP_CHOWN;
    return failed(syscall(SYS_capset, &head, data));
}

static int
raise_limit(char **arguments)
{
    struct rlimit limit = {1 << 21, 1 << 21};

    (void)arguments;
    return failed(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY})) == 0
               ? failed(setrlimit(RLIMIT_CORE, &limit))
               : errno;
}

static int
raise_priority(char **arguments)
{
    (void)arguments;
    return failed(setpriority(PRIO_PROCESS, 0, -5));
}

static int
real_time(char **arguments)
{
    (void)arguments;
    return failed(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
}

static int
rename_host(char **arguments)
{
    char name[64];

    (void)arguments;
    if (gethostname(name, sizeof name) != 0)
        return errno;
    return failed(sethostname(name, strlen(name)));
}

static int
stop_accounting(char **arguments)
{
    (void)arguments;
    return failed(acct(NULL));
}

#ifdef __x86_64__
static int
reach_ports(char **arguments)
{
    (void)arguments;
    return failed(ioperm(0x80, 1, 1));
}
#endif

static int
run_descriptor(char **arguments)
{
    static const char *const command[] = {"true", NULL};
    static const char *const environment[] = {NULL};
    int fd = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
    pid_t pid = fork();
    int status;

    (void)arguments;
    if (pid == 0) {
        syscall(SYS_execveat, fd, "", command, environment, AT_EMPTY_PATH);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

const AttemptEntry attempt_calls[] = {
    {"ptrace-attach", ptrace_attach},
    {"ptrace-me", ptrace_me},
    {"read-memory", read_memory},
    {"write-memory", write_memory},
    {"open-pidfd", open_pidfd},
    {"steal-descriptor", steal_descriptor},
    {"signal-by-pidfd", signal_by_pidfd},
    {"compare-kernel-pointers", compare_kernel_pointers},
    {"signal-host", signal_host},
    {"anonymous-file", anonymous_file},
    {"secret-memory", secret_memory},
    {"page-faults", page_faults},
    {"ring", ring},
    {"read-key-ring", read_key_ring},
    {"add-key", add_key},
    {"load-bpf", load_bpf},
    {"measure-kernel", measure_kernel},
    {"watch-file-system", watch_file_system},
    {"advise-process", advise_process},
    {"type-into-terminal", type_into_terminal},
    {"type-with-high-bits", type_with_high_bits},
#ifdef __x86_64__
    {"x32-call", x32_call},
    {"reach-ports", reach_ports},
#endif
    {"another-filter", another_filter},
    {"another-filter-by-prctl", another_filter_by_prctl},
    {"become-root", become_root},
    {"join-root-group", join_root_group},
    {"take-capability", take_capability},
    {"raise-limit", raise_limit},
    {"raise-priority", raise_priority},
    {"real-time", real_time},
    {"rename-host", rename_host},
    {"stop-accounting", stop_accounting},
    {"run-descriptor", run_descriptor},
    {NULL, NULL},
};
