/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf-cache.c: the cache of leaf certificates. Any thread. It must not hold its lock while a
 * certificate is made.
 *
 * An entry is in the table from the moment at which its making begins, and in the list of uses once
 * it is made; so what is being made is never given up. The lock is the system's, which
 * ThreadSanitizer sees through a GLib that it did not build.
 */
#include "leaf-cache.h"

#include "certificate-parts.h"

#include <openssl/err.h>
#include <pthread.h>

/* Microseconds after which a leaf is made anew. */
#define RENEW_AFTER ((OSH_CERTIFICATE_VALID_AFTER - 2 * 24 * 3600) * G_TIME_SPAN_SECOND)

typedef enum {
    ENTRY_MAKING,
    ENTRY_MADE,
    ENTRY_FAILED,
} EntryState;

typedef struct {
    char *name;
    EntryState state;
    X509 *leaf; /* (nullable): once made */
    gint64 made_at;
    guint waiting; /* threads that look at it while it is being made */
    GList use;     /* in the list of uses, once made */
} Entry;

struct _OshLeafCache {
    pthread_mutex_t mutex;
    pthread_cond_t made;
    OshLeafMint *mint;
    GHashTable *entries; /* name → Entry; the table owns neither */
    GQueue uses;         /* the latest use first */
    guint capacity;
    guint64 minted;
};

static void
entry_free(Entry *entry)
{
    X509_free(entry->leaf);
    g_free(entry->name);
    g_free(entry);
}

OshLeafCache *
osh_leaf_cache_new(OshLeafMint *mint, guint capacity)
{
    OshLeafCache *cache = g_new0(OshLeafCache, 1);

    pthread_mutex_init(&cache->mutex, NULL);
    pthread_cond_init(&cache->made, NULL);
    g_queue_init(&cache->uses);
    cache->mint = mint;
    cache->entries = g_hash_table_new(g_str_hash, g_str_equal);
    cache->capacity = MAX(capacity, 1);
    return cache;
}

void
osh_leaf_cache_free(OshLeafCache *cache)
{
    GHashTableIter iter;
    gpointer entry;

    if (cache == NULL)
        return;
    g_hash_table_iter_init(&iter, cache->entries);
    while (g_hash_table_iter_next(&iter, NULL, &entry))
        entry_free(entry);
    g_hash_table_unref(cache->entries);
    osh_leaf_mint_free(cache->mint);
    pthread_cond_destroy(&cache->made);
    pthread_mutex_destroy(&cache->mutex);
    g_free(cache);
}

/* With the lock held. Takes a made entry out of the cache. */
static void
remove_entry(OshLeafCache *cache, Entry *entry)
{
    g_hash_table_remove(cache->entries, entry->name);
    g_queue_unlink(&cache->uses, &entry->use);
    entry_free(entry);
}

/* With the lock held. Returns: (transfer full): the leaf of an entry that is made. */
static X509 *
use_entry(OshLeafCache *cache, Entry *entry)
{
    g_queue_unlink(&cache->uses, &entry->use);
    g_queue_push_head_link(&cache->uses, &entry->use);
    X509_up_ref(entry->leaf);
    return entry->leaf;
}

/* With the lock held. Returns: (transfer full) (nullable): what another thread is making. */
static X509 *
wait_for(OshLeafCache *cache, Entry *entry)
{
    X509 *leaf = NULL;

    entry->waiting++;
    while (entry->state == ENTRY_MAKING)
        pthread_cond_wait(&cache->made, &cache->mutex);
    entry->waiting--;
    if (entry->state == ENTRY_MADE)
        leaf = use_entry(cache, entry);
    else if (entry->waiting == 0)
        entry_free(entry);
    return leaf;
}

/* With the lock held. What others still look at is not given up. */
static void
shrink(OshLeafCache *cache)
{
    GList *link = cache->uses.tail;

    while (link != NULL && cache->uses.length > cache->capacity) {
        Entry *entry = link->data;

        link = link->prev;
        if (entry->waiting == 0)
            remove_entry(cache, entry);
    }
}

/* With the lock held, which is given up meanwhile. Returns: (transfer full) (nullable): a leaf. */
static X509 *
make_entry(OshLeafCache *cache, const char *name, gint64 now)
{
    Entry *entry = g_new0(Entry, 1);
    X509 *leaf;

    entry->name = g_strdup(name);
    entry->use.data = entry;
    entry->made_at = now;
    g_hash_table_insert(cache->entries, entry->name, entry);
    pthread_mutex_unlock(&cache->mutex);
    leaf = osh_leaf_mint_make(cache->mint, name);
    ERR_clear_error();
    pthread_mutex_lock(&cache->mutex);
    if (leaf != NULL) {
        entry->leaf = leaf;
        entry->state = ENTRY_MADE;
        X509_up_ref(leaf);
        g_queue_push_head_link(&cache->uses, &entry->use);
        cache->minted++;
        shrink(cache);
    } else {
        entry->state = ENTRY_FAILED;
        g_hash_table_remove(cache->entries, entry->name);
        if (entry->waiting == 0)
            entry_free(entry);
    }
    pthread_cond_broadcast(&cache->made);
    return leaf;
}

X509 *
osh_leaf_cache_get(OshLeafCache *cache, const char *name, gint64 now)
{
    Entry *entry;
    X509 *leaf;

    pthread_mutex_lock(&cache->mutex);
    entry = g_hash_table_lookup(cache->entries, name);
    /* A clock that was set back makes one anew, too: it may not be valid yet. */
    if (entry != NULL && entry->state == ENTRY_MADE && entry->waiting == 0 &&
        (now - entry->made_at > RENEW_AFTER || now < entry->made_at - G_TIME_SPAN_HOUR)) {
        remove_entry(cache, entry);
        entry = NULL;
    }
    if (entry == NULL)
        leaf = make_entry(cache, name, now);
    else if (entry->state == ENTRY_MADE)
        leaf = use_entry(cache, entry);
    else
        leaf = wait_for(cache, entry);
    pthread_mutex_unlock(&cache->mutex);
    return leaf;
}

guint64
osh_leaf_cache_minted(OshLeafCache *cache)
{
    guint64 minted;

    pthread_mutex_lock(&cache->mutex);
    minted = cache->minted;
    pthread_mutex_unlock(&cache->mutex);
    return minted;
}

guint
osh_leaf_cache_size(OshLeafCache *cache)
{
    guint size;

    pthread_mutex_lock(&cache->mutex);
    size = cache->uses.length;
    pthread_mutex_unlock(&cache->mutex);
    return size;
}

const OshLeafMint *
osh_leaf_cache_mint(const OshLeafCache *cache)
{
    return cache->mint;
}
