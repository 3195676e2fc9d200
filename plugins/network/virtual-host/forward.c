/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.c: keeps a request until one of its destinations has answered. [shard]
 *
 * What the plugin gave is copied and checked once: its fields cannot end the head, its paths are
 * request targets, its destinations are spelled as the policy spells them.
 */
#include "forward.h"

#include "field.h"
#include "upstream-request.h"

#include <string.h>

#define DEFAULT_FIRST_BYTE (60 * G_TIME_SPAN_SECOND)
#define DEFAULT_IDLE       (120 * G_TIME_SPAN_SECOND)

typedef struct {
    OshAuthority authority;
    gboolean tls;
    char *path;
} Destination;

struct _OshVirtualForwardRun {
    OshVirtualExchange *exchange;
    Destination destinations[OSH_VIRTUAL_DESTINATIONS];
    gsize n_destinations;
    gsize at;
    char *method;
    GString *fields;
    GString *head; /* of the request to the destination that is tried */
    GBytes *body;
    OshVirtualSlot *slots;
    gsize n_slots;
    gint64 first_byte_timeout;
    gint64 idle_timeout;
    OshUpstreamRequest *request;
    gboolean is_running;
};

/* --- What is given -----------------------------------------------------------------------------
 */

static gboolean
is_request_target(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((guchar)*at <= 0x20 || (guchar)*at >= 0x7f || *at == '#')
            return FALSE;
    return text[0] == '/';
}

static gboolean
take_destination(OshVirtualForwardRun *run, const OshVirtualDestination *given)
{
    Destination *destination = &run->destinations[run->n_destinations];
    const char *path =
        given->path != NULL ? given->path : osh_virtual_exchange_target(run->exchange);

    if (given->host == NULL || given->port == 0 || given->port > G_MAXUINT16 ||
        osh_host_parse(given->host, strlen(given->host), &destination->authority) !=
            OSH_AUTHORITY_OK ||
        !is_request_target(path))
        return FALSE;
    destination->authority.port = (guint16)given->port;
    destination->tls = given->tls;
    destination->path = g_strdup(path);
    run->n_destinations++;
    return TRUE;
}

static gboolean
take_fields(OshVirtualForwardRun *run, const OshVirtualForward *forward)
{
    for (gsize i = 0; i < forward->n_fields; i++) {
        const OshHttpField *field = &forward->fields[i];

        if (osh_field_append(run->fields, field) != NULL ||
            (field->name.length == strlen("host") &&
             g_ascii_strncasecmp(field->name.data, "host", strlen("host")) == 0))
            return FALSE;
    }
    return TRUE;
}

static gboolean
take_slots(OshVirtualForwardRun *run, const OshVirtualForward *forward)
{
    run->slots = g_new0(OshVirtualSlot, MAX(forward->n_slots, 1));
    for (gsize i = 0; i < forward->n_slots; i++) {
        const OshVirtualSlot *slot = &forward->slots[i];

        if (slot->field == NULL || slot->text == NULL ||
            !osh_field_is_token(osh_span(slot->field)) ||
            osh_field_is_framing(osh_span(slot->field)) ||
            g_ascii_strcasecmp(slot->field, "host") == 0 ||
            (slot->context != OSH_SLOT_HEADER && slot->context != OSH_SLOT_BASIC))
            return FALSE;
        run->slots[run->n_slots++] =
            (OshVirtualSlot){g_strdup(slot->field), g_strdup(slot->text), slot->context};
    }
    return TRUE;
}

static gboolean
take_forward(OshVirtualForwardRun *run, const OshVirtualForward *forward)
{
    if (forward->struct_size < sizeof *forward || forward->method == NULL ||
        !osh_field_is_token(osh_span(forward->method)) || forward->n_destinations == 0 ||
        forward->n_destinations > OSH_VIRTUAL_DESTINATIONS || forward->first_byte_timeout < 0 ||
        forward->idle_timeout < 0)
        return FALSE;
    for (gsize i = 0; i < forward->n_destinations; i++)
        if (!take_destination(run, &forward->destinations[i]))
            return FALSE;
    return take_fields(run, forward) && take_slots(run, forward);
}

/* --- One destination after the other -----------------------------------------------------------
 */

static void
write_head(OshVirtualForwardRun *run, const Destination *destination)
{
    GString *head = run->head;
    char host[OSH_HOST_SIZE + 8];
    gsize length = run->body != NULL ? g_bytes_get_size(run->body) : 0;

    osh_authority_format(&destination->authority, destination->tls ? 443 : 80, host, sizeof host);
    g_string_printf(head, "%s %s HTTP/1.1\r\nHost: %s\r\n", run->method, destination->path, host);
    g_string_append_len(head, run->fields->str, (gssize)run->fields->len);
    if (run->body != NULL)
        g_string_append_printf(head, "Content-Length: %" G_GSIZE_FORMAT "\r\n", length);
    g_string_append(head, "Connection: close\r\n");
}

static const OshUpstreamEvents forward_events;

static void
forward_try(OshVirtualForwardRun *run)
{
    const Destination *destination = &run->destinations[run->at];
    const OshUpstreamTarget target = {
        .authority = destination->authority,
        .tls = destination->tls,
        .path = destination->path,
        .head = run->head,
        .body = run->body,
        .slots = run->slots,
        .n_slots = run->n_slots,
        .is_head = g_str_equal(run->method, "HEAD"),
        .first_byte_timeout = run->first_byte_timeout,
        .idle_timeout = run->idle_timeout,
    };

    write_head(run, destination);
    run->request = osh_upstream_request_new(
        osh_virtual_origin_connection(osh_virtual_exchange_origin(run->exchange)), &target,
        &forward_events, run);
}

static const OshInterface *
plugin_of(const OshVirtualForwardRun *run)
{
    return &osh_virtual_exchange_host(run->exchange)->plugin;
}

/* Where the plugin neither goes on nor answers, it is answered for it: no client waits for ever. */
static void
forward_failed(gpointer owner, const GError *error)
{
    OshVirtualForwardRun *run = owner;
    OshVirtualExchange *exchange = run->exchange;
    gsize tried = run->at++;
    gboolean is_last = run->at == run->n_destinations;
    gboolean goes_on;

    g_clear_pointer(&run->request, osh_upstream_request_free);
    /* The plugin may begin another forward inside the call, in this one's place. */
    run->is_running = !is_last;
    goes_on = osh_virtual_host_failed(plugin_of(run), osh_virtual_exchange_request(exchange), tried,
                                      error);
    if (osh_virtual_exchange_is_answered(exchange) || osh_virtual_exchange_has_answer(exchange)) {
        if (!is_last)
            run->is_running = FALSE;
        return;
    }
    if (!is_last && goes_on) {
        forward_try(run);
        return;
    }
    if (!is_last)
        run->is_running = FALSE;
    if (!osh_virtual_exchange_is_forwarding(exchange))
        osh_virtual_exchange_give_up(exchange, 502, "upstream_unreachable", error->message);
}

static void
forward_head(gpointer owner, const OshHttpHead *head)
{
    OshVirtualForwardRun *run = owner;

    osh_virtual_host_response_head(plugin_of(run), osh_virtual_exchange_request(run->exchange),
                                   head);
}

static void
forward_chunk(gpointer owner, OshSpan bytes, gboolean last)
{
    OshVirtualForwardRun *run = owner;

    run->is_running = !last;
    osh_virtual_host_response_chunk(plugin_of(run), osh_virtual_exchange_request(run->exchange),
                                    bytes, last);
}

static void
forward_aborted(gpointer owner, const GError *error)
{
    OshVirtualForwardRun *run = owner;
    OshVirtualExchange *exchange = run->exchange;

    run->is_running = FALSE;
    osh_virtual_host_aborted(plugin_of(run), osh_virtual_exchange_request(exchange), error);
    if (!osh_virtual_exchange_is_answered(exchange) &&
        !osh_virtual_exchange_is_forwarding(exchange))
        osh_virtual_exchange_give_up(exchange, 502, "upstream_failed", error->message);
}

static gboolean
forward_has_capacity(gpointer owner)
{
    return osh_virtual_exchange_has_capacity(((OshVirtualForwardRun *)owner)->exchange);
}

static const OshUpstreamEvents forward_events = {
    .failed = forward_failed,
    .head = forward_head,
    .chunk = forward_chunk,
    .aborted = forward_aborted,
    .has_capacity = forward_has_capacity,
};

OshVirtualForwardRun *
osh_virtual_forward_new(OshVirtualExchange *exchange, const OshVirtualForward *forward)
{
    OshVirtualForwardRun *run = g_new0(OshVirtualForwardRun, 1);

    run->exchange = exchange;
    run->fields = g_string_new(NULL);
    run->head = g_string_new(NULL);
    if (!take_forward(run, forward)) {
        osh_virtual_forward_free(run);
        return NULL;
    }
    run->method = g_strdup(forward->method);
    run->body = forward->body != NULL ? g_bytes_ref(forward->body) : NULL;
    run->first_byte_timeout =
        forward->first_byte_timeout > 0 ? forward->first_byte_timeout : DEFAULT_FIRST_BYTE;
    run->idle_timeout = forward->idle_timeout > 0 ? forward->idle_timeout : DEFAULT_IDLE;
    run->is_running = TRUE;
    forward_try(run);
    return run;
}

void
osh_virtual_forward_free(OshVirtualForwardRun *run)
{
    if (run == NULL)
        return;
    osh_upstream_request_free(run->request);
    for (gsize i = 0; i < run->n_destinations; i++)
        g_free(run->destinations[i].path);
    for (gsize i = 0; i < run->n_slots; i++) {
        g_free((char *)run->slots[i].field);
        g_free((char *)run->slots[i].text);
    }
    g_free(run->slots);
    g_string_free(run->fields, TRUE);
    g_string_free(run->head, TRUE);
    if (run->body != NULL)
        g_bytes_unref(run->body);
    g_free(run->method);
    g_free(run);
}

gboolean
osh_virtual_forward_is_running(const OshVirtualForwardRun *run)
{
    return run != NULL && run->is_running;
}

void
osh_virtual_forward_resume(OshVirtualForwardRun *run)
{
    if (run != NULL && run->request != NULL && run->is_running)
        osh_upstream_request_resume(run->request);
}
