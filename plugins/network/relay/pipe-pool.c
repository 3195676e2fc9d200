/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's pipes for splice(2). Owned and used by one shard. Never hands out a pipe with bytes
 * of an earlier connection in it.
 */
#include "pipe-pool.h"

#include <fcntl.h>
#include <unistd.h>

/* Larger is no faster: what one turn takes should still be in the cache when it is sent on. */
#define LARGE_CAPACITY (1024 * 1024)
#define KEEP_IDLE      16

struct _OshPipePool {
    OshPipe *idle;
    guint n_idle;
    guint n_large;
    guint max_large;
};

OshPipePool *
osh_pipe_pool_new(guint max_large)
{
    OshPipePool *pool = g_new0(OshPipePool, 1);

    pool->max_large = max_large;
    return pool;
}

static void
pipe_close(OshPipe *pipe)
{
    if (pipe->large)
        pipe->pool->n_large--;
    close(pipe->read_fd);
    close(pipe->write_fd);
    g_free(pipe);
}

void
osh_pipe_pool_free(OshPipePool *pool)
{
    if (pool == NULL)
        return;
    while (pool->idle != NULL) {
        OshPipe *pipe = pool->idle;

        pool->idle = pipe->next;
        pipe_close(pipe);
    }
    g_assert(pool->n_large == 0);
    g_free(pool);
}

OshPipe *
osh_pipe_pool_acquire(OshPipePool *pool)
{
    OshPipe *pipe = pool->idle;
    int fds[2];
    int capacity = 0;

    if (pipe != NULL) {
        pool->idle = pipe->next;
        pool->n_idle--;
        return pipe;
    }
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return NULL;
    pipe = g_new0(OshPipe, 1);
    pipe->pool = pool;
    pipe->read_fd = fds[0];
    pipe->write_fd = fds[1];
    if (pool->n_large < pool->max_large)
        capacity = fcntl(fds[1], F_SETPIPE_SZ, LARGE_CAPACITY);
    if (capacity > 0) {
        pipe->large = TRUE;
        pool->n_large++;
    } else {
        capacity = fcntl(fds[1], F_GETPIPE_SZ);
    }
    pipe->capacity = capacity > 0 ? (gsize)capacity : 65536;
    return pipe;
}

void
osh_pipe_release(OshPipe *pipe)
{
    if (pipe == NULL)
        return;
    if (pipe->queued != 0 || pipe->pool->n_idle >= KEEP_IDLE) {
        pipe_close(pipe);
        return;
    }
    pipe->next = pipe->pool->idle;
    pipe->pool->idle = pipe;
    pipe->pool->n_idle++;
}
