/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe-pool.h: pipes that carry bytes between two sockets without a copy.
 *
 * A relay holds a pipe only while bytes are inside it, so a thousand idle tunnels need none. A
 * pool belongs to one shard.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshPipePool OshPipePool;

/**
 * OshPipe:
 * @read_fd: where bytes come out
 * @write_fd: where bytes go in
 * @queued: bytes inside
 * @capacity: how many fit, as the kernel counts
 */
typedef struct _OshPipe OshPipe;
struct _OshPipe {
    OshPipePool *pool;
    OshPipe *next;
    int read_fd;
    int write_fd;
    gsize queued;
    gsize capacity;
    gboolean large;
};

/**
 * osh_pipe_pool_new:
 * @max_large: how many pipes may have the large capacity at once; further ones are small, which
 *   bounds the kernel memory that slow readers can hold
 *
 * Returns: (transfer full): a pool without a pipe yet
 */
OshPipePool *osh_pipe_pool_new(guint max_large);

/** osh_pipe_pool_free: @pool: (nullable) (transfer full): none of its pipes may be acquired. */
void osh_pipe_pool_free(OshPipePool *pool);

/** osh_pipe_pool_acquire: Returns: (transfer full) (nullable): an empty pipe; NULL with errno. */
OshPipe *osh_pipe_pool_acquire(OshPipePool *pool);

/**
 * osh_pipe_release:
 * @pipe: (nullable) (transfer full): kept for reuse when it is empty, closed otherwise, because
 *   bytes of one connection must never reach another
 */
void osh_pipe_release(OshPipe *pipe);

G_END_DECLS
