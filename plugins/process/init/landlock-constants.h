/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-constants.h: what Landlock has had since the kernel headers of Debian 12 (ABI 2), up to
 * ABI 7, and the structs that grew. The one place for both sides: the host plans with it, init,
 * which has no C library, builds the ruleset with it. The numbers are kernel ABI and never change;
 * each is guarded, so newer headers win.
 */
#pragma once

#include <linux/landlock.h>
#include <stdint.h>

/* ABI 3, Linux 6.2 */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* ABI 4, Linux 6.7 */
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#endif

/* ABI 5, Linux 6.10 */
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/* ABI 6, Linux 6.12 */
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL               (1ULL << 1)
#endif

/* ABI 7, Linux 6.15: flags of landlock_restrict_self() */
#ifndef LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF
#define LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF  (1U << 0)
#define LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON    (1U << 1)
#define LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF (1U << 2)
#endif

/* What a rule for something that is no folder may carry; any other right is an error to the kernel.
 */
#define OSH_LANDLOCK_FILE_RIGHTS                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV)

/* landlock_ruleset_attr as of ABI 6; older kernels take it as long as their unknown tail is 0. */
struct osh_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};
