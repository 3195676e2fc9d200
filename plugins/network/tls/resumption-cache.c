/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resumption-cache.c: sessions with upstreams, by what they were made for. Any thread; the lock is
 * held for look-ups alone. The lock is the system's, which ThreadSanitizer sees through a GLib that
 * it did not build.
 */
#include "resumption-cache.h"

#include <pthread.h>

typedef struct {
    char *key;
    SSL_SESSION *sessions[OSH_RESUMPTION_TICKETS]; /* the oldest first */
    guint n;
    GList use;
} Entry;

struct _OshResumptionCache {
    pthread_mutex_t mutex;
    GHashTable *entries; /* key → Entry */
    GQueue uses;         /* the latest use first */
    guint capacity;
};

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    for (guint i = 0; i < entry->n; i++)
        SSL_SESSION_free(entry->sessions[i]);
    g_free(entry->key);
    g_free(entry);
}

OshResumptionCache *
osh_resumption_cache_new(guint capacity)
{
    OshResumptionCache *cache = g_new0(OshResumptionCache, 1);

    pthread_mutex_init(&cache->mutex, NULL);
    g_queue_init(&cache->uses);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    cache->capacity = MAX(capacity, 1);
    return cache;
}

void
osh_resumption_cache_free(OshResumptionCache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_unref(cache->entries);
    pthread_mutex_destroy(&cache->mutex);
    g_free(cache);
}

/* With the lock held. */
static void
remove_entry(OshResumptionCache *cache, Entry *entry)
{
    g_queue_unlink(&cache->uses, &entry->use);
    g_hash_table_remove(cache->entries, entry->key);
}

/* With the lock held. */
static void
use_entry(OshResumptionCache *cache, Entry *entry)
{
    g_queue_unlink(&cache->uses, &entry->use);
    g_queue_push_head_link(&cache->uses, &entry->use);
}

/* With the lock held. Returns: (transfer none): an entry of @key, perhaps a new one. */
static Entry *
entry_for(OshResumptionCache *cache, const char *key)
{
    Entry *entry = g_hash_table_lookup(cache->entries, key);

    if (entry != NULL) {
        use_entry(cache, entry);
        return entry;
    }
    entry = g_new0(Entry, 1);
    entry->key = g_strdup(key);
    entry->use.data = entry;
    g_hash_table_insert(cache->entries, entry->key, entry);
    g_queue_push_head_link(&cache->uses, &entry->use);
    if (cache->uses.length > cache->capacity)
        remove_entry(cache, cache->uses.tail->data);
    return entry;
}

/* TLS 1.2 has one session for a key: each connection that resumes it may bring it again. */
static gboolean
is_used_once(const SSL_SESSION *session)
{
    return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

void
osh_resumption_cache_put(OshResumptionCache *cache, const char *key, SSL_SESSION *session)
{
    SSL_SESSION *old = NULL;
    Entry *entry;

    if (SSL_SESSION_is_resumable(session) != 1) {
        SSL_SESSION_free(session);
        return;
    }
    pthread_mutex_lock(&cache->mutex);
    entry = entry_for(cache, key);
    if (entry->n > 0 && (entry->n == OSH_RESUMPTION_TICKETS || !is_used_once(session))) {
        old = entry->sessions[0];
        entry->n--;
        for (guint i = 0; i < entry->n; i++)
            entry->sessions[i] = entry->sessions[i + 1];
    }
    entry->sessions[entry->n++] = session;
    pthread_mutex_unlock(&cache->mutex);
    SSL_SESSION_free(old);
}

/* With the lock held. Returns: (transfer full) (nullable): the latest session of @entry, which is
 * freed with its last one. */
static SSL_SESSION *
take_latest(OshResumptionCache *cache, Entry *entry)
{
    SSL_SESSION *session = entry->sessions[entry->n - 1];

    if (!is_used_once(session)) {
        SSL_SESSION_up_ref(session);
        use_entry(cache, entry);
        return session;
    }
    entry->n--;
    if (entry->n == 0)
        remove_entry(cache, entry);
    else
        use_entry(cache, entry);
    return session;
}

static gboolean
is_fresh(const SSL_SESSION *session, gint64 now)
{
    gint64 made = SSL_SESSION_get_time(session);
    gint64 limit = MIN((gint64)SSL_SESSION_get_timeout(session), OSH_RESUMPTION_SECONDS);

    return now < made + limit && SSL_SESSION_is_resumable(session) == 1;
}

SSL_SESSION *
osh_resumption_cache_take(OshResumptionCache *cache, const char *key, gint64 now)
{
    SSL_SESSION *session = NULL;
    Entry *entry;

    pthread_mutex_lock(&cache->mutex);
    entry = g_hash_table_lookup(cache->entries, key);
    if (entry != NULL && !is_fresh(entry->sessions[entry->n - 1], now))
        /* The others are older. */
        remove_entry(cache, entry);
    else if (entry != NULL)
        session = take_latest(cache, entry);
    pthread_mutex_unlock(&cache->mutex);
    return session;
}

guint
osh_resumption_cache_size(OshResumptionCache *cache)
{
    guint size;

    pthread_mutex_lock(&cache->mutex);
    size = cache->uses.length;
    pthread_mutex_unlock(&cache->mutex);
    return size;
}
