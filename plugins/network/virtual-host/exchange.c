/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange.c: a request in the plugin's hands, and HTTP/1 made of what it answers. [shard]
 *
 * The head of an answer waits until its first bytes are known, or until the plugin has returned: an
 * answer that is whole by then has a Content-Length, any other is chunked. An answer without an end
 * never looks like one with an end.
 */
#include "exchange.h"

#include "facts.h"
#include "field.h"
#include "forward.h"

#include <string.h>

#define REQUEST_FACTS (OSH_CONNECTION_FACTS + 2)

struct _OshVirtualExchange {
    OshVirtualOrigin *origin;
    const OshVirtualHost *host;
    OshVirtualReply reply;
    gpointer request;
    OshVirtualForwardRun *forward;
    char *target;
    guint64 body_limit;
    GString *head; /* of the answer, until it is framed */
    guint32 status;
    OshExchangeEnd end;
    OshExchangeProblem problem;
    gboolean is_head;
    gboolean is_http10;
    gboolean closes;
    gboolean has_head;
    gboolean is_framed;
    gboolean is_chunked;
    gboolean ends_by_close;
    gboolean is_answered;
    gboolean is_read;
    gboolean is_starved;
};

/* RFC 9110 section 15; of the others the number says enough. */
static const struct {
    guint32 status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *
osh_virtual_exchange_phrase(guint32 status)
{
    for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

/* --- What the plugin calls ---------------------------------------------------------------------
 */

static gboolean
has_no_body(const OshVirtualExchange *exchange)
{
    return exchange->is_head || exchange->status == 204 || exchange->status == 304;
}

/* @length: of the whole body, or -1 where more is to come. */
static void
write_head(OshVirtualExchange *exchange, gint64 length)
{
    GString *head = exchange->head;

    if (exchange->status == 204 || exchange->status == 304 || (exchange->is_head && length < 0)) {
        /* Nothing frames a body that there is not. */
    } else if (length >= 0) {
        g_string_append_printf(head, "Content-Length: %" G_GINT64_FORMAT "\r\n", length);
    } else if (!exchange->is_http10) {
        exchange->is_chunked = TRUE;
        g_string_append(head, "Transfer-Encoding: chunked\r\n");
    } else {
        exchange->ends_by_close = TRUE;
        exchange->closes = TRUE;
    }
    if (exchange->closes)
        g_string_append(head, "Connection: close\r\n");
    g_string_append(head, "\r\n");
    exchange->is_framed = TRUE;
    osh_virtual_origin_put(exchange->origin, head->str, head->len);
}

static void
write_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last)
{
    char line[OSH_HTTP1_CHUNK_HEAD_SIZE];

    if (has_no_body(exchange))
        return;
    if (exchange->is_chunked && bytes.length > 0)
        osh_virtual_origin_put(exchange->origin, line, osh_http1_chunk_head(bytes.length, line));
    osh_virtual_origin_put(exchange->origin, bytes.data, bytes.length);
    if (exchange->is_chunked && bytes.length > 0)
        osh_virtual_origin_put(exchange->origin, "\r\n", 2);
    if (exchange->is_chunked && last)
        osh_virtual_origin_put(exchange->origin, "0\r\n\r\n", 5);
}

static gboolean
exchange_is_open(const OshVirtualExchange *exchange)
{
    return exchange->end == OSH_EXCHANGE_OPEN && !exchange->is_answered;
}

static gboolean
exchange_respond_head(OshVirtualExchange *exchange, guint32 status, const OshHttpField *fields,
                      gsize n_fields)
{
    const char *problem =
        status < 200 || status > 599 ? "the status of an answer is 200 to 599" : NULL;

    if (!exchange_is_open(exchange) || exchange->has_head)
        return FALSE;
    exchange->has_head = TRUE;
    exchange->status = status;
    exchange->head = g_string_sized_new(256);
    g_string_append_printf(exchange->head, "HTTP/1.1 %u %s\r\n", status,
                           osh_virtual_exchange_phrase(status));
    if (problem == NULL && n_fields > OSH_VIRTUAL_ANSWER_FIELDS)
        problem = "the head of an answer has more fields than a client takes";
    for (gsize i = 0; i < n_fields && problem == NULL; i++)
        problem = osh_field_append(exchange->head, &fields[i]);
    if (problem == NULL && exchange->head->len > OSH_VIRTUAL_ANSWER_HEAD)
        problem = "the head of an answer is longer than a client takes";
    if (problem != NULL) {
        exchange->is_answered = TRUE;
        osh_virtual_origin_blame(exchange->origin, problem);
        return FALSE;
    }
    osh_virtual_origin_kick(exchange->origin);
    return TRUE;
}

static gsize
exchange_capacity(OshVirtualExchange *exchange)
{
    gsize left = osh_virtual_origin_left(exchange->origin);

    if (left < OSH_VIRTUAL_CAPACITY)
        return OSH_VIRTUAL_CAPACITY - left;
    exchange->is_starved = TRUE;
    return 0;
}

static gboolean
exchange_respond_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last)
{
    if (!exchange_is_open(exchange) || !exchange->has_head)
        return FALSE;
    if (bytes.length > 0 && exchange_capacity(exchange) == 0) {
        exchange->is_answered = TRUE;
        osh_virtual_origin_blame(exchange->origin, "respond_body needs capacity");
        return FALSE;
    }
    if (!exchange->is_framed)
        write_head(exchange, last ? (gint64)bytes.length : -1);
    write_body(exchange, bytes, last);
    osh_virtual_origin_flush(exchange->origin);
    exchange->is_answered = last;
    if (last)
        osh_virtual_origin_kick(exchange->origin);
    /* The plugin waits for drained() once it has seen that nothing more fits. */
    (void)exchange_capacity(exchange);
    return TRUE;
}

static gboolean
exchange_forward(OshVirtualExchange *exchange, const OshVirtualForward *forward)
{
    OshVirtualForwardRun *run;

    if (!exchange_is_open(exchange) || osh_virtual_forward_is_running(exchange->forward))
        return FALSE;
    run = osh_virtual_forward_new(exchange, forward);
    if (run == NULL)
        return FALSE;
    osh_virtual_forward_free(exchange->forward);
    exchange->forward = run;
    return TRUE;
}

/* --- What the origin calls ---------------------------------------------------------------------
 */

static OshSpan
span_of(const guint8 *window, OshHttp1Range range)
{
    return (OshSpan){(const char *)window + range.offset, range.length};
}

static void
ask_plugin(OshVirtualExchange *exchange, const OshHttp1Head *head, const guint8 *window)
{
    OshHttpField fields[OSH_VIRTUAL_FIELDS];
    OshFact facts[REQUEST_FACTS];
    OshFacts set = {facts,
                    osh_connection_facts(osh_virtual_origin_connection(exchange->origin), facts)};
    const char *query = strchr(exchange->target, '?');
    gsize path_length =
        query != NULL ? (gsize)(query - exchange->target) : strlen(exchange->target);
    const OshHttpHead request = {
        .struct_size = sizeof request,
        .method = span_of(window, head->method),
        .path = {exchange->target, path_length},
        .fields = fields,
        .n_fields = osh_field_list(head, window, TRUE, fields),
        .query = osh_span(query != NULL ? query + 1 : ""),
    };
    g_autoptr(GError) error = NULL;

    facts[set.n_facts++] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, request.method);
    facts[set.n_facts++] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, request.path);
    exchange->request = osh_virtual_host_request(&exchange->host->plugin, exchange->host->name,
                                                 &request, &set, &exchange->reply, &error);
    if (exchange->request == NULL)
        osh_virtual_exchange_give_up(exchange, 502, "virtual_host_failed",
                                     error != NULL ? error->message
                                                   : "the plugin failed without an error");
}

OshVirtualExchange *
osh_virtual_exchange_new(OshVirtualOrigin *origin, const OshHttp1Head *head, const guint8 *window)
{
    OshConnection *connection = osh_virtual_origin_connection(origin);
    OshVirtualExchange *exchange = g_new0(OshVirtualExchange, 1);
    OshSpan target = span_of(window, head->target);

    exchange->origin = origin;
    exchange->host = connection->virtual_host;
    exchange->reply = (OshVirtualReply){
        .struct_size = sizeof exchange->reply,
        .exchange = exchange,
        .respond_head = exchange_respond_head,
        .respond_body = exchange_respond_body,
        .forward = exchange_forward,
        .capacity = exchange_capacity,
    };
    exchange->target = g_strndup(target.data, target.length);
    exchange->body_limit =
        osh_virtual_host_body_limit(&exchange->host->plugin, exchange->host->name);
    exchange->is_head = osh_http1_range_equals(window, head->method, "HEAD");
    exchange->is_http10 = head->minor_version == 0;
    exchange->closes = !osh_http1_head_keep_alive(head);
    /* What is too long by its own word is not begun. */
    if (osh_virtual_exchange_body_total(exchange, head->content_length))
        ask_plugin(exchange, head, window);
    return exchange;
}

void
osh_virtual_exchange_free(OshVirtualExchange *exchange)
{
    if (exchange == NULL)
        return;
    osh_virtual_forward_free(exchange->forward);
    /* The reply's functions are not to be called in it, and do nothing then. */
    exchange->is_answered = TRUE;
    osh_virtual_host_close(&exchange->host->plugin, exchange->request);
    if (exchange->head != NULL)
        g_string_free(exchange->head, TRUE);
    g_free(exchange->problem.detail);
    g_free(exchange->target);
    g_free(exchange);
}

void
osh_virtual_exchange_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last)
{
    exchange->is_read = last;
    if (exchange->end == OSH_EXCHANGE_OPEN && exchange->request != NULL)
        osh_virtual_host_body(&exchange->host->plugin, exchange->request, bytes, last);
}

gboolean
osh_virtual_exchange_body_total(OshVirtualExchange *exchange, guint64 total)
{
    if (total <= exchange->body_limit)
        return TRUE;
    osh_virtual_exchange_give_up(exchange, 413, "request_too_large",
                                 "the virtual host takes no body of this length");
    return FALSE;
}

OshExchangeEnd
osh_virtual_exchange_settle(OshVirtualExchange *exchange)
{
    if (exchange->end != OSH_EXCHANGE_OPEN)
        return exchange->end;
    if (exchange->has_head && !exchange->is_framed && !exchange->is_answered)
        write_head(exchange, -1);
    osh_virtual_origin_flush(exchange->origin);
    return exchange->is_answered && exchange->is_read ? OSH_EXCHANGE_COMPLETE : OSH_EXCHANGE_OPEN;
}

void
osh_virtual_exchange_drained(OshVirtualExchange *exchange)
{
    if (!osh_virtual_exchange_has_capacity(exchange) || exchange->end != OSH_EXCHANGE_OPEN)
        return;
    if (exchange->is_starved) {
        exchange->is_starved = FALSE;
        osh_virtual_host_drained(&exchange->host->plugin, exchange->request);
    }
    osh_virtual_forward_resume(exchange->forward);
}

void
osh_virtual_exchange_give_up(OshVirtualExchange *exchange, guint status, const char *error,
                             const char *detail)
{
    if (exchange->end != OSH_EXCHANGE_OPEN)
        return;
    if (exchange->is_framed) {
        osh_virtual_exchange_cut(exchange);
        return;
    }
    exchange->end = OSH_EXCHANGE_REFUSED;
    exchange->problem = (OshExchangeProblem){status, error, g_strdup(detail)};
    osh_virtual_origin_kick(exchange->origin);
}

/* An answer that is complete already stays so. */
void
osh_virtual_exchange_cut(OshVirtualExchange *exchange)
{
    if (exchange->end != OSH_EXCHANGE_OPEN)
        return;
    if (exchange->is_answered) {
        exchange->is_read = TRUE;
        exchange->closes = TRUE;
    } else {
        exchange->end = OSH_EXCHANGE_CUT;
    }
    osh_virtual_origin_kick(exchange->origin);
}

const OshExchangeProblem *
osh_virtual_exchange_problem(const OshVirtualExchange *exchange)
{
    return &exchange->problem;
}

gboolean
osh_virtual_exchange_closes(const OshVirtualExchange *exchange)
{
    return exchange->closes;
}

gboolean
osh_virtual_exchange_ends_by_close(const OshVirtualExchange *exchange)
{
    return exchange->ends_by_close;
}

OshVirtualOrigin *
osh_virtual_exchange_origin(const OshVirtualExchange *exchange)
{
    return exchange->origin;
}

const OshVirtualHost *
osh_virtual_exchange_host(const OshVirtualExchange *exchange)
{
    return exchange->host;
}

gpointer
osh_virtual_exchange_request(const OshVirtualExchange *exchange)
{
    return exchange->request;
}

const char *
osh_virtual_exchange_target(const OshVirtualExchange *exchange)
{
    return exchange->target;
}

gboolean
osh_virtual_exchange_has_answer(const OshVirtualExchange *exchange)
{
    return exchange->has_head;
}

gboolean
osh_virtual_exchange_is_answered(const OshVirtualExchange *exchange)
{
    return exchange->is_answered || exchange->end != OSH_EXCHANGE_OPEN;
}

gboolean
osh_virtual_exchange_is_forwarding(const OshVirtualExchange *exchange)
{
    return osh_virtual_forward_is_running(exchange->forward);
}

gboolean
osh_virtual_exchange_has_capacity(const OshVirtualExchange *exchange)
{
    return osh_virtual_origin_left(exchange->origin) <= OSH_VIRTUAL_CAPACITY / 2;
}
