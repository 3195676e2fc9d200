/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-calls.c: the table of refused system calls, and which of them configuration may allow.
 *
 * Any thread; no state. Only names, numbers and answers: which arguments make a call refused stands
 * in seccomp-filter.c. A call that this table lacks is allowed.
 */
#include "seccomp-calls.h"

#include <errno.h>
#include <glib.h>
#include <seccomp.h>
#include <stdlib.h>

#include "osh-suggest.h"

G_DEFINE_QUARK(osh - seccomp - error - quark, osh_seccomp_error)

#define CALL(name, answer, scope, why)                                                             \
    {                                                                                              \
#name, SCMP_SYS(name), answer, OSH_SECCOMP_##scope, why                                    \
    }

static const OshSeccompCall calls[] = {
    CALL(ptrace, EPERM, WHOLE, "other processes' memory and registers"),
    CALL(process_vm_readv, EPERM, WHOLE, "other processes' memory"),
    CALL(process_vm_writev, EPERM, WHOLE, "other processes' memory"),
    CALL(process_madvise, ENOSYS, WHOLE,
         "other processes' memory; allocators try it, then madvise"),
    CALL(pidfd_open, EPERM, WHOLE, "handles of other processes; Python, Go and GLib use SIGCHLD"),
    CALL(pidfd_getfd, EPERM, WHOLE, "other processes' descriptors"),
    CALL(pidfd_send_signal, EPERM, WHOLE, "signals that no scope checks on old kernels"),
    CALL(kcmp, EPERM, WHOLE, "kernel addresses, compared"),
    CALL(memfd_create, EPERM, WHOLE, "code that no path names; libffi and others use a file"),
    CALL(memfd_secret, ENOSYS, WHOLE, "memory that no other process can read; off on many kernels"),
    CALL(userfaultfd, EPERM, WHOLE, "lets a program stop the kernel inside a copy of memory"),
    CALL(mount, EPERM, WHOLE, "mounts"),
    CALL(mount_setattr, EPERM, WHOLE, "mounts: would make read-only ones writable"),
    CALL(umount2, EPERM, WHOLE, "mounts: would uncover what they hide"),
    CALL(move_mount, EPERM, WHOLE, "mounts"),
    CALL(open_tree, EPERM, WHOLE, "mounts"),
    {"open_tree_attr", OSH_NR_OPEN_TREE_ATTR, EPERM, OSH_SECCOMP_WHOLE, "mounts"},
    CALL(fsopen, EPERM, WHOLE, "mounts"),
    CALL(fsconfig, EPERM, WHOLE, "mounts"),
    CALL(fsmount, EPERM, WHOLE, "mounts"),
    CALL(fspick, EPERM, WHOLE, "mounts"),
    CALL(pivot_root, EPERM, WHOLE, "mounts"),
    CALL(setns, EPERM, WHOLE, "namespaces of others"),
    CALL(open_by_handle_at, EPERM, WHOLE, "files without a path, past every mount"),
    CALL(io_uring_setup, EPERM, WHOLE,
         "system calls that bypass the filter; Node uses its threads"),
    CALL(io_uring_enter, EPERM, WHOLE, "system calls that bypass the filter"),
    CALL(io_uring_register, EPERM, WHOLE, "system calls that bypass the filter"),
    CALL(bpf, EPERM, WHOLE, "code in the kernel"),
    CALL(perf_event_open, EPERM, WHOLE, "measures the kernel and other processes"),
    CALL(fanotify_init, EPERM, WHOLE, "watches, and can hold up, other processes' files"),
    CALL(init_module, EPERM, WHOLE, "code in the kernel"),
    CALL(finit_module, EPERM, WHOLE, "code in the kernel"),
    CALL(delete_module, EPERM, WHOLE, "code in the kernel"),
    CALL(kexec_load, EPERM, WHOLE, "another kernel"),
    CALL(kexec_file_load, EPERM, WHOLE, "another kernel"),
    CALL(add_key, ENOSYS, WHOLE, "key rings, which no namespace separates; many kernels have none"),
    CALL(request_key, ENOSYS, WHOLE, "key rings"),
    CALL(keyctl, ENOSYS, WHOLE, "key rings"),
    CALL(clone3, ENOSYS, WHOLE_FIXED, "flags in memory, which no filter reads; libc uses clone"),
    CALL(clone, EPERM, SOME, "with a new namespace; a thread with a descriptor table of its own"),
    CALL(unshare, EPERM, SOME, "of a namespace; of the descriptor table"),
    CALL(execveat, EPERM, SOME, "of a descriptor (AT_EMPTY_PATH): code that no path names"),
    CALL(seccomp, EPERM, SOME, "another filter, which could answer for the kernel"),
    CALL(prctl, EPERM, SOME_FIXED, "another filter (PR_SET_SECCOMP); allowed with seccomp"),
    CALL(ioctl, EPERM, SOME_FIXED, "typing into a terminal (TIOCSTI, TIOCLINUX)"),
    CALL(close_range, EPERM, SOME_FIXED, "with a descriptor table of its own"),
    CALL(prlimit64, EPERM, SOME_FIXED, "new limits for the box's init, process 1"),
    CALL(socket, EPERM, SOME_FIXED, "all but Unix, internet and NETLINK_ROUTE sockets"),
    CALL(socketpair, EPERM, SOME_FIXED, "the same families"),
    CALL(sendto, EOPNOTSUPP, SOME_FIXED, "MSG_FASTOPEN: connects without connect(2)"),
    CALL(sendmsg, EOPNOTSUPP, SOME_FIXED, "MSG_FASTOPEN"),
    CALL(sendmmsg, EOPNOTSUPP, SOME_FIXED, "MSG_FASTOPEN"),
};

const OshSeccompCall *
osh_seccomp_calls(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(calls);
    return calls;
}

static const OshSeccompCall *
find_call(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        if (g_str_equal(calls[i].name, name))
            return &calls[i];
    return NULL;
}

/* A call that the kernel knows and that no filter refuses is no typing mistake. */
static void
set_unknown(const char *name, GError **error)
{
    const char *candidates[G_N_ELEMENTS(calls) + 1] = {NULL};
    g_autofree char *shown = g_strescape(name, NULL);
    g_autofree char *clause = NULL;
    gsize count = 0;

    if (seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR) {
        g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_INVALID,
                    "seccomp-allow: %s is allowed already, take it out", shown);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        if (calls[i].scope == OSH_SECCOMP_WHOLE || calls[i].scope == OSH_SECCOMP_SOME)
            candidates[count++] = calls[i].name;
    clause = osh_suggest_clause(name, candidates);
    g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_INVALID,
                "seccomp-allow: no system call is named \"%s\"%s", shown, clause);
}

gboolean
osh_seccomp_check_exceptions(const char *const *names, GError **error)
{
    for (gsize i = 0; names[i] != NULL; i++) {
        const OshSeccompCall *call = find_call(names[i]);

        if (call == NULL) {
            set_unknown(names[i], error);
            return FALSE;
        }
        if (call->scope == OSH_SECCOMP_WHOLE || call->scope == OSH_SECCOMP_SOME)
            continue;
        g_set_error(error, OSH_SECCOMP_ERROR, OSH_SECCOMP_ERROR_INVALID,
                    "seccomp-allow: %s stays refused, no configuration can allow it (%s)",
                    call->name, call->why);
        return FALSE;
    }
    return TRUE;
}
