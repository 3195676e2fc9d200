/* SPDX-License-Identifier: Apache-2.0 */
/* session-parts.h: what a session consists of, for the files that implement it. [shard] */
#pragma once

#include <openssl/ssl.h>

#include "resumption-cache.h"
#include "tls-session.h"

G_BEGIN_DECLS

/**
 * OshTlsSession:
 * @ssl: OpenSSL's side
 * @fd: the socket; not ours
 * @is_server: it is the leg of a client
 * @prefix: (nullable): bytes that are read before those of the socket
 * @prefix_length: of @prefix
 * @prefix_at: bytes of @prefix that were read
 * @name: what the certificate is for, in messages
 * @protocol: (nullable): of a server leg, the ALPN protocol to select
 * @resumption: (nullable): of a client leg, where its sessions are kept
 * @resumption_key: (nullable): and under which key
 * @socket_error: errno of the last call on the socket that failed; 0 for none
 * @socket_ended: the socket had no more bytes
 * @is_blocked: the last read took everything that the socket had
 * @is_owed: the last read met an end behind its bytes, which the next one tells
 * @is_open: the handshake is done
 * @is_shut: our close_notify is with the kernel
 * @is_deaf: a write failed, and what the peer said before can be read still
 * @has_read: the peer has sent a byte of data
 * @has_ended: the peer's stream has ended, in whatever way
 * @certificate_sent: of a server leg, the client has been sent our certificate
 * @alert_read: number of the last alert that the peer sent; -1 for none
 * @alert_written: number of the last one that we sent
 * @failure: why it failed
 */
struct _OshTlsSession {
    SSL *ssl;
    int fd;
    gboolean is_server;
    guint8 *prefix;
    gsize prefix_length;
    gsize prefix_at;
    char *name;
    char *protocol;
    OshResumptionCache *resumption;
    char *resumption_key;
    int socket_error;
    gboolean socket_ended;
    gboolean is_blocked;
    gboolean is_owed;
    gboolean is_open;
    gboolean is_shut;
    gboolean is_deaf;
    gboolean has_read;
    gboolean has_ended;
    gboolean certificate_sent;
    gint alert_read;
    gint alert_written;
    OshTlsFailure failure;
};

/** osh_tls_session_of: Returns: (transfer none): the session that @ssl belongs to. */
static inline OshTlsSession *
osh_tls_session_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

G_END_DECLS
