/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server-answer.h: what a server says: lists of tools without those that no rule allows, tools that
 * are not what they were, requests of the server.
 *
 * A list is known by its shape, an array `tools` in a result, and not by the request that it
 * answers: a stream that is resumed may bring it where nobody asked for it. What a client may call
 * is decided by its call; this keeps from an agent what it could not call, and says when the words
 * that it reads about a tool have changed.
 */
#pragma once

#include "jsonrpc.h"

/** Bytes of one event of a stream, and of one document. */
#define JSONRPC_ANSWER_MAX (16 * 1024 * 1024)
/** Tools that a run remembers. */
#define JSONRPC_MAX_PINS 8192
/** Names that a report holds of each kind; more are counted alone. */
#define JSONRPC_MAX_REPORTED 64

/** JsonrpcPinning: what becomes of a tool whose definition is another than the first one. */
typedef enum {
    JSONRPC_PINS_OFF,
    JSONRPC_PINS_REPORT,
    JSONRPC_PINS_REFUSE,
} JsonrpcPinning;

/** JsonrpcPin: what a definition is compared with what was seen first. */
typedef enum {
    JSONRPC_PIN_NEW,
    JSONRPC_PIN_SAME,
    JSONRPC_PIN_CHANGED,
    JSONRPC_PIN_FULL, /* no more can be remembered, so nobody knows */
} JsonrpcPin;

typedef struct _JsonrpcPins JsonrpcPins;

/** jsonrpc_pins_new: @max_pins: tools that it remembers. Returns: (transfer full). */
JsonrpcPins *jsonrpc_pins_new(guint max_pins);
/** jsonrpc_pins_free: @pins: (transfer full) (nullable). */
void jsonrpc_pins_free(JsonrpcPins *pins);

/**
 * jsonrpc_pins_check: [any], also from several threads at once.
 * @server: host, port and path that the tool is called at
 * @name: of the tool
 * @tool: its definition; the order of members does not matter
 *
 * The first definition of a tool is remembered for the life of @pins and never replaced.
 *
 * Returns: what @tool is to it
 */
JsonrpcPin jsonrpc_pins_check(JsonrpcPins *pins, const char *server, OshSpan name,
                              const json_t *tool);

/**
 * JsonrpcAnswerRules: borrowed while an answer is filtered.
 * @allows_tool: (nullable): whether some call of the tool may be allowed; NULL hides none
 * @data: for @allows_tool
 * @pins: (nullable): what was seen before
 * @server: what @pins knows the server by
 * @pinning: what becomes of a changed tool
 */
typedef struct {
    gboolean (*allows_tool)(gpointer data, OshSpan name);
    gpointer data;
    JsonrpcPins *pins;
    const char *server;
    JsonrpcPinning pinning;
} JsonrpcAnswerRules;

/**
 * JsonrpcAnswerReport: what was found, added up over the messages of an answer.
 * @hidden: (element-type utf8): tools that were taken out because no rule allows them
 * @changed: (element-type utf8): tools that are not what they were, taken out or not
 * @requests: (element-type utf8): methods that the server asks the client for
 * @n_hidden: how many there were, more than the names too
 * @n_changed: likewise
 * @n_requests: likewise
 * @n_unreadable: events that held no message and were taken out
 */
typedef struct {
    GPtrArray *hidden;
    GPtrArray *changed;
    GPtrArray *requests;
    guint n_hidden;
    guint n_changed;
    guint n_requests;
    guint n_unreadable;
} JsonrpcAnswerReport;

void jsonrpc_answer_report_init(JsonrpcAnswerReport *report);
void jsonrpc_answer_report_clear(JsonrpcAnswerReport *report);

/** JsonrpcAnswer: what a document is. */
typedef enum {
    JSONRPC_ANSWER_SAME,       /* may go on as it is */
    JSONRPC_ANSWER_CHANGED,    /* what is written instead goes on */
    JSONRPC_ANSWER_UNREADABLE, /* no message of JSON-RPC: must not go on */
} JsonrpcAnswer;

/**
 * jsonrpc_answer_filter: [any]
 * @document: a JSON-RPC message, or an array of them
 * @rules: what is taken out
 * @report: is added to
 * @ret_document: gets the document that goes on, on %JSONRPC_ANSWER_CHANGED
 */
JsonrpcAnswer jsonrpc_answer_filter(OshSpan document, const JsonrpcAnswerRules *rules,
                                    JsonrpcAnswerReport *report, GString *ret_document);

/* event-stream.c */

typedef struct _JsonrpcEvents JsonrpcEvents;

/** jsonrpc_events_new: @rules, @report: borrowed until free. Returns: (transfer full): a filter for
 * a body of text/event-stream. */
JsonrpcEvents *jsonrpc_events_new(const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report);
/** jsonrpc_events_free: @events: (transfer full) (nullable). */
void jsonrpc_events_free(JsonrpcEvents *events);

/**
 * jsonrpc_events_feed: the next bytes, however the stream is split
 * @out: what goes on is appended: whole events only
 *
 * What stands behind the last whole event at the end of the stream never goes on, as no client may
 * use it.
 *
 * Returns: FALSE when an event is larger than may be: the stream has to be ended
 */
gboolean jsonrpc_events_feed(JsonrpcEvents *events, OshSpan bytes, GString *out);
