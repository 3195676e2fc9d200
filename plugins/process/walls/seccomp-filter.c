/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-filter.c: which system calls a program of the box may not make.
 *
 * Trust model: namespaces, Landlock and the missing capabilities confine a program; this filter
 * takes away kernel code that a program has no need of and that others have broken out through, and
 * the few calls that would undo one of those protections without a capability. What is refused, and
 * by which errno, stands in seccomp-calls.c; a call of a foreign architecture or of x32 ends the
 * process, because its number means another call than the one compared here.
 *
 * An argument that the kernel takes as an int is compared on its low 32 bits: a compare of all 64
 * is passed by setting a bit that the kernel ignores (security rule 15, streams and terminal, for
 * ioctl).
 *
 * Any thread; no state. It must never install what it builds for programs: that is for init, in the
 * child.
 */
#include "seccomp-filter.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp-calls.h"

#define LOW_32_BITS 0xffffffffu
/* Of the families that are allowed, this is the one with the highest number. */
#define HIGHEST_FAMILY AF_NETLINK
#ifndef TIOCLINUX
#define TIOCLINUX 0x541c
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

typedef struct {
    scmp_filter_ctx context;
    const char *const *allowed; /* (nullable) */
    int status;                 /* the first failure, a negative errno, sticks */
} Filter;

/* Of the host itself, once its box is open. */
static const int given_up_calls[] = {
    SCMP_SYS(mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    OSH_NR_OPEN_TREE_ATTR,
    SCMP_SYS(mount_setattr),
    SCMP_SYS(pivot_root),
    SCMP_SYS(umount2),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
};

static const guint32 namespace_flags[] = {
    CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET,
};

static void
refuse_if(Filter *filter, int call, guint count, const struct scmp_arg_cmp *conditions, int answer)
{
    int status;

    if (filter->status != 0)
        return;
    status = seccomp_rule_add_array(filter->context, SCMP_ACT_ERRNO((guint)answer), call, count,
                                    conditions);
    /* A call that this architecture does not have needs no rule. */
    if (status != -EDOM)
        filter->status = status;
}

static void
refuse_whole(Filter *filter, int call, int answer)
{
    int status;

    if (filter->status != 0 || call < 0)
        return;
    status = seccomp_rule_add(filter->context, SCMP_ACT_ERRNO((guint)answer), call, 0);
    if (status != -EDOM)
        filter->status = status;
}

static gboolean
is_allowed(const Filter *filter, const char *name)
{
    return filter->allowed != NULL && g_strv_contains(filter->allowed, name);
}

static void
refuse_whole_calls(Filter *filter)
{
    gsize count;
    const OshSeccompCall *calls = osh_seccomp_calls(&count);

    for (gsize i = 0; i < count; i++)
        if (calls[i].scope == OSH_SECCOMP_WHOLE && !is_allowed(filter, calls[i].name))
            refuse_whole(filter, calls[i].number, calls[i].answer);
}

/* When the bits of @mask in an argument are exactly @value. */
static void
answer_bits(Filter *filter, int call, guint argument, guint32 mask, guint32 value, int answer)
{
    const struct scmp_arg_cmp condition = SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value);

    refuse_if(filter, call, 1, &condition, answer);
}

static void
refuse_bits(Filter *filter, int call, guint argument, guint32 mask, guint32 value)
{
    answer_bits(filter, call, argument, mask, value, EPERM);
}

static void
refuse_value(Filter *filter, int call, guint argument, guint32 value)
{
    refuse_bits(filter, call, argument, LOW_32_BITS, value);
}

static gboolean
family_is_allowed(guint family, OshSeccompNetwork network)
{
    if (family == AF_INET || family == AF_INET6)
        return network == OSH_SECCOMP_NETWORK_FENCED;
    return family == AF_UNIX || family == AF_NETLINK;
}

/* One rule can compare an argument once and only for equality of bits, hence bit by bit. */
static void
refuse_families(Filter *filter, int call, OshSeccompNetwork network)
{
    for (guint family = 0; family <= HIGHEST_FAMILY; family++)
        if (!family_is_allowed(family, network))
            refuse_value(filter, call, 0, family);
    /* 17 to 31: the bit of 16 and one below it. */
    for (guint bit = 0; bit < 4; bit++)
        refuse_bits(filter, call, 0, HIGHEST_FAMILY | 1u << bit, HIGHEST_FAMILY | 1u << bit);
    for (guint bit = 5; bit < 32; bit++)
        refuse_bits(filter, call, 0, 1u << bit, 1u << bit);
}

/*
 * A thread with a descriptor table of its own could hold a connection that /proc/PID/fd does not
 * show, so that only another program would be seen to hold it (security rule 4, identity at
 * connect).
 */
static void
refuse_hidden_descriptors(Filter *filter)
{
    refuse_bits(filter, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_FILES, CLONE_THREAD);
    refuse_bits(filter, SCMP_SYS(unshare), 0, CLONE_FILES, CLONE_FILES);
    refuse_bits(filter, SCMP_SYS(close_range), 2, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_UNSHARE);
}

/*
 * TCP Fast Open connects without connect(2), by which a program is known (security rule 4, identity
 * at connect). This is what a kernel answers where its clients may not use it, so programs fall
 * back.
 */
static void
refuse_fast_open(Filter *filter)
{
    answer_bits(filter, SCMP_SYS(sendto), 3, MSG_FASTOPEN, MSG_FASTOPEN, EOPNOTSUPP);
    answer_bits(filter, SCMP_SYS(sendmsg), 2, MSG_FASTOPEN, MSG_FASTOPEN, EOPNOTSUPP);
    answer_bits(filter, SCMP_SYS(sendmmsg), 3, MSG_FASTOPEN, MSG_FASTOPEN, EOPNOTSUPP);
}

static void
refuse_namespaces(Filter *filter)
{
    for (guint i = 0; i < G_N_ELEMENTS(namespace_flags); i++) {
        guint32 flag = namespace_flags[i];

        if (!is_allowed(filter, "unshare"))
            refuse_bits(filter, SCMP_SYS(unshare), 0, flag, flag);
        if (!is_allowed(filter, "clone"))
            refuse_bits(filter, SCMP_SYS(clone), 0, flag, flag);
    }
    /* In clone this bit is part of the exit signal. */
    if (!is_allowed(filter, "unshare"))
        refuse_bits(filter, SCMP_SYS(unshare), 0, CLONE_NEWTIME, CLONE_NEWTIME);
}

/*
 * Without root init has the uid of the box's programs, which is all that prlimit(2) asks for: a
 * program could take init's descriptors or its processor time from it. Looking stays allowed.
 */
static void
refuse_limits_of_init(Filter *filter)
{
    const struct scmp_arg_cmp new_limit_of_init[] = {
        SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW_32_BITS, 1),
        SCMP_CMP64(2, SCMP_CMP_NE, 0),
    };

    refuse_if(filter, SCMP_SYS(prlimit64), G_N_ELEMENTS(new_limit_of_init), new_limit_of_init,
              EPERM);
}

static void
add_conditional_rules(Filter *filter, OshSeccompNetwork network)
{
    const struct scmp_arg_cmp netlink_but_route[] = {
        SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, LOW_32_BITS, AF_NETLINK),
        SCMP_CMP64(2, SCMP_CMP_NE, 0),
    };

    refuse_families(filter, SCMP_SYS(socket), network);
    refuse_families(filter, SCMP_SYS(socketpair), network);
    /* NETLINK_ROUTE stays: getifaddrs() needs it, and it can change nothing without capabilities.
     */
    refuse_if(filter, SCMP_SYS(socket), G_N_ELEMENTS(netlink_but_route), netlink_but_route, EPERM);

    if (!is_allowed(filter, "execveat"))
        refuse_bits(filter, SCMP_SYS(execveat), 4, AT_EMPTY_PATH, AT_EMPTY_PATH);
    refuse_namespaces(filter);
    refuse_hidden_descriptors(filter);
    refuse_fast_open(filter);
    refuse_limits_of_init(filter);
    if (!is_allowed(filter, "seccomp")) {
        refuse_value(filter, SCMP_SYS(seccomp), 0, SECCOMP_SET_MODE_FILTER);
        refuse_value(filter, SCMP_SYS(prctl), 0, PR_SET_SECCOMP);
    }

    refuse_value(filter, SCMP_SYS(ioctl), 1, TIOCSTI);
    refuse_value(filter, SCMP_SYS(ioctl), 1, TIOCLINUX);
}

static GBytes *
read_all(int fd, GError **error)
{
    struct stat status;
    g_autofree guint8 *bytes = NULL;
    gsize size;

    if (fstat(fd, &status) != 0 || status.st_size <= 0) {
        g_set_error_literal(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                            "cannot read the seccomp filter back from its memory file");
        return NULL;
    }
    size = (gsize)status.st_size;
    bytes = g_malloc(size);
    if (pread(fd, bytes, size, 0) != (gssize)size) {
        g_set_error_literal(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                            "cannot read the seccomp filter back from its memory file");
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), size);
}

static GBytes *
export_program(Filter *filter, GError **error)
{
    GBytes *program;
    int fd;

    if (filter->status != 0) {
        g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                    "cannot build the seccomp filter: %s", g_strerror(-filter->status));
        return NULL;
    }
    fd = memfd_create("openshell-seccomp", MFD_CLOEXEC);
    if (fd < 0) {
        g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                    "cannot make a memory file for the seccomp filter: %s", g_strerror(errno));
        return NULL;
    }
    filter->status = seccomp_export_bpf(filter->context, fd);
    if (filter->status != 0) {
        close(fd);
        g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                    "cannot compile the seccomp filter: %s", g_strerror(-filter->status));
        return NULL;
    }
    program = read_all(fd, error);
    close(fd);
    return program;
}

static Filter
new_filter(void)
{
    Filter filter = {.context = seccomp_init(SCMP_ACT_ALLOW)};

    if (filter.context == NULL)
        filter.status = -ENOMEM;
    else
        filter.status =
            seccomp_attr_set(filter.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A balanced tree over the call numbers; a library without it makes a longer program. */
    if (filter.status == 0)
        seccomp_attr_set(filter.context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return filter;
}

GBytes *
osh_seccomp_filter_clone3(GError **error)
{
    Filter filter = new_filter();
    GBytes *program;

    refuse_whole(&filter, SCMP_SYS(clone3), ENOSYS);
    program = export_program(&filter, error);
    if (filter.context != NULL)
        seccomp_release(filter.context);
    return program;
}

GBytes *
osh_seccomp_filter_connect(GError **error)
{
    Filter filter = new_filter();
    GBytes *program;

    if (filter.status == 0)
        filter.status = seccomp_rule_add(filter.context, SCMP_ACT_NOTIFY, SCMP_SYS(connect), 0);
    program = export_program(&filter, error);
    if (filter.context != NULL)
        seccomp_release(filter.context);
    return program;
}

GBytes *
osh_seccomp_filter_main(OshSeccompNetwork network, const char *const *allowed, GError **error)
{
    Filter filter = new_filter();
    GBytes *program;

    filter.allowed = allowed;
    refuse_whole_calls(&filter);
    add_conditional_rules(&filter, network);
    program = export_program(&filter, error);
    if (filter.context != NULL)
        seccomp_release(filter.context);
    return program;
}

gboolean
osh_seccomp_give_up(GError **error)
{
    Filter filter = new_filter();

    for (gsize i = 0; i < G_N_ELEMENTS(given_up_calls); i++)
        refuse_whole(&filter, given_up_calls[i], EPERM);
    if (filter.status == 0)
        filter.status = seccomp_attr_set(filter.context, SCMP_FLTATR_CTL_TSYNC, 1);
    /* Loading sets no_new_privs first, without which only root may; TSYNC sets it everywhere. */
    if (filter.status == 0)
        filter.status = seccomp_load(filter.context);
    if (filter.context != NULL)
        seccomp_release(filter.context);
    if (filter.status == 0)
        return TRUE;
    g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_FAILED,
                "the host cannot give up the system calls that it does not need: %s%s",
                g_strerror(-filter.status),
                filter.status == -EINVAL ? "; it takes a kernel with CONFIG_SECCOMP_FILTER" : "");
    return FALSE;
}
