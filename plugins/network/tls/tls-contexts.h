/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-contexts.h: what is the same for all sessions of a leg: versions, ciphers, tickets, the
 * verification of servers. Made on [main] or [worker]; [any] may use one afterwards.
 */
#pragma once

#include <openssl/ssl.h>

#include "leaf-mint.h"

G_BEGIN_DECLS

/**
 * osh_tls_server_context:
 *
 * For the leg of a client. TLS 1.2 and 1.3 (RFC 9325), without renegotiation and compression.
 * Sessions are resumed by tickets alone, under a key that this context makes (RFC 5077, RFC 8446
 * section 2.2); no early data.
 *
 * Returns: (transfer full) (nullable): the context
 */
SSL_CTX *osh_tls_server_context(void);

/**
 * osh_tls_client_context:
 * @roots: (transfer full): what is trusted
 *
 * For the leg of an upstream: as above, and its certificate has to be valid for a server.
 *
 * Returns: (transfer full) (nullable): the context
 */
SSL_CTX *osh_tls_client_context(X509_STORE *roots);

G_END_DECLS
