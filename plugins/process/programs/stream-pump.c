/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream-pump.c: what a program writes goes into a pipe of the box's own, and from there to the
 * descriptor of the host; what it reads comes the other way.
 *
 * Why not the descriptor itself: a program could truncate, reread or seek in the file behind it,
 * set O_NONBLOCK for every process that shares it, or, being another user, not open /dev/stdout at
 * all.
 *
 * One thread for each stream, because a write to a file, a terminal or a full pipe may block for
 * ever and the main loop must not (security rule 15, streams and terminal). The thread owns both
 * descriptors and a reference; the owner talks to it by one eventfd. Order is exact: one reader,
 * one writer, one buffer. Backpressure is the pipe's.
 *
 * Input is not read ahead of the program where another program may want the rest: from a pipe,
 * bytes are copied by tee(2) and taken out only after the program has read them; in a file, the
 * position is set back at the end.
 */
#include "stream-pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE         65536
#define HURRY_USEC    (2 * G_USEC_PER_SEC)
#define PATIENCE_USEC (G_USEC_PER_SEC / 2)
#define POLL_MS       200
#define LOOK_MS       32
#define PAGE          4096

enum { RUNNING, DRAINING, ABORTING };

struct _OshStreamPump {
    gatomicrefcount refs; /* the owner, the thread, and a callback on its way */
    int from;
    int to;
    int reader; /* of an input pump: the program's end, to see what is unread */
    int wake;
    int mode;       /* atomic */
    gboolean hurry; /* atomic */
    GMutex lock;
    GCond changed;
    gboolean ended;
    gboolean drained; /* under the lock: what was asked for by a finish is delivered, or lost */
    int told_failure; /* under the lock: of that time, as the next */
    guint64 told_undelivered;
    OshStreamPumpDone done; /* (nullable): under the lock */
    gpointer done_data;
    gboolean reported;
    GMainContext *context;
    /* of the thread alone until it has ended */
    gboolean to_is_pipe;
    gboolean is_socket; /* the host's end is one */
    int slots;          /* size of the pipe of a teeing input pump, 0 at first */
    gboolean copying;   /* splice(2) does not do for this descriptor */
    gsize start;
    gsize end;
    char *bytes; /* only while copying */
    gint64 left; /* while draining: how much of the pipe is still to be delivered; else -1 */
    gint64 progress;
    int failure;
    guint64 undelivered;
};

static void
close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
pump_unref(OshStreamPump *pump)
{
    if (!g_atomic_ref_count_dec(&pump->refs))
        return;
    close_end(&pump->from);
    close_end(&pump->to);
    close_end(&pump->reader);
    close_end(&pump->wake);
    g_mutex_clear(&pump->lock);
    g_cond_clear(&pump->changed);
    g_main_context_unref(pump->context);
    g_free(pump->bytes);
    g_free(pump);
}

/* --- the thread: both directions --- */

static guint64
bytes_in(int fd)
{
    int count = 0;

    return fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 && count > 0 ? (guint64)count : 0;
}

static gboolean
is_mode(OshStreamPump *pump, int mode)
{
    return g_atomic_int_get(&pump->mode) == mode;
}

/* Returns: FALSE when it is time to end. What became ready stands in the entries' revents. */
static gboolean
wait_at_most(OshStreamPump *pump, struct pollfd entries[3], int milliseconds)
{
    gboolean draining = is_mode(pump, DRAINING);
    guint64 ignored;

    entries[2] = (struct pollfd){.fd = pump->wake, .events = POLLIN};
    if (poll(entries, 3, draining ? POLL_MS : milliseconds) < 0)
        entries[0].revents = entries[1].revents = entries[2].revents = 0;
    if ((entries[2].revents & POLLIN) && read(pump->wake, &ignored, sizeof ignored) < 0 &&
        errno != EAGAIN)
        return FALSE;
    if (is_mode(pump, ABORTING))
        return FALSE;
    return !(draining && g_atomic_int_get(&pump->hurry) &&
             g_get_monotonic_time() > pump->progress + HURRY_USEC);
}

static gboolean
wait_for(OshStreamPump *pump, struct pollfd entries[3])
{
    return wait_at_most(pump, entries, -1);
}

static gboolean
is_again(gssize n)
{
    return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* --- the thread: output --- */

static void
output_failed(OshStreamPump *pump, int failure)
{
    pump->failure = failure;
    pump->undelivered = pump->end - pump->start + bytes_in(pump->from);
    close_end(&pump->from);
}

static void
delivered(OshStreamPump *pump, gssize n)
{
    pump->progress = g_get_monotonic_time();
    if (pump->left > 0)
        pump->left = MAX(pump->left - n, 0);
}

static gboolean
write_buffer(OshStreamPump *pump)
{
    const char *bytes = pump->bytes + pump->start;
    gsize length = pump->end - pump->start;
    gssize n = pump->is_socket ? send(pump->to, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                               : write(pump->to, bytes, length);

    if (is_again(n))
        return TRUE;
    if (n < 0) {
        output_failed(pump, errno);
        return FALSE;
    }
    pump->start += (gsize)n;
    return TRUE;
}

static gboolean
fill_buffer(OshStreamPump *pump, gsize most)
{
    gssize n;

    if (pump->bytes == NULL)
        pump->bytes = g_malloc(PIECE);
    n = read(pump->from, pump->bytes, MIN(most, PIECE));
    if (is_again(n))
        return TRUE;
    pump->start = 0;
    pump->end = n > 0 ? (gsize)n : 0;
    if (n > 0)
        delivered(pump, n);
    return n > 0;
}

/* Returns: FALSE when there is nothing more to come, or its reader is gone */
static gboolean
move_output(OshStreamPump *pump)
{
    gsize most = pump->left >= 0 ? (gsize)pump->left : PIECE;
    gssize n;

    if (pump->copying && pump->start < pump->end)
        return write_buffer(pump);
    if (pump->copying)
        return fill_buffer(pump, most) && write_buffer(pump);
    n = splice(pump->from, NULL, pump->to, NULL, MIN(most, PIECE),
               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (is_again(n))
        return TRUE;
    if (n < 0 && errno == EINVAL) {
        /* A file opened to be appended to, and most devices. */
        pump->copying = TRUE;
        return TRUE;
    }
    if (n < 0)
        output_failed(pump, errno);
    else
        delivered(pump, n);
    return n > 0;
}

/* The program has ended: what the pipe holds now is to be delivered, no more. */
static gboolean
has_more(OshStreamPump *pump)
{
    if (pump->left < 0 && is_mode(pump, DRAINING)) {
        pump->left = (gint64)bytes_in(pump->from);
        pump->progress = g_get_monotonic_time();
    }
    return pump->left != 0 || pump->start < pump->end;
}

static gboolean
waits_for_sink(const OshStreamPump *pump, short source)
{
    return (pump->to_is_pipe || pump->is_socket) && ((source & POLLIN) || pump->start < pump->end);
}

static void
run_output(OshStreamPump *pump)
{
    gboolean source = FALSE; /* the pipe has something */

    while (has_more(pump)) {
        gboolean pending = pump->start < pump->end;
        gboolean to_sink = waits_for_sink(pump, source ? POLLIN : 0);
        struct pollfd entries[3] = {
            {.fd = source || pending ? -1 : pump->from, .events = POLLIN},
            {.fd = pump->to, .events = to_sink ? POLLOUT : 0},
        };

        /* Nothing to wait for: a file takes what it gets. */
        if (!to_sink && (source || pending))
            entries[1].fd = -1;
        else if (!wait_for(pump, entries))
            break;
        if (is_mode(pump, ABORTING))
            break;
        if ((entries[1].revents & POLLERR) && (pump->to_is_pipe || pump->is_socket)) {
            output_failed(pump, EPIPE);
            return;
        }
        source |= (entries[0].revents & (POLLIN | POLLHUP)) != 0;
        if (to_sink ? !(entries[1].revents & POLLOUT) : !(source || pending))
            continue;
        if (!move_output(pump))
            return;
        source = FALSE;
    }
    /* Given up: bytes are lost only where the reader did not take them. */
    if (has_more(pump) && pump->from >= 0)
        output_failed(pump, ETIMEDOUT);
}

/* --- the thread: input --- */

/* Takes what the program has read out of the host's pipe, where tee(2) has left it. */
static void
discard(OshStreamPump *pump, gsize length)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    while (length > 0 && null >= 0) {
        gssize n = splice(pump->from, NULL, null, NULL, length, SPLICE_F_NONBLOCK);

        if (n < 0 && errno == EINTR)
            continue;
        /* Another process has taken it. */
        if (n <= 0)
            break;
        length -= (gsize)n;
    }
    close_end(&null);
}

/*
 * Makes the box's pipe so small that what is copied next fills it: then it can be written again
 * when something of it was read, and nobody has to look now and then. A slot holds a page, or less
 * of what was written in small pieces.
 */
static void
fit_pipe(OshStreamPump *pump)
{
    guint64 waiting = bytes_in(pump->from) / PAGE;
    int size = PAGE;

    while (size < PIECE && (guint64)size / PAGE * 2 <= waiting)
        size *= 2;
    if (size != pump->slots)
        fcntl(pump->to, F_SETPIPE_SZ, size);
    pump->slots = size;
}

/* Of what was copied, a part has been read: the rest is looked for, at first often. */
static int
look_again(gsize unread, gsize *last, int milliseconds)
{
    gboolean progress = unread != *last;

    *last = unread;
    return progress ? 1 : MIN(milliseconds * 2, LOOK_MS);
}

/* Returns with the pump at its end. */
static void
run_tee(OshStreamPump *pump)
{
    gsize outstanding = 0; /* copied, and not known to be read */
    gsize unread = 0;
    int look = -1; /* milliseconds until the next look; -1 while nothing of it was read */

    close_end(&pump->reader);
    while (is_mode(pump, RUNNING)) {
        struct pollfd entries[3] = {
            {.fd = outstanding > 0 ? -1 : pump->from, .events = POLLIN},
            {.fd = pump->to, .events = outstanding > 0 && look < 0 ? POLLOUT : 0},
        };
        gssize n;

        if (!wait_at_most(pump, entries, look) || (entries[1].revents & POLLERR))
            break;
        if (outstanding > 0) {
            gsize left = bytes_in(pump->to);

            if (left > 0) {
                look = look_again(left, &unread, MAX(look, 1));
                continue;
            }
            discard(pump, outstanding);
            outstanding = 0;
            look = -1;
            continue;
        }
        if (entries[0].revents == 0)
            continue;
        fit_pipe(pump);
        n = tee(pump->from, pump->to, PIECE, SPLICE_F_NONBLOCK);
        if (is_again(n))
            continue;
        if (n <= 0)
            break;
        outstanding = unread = (gsize)n;
    }
    if (outstanding > 0)
        discard(pump, outstanding - MIN(outstanding, bytes_in(pump->to)));
    close_end(&pump->to);
}

/* Returns: FALSE at the end of the input */
static gboolean
move_input(OshStreamPump *pump)
{
    gssize n;

    if (pump->start < pump->end) {
        n = write(pump->to, pump->bytes + pump->start, pump->end - pump->start);
        pump->start += n > 0 ? (gsize)n : 0;
        return n >= 0 || is_again(n);
    }
    if (!pump->copying) {
        n = splice(pump->from, NULL, pump->to, NULL, PIECE, SPLICE_F_NONBLOCK);
        if (n >= 0 || is_again(n))
            return n != 0;
        if (errno != EINVAL)
            return FALSE;
        pump->copying = TRUE;
    }
    if (pump->bytes == NULL)
        pump->bytes = g_malloc(PIECE);
    n = pump->is_socket ? recv(pump->from, pump->bytes, PIECE, MSG_DONTWAIT)
                        : read(pump->from, pump->bytes, PIECE);
    if (is_again(n))
        return TRUE;
    pump->start = 0;
    pump->end = n > 0 ? (gsize)n : 0;
    return n > 0;
}

/* What the program did not read is there for the next one that has the same file. */
static void
set_back(OshStreamPump *pump, off_t expected)
{
    off_t unread = (off_t)(bytes_in(pump->reader) + (pump->end - pump->start));

    if (expected >= 0 && unread > 0 && lseek(pump->from, 0, SEEK_CUR) == expected)
        lseek(pump->from, -unread, SEEK_CUR);
}

static void
run_copy(OshStreamPump *pump, gboolean has_position)
{
    off_t position = has_position ? lseek(pump->from, 0, SEEK_CUR) : -1;

    fcntl(pump->to, F_SETFL, fcntl(pump->to, F_GETFL) | O_NONBLOCK);
    /* Only where it is needed to set the position back: it hides that the program has no end. */
    if (position < 0)
        close_end(&pump->reader);
    pump->copying = pump->is_socket;
    while (is_mode(pump, RUNNING)) {
        gboolean pending = position >= 0 || pump->start < pump->end;
        struct pollfd entries[3] = {
            {.fd = pending ? -1 : pump->from, .events = POLLIN},
            {.fd = pump->to, .events = pending ? POLLOUT : 0},
        };

        if (!wait_for(pump, entries) || (entries[1].revents & POLLERR))
            break;
        if ((entries[0].revents | (entries[1].revents & POLLOUT)) == 0)
            continue;
        if (!move_input(pump))
            break;
        if (position >= 0)
            position = lseek(pump->from, 0, SEEK_CUR);
    }
    close_end(&pump->to);
    if (position < 0 || pump->reader < 0)
        return;
    /* The end of the input was told; only the program's end says what it has not read. */
    while (is_mode(pump, RUNNING)) {
        struct pollfd entries[3] = {{.fd = -1}, {.fd = -1}};

        if (!wait_for(pump, entries))
            break;
    }
    set_back(pump, position);
}

/* --- the thread: its end --- */

static gboolean
report(gpointer data)
{
    OshStreamPump *pump = data;
    OshStreamPumpDone done;
    gpointer done_data;

    g_mutex_lock(&pump->lock);
    done = pump->done;
    done_data = pump->done_data;
    pump->done = NULL;
    g_mutex_unlock(&pump->lock);
    if (done != NULL)
        done(done_data);
    return G_SOURCE_REMOVE;
}

static void
unref_pump(gpointer data)
{
    pump_unref(data);
}

/* With the lock held. The owner is told when the thread has ended and it has asked. */
static void
report_when_over(OshStreamPump *pump)
{
    GSource *source;

    if (!(pump->ended || pump->drained) || pump->done == NULL || pump->reported)
        return;
    pump->reported = TRUE;
    g_atomic_ref_count_inc(&pump->refs);
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, report, pump, unref_pump);
    g_source_attach(source, pump->context);
    g_source_unref(source);
}

/* With the lock held. */
static void
take_down_failure(OshStreamPump *pump)
{
    if (pump->drained)
        return;
    pump->told_failure = pump->failure;
    pump->told_undelivered = pump->undelivered;
}

static gpointer
end_pump(OshStreamPump *pump)
{
    g_mutex_lock(&pump->lock);
    take_down_failure(pump);
    pump->ended = TRUE;
    g_cond_broadcast(&pump->changed);
    report_when_over(pump);
    g_mutex_unlock(&pump->lock);
    pump_unref(pump);
    return NULL;
}

static gboolean
allows(int fd, int unwanted)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_ACCMODE) != unwanted;
}

/*
 * What a finish asked for is delivered. Processes that the program has left behind may still write:
 * they go on to be served, instead of being ended by SIGPIPE, until the pump is freed.
 * Returns: FALSE when it is
 */
static gboolean
go_on_after_finish(OshStreamPump *pump)
{
    gboolean more;

    g_mutex_lock(&pump->lock);
    more = pump->from >= 0 && pump->failure == 0 && pump->done != NULL && !pump->drained &&
           g_atomic_int_compare_and_exchange(&pump->mode, DRAINING, RUNNING);
    if (more) {
        take_down_failure(pump);
        pump->drained = TRUE;
        pump->left = -1;
        report_when_over(pump);
    }
    g_mutex_unlock(&pump->lock);
    return more;
}

static gpointer
output_thread(gpointer data)
{
    OshStreamPump *pump = data;

    if (allows(pump->to, O_RDONLY))
        do
            run_output(pump);
        while (go_on_after_finish(pump));
    /* So that the program is told, not left to block. */
    close_end(&pump->from);
    return end_pump(pump);
}

static gpointer
input_thread(gpointer data)
{
    OshStreamPump *pump = data;
    struct stat about = {0};

    fstat(pump->from, &about);
    if (allows(pump->from, O_WRONLY) && S_ISFIFO(about.st_mode))
        run_tee(pump);
    else if (allows(pump->from, O_WRONLY))
        run_copy(pump, S_ISREG(about.st_mode) || S_ISBLK(about.st_mode));
    close_end(&pump->to);
    return end_pump(pump);
}

/* --- its owner --- */

static OshStreamPump *
pump_new(int from, int to, int reader, int outer)
{
    OshStreamPump *pump = g_new0(OshStreamPump, 1);
    struct stat about;

    g_atomic_ref_count_init(&pump->refs);
    g_atomic_ref_count_inc(&pump->refs);
    pump->from = from;
    pump->to = to;
    pump->reader = reader;
    pump->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pump->left = -1;
    pump->context = g_main_context_ref_thread_default();
    pump->to_is_pipe = fstat(to, &about) == 0 && S_ISFIFO(about.st_mode);
    pump->is_socket = fstat(outer, &about) == 0 && S_ISSOCK(about.st_mode);
    pump->copying = pump->is_socket;
    g_mutex_init(&pump->lock);
    g_cond_init(&pump->changed);
    return pump;
}

static OshStreamPump *
pump_start(OshStreamPump *pump, const char *name, GThreadFunc run, GError **error)
{
    GThread *thread = g_thread_try_new(name, run, pump, error);

    if (thread != NULL) {
        g_thread_unref(thread);
        return pump;
    }
    /* The reference of the thread, and ours. */
    pump_unref(pump);
    pump_unref(pump);
    return NULL;
}

OshStreamPump *
osh_stream_pump_new_output(int from, int to, GError **error)
{
    OshStreamPump *pump = pump_new(from, to, -1, to);

    fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK);
    return pump_start(pump, "openshell-out", output_thread, error);
}

OshStreamPump *
osh_stream_pump_new_input(int from, int to, int reader, GError **error)
{
    return pump_start(pump_new(from, to, reader, from), "openshell-in", input_thread, error);
}

static void
set_mode(OshStreamPump *pump, int mode)
{
    guint64 one = 1;

    g_atomic_int_set(&pump->mode, mode);
    /* An eventfd that is full wakes all the same. */
    if (write(pump->wake, &one, sizeof one) < 0)
        return;
}

void
osh_stream_pump_finish(OshStreamPump *pump, OshStreamPumpDone done, gpointer data)
{
    g_mutex_lock(&pump->lock);
    pump->done = done;
    pump->done_data = data;
    report_when_over(pump);
    g_mutex_unlock(&pump->lock);
    set_mode(pump, DRAINING);
}

void
osh_stream_pump_hurry(OshStreamPump *pump)
{
    g_atomic_int_set(&pump->hurry, TRUE);
}

char *
osh_stream_pump_problem(OshStreamPump *pump)
{
    int failure;
    guint64 undelivered;

    g_mutex_lock(&pump->lock);
    failure = pump->told_failure;
    undelivered = pump->told_undelivered;
    g_mutex_unlock(&pump->lock);
    if (failure == 0 || failure == EPIPE || undelivered == 0)
        return NULL;
    return g_strdup_printf("%" G_GUINT64_FORMAT " bytes were not delivered: %s", undelivered,
                           failure == ETIMEDOUT ? "no reader took them" : g_strerror(failure));
}

gboolean
osh_stream_pump_has_ended(OshStreamPump *pump)
{
    gboolean ended;

    if (pump == NULL)
        return TRUE;
    g_mutex_lock(&pump->lock);
    ended = pump->ended;
    g_mutex_unlock(&pump->lock);
    return ended;
}

void
osh_stream_pump_free(OshStreamPump *pump)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE_USEC;

    if (pump == NULL)
        return;
    g_mutex_lock(&pump->lock);
    pump->done = NULL;
    if (!pump->ended) {
        g_atomic_int_set(&pump->hurry, TRUE);
        set_mode(pump, DRAINING);
        while (!pump->ended && g_cond_wait_until(&pump->changed, &pump->lock, deadline))
            ;
    }
    g_mutex_unlock(&pump->lock);
    set_mode(pump, ABORTING);
    pump_unref(pump);
}
