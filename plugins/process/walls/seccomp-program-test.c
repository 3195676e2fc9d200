/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-program-test.c: the filter as a function of a call. A small interpreter of its
 * instructions asks about every number and many arguments, which no kernel could be asked as root
 * without harm; what is refused must be the table's and nothing else, and the table the README's.
 */
#include "seccomp-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "seccomp-calls.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif
#define HIGHEST_NUMBER 1024
#define REFUSED(errno) (SECCOMP_RET_ERRNO | (errno))

static gboolean
jumps(const struct sock_filter *instruction, guint32 accumulator)
{
    switch (BPF_OP(instruction->code)) {
    case BPF_JEQ:
        return accumulator == instruction->k;
    case BPF_JGT:
        return accumulator > instruction->k;
    case BPF_JGE:
        return accumulator >= instruction->k;
    case BPF_JSET:
        return (accumulator & instruction->k) != 0;
    default:
        g_error("a jump that the interpreter does not know: %#x", instruction->code);
    }
}

/* Returns: a SECCOMP_RET_ value */
static guint32
interpret(GBytes *program, const struct seccomp_data *call)
{
    gsize size;
    const struct sock_filter *at = g_bytes_get_data(program, &size);
    const struct sock_filter *end = at + size / sizeof *at;
    guint32 accumulator = 0;

    while (at < end) {
        const struct sock_filter *now = at++;

        if (now->code == (BPF_LD | BPF_W | BPF_ABS)) {
            g_assert_cmpuint(now->k, <=, sizeof *call - sizeof accumulator);
            memcpy(&accumulator, (const char *)call + now->k, sizeof accumulator);
        } else if (now->code == (BPF_ALU | BPF_AND | BPF_K)) {
            accumulator &= now->k;
        } else if (now->code == (BPF_JMP | BPF_JA)) {
            at += now->k;
        } else if (BPF_CLASS(now->code) == BPF_JMP) {
            at += jumps(now, accumulator) ? now->jt : now->jf;
        } else if (now->code == (BPF_RET | BPF_K)) {
            return now->k;
        } else {
            g_error("an instruction that the interpreter does not know: %#x", now->code);
        }
    }
    g_error("the program ends without an answer");
}

static GBytes *
new_main(OshSeccompNetwork network)
{
    g_autoptr(GError) error = NULL;
    GBytes *program = osh_seccomp_filter_main(network, NULL, &error);

    g_assert_no_error(error);
    return program;
}

static const OshSeccompCall *
find_number(int number)
{
    gsize count;
    const OshSeccompCall *calls = osh_seccomp_calls(&count);

    for (gsize i = 0; i < count; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

/* All arguments 0: a socket of no family, and no flag that makes another call refused. */
static void
test_every_number(void)
{
    g_autoptr(GBytes) program = new_main(OSH_SECCOMP_NETWORK_FENCED);
    guint refused = 0;

    for (int number = 0; number < HIGHEST_NUMBER; number++) {
        struct seccomp_data call = {.nr = number, .arch = NATIVE};
        const OshSeccompCall *known = find_number(number);
        guint32 expected = SECCOMP_RET_ALLOW;

        if (known != NULL && known->scope == OSH_SECCOMP_WHOLE)
            expected = REFUSED((guint32)known->answer);
        if (number == SYS_socket || number == SYS_socketpair)
            expected = REFUSED(EPERM);
        if (interpret(program, &call) != expected)
            g_error("call %d (%s): %#x", number, known != NULL ? known->name : "not in the table",
                    interpret(program, &call));
        refused += expected != SECCOMP_RET_ALLOW;
    }
    g_assert_cmpuint(refused, >=, 38);
}

static void
test_clone3_alone(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) program = osh_seccomp_filter_clone3(&error);

    g_assert_no_error(error);
    for (int number = 0; number < HIGHEST_NUMBER; number++) {
        struct seccomp_data call = {.nr = number, .arch = NATIVE};

        g_assert_cmpuint(interpret(program, &call), ==,
                         number == SYS_clone3 ? REFUSED(ENOSYS) : SECCOMP_RET_ALLOW);
    }
}

static void
test_other_architectures(void)
{
    static const guint32 foreign[] = {
        AUDIT_ARCH_I386,
        AUDIT_ARCH_ARM,
        AUDIT_ARCH_RISCV64,
        AUDIT_ARCH_S390X,
        0,
#if defined(__x86_64__)
        AUDIT_ARCH_AARCH64
#else
        AUDIT_ARCH_X86_64
#endif
    };
    g_autoptr(GBytes) program = new_main(OSH_SECCOMP_NETWORK_FENCED);

    for (guint i = 0; i < G_N_ELEMENTS(foreign); i++) {
        struct seccomp_data call = {.nr = SYS_read, .arch = foreign[i]};

        g_assert_cmpuint(interpret(program, &call), ==, SECCOMP_RET_KILL_PROCESS);
    }
#if defined(__x86_64__)
    for (int number = 0; number < HIGHEST_NUMBER; number++) {
        struct seccomp_data call = {.nr = 0x40000000 | number, .arch = NATIVE};

        g_assert_cmpuint(interpret(program, &call), ==, SECCOMP_RET_KILL_PROCESS);
    }
#endif
}

typedef struct {
    int number;
    guint argument;
    guint64 value;
    gboolean refused;
} Row;

/* The kernel drops the upper half of these; so must a compare, both ways. */
static void
test_upper_halves(void)
{
    static const Row rows[] = {
        {SYS_ioctl, 1, TIOCSTI, TRUE},
        {SYS_ioctl, 1, 0x541c, TRUE},
        {SYS_ioctl, 1, TIOCGWINSZ, FALSE},
        {SYS_socket, 0, AF_PACKET, TRUE},
        {SYS_socket, 0, AF_VSOCK, TRUE},
        {SYS_socket, 0, AF_BLUETOOTH, TRUE},
        {SYS_socket, 0, AF_ALG, TRUE},
        {SYS_socket, 0, AF_UNIX, FALSE},
        {SYS_socket, 0, AF_INET, FALSE},
        {SYS_socketpair, 0, AF_UNIX, FALSE},
        {SYS_socketpair, 0, AF_TIPC, TRUE},
        {SYS_clone, 0, CLONE_NEWUSER | SIGCHLD, TRUE},
        {SYS_clone, 0, CLONE_VM | CLONE_VFORK | SIGCHLD, FALSE},
        {SYS_unshare, 0, CLONE_NEWUSER, TRUE},
        {SYS_unshare, 0, CLONE_FS, FALSE},
        {SYS_execveat, 4, AT_EMPTY_PATH, TRUE},
        {SYS_execveat, 4, AT_SYMLINK_NOFOLLOW, FALSE},
        {SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, TRUE},
        {SYS_seccomp, 0, SECCOMP_GET_ACTION_AVAIL, FALSE},
        {SYS_prctl, 0, PR_SET_SECCOMP, TRUE},
        {SYS_prctl, 0, PR_SET_NAME, FALSE},
        {SYS_close_range, 2, CLOSE_RANGE_UNSHARE, TRUE},
        {SYS_close_range, 2, CLOSE_RANGE_CLOEXEC, FALSE},
    };
    g_autoptr(GBytes) program = new_main(OSH_SECCOMP_NETWORK_FENCED);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (guint bit = 31; bit < 64; bit++) {
            struct seccomp_data call = {.nr = rows[i].number, .arch = NATIVE};
            guint64 garbage = bit == 31 ? 0 : (guint64)1 << bit;

            call.args[rows[i].argument] = rows[i].value | garbage;
            if ((interpret(program, &call) != SECCOMP_RET_ALLOW) != rows[i].refused)
                g_error("call %d with %#" G_GINT64_MODIFIER "x", rows[i].number,
                        (guint64)call.args[rows[i].argument]);
        }
    }
}

/* Process 1 alone, and only where there is a new limit: at any address. */
static void
test_limits_of_init(void)
{
    static const guint64 pids[] = {0, 1, 2, 3, 0x100000001, 0xffffffff00000001, 0x100000000, 17};
    static const guint64 limits[] = {0, 1, 0x7fff00000000, 0x100000000, 0xffffffff80000000};
    g_autoptr(GBytes) program = new_main(OSH_SECCOMP_NETWORK_FENCED);

    for (gsize i = 0; i < G_N_ELEMENTS(pids); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(limits); k++) {
            struct seccomp_data call = {
                .nr = SYS_prlimit64, .arch = NATIVE, .args = {pids[i], 7, limits[k], 99}};
            gboolean refused = (guint32)pids[i] == 1 && limits[k] != 0;

            g_assert_cmpuint(interpret(program, &call), ==,
                             refused ? REFUSED(EPERM) : SECCOMP_RET_ALLOW);
        }
}

static void
test_families(void)
{
    g_autoptr(GBytes) fenced = new_main(OSH_SECCOMP_NETWORK_FENCED);
    g_autoptr(GBytes) blocked = new_main(OSH_SECCOMP_NETWORK_BLOCKED);

    for (guint32 family = 0; family < 70000; family++) {
        struct seccomp_data call = {.nr = SYS_socket, .arch = NATIVE, .args = {family}};
        gboolean internet = family == AF_INET || family == AF_INET6;
        gboolean always = family == AF_UNIX || family == AF_NETLINK;

        g_assert_cmpint(interpret(fenced, &call) == SECCOMP_RET_ALLOW, ==, always || internet);
        g_assert_cmpint(interpret(blocked, &call) == SECCOMP_RET_ALLOW, ==, always);
    }
    for (guint32 protocol = 0; protocol < 32; protocol++) {
        struct seccomp_data call = {
            .nr = SYS_socket, .arch = NATIVE, .args = {AF_NETLINK, SOCK_RAW, protocol}};

        g_assert_cmpint(interpret(fenced, &call) == SECCOMP_RET_ALLOW, ==, protocol == 0);
    }
}

/* Each refused call once, in a row "| `name` | EPERM | why |". */
static void
test_readme(void)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize count;
    const OshSeccompCall *calls = osh_seccomp_calls(&count);

    g_file_get_contents(OSH_PLUGIN_README, &text, NULL, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < count; i++) {
        gboolean some =
            calls[i].scope == OSH_SECCOMP_SOME || calls[i].scope == OSH_SECCOMP_SOME_FIXED;
        gboolean fixed =
            calls[i].scope == OSH_SECCOMP_WHOLE_FIXED || calls[i].scope == OSH_SECCOMP_SOME_FIXED;
        g_autofree char *row =
            g_strdup_printf("\n| `%s` | %s | %s | %s | %s |\n", calls[i].name,
                            calls[i].answer == ENOSYS       ? "ENOSYS"
                            : calls[i].answer == EOPNOTSUPP ? "EOPNOTSUPP"
                                                            : "EPERM",
                            some ? "some" : "all", fixed ? "no" : "yes", calls[i].why);

        if (strstr(text, row) == NULL)
            g_error("%s lacks this row:%s", OSH_PLUGIN_README, row);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seccomp-program/every-number-is-as-the-table-says", test_every_number);
    g_test_add_func("/seccomp-program/the-first-filter-refuses-clone3-alone", test_clone3_alone);
    g_test_add_func("/seccomp-program/other-architectures-and-x32-end-the-process",
                    test_other_architectures);
    g_test_add_func("/seccomp-program/the-upper-half-of-an-argument-changes-nothing",
                    test_upper_halves);
    g_test_add_func("/seccomp-program/the-limits-of-init-can-be-read-and-not-set",
                    test_limits_of_init);
    g_test_add_func("/seccomp-program/inet-is-refused-in-block-mode-only", test_families);
    g_test_add_func("/seccomp-program/the-readme-has-the-table", test_readme);
    return g_test_run();
}
