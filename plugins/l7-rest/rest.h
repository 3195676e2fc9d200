/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest.h: what the parts of the plugin share: one session, which is one connection. [shard]
 *
 * Requests of a connection are served one after the other: the next head is not looked at before
 * the response to the one before has ended. So a refusal stands in its place by itself, and no
 * response can be taken for the answer to another request.
 */
#pragma once

#include <openshell/ext/draft/l7-protocol.h>

#include "osh-authority.h"
#include "osh-http1-body.h"
#include "osh-http1-head.h"
#include "osh-l7-list.h"

G_BEGIN_DECLS

/** REST_HEAD_SIZE: a longer head is refused: 431 for a request, 502 for a response. */
#define REST_HEAD_SIZE OSH_HTTP1_INSPECTED_HEAD_SIZE
/** REST_PIECES: of a head that is written anew. */
#define REST_PIECES (2 * OSH_HTTP1_DEFAULT_FIELDS + 16)
/** REST_QUERY_KEYS: names in a query; more are refused. */
#define REST_QUERY_KEYS 64
/** REST_QUERY_VALUES: values in a query, of all names together. */
#define REST_QUERY_VALUES 256
/** REST_FACTS: facts of one request. */
#define REST_FACTS 3

/** RestStage: where the exchange stands, for the client's direction. */
typedef enum {
    REST_IDLE,    /* a request head is awaited */
    REST_ASKED,   /* its answer is awaited */
    REST_ALLOWED, /* its head is to be released */
    REST_REFUSED, /* its answer is to be written */
    REST_BODY,    /* its body follows */
    REST_SENT,    /* all of it is released */
} RestStage;

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
 * RestSession:
 * @list: of the present feed
 * @stage: of the exchange
 * @message: its number; 0 in %REST_IDLE
 * @fields: of both heads
 * @target: the path as it is judged and sent
 * @has_query: what follows @target in the request, as sent
 * @may_retarget: the client names an authority in each request, and may name another one
 * @authority: of a target in absolute form
 * @is_absolute: the target is one
 * @in_response: a final response head was released
 * @response_ended: all of the response was released
 * @closes: nothing follows this exchange
 * @was_head: the request's method is HEAD
 * @content: bytes of the response so far
 * @answer: what a refused request is answered with
 */
typedef struct {
    OshL7List list;
    char *host;
    guint16 port;
    gboolean secure;
    RestStage stage;
    guint64 message;
    guint64 n_messages;
    OshHttp1Head request;
    OshHttp1Head response;
    OshHttp1Field fields[2][OSH_HTTP1_DEFAULT_FIELDS];
    OshHttp1Body request_body;
    OshHttp1Body response_body;
    GString *method;
    GString *target;
    OshHttp1Range query_range;
    RestQuery query;
    OshFact facts[REST_FACTS];
    guint n_facts;
    gboolean may_retarget;
    OshAuthority authority;
    gboolean is_absolute;
    char host_field[OSH_HOST_SIZE + 16]; /* in place of one that the client did not send */
    gboolean in_response;
    gboolean response_ended;
    gboolean closes;
    gboolean was_head;
    guint16 status;
    OshL7Piece pieces[REST_PIECES];
    guint n_pieces;
    OshL7Piece answer_piece;
    GString *answer;
} RestSession;

/** rest_query_read: FALSE when @text cannot be decoded, or holds too many names or values. */
gboolean rest_query_read(RestQuery *query, const char *text, gsize length);

/** rest_query_clear: frees its memory. */
void rest_query_clear(RestQuery *query);

/**
 * rest_request_read: reads a complete request head
 * @window: where it stands
 * @ret_status: (out): for the refusal
 *
 * Fills in method, target, query and facts.
 *
 * Returns: (transfer none) (nullable): why it cannot be served; constant
 */
const char *rest_request_read(RestSession *session, const char *window, guint *ret_status);

/** rest_request_leaves: Returns: whether a complete head, in @window, goes to another authority,
 * and the data plane takes it there. Fills in authority. */
gboolean rest_request_leaves(RestSession *session, const char *window);

/** rest_request_pieces: the head as it goes to the server: hop-by-hop fields removed, the target
 * canonical. */
void rest_request_pieces(RestSession *session, const char *window);

/** rest_answer_policy: makes the 403 of a request that the policy refuses. */
void rest_answer_policy(RestSession *session, const OshL7Answer *answer);

/** rest_answer_problem: makes the answer of a request that cannot be served. */
void rest_answer_problem(RestSession *session, guint status, const char *error, const char *detail);

/** rest_feed_client: the client's direction. */
gsize rest_feed_client(RestSession *session);

/** rest_feed_server: the server's direction. */
gsize rest_feed_server(RestSession *session);

/** rest_exchange_end: the next request may come. */
void rest_exchange_end(RestSession *session);

G_END_DECLS
