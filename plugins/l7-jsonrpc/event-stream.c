/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-stream.c: text/event-stream (WHATWG HTML, 9.2.6), one event after the other, however the
 * bytes come. [any]. An event is kept until it is whole, up to a limit, and goes on as it came
 * unless its message is changed. It must never let a part of an event go on.
 */
#include <string.h>

#include "osh-line-reader.h"

#include "server-answer.h"

struct _JsonrpcEvents {
    const JsonrpcAnswerRules *rules;
    JsonrpcAnswerReport *report;
    GString *raw;    /* of the event, as it came */
    GString *others; /* its lines that are not data */
    GString *data;   /* of its data lines, joined by LF */
    GString *type;   /* of it; empty for "message" */
    gsize line;      /* where the line that is being read begins in @raw */
    gboolean has_data;
    gboolean after_cr;      /* an LF that comes now belongs to the line before it */
    gboolean ended;         /* that CR ended an event, so its LF goes on by itself */
    gboolean has_begun;     /* a line has come */
    gboolean has_gone_on;   /* an event has gone on */
    gboolean has_late_mark; /* the event begins with a byte order mark that is none yet */
    gboolean is_broken;
};

JsonrpcEvents *
jsonrpc_events_new(const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report)
{
    JsonrpcEvents *events = g_new0(JsonrpcEvents, 1);

    events->rules = rules;
    events->report = report;
    events->raw = g_string_new(NULL);
    events->others = g_string_new(NULL);
    events->data = g_string_new(NULL);
    events->type = g_string_new(NULL);
    return events;
}

void
jsonrpc_events_free(JsonrpcEvents *events)
{
    if (events == NULL)
        return;
    g_string_free(events->raw, TRUE);
    g_string_free(events->others, TRUE);
    g_string_free(events->data, TRUE);
    g_string_free(events->type, TRUE);
    g_free(events);
}

static void
next_event(JsonrpcEvents *events)
{
    g_string_truncate(events->raw, 0);
    g_string_truncate(events->others, 0);
    g_string_truncate(events->data, 0);
    g_string_truncate(events->type, 0);
    events->line = 0;
    events->has_data = FALSE;
}

static void
append_span(GString *text, OshSpan span)
{
    g_string_append_len(text, span.data, (gssize)span.length);
}

static void
take_line(JsonrpcEvents *events, OshSpan line)
{
    const char *colon = memchr(line.data, ':', line.length);
    OshSpan name = {line.data, colon != NULL ? (gsize)(colon - line.data) : line.length};
    OshSpan value = {line.data + name.length, line.length - name.length};

    if (value.length > 0)
        value = (OshSpan){value.data + 1, value.length - 1};
    if (value.length > 0 && value.data[0] == ' ')
        value = (OshSpan){value.data + 1, value.length - 1};
    if (!osh_span_equal(name, "data")) {
        append_span(events->others, line);
        g_string_append_c(events->others, '\n');
    } else {
        if (events->has_data)
            g_string_append_c(events->data, '\n');
        append_span(events->data, value);
        events->has_data = TRUE;
    }
    if (osh_span_equal(name, "event")) {
        g_string_truncate(events->type, 0);
        append_span(events->type, value);
    }
}

/* An event of another type, and one without data, is no message: no client reads one in it. */
static gboolean
is_message(const JsonrpcEvents *events)
{
    return events->data->len > 0 &&
           (events->type->len == 0 ||
            (events->type->len == 7 && memcmp(events->type->str, "message", 7) == 0));
}

static void
release(JsonrpcEvents *events, GString *out)
{
    g_autoptr(GString) document = g_string_new(NULL);
    JsonrpcAnswer answer = JSONRPC_ANSWER_SAME;

    if (events->has_late_mark)
        answer = JSONRPC_ANSWER_UNREADABLE;
    else if (is_message(events))
        answer = jsonrpc_answer_filter((OshSpan){events->data->str, events->data->len},
                                       events->rules, events->report, document);
    events->ended = answer == JSONRPC_ANSWER_SAME;
    events->has_gone_on |= answer != JSONRPC_ANSWER_UNREADABLE;
    events->has_late_mark = FALSE;
    if (answer == JSONRPC_ANSWER_SAME) {
        g_string_append_len(out, events->raw->str, (gssize)events->raw->len);
    } else if (answer == JSONRPC_ANSWER_CHANGED) {
        g_string_append_len(out, events->others->str, (gssize)events->others->len);
        g_string_append_printf(out, "data: %s\n\n", document->str);
    } else {
        events->report->n_unreadable++;
    }
    next_event(events);
}

static gboolean
begins_with_mark(OshSpan line)
{
    return line.length >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0;
}

static void
end_line(JsonrpcEvents *events, GString *out)
{
    OshSpan line = {events->raw->str + events->line, events->raw->len - 1 - events->line};

    /* Only at its very start has a stream a byte order mark; where what stood before one is taken
     * out, it would come to stand there. */
    if (!events->has_gone_on && events->line == 0 && begins_with_mark(line)) {
        events->has_late_mark = events->has_begun;
        line = (OshSpan){line.data + 3, line.length - 3};
    }
    events->has_begun = TRUE;
    events->line = events->raw->len;
    events->ended = FALSE;
    if (line.length == 0)
        release(events, out);
    else
        take_line(events, line);
}

/* The LF of a CRLF, part of what the CR ended. */
static void
take_lf(JsonrpcEvents *events, GString *out)
{
    if (events->raw->len == 0) {
        if (events->ended)
            g_string_append_c(out, '\n');
        return;
    }
    g_string_append_c(events->raw, '\n');
    events->line = events->raw->len;
}

gboolean
jsonrpc_events_feed(JsonrpcEvents *events, OshSpan bytes, GString *out)
{
    for (gsize i = 0; i < bytes.length && !events->is_broken; i++) {
        char byte = bytes.data[i];
        gboolean after_cr = events->after_cr;

        events->after_cr = byte == '\r';
        if (byte == '\n' && after_cr) {
            take_lf(events, out);
            continue;
        }
        if (events->raw->len >= JSONRPC_ANSWER_MAX) {
            events->is_broken = TRUE;
            break;
        }
        g_string_append_c(events->raw, byte);
        if (byte == '\n' || byte == '\r')
            end_line(events, out);
    }
    return !events->is_broken;
}
