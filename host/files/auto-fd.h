/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto-fd.h: a descriptor that closes itself at the end of its block; GLib has one from 2.76 on.
 * errno survives the closing.
 */
#pragma once

#include <errno.h>
#include <unistd.h>

static inline void
osh_auto_fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

/** osh_autofd: declare as `osh_autofd int fd = -1;`; g_steal_fd() takes it out. */
#define osh_autofd __attribute__((cleanup(osh_auto_fd_close)))
