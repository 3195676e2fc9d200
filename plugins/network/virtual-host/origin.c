/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.c: serves the far end of the pair: reads requests, hands them over, writes answers.
 * [shard]
 *
 * One function, origin_go(), leads to every call of a plugin's function that a request causes, and
 * to every end; what a plugin calls only leaves a note and has it run soon. So nothing is freed
 * below a plugin's call. It must never hand over a request before the one before it has ended.
 */
#include "origin.h"

#include "audit.h"
#include "exchange.h"
#include "field.h"
#include "osh-text.h"
#include "refusal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/**
 * OriginPhase:
 * @ORIGIN_HEAD: a request head is awaited
 * @ORIGIN_BODY: its body is
 * @ORIGIN_ANSWER: the answer is
 * @ORIGIN_ENDING: what is left goes out, then nothing follows
 * @ORIGIN_ENDED: the client's side was told so
 */
typedef enum {
    ORIGIN_HEAD,
    ORIGIN_BODY,
    ORIGIN_ANSWER,
    ORIGIN_ENDING,
    ORIGIN_ENDED,
} OriginPhase;

struct _OshVirtualOrigin {
    OshConnection *connection;
    int fd;
    int near_fd; /* of the connection, which may have closed it */
    OshShardWatch *watch;
    OshShardTimer *kick;
    OriginPhase phase;
    gboolean readable;
    gboolean ended;
    gboolean running;
    gboolean again;
    gboolean reset;
    gboolean is_head;
    const char *fault;
    OshVirtualExchange *exchange;
    OshHttp1Head head;
    OshHttp1Body body;
    OshHttp1Field fields[OSH_VIRTUAL_FIELDS];
    GByteArray *out;
    gsize sent; /* of @out */
    gsize length;
    guint8 window[OSH_VIRTUAL_WINDOW];
};

/* --- Towards the client ------------------------------------------------------------------------
 */

gsize
osh_virtual_origin_left(const OshVirtualOrigin *origin)
{
    return origin->out->len - origin->sent;
}

/* What the socket does not take now it takes when it is writable; without a peer it is lost. */
void
osh_virtual_origin_flush(OshVirtualOrigin *origin)
{
    while (origin->sent < origin->out->len) {
        ssize_t n = send(origin->fd, origin->out->data + origin->sent,
                         origin->out->len - origin->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            origin->sent = origin->out->len;
        if (n <= 0)
            break;
        origin->sent += (gsize)n;
    }
    if (origin->sent < origin->out->len && origin->sent < origin->out->len / 2)
        return;
    g_byte_array_remove_range(origin->out, 0, (guint)origin->sent);
    origin->sent = 0;
}

void
osh_virtual_origin_put(OshVirtualOrigin *origin, gconstpointer bytes, gsize length)
{
    if (length > 0)
        g_byte_array_append(origin->out, bytes, (guint)length);
}

static void
origin_end(OshVirtualOrigin *origin)
{
    g_clear_pointer(&origin->exchange, osh_virtual_exchange_free);
    origin->phase = ORIGIN_ENDING;
}

/* An answer of ours; nothing follows it. */
static void
origin_answer(OshVirtualOrigin *origin, guint status, const char *error, const char *detail)
{
    g_autoptr(GString) body = g_string_new("{\"error\":");
    g_autofree char *head = NULL;

    osh_text_append_json(body, error);
    g_string_append(body, ",\"detail\":");
    osh_text_append_json(body, detail);
    g_string_append(body, ",\"layer\":\"virtual-host\"}\n");
    head = g_strdup_printf("HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
                           status, osh_virtual_exchange_phrase(status), body->len);
    osh_virtual_origin_put(origin, head, strlen(head));
    if (!origin->is_head)
        osh_virtual_origin_put(origin, body->str, body->len);
    osh_virtual_origin_flush(origin);
    origin_end(origin);
}

/* --- From the client ---------------------------------------------------------------------------
 */

/* Returns: whether bytes or the end have come. */
static gboolean
origin_read(OshVirtualOrigin *origin)
{
    ssize_t n;

    if (!origin->readable || origin->ended || origin->length == sizeof origin->window)
        return FALSE;
    do
        n = recv(origin->fd, origin->window + origin->length,
                 sizeof origin->window - origin->length, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        origin->readable = FALSE;
        return FALSE;
    }
    origin->ended = n <= 0;
    origin->length += n > 0 ? (gsize)n : 0;
    return TRUE;
}

/* The rest of a request that was answered early: a client may read nothing before it has sent all.
 */
static gboolean
origin_discard(OshVirtualOrigin *origin)
{
    origin->length = 0;
    return origin_read(origin);
}

static void
origin_consume(OshVirtualOrigin *origin, gsize length)
{
    origin->length -= length;
    memmove(origin->window, origin->window + length, origin->length);
}

/* A page that a program shows must not reach them (security rule 12, virtual hosts): what a browser
 * sends for another site carries an Origin or says so, or is a POST that is not JSON. Returns:
 * (nullable): why the request is refused. */
static const char *
origin_objection(const OshVirtualOrigin *origin)
{
    const OshHttp1Head *head = &origin->head;
    const OshHttp1Field *site = osh_http1_head_find(head, origin->window, "sec-fetch-site", NULL);
    const OshHttp1Field *type = osh_http1_head_find(head, origin->window, "content-type", NULL);
    g_autofree char *media_type = NULL;

    if (osh_http1_head_find(head, origin->window, "origin", NULL) != NULL)
        return "a request with an Origin field comes from a page";
    if (site != NULL && !osh_http1_range_equals(origin->window, site->value, "same-origin") &&
        !osh_http1_range_equals(origin->window, site->value, "none"))
        return "the request comes from a page of another site";
    if (!osh_http1_range_equals(origin->window, head->method, "POST") ||
        (!head->chunked && head->content_length == 0))
        return NULL;
    if (type != NULL)
        media_type = g_ascii_strdown((const char *)origin->window + type->value.offset,
                                     (gssize)type->value.length);
    if (media_type != NULL)
        media_type[strcspn(media_type, "; \t")] = '\0';
    return media_type != NULL && (g_str_equal(media_type, "application/json") ||
                                  g_str_has_suffix(media_type, "+json"))
               ? NULL
               : "the body of a POST to a virtual host is JSON";
}

static void
origin_refuse(OshVirtualOrigin *origin, const char *reason)
{
    osh_audit_denied(origin->connection, &(OshRefusal){
                                             .layer = "virtual-host",
                                             .outcome = OSH_DECISION_DENIED_HARD,
                                             .status = 403,
                                             .reason = reason,
                                         });
    origin_answer(origin, 403, "request_refused", reason);
}

static void
origin_begin(OshVirtualOrigin *origin)
{
    const OshHttp1Head *head = &origin->head;
    OshHttp1Framing framing = osh_http1_request_framing(head);
    const char *objection = origin_objection(origin);

    origin->is_head = osh_http1_range_equals(origin->window, head->method, "HEAD");
    if (objection != NULL) {
        origin_refuse(origin, objection);
        return;
    }
    osh_http1_body_init(&origin->body, framing, head->content_length);
    origin->exchange = osh_virtual_exchange_new(origin, head, origin->window);
    /* RFC 9110 section 10.1.1: it is asked for before the body comes. */
    if (framing != OSH_HTTP1_FRAMING_NONE &&
        osh_virtual_exchange_body_total(origin->exchange, head->content_length) &&
        osh_http1_head_find(head, origin->window, "expect", NULL) != NULL &&
        head->minor_version > 0 && !osh_virtual_exchange_has_answer(origin->exchange))
        osh_virtual_origin_put(origin, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    origin->phase = ORIGIN_BODY;
    origin_consume(origin, head->size);
}

static gboolean
origin_read_head(OshVirtualOrigin *origin)
{
    switch (osh_http1_head_feed(&origin->head, origin->window, origin->length)) {
    case OSH_HTTP1_COMPLETE:
        origin_begin(origin);
        return TRUE;
    case OSH_HTTP1_REJECTED:
        origin_answer(origin, 400, "invalid_request_head",
                      osh_http1_error_text(origin->head.error));
        return TRUE;
    case OSH_HTTP1_NEED_MORE:
        break;
    }
    if (origin->ended)
        origin_end(origin);
    return origin->ended || origin_read(origin);
}

static gboolean
origin_read_body(OshVirtualOrigin *origin)
{
    OshHttp1BodyStep step;

    switch (osh_http1_body_feed(&origin->body, origin->window, origin->length, &step)) {
    case OSH_HTTP1_BODY_STEP:
        if (step.content_length > 0 &&
            osh_virtual_exchange_body_total(origin->exchange, origin->body.content_total))
            osh_virtual_exchange_body(origin->exchange,
                                      (OshSpan){(const char *)origin->window, step.content_length},
                                      FALSE);
        origin_consume(origin, step.release);
        return TRUE;
    case OSH_HTTP1_BODY_COMPLETE:
        origin->phase = ORIGIN_ANSWER;
        osh_virtual_exchange_body(origin->exchange, (OshSpan){NULL, 0}, TRUE);
        return TRUE;
    case OSH_HTTP1_BODY_NEED_MORE:
        if (origin_read(origin))
            return TRUE;
        if (!origin->ended)
            return FALSE;
        break;
    case OSH_HTTP1_BODY_REJECTED:
        break;
    }
    osh_virtual_exchange_cut(origin->exchange);
    return TRUE;
}

/* --- Where they meet ---------------------------------------------------------------------------
 */

/* Returns: whether something was done. */
static gboolean
origin_end_exchange(OshVirtualOrigin *origin)
{
    const OshExchangeProblem *problem;
    gboolean closes;

    switch (osh_virtual_exchange_settle(origin->exchange)) {
    case OSH_EXCHANGE_OPEN:
        return FALSE;
    case OSH_EXCHANGE_REFUSED:
        problem = osh_virtual_exchange_problem(origin->exchange);
        origin_answer(origin, problem->status, problem->error, problem->detail);
        return TRUE;
    case OSH_EXCHANGE_CUT:
        origin->reset = osh_virtual_exchange_ends_by_close(origin->exchange);
        origin_end(origin);
        return TRUE;
    case OSH_EXCHANGE_COMPLETE:
        break;
    }
    closes = osh_virtual_exchange_closes(origin->exchange);
    origin_end(origin);
    if (closes)
        return TRUE;
    osh_http1_head_reset(&origin->head);
    origin->phase = ORIGIN_HEAD;
    return TRUE;
}

/* Returns: whether something was done. */
static gboolean
origin_step(OshVirtualOrigin *origin)
{
    if (origin->exchange != NULL && origin_end_exchange(origin))
        return TRUE;
    switch (origin->phase) {
    case ORIGIN_HEAD:
        return origin_read_head(origin);
    case ORIGIN_BODY:
        return origin_read_body(origin);
    case ORIGIN_ENDING:
        if (osh_virtual_origin_left(origin) > 0)
            return origin_discard(origin);
        shutdown(origin->fd, SHUT_WR);
        origin->phase = ORIGIN_ENDED;
        return TRUE;
    case ORIGIN_ENDED:
        return origin_discard(origin);
    case ORIGIN_ANSWER:
        break;
    }
    return FALSE;
}

/* May free. */
static void
origin_fail(OshVirtualOrigin *origin)
{
    OshConnection *connection = origin->connection;
    const char *plugin = connection->virtual_host->plugin.provider;
    g_autofree char *reason =
        g_strdup_printf("the plugin %s broke a rule of its contract (%s)", plugin, origin->fault);

    osh_network_log(connection->shard->network, G_LOG_LEVEL_WARNING, "%s", reason);
    osh_connection_advance(connection, osh_refuse(connection, &(OshRefusal){
                                                                  .layer = "relay",
                                                                  .status = 502,
                                                                  .reason = reason,
                                                                  .end = "virtual host failed",
                                                              }));
}

/* May free. */
static void
origin_go(OshVirtualOrigin *origin)
{
    origin->running = TRUE;
    do {
        origin->again = FALSE;
        osh_virtual_origin_flush(origin);
        if (origin->exchange != NULL)
            osh_virtual_exchange_drained(origin->exchange);
    } while (origin->fault == NULL && (origin_step(origin) || origin->again));
    origin->running = FALSE;
    /* The connection has gone on to another destination. */
    if (origin->connection->upstream_fd != origin->near_fd)
        return;
    if (origin->fault != NULL)
        origin_fail(origin);
    else if (origin->reset && origin->phase == ORIGIN_ENDED)
        osh_connection_advance(origin->connection,
                               osh_connection_reset(origin->connection, "reset"));
}

static void
origin_kicked(gpointer data)
{
    OshVirtualOrigin *origin = data;

    origin->kick = NULL;
    origin_go(origin);
}

void
osh_virtual_origin_kick(OshVirtualOrigin *origin)
{
    origin->again = TRUE;
    if (!origin->running && origin->kick == NULL)
        origin->kick = osh_shard_add_timer(&origin->connection->shard->network->shard, 0,
                                           origin_kicked, origin);
}

void
osh_virtual_origin_blame(OshVirtualOrigin *origin, const char *rule)
{
    if (origin->fault == NULL)
        origin->fault = rule;
    osh_virtual_origin_kick(origin);
}

OshConnection *
osh_virtual_origin_connection(const OshVirtualOrigin *origin)
{
    return origin->connection;
}

static void
origin_event(int fd, guint32 events, gpointer data)
{
    OshVirtualOrigin *origin = data;

    (void)fd;
    if (events & (EPOLLIN | END_EVENTS))
        origin->readable = TRUE;
    origin_go(origin);
}

OshVirtualOrigin *
osh_virtual_origin_new(OshConnection *connection)
{
    const OshInterface *shard = &connection->shard->network->shard;
    OshVirtualOrigin *origin;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return NULL;
    origin = g_new0(OshVirtualOrigin, 1);
    origin->connection = connection;
    origin->fd = ends[1];
    origin->near_fd = ends[0];
    origin->out = g_byte_array_new();
    osh_http1_head_init(&origin->head, OSH_HTTP1_REQUEST, sizeof origin->window, origin->fields,
                        G_N_ELEMENTS(origin->fields));
    origin->watch =
        osh_shard_add_fd(shard, origin->fd, OSH_CONNECTION_WATCHED, origin_event, origin);
    connection->upstream_watch = osh_shard_add_fd(shard, ends[0], OSH_CONNECTION_WATCHED,
                                                  osh_connection_upstream_event, connection);
    connection->upstream_fd = ends[0];
    if (origin->watch != NULL && connection->upstream_watch != NULL)
        return origin;
    osh_virtual_origin_free(origin);
    return NULL;
}

void
osh_virtual_origin_free(OshVirtualOrigin *origin)
{
    const OshInterface *shard;

    if (origin == NULL)
        return;
    shard = &origin->connection->shard->network->shard;
    osh_virtual_exchange_free(origin->exchange);
    osh_shard_cancel_timer(shard, origin->kick);
    osh_shard_remove(shard, origin->watch);
    close(origin->fd);
    g_byte_array_unref(origin->out);
    g_free(origin);
}
