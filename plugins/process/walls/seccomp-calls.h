/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-calls.h: which system calls a program of the box is refused, with what answer and why.
 * Thread: any; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define OSH_SECCOMP_ERROR (osh_seccomp_error_quark())
GQuark osh_seccomp_error_quark(void);

typedef enum {
    OSH_SECCOMP_ERROR_INVALID, /* no name that configuration may allow */
    OSH_SECCOMP_ERROR_FAILED,  /* libseccomp or the kernel */
} OshSeccompError;

/* Newer than the C library's headers; the same number on every architecture. */
#define OSH_NR_OPEN_TREE_ATTR 467

/**
 * OshSeccompScope:
 * @OSH_SECCOMP_WHOLE: every such call is refused
 * @OSH_SECCOMP_SOME: some arguments are; seccomp-filter.c says which
 * @OSH_SECCOMP_SOME_FIXED: likewise, and no configuration may allow them: a security rule needs it
 * @OSH_SECCOMP_WHOLE_FIXED: every such call is refused, whatever the configuration says
 */
typedef enum {
    OSH_SECCOMP_WHOLE,
    OSH_SECCOMP_SOME,
    OSH_SECCOMP_SOME_FIXED,
    OSH_SECCOMP_WHOLE_FIXED,
} OshSeccompScope;

/**
 * OshSeccompCall:
 * @name: as strace writes it
 * @number: on this architecture; negative where it has no such call
 * @answer: EPERM for what a program without privileges is denied anyway; ENOSYS where programs
 *   expect a kernel that lacks the call and fall back
 * @scope: how much of it is refused
 * @why: for the table in the README, which a test compares with this one
 */
typedef struct {
    const char *name;
    int number;
    int answer;
    OshSeccompScope scope;
    const char *why;
} OshSeccompCall;

/**
 * osh_seccomp_calls:
 * @ret_count: (out): how many
 *
 * Returns: (transfer none) (array length=ret_count): the table
 */
const OshSeccompCall *osh_seccomp_calls(gsize *ret_count);

/**
 * osh_seccomp_check_exceptions:
 * @names: (array zero-terminated=1): what the configuration wants to allow
 * @error: return location
 *
 * Returns: %TRUE when each is a call that is refused and that configuration may allow
 */
gboolean osh_seccomp_check_exceptions(const char *const *names, GError **error);

G_END_DECLS
