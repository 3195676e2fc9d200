/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-fd-writer.c: a bounded queue and the thread that writes it out.
 *
 * [any]: one lock guards everything but the write itself, which is made without it, by the thread
 * alone. The thread holds a reference: where its write never returns, nothing that it uses goes
 * away. It must never write more than PIPE_BUF bytes at once, so that a line of ours stays whole
 * among those of other processes.
 */
#include "osh-fd-writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct _OshFdWriter {
    gatomicrefcount refs; /* the owner and the thread */
    int fd;
    int progress;
    gsize capacity;
    OshFdWriterLoss loss;
    GMutex lock;
    GCond changed;
    GString *queue;
    gsize allowed; /* of the queue: may be written; G_MAXSIZE for all */
    gsize writing; /* bytes that the thread has taken out of the queue */
    guint64 lost;
    gboolean broken;
    gboolean stopping;
    gboolean started;
};

static void
writer_unref(OshFdWriter *writer)
{
    if (!g_atomic_ref_count_dec(&writer->refs))
        return;
    close(writer->fd);
    close(writer->progress);
    g_string_free(writer->queue, TRUE);
    g_mutex_clear(&writer->lock);
    g_cond_clear(&writer->changed);
    g_free(writer);
}

OshFdWriter *
osh_fd_writer_new(int fd, gsize capacity, OshFdWriterLoss loss)
{
    OshFdWriter *writer = g_new0(OshFdWriter, 1);

    g_atomic_ref_count_init(&writer->refs);
    writer->fd = fd;
    writer->progress = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    writer->capacity = capacity;
    writer->loss = loss;
    writer->queue = g_string_new(NULL);
    writer->allowed = G_MAXSIZE;
    g_mutex_init(&writer->lock);
    g_cond_init(&writer->changed);
    return writer;
}

/* --- the thread --- */

/* Returns: how much of @bytes one write(2) should have: whole lines as far as they fit. */
static gsize
piece_of(const char *bytes, gsize length)
{
    const char *end;

    if (length <= PIPE_BUF)
        return length;
    end = memrchr(bytes, '\n', PIPE_BUF);
    return end != NULL ? (gsize)(end - bytes) + 1 : PIPE_BUF;
}

/* Another program has made it non-blocking: then the waiting is done here. */
static void
wait_until_writable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLOUT};

    poll(&entry, 1, 1000);
}

/* Returns: FALSE when the descriptor takes nothing any more. */
static gboolean
write_piece(OshFdWriter *writer, const char *bytes, gsize length)
{
    gsize done = 0;

    while (done < length) {
        gssize n = write(writer->fd, bytes + done, length - done);

        if (n < 0 && errno == EAGAIN)
            wait_until_writable(writer->fd);
        else if (n < 0 && errno != EINTR)
            return FALSE;
        done += n > 0 ? (gsize)n : 0;
    }
    return TRUE;
}

static void
tell_progress(OshFdWriter *writer)
{
    guint64 one = 1;

    /* An eventfd that is full is readable all the same. */
    if (write(writer->progress, &one, sizeof one) < 0)
        return;
}

static void
note_loss(OshFdWriter *writer)
{
    if (writer->lost == 0 || writer->loss == NULL)
        return;
    writer->loss(writer->queue, writer->lost);
    writer->lost = 0;
}

static gpointer
writer_run(gpointer data)
{
    OshFdWriter *writer = data;

    g_mutex_lock(&writer->lock);
    while (!writer->stopping && !writer->broken) {
        char piece[PIPE_BUF];
        gsize ready;
        gboolean good;

        if (writer->queue->len == 0)
            note_loss(writer);
        ready = MIN(writer->queue->len, writer->allowed);
        if (ready == 0) {
            g_cond_wait(&writer->changed, &writer->lock);
            continue;
        }
        writer->writing = piece_of(writer->queue->str, ready);
        if (writer->allowed != G_MAXSIZE)
            writer->allowed -= writer->writing;
        memcpy(piece, writer->queue->str, writer->writing);
        g_string_erase(writer->queue, 0, (gssize)writer->writing);
        g_mutex_unlock(&writer->lock);
        good = write_piece(writer, piece, writer->writing);
        g_mutex_lock(&writer->lock);
        writer->writing = 0;
        writer->broken |= !good;
        if (!good)
            g_string_truncate(writer->queue, 0);
        /* Behind the change: the thread that is woken looks at what is pending. */
        tell_progress(writer);
        g_cond_broadcast(&writer->changed);
    }
    g_mutex_unlock(&writer->lock);
    writer_unref(writer);
    return NULL;
}

/* --- its owner --- */

void
osh_fd_writer_start(OshFdWriter *writer)
{
    GThread *thread;
    gboolean started;

    g_mutex_lock(&writer->lock);
    started = writer->started;
    writer->started = TRUE;
    g_mutex_unlock(&writer->lock);
    if (started)
        return;
    g_atomic_ref_count_inc(&writer->refs);
    thread = g_thread_new("openshell-write", writer_run, writer);
    g_thread_unref(thread);
}

static gsize
capacity_left(const OshFdWriter *writer)
{
    gsize used = writer->queue->len + writer->writing;

    return used < writer->capacity ? writer->capacity - used : 0;
}

gsize
osh_fd_writer_add(OshFdWriter *writer, const char *bytes, gsize length)
{
    gsize taken;

    g_mutex_lock(&writer->lock);
    taken = writer->broken ? length : MIN(length, capacity_left(writer));
    if (!writer->broken)
        g_string_append_len(writer->queue, bytes, (gssize)taken);
    g_cond_broadcast(&writer->changed);
    g_mutex_unlock(&writer->lock);
    return taken;
}

gboolean
osh_fd_writer_add_line(OshFdWriter *writer, const char *line, gsize length)
{
    gboolean taken;

    g_mutex_lock(&writer->lock);
    taken = !writer->broken && length <= capacity_left(writer);
    if (taken) {
        /* Where the lost ones would have stood. */
        note_loss(writer);
        g_string_append_len(writer->queue, line, (gssize)length);
    } else {
        writer->lost++;
    }
    g_cond_broadcast(&writer->changed);
    g_mutex_unlock(&writer->lock);
    return taken;
}

void
osh_fd_writer_limit(OshFdWriter *writer, gboolean limit)
{
    g_mutex_lock(&writer->lock);
    writer->allowed = limit ? writer->queue->len : G_MAXSIZE;
    g_cond_broadcast(&writer->changed);
    g_mutex_unlock(&writer->lock);
}

gsize
osh_fd_writer_pending(OshFdWriter *writer)
{
    gsize pending;

    g_mutex_lock(&writer->lock);
    pending = writer->queue->len + writer->writing;
    g_mutex_unlock(&writer->lock);
    return pending;
}

gboolean
osh_fd_writer_is_broken(OshFdWriter *writer)
{
    gboolean broken;

    g_mutex_lock(&writer->lock);
    broken = writer->broken;
    g_mutex_unlock(&writer->lock);
    return broken;
}

int
osh_fd_writer_progress_fd(OshFdWriter *writer)
{
    return writer->progress;
}

gboolean
osh_fd_writer_flush(OshFdWriter *writer, gint64 deadline)
{
    gboolean empty;

    g_mutex_lock(&writer->lock);
    while (writer->queue->len + writer->writing > 0 || (writer->lost > 0 && writer->loss != NULL)) {
        if (writer->broken || !g_cond_wait_until(&writer->changed, &writer->lock, deadline))
            break;
    }
    empty = !writer->broken && writer->queue->len + writer->writing == 0;
    g_mutex_unlock(&writer->lock);
    return empty;
}

void
osh_fd_writer_free(OshFdWriter *writer)
{
    if (writer == NULL)
        return;
    g_mutex_lock(&writer->lock);
    writer->stopping = TRUE;
    g_cond_broadcast(&writer->changed);
    g_mutex_unlock(&writer->lock);
    writer_unref(writer);
}
