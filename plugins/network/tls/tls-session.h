/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-session.h: TLS on one leg of one connection, without blocking.
 *
 * A session belongs to the shard of its connection. The socket stays the caller's: it is
 * non-blocking, is neither watched nor closed here, and outlives the session.
 *
 * Each call goes as far as the socket lets it and says what it waits for. With a level-triggered
 * watch, read until %OSH_TLS_WANT_READ before waiting, also right after the handshake: bytes that
 * are already decrypted, or taken from the socket but not decrypted yet, are not seen by epoll(7).
 *
 * |[
 * switch (tls->session_handshake(session)) {
 * case OSH_TLS_DONE:       ...the protocol is tls->session_protocol(session)
 * case OSH_TLS_WANT_READ:  ...call again when the socket is readable
 * case OSH_TLS_WANT_WRITE: ...call again when it is writable
 * default:                 ...tls->session_failure(session) says why
 * }
 * ]|
 */
#pragma once

#include <openshell/fact.h>

#include "tls-engine.h"
#include "tls-failure.h"

G_BEGIN_DECLS

typedef struct _OshTlsSession OshTlsSession;

/** OSH_TLS_RECORD: plaintext bytes of the largest record (RFC 8446 section 5.1). */
#define OSH_TLS_RECORD 16384

/**
 * OshTlsResult:
 * @OSH_TLS_DONE: what was asked for is done, or a part of it
 * @OSH_TLS_WANT_READ: call again when the socket is readable
 * @OSH_TLS_WANT_WRITE: call again when the socket is writable
 * @OSH_TLS_END: the peer has ended its stream by close_notify; nothing is missing
 * @OSH_TLS_FAILED: osh_tls_session_failure() says why; so does every later call
 */
typedef enum {
    OSH_TLS_DONE,
    OSH_TLS_WANT_READ,
    OSH_TLS_WANT_WRITE,
    OSH_TLS_END,
    OSH_TLS_FAILED,
} OshTlsResult;

/**
 * OshTlsServerLeg: what the client gets to see.
 * @name: host name in lower case without a trailing dot, or an address, for which the certificate
 *   is; the one that was judged, whatever the client asked for
 * @protocol: (nullable): the ALPN protocol that is selected (RFC 7301). A client that offers
 *   protocols without this one fails by no_application_protocol; one that offers none gets none.
 *   %NULL: its offer is ignored
 * @prefix: bytes of the client that were already taken from the socket, copied; may be empty
 */
typedef struct {
    const char *name;
    const char *protocol;
    OshSpan prefix;
} OshTlsServerLeg;

/**
 * OshTlsClientLeg: what is asked of the upstream.
 * @name: host name in lower case without a trailing dot, or an address: verified in the
 *   certificate, and sent as server_name unless it is an address (RFC 6066 section 3)
 * @port: of the upstream; sessions are resumed for the same name and port
 * @protocols: (nullable) (array zero-terminated=1): ALPN offer, the preferred one first
 * @client_certificate: the engine's client certificate is sent if the upstream asks for one
 */
typedef struct {
    const char *name;
    guint16 port;
    const char *const *protocols;
    gboolean client_certificate;
} OshTlsClientLeg;

/**
 * osh_tls_session_new_server:
 * @fd: the client's socket
 * @leg: borrowed for the call
 * @failure: (out): why there is none
 *
 * [shard] TLS 1.2 or 1.3 with a client. Makes the leaf certificate where it is not kept: a
 * signature, some hundred microseconds.
 *
 * Returns: (transfer full) (nullable): a session before its handshake
 */
OshTlsSession *osh_tls_session_new_server(OshTlsEngine *engine, int fd, const OshTlsServerLeg *leg,
                                          OshTlsFailure *failure);

/**
 * osh_tls_session_new_client:
 * @fd: a socket that is connected to the upstream
 * @leg: borrowed for the call
 * @failure: (out): why there is none; %OSH_TLS_FAILURE_LOCAL as long as the engine is not prepared
 *
 * [shard] TLS 1.2 or 1.3 with an upstream, whose certificate is verified against the roots of the
 * engine and @leg's name (RFC 9525): subject alternative names alone, a wildcard for one whole
 * label.
 *
 * Returns: (transfer full) (nullable): a session before its handshake
 */
OshTlsSession *osh_tls_session_new_client(OshTlsEngine *engine, int fd, const OshTlsClientLeg *leg,
                                          OshTlsFailure *failure);

/** osh_tls_session_free: @session: (transfer full) (nullable): [shard] sends nothing. */
void osh_tls_session_free(OshTlsSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshTlsSession, osh_tls_session_free)

/** osh_tls_session_handshake: [shard] Returns: any result but %OSH_TLS_END. */
OshTlsResult osh_tls_session_handshake(OshTlsSession *session);

/** osh_tls_session_protocol: [shard] Returns: the ALPN protocol after the handshake, borrowed from
 * @session; empty for none. */
OshSpan osh_tls_session_protocol(const OshTlsSession *session);

/** osh_tls_session_version: [shard] Returns: (transfer none): "TLSv1.2" or "TLSv1.3", after the
 * handshake. */
const char *osh_tls_session_version(const OshTlsSession *session);

/** osh_tls_session_is_resumed: [shard] Returns: whether the handshake resumed an earlier session
 * (RFC 8446 section 2.2). */
gboolean osh_tls_session_is_resumed(const OshTlsSession *session);

/**
 * osh_tls_session_read:
 * @buffer: (out caller-allocates) (array length=size): filled from its start
 * @size: not 0
 * @ret_length: (out): bytes in @buffer; set with %OSH_TLS_DONE alone
 *
 * [shard] Fills @buffer as far as it goes without waiting.
 *
 * Returns: %OSH_TLS_END after close_notify. A stream that was cut is %OSH_TLS_FAILED with
 *   %OSH_TLS_FAILURE_TRUNCATED or %OSH_TLS_FAILURE_LOST, and never looks complete
 */
OshTlsResult osh_tls_session_read(OshTlsSession *session, gpointer buffer, gsize size,
                                  gsize *ret_length);

/**
 * osh_tls_session_write:
 * @pieces: (array length=n_pieces): what to send, in order; at most %OSH_TLS_RECORD bytes of them
 *   go into one record, the rest is for the next call
 * @ret_length: (out): bytes that were taken; set with %OSH_TLS_DONE alone
 *
 * [shard] After a WANT result the next call begins with the same bytes, which may have moved and
 * may be followed by more.
 *
 * Returns: %OSH_TLS_DONE when a record is with the kernel
 */
OshTlsResult osh_tls_session_write(OshTlsSession *session, const OshSpan *pieces, gsize n_pieces,
                                   gsize *ret_length);

/** osh_tls_session_pending: [shard] Returns: whether osh_tls_session_read() has something to tell
 * although the socket may never become readable: bytes that were taken from it and not handed out,
 * or an end that came behind the last ones. FALSE once a read has ended by a WANT result. */
gboolean osh_tls_session_pending(const OshTlsSession *session);

/**
 * osh_tls_session_shutdown:
 *
 * [shard] Ends our stream by close_notify; the peer's goes on. Sends nothing during a handshake and
 * after a failure. The socket is not shut down.
 *
 * Returns: %OSH_TLS_DONE when it is with the kernel; not %OSH_TLS_END
 */
OshTlsResult osh_tls_session_shutdown(OshTlsSession *session);

/** osh_tls_session_failure: [shard] Returns: (transfer none): valid as long as @session is. */
const OshTlsFailure *osh_tls_session_failure(const OshTlsSession *session);

/**
 * osh_tls_session_ended_unused:
 *
 * [shard] Some clients finish the handshake before they look at the certificate (Node.js). To us
 * they look like one that has nothing to say.
 *
 * Returns: whether the client of a full handshake, not a resumed one, has ended its stream or the
 *   connection without having sent a byte
 */
gboolean osh_tls_session_ended_unused(const OshTlsSession *session);

G_END_DECLS
