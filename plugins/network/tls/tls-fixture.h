/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-fixture.h: what the tests of the TLS engine share: certificates of other people's making, and
 * peers that are plain OpenSSL.
 */
#pragma once

#include <openssl/ssl.h>

#include "tls-session.h"

/** TlsPair: a key and its certificate. */
typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} TlsPair;

/**
 * TlsSpec: what a certificate is to say.
 * @common_name: of its subject
 * @names: (nullable): subjectAltName in OpenSSL's words
 * @usage: (nullable): extendedKeyUsage likewise
 * @from: seconds from now, when it begins to be valid; 0 is a day ago
 * @until: likewise when it ends; 0 is a day ahead
 * @is_authority: it may sign others
 */
typedef struct {
    const char *common_name;
    const char *names;
    const char *usage;
    long from;
    long until;
    gboolean is_authority;
} TlsSpec;

/** tls_pair_new: @issuer: (nullable): %NULL for self-signed. */
TlsPair tls_pair_new(const TlsPair *issuer, const TlsSpec *spec);

void tls_pair_clear(TlsPair *pair);

/** TlsFolder: a folder for files, which goes with its content. */
typedef struct {
    char *path;
    GPtrArray *files;
} TlsFolder;

void tls_folder_open(TlsFolder *folder);
void tls_folder_close(TlsFolder *folder);

/** tls_folder_write: Returns: (transfer none): the path of a file with @text, of mode @mode. */
const char *tls_folder_write(TlsFolder *folder, const char *name, const char *text, guint mode);

/** tls_certificate_text: Returns: (transfer full): PEM. */
char *tls_certificate_text(X509 *certificate);

/** tls_key_text: Returns: (transfer full): PEM, encrypted when there is a @passphrase. */
char *tls_key_text(EVP_PKEY *key, const char *passphrase);

/** tls_read_certificate: Returns: (transfer full): the first certificate of @pem. */
X509 *tls_read_certificate(const char *pem);

/** TlsLink: two ends of a socket pair, both non-blocking; plain OpenSSL has @peer. */
typedef struct {
    int ours;
    int theirs;
    OshTlsSession *session;
    SSL *peer;
    OshTlsResult result; /* of our last handshake step */
    gboolean peer_open;
    gboolean peer_failed;
} TlsLink;

/** tls_link_open: @buffer: bytes of each socket's buffer; 0 leaves them as they are. */
void tls_link_open(TlsLink *link, int buffer);

/** tls_link_close: frees both ends, and asserts that OpenSSL's queue is empty. */
void tls_link_close(TlsLink *link);

/** tls_client_context: Returns: (transfer full): of a client that trusts @pem alone, or anybody for
 * %NULL. */
SSL_CTX *tls_client_context(const char *pem);

/** tls_server_context: Returns: (transfer full): of a server with @pair, and its @issuer behind it.
 */
SSL_CTX *tls_server_context(const TlsPair *pair, const TlsPair *issuer);

/** tls_link_peer: makes @link's peer of @context, a client that expects @name or a server for
 * %NULL. */
void tls_link_peer(TlsLink *link, SSL_CTX *context, const char *name);

/** tls_link_serve: ours is the server leg. */
void tls_link_serve(TlsLink *link, OshTlsEngine *engine, const char *name, const char *protocol);

/** tls_link_ask: ours is the client leg. */
void tls_link_ask(TlsLink *link, OshTlsEngine *engine, const OshTlsClientLeg *leg);

/** tls_link_shake: both sides in turn, until both are done or one has failed and the other has
 * heard of it. */
void tls_link_shake(TlsLink *link);

/** tls_link_echo: a message each way, which has to arrive; then tickets have, too. */
void tls_link_echo(TlsLink *link);

/** tls_link_read: Returns: what one read of ours comes to, waiting for the peer. */
OshTlsResult tls_link_read(TlsLink *link, char *buffer, gsize size, gsize *ret_length);
