/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-engine.c: puts together what the connections of a run share. Made on [main], used by [any].
 * It must never read the roots on a shard, and never write or print a key.
 */
#include "engine-parts.h"

#include "certificate-parts.h"
#include "pem-file.h"
#include "socket-bio.h"
#include "tls-contexts.h"
#include "upstream-roots.h"

#include "openshell/host.h"

/* Microseconds; a list is valid for a week. */
#define LIST_RENEWED_AFTER G_TIME_SPAN_DAY

static const OshTlsSettings defaults;

static gboolean
make_authority(OshTlsEngine *engine, const OshTlsSettings *settings, GError **error)
{
    g_autoptr(OshLeafMint) mint = NULL;

    if (settings->authority_certificate != NULL || settings->authority_key != NULL)
        engine->authority = osh_certificate_authority_read(settings->authority_certificate,
                                                           settings->authority_key, error);
    else
        engine->authority = osh_certificate_authority_new(settings->revocation_list_uri, error);
    if (engine->authority == NULL)
        return FALSE;
    /* A list that the authority may not sign would be worse than none. */
    mint = osh_leaf_mint_new(engine->authority,
                             osh_certificate_authority_signs_lists(engine->authority)
                                 ? settings->revocation_list_uri
                                 : NULL,
                             error);
    if (mint == NULL)
        return FALSE;
    engine->leaves = osh_leaf_cache_new(g_steal_pointer(&mint), settings->leaf_capacity > 0
                                                                    ? settings->leaf_capacity
                                                                    : OSH_TLS_LEAF_CAPACITY);
    return TRUE;
}

static gboolean
make_server_side(OshTlsEngine *engine, GError **error)
{
    engine->server_context = osh_tls_server_context();
    engine->bio_method = osh_socket_bio_method();
    if (engine->server_context != NULL && engine->bio_method != NULL)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot set up TLS: %s", osh_tls_last_error());
    return FALSE;
}

OshTlsEngine *
osh_tls_engine_new(const OshTlsSettings *settings, GError **error)
{
    g_autoptr(OshTlsEngine) engine = g_new0(OshTlsEngine, 1);

    if (settings == NULL)
        settings = &defaults;
    pthread_mutex_init(&engine->preparing, NULL);
    pthread_mutex_init(&engine->listing, NULL);
    engine->upstream_roots = g_strdup(settings->upstream_roots);
    engine->upstream_extra_roots = g_strdup(settings->upstream_extra_roots);
    engine->resumption =
        osh_resumption_cache_new(settings->resumption_capacity > 0 ? settings->resumption_capacity
                                                                   : OSH_TLS_RESUMPTION_CAPACITY);
    if (!make_authority(engine, settings, error) ||
        !osh_pem_pair(settings->client_certificate, settings->client_key, "the client certificate",
                      &engine->client_chain, &engine->client_key, error) ||
        !make_server_side(engine, error))
        return NULL;
    return g_steal_pointer(&engine);
}

void
osh_tls_engine_free(OshTlsEngine *engine)
{
    if (engine == NULL)
        return;
    SSL_CTX_free(engine->server_context);
    SSL_CTX_free(engine->client_context);
    BIO_meth_free(engine->bio_method);
    osh_resumption_cache_free(engine->resumption);
    osh_leaf_cache_free(engine->leaves);
    osh_certificate_authority_free(engine->authority);
    sk_X509_pop_free(engine->client_chain, X509_free);
    EVP_PKEY_free(engine->client_key);
    pthread_mutex_destroy(&engine->preparing);
    pthread_mutex_destroy(&engine->listing);
    g_clear_pointer(&engine->list, g_bytes_unref);
    g_free(engine->upstream_roots);
    g_free(engine->upstream_extra_roots);
    g_free(engine);
}

const char *
osh_tls_engine_authority_pem(const OshTlsEngine *engine)
{
    return osh_certificate_authority_pem(engine->authority);
}

GBytes *
osh_tls_engine_revocation_list(OshTlsEngine *engine, gint64 now)
{
    GBytes *list;

    pthread_mutex_lock(&engine->listing);
    if (engine->list == NULL || now - engine->listed_at > LIST_RENEWED_AFTER ||
        now < engine->listed_at - G_TIME_SPAN_HOUR) {
        g_clear_pointer(&engine->list, g_bytes_unref);
        engine->list = osh_certificate_authority_revocation_list(engine->authority);
        engine->listed_at = now;
    }
    list = engine->list != NULL ? g_bytes_ref(engine->list) : NULL;
    pthread_mutex_unlock(&engine->listing);
    return list;
}

/* With the lock held. */
static gboolean
read_roots(OshTlsEngine *engine, GError **error)
{
    SSL_CTX *context;
    X509_STORE *roots;

    if (engine->client_context != NULL)
        return TRUE;
    roots = osh_upstream_roots(engine->upstream_roots, engine->upstream_extra_roots, error);
    if (roots == NULL)
        return FALSE;
    context = osh_tls_client_context(roots);
    if (context == NULL)
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot set up TLS with servers: %s",
                    osh_tls_last_error());
    g_atomic_pointer_set(&engine->client_context, context);
    return context != NULL;
}

gboolean
osh_tls_engine_prepare_upstream(OshTlsEngine *engine, GError **error)
{
    gboolean prepared;

    pthread_mutex_lock(&engine->preparing);
    prepared = read_roots(engine, error);
    pthread_mutex_unlock(&engine->preparing);
    return prepared;
}

gboolean
osh_tls_engine_upstream_is_ready(const OshTlsEngine *engine)
{
    return g_atomic_pointer_get(&((OshTlsEngine *)engine)->client_context) != NULL;
}

guint64
osh_tls_engine_leaves_minted(OshTlsEngine *engine)
{
    return osh_leaf_cache_minted(engine->leaves);
}
