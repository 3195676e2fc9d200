/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-session.c: carries out the calls of a session. It belongs to the shard of its connection. It
 * must never block, and allocates nothing for a read or a write.
 *
 * OpenSSL keeps the errors of a thread in a queue that it looks into after a call; whoever left one
 * there would be taken for the reason. So the queue is emptied before each call.
 */
#include "failure-reason.h"
#include "session-parts.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

/* Returns: what @value, the outcome of a call on the session's SSL, means. */
static OshTlsResult
result_of(OshTlsSession *session, int value)
{
    int error = SSL_get_error(session->ssl, value);

    switch (error) {
    case SSL_ERROR_NONE:
        return OSH_TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return OSH_TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return OSH_TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        session->has_ended = TRUE;
        return session->is_open ? OSH_TLS_END : osh_tls_fail(session, error);
    default:
        return osh_tls_fail(session, error);
    }
}

static gboolean
has_failed(const OshTlsSession *session)
{
    return session->failure.kind != OSH_TLS_FAILURE_NONE;
}

OshTlsResult
osh_tls_session_handshake(OshTlsSession *session)
{
    OshTlsResult result;

    if (has_failed(session))
        return OSH_TLS_FAILED;
    ERR_clear_error();
    result = result_of(session, SSL_do_handshake(session->ssl));
    if (result == OSH_TLS_DONE)
        session->is_open = TRUE;
    return result;
}

OshSpan
osh_tls_session_protocol(const OshTlsSession *session)
{
    const guint8 *name = NULL;
    guint length = 0;

    SSL_get0_alpn_selected(session->ssl, &name, &length);
    return (OshSpan){(const char *)name, length};
}

const char *
osh_tls_session_version(const OshTlsSession *session)
{
    return SSL_get_version(session->ssl);
}

gboolean
osh_tls_session_is_resumed(const OshTlsSession *session)
{
    return SSL_session_reused(session->ssl) == 1;
}

OshTlsResult
osh_tls_session_read(OshTlsSession *session, gpointer buffer, gsize size, gsize *ret_length)
{
    OshTlsResult result = OSH_TLS_DONE;
    gsize length = 0;

    if (has_failed(session) && !session->is_deaf)
        return OSH_TLS_FAILED;
    session->is_blocked = FALSE;
    session->is_owed = FALSE;
    /* OpenSSL hands out one record at a time. */
    while (length < size && result == OSH_TLS_DONE) {
        gsize n = 0;

        if (length > 0 && SSL_has_pending(session->ssl) == 0)
            break;
        ERR_clear_error();
        result = result_of(session,
                           SSL_read_ex(session->ssl, (guint8 *)buffer + length, size - length, &n));
        length += n;
    }
    session->is_blocked = result == OSH_TLS_WANT_READ || result == OSH_TLS_WANT_WRITE;
    session->is_deaf = session->is_deaf && result == OSH_TLS_DONE;
    if (length == 0)
        return result;
    session->has_read = TRUE;
    session->is_owed = result == OSH_TLS_END || result == OSH_TLS_FAILED;
    *ret_length = length;
    return OSH_TLS_DONE;
}

gboolean
osh_tls_session_pending(const OshTlsSession *session)
{
    return session->is_owed ||
           (!session->is_blocked && (!has_failed(session) || session->is_deaf) &&
            SSL_has_pending(session->ssl) == 1);
}

/* Returns: bytes of the pieces that go into one record, which stand in @ret_bytes: the piece
 * itself, or a copy in @record. */
static gsize
gather(const OshSpan *pieces, gsize n_pieces, guint8 *record, const guint8 **ret_bytes)
{
    gsize length = 0;

    while (n_pieces > 0 && pieces->length == 0) {
        pieces++;
        n_pieces--;
    }
    if (n_pieces == 1 || (n_pieces > 0 && pieces->length >= OSH_TLS_RECORD)) {
        *ret_bytes = (const guint8 *)pieces->data;
        return MIN(pieces->length, OSH_TLS_RECORD);
    }
    for (gsize i = 0; i < n_pieces && length < OSH_TLS_RECORD; i++) {
        gsize part = MIN(pieces[i].length, OSH_TLS_RECORD - length);

        if (part > 0)
            memcpy(record + length, pieces[i].data, part);
        length += part;
    }
    *ret_bytes = record;
    return length;
}

OshTlsResult
osh_tls_session_write(OshTlsSession *session, const OshSpan *pieces, gsize n_pieces,
                      gsize *ret_length)
{
    guint8 record[OSH_TLS_RECORD];
    const guint8 *bytes = NULL;
    OshTlsResult result;
    gsize length, written = 0;
    int value;

    if (has_failed(session))
        return OSH_TLS_FAILED;
    length = gather(pieces, n_pieces, record, &bytes);
    if (length == 0) {
        *ret_length = 0;
        return OSH_TLS_DONE;
    }
    ERR_clear_error();
    value = SSL_write_ex(session->ssl, bytes, length, &written);
    /* The peer takes nothing more; what it said before, an early answer say, can be read still. */
    session->is_deaf = value != 1 && session->socket_error != 0 &&
                       SSL_get_error(session->ssl, value) == SSL_ERROR_SYSCALL;
    result = result_of(session, value);
    /* A credential may have been among them. */
    if (bytes == record)
        OPENSSL_cleanse(record, length);
    if (result == OSH_TLS_DONE)
        *ret_length = written;
    return result;
}

OshTlsResult
osh_tls_session_shutdown(OshTlsSession *session)
{
    int value;

    /* Once ours is sent, OpenSSL would wait for the peer's. */
    if (has_failed(session) || !session->is_open || session->is_shut)
        return OSH_TLS_DONE;
    ERR_clear_error();
    value = SSL_shutdown(session->ssl);
    session->is_shut = value >= 0;
    return session->is_shut ? OSH_TLS_DONE : result_of(session, value);
}

const OshTlsFailure *
osh_tls_session_failure(const OshTlsSession *session)
{
    return &session->failure;
}

gboolean
osh_tls_session_ended_unused(const OshTlsSession *session)
{
    return session->is_server && session->is_open && session->has_ended && !session->has_read &&
           session->certificate_sent;
}
