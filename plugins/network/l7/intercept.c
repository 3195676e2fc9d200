/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept.c: two handshakes, the upstream's first. [shard]
 *
 * A failure is never passed over: without TLS on both legs no byte of the client goes on. What is
 * wrong with an upstream is told to a client that speaks HTTP by a 502, in TLS of ours.
 */
#include "intercept.h"

#include "audit.h"
#include "client-hello.h"
#include "connection.h"
#include "judge.h"
#include "refusal.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define END_EVENTS   (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define HTTP         "http/1.1"
#define ROOTS_WAIT   (10 * G_TIME_SPAN_MILLISECOND)
#define PEEKED_BYTES (OSH_CLIENT_HELLO_PEEK + 2 * OSH_NETWORK_HEAD_SIZE)

/* --- What the client wants ---------------------------------------------------------------------
 */

/* Returns: whether the client begins by a whole ClientHello, which is in @hello then. */
static gboolean
intercept_is_tls(OshConnection *connection, OshClientHello *hello)
{
    gsize length;

    G_STATIC_ASSERT(OSH_NETWORK_SCRATCH_SIZE >= PEEKED_BYTES);
    /* A socket with an error fails at the handshake. */
    (void)osh_connection_peek(connection, OSH_CLIENT_HELLO_PEEK, &length);
    return osh_client_hello_parse(connection->shard->scratch, length, hello) ==
           OSH_CLIENT_HELLO_COMPLETE;
}

static gboolean
hello_offers(const OshClientHello *hello, const char *protocol)
{
    for (guint i = 0; i < hello->n_protocols; i++)
        if (hello->protocols[i].length == strlen(protocol) &&
            memcmp(hello->protocols[i].data, protocol, hello->protocols[i].length) == 0)
            return TRUE;
    return FALSE;
}

/* Returns: %OSH_FLOW_WAIT when both legs are to have TLS. */
static OshFlow
intercept_begin(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);
    OshIntercept *intercept;

    if (osh_network_protocol(network, connection->protocol) == NULL ||
        !intercept_is_tls(connection, hello))
        return OSH_FLOW_NEXT;
    /* A virtual host has no TLS that could be left alone. */
    if (connection->tls == OSH_TLS_SKIP && connection->virtual_host == NULL) {
        connection->is_opaque = TRUE;
        return OSH_FLOW_NEXT;
    }
    if (network->interceptor == NULL)
        return osh_refuse(connection, &(OshRefusal){
                                          .layer = "tls",
                                          .outcome = OSH_DECISION_DENIED_HARD,
                                          .status = 503,
                                          .error = "tls_termination_unavailable",
                                          .reason = "the endpoint has its content inspected, and "
                                                    "this run has no certificate authority",
                                      });
    intercept = g_new0(OshIntercept, 1);
    intercept->of = network->interceptor;
    if (hello_offers(hello, HTTP))
        intercept->offer[0] = HTTP;
    connection->intercept = intercept;
    return OSH_FLOW_WAIT;
}

/* --- The upstream ------------------------------------------------------------------------------
 */

static void
intercept_retry(gpointer data)
{
    OshConnection *connection = data;

    connection->intercept->timer = NULL;
    osh_connection_wake(connection);
}

static void
intercept_fail(OshIntercept *intercept, const char *text)
{
    if (intercept->failure == NULL)
        intercept->failure = g_strdup(text);
}

/* Returns: FALSE while the roots are read. */
static gboolean
intercept_dial(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;
    const OshInterceptor *of = intercept->of;
    const OshInterface *shard = &connection->shard->network->shard;
    const OshTlsClientLeg leg = {
        .name = connection->host,
        .port = connection->port,
        .protocols = intercept->offer[0] != NULL ? intercept->offer : NULL,
        .client_certificate = TRUE,
    };
    OshTlsFailure failure;

    if (!of->tls->engine_upstream_is_ready(of->engine)) {
        if (intercept->timer == NULL)
            intercept->timer = osh_shard_add_timer(shard, osh_shard_now(shard) + ROOTS_WAIT,
                                                   intercept_retry, connection);
        return FALSE;
    }
    intercept->sessions[1] =
        of->tls->session_new_client(of->engine, connection->upstream_fd, &leg, &failure);
    if (intercept->sessions[1] == NULL)
        intercept_fail(intercept, failure.text);
    return TRUE;
}

OshFlow
osh_intercept_upstream_run(OshConnection *connection)
{
    OshIntercept *intercept;
    OshFlow flow = connection->intercept == NULL ? intercept_begin(connection) : OSH_FLOW_WAIT;

    if (flow != OSH_FLOW_WAIT)
        return flow;
    intercept = connection->intercept;
    if (connection->virtual_host != NULL)
        return OSH_FLOW_NEXT;
    if (intercept->sessions[1] == NULL && !intercept_dial(connection))
        return OSH_FLOW_WAIT;
    if (intercept->failure != NULL)
        return OSH_FLOW_NEXT;
    switch (intercept->of->tls->session_handshake(intercept->sessions[1])) {
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return OSH_FLOW_WAIT;
    case OSH_TLS_DONE:
        break;
    case OSH_TLS_END:
    case OSH_TLS_FAILED:
        intercept_fail(intercept,
                       intercept->of->tls->session_failure(intercept->sessions[1])->text);
        break;
    }
    return OSH_FLOW_NEXT;
}

OshFlow
osh_intercept_upstream_event(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
    return osh_intercept_upstream_run(connection);
}

/* --- The client --------------------------------------------------------------------------------
 */

/* The protocol that the upstream chose is the client's too. */
static const char *
intercept_protocol(const OshIntercept *intercept)
{
    OshSpan chosen;

    if (intercept->offer[0] == NULL)
        return NULL;
    if (intercept->failure != NULL || intercept->sessions[1] == NULL)
        return HTTP;
    chosen = intercept->of->tls->session_protocol(intercept->sessions[1]);
    return chosen.length == strlen(HTTP) && memcmp(chosen.data, HTTP, chosen.length) == 0 ? HTTP
                                                                                          : NULL;
}

static gboolean
intercept_accept(OshConnection *connection, OshTlsFailure *failure)
{
    OshIntercept *intercept = connection->intercept;
    OshTlsServerLeg leg = {
        .name = connection->host,
        .protocol = intercept_protocol(intercept),
    };
    gsize length = 0;

    if (connection->head != NULL) {
        const guint8 *surplus = osh_buffer_window(connection->head, &length);

        leg.prefix = (OshSpan){(const char *)surplus, length};
    }
    intercept->sessions[0] = intercept->of->tls->session_new_server(
        intercept->of->engine, connection->client_fd, &leg, failure);
    osh_buffer_release(g_steal_pointer(&connection->head));
    return intercept->sessions[0] != NULL;
}

static OshFlow
intercept_client_failed(OshConnection *connection, const OshTlsFailure *failure)
{
    g_autofree char *untrusted = NULL;
    const char *reason = failure->text;

    /* It could not be told what is wrong with the upstream. */
    if (connection->intercept->failure != NULL)
        osh_audit_failed(connection,
                         &(OshRefusal){.layer = "tls", .reason = connection->intercept->failure});
    if (failure->kind == OSH_TLS_FAILURE_CERTIFICATE_REFUSED) {
        untrusted = g_strdup_printf("%s: the program does not use the certificates that the box "
                                    "gives it (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and others)",
                                    failure->text);
        reason = untrusted;
    }
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "tls",
                                      .status = 502,
                                      .reason = reason,
                                      .end = "client TLS failed",
                                  });
}

/* What is wrong with the upstream, in words of HTTP. */
static OshFlow
intercept_answer_failure(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;
    const OshTlsModule *tls = intercept->of->tls;
    const OshRefusal refusal = {
        .layer = "tls",
        .status = 502,
        .reason = intercept->failure,
    };
    OshFlow flow = osh_refuse_failed(connection, "tls", intercept->failure);
    g_autofree char *detail = osh_refusal_detail(&refusal, connection);
    g_autoptr(GString) body = g_string_new(NULL);
    g_autoptr(GString) answer = g_string_new(NULL);
    OshSpan piece;
    gsize taken;

    g_string_printf(body,
                    "{\"error\":\"upstream_tls_failed\",\"detail\":\"%s\",\"reason\":\"%s\"}\n",
                    detail, intercept->failure);
    g_string_printf(answer,
                    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n"
                    "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n%s",
                    body->len, body->str);
    piece = (OshSpan){answer->str, answer->len};
    if (tls->session_write(intercept->sessions[0], &piece, 1, &taken) != OSH_TLS_DONE ||
        taken != answer->len)
        return flow;
    tls->session_shutdown(intercept->sessions[0]);
    connection->client_aborted = FALSE;
    return OSH_FLOW_REFUSED;
}

OshFlow
osh_intercept_client_run(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;
    OshTlsFailure failure;

    if (intercept == NULL)
        return OSH_FLOW_NEXT;
    if (intercept->sessions[0] == NULL && !intercept_accept(connection, &failure))
        return intercept_client_failed(connection, &failure);
    switch (intercept->of->tls->session_handshake(intercept->sessions[0])) {
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return OSH_FLOW_WAIT;
    case OSH_TLS_DONE:
        break;
    case OSH_TLS_END:
    case OSH_TLS_FAILED:
        return intercept_client_failed(connection,
                                       intercept->of->tls->session_failure(intercept->sessions[0]));
    }
    if (intercept->failure != NULL)
        return intercept_answer_failure(connection);
    /* What came with the handshakes is in the sessions. */
    connection->up.readable = TRUE;
    connection->down.readable = TRUE;
    return OSH_FLOW_NEXT;
}

OshFlow
osh_intercept_client_event(OshConnection *connection, guint32 events)
{
    if (events & END_EVENTS)
        connection->up.hung_up = TRUE;
    return osh_intercept_client_run(connection);
}

OshFlow
osh_intercept_expire(OshConnection *connection)
{
    return osh_refuse_failed(connection, "timeout", "the TLS handshake was not complete in time");
}

void
osh_intercept_clear(OshConnection *connection)
{
    const OshInterface *shard = &connection->shard->network->shard;
    OshIntercept *intercept = g_steal_pointer(&connection->intercept);

    if (intercept == NULL)
        return;
    for (guint i = 0; i < 2; i++)
        if (intercept->sessions[i] != NULL)
            intercept->of->tls->session_free(intercept->sessions[i]);
    if (intercept->timer != NULL)
        osh_shard_cancel_timer(shard, intercept->timer);
    g_free(intercept->failure);
    g_free(intercept);
}
