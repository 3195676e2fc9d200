/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf-cache.h: leaf certificates by name, the least recently used one given up first.
 *
 * [any] Threads that want the same name at once have it made once: one makes it, without the lock,
 * and the others wait for that one.
 */
#pragma once

#include "leaf-mint.h"

G_BEGIN_DECLS

typedef struct _OshLeafCache OshLeafCache;

/**
 * osh_leaf_cache_new:
 * @mint: (transfer full): makes what is missing
 * @capacity: certificates that are kept, one at least
 *
 * Returns: (transfer full): an empty cache
 */
OshLeafCache *osh_leaf_cache_new(OshLeafMint *mint, guint capacity);

/** osh_leaf_cache_free: @cache: (transfer full) (nullable): nobody waits any more. */
void osh_leaf_cache_free(OshLeafCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLeafCache, osh_leaf_cache_free)

/**
 * osh_leaf_cache_get:
 * @name: as osh_leaf_mint_make() takes it
 * @now: g_get_real_time()
 *
 * A certificate that has less than two days left is made anew.
 *
 * Returns: (transfer full) (nullable): a reference to the leaf
 */
X509 *osh_leaf_cache_get(OshLeafCache *cache, const char *name, gint64 now);

/** osh_leaf_cache_minted: Returns: certificates that were made so far. */
guint64 osh_leaf_cache_minted(OshLeafCache *cache);

/** osh_leaf_cache_size: Returns: certificates that are kept. */
guint osh_leaf_cache_size(OshLeafCache *cache);

/** osh_leaf_cache_mint: Returns: (transfer none): what it was made with. */
const OshLeafMint *osh_leaf_cache_mint(const OshLeafCache *cache);

G_END_DECLS
