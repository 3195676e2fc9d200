/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-buffer.h: a pool of fixed-size byte buffers for one shard.
 *
 * A buffer is one contiguous window: bytes are read into its free tail, parsed in place and
 * consumed from its head. Nothing is allocated per byte or per read; a released buffer is reused.
 * The pool has a hard limit, so that a flood of connections meets a refusal instead of the memory
 * of the machine.
 *
 * Threads: a pool and its buffers belong to the one shard that uses them. There is no lock.
 *
 * |[
 * OshBuffer *buffer = osh_buffer_pool_acquire(pool);
 * if (buffer == NULL)
 *     return refuse_connection();
 * gsize room;
 * guint8 *tail = osh_buffer_tail(buffer, &room);
 * ssize_t n = read(fd, tail, room);
 * if (n > 0)
 *     osh_buffer_commit(buffer, (gsize)n);
 * ]|
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshBufferPool: buffers of one size that are used again. Opaque. */
typedef struct _OshBufferPool OshBufferPool;

/**
 * OshBuffer:
 * @start: offset of the first byte not yet consumed
 * @end: offset after the last byte committed
 * @capacity: size of @bytes
 *
 * Read the fields freely; change them only through the functions below.
 */
typedef struct _OshBuffer OshBuffer;
struct _OshBuffer {
    OshBufferPool *pool;
    OshBuffer *next;
    gsize start;
    gsize end;
    gsize capacity;
    G_GNUC_EXTENSION guint8 bytes[];
};

/**
 * osh_buffer_pool_new:
 * @capacity: bytes in each buffer, at least 1
 * @limit: how many buffers may be in use at once
 * @keep_idle: how many released buffers to keep for reuse; further ones go back to the heap
 *
 * Returns: (transfer full): a pool that owns no buffer yet
 */
OshBufferPool *osh_buffer_pool_new(gsize capacity, guint limit, guint keep_idle);

/**
 * osh_buffer_pool_free:
 * @pool: (nullable) (transfer full): a pool none of whose buffers is in use
 *
 * Aborts if a buffer has not been released: it would point into freed memory.
 */
void osh_buffer_pool_free(OshBufferPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshBufferPool, osh_buffer_pool_free)

/**
 * osh_buffer_pool_acquire:
 *
 * Returns: (transfer full) (nullable): an empty buffer, or %NULL when the limit is reached; the
 *   caller must then stop reading or refuse, and never wait for one while holding another
 */
OshBuffer *osh_buffer_pool_acquire(OshBufferPool *pool);

/**
 * osh_buffer_pool_acquire_larger:
 * @capacity: bytes that it must hold; one that is larger than those of the pool counts as one of
 *   them and is not kept for reuse
 *
 * Returns: (transfer full) (nullable): as osh_buffer_pool_acquire()
 */
OshBuffer *osh_buffer_pool_acquire_larger(OshBufferPool *pool, gsize capacity);

/**
 * osh_buffer_release:
 * @buffer: (nullable) (transfer full): a buffer of the calling shard's pool
 */
void osh_buffer_release(OshBuffer *buffer);

/**
 * osh_buffer_release_wiped:
 * @buffer: (nullable) (transfer full): a buffer that has held a secret
 *
 * As osh_buffer_release(), after overwriting every byte that was ever in it.
 */
void osh_buffer_release_wiped(OshBuffer *buffer);

/** osh_buffer_pool_in_use: how many buffers are acquired now. */
guint osh_buffer_pool_in_use(const OshBufferPool *pool);

/** osh_buffer_pool_idle: how many released buffers are kept for reuse. */
guint osh_buffer_pool_idle(const OshBufferPool *pool);

/** osh_buffer_pool_trim: gives all idle buffers back to the heap, for a shard that fell quiet. */
void osh_buffer_pool_trim(OshBufferPool *pool);

/**
 * osh_buffer_window:
 * @ret_size: number of unconsumed bytes
 *
 * Returns: (transfer none): the unconsumed bytes, valid until the next tail, commit or release
 */
static inline const guint8 *
osh_buffer_window(const OshBuffer *buffer, gsize *ret_size)
{
    *ret_size = buffer->end - buffer->start;
    return buffer->bytes + buffer->start;
}

/**
 * osh_buffer_tail:
 * @ret_room: bytes that may be written; 0 when the window fills the whole buffer
 *
 * Moves the window to the front when the tail is used up, so that spans into it (which are offsets
 * from its first byte) stay right while pointers do not.
 *
 * Returns: (transfer none): where the next bytes go
 */
guint8 *osh_buffer_tail(OshBuffer *buffer, gsize *ret_room);

/** osh_buffer_commit: adds @size bytes that were written at the tail to the window. */
void osh_buffer_commit(OshBuffer *buffer, gsize size);

/** osh_buffer_consume: drops the first @size bytes of the window. */
void osh_buffer_consume(OshBuffer *buffer, gsize size);

G_END_DECLS
