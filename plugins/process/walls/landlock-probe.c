/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-probe.c: which Landlock this kernel has. [any]; no state. It makes no ruleset.
 *
 * It is built twice: once more with OSH_TEST_BUILD for tests, which cap the ABI.
 */
#include "landlock-probe.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/landlock-constants.h"
#include "landlock-plan.h"

static guint
cap_for_tests(guint abi)
{
#ifdef OSH_TEST_BUILD
    const char *cap = g_getenv("OSH_TEST_LANDLOCK_ABI");

    if (cap != NULL)
        return MIN(abi, (guint)g_ascii_strtoull(cap, NULL, 10));
#endif
    return abi;
}

OshLandlockState
osh_landlock_probe(guint *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi > 0) {
        *ret_abi = cap_for_tests(MIN((guint)abi, OSH_LANDLOCK_KNOWN_ABI));
        return *ret_abi > 0 ? OSH_LANDLOCK_AVAILABLE : OSH_LANDLOCK_NOT_ENABLED;
    }
    *ret_abi = 0;
    if (errno == ENOSYS)
        return OSH_LANDLOCK_NOT_BUILT;
    if (errno == EOPNOTSUPP)
        return OSH_LANDLOCK_NOT_ENABLED;
    return OSH_LANDLOCK_REFUSED;
}

const char *
osh_landlock_state_reason(OshLandlockState state)
{
    switch (state) {
    case OSH_LANDLOCK_AVAILABLE:
        return "available";
    case OSH_LANDLOCK_NOT_BUILT:
        return "the kernel has no Landlock (Linux 5.13 or newer has)";
    case OSH_LANDLOCK_NOT_ENABLED:
        return "Landlock is not among the active security modules (boot with lsm=landlock,...)";
    case OSH_LANDLOCK_REFUSED:
        return "something around this process, such as a container's seccomp profile, refuses "
               "Landlock";
    default:
        return "unknown";
    }
}
