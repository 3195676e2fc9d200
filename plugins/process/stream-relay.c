/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-relay.c: one direction, one buffer. [main]. The far end may be a pipe, a file or a
 * terminal that others have open too, so neither end is ever made non-blocking: what poll says can
 * be written is written, in pieces small enough for a pipe never to block on.
 */
#include "stream-relay.h"

#include <errno.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#define RELAY_BUFFER 16384

struct _OshStreamRelay {
    int from;
    int to;
    OshStreamTap tap;
    gpointer data;
    GSource *source;
    gsize start;
    gsize end;
    char bytes[RELAY_BUFFER];
};

static void arrange(OshStreamRelay *relay);

static void
close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static gboolean
fill(OshStreamRelay *relay)
{
    gssize n = read(relay->from, relay->bytes, sizeof relay->bytes);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return FALSE;
    if (n <= 0) {
        close_end(&relay->from);
        close_end(&relay->to);
        return FALSE;
    }
    relay->start = 0;
    relay->end = relay->to >= 0 ? (gsize)n : 0;
    if (relay->tap != NULL)
        relay->tap(relay->bytes, (gsize)n, relay->data);
    return TRUE;
}

static void
empty(OshStreamRelay *relay)
{
    gssize n =
        write(relay->to, relay->bytes + relay->start, MIN(relay->end - relay->start, PIPE_BUF));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    /* A reader that is gone must not hold up the program, nor those who still look. */
    if (n < 0)
        close_end(&relay->to);
    relay->start = n < 0 ? relay->end : relay->start + (gsize)n;
}

static gboolean
ready(gint fd, GIOCondition condition, gpointer data)
{
    OshStreamRelay *relay = data;

    (void)condition;
    if (fd == relay->to)
        empty(relay);
    else
        fill(relay);
    arrange(relay);
    return G_SOURCE_REMOVE;
}

static void
drop_source(OshStreamRelay *relay)
{
    if (relay->source == NULL)
        return;
    g_source_destroy(relay->source);
    g_clear_pointer(&relay->source, g_source_unref);
}

static void
arrange(OshStreamRelay *relay)
{
    gboolean full = relay->start < relay->end;
    int fd = full ? relay->to : relay->from;

    drop_source(relay);
    if (fd < 0)
        return;
    relay->source = g_unix_fd_source_new(fd, full ? G_IO_OUT : G_IO_IN | G_IO_HUP);
    g_source_set_callback(relay->source, G_SOURCE_FUNC(ready), relay, NULL);
    g_source_attach(relay->source, g_main_context_get_thread_default());
}

OshStreamRelay *
osh_stream_relay_new(int from, int to, OshStreamTap tap, gpointer data)
{
    OshStreamRelay *relay = g_new0(OshStreamRelay, 1);

    relay->from = from;
    relay->to = to;
    relay->tap = tap;
    relay->data = data;
    arrange(relay);
    return relay;
}

gboolean
osh_stream_relay_ended(const OshStreamRelay *relay)
{
    return relay->from < 0 && relay->start == relay->end;
}

static gboolean
is_ready(int fd, short events, int milliseconds)
{
    struct pollfd entry = {.fd = fd, .events = events};

    return fd >= 0 && poll(&entry, 1, milliseconds) > 0;
}

void
osh_stream_relay_drain(OshStreamRelay *relay, gint64 deadline)
{
    drop_source(relay);
    while (g_get_monotonic_time() < deadline) {
        if (relay->start < relay->end) {
            if (is_ready(relay->to, POLLOUT, 100))
                empty(relay);
        } else if (!is_ready(relay->from, POLLIN, 0) || !fill(relay)) {
            break;
        }
    }
    arrange(relay);
}

void
osh_stream_relay_free(OshStreamRelay *relay)
{
    if (relay == NULL)
        return;
    drop_source(relay);
    close_end(&relay->from);
    close_end(&relay->to);
    g_free(relay);
}
