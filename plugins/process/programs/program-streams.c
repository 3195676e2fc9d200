/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program-streams.c: which descriptor a program may have as it is, and pipes for the others.
 *
 * [main]. Trust: the user who starts the host decides what is on 0, 1 and 2, and means that a
 * program reads and writes there; what else a descriptor can do is not meant. By a directory or an
 * O_PATH descriptor the box would reach files outside of its tree (openat, fchdir, execveat); by a
 * file, read, cut and overwrite what others wrote; by an internet socket, which connect(2) with
 * AF_UNSPEC sets free, the network outside of its namespace.
 */
#include "program-streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "box.h"
#include "drop-source.h"
#include "stream-pump.h"

#define MEMORY_DEVICES 1
#define DEVICE_NULL    3

struct _OshProgramStreams {
    OshStreamPump *input;
    OshStreamPump *outputs[2];
    guint waiting;
    GSource *idle; /* (nullable): tells of an end for which nothing was to be delivered */
    void (*done)(gpointer data);
    gpointer done_data;
};

static const char *const names[] = {"standard input", "standard output", "standard error"};

/* --- What a descriptor is ----------------------------------------------------------------------
 */

static gboolean
refuse(GError **error, guint which, const char *what)
{
    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                "%s is %s, which the program may not have: give it a file, a pipe, a terminal or "
                "/dev/null",
                names[which], what);
    return FALSE;
}

static int
socket_option(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/* Only a connected stream has one peer for good; of these, a Unix one cannot be set free. */
static gboolean
handle_socket(int fd, guint which, OshStreamHandling *ret_handling, GError **error)
{
    int domain = socket_option(fd, SO_DOMAIN);
    int type = socket_option(fd, SO_TYPE);
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    gboolean connected = getpeername(fd, (struct sockaddr *)&peer, &size) == 0;

    if (!connected || (type != SOCK_STREAM && type != SOCK_SEQPACKET))
        return refuse(error, which, "a socket that is no connected stream");
    *ret_handling = domain == AF_UNIX ? OSH_STREAM_INHERITED : OSH_STREAM_PIPED;
    if (domain == AF_UNIX || domain == AF_INET || domain == AF_INET6)
        return TRUE;
    return refuse(error, which, "a socket that is neither Unix nor internet");
}

/* null, zero, full, random, urandom: nothing is behind them. */
static gboolean
is_plain_device(dev_t device)
{
    static const guint minors[] = {DEVICE_NULL, 5, 7, 8, 9};

    for (gsize i = 0; i < G_N_ELEMENTS(minors); i++)
        if (device == makedev(MEMORY_DEVICES, minors[i]))
            return TRUE;
    return FALSE;
}

static void
handle_device(int fd, const struct stat *about, OshStreamHandling *ret_handling)
{
    if (about->st_rdev == makedev(MEMORY_DEVICES, DEVICE_NULL))
        *ret_handling = OSH_STREAM_NOTHING;
    else if (isatty(fd) || is_plain_device(about->st_rdev))
        *ret_handling = OSH_STREAM_INHERITED;
    else
        *ret_handling = OSH_STREAM_PIPED;
}

gboolean
osh_stream_handling(int fd, guint which, OshStreamHandling *ret_handling, GError **error)
{
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    struct stat about;

    *ret_handling = OSH_STREAM_NOTHING;
    if (flags < 0)
        return TRUE;
    if (flags & O_PATH)
        return refuse(error, which, "a descriptor that was opened with O_PATH");
    if (fstat(fd, &about) != 0) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID, "%s cannot be looked at: %s",
                    names[which], g_strerror(errno));
        return FALSE;
    }
    switch (about.st_mode & S_IFMT) {
    case S_IFREG:
    case S_IFIFO:
    case S_IFBLK:
        *ret_handling = OSH_STREAM_PIPED;
        return TRUE;
    case S_IFCHR:
        handle_device(fd, &about, ret_handling);
        return TRUE;
    case S_IFSOCK:
        return handle_socket(fd, which, ret_handling, error);
    case S_IFDIR:
        return refuse(error, which, "a directory");
    default:
        return refuse(error, which, "neither file, pipe, socket nor device");
    }
}

/* --- Pipes --------------------------------------------------------------------------------------
 */

static void
close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

gboolean
osh_stream_pipe(int ret_ends[2], uid_t uid, gid_t gid, GError **error)
{
    if (pipe2(ret_ends, O_CLOEXEC) == 0) {
        /* Root's programs have another uid. Only we have the pipe so far. */
        if (geteuid() != 0 || fchown(ret_ends[0], uid, gid) == 0)
            return TRUE;
        close_end(&ret_ends[0]);
        close_end(&ret_ends[1]);
    }
    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED,
                "cannot make a pipe for the program's streams: %s", g_strerror(errno));
    return FALSE;
}

/* One open file, or two that both append to one: then the order of both is the file's. */
static gboolean
is_one_file(int one, int other)
{
    struct stat about, other_about;
    pid_t pid = getpid();
    long order;

    if (fstat(one, &about) != 0 || fstat(other, &other_about) != 0 ||
        about.st_dev != other_about.st_dev || about.st_ino != other_about.st_ino)
        return FALSE;
    if (S_ISFIFO(about.st_mode) ||
        (fcntl(one, F_GETFL) & O_APPEND && fcntl(other, F_GETFL) & O_APPEND))
        return TRUE;
    order = syscall(SYS_kcmp, pid, pid, KCMP_FILE, one, other);
    /* A kernel without kcmp(2): two descriptors of one file are nearly always one open file. */
    return order <= 0;
}

/* Returns: FALSE with @error set, also when an earlier one has failed */
static gboolean
duplicate(int fd, int *ret_fd, GError **error)
{
    *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (*ret_fd >= 0)
        return TRUE;
    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED, "cannot duplicate a descriptor: %s",
                g_strerror(errno));
    return FALSE;
}

/* Takes @ends. */
static gboolean
start_input(OshProgramStreams *streams, int outer, int ends[2], int *ret_inner, GError **error)
{
    int copy;

    if (!duplicate(ends[0], ret_inner, error) || !duplicate(outer, &copy, error)) {
        close_end(&ends[0]);
        close_end(&ends[1]);
        return FALSE;
    }
    streams->input = osh_stream_pump_new_input(copy, ends[1], ends[0], error);
    return streams->input != NULL;
}

/* Takes @ends. */
static gboolean
start_output(OshProgramStreams *streams, guint index, int outer, int ends[2], int *ret_inner,
             GError **error)
{
    int copy;

    *ret_inner = ends[1];
    if (!duplicate(outer, &copy, error)) {
        close_end(&ends[0]);
        return FALSE;
    }
    streams->outputs[index] = osh_stream_pump_new_output(ends[0], copy, error);
    return streams->outputs[index] != NULL;
}

OshProgramStreams *
osh_program_streams_new(const int outer[3], const gboolean piped[3], uid_t uid, gid_t gid,
                        int ret_inner[3], GError **error)
{
    OshProgramStreams *streams = g_new0(OshProgramStreams, 1);
    gboolean shared = piped[1] && piped[2] && is_one_file(outer[1], outer[2]);
    gboolean good = TRUE;

    ret_inner[0] = ret_inner[1] = ret_inner[2] = -1;
    for (guint i = 0; i < 3 && good; i++) {
        int ends[2];

        if (!piped[i])
            continue;
        if (i == 2 && shared) {
            good = duplicate(ret_inner[1], &ret_inner[2], error);
            continue;
        }
        good = osh_stream_pipe(ends, uid, gid, error) &&
               (i == 0 ? start_input(streams, outer[0], ends, &ret_inner[0], error)
                       : start_output(streams, i - 1, outer[i], ends, &ret_inner[i], error));
    }
    if (good)
        return streams;
    for (gsize i = 0; i < 3; i++)
        close_end(&ret_inner[i]);
    osh_program_streams_free(streams);
    return NULL;
}

/* --- The end ------------------------------------------------------------------------------------
 */

static void
one_is_done(gpointer data)
{
    OshProgramStreams *streams = data;

    if (--streams->waiting == 0)
        streams->done(streams->done_data);
}

static gboolean
nothing_to_wait_for(gpointer data)
{
    OshProgramStreams *streams = data;

    g_clear_pointer(&streams->idle, g_source_unref);
    one_is_done(streams);
    return G_SOURCE_REMOVE;
}

void
osh_program_streams_finish(OshProgramStreams *streams, void (*done)(gpointer data), gpointer data)
{
    streams->done = done;
    streams->done_data = data;
    /* So that what the program left of its input is there when its end is told. */
    g_clear_pointer(&streams->input, osh_stream_pump_free);
    for (gsize i = 0; i < G_N_ELEMENTS(streams->outputs); i++)
        streams->waiting += streams->outputs[i] != NULL;
    if (streams->waiting == 0) {
        streams->waiting = 1;
        streams->idle = g_idle_source_new();
        g_source_set_priority(streams->idle, G_PRIORITY_DEFAULT);
        g_source_set_callback(streams->idle, nothing_to_wait_for, streams, NULL);
        g_source_attach(streams->idle, g_main_context_get_thread_default());
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(streams->outputs); i++)
        if (streams->outputs[i] != NULL)
            osh_stream_pump_finish(streams->outputs[i], one_is_done, streams);
}

void
osh_program_streams_hurry(OshProgramStreams *streams)
{
    for (gsize i = 0; i < G_N_ELEMENTS(streams->outputs); i++)
        if (streams->outputs[i] != NULL)
            osh_stream_pump_hurry(streams->outputs[i]);
}

char *
osh_program_streams_problem(OshProgramStreams *streams)
{
    for (gsize i = 0; i < G_N_ELEMENTS(streams->outputs); i++) {
        g_autofree char *problem =
            streams->outputs[i] != NULL ? osh_stream_pump_problem(streams->outputs[i]) : NULL;

        if (problem != NULL)
            return g_strdup_printf("%s: %s", names[1 + i], problem);
    }
    return NULL;
}

gboolean
osh_program_streams_have_ended(OshProgramStreams *streams)
{
    return osh_stream_pump_has_ended(streams->outputs[0]) &&
           osh_stream_pump_has_ended(streams->outputs[1]);
}

void
osh_program_streams_free(OshProgramStreams *streams)
{
    if (streams == NULL)
        return;
    osh_drop_source(&streams->idle);
    osh_stream_pump_free(streams->input);
    for (gsize i = 0; i < G_N_ELEMENTS(streams->outputs); i++)
        osh_stream_pump_free(streams->outputs[i]);
    g_free(streams);
}
