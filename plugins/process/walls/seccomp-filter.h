/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-filter.h: the two system call filters of every program of a box, as BPF programs.
 * Thread: any; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshSeccompNetwork:
 * @OSH_SECCOMP_NETWORK_FENCED: internet sockets are allowed; the box's network decides
 * @OSH_SECCOMP_NETWORK_BLOCKED: internet sockets are refused as well
 */
typedef enum {
    OSH_SECCOMP_NETWORK_FENCED,
    OSH_SECCOMP_NETWORK_BLOCKED,
} OshSeccompNetwork;

/**
 * osh_seccomp_filter_clone3:
 * @error: return location
 *
 * clone3 passes its flags in memory, which no filter can read. It answers ENOSYS, so that the C
 * library falls back to clone, whose flags osh_seccomp_filter_main() checks. Install it first: the
 * main filter forbids any further one.
 *
 * Returns: (transfer full) (nullable): an array of struct sock_filter
 */
GBytes *osh_seccomp_filter_clone3(GError **error);

/**
 * osh_seccomp_filter_connect:
 * @error: return location
 *
 * Notifies a listener of each connect(2) and allows everything else; for the init of a box, whose
 * programs inherit it.
 *
 * Returns: (transfer full) (nullable): an array of struct sock_filter
 */
GBytes *osh_seccomp_filter_connect(GError **error);

/**
 * osh_seccomp_filter_main:
 * @network: whether internet sockets are refused
 * @allowed: (nullable) (array zero-terminated=1): calls of seccomp-calls.h that are not refused,
 *   checked by osh_seccomp_check_exceptions()
 * @error: return location
 *
 * Returns: (transfer full) (nullable): an array of struct sock_filter
 */
GBytes *osh_seccomp_filter_main(OshSeccompNetwork network, const char *const *allowed,
                                GError **error);

/**
 * osh_seccomp_give_up:
 * @error: return location
 *
 * What the host itself never needs once its box is made: mounts, loading code into the kernel,
 * io_uring. Refused in every thread of this process from now on, and in what it starts; sets
 * no_new_privs. Namespaces, clone and ptrace stay.
 *
 * Returns: %TRUE when every thread is under the filter
 */
gboolean osh_seccomp_give_up(GError **error);

G_END_DECLS
