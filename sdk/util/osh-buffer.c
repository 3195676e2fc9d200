/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-buffer.c: the pool behind osh-buffer.h, a free list with a hard limit.
 *
 * Owned by one shard. It must never block, take a lock or hand one buffer to two owners.
 */
#include "osh-buffer.h"

#include <string.h>

struct _OshBufferPool {
    gsize capacity;
    guint limit;
    guint keep_idle;
    guint in_use;
    guint idle;
    OshBuffer *free_list;
};

OshBufferPool *
osh_buffer_pool_new(gsize capacity, guint limit, guint keep_idle)
{
    OshBufferPool *pool;

    g_return_val_if_fail(capacity > 0, NULL);
    pool = g_new0(OshBufferPool, 1);
    pool->capacity = capacity;
    pool->limit = limit;
    pool->keep_idle = keep_idle;
    return pool;
}

void
osh_buffer_pool_trim(OshBufferPool *pool)
{
    while (pool->free_list != NULL) {
        OshBuffer *buffer = pool->free_list;

        pool->free_list = buffer->next;
        g_free(buffer);
    }
    pool->idle = 0;
}

void
osh_buffer_pool_free(OshBufferPool *pool)
{
    if (pool == NULL)
        return;
    if (pool->in_use != 0)
        g_error("buffer pool freed while %u of its buffers are in use", pool->in_use);
    osh_buffer_pool_trim(pool);
    g_free(pool);
}

OshBuffer *
osh_buffer_pool_acquire_larger(OshBufferPool *pool, gsize capacity)
{
    OshBuffer *buffer = capacity <= pool->capacity ? pool->free_list : NULL;

    if (pool->in_use >= pool->limit)
        return NULL;
    if (buffer != NULL) {
        pool->free_list = buffer->next;
        pool->idle--;
    } else {
        capacity = MAX(capacity, pool->capacity);
        buffer = g_malloc(sizeof *buffer + capacity);
        buffer->pool = pool;
        buffer->capacity = capacity;
    }
    buffer->next = NULL;
    buffer->start = 0;
    buffer->end = 0;
    pool->in_use++;
    return buffer;
}

OshBuffer *
osh_buffer_pool_acquire(OshBufferPool *pool)
{
    return osh_buffer_pool_acquire_larger(pool, 0);
}

void
osh_buffer_release(OshBuffer *buffer)
{
    OshBufferPool *pool;

    if (buffer == NULL)
        return;
    pool = buffer->pool;
    pool->in_use--;
    if (pool->idle >= pool->keep_idle || buffer->capacity != pool->capacity) {
        g_free(buffer);
        return;
    }
    buffer->next = pool->free_list;
    pool->free_list = buffer;
    pool->idle++;
}

void
osh_buffer_release_wiped(OshBuffer *buffer)
{
    if (buffer == NULL)
        return;
    /* The whole array: moving the window leaves copies of old bytes behind its end. */
    explicit_bzero(buffer->bytes, buffer->capacity);
    osh_buffer_release(buffer);
}

guint
osh_buffer_pool_in_use(const OshBufferPool *pool)
{
    return pool->in_use;
}

guint
osh_buffer_pool_idle(const OshBufferPool *pool)
{
    return pool->idle;
}

guint8 *
osh_buffer_tail(OshBuffer *buffer, gsize *ret_room)
{
    if (buffer->end == buffer->capacity && buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    *ret_room = buffer->capacity - buffer->end;
    return buffer->bytes + buffer->end;
}

void
osh_buffer_commit(OshBuffer *buffer, gsize size)
{
    g_assert(size <= buffer->capacity - buffer->end);
    buffer->end += size;
}

void
osh_buffer_consume(OshBuffer *buffer, gsize size)
{
    g_assert(size <= buffer->end - buffer->start);
    buffer->start += size;
    /* An empty window starts over at the front, which saves the move later. */
    if (buffer->start == buffer->end) {
        buffer->start = 0;
        buffer->end = 0;
    }
}
