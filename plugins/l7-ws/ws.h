/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws.h: what the parts of the plugin share: one session, which is one WebSocket from behind its
 * 101. [shard]
 *
 * A text of the client is kept back until all of it was read, checked and judged: in the window
 * where it is one small frame, else in the session's own memory. What was not changed leaves byte
 * for byte. Frames of the server are checked and released as they come.
 */
#pragma once

#include "handshake.h"
#include "reader.h"

#include "osh-l7-list.h"

G_BEGIN_DECLS

/** WS_STEP_ACTIONS: actions that one step of a feed adds, at most, and MORE. */
#define WS_STEP_ACTIONS 4
/** WS_PIECES: of one feed. */
#define WS_PIECES 16
/** WS_FACTS: of one message. */
#define WS_FACTS 5
/** WS_FACT_OPCODE: `text` or `binary`. String. */
#define WS_FACT_OPCODE "websocket.opcode"
/** WS_FACT_SUBPROTOCOL: that the server has chosen; "" for none. String. */
#define WS_FACT_SUBPROTOCOL "websocket.subprotocol"

/** WsBinary: what becomes of binary messages of the client. */
typedef enum {
    WS_BINARY_AS_TEXT,
    WS_BINARY_OWN_METHOD,
    WS_BINARY_REFUSED,
} WsBinary;

/**
 * WsLimits: from the configuration.
 * @client: of messages of the client
 * @server: of messages of the server
 * @held: bytes that all sessions together may keep back
 * @idle: microseconds between two pieces of one text
 * @total: microseconds from the first to the last
 * @binary: a #WsBinary
 */
typedef struct {
    WsMessageLimits client;
    WsMessageLimits server;
    gsize held;
    gint64 idle;
    gint64 total;
    WsBinary binary;
} WsLimits;

/**
 * WsPlugin: one of a process, or of a test.
 * @limits: of every session
 * @held: [any] bytes that sessions keep back; atomic
 * @fill_mask: [any] makes the key of a frame of our own
 */
typedef struct {
    WsLimits limits;
    gsize held;
    void (*fill_mask)(guint8 mask[4]);
} WsPlugin;

/** WsStage: where the session stands, for the client's direction. */
typedef enum {
    WS_READING,   /* frames are read */
    WS_ASKED,     /* an answer is awaited */
    WS_ANSWERED,  /* it is to be carried out */
    WS_SENDING,   /* what was held is released */
    WS_STREAMING, /* an allowed binary message is released as it comes */
    WS_CLOSING,   /* last words, then the end */
    WS_GONE,      /* the client is gone */
} WsStage;

/** WsStep: what feed does after a step. */
typedef enum {
    WS_AGAIN,
    WS_MORE,
    WS_RETURN,
} WsStep;

/**
 * WsClient: the message of the client that is being read or judged.
 * @in_frame: the header of a data frame was taken
 * @kept: bytes of that header and its payload that are still in the window, together with the
 *   payload that is awaited; 0 where the header was released
 * @opcode: of the message
 * @compressed: it is
 * @text: its bytes, inflated
 * @held: its frames as they came, where they were dropped from the window
 * @n_sent: bytes of @held that were released
 * @direct: bytes of the window that are the whole message; 0 where it is in @held
 * @charged: bytes of it that count for WsPlugin.held
 * @began: when its first byte was there; 0 for none
 * @progressed: when the last one came
 */
typedef struct {
    gboolean in_frame;
    gsize kept;
    guint8 opcode;
    gboolean compressed;
    GByteArray *text;
    GByteArray *held;
    gsize n_sent;
    gsize direct;
    gsize charged;
    gint64 began;
    gint64 progressed;
} WsClient;

/**
 * WsServer: the message of the server that is being read or judged.
 * @message: its number; 0 for none
 * @is_asked: its answer is awaited
 * @is_answered: it has come and is to be carried out
 * @is_allowed: what it says
 * @in_frame: the header of a data frame was taken, and its message allowed
 * @kept: bytes of that header that are still in the window; 0 where it was released
 * @facts: of the message
 * @code: of a refusal
 * @reason: of a refusal, for the client
 * @event: of a refusal
 */
typedef struct {
    guint64 message;
    gboolean is_asked;
    gboolean is_answered;
    gboolean is_allowed;
    gboolean in_frame;
    gsize kept;
    OshFact facts[WS_FACTS];
    WsCloseCode code;
    GString *reason;
    guint64 event;
} WsServer;

/**
 * WsAnswer: what the policy has said about the message.
 * @action: an #OshAction
 * @inspected: its content was marked
 * @content: (nullable): what its content becomes
 * @length: of @content
 * @code: of a refusal
 * @reason: of a refusal, for the client
 * @event: of a refusal
 */
typedef struct {
    guint32 action;
    gboolean inspected;
    OshContent *content;
    guint64 length;
    WsCloseCode code;
    GString *reason;
    guint64 event;
} WsAnswer;

/**
 * WsEnding: the last words.
 * @code: that both sides are told
 * @reason: (nullable): that the client is told
 * @event: id of the event that recorded it; 0 for none
 * @due: by #OshDirection: it is still to be said
 * @frames: what is said, by #OshDirection
 * @lengths: of @frames; 0 before they are written
 * @rest: bytes of the server's present frame that go out before the words
 * @skip: bytes of the client's present frame that are dropped
 * @is_deaf: no frame of the client can be found any more
 * @is_answering: what is skipped is a Close of the client
 * @is_answered: the client has said Close
 * @until: when it ends all the same; 0 before its first feed
 */
typedef struct {
    WsCloseCode code;
    const char *reason;
    guint64 event;
    gboolean due[2];
    guint8 frames[2][WS_HEADER_MAX + WS_CONTROL_MAX];
    gsize lengths[2];
    guint64 rest;
    guint64 skip;
    gboolean is_deaf;
    gboolean is_answering;
    gboolean is_answered;
    gint64 until;
} WsEnding;

/**
 * WsSession:
 * @list: of the present feed
 * @readers: by #OshDirection
 * @message: that is open; 0 for none
 * @request: facts of the opening request
 * @subprotocol: owned
 * @is_json: its messages are JSON
 * @terminates: the code by which it is to end; %WS_CODE_NONE while it is not
 * @expired: a message took too long
 * @diverged: what the client compresses refers to what the server has not seen
 * @server: the message of the server that is being read
 * @scratch: (nullable): a piece of payload, unmasked
 */
typedef struct {
    WsPlugin *plugin;
    OshL7List list;
    WsReader readers[2];
    WsStage stage;
    guint64 message;
    guint64 n_messages;
    OshFactCopy request;
    char *subprotocol;
    gboolean is_json;
    OshFact facts[WS_FACTS];
    guint n_facts;
    WsClient client;
    WsAnswer answer;
    WsEnding ending;
    WsCloseCode terminates;
    gboolean expired;
    gboolean diverged;
    WsDeflater deflater;
    WsServer server;
    guint8 *scratch;
    guint8 header[WS_HEADER_MAX];
    OshL7Piece pieces[WS_PIECES];
    guint n_pieces;
} WsSession;

/** ws_session_new: Returns: (transfer full): a session for what @handshake has agreed to. */
WsSession *ws_session_new(WsPlugin *plugin, const WsHandshake *handshake);

/** ws_session_free: @session: (transfer full). */
void ws_session_free(WsSession *session);

/** ws_feed_client: the client's direction. Returns: what feed returns. */
gsize ws_feed_client(WsSession *session);

/** ws_feed_server: the server's direction. Returns: what feed returns. */
gsize ws_feed_server(WsSession *session);

/** ws_read_client: reads what is in the window of the client's direction. */
WsStep ws_read_client(WsSession *session);

/** ws_ask: asks about the client's message. */
WsStep ws_ask(WsSession *session);

/** ws_take_answer: an answer has come. */
void ws_take_answer(WsSession *session, const OshL7Answer *answer);

/** ws_code_of: Returns: the code that a refusal becomes. */
WsCloseCode ws_code_of(const OshL7Answer *answer);

/** ws_carry_answer: does what the answer says. */
WsStep ws_carry_answer(WsSession *session);

/** ws_send_held: releases what was held, as far as there is capacity. */
WsStep ws_send_held(WsSession *session);

/** ws_end_message: the client's message is over; the next may come. */
void ws_end_message(WsSession *session);

/** ws_hold: adds what the message holds by now to the sum of all sessions. Returns: FALSE where
 * that is too much. */
gboolean ws_hold(WsSession *session);

/** ws_facts: fills in @facts of a message. Returns: how many. */
guint ws_facts(const WsSession *session, const char *method, gboolean is_binary,
               OshFact facts[WS_FACTS]);

/** ws_state_facts: fills in the facts of the client's message. */
void ws_state_facts(WsSession *session);

/** ws_take_server_answer: the answer about the server's message has come. */
void ws_take_server_answer(WsSession *session, const OshL7Answer *answer);

/** ws_fail_client: refuses what the client said, and ends. @skip: bytes of its present frame that
 * are in the window, or still to come. */
WsStep ws_fail_client(WsSession *session, WsFault fault, guint64 skip);

/** ws_fail_server: likewise for the server, as a failure. */
WsStep ws_fail_server(WsSession *session, WsFault fault);

/** ws_end: ends with @code. @reason: (nullable): for the client. */
void ws_end(WsSession *session, WsCloseCode code, const char *reason);

/** ws_feed_ending: both directions, once it ends. Returns: what feed returns. */
gsize ws_feed_ending(WsSession *session);

/** ws_next_piece: Returns: (transfer none): a piece that stays until the next feed, zeroed. */
OshL7Piece *ws_next_piece(WsSession *session);

G_END_DECLS
