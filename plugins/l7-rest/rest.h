/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest.h: what the parts of the plugin share: one session, which is one connection. [shard]
 *
 * Requests of a connection are served one after the other: the next head is not looked at before
 * the response to the one before has ended. So a refusal stands in its place by itself, and no
 * response can be taken for the answer to another request.
 */
#pragma once

#include <openshell/ext/draft/http-upgrade.h>
#include <openshell/ext/draft/l7-protocol.h>

#include "osh-authority.h"
#include "osh-http1-body.h"
#include "osh-http1-head.h"
#include "osh-l7-list.h"

G_BEGIN_DECLS

/** REST_INTERIM_RESPONSES: 1xx responses to one request, where the configuration says nothing. */
#define REST_INTERIM_RESPONSES 32
/** REST_HELD_SIZE: bytes of requests that are held, where the configuration says nothing. */
#define REST_HELD_SIZE (128 * 1024 * 1024)
/** REST_QUERY_KEYS: names in a query; more are refused. */
#define REST_QUERY_KEYS 64
/** REST_QUERY_VALUES: values in a query, of all names together. */
#define REST_QUERY_VALUES 256
/** REST_EDITS: fields that an answer changes; with more the request is refused. */
#define REST_EDITS 16
/** REST_FACTS: facts of one request. */
#define REST_FACTS 5
/** REST_PARTS: pieces of a body that one feed sends. */
#define REST_PARTS 4

/**
 * RestLimits: from the configuration.
 * @head_size: bytes of a head, its empty line included
 * @head_fields: fields of a head
 * @chunk_line_size: bytes of a chunk's size line
 * @trailer_size: bytes of a trailer section
 * @interim_responses: 1xx responses to one request
 * @held_size: bytes of requests that are held until they were inspected, of all connections
 */
typedef struct {
    guint32 head_size;
    guint32 head_fields;
    guint32 chunk_line_size;
    guint32 trailer_size;
    guint32 interim_responses;
    gsize held_size;
} RestLimits;

/** RestStage: where the exchange stands, for the client's direction. */
typedef enum {
    REST_IDLE,    /* a request head is awaited */
    REST_ASKED,   /* its answer is awaited */
    REST_ALLOWED, /* its head is to be released */
    REST_REFUSED, /* the words that refuse it are to be written */
    REST_BODY,    /* its body follows */
    REST_SENT,    /* all of it is released */
    REST_CONTENT, /* its body is gathered, to be inspected */
    REST_MARKED,  /* what an inspection makes of a part of it is awaited */
    REST_RELEASE, /* all of it was inspected and goes out */
    REST_LINGER,  /* what the client still says is dropped, then the connection ends */
} RestStage;

/** RestResponse: where the response stands. */
typedef enum {
    REST_NO_RESPONSE,
    REST_RESPONSE_ASKED,  /* a 101 came; its answer is awaited */
    REST_RESPONSE_AGREED, /* it is to be released, and another protocol follows */
    REST_RESPONSE_HELD,   /* its content is gathered, to be looked into */
    REST_RESPONSE_MARKED, /* what is made of that is awaited */
    REST_RESPONSE_OUT,    /* what may go out of it does */
    REST_RESPONSE_PASSED, /* it goes on as it comes; its head is to be released */
    REST_RESPONSE_BODY,   /* its final head was released */
    REST_RESPONSE_ENDED,  /* all of it was, and the request is not */
} RestResponse;

/** RestQuery: the names of a query with their values, decoded, in the order of their first use. */
typedef struct {
    GString *text; /* everything that the spans point to */
    OshSpan keys[REST_QUERY_KEYS];
    OshSpan values[REST_QUERY_VALUES];
    guint8 key_of[REST_QUERY_VALUES];
    guint n_keys;
    guint n_values;
    OshSpan sorted[REST_QUERY_VALUES]; /* the values of one key together */
    OshFact fields[REST_QUERY_KEYS][2];
    OshFactRecord records[REST_QUERY_KEYS];
} RestQuery;

/**
 * RestEdit: a field of the request as the answer wants it.
 * @name: owned
 * @value: (nullable): owned
 * @lease: (nullable): instead of @value; the driver's, until the message ends. Neither removes it
 */
typedef struct {
    char *name;
    char *value;
    OshLease *lease;
} RestEdit;

/**
 * RestRefusal: of a request that cannot be served, whatever the policy says.
 * @status: of the response
 * @error: a word for programs; constant
 * @detail: words for a person; constant, or the session's
 * @limit: (nullable): name of a limit that was crossed; the session's
 */
typedef struct {
    guint status;
    const char *error;
    const char *detail;
    const char *limit;
} RestRefusal;

/** RestHeaders: the fields of a head as a fact; made at the first use. */
typedef struct {
    GString *names; /* in lower case */
    OshFact (*fields)[2];
    OshFactRecord *records;
} RestHeaders;

/**
 * RestContent: the body of a request that is inspected before anything of it goes out.
 * @is_active: the present request is one
 * @has_head: @head was taken, and the body is being read
 * @head: its head, which left the window
 * @body: of it, decoded
 * @type: Content-Type as sent
 * @encoding: Content-Encoding, likewise
 * @media_type: of @type, in lower case, without parameters
 * @limit: most bytes of @body
 * @checked: bytes at the front of the window that are content, and were not taken yet
 * @charged: bytes of @head and @body that count as held
 * @began: when the body began to be read
 * @progressed: when the last of it came
 * @is_late: it did not come in time
 * @wants_continue: the client waits to be told that the body is wanted (RFC 9110 section 10.1.1)
 * @is_begun: something was marked
 * @marked: bytes of @body that were marked
 * @is_whole: all of it was
 * @is_allowed: the last answer allowed it
 * @is_replaced: by another body
 * @handle: (nullable): what stands behind the @settled bytes of @body then
 * @handle_length: of it
 * @settled: bytes of @body that go out as they are then
 * @head_sent: the head is on its way
 * @ends_chunk: what was kept goes out as a chunk, whose end is to follow
 * @sent: bytes of the body that are
 */
typedef struct {
    gboolean is_active;
    gboolean has_head;
    GByteArray *head;
    GByteArray *body;
    GString *type;
    GString *encoding;
    GString *media_type;
    guint64 limit;
    gsize checked;
    gsize charged;
    gint64 began;
    gint64 progressed;
    gboolean is_late;
    gboolean wants_continue;
    gboolean is_begun;
    gsize marked;
    gboolean is_whole;
    gboolean is_allowed;
    gboolean is_replaced;
    OshContent *handle;
    guint64 handle_length;
    guint64 settled;
    gboolean head_sent;
    gboolean ends_chunk;
    guint64 sent;
    OshFact facts[3];
    OshL7Piece parts[REST_PARTS];
    OshL7Piece continue_piece;
    char length_field[48];
    char chunk_head[OSH_HTTP1_CHUNK_HEAD_SIZE];
} RestContent;

/**
 * RestReply: the content of a response that is looked into before it goes out.
 * @is_active: the present response is one
 * @is_preflight: its head is asked about, which is still in the window
 * @is_stream: it is an event stream
 * @in_chunks: it goes out in chunks
 * @head: of it, which left the window
 * @body: of it, decoded: all, or the event that was not sent yet
 * @media_type: in lower case, without parameters
 * @number: of contents that were marked
 * @is_over: all of it is in @body
 * @checked: bytes at the front of the window that are content, and were not taken yet
 * @is_event: @body is an event
 * @line_is_empty: the last line of @body is, so far
 * @after_return: its last byte is a CR that ended a line
 * @awaits_line_feed: that was the end of an event, to which a LF would belong
 * @held: bytes of @body that were marked last
 * @is_refused: they may not go out
 * @is_sent: they are on their way
 * @is_replaced: they go out otherwise: @settled of them and @handle
 * @handle: (nullable): of @handle_length bytes
 * @head_sent: the head is on its way
 * @prefix_sent: the size line of the chunk is
 * @suffix_sent: its end is
 * @sent: bytes of what was marked last that are
 */
typedef struct {
    gboolean is_active;
    gboolean is_preflight;
    gboolean is_stream;
    gboolean in_chunks;
    GByteArray *head;
    GByteArray *body;
    GString *media_type;
    guint64 number;
    gboolean is_over;
    gsize checked;
    gboolean is_event;
    gboolean line_is_empty;
    gboolean after_return;
    gboolean awaits_line_feed;
    gsize held;
    gboolean is_refused;
    gboolean is_sent;
    gboolean is_replaced;
    OshContent *handle;
    guint64 handle_length;
    guint64 settled;
    gboolean head_sent;
    gboolean prefix_sent;
    gboolean suffix_sent;
    guint64 sent;
    OshL7Piece parts[REST_PARTS];
    OshL7Piece end_piece;
    char chunk_head[OSH_HTTP1_CHUNK_HEAD_SIZE];
    char length_field[48];
} RestReply;

/**
 * RestSession:
 * @list: of the present feed
 * @limits: of the plugin, no larger than the window
 * @protocol: the policy's
 * @stage: of the exchange
 * @held: bytes that the sessions of the plugin hold together; atomic
 * @message: its number; 0 in %REST_IDLE
 * @fields: of both heads
 * @method: of the request; empty when it is not known
 * @target: the path as it is judged and sent; of a refused request as far as it is known
 * @query_range: what follows @target in the request, as sent, with its question mark
 * @response_facts: of a 101
 * @may_retarget: the client names an authority in each request, and may name another one
 * @may_be_opaque: what is not HTTP may go on unread
 * @authority: of a target in absolute form
 * @is_absolute: the target is one
 * @host_field: in place of one that the client did not send
 * @query: (nullable): made by the first request that has a query
 * @n_interim: 1xx responses so far
 * @closes: nothing follows this exchange
 * @is_over: nothing follows what is being said
 * @was_head: the request's method is HEAD
 * @edits: (array length=n_edits): of the present request
 * @is_beyond: the answer asks for what this plugin does not serve: a change of what frames or
 *   addresses the request
 * @content: of the present request, where it is inspected
 * @response_limit: bytes of a content of the response that may have to be looked into; or 0
 * @response_preflight: its head is asked about before
 * @reply: of the present response, where it is
 * @headers: of the request or the response that is asked about
 * @is_upgrade: the request asks for the protocol @upgrade
 * @upgrade: its token, in lower case
 * @may_upgrade: the answer agreed to that
 * @keeps_open: the answer to a refused request ends no connection
 * @piece_base: (nullable): where the head that is sent stands, when it left the window
 * @options: (nullable): of the endpoint that was chosen last
 * @allows_encoded_slash: says @options
 * @status: of the response
 * @refusal: why it is refused; of %REST_REFUSED without @answer
 * @event: id of the event that recorded the refusal
 * @linger_until: when a client that still speaks after an early response is cut off; 0 for never
 * @answer: what a refused request is answered with; empty until it is made
 */
typedef struct {
    OshL7List list;
    gsize *held;
    RestLimits limits;
    char *protocol;
    char *host;
    guint16 port;
    gboolean secure;
    RestStage stage;
    RestResponse has_response;
    guint64 message;
    guint64 n_messages;
    OshHttp1Head request;
    OshHttp1Head response;
    OshHttp1Field *fields[2];
    OshHttp1Body request_body;
    OshHttp1Body response_body;
    GString *method;
    GString *target;
    OshHttp1Range query_range;
    RestQuery *query;
    OshFact facts[REST_FACTS];
    guint n_facts;
    OshFact response_facts[2];
    gboolean may_retarget;
    gboolean may_be_opaque;
    OshAuthority authority;
    gboolean is_absolute;
    char host_field[OSH_HOST_SIZE + 16];
    guint n_interim;
    gboolean closes;
    gboolean is_over;
    gboolean was_head;
    RestEdit edits[REST_EDITS];
    guint n_edits;
    gboolean is_beyond;
    RestContent content;
    guint64 response_limit;
    gboolean response_preflight;
    RestReply reply;
    RestHeaders headers;
    gboolean is_upgrade;
    GString *upgrade;
    gboolean may_upgrade;
    gboolean keeps_open;
    const char *piece_base;
    GVariant *options;
    gboolean allows_encoded_slash;
    guint16 status;
    RestRefusal refusal;
    guint64 event;
    gint64 linger_until;
    OshL7Piece *pieces;
    guint n_pieces;
    OshL7Piece answer_piece;
    GString *answer;
} RestSession;

/** rest_query_read: FALSE when @text cannot be decoded, or holds too many names or values. */
gboolean rest_query_read(RestQuery *query, const char *text, gsize length);

/** rest_query_free: @query: (transfer full) (nullable). */
void rest_query_free(RestQuery *query);

/** rest_edits_take: keeps the edits of an answer. Returns: FALSE where one cannot be made. */
gboolean rest_edits_take(RestSession *session, const OshL7Answer *answer);

/** rest_edits_clear: there are none. */
void rest_edits_clear(RestSession *session);

/** rest_edits_name: Returns: whether an edit is of the field @name. */
gboolean rest_edits_name(const RestSession *session, OshSpan name);

/**
 * rest_request_read: reads a complete request head
 * @window: where it stands
 *
 * Fills in method, target, query and facts; of a refused request as far as they are known.
 *
 * Returns: whether it can be served; else the refusal is filled in
 */
gboolean rest_request_read(RestSession *session, const char *window);

/** rest_request_read_rejected: likewise, of a head that the parser refused. */
void rest_request_read_rejected(RestSession *session, const char *window);

/** rest_request_leaves: Returns: whether a complete head, in @window, goes to another authority,
 * and the data plane takes it there. Fills in authority. */
gboolean rest_request_leaves(RestSession *session, const char *window);

/**
 * rest_request_refuse: a request that cannot be served. @error, @detail: constant. Returns: FALSE
 */
gboolean rest_request_refuse(RestSession *session, guint status, const char *error,
                             const char *detail);

/** rest_request_pieces: the head as it goes to the server: hop-by-hop fields removed, the target
 * canonical; with the length of a body that was inspected. */
void rest_request_pieces(RestSession *session, const char *window);

/** rest_response_pieces: the final head as it goes to the client, without hop-by-hop fields.
 * Returns: FALSE where it goes as it came. */
gboolean rest_response_pieces(RestSession *session, const char *window);

/** rest_headers_fact: Returns: the fields of @head, in @base, as a fact called @name, without those
 * that hold credentials; of the session until the next call. */
OshFact rest_headers_fact(RestSession *session, const OshHttp1Head *head, const char *base,
                          const char *name);

/** rest_headers_free: forgets them. */
void rest_headers_free(RestHeaders *headers);

/** rest_upgrade_read: of a request that names another protocol, whose other facts are made.
 * Returns: whether it does so in one way; else the refusal is filled in. */
gboolean rest_upgrade_read(RestSession *session, const char *window);

/** rest_upgrade_refuse: fills in the refusal of an upgrade. Returns: FALSE */
gboolean rest_upgrade_refuse(RestSession *session);

/** rest_upgrade_ask: about a 101. Returns: what feed returns. */
gsize rest_upgrade_ask(RestSession *session);

/** rest_upgrade_go: releases the 101 that was agreed to. Returns: what feed returns. */
gsize rest_upgrade_go(RestSession *session);

/** rest_content_begin: the answer asks for the body of the request. */
void rest_content_begin(RestSession *session, const OshL7Answer *answer);

/** rest_content_allow: the answer allows it. */
void rest_content_allow(RestSession *session, const OshL7Answer *answer);

/** rest_content_clear: there is none. */
void rest_content_clear(RestSession *session);

/** rest_content_free: frees what @content keeps from one request to the next. */
void rest_content_free(RestSession *session);

/** rest_content_total: Returns: bytes of the body as it goes out. */
guint64 rest_content_total(const RestContent *content);

/** rest_bytes_empty: of one request; memory that is large is given back. @bytes: (nullable). */
void rest_bytes_empty(GByteArray **bytes);

/** rest_content_expire: the deadline of a body that is being read has passed. */
void rest_content_expire(RestSession *session);

/** rest_content_feed: of %REST_CONTENT. Returns: what feed returns. */
gsize rest_content_feed(RestSession *session);

/** rest_content_release: of %REST_RELEASE. Returns: what feed returns. */
gsize rest_content_release(RestSession *session);

/** rest_content_chunks: what follows in chunks behind what was allowed before the end of its body.
 * Returns: what feed returns. */
gsize rest_content_chunks(RestSession *session);

/** rest_reply_begin: a response head that is complete, in the window. Returns: whether its content
 * is looked into; then it left the window. */
gboolean rest_reply_begin(RestSession *session);

/** rest_reply_resume: takes the answer to a content of it. */
void rest_reply_resume(RestSession *session, const OshL7Answer *answer);

/** rest_reply_feed: of such a response. Returns: what feed returns. */
gsize rest_reply_feed(RestSession *session);

/** rest_reply_total: Returns: bytes of what was marked last, as they go out. */
guint64 rest_reply_total(const RestReply *reply);

/** rest_reply_pieces: its head as it goes to the client. */
void rest_reply_pieces(RestSession *session);

/** rest_reply_clear: there is none. */
void rest_reply_clear(RestSession *session);

/** rest_reply_free: frees what @reply keeps from one response to the next. */
void rest_reply_free(RestReply *reply);

/** rest_response_end: all of the response was released. Returns: what feed returns. */
gsize rest_response_end(RestSession *session);

/** rest_resume: takes an answer. */
void rest_resume(RestSession *session, const OshL7Answer *answer);

/** rest_answer_refusal: makes the answer in the words of an inspector. */
void rest_answer_refusal(RestSession *session, const OshInspectionRefusal *refusal);

/** rest_answer_policy: makes the 403 of a request that the policy refuses. */
void rest_answer_policy(RestSession *session, const OshL7Answer *answer);

/** rest_answer_problem: makes the answer of a request that cannot be served. */
void rest_answer_problem(RestSession *session);

/** rest_feed_client: the client's direction. */
gsize rest_feed_client(RestSession *session);

/** rest_feed_server: the server's direction. */
gsize rest_feed_server(RestSession *session);

/** rest_check_answer: Returns: whether a request that was allowed goes out; else the refusal is
 * filled in. */
gboolean rest_check_answer(RestSession *session);

/** rest_body_begin: the body of the present request follows. */
void rest_body_begin(RestSession *session);

/** rest_body_refuse: the client is at fault, in the body. @reason: constant. Returns: what feed
 * returns. */
gsize rest_body_refuse(RestSession *session, const char *reason);

/** rest_request_end: all of the request is released. Returns: what feed returns. */
gsize rest_request_end(RestSession *session);

/** rest_refuse: records why the message is not served; words follow with the next feed. @flags: of
 * the DENY. Returns: what feed returns. */
gsize rest_refuse(RestSession *session, guint32 flags);

/** rest_say_refusal: the words, then the end. Returns: what feed returns. */
gsize rest_say_refusal(RestSession *session);

/** rest_exchange_end: the next request may come. Returns: what feed returns. */
gsize rest_exchange_end(RestSession *session);

G_END_DECLS
