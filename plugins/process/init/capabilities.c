/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capabilities.c: once the box is sealed, init keeps only those capabilities that it needs to start
 * programs as another user and to signal them; a program keeps none. The bounding set goes first,
 * while CAP_SETPCAP is still there: dropping it later silently does nothing.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#include <linux/prctl.h>

#define OSH_KEPT_BY_INIT                                                                           \
    ((1u << CAP_CHOWN) | (1u << CAP_KILL) | (1u << CAP_SETGID) | (1u << CAP_SETUID) |              \
     (1u << CAP_SETPCAP))

static int
set_capabilities(uint32_t kept)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    long error = CALL(capget, &head, data);

    if (error < 0)
        return (int)error;
    data[0].permitted &= kept;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    memset(&data[1], 0, sizeof data[1]);
    error = CALL(capset, &head, data);
    return (int)error;
}

int
osh_capabilities_narrow(void)
{
    long error = CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    if (error < 0)
        return (int)error;
    for (int capability = 0; capability < 64; capability++) {
        error = CALL(prctl, PR_CAPBSET_READ, capability, 0, 0, 0);
        if (error == -EINVAL)
            break;
        if (error == 1)
            error = CALL(prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
        if (error < 0)
            return (int)error;
        if (CALL(prctl, PR_CAPBSET_READ, capability, 0, 0, 0) != 0)
            return -EPERM;
    }
    return set_capabilities(OSH_KEPT_BY_INIT);
}

int
osh_capabilities_clear(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    long error = CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

    if (error < 0)
        return (int)error;
    error = set_capabilities(0);
    if (error < 0)
        return (int)error;
    error = CALL(capget, &head, data);
    if (error < 0)
        return (int)error;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if (data[i].permitted != 0 || data[i].effective != 0 || data[i].inheritable != 0)
            return -EPERM;
    }
    return 0;
}
