/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-peer.c: looks at the process behind a connection.
 *
 * [main]; no state. The pid of a Unix socket's peer may be another process's by now: everything is
 * read between taking a pidfd and finding that it still names a living process. What cannot be read
 * is refused. It must never let a process of the box through because it was quick.
 */
#include "session-peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#define MAX_ANCESTORS 64

static gboolean G_GNUC_PRINTF(2, 3) refuse(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (error != NULL)
        *error = g_error_new_valist(OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID, format, arguments);
    va_end(arguments);
    return FALSE;
}

static int
peer_pidfd(int connection, pid_t pid)
{
    int pidfd = -1;
    socklen_t size = sizeof pidfd;

    if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
        return pidfd;
    /* A kernel that has it and gives none says that the peer has ended: the number may be another
     * process's by now. */
    return errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static gboolean
is_alive(int pidfd)
{
    struct pollfd poll_entry = {.fd = pidfd, .events = POLLIN};

    return poll(&poll_entry, 1, 0) == 0;
}

/* Returns: 1 when the two are in the same namespace, 0 when not, -1 when it cannot be told */
static int
same_namespace(pid_t one, pid_t other, const char *kind)
{
    g_autofree char *one_path = g_strdup_printf("/proc/%d/ns/%s", (int)one, kind);
    g_autofree char *other_path = g_strdup_printf("/proc/%d/ns/%s", (int)other, kind);
    struct stat one_about, other_about;

    if (stat(one_path, &one_about) != 0 || stat(other_path, &other_about) != 0)
        return -1;
    return one_about.st_dev == other_about.st_dev && one_about.st_ino == other_about.st_ino;
}

/* Returns: the parent's pid, 0 at the top, -1 when it cannot be told */
static pid_t
parent_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    const char *behind;
    int parent;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return -1;
    behind = strrchr(text, ')');
    if (behind == NULL || sscanf(behind + 1, " %*c %d", &parent) != 1)
        return -1;
    return parent;
}

static gboolean
check_place(pid_t pid, pid_t init_pid, GError **error)
{
    static const char *const kinds[] = {"pid", "net"};
    pid_t ancestor = pid;

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        int same = same_namespace(pid, init_pid, kinds[i]);

        if (same != 0)
            return refuse(error,
                          same > 0 ? "process %d is in the box"
                                   : "the namespaces of process %d cannot be read",
                          (int)pid);
    }
    for (guint depth = 0; ancestor > 1; depth++) {
        if (ancestor == init_pid)
            return refuse(error, "process %d descends from the box", (int)pid);
        ancestor = depth < MAX_ANCESTORS ? parent_of(ancestor) : -1;
        if (ancestor < 0)
            return refuse(error, "the ancestors of process %d cannot be read", (int)pid);
    }
    return TRUE;
}

gboolean
osh_session_peer_check(int connection, pid_t init_pid, GError **error)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    gboolean good;
    int pidfd;

    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return refuse(error, "the kernel does not say which process connected: %s",
                      g_strerror(errno));
    if (credentials.uid != 0 && credentials.uid != geteuid())
        return refuse(error, "user %u is neither root nor the user of the run", credentials.uid);
    if (init_pid == 0)
        return TRUE;
    pidfd = peer_pidfd(connection, credentials.pid);
    if (pidfd < 0)
        return refuse(error, "process %d is gone", (int)credentials.pid);
    good = check_place(credentials.pid, init_pid, error);
    if (good && !is_alive(pidfd))
        good = refuse(error, "process %d has ended", (int)credentials.pid);
    close(pidfd);
    return good;
}
