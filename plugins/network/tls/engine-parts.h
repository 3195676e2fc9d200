/* SPDX-License-Identifier: Apache-2.0 */
/* engine-parts.h: what an engine consists of, for the files that implement it. */
#pragma once

#include <openssl/ssl.h>
#include <pthread.h>

#include "leaf-cache.h"
#include "resumption-cache.h"
#include "tls-engine.h"

G_BEGIN_DECLS

/**
 * OshTlsEngine: does not change once made, except for what locks itself and for @client_context.
 * @authority: signs
 * @leaves: leaf certificates, with what makes them
 * @resumption: sessions with upstreams
 * @server_context: of legs of clients
 * @client_context: (nullable) (atomic): of legs of upstreams, once prepared
 * @preparing: held while the roots are read
 * @listing: held while the list is made or taken
 * @list: (nullable): the revocation list, once it was asked for
 * @listed_at: when it was made, microseconds since 1970
 * @bio_method: how sockets are read and written
 * @client_chain: (nullable): the client certificate and its chain
 * @client_key: (nullable): its key
 * @upstream_roots: (nullable): as in #OshTlsSettings
 * @upstream_extra_roots: (nullable): likewise
 */
struct _OshTlsEngine {
    OshCertificateAuthority *authority;
    OshLeafCache *leaves;
    OshResumptionCache *resumption;
    SSL_CTX *server_context;
    SSL_CTX *client_context;
    pthread_mutex_t preparing;
    pthread_mutex_t listing;
    GBytes *list;
    gint64 listed_at;
    BIO_METHOD *bio_method;
    STACK_OF(X509) * client_chain;
    EVP_PKEY *client_key;
    char *upstream_roots;
    char *upstream_extra_roots;
};

G_END_DECLS
