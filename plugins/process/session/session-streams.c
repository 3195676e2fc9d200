/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-streams.c: the pipes of an attended program without a terminal. [main]. The run's own
 * descriptors are duplicated and left as they are; only our end of a pipe is non-blocking.
 */
#include "session-streams.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box.h"
#include "drop-source.h"
#include "program-streams.h"
#include "stream-pump.h"
#include "stream-relay.h"

struct _OshSessionStreams {
    OshSession *session;
    OshStreamPump *input; /* (nullable): from the run's own */
    OshStreamRelay *output;
    OshStreamRelay *errors;
    int typed; /* what attachments type goes here; -1 when the run's own input does */
    GSource *room;
    guint waiting;
    void (*done)(gpointer data);
    gpointer done_data;
};

static void
see_output(const char *bytes, gsize length, gpointer data)
{
    osh_session_output(((OshSessionStreams *)data)->session, 1, bytes, length);
}

static void
see_errors(const char *bytes, gsize length, gpointer data)
{
    osh_session_output(((OshSessionStreams *)data)->session, 2, bytes, length);
}

static gboolean
is_nothing(int fd)
{
    struct stat about;

    return fd < 0 || fstat(fd, &about) != 0 ||
           (S_ISCHR(about.st_mode) && about.st_rdev == makedev(1, 3));
}

static int
duplicate(int fd)
{
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
}

static void
close_all(int pipes[3][2])
{
    for (gsize i = 0; i < 6; i++)
        if (pipes[i / 2][i % 2] >= 0)
            close(pipes[i / 2][i % 2]);
}

static gboolean
start_input(OshSessionStreams *streams, int outer, const int ends[2], GError **error)
{
    if (is_nothing(outer)) {
        streams->typed = ends[1];
        fcntl(streams->typed, F_SETFL, fcntl(streams->typed, F_GETFL) | O_NONBLOCK);
        return TRUE;
    }
    streams->input =
        osh_stream_pump_new_input(duplicate(outer), ends[1], duplicate(ends[0]), error);
    return streams->input != NULL;
}

OshSessionStreams *
osh_session_streams_new(OshSession *session, const int outer[3], uid_t uid, gid_t gid,
                        int ret_inner[3], GError **error)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    OshSessionStreams *streams;

    for (gsize i = 0; i < 3; i++)
        if (!osh_stream_pipe(pipes[i], uid, gid, error)) {
            close_all(pipes);
            return NULL;
        }
    streams = g_new0(OshSessionStreams, 1);
    streams->session = session;
    streams->typed = -1;
    if (!start_input(streams, outer[0], pipes[0], error)) {
        /* The pump has closed its end. */
        pipes[0][1] = -1;
        close_all(pipes);
        g_free(streams);
        return NULL;
    }
    streams->output = osh_stream_relay_new(pipes[1][0], duplicate(outer[1]), see_output, streams);
    streams->errors = osh_stream_relay_new(pipes[2][0], duplicate(outer[2]), see_errors, streams);
    ret_inner[0] = pipes[0][0];
    ret_inner[1] = pipes[1][1];
    ret_inner[2] = pipes[2][1];
    return streams;
}

gboolean
osh_session_streams_has_local_input(const OshSessionStreams *streams)
{
    return streams->input != NULL;
}

static gboolean
has_room(gint fd, GIOCondition condition, gpointer data)
{
    OshSessionStreams *streams = data;

    (void)fd;
    (void)condition;
    g_clear_pointer(&streams->room, g_source_unref);
    osh_session_input_room(streams->session);
    return G_SOURCE_REMOVE;
}

gssize
osh_session_streams_input(const char *bytes, gsize length, gpointer data)
{
    OshSessionStreams *streams = data;
    gssize n = streams->typed >= 0 ? write(streams->typed, bytes, length) : -1;

    if (n >= 0)
        return n;
    if (streams->typed < 0 || (errno != EAGAIN && errno != EINTR))
        return -1;
    if (streams->room == NULL) {
        streams->room = g_unix_fd_source_new(streams->typed, G_IO_OUT);
        g_source_set_callback(streams->room, G_SOURCE_FUNC(has_room), streams, NULL);
        g_source_attach(streams->room, g_main_context_get_thread_default());
    }
    return 0;
}

static void
one_is_done(gpointer data)
{
    OshSessionStreams *streams = data;

    if (--streams->waiting == 0)
        streams->done(streams->done_data);
}

void
osh_session_streams_finish(OshSessionStreams *streams, void (*done)(gpointer data), gpointer data)
{
    g_clear_pointer(&streams->input, osh_stream_pump_free);
    streams->waiting = 2;
    streams->done = done;
    streams->done_data = data;
    osh_stream_relay_finish(streams->output, one_is_done, streams);
    osh_stream_relay_finish(streams->errors, one_is_done, streams);
}

void
osh_session_streams_hurry(OshSessionStreams *streams)
{
    osh_stream_relay_hurry(streams->output);
    osh_stream_relay_hurry(streams->errors);
}

void
osh_session_streams_free(OshSessionStreams *streams)
{
    if (streams == NULL)
        return;
    osh_drop_source(&streams->room);
    osh_stream_pump_free(streams->input);
    osh_stream_relay_free(streams->output);
    osh_stream_relay_free(streams->errors);
    if (streams->typed >= 0)
        close(streams->typed);
    g_free(streams);
}
