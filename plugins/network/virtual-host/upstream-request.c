/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream-request.c: look-up, check, record, dial, TLS, credentials, request, response. [shard]
 *
 * The steps stand in a table, in the order in which they happen. Each returns whether the next one
 * may begin; request_go() alone calls the owner, and last of all where that may free. A byte leaves
 * only for an address that was checked, after the record of it has been published.
 */
#include "upstream-request.h"

#include "credential-slots.h"
#include "dial.h"
#include "field.h"
#include "forward-audit.h"
#include "intercept.h"
#include "leg.h"
#include "origin.h"
#include "osh-destination.h"
#include "osh-http1-body.h"
#include "protocols.h"
#include "resolution.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define END_EVENTS   (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
#define RETRY        (10 * G_TIME_SPAN_MILLISECOND)
#define RESERVE_TIME (5 * G_TIME_SPAN_SECOND)

typedef enum {
    STATE_RESOLVE,
    STATE_PERMIT,
    STATE_DIAL,
    STATE_SHAKE,
    STATE_CREDENTIALS,
    STATE_HEAD,
    STATE_BODY,
    STATE_OVER,
} State;

struct _OshUpstreamRequest {
    OshConnection *connection;
    OshUpstreamTarget target;
    const OshUpstreamEvents *events;
    gpointer owner;
    State state;
    gint64 began_at;
    OshShardTimer *deadline;
    OshShardTimer *retry;
    OshResolution *resolution;
    OshAddressList *addresses;
    OshDial *dial;
    int fd;
    OshShardWatch *watch;
    OshTlsSession *tls;
    OshCredentialSlots *slots;
    gsize head_sent;
    gsize body_sent;
    gboolean is_sent;
    gboolean readable;
    gboolean ended;
    gboolean is_cut;  /* the end was none in good order */
    gboolean is_last; /* the owner is to be told of the end of the body */
    GError *error;
    OshHttp1Head head;
    OshHttp1Body body;
    OshHttp1Field fields[OSH_UPSTREAM_FIELDS];
    gsize length;
    guint8 window[OSH_VIRTUAL_WINDOW];
};

static void request_go(OshUpstreamRequest *request);

static const OshInterface *
shard_of(const OshUpstreamRequest *request)
{
    return &request->connection->shard->network->shard;
}

static const OshTlsModule *
tls_of(const OshUpstreamRequest *request)
{
    return request->connection->shard->network->interceptor->tls;
}

static const char *
host_of(const OshUpstreamRequest *request)
{
    return request->target.authority.host;
}

static void
request_clear(OshUpstreamRequest *request)
{
    const OshInterface *shard = shard_of(request);

    osh_shard_cancel_timer(shard, g_steal_pointer(&request->deadline));
    osh_shard_cancel_timer(shard, g_steal_pointer(&request->retry));
    osh_resolution_cancel(g_steal_pointer(&request->resolution));
    osh_dial_free(g_steal_pointer(&request->dial));
    g_clear_pointer(&request->slots, osh_credential_slots_free);
    if (request->tls != NULL)
        tls_of(request)->session_free(g_steal_pointer(&request->tls));
    osh_shard_remove(shard, g_steal_pointer(&request->watch));
    if (request->fd >= 0)
        close(request->fd);
    request->fd = -1;
}

/* --- Ends --------------------------------------------------------------------------------------
 */

/* Returns: FALSE */
static gboolean
request_fail(OshUpstreamRequest *request, const char *stage, OshError code, const char *reason)
{
    if (request->error == NULL)
        request->error = g_error_new(OSH_ERROR, (gint)code, "%s:%u: %s", host_of(request),
                                     request->target.authority.port, reason);
    osh_forward_audit_failed(request->connection, &request->target.authority, stage, reason);
    return FALSE;
}

/* Returns: FALSE */
static gboolean
request_deny(OshUpstreamRequest *request, const char *layer, const char *reason,
             const struct in6_addr *address)
{
    request->error = g_error_new(OSH_ERROR, OSH_ERROR_DENIED, "%s:%u: %s", host_of(request),
                                 request->target.authority.port, reason);
    osh_forward_audit_denied(request->connection, &request->target.authority, layer, reason,
                             address);
    return FALSE;
}

static void
request_expired(gpointer data)
{
    OshUpstreamRequest *request = data;

    request->deadline = NULL;
    request_fail(request, "timeout", OSH_ERROR_TIMEOUT,
                 request->state == STATE_BODY ? "the server sent nothing for too long"
                                              : "the server did not answer in time");
    request_go(request);
}

static void
request_set_deadline(OshUpstreamRequest *request, gint64 after)
{
    const OshInterface *shard = shard_of(request);

    osh_shard_cancel_timer(shard, g_steal_pointer(&request->deadline));
    if (after > 0)
        request->deadline =
            osh_shard_add_timer(shard, osh_shard_now(shard) + after, request_expired, request);
}

static void
request_retry(gpointer data)
{
    OshUpstreamRequest *request = data;

    request->retry = NULL;
    request_go(request);
}

/* Goes on soon. Returns: FALSE */
static gboolean
request_again(OshUpstreamRequest *request, gint64 after)
{
    const OshInterface *shard = shard_of(request);

    if (request->retry == NULL)
        request->retry =
            osh_shard_add_timer(shard, osh_shard_now(shard) + after, request_retry, request);
    return FALSE;
}

/* --- Until there is a connection ---------------------------------------------------------------
 */

static void
request_resolved(OshAddressList *addresses, const char *problem, gpointer data)
{
    OshUpstreamRequest *request = data;

    request->resolution = NULL;
    request->addresses = addresses;
    if (addresses == NULL)
        request_fail(request, "resolve", OSH_ERROR_NOT_FOUND, problem);
    request_go(request);
}

static gboolean
request_resolve(OshUpstreamRequest *request)
{
    OshNetwork *network = request->connection->shard->network;

    if (request->addresses == NULL && request->target.authority.kind != OSH_HOST_NAME)
        request->addresses = osh_resolution_literal(host_of(request));
    if (request->addresses != NULL)
        return TRUE;
    if (request->resolution == NULL)
        request->resolution =
            osh_resolution_begin(network, host_of(request), request_resolved, request);
    if (request->resolution == NULL)
        return request_fail(request, "resolve", OSH_ERROR_FULL,
                            "too many names are being looked up");
    return FALSE;
}

/* The plugin's own configuration names the destination: that is the exact host which may have a
 * private address. What is never dialled stays so. */
static gboolean
request_permit(OshUpstreamRequest *request)
{
    const OshInterface *shard = shard_of(request);
    const OshDestinationRequest destination = {
        .host = host_of(request),
        .port = request->target.authority.port,
        .exact_declared_host = TRUE,
    };
    const struct in6_addr *refused = NULL;
    g_autofree char *reason = NULL;

    if (!osh_destination_check(&destination, request->addresses->at, request->addresses->length,
                               &refused, &reason))
        return request_deny(request, "destination", reason, refused);
    if (osh_forward_audit_allowed(request->connection, &request->target.authority,
                                  &request->addresses->at[0]))
        return TRUE;
    if (osh_shard_now(shard) - request->began_at >= RESERVE_TIME)
        return request_deny(request, "audit", "audit-full", NULL);
    return request_again(request, RETRY);
}

static void request_event(int fd, guint32 events, gpointer data);

static gboolean
request_dialled(OshUpstreamRequest *request, OshDialResult result)
{
    struct in6_addr address;

    switch (result) {
    case OSH_DIAL_WON:
        osh_dial_take(g_steal_pointer(&request->dial), &request->fd, &request->watch, &address);
        return TRUE;
    case OSH_DIAL_LOST:
        return request_fail(request, "connect", OSH_ERROR_FAILED, osh_dial_problem(request->dial));
    case OSH_DIAL_WAITS:
        break;
    }
    return FALSE;
}

static void
request_dial_next(gpointer data)
{
    OshUpstreamRequest *request = data;

    request_dialled(request, osh_dial_next(request->dial));
    request_go(request);
}

static gboolean
request_dial(OshUpstreamRequest *request)
{
    const OshDialTarget target = {
        .addresses = request->addresses,
        .port = request->target.authority.port,
        .event = request_event,
        .delayed = request_dial_next,
        .owner = request,
    };

    if (request->fd >= 0)
        return TRUE;
    if (request->dial != NULL)
        return FALSE;
    request->dial = osh_dial_new(shard_of(request), &target);
    return request_dialled(request, osh_dial_next(request->dial));
}

/* Returns: FALSE while there is no session. */
static gboolean
request_begin_tls(OshUpstreamRequest *request)
{
    static const char *const protocols[] = {"http/1.1", NULL};
    const OshInterceptor *of = request->connection->shard->network->interceptor;
    const OshTlsClientLeg leg = {
        .name = host_of(request),
        .port = request->target.authority.port,
        .protocols = protocols,
        .client_certificate = of != NULL && osh_interceptor_identifies(of, host_of(request)),
    };
    OshTlsFailure failure;

    if (of == NULL)
        return request_fail(request, "tls", OSH_ERROR_UNSUPPORTED,
                            "this run has no TLS: needs network.tls=always");
    if (!of->tls->engine_upstream_is_ready(of->engine))
        return request_again(request, RETRY);
    request->tls = of->tls->session_new_client(of->engine, request->fd, &leg, &failure);
    return request->tls != NULL || request_fail(request, "tls", OSH_ERROR_FAILED, failure.text);
}

static gboolean
request_shake(OshUpstreamRequest *request)
{
    if (!request->target.tls)
        return TRUE;
    if (request->tls == NULL && !request_begin_tls(request))
        return FALSE;
    switch (tls_of(request)->session_handshake(request->tls)) {
    case OSH_TLS_DONE:
        request->readable = TRUE;
        return TRUE;
    case OSH_TLS_WANT_READ:
    case OSH_TLS_WANT_WRITE:
        return FALSE;
    case OSH_TLS_END:
    case OSH_TLS_FAILED:
        break;
    }
    return request_fail(request, "tls", OSH_ERROR_FAILED,
                        tls_of(request)->session_failure(request->tls)->text);
}

static void
request_slots_ready(gpointer data)
{
    request_go(data);
}

static gboolean
request_take_credentials(OshUpstreamRequest *request)
{
    static const OshInterface nobody;
    const OshConnection *connection = request->connection;
    const struct _OshProviders *providers = connection->shard->network->providers;
    const OshCredentialEndpoint endpoint = {
        .struct_size = sizeof endpoint,
        .host = host_of(request),
        .port = request->target.authority.port,
        .verified_tls = request->target.tls,
        .path = request->target.path,
        .generation = connection->generation,
    };
    const char *problem = NULL;

    if (request->slots == NULL)
        request->slots = osh_credential_slots_new(
            providers != NULL ? &providers->credentials : &nobody, &endpoint, request->target.head,
            request->target.slots, request->target.n_slots, request_slots_ready, request);
    if (!osh_credential_slots_are_ready(request->slots, &problem))
        return FALSE;
    return problem == NULL || request_deny(request, "credential", problem, NULL);
}

/* --- Request and response ----------------------------------------------------------------------
 */

/* Returns: bytes that were taken, 0 for none now, or a negative errno. */
static gssize
request_send(OshUpstreamRequest *request, const OshSpan *pieces, guint n)
{
    struct iovec vector[2];
    const struct msghdr message = {.msg_iov = vector, .msg_iovlen = n};
    ssize_t sent;
    gsize taken;

    if (request->tls != NULL) {
        switch (tls_of(request)->session_write(request->tls, pieces, n, &taken)) {
        case OSH_TLS_DONE:
            return (gssize)taken;
        case OSH_TLS_WANT_READ:
        case OSH_TLS_WANT_WRITE:
            return 0;
        case OSH_TLS_END:
        case OSH_TLS_FAILED:
            break;
        }
        return -EPIPE;
    }
    for (guint i = 0; i < n; i++)
        vector[i] = (struct iovec){(gpointer)pieces[i].data, pieces[i].length};
    do
        sent = sendmsg(request->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN ? 0 : -errno;
    return sent;
}

/* A server that has heard enough may have answered: what it said is read all the same. */
static void
request_write(OshUpstreamRequest *request)
{
    while (!request->is_sent) {
        OshSpan head = osh_credential_slots_head(request->slots);
        OshSpan pieces[2] = {{head.data + request->head_sent, head.length - request->head_sent},
                             {NULL, 0}};
        gsize body_length = 0;
        const char *body = request->target.body != NULL
                               ? g_bytes_get_data(request->target.body, &body_length)
                               : "";
        gssize n;
        gsize of_head;

        if (request->body_sent < body_length)
            pieces[1] = (OshSpan){body + request->body_sent, body_length - request->body_sent};
        request->is_sent = pieces[0].length == 0 && pieces[1].length == 0;
        if (request->is_sent)
            return;
        n = pieces[0].length > 0 ? request_send(request, pieces, pieces[1].length > 0 ? 2 : 1)
                                 : request_send(request, pieces + 1, 1);
        if (n == 0)
            return;
        if (n < 0) {
            request->is_sent = TRUE;
            return;
        }
        of_head = MIN((gsize)n, pieces[0].length);
        request->head_sent += of_head;
        request->body_sent += (gsize)n - of_head;
    }
}

/* Returns: whether bytes or the end have come. */
static gboolean
request_read(OshUpstreamRequest *request)
{
    gssize n;

    if (!request->readable || request->ended || request->length == sizeof request->window)
        return FALSE;
    n = osh_leg_receive(request->fd, request->tls != NULL ? tls_of(request) : NULL, request->tls,
                        request->window + request->length,
                        sizeof request->window - request->length);
    if (n == -EAGAIN) {
        request->readable = FALSE;
        return FALSE;
    }
    request->ended = n <= 0;
    request->is_cut = n < 0;
    request->length += n > 0 ? (gsize)n : 0;
    if (request->state == STATE_BODY)
        request_set_deadline(request, request->target.idle_timeout);
    return TRUE;
}

static void
request_consume(OshUpstreamRequest *request, gsize length)
{
    request->length -= length;
    memmove(request->window, request->window + length, request->length);
}

static gboolean
request_answered(OshUpstreamRequest *request)
{
    OshHttpField fields[OSH_VIRTUAL_FIELDS];
    const OshHttpHead head = {
        .struct_size = sizeof head,
        .status = request->head.status,
        .fields = fields,
        .n_fields = osh_field_list(&request->head, request->window, FALSE, fields),
    };

    osh_http1_body_init(&request->body,
                        osh_http1_response_framing(&request->head, request->target.is_head, FALSE),
                        request->head.content_length);
    request_set_deadline(request, request->target.idle_timeout);
    request->events->head(request->owner, &head);
    request_consume(request, request->head.size);
    return TRUE;
}

static gboolean
request_read_head(OshUpstreamRequest *request)
{
    request_write(request);
    for (;;) {
        switch (osh_http1_head_feed(&request->head, request->window, request->length)) {
        case OSH_HTTP1_COMPLETE:
            if (request->head.status >= 200)
                return request_answered(request);
            if (request->head.status == 101)
                return request_fail(request, "relay", OSH_ERROR_FAILED,
                                    "the server changed the protocol without being asked");
            request_consume(request, request->head.size);
            osh_http1_head_reset(&request->head);
            continue;
        case OSH_HTTP1_REJECTED:
            return request_fail(request, "relay", OSH_ERROR_FAILED,
                                osh_http1_error_text(request->head.error));
        case OSH_HTTP1_NEED_MORE:
            break;
        }
        if (request->ended)
            return request_fail(request, "relay", OSH_ERROR_FAILED,
                                "the server closed the connection without a response");
        if (!request_read(request))
            return FALSE;
    }
}

/* Without capacity the server is not read, and its time stands still. */
static gboolean
request_read_body(OshUpstreamRequest *request)
{
    OshHttp1BodyStep step;

    request_write(request);
    while (request->events->has_capacity(request->owner)) {
        switch (osh_http1_body_feed(&request->body, request->window, request->length, &step)) {
        case OSH_HTTP1_BODY_STEP:
            if (step.content_length > 0)
                request->events->chunk(
                    request->owner, (OshSpan){(const char *)request->window, step.content_length},
                    FALSE);
            request_consume(request, step.release);
            continue;
        case OSH_HTTP1_BODY_COMPLETE:
            request->is_last = TRUE;
            return TRUE;
        case OSH_HTTP1_BODY_REJECTED:
            return request_fail(request, "relay", OSH_ERROR_FAILED,
                                osh_http1_error_text(request->body.error));
        case OSH_HTTP1_BODY_NEED_MORE:
            break;
        }
        if (request->ended &&
            (request->is_cut || osh_http1_body_eof(&request->body) != OSH_HTTP1_BODY_COMPLETE))
            return request_fail(request, "relay", OSH_ERROR_FAILED, "the response was cut short");
        if (request->ended) {
            request->is_last = TRUE;
            return TRUE;
        }
        if (!request_read(request))
            return FALSE;
    }
    request_set_deadline(request, 0);
    return FALSE;
}

static gboolean (*const steps[])(OshUpstreamRequest *request) = {
    [STATE_RESOLVE] = request_resolve,
    [STATE_PERMIT] = request_permit,
    [STATE_DIAL] = request_dial,
    [STATE_SHAKE] = request_shake,
    [STATE_CREDENTIALS] = request_take_credentials,
    [STATE_HEAD] = request_read_head,
    [STATE_BODY] = request_read_body,
};

/* May free. */
static void
request_go(OshUpstreamRequest *request)
{
    g_autoptr(GError) error = NULL;
    State at;

    while (request->error == NULL && request->state != STATE_OVER && steps[request->state](request))
        request->state++;
    at = request->state;
    if (request->error != NULL)
        request->state = STATE_OVER;
    if (request->state != STATE_OVER)
        return;
    request_clear(request);
    error = g_steal_pointer(&request->error);
    if (error != NULL && at == STATE_BODY)
        request->events->aborted(request->owner, error);
    else if (error != NULL)
        request->events->failed(request->owner, error);
    else if (request->is_last) {
        request->is_last = FALSE;
        request->events->chunk(request->owner, (OshSpan){NULL, 0}, TRUE);
    }
}

static void
request_event(int fd, guint32 events, gpointer data)
{
    OshUpstreamRequest *request = data;

    if (request->state == STATE_DIAL)
        request_dialled(request, osh_dial_event(request->dial, fd, events));
    if (events & (EPOLLIN | END_EVENTS))
        request->readable = TRUE;
    request_go(request);
}

void
osh_upstream_request_resume(OshUpstreamRequest *request)
{
    if (request->state == STATE_BODY && request->deadline == NULL)
        request_set_deadline(request, request->target.idle_timeout);
    request_go(request);
}

OshUpstreamRequest *
osh_upstream_request_new(OshConnection *connection, const OshUpstreamTarget *target,
                         const OshUpstreamEvents *events, gpointer owner)
{
    OshUpstreamRequest *request = g_new0(OshUpstreamRequest, 1);

    request->connection = connection;
    request->target = *target;
    request->events = events;
    request->owner = owner;
    request->fd = -1;
    request->began_at = osh_shard_now(shard_of(request));
    osh_http1_head_init(&request->head, OSH_HTTP1_RESPONSE, OSH_UPSTREAM_HEAD, request->fields,
                        G_N_ELEMENTS(request->fields));
    request_set_deadline(request, target->first_byte_timeout);
    request_again(request, 0);
    return request;
}

void
osh_upstream_request_free(OshUpstreamRequest *request)
{
    if (request == NULL)
        return;
    request_clear(request);
    g_free(request->addresses);
    g_clear_error(&request->error);
    g_free(request);
}
