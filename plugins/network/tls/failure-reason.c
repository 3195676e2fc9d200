/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure-reason.c: from OpenSSL's errors to one that says whose fault it is. [shard]
 *
 * A text is made of constant words, the name that was judged and the alert's name. Nothing that the
 * peer wrote gets into it. Where a setting may help, it is named.
 */
#include "failure-reason.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#define ALERT_HANDSHAKE_FAILURE       40
#define ALERT_BAD_CERTIFICATE         42
#define ALERT_CERTIFICATE_UNKNOWN     46
#define ALERT_UNKNOWN_CA              48
#define ALERT_UNRECOGNIZED_NAME       112
#define ALERT_CERTIFICATE_REQUIRED    116
#define ALERT_NO_APPLICATION_PROTOCOL 120

/* Of the policy. */
#define SKIP "tls: skip at its endpoint leaves TLS to the client, uninspected"
/* Of the plugin. */
#define CLIENT_CERTIFICATE                                                                         \
    "network.client-certificate, for the hosts of network.client-certificate-hosts"
#define PORT  "it may not speak TLS on this port"
#define CLOCK "unless the clock of this machine is wrong, its certificate has to be renewed"

void
osh_tls_failure_set(OshTlsFailure *failure, OshTlsFailureKind kind, const char *text)
{
    *failure = (OshTlsFailure){.kind = kind, .alert = -1};
    g_strlcpy(failure->text, text, sizeof failure->text);
}

static void G_GNUC_PRINTF(3, 4)
    set(OshTlsSession *session, OshTlsFailureKind kind, const char *format, ...)
{
    OshTlsFailure *failure = &session->failure;
    va_list arguments;

    failure->kind = kind;
    failure->alert = session->alert_read >= 0 ? session->alert_read : session->alert_written;
    failure->alert_received = session->alert_read >= 0;
    va_start(arguments, format);
    g_vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

static const char *
peer(const OshTlsSession *session)
{
    return session->is_server ? "the client" : "the server";
}

static gboolean
is_refusal(gint alert)
{
    return alert == ALERT_BAD_CERTIFICATE || alert == ALERT_CERTIFICATE_UNKNOWN ||
           alert == ALERT_UNKNOWN_CA;
}

/* A client that has got our certificate in this handshake, and no use for the connection. */
static gboolean
may_have_refused(const OshTlsSession *session)
{
    return session->is_server && session->certificate_sent && !session->has_read;
}

/* Returns: (nullable): what may help against an alert of a server. */
static const char *
hint_of_alert(const OshTlsSession *session)
{
    gint alert = session->alert_read;

    if (session->is_server)
        return NULL;
    if (alert == ALERT_HANDSHAKE_FAILURE)
        return "it may want a client certificate (" CLIENT_CERTIFICATE "), or " SKIP;
    /* RFC 8446 section 6.2: from 42 to 48 they are about the certificate of the peer. */
    if (alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_UNKNOWN_CA)
        return "it does not take the client certificate, or wants one: see " CLIENT_CERTIFICATE;
    if (alert == ALERT_UNRECOGNIZED_NAME)
        return "there is no server for this name: check the host and the port";
    return SKIP;
}

static void
set_alert(OshTlsSession *session)
{
    const char *hint = hint_of_alert(session);
    gint alert = session->alert_read;

    if (may_have_refused(session) && is_refusal(alert))
        set(session, OSH_TLS_FAILURE_CERTIFICATE_REFUSED,
            "the client does not trust the certificate authority of this run (alert %d, %s)", alert,
            SSL_alert_desc_string_long(alert));
    else if (alert == ALERT_NO_APPLICATION_PROTOCOL)
        set(session, OSH_TLS_FAILURE_NO_PROTOCOL,
            "%s speaks none of the application protocols (ALPN) that it was offered; " SKIP,
            peer(session));
    else if (alert == ALERT_CERTIFICATE_REQUIRED)
        set(session, OSH_TLS_FAILURE_PROTOCOL,
            "%s wants a client certificate (alert %d); give it " CLIENT_CERTIFICATE ", or " SKIP,
            peer(session), alert);
    else
        set(session, OSH_TLS_FAILURE_PROTOCOL, "%s ended TLS by alert %d (%s)%s%s", peer(session),
            alert, SSL_alert_desc_string_long(alert), hint != NULL ? "; " : "",
            hint != NULL ? hint : "");
}

static void
set_certificate(OshTlsSession *session, long result)
{
    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        set(session, OSH_TLS_FAILURE_UPSTREAM_WRONG_NAME,
            "the server's certificate is not for %.100s; ask it by a name that it is for, or " SKIP,
            session->name);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        set(session, OSH_TLS_FAILURE_UPSTREAM_EXPIRED,
            "the server's certificate has expired; " CLOCK);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        set(session, OSH_TLS_FAILURE_UPSTREAM_EXPIRED,
            "the server's certificate is not valid yet; " CLOCK);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        set(session, OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED,
            "the server's certificate is not valid: %s; network.upstream-ca names a file of "
            "further "
            "authorities to trust",
            X509_verify_cert_error_string(result));
        break;
    default:
        set(session, OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED,
            "the server's certificate is not valid: %s; " SKIP,
            X509_verify_cert_error_string(result));
        break;
    }
}

static void
set_end(OshTlsSession *session)
{
    /* OpenSSL says decode_error to a peer that has gone, and may fail at that, too. */
    session->alert_written = -1;
    if (!session->is_open && may_have_refused(session))
        set(session, OSH_TLS_FAILURE_CERTIFICATE_REFUSED,
            "the client ended the connection when it saw the certificate");
    else if (session->socket_error != 0 && !session->socket_ended)
        set(session, OSH_TLS_FAILURE_LOST, "the connection with %s is lost: %s%s", peer(session),
            g_strerror(session->socket_error),
            session->is_server || session->is_open ? "" : "; " PORT);
    else if (session->is_open)
        set(session, OSH_TLS_FAILURE_TRUNCATED,
            "%s ended the connection without ending its stream (close_notify)", peer(session));
    else
        set(session, OSH_TLS_FAILURE_LOST, "%s ended the connection during the TLS handshake%s",
            peer(session), session->is_server ? "" : "; " PORT);
}

/* What a server says that speaks something else. */
static gboolean
is_no_tls(const OshTlsSession *session, unsigned long code)
{
    static const int reasons[] = {SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST,
                                  SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_UNEXPECTED_MESSAGE,
                                  SSL_R_BAD_RECORD_TYPE};

    for (gsize i = 0; i < G_N_ELEMENTS(reasons) && !session->is_server; i++)
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reasons[i])
            return TRUE;
    return FALSE;
}

static void
set_protocol(OshTlsSession *session, unsigned long code)
{
    const char *reason = ERR_reason_error_string(code);

    if (session->alert_written == ALERT_NO_APPLICATION_PROTOCOL)
        set(session, OSH_TLS_FAILURE_NO_PROTOCOL,
            "the client offers application protocols (ALPN) without \"%.32s\"; have it offer that "
            "one, or " SKIP,
            session->protocol != NULL ? session->protocol : "");
    else if (ERR_GET_LIB(code) != ERR_LIB_SSL && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        set(session, OSH_TLS_FAILURE_LOCAL, "TLS failed: %s", reason);
    else
        set(session, OSH_TLS_FAILURE_PROTOCOL, "TLS with %s failed: %s; %s", peer(session),
            reason != NULL ? reason : "no reason given", is_no_tls(session, code) ? PORT : SKIP);
}

OshTlsResult
osh_tls_fail(OshTlsSession *session, int ssl_error)
{
    unsigned long code = ERR_peek_error();
    long verified = SSL_get_verify_result(session->ssl);
    gboolean is_end = ssl_error == SSL_ERROR_SYSCALL || ssl_error == SSL_ERROR_ZERO_RETURN ||
                      ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

    if (session->failure.kind != OSH_TLS_FAILURE_NONE)
        return OSH_TLS_FAILED;
    if (is_end || session->alert_read >= 0)
        session->has_ended = TRUE;
    if (session->alert_read >= 0)
        set_alert(session);
    else if (!session->is_server && !session->is_open && verified != X509_V_OK)
        set_certificate(session, verified);
    else if (is_end)
        set_end(session);
    else
        set_protocol(session, code);
    ERR_clear_error();
    return OSH_TLS_FAILED;
}
