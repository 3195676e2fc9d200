/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-new.c: makes and frees the session of one leg. [shard] It must never read a file, and
 * never wait for anything but a leaf certificate that another shard is making.
 */
#include "engine-parts.h"
#include "failure-reason.h"
#include "session-parts.h"
#include "socket-bio.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509_vfy.h>
#include <string.h>

/* RFC 7301 section 3.1: one octet of length before each name. */
#define MAX_OFFER 1024

/* Returns: (transfer full) (nullable): a session around a new SSL of @context. */
static OshTlsSession *
session_new(const OshTlsEngine *engine, SSL_CTX *context, int fd, const char *name)
{
    OshTlsSession *session = g_new0(OshTlsSession, 1);
    BIO *bio;

    session->fd = fd;
    session->name = g_strdup(name);
    session->alert_read = -1;
    session->alert_written = -1;
    session->failure.alert = -1;
    session->ssl = SSL_new(context);
    bio = osh_socket_bio_new(engine->bio_method, session);
    if (session->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        osh_tls_session_free(session);
        return NULL;
    }
    SSL_set_app_data(session->ssl, session);
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

/* A session of one name is not resumed for another: both versions compare this context (OpenSSL's
 * ssl_get_prev_session()). */
static gboolean
bind_tickets(SSL *ssl, const char *name)
{
    guint8 digest[SHA256_DIGEST_LENGTH];

    G_STATIC_ASSERT(sizeof digest <= SSL_MAX_SID_CTX_LENGTH);
    return SHA256((const guint8 *)name, strlen(name), digest) != NULL &&
           SSL_set_session_id_context(ssl, digest, sizeof digest) == 1;
}

OshTlsSession *
osh_tls_session_new_server(OshTlsEngine *engine, int fd, const OshTlsServerLeg *leg,
                           OshTlsFailure *failure)
{
    const OshLeafMint *mint = osh_leaf_cache_mint(engine->leaves);
    X509 *leaf = osh_leaf_cache_get(engine->leaves, leg->name, g_get_real_time());
    g_autoptr(OshTlsSession) session = NULL;
    gboolean is_set_up;

    if (leaf == NULL) {
        osh_tls_failure_set(
            failure, OSH_TLS_FAILURE_LOCAL,
            "no certificate can be made for this name; tls: skip at its endpoint leaves "
            "TLS to the client, uninspected");
        return NULL;
    }
    session = session_new(engine, engine->server_context, fd, leg->name);
    is_set_up = session != NULL &&
                SSL_use_cert_and_key(session->ssl, leaf, osh_leaf_mint_key(mint),
                                     osh_leaf_mint_chain(mint), 1) == 1 &&
                bind_tickets(session->ssl, leg->name);
    X509_free(leaf);
    if (!is_set_up) {
        ERR_clear_error();
        osh_tls_failure_set(failure, OSH_TLS_FAILURE_LOCAL, "TLS with the client cannot be set up");
        return NULL;
    }
    session->is_server = TRUE;
    session->protocol = g_strdup(leg->protocol);
    session->prefix = g_memdup2(leg->prefix.data, leg->prefix.length);
    session->prefix_length = leg->prefix.length;
    SSL_set_accept_state(session->ssl);
    return g_steal_pointer(&session);
}

/* Returns: FALSE for a name that is too long, or too many of them. */
static gboolean
offer_protocols(SSL *ssl, const char *const *protocols)
{
    guint8 offer[MAX_OFFER];
    gsize at = 0;

    for (; protocols != NULL && *protocols != NULL; protocols++) {
        gsize length = strlen(*protocols);

        if (length == 0 || length > 255 || at + 1 + length > sizeof offer)
            return FALSE;
        offer[at++] = (guint8)length;
        memcpy(offer + at, *protocols, length);
        at += length;
    }
    /* Returns 0 on success. */
    return at == 0 || SSL_set_alpn_protos(ssl, offer, (guint)at) == 0;
}

/* RFC 6066 section 3: an address is no server name. */
static gboolean
expect_name(SSL *ssl, const char *name)
{
    guint8 address[sizeof(struct in6_addr)];

    if (name[0] == '\0')
        return FALSE;
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static gboolean
present_certificate(const OshTlsEngine *engine, SSL *ssl)
{
    STACK_OF(X509) * rest;
    gboolean used;

    if (engine->client_chain == NULL)
        return TRUE;
    rest = sk_X509_dup(engine->client_chain);
    used = rest != NULL &&
           SSL_use_cert_and_key(ssl, sk_X509_shift(rest), engine->client_key, rest, 1) == 1;
    sk_X509_free(rest);
    return used;
}

/* Names have no space in them, so that no two legs get the same key. */
static char *
resumption_key(const OshTlsClientLeg *leg)
{
    g_autofree char *offer =
        leg->protocols != NULL ? g_strjoinv(" ", (char **)leg->protocols) : g_strdup("");

    return g_strdup_printf("%s %u %u %s", leg->name, leg->port, leg->client_certificate ? 1u : 0u,
                           offer);
}

static void
resume(OshTlsSession *session)
{
    SSL_SESSION *earlier = osh_resumption_cache_take(session->resumption, session->resumption_key,
                                                     g_get_real_time() / G_USEC_PER_SEC);

    if (earlier == NULL)
        return;
    SSL_set_session(session->ssl, earlier);
    SSL_SESSION_free(earlier);
}

OshTlsSession *
osh_tls_session_new_client(OshTlsEngine *engine, int fd, const OshTlsClientLeg *leg,
                           OshTlsFailure *failure)
{
    SSL_CTX *context = g_atomic_pointer_get(&engine->client_context);
    g_autoptr(OshTlsSession) session = NULL;

    if (context == NULL) {
        osh_tls_failure_set(failure, OSH_TLS_FAILURE_LOCAL,
                            "the roots by which servers are verified are not loaded; see "
                            "network.upstream-ca");
        return NULL;
    }
    session = session_new(engine, context, fd, leg->name);
    if (session == NULL || !expect_name(session->ssl, leg->name) ||
        !offer_protocols(session->ssl, leg->protocols) ||
        (leg->client_certificate && !present_certificate(engine, session->ssl))) {
        ERR_clear_error();
        osh_tls_failure_set(failure, OSH_TLS_FAILURE_LOCAL,
                            leg->client_certificate
                                ? "TLS with the server cannot be set up; check the files of "
                                  "network.client-certificate and network.client-key"
                                : "TLS with the server cannot be set up; tls: skip at its endpoint "
                                  "leaves TLS to the client, uninspected");
        return NULL;
    }
    session->resumption = engine->resumption;
    session->resumption_key = resumption_key(leg);
    SSL_set_connect_state(session->ssl);
    resume(session);
    return g_steal_pointer(&session);
}

void
osh_tls_session_free(OshTlsSession *session)
{
    if (session == NULL)
        return;
    /* Otherwise a connection that just ends would spoil the session for resumption. */
    if (session->ssl != NULL && session->failure.kind == OSH_TLS_FAILURE_NONE)
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(session->ssl);
    g_free(session->prefix);
    g_free(session->name);
    g_free(session->protocol);
    g_free(session->resumption_key);
    g_free(session);
}
