/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resumption-cache.h: TLS sessions with upstreams that a later connection can resume. [any]
 *
 * A key says with whom and for what: name, port, ALPN offer and whether a client certificate was
 * offered. The certificate of the upstream was verified for that name when the first session was
 * made, and resuming relies on that, so a key is never shared.
 */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

typedef struct _OshResumptionCache OshResumptionCache;

/** OSH_RESUMPTION_TICKETS: sessions that are kept for one key. */
#define OSH_RESUMPTION_TICKETS 4
/** OSH_RESUMPTION_SECONDS: age at which a session is no longer resumed, whatever the upstream says:
 * by then its certificate is looked at again. */
#define OSH_RESUMPTION_SECONDS 7200

/** osh_resumption_cache_new: @capacity: keys that are kept, one at least. Returns: (transfer full):
 * an empty cache. */
OshResumptionCache *osh_resumption_cache_new(guint capacity);

/** osh_resumption_cache_free: @cache: (transfer full) (nullable): the sessions are wiped. */
void osh_resumption_cache_free(OshResumptionCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshResumptionCache, osh_resumption_cache_free)

/**
 * osh_resumption_cache_put:
 * @session: (transfer full): dropped when it cannot be resumed
 *
 * The least recently used key is given up for a new one.
 */
void osh_resumption_cache_put(OshResumptionCache *cache, const char *key, SSL_SESSION *session);

/**
 * osh_resumption_cache_take:
 * @now: seconds since 1970
 *
 * A session of TLS 1.3 is taken out: a ticket is used once, so that observers cannot link
 * connections (RFC 8446 appendix C.4). One of TLS 1.2 stays.
 *
 * Returns: (transfer full) (nullable): the latest session of @key
 */
SSL_SESSION *osh_resumption_cache_take(OshResumptionCache *cache, const char *key, gint64 now);

/** osh_resumption_cache_size: Returns: keys that are kept. */
guint osh_resumption_cache_size(OshResumptionCache *cache);

G_END_DECLS
