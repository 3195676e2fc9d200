/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-relay.c: one direction, one buffer. [main]. The far end may be a pipe, a file or a
 * terminal that others have open too: it is never made non-blocking, and it is a thread that writes
 * to it, because poll(2) promises nothing where others write as well.
 */
#include "stream-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "drop-source.h"
#include "osh-fd-writer.h"

#define RELAY_BUFFER 16384
#define HURRY_USEC   (2 * G_USEC_PER_SEC)
#define HURRY_MS     200
#define REST_USEC    (G_USEC_PER_SEC / 5)

struct _OshStreamRelay {
    int from;
    OshFdWriter *writer; /* (nullable) */
    OshStreamTap tap;
    gpointer data;
    GSource *source;   /* of whichever end is waited for */
    GSource *watchdog; /* while finishing */
    gint64 left;       /* while finishing: bytes still to be read; else -1 */
    gboolean finished; /* what comes now is of processes that were left behind */
    gboolean hurry;
    gint64 progress; /* time of the last */
    gsize pending;   /* at that time */
    void (*done)(gpointer data);
    gpointer done_data;
};

static void arrange(OshStreamRelay *relay);

static gsize
pending(const OshStreamRelay *relay)
{
    return relay->writer != NULL && !osh_fd_writer_is_broken(relay->writer)
               ? osh_fd_writer_pending(relay->writer)
               : 0;
}

static void
end_input(OshStreamRelay *relay)
{
    close(relay->from);
    relay->from = -1;
    relay->left = relay->left > 0 ? 0 : relay->left;
}

static void
fill(OshStreamRelay *relay)
{
    char bytes[RELAY_BUFFER];
    gsize most = relay->left >= 0 ? MIN((gsize)relay->left, sizeof bytes) : sizeof bytes;
    gssize n = read(relay->from, bytes, most);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        end_input(relay);
        return;
    }
    if (relay->left > 0)
        relay->left -= n;
    if (relay->tap != NULL)
        relay->tap(bytes, (gsize)n, relay->data);
    /* All of it fits: nothing is read before the queue is empty. */
    if (relay->writer != NULL)
        osh_fd_writer_add(relay->writer, bytes, (gsize)n);
}

static gboolean
readable(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    fill(data);
    arrange(data);
    return G_SOURCE_REMOVE;
}

static gboolean
progressed(gint fd, GIOCondition condition, gpointer data)
{
    guint64 ignored;

    (void)condition;
    if (read(fd, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
        return G_SOURCE_REMOVE;
    arrange(data);
    return G_SOURCE_REMOVE;
}

static void
watch(OshStreamRelay *relay, int fd, GIOCondition condition, GUnixFDSourceFunc function)
{
    osh_drop_source(&relay->source);
    relay->source = g_unix_fd_source_new(fd, condition);
    g_source_set_callback(relay->source, G_SOURCE_FUNC(function), relay, NULL);
    g_source_attach(relay->source, g_main_context_get_thread_default());
}

static gboolean
watch_over(gpointer data)
{
    OshStreamRelay *relay = data;
    gsize now_pending = pending(relay);
    gint64 now = g_get_monotonic_time();

    if (now_pending != relay->pending)
        relay->progress = now;
    relay->pending = now_pending;
    if (relay->done != NULL && ((now_pending == 0 && relay->left <= 0) ||
                                (relay->hurry && now > relay->progress + HURRY_USEC))) {
        void (*done)(gpointer data) = relay->done;

        relay->done = NULL;
        relay->finished = TRUE;
        relay->left = -1;
        osh_drop_source(&relay->watchdog);
        arrange(relay);
        done(relay->done_data);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* Looks at once, and then now and then. */
static void
start_watchdog(OshStreamRelay *relay, guint delay_ms)
{
    osh_drop_source(&relay->watchdog);
    relay->watchdog = g_timeout_source_new(delay_ms);
    g_source_set_callback(relay->watchdog, watch_over, relay, NULL);
    g_source_attach(relay->watchdog, g_main_context_get_thread_default());
}

static void
arrange(OshStreamRelay *relay)
{
    gsize queued = pending(relay);

    osh_drop_source(&relay->source);
    if (queued > 0)
        watch(relay, osh_fd_writer_progress_fd(relay->writer), G_IO_IN, progressed);
    else if (relay->from >= 0 && relay->left != 0)
        watch(relay, relay->from, G_IO_IN | G_IO_HUP, readable);
    if (relay->done != NULL)
        start_watchdog(relay, queued == 0 && relay->left <= 0 ? 0 : HURRY_MS);
}

OshStreamRelay *
osh_stream_relay_new(int from, int to, OshStreamTap tap, gpointer data)
{
    OshStreamRelay *relay = g_new0(OshStreamRelay, 1);

    relay->from = from;
    relay->tap = tap;
    relay->data = data;
    relay->left = -1;
    fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK);
    if (to >= 0) {
        relay->writer = osh_fd_writer_new(to, RELAY_BUFFER, NULL);
        osh_fd_writer_start(relay->writer);
    }
    arrange(relay);
    return relay;
}

void
osh_stream_relay_finish(OshStreamRelay *relay, void (*done)(gpointer data), gpointer data)
{
    int count = 0;

    if (relay->from >= 0 && ioctl(relay->from, FIONREAD, &count) != 0)
        count = 0;
    relay->left = count;
    relay->done = done;
    relay->done_data = data;
    relay->progress = g_get_monotonic_time();
    relay->pending = pending(relay);
    arrange(relay);
}

void
osh_stream_relay_hurry(OshStreamRelay *relay)
{
    relay->hurry = TRUE;
}

/* Blocks, but not for long. */
static void
deliver_rest(OshStreamRelay *relay)
{
    gint64 deadline = g_get_monotonic_time() + REST_USEC;
    int count = 0;

    while (relay->from >= 0 && g_get_monotonic_time() < deadline &&
           ioctl(relay->from, FIONREAD, &count) == 0 && count > 0 &&
           (relay->writer == NULL || osh_fd_writer_flush(relay->writer, deadline)))
        fill(relay);
    if (relay->writer != NULL)
        osh_fd_writer_flush(relay->writer, deadline);
}

void
osh_stream_relay_free(OshStreamRelay *relay)
{
    if (relay == NULL)
        return;
    if (relay->finished)
        deliver_rest(relay);
    osh_drop_source(&relay->source);
    osh_drop_source(&relay->watchdog);
    if (relay->from >= 0)
        close(relay->from);
    osh_fd_writer_free(relay->writer);
    g_free(relay);
}
