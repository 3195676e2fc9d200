/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h: the bounded pool for blocking work behind "openshell.worker/1".
 *
 * The host hands it to plugins as OshInterface {"host", osh_worker_pool_interface(), pool}.
 * Stop it after the plugins and before the shards, so that every done callback finds its thread.
 */
#pragma once

#include "openshell/ext/worker.h"

#include "shard.h"

G_BEGIN_DECLS

typedef struct _OshWorkerPool OshWorkerPool;

/**
 * osh_worker_pool_new:
 * @context: (nullable): the main loop's context; NULL for the default one
 * @shards: (nullable) (transfer none): outlives the pool
 * @threads: most threads at once; 0 for 4. Each starts when first needed.
 * @queue: most pieces of work that wait for a thread; 0 for 256
 *
 * [main] The calling thread is the one that work submitted outside the shards returns to.
 *
 * Returns: (transfer full): the pool
 */
OshWorkerPool *osh_worker_pool_new(GMainContext *context, OshShardPool *shards, guint threads,
                                   guint queue);

/**
 * osh_worker_pool_stop:
 * @deadline: g_get_monotonic_time() until which to wait
 *
 * [main] Refuses further work and waits for what was accepted; the done callbacks that belong to
 * the main thread run from its loop afterwards.
 *
 * Returns: whether all work ended; if not, threads still run and the pool must not be freed
 */
gboolean osh_worker_pool_stop(OshWorkerPool *pool, gint64 deadline);

/**
 * osh_worker_pool_free:
 * @pool: (transfer full) (nullable): the pool
 *
 * [main] Waits for accepted work. Done callbacks that the main loop has not run are dropped.
 */
void osh_worker_pool_free(OshWorkerPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshWorkerPool, osh_worker_pool_free)

/** osh_worker_pool_interface: [any] Returns: (transfer none): the vtable. */
const OshWorkerInterface *osh_worker_pool_interface(void);

/** osh_worker_pool_submit: [main, shard] see osh_worker_submit(). */
gboolean osh_worker_pool_submit(OshWorkerPool *pool, OshCallback work, OshCallback done,
                                gpointer data);

G_END_DECLS
