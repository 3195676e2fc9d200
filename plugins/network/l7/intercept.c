/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intercept.c: two handshakes, the upstream's first. [shard]
 *
 * A failure is never passed over: without TLS on both legs no byte of the client goes on. What is
 * wrong with an upstream is told to a client that speaks HTTP by a 502, in TLS of ours. Which
 * application protocol (ALPN) both legs speak, the client, the plugin of the endpoint's protocol
 * and the server decide together; nothing here knows one, but for HTTP/1.1, in which a 502 is said.
 */
#include "intercept.h"

#include "audit.h"
#include "connection.h"
#include "judge.h"
#include "notice.h"
#include "refusal.h"
#include "trust-hint.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define END_EVENTS   (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define HTTP         "http/1.1"
#define ROOTS_WAIT   (10 * G_TIME_SPAN_MILLISECOND)
#define PEEKED_BYTES (OSH_CLIENT_HELLO_PEEK + 2 * OSH_NETWORK_HEAD_SIZE)
/* A client that ends an unused connection so soon may have looked at the certificate meanwhile; one
   that kept it for later has had other reasons. */
#define REFUSED_WITHIN (2 * G_TIME_SPAN_SECOND)

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
span_is(OshSpan span, const char *name)
{
    return span.length == strlen(name) && memcmp(span.data, name, span.length) == 0;
}

static gboolean
offer_has(const OshIntercept *intercept, const char *name)
{
    for (guint i = 0; intercept->offer[i] != NULL; i++)
        if (g_str_equal(intercept->offer[i], name))
            return TRUE;
    return FALSE;
}

/* RFC 7301 section 3.1: what the client offers and @protocol has, in the client's order. Two names
 * of a client that are equal are one. */
static void
intercept_offer(OshIntercept *intercept, const OshNetworkProtocol *protocol,
                const OshClientHello *hello)
{
    guint n = 0;

    for (guint i = 0; i < hello->n_protocols; i++)
        for (char **name = protocol->alpn; *name != NULL; name++)
            if (span_is(hello->protocols[i], *name) && !offer_has(intercept, *name))
                intercept->offer[n++] = *name;
    if (hello->has_alpn && n == 0)
        intercept->unshared = protocol->alpn[0];
    intercept->may_answer = protocol->is_http && (n == 0 || offer_has(intercept, HTTP));
}

/* Returns: %OSH_FLOW_WAIT when both legs are to have TLS. */
static OshFlow
intercept_begin(OshConnection *connection)
{
    const OshNetwork *network = connection->shard->network;
    const OshNetworkProtocol *protocol = osh_network_protocol(network, connection->protocol);
    g_autofree OshClientHello *hello = g_new(OshClientHello, 1);

    if (protocol == NULL || connection->is_opaque ||
        (!connection->starts_tls && !intercept_is_tls(connection, hello)))
        return OSH_FLOW_NEXT;
    /* A virtual host has no TLS that could be left alone. */
    if (connection->tls == OSH_TLS_SKIP && connection->virtual_host == NULL) {
        connection->is_opaque = TRUE;
        return OSH_FLOW_NEXT;
    }
    if (network->interceptor == NULL)
        return osh_refuse_no_authority(connection, NULL);
    connection->intercept = g_new0(OshIntercept, 1);
    connection->intercept->of = network->interceptor;
    /* Who changes to TLS says so before there is a ClientHello. */
    if (!connection->starts_tls)
        intercept_offer(connection->intercept, protocol, hello);
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

static const char *
intercept_stage(const OshIntercept *intercept)
{
    return intercept->is_late ? "timeout" : "tls";
}

/* Returns: %OSH_FLOW_NEXT when the client is to be told in TLS. */
static OshFlow
intercept_fail(OshConnection *connection, const char *text)
{
    OshIntercept *intercept = connection->intercept;

    if (!intercept->may_answer)
        return osh_refuse_failed(connection, intercept_stage(intercept), text);
    intercept->failure = g_strdup(text);
    return OSH_FLOW_NEXT;
}

static void
intercept_audit_failure(OshConnection *connection)
{
    const OshIntercept *intercept = connection->intercept;

    osh_audit_failed(connection, &(OshRefusal){.layer = intercept_stage(intercept),
                                               .reason = intercept->failure});
}

gboolean
osh_interceptor_identifies(const OshInterceptor *of, const char *host)
{
    for (const char *const *name = of->identified_to; name != NULL && *name != NULL; name++)
        if (g_ascii_strcasecmp(*name, host) == 0)
            return TRUE;
    return FALSE;
}

/* Returns: %OSH_FLOW_NEXT with a session; %OSH_FLOW_WAIT while the roots are read. */
static OshFlow
intercept_dial(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;
    const OshInterceptor *of = intercept->of;
    const OshInterface *shard = &connection->shard->network->shard;
    const OshTlsClientLeg leg = {
        .name = connection->host,
        .port = connection->port,
        .protocols = intercept->offer[0] != NULL ? intercept->offer : NULL,
        .client_certificate = osh_interceptor_identifies(of, connection->host),
    };
    OshTlsFailure failure;

    if (!of->tls->engine_upstream_is_ready(of->engine)) {
        if (g_atomic_int_get(&of->has_no_roots))
            return intercept_fail(connection, "no certificate authority is known by which a server "
                                              "could be verified; install ca-certificates, or name "
                                              "a file of them in network.upstream-ca");
        if (intercept->timer == NULL)
            intercept->timer = osh_shard_add_timer(shard, osh_shard_now(shard) + ROOTS_WAIT,
                                                   intercept_retry, connection);
        return OSH_FLOW_WAIT;
    }
    intercept->sessions[1] =
        of->tls->session_new_client(of->engine, connection->upstream_fd, &leg, &failure);
    return intercept->sessions[1] != NULL ? OSH_FLOW_NEXT
                                          : intercept_fail(connection, failure.text);
}

/* The protocol that the server chose is the client's too; OpenSSL takes none that was not offered.
 */
static void
intercept_choose(OshIntercept *intercept)
{
    OshSpan chosen = intercept->of->tls->session_protocol(intercept->sessions[1]);

    for (guint i = 0; intercept->offer[i] != NULL; i++)
        if (span_is(chosen, intercept->offer[i]))
            intercept->protocol = intercept->offer[i];
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
        intercept->protocol = offer_has(intercept, HTTP) ? HTTP : NULL;
    /* A client that shares none is told by its own handshake, and the server need not hear of it.
     */
    if (connection->virtual_host != NULL || intercept->unshared != NULL)
        return OSH_FLOW_NEXT;
    if (intercept->sessions[1] == NULL) {
        flow = intercept_dial(connection);
        if (flow != OSH_FLOW_NEXT || intercept->failure != NULL)
            return flow;
    }
    switch (intercept->of->tls->session_handshake(intercept->sessions[1])) {
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return OSH_FLOW_WAIT;
    case OSH_TLS_DONE:
        intercept_choose(intercept);
        return OSH_FLOW_NEXT;
    case OSH_TLS_END:
    case OSH_TLS_FAILED:
        break;
    }
    return intercept_fail(connection,
                          intercept->of->tls->session_failure(intercept->sessions[1])->text);
}

OshFlow
osh_intercept_upstream_expire(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;

    if (intercept == NULL)
        return osh_refuse_failed(connection, "timeout", "TLS was not begun in time");
    intercept->is_late = TRUE;
    return intercept_fail(
        connection, intercept->sessions[1] != NULL
                        ? "the server did not answer the TLS handshake in time; it may not "
                          "speak TLS on this port"
                        : "the certificate authorities of this machine were not read in time");
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

/* Returns: (nullable): what the client is to have selected. */
static const char *
intercept_protocol(const OshIntercept *intercept)
{
    if (intercept->unshared != NULL)
        return intercept->unshared;
    if (intercept->failure != NULL)
        return intercept->offer[0] != NULL ? HTTP : NULL;
    return intercept->protocol;
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

/* Said once for a program, and instead of a failure for each of its connections. */
static void
intercept_not_trusted(const OshConnection *connection, const char *text, gint alert)
{
    g_autofree char *setting =
        osh_trust_hint(osh_audit_binary(connection), connection->of_box != 0);
    g_autofree char *hint = g_strdup_printf(
        "%s; a program that expects its server's own certificate (pinning) needs tls: skip at its "
        "endpoint",
        setting);

    osh_notice(
        connection,
        &(OshNotice){.kind = "certificate-refused", .text = text, .hint = hint, .alert = alert});
}

static OshFlow
intercept_client_failed(OshConnection *connection, const OshTlsFailure *failure)
{
    /* It could not be told what is wrong with the upstream. */
    if (connection->intercept->failure != NULL)
        intercept_audit_failure(connection);
    if (failure->kind == OSH_TLS_FAILURE_CERTIFICATE_REFUSED) {
        intercept_not_trusted(connection, failure->text, failure->alert);
        return osh_connection_reset(connection, "certificate refused");
    }
    return osh_refuse(connection, &(OshRefusal){
                                      .layer = "tls",
                                      .status = 502,
                                      .reason = failure->text,
                                      .end = "client TLS failed",
                                  });
}

/* A client that has ended an open connection without a word: it finished the handshake and did not
 * like what it saw. */
static void
intercept_look_unused(const OshConnection *connection)
{
    const OshIntercept *intercept = connection->intercept;
    const OshNetwork *network = connection->shard->network;

    if (intercept->open_at == 0 || intercept->failure != NULL ||
        osh_shard_now(&network->shard) - intercept->open_at > REFUSED_WITHIN ||
        !intercept->of->tls->session_ended_unused(intercept->sessions[0]))
        return;
    intercept_not_trusted(
        connection,
        osh_trust_is_judged_late(osh_audit_binary(connection))
            ? "the client ended the connection when it saw the certificate"
            : "the client trusts the certificate authority of this run and ended the connection "
              "without a request: it probably expects one certificate alone (pinning)",
        -1);
}

/* By TLS 1.3 a server refuses a client's certificate, or the lack of one, when the handshake is
 * done; the plugin sees a connection that is lost. */
static void
intercept_look_refused(OshConnection *connection)
{
    const OshIntercept *intercept = connection->intercept;
    const OshTlsFailure *failure = intercept->sessions[1] != NULL
                                       ? intercept->of->tls->session_failure(intercept->sessions[1])
                                       : NULL;

    if (intercept->open_at != 0 && failure != NULL && failure->alert_received)
        osh_audit_failed(connection, &(OshRefusal){.layer = "tls", .reason = failure->text});
}

/* What is wrong with the upstream, in words of HTTP. The text has no character that JSON escapes.
 */
static GString *
intercept_answer_new(const OshConnection *connection)
{
    const OshIntercept *intercept = connection->intercept;
    const OshRefusal refusal = {.reason = intercept->failure};
    g_autofree char *detail = osh_refusal_detail(&refusal, connection);
    g_autoptr(GString) body = g_string_new(NULL);
    GString *answer = g_string_new(NULL);

    g_string_printf(body, "{\"error\":\"%s\",\"detail\":\"%s\",\"reason\":\"%s\"}\n",
                    intercept->is_late ? "upstream_timeout" : "upstream_tls_failed", detail,
                    intercept->failure);
    g_string_printf(answer,
                    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n%s",
                    intercept->is_late ? "504 Gateway Timeout" : "502 Bad Gateway", body->len,
                    body->str);
    return answer;
}

/* Returns: what became of the write of @answer: %OSH_TLS_DONE when all of it is with the kernel. */
static OshTlsResult
intercept_write_answer(OshIntercept *intercept)
{
    const OshTlsModule *tls = intercept->of->tls;

    while (intercept->answered < intercept->answer->len) {
        const OshSpan piece = {intercept->answer->str + intercept->answered,
                               intercept->answer->len - intercept->answered};
        gsize taken = 0;
        OshTlsResult result = tls->session_write(intercept->sessions[0], &piece, 1, &taken);

        if (result != OSH_TLS_DONE)
            return result;
        intercept->answered += taken;
    }
    return tls->session_shutdown(intercept->sessions[0]);
}

/* Goes on where it was, for a client that takes its answer slowly. */
static OshFlow
intercept_answer_failure(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;

    if (intercept->answer == NULL) {
        intercept_audit_failure(connection);
        intercept->answer = intercept_answer_new(connection);
    }
    switch (intercept_write_answer(intercept)) {
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return OSH_FLOW_WAIT;
    case OSH_TLS_DONE:
        connection->end = "upstream TLS failed";
        return OSH_FLOW_REFUSED;
    case OSH_TLS_END:
    case OSH_TLS_FAILED:
        break;
    }
    return osh_connection_reset(connection, "upstream TLS failed");
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
    intercept->open_at = osh_shard_now(&connection->shard->network->shard);
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
osh_intercept_client_expire(OshConnection *connection)
{
    OshIntercept *intercept = connection->intercept;

    /* What has failed is said once, and the client does not take it. */
    if (intercept != NULL && intercept->failure != NULL) {
        if (intercept->answer == NULL)
            intercept_audit_failure(connection);
        return osh_connection_reset(connection, "upstream TLS failed");
    }
    return osh_refuse_failed(connection, "timeout",
                             "the client did not complete the TLS handshake in time");
}

void
osh_intercept_clear(OshConnection *connection)
{
    const OshInterface *shard = &connection->shard->network->shard;
    OshIntercept *intercept = connection->intercept;

    if (intercept == NULL)
        return;
    intercept_look_unused(connection);
    intercept_look_refused(connection);
    connection->intercept = NULL;
    for (guint i = 0; i < 2; i++)
        if (intercept->sessions[i] != NULL)
            intercept->of->tls->session_free(intercept->sessions[i]);
    if (intercept->timer != NULL)
        osh_shard_cancel_timer(shard, intercept->timer);
    if (intercept->answer != NULL)
        g_string_free(intercept->answer, TRUE);
    g_free(intercept->failure);
    g_free(intercept);
}
