/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-failure.h: why a TLS connection did not come about or ended, as a value.
 *
 * A plain structure without pointers: copied by assignment, on any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_TLS_FAILURE_TEXT: bytes of the longest text, with its NUL. */
#define OSH_TLS_FAILURE_TEXT 384

/**
 * OshTlsFailureKind:
 * @OSH_TLS_FAILURE_NONE: nothing has failed
 * @OSH_TLS_FAILURE_CERTIFICATE_REFUSED: the client does not trust the authority of the run: alert
 *   42, 46 or 48 (RFC 8446 section 6.2), or it ended the connection during the handshake after it
 *   got our certificate, which is told by an @alert of -1
 * @OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED: the server's certificate is not valid for another reason
 *   than the next two
 * @OSH_TLS_FAILURE_UPSTREAM_WRONG_NAME: the server's certificate is for another name or address
 * @OSH_TLS_FAILURE_UPSTREAM_EXPIRED: a certificate of the server's chain is expired or not valid
 *   yet
 * @OSH_TLS_FAILURE_NO_PROTOCOL: no ALPN protocol in common (RFC 7301 section 3.2), alert 120
 * @OSH_TLS_FAILURE_PROTOCOL: the peer broke the TLS protocol, has no version or cipher in common
 *   with us, or ended the connection by another alert
 * @OSH_TLS_FAILURE_TRUNCATED: the peer ended the stream without close_notify (RFC 8446 section 6.1)
 * @OSH_TLS_FAILURE_LOST: the connection was reset, or ended during the handshake
 * @OSH_TLS_FAILURE_LOCAL: something of ours: no leaf certificate could be made, the roots are not
 *   loaded, memory
 */
typedef enum {
    OSH_TLS_FAILURE_NONE,
    OSH_TLS_FAILURE_CERTIFICATE_REFUSED,
    OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED,
    OSH_TLS_FAILURE_UPSTREAM_WRONG_NAME,
    OSH_TLS_FAILURE_UPSTREAM_EXPIRED,
    OSH_TLS_FAILURE_NO_PROTOCOL,
    OSH_TLS_FAILURE_PROTOCOL,
    OSH_TLS_FAILURE_TRUNCATED,
    OSH_TLS_FAILURE_LOST,
    OSH_TLS_FAILURE_LOCAL,
} OshTlsFailureKind;

/**
 * OshTlsFailure:
 * @kind: what has failed
 * @alert: the alert's number (RFC 8446 section 6), or -1 where there was none
 * @alert_received: the peer sent @alert; otherwise we did
 * @text: one line for people, without a full stop; nothing in it comes from the peer, and no secret
 *   stands in it
 */
typedef struct {
    OshTlsFailureKind kind;
    gint alert;
    gboolean alert_received;
    char text[OSH_TLS_FAILURE_TEXT];
} OshTlsFailure;

G_END_DECLS
