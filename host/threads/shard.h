/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.h: the data-plane threads behind "openshell.shard/1" (openshell/ext/shard.h says what the
 * functions promise).
 *
 * The host hands the pool to plugins as
 *   OshInterface {"host", osh_shard_pool_interface(), pool}
 */
#pragma once

#include "openshell/ext/shard.h"

G_BEGIN_DECLS

typedef struct _OshShardPool OshShardPool;

/** OSH_SHARD_LONG_CALLBACK: a callback longer than this is counted and named, microseconds. */
#define OSH_SHARD_LONG_CALLBACK 50000

/**
 * osh_shard_pool_new:
 * @count: how many shards; 0 for one per core that this process may use
 *
 * [main] Starts no thread yet; count() answers already, post() refuses.
 *
 * Returns: (transfer full): the pool
 */
OshShardPool *osh_shard_pool_new(guint count);

/**
 * osh_shard_pool_start:
 *
 * [main] Starts the threads, all signals blocked in them. Once.
 *
 * Returns: FALSE with @error set, and then no thread is left running
 */
gboolean osh_shard_pool_start(OshShardPool *pool, GError **error);

/**
 * osh_shard_pool_stop:
 *
 * [main] Refuses further posts, lets each shard run what was posted before, then joins it. Timers
 * that have not fired and watches are freed without a call. Does nothing when not started.
 */
void osh_shard_pool_stop(OshShardPool *pool);

/** osh_shard_pool_free: [main] @pool: (transfer full) (nullable): is stopped first. */
void osh_shard_pool_free(OshShardPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshShardPool, osh_shard_pool_free)

/** osh_shard_pool_interface: [any] Returns: (transfer none): the vtable; its instance is a pool. */
const OshShardInterface *osh_shard_pool_interface(void);

/** osh_shard_pool_current: [any] Returns: index of the calling shard of @pool, or -1. */
gint osh_shard_pool_current(OshShardPool *pool);

/** osh_shard_pool_post: [any] Returns: whether @callback will run on shard @index. */
gboolean osh_shard_pool_post(OshShardPool *pool, guint index, OshCallback callback, gpointer data);

/** osh_shard_pool_long_callbacks: [any] Returns: callbacks that held a shard for too long. */
guint64 osh_shard_pool_long_callbacks(OshShardPool *pool);

G_END_DECLS
