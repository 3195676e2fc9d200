/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-contexts.c: the SSL_CTX of each leg. Their callbacks run on the shard of the session that
 * they are called for, and touch nothing but that session and the cache of sessions.
 */
#include "tls-contexts.h"

#include "session-parts.h"

#include <string.h>

#include <openssl/x509v3.h>

/* Perfect forward secrecy and AEAD alone; servers that are older are met with more patience. */
#define SERVER_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define CLIENT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!PSK:!SRP"
/* The short key first: it is as safe here, and faster. */
#define CIPHERS_OF_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS         "X25519:P-256:P-384"

/* Returns: the number of an alert that ends TLS, or -1. In TLS 1.2 some servers warn that they do
 * not know a name and go on (RFC 6066 section 3); in TLS 1.3 the level says nothing (RFC 8446
 * section 6). */
static gint
ending_alert(const SSL *ssl, int value)
{
    gint level = value >> 8;
    gint number = value & 0xff;

    if (level != SSL3_AL_FATAL && SSL_version(ssl) < TLS1_3_VERSION)
        return -1;
    return number == SSL3_AD_CLOSE_NOTIFY || number == TLS1_AD_USER_CANCELLED ? -1 : number;
}

/* Called between the messages of a handshake and for each alert, never for a record of data. */
static void
watch_messages(const SSL *ssl, int where, int value)
{
    OshTlsSession *session = osh_tls_session_of(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        session->alert_read = ending_alert(ssl, value);
    else if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT)
        session->alert_written = ending_alert(ssl, value);
    else if ((where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP &&
             SSL_get_state(ssl) == TLS_ST_SW_CERT)
        session->certificate_sent = TRUE;
}

/* RFC 7301 section 3.2. */
static int
select_protocol(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_length,
                const unsigned char *offer, unsigned int length, void *data)
{
    const OshTlsSession *session = osh_tls_session_of(ssl);
    gsize wanted = session->protocol != NULL ? strlen(session->protocol) : 0;

    (void)data;
    if (wanted == 0)
        return SSL_TLSEXT_ERR_NOACK;
    for (guint at = 0; at < length; at += 1 + offer[at]) {
        if (offer[at] == wanted && at + 1 + wanted <= length &&
            memcmp(offer + at + 1, session->protocol, wanted) == 0) {
            *ret_protocol = offer + at + 1;
            *ret_length = offer[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Returns: 1 when the session was taken. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    const OshTlsSession *leg = osh_tls_session_of(ssl);

    if (leg->resumption == NULL || leg->resumption_key == NULL)
        return 0;
    osh_resumption_cache_put(leg->resumption, leg->resumption_key, session);
    return 1;
}

static SSL_CTX *
context_new(const SSL_METHOD *method, const char *ciphers)
{
    SSL_CTX *context;

    /* A configuration file could name code to load. */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    context = SSL_CTX_new(method);
    if (context == NULL)
        return NULL;
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* With read-ahead a record takes one recv(2) instead of two; buffers are given back while a
     * connection is idle. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_info_callback(context, watch_messages);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
        SSL_CTX_set_ciphersuites(context, CIPHERS_OF_1_3) == 1 &&
        SSL_CTX_set1_groups_list(context, GROUPS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *
osh_tls_server_context(void)
{
    SSL_CTX *context = context_new(TLS_server_method(), SERVER_CIPHERS);

    if (context == NULL)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    return context;
}

SSL_CTX *
osh_tls_client_context(X509_STORE *roots)
{
    SSL_CTX *context = context_new(TLS_client_method(), CLIENT_CIPHERS);
    X509_VERIFY_PARAM *parameters;

    if (context == NULL) {
        X509_STORE_free(roots);
        return NULL;
    }
    SSL_CTX_set_cert_store(context, roots);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    parameters = SSL_CTX_get0_param(context);
    /* RFC 9525: the common name is no host name, and a wildcard is a whole label. */
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    /* What a file of roots names is trusted, also when it is not self-signed. */
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    return context;
}
