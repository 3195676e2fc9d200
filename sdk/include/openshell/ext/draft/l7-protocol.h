/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/l7-protocol.h: "openshell.draft.l7-protocol/1": what a connection says, sans I/O.
 *
 * A protocol plugin reads spans and returns actions. It never sees a socket, a thread, a secret or
 * the policy and never calls another plugin. The data plane is the driver: it owns the sockets,
 * keeps one window of unreleased bytes for each direction, carries out the actions in order, asks
 * the policy and the credential provider, and answers.
 *
 * A session is a state machine. feed is the only function that returns actions. resume, expire,
 * cancel and terminate change the state of the session and return nothing.
 *
 * When feed is called. After each event (bytes, an end of bytes, capacity, an answer, a wake, the
 * deadline, cancel, terminate) the driver calls feed for the client's direction and then for the
 * server's, in turn, until one whole round has returned nothing, or nothing but MORE. The first
 * round follows open, with two empty windows. A direction is left out of a round while an ASK or a
 * CONTENT with %OSH_L7_PAUSES waits for its answer there, and while the far side has not taken
 * what was released in that direction. The driver calls no function of the session while it
 * carries out a list of actions; the window does not move before the list is done.
 *
 * Waiting. MORE means: more bytes of this direction are needed. Only then does the driver read
 * there; this holds for an empty window too. A window that is full at MORE is a denial of the
 * connection: a unit of the protocol is larger than what may be buffered. MORE after the end of
 * bytes is the same as nothing when the window is empty, and otherwise ends the connection as a
 * failure: the last unit was cut short. To return nothing means: wait for something else (an
 * answer, capacity, the other direction, a wake, the deadline). The driver then stops reading that
 * direction, and its idle timers run.
 *
 * Window. feed gets all unreleased bytes of its direction as one contiguous span. Offsets in
 * actions count from the first of them. PASS, REPLACE and DROP release bytes from the front,
 * without a gap: the offset of each is the number of bytes that its list has released so far. What
 * was released is gone from the next window. A window holds at least %OSH_L7_WINDOW_MIN bytes, at
 * least the `window=` of the protocol's manifest, and at most OshL7Connection.window_cap.
 *
 * Messages. A message is what the policy decides about: a request, a command, a text frame. The
 * session numbers it. ASK asks about it; DENY refuses it without asking; DONE ends it, when its
 * reply is complete or nothing else is to come; CANCEL ends it while its answer is awaited. DONE
 * gives back its leases and contents, and its response is recorded. A refused message is ended by
 * DONE like any other, after its bytes were dropped and the words for the client were emitted. What
 * is open when a session ends is ended by the driver.
 *
 * Nothing leaves unjudged. PASS, REPLACE and EMIT from client to server name a message that was
 * allowed; the driver refuses any other. Bytes that belong to no message (a keep-alive frame, a
 * settings frame, the end of a line between two commands) carry %OSH_L7_FRAMING instead; they must
 * hold nothing that a program may choose freely. From server to client a message may be named, for
 * the record, or be 0.
 *
 * An ASK states every fact of the protocol that the message has. A fact that is absent matches no
 * allow rule and every deny rule that names it, so a list without values is stated as an empty
 * list, and a size that is nothing as 0.
 *
 * An ASK from the server's direction is about a message that was allowed before, and carries facts
 * of its response: the 101 of an upgrade is judged so. It is answered like any ASK. Refused, the
 * message is refused, and the session emits other words in place of that response. Or it begins a
 * message of the server's own, which nobody asked for: a text of a WebSocket. That is recorded only
 * where it is refused.
 *
 * Answers. Each ASK and each CONTENT is answered by exactly one resume, unless CANCEL or cancel
 * came before it. A message has one question open at a time; several messages may have one each, so
 * one HTTP/2 stream that waits stalls no other. A driver that does not answer at once keeps a copy
 * of the facts, and decides again on them when the policy changes before the message's first byte
 * went out.
 *
 * Content. When the answer is %OSH_ACTION_INSPECT, the session marks the decoded content of the
 * message by CONTENT, in one piece or in several with the same content number, the last of them
 * with %OSH_L7_LAST; content of length 0 is marked too. A session that cannot decode it refuses the
 * message. Content beyond OshL7Answer.inspect_limit is marked as well: the driver then refuses.
 * After each CONTENT comes its resume: INSPECT asks for what follows, ALLOW and DENY are final.
 * INSPECT with @begin says that the message itself is allowed and may begin to go out; then
 * @settled bytes from the start of the content are final and may be released as they are, and a
 * handle stands for what comes behind the settled bytes.
 *
 * Content that is larger than a window is kept by the session: it drops the window's bytes, marks
 * what it decoded by content.bytes, and sends that, or the handle, when the message is allowed.
 * What an inspector needs to know of the head beyond the facts of the ASK is stated by
 * content.facts, with the first CONTENT; the policy is not asked about it and no event holds it.
 *
 * Responses. Where the answer that allows a message has a @response_limit, the content of its
 * response is held until it was looked into. The session marks it in the server's direction: a body
 * as a whole, or each event of an event stream, in one CONTENT with %OSH_L7_LAST each, numbered
 * upwards, with response.status and response.headers as its facts. The answer is final: ALLOW with
 * the disposition of that content, whose handle goes to the client, or DENY, which refuses the
 * message though it was allowed. Content larger than the limit is a failure of the server. What the
 * session cannot mark, such as a part of a representation, it does not ask the server for.
 *
 * A message that has begun and is refused then stays unfinished: the session ends it as its
 * protocol can (a stream is reset), or the connection.
 *
 * The driver answers INSPECT where the policy names an inspector (content-inspector.h), and also
 * where it allows the message and a middleware (middleware.h) or the rewriting of placeholders
 * applies to its content.
 *
 * Slots. A SLOT says where a credential may stand: a range of the window, or decoded text that the
 * window does not show. Slots are named before or with the ASK of their message, in the client's
 * direction. The text is read while the list is carried out. The answer holds, for each slot of
 * the message: untouched, refused, or a lease with its final length, so that the message can be
 * framed. Content is scanned for placeholders by the driver; it needs no slots.
 *
 * Capacity. EMIT is legal while the capacity of its direction, less what the EMITs before it in the
 * list have sent, is more than 0, and may then exceed it. PASS and REPLACE need none. Bytes leave
 * in the order of the actions of their direction: an EMIT stands behind what was released there.
 *
 * Refusing. DENY records a refusal and releases nothing; its facts make the record. DROP, the words
 * for the client (EMIT) and DONE are the session's own work. deny.ret_event is written while the
 * list is carried out; words that show it are emitted by the next feed. With %OSH_L7_CONNECTION
 * what was released and emitted before still goes out within a linger, then both legs are closed
 * and feed is not called again. %OSH_L7_FAILURE says that the peer is at fault and not the policy's
 * subject: a malformed reply of a server is a failure, never called a denial. A message that an
 * answer refused is recorded by the driver and gets no DENY. An inspector may have words of its own
 * for the client: then the answer brings them (OshL7Answer.refusal), and the session puts them into
 * the framing of its protocol.
 *
 * Record. An allowed message is one openshell.l7.allowed/1, for which the driver has reserved
 * capacity before it answers; a refused one is one openshell.l7.denied/1; DONE of an allowed one is
 * one openshell.l7.response/1. What was done to what stands in all of them in the same words for
 * every protocol: the facts that the manifest names as `action=` and `target=`. A fact that the
 * manifest declares sensitive is in none of them. A session publishes nothing itself.
 *
 * Options. Endpoints that share host and port are told apart by what a message says, so before the
 * first answer only the options hold that all of them share (OshL7Connection.options), and each
 * answer brings those of the endpoint that was chosen: keys of the schema, and those that the
 * manifest declares as `[option NAME]`.
 *
 * End of bytes. @eof stays TRUE once it was TRUE. It closes nothing by itself: when the window is
 * empty, the driver half-closes the other leg behind what was released. @reset says that the peer
 * is gone in both directions: what is released towards it is thrown away, and when a round returns
 * nothing the driver closes. Both ends, two empty windows and nothing returned: the driver closes.
 * Both ends, bytes left in a window, no question, no deadline and nothing returned: it closes, as a
 * failure.
 *
 * Deadline. A session has one, for both directions. 0 leaves it as it was;
 * %OSH_L7_DEADLINE_NONE removes it. It is removed before expire is called.
 *
 * Lifetime. Everything that an action points to must stay as it is until the next call into the
 * session. The window may be pointed to as well: it stays until the list of its feed was carried
 * out, and no longer. Leases and content handles are the driver's and valid until their message
 * ends.
 *
 * Feeding one byte at a time must lead to the same released bytes, facts, denials and records as
 * feeding everything at once. The harness in openshell/testing/osh-l7-harness.h checks that, and
 * each of %OSH_L7_RULES.
 *
 * A whole session, for a protocol of lines that a client sends and nobody answers:
 *
 * |[<!-- language="C" -->
 * typedef struct {
 *     guint64 message; // the line that is open, 0 for none
 *     guint64 n_messages;
 *     gboolean allowed;
 *     OshFact fact;
 * } MetricSession;
 *
 * static gsize
 * metric_feed(gpointer data, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
 *             gint64 *ret_deadline)
 * {
 *     MetricSession *self = data;
 *     const char *start = input->window.data;
 *     const char *end = NULL;
 *     gsize length;
 *
 *     if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0)
 *         end = memchr(start, '\n', input->window.length);
 *     if (end == NULL) {
 *         actions[0] = (OshL7Action){.type = OSH_L7_MORE};
 *         return 1;
 *     }
 *     length = (gsize)(end - start) + 1;
 *     if (self->message == 0) {
 *         self->message = ++self->n_messages;
 *         self->fact = (OshFact)OSH_FACT_STRING_INIT("metric.line",
 *                                                    ((OshSpan){start, length - 1}));
 *         actions[0] = (OshL7Action){.type = OSH_L7_ASK,
 *                                    .message = self->message,
 *                                    .flags = OSH_L7_PAUSES,
 *                                    .u.ask.facts = {&self->fact, 1}};
 *         return 1;
 *     }
 *     actions[0] = (OshL7Action){.type = self->allowed ? OSH_L7_PASS : OSH_L7_DROP,
 *                                .message = self->message,
 *                                .length = length};
 *     actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = self->message};
 *     self->message = 0;
 *     return 2;
 * }
 *
 * static void
 * metric_resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
 * {
 *     MetricSession *self = data;
 *
 *     self->allowed = answer->action == OSH_ACTION_ALLOW;
 * }
 * ]|
 *
 * The ASK pauses, so feed is called for the client again only when the answer is there. The server
 * says nothing in this protocol; MORE in its direction still reads it, or its end would be missed.
 */
#pragma once

#include <string.h>

#include "openshell/ext/draft/content-inspector.h"
#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/l7-rules.h"
#include "openshell/ext/policy.h"
#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_L7_PROTOCOL "openshell.draft.l7-protocol/1"

/** OSH_L7_WINDOW_MIN: bytes that every window may hold, at least. */
#define OSH_L7_WINDOW_MIN 16384
/** OSH_L7_PROBE_MAX: a prefix of this length that is still %OSH_PROBE_MAYBE counts as a no. */
#define OSH_L7_PROBE_MAX 64
/** OSH_L7_ACTIONS_MIN: actions that feed has space for, at least. */
#define OSH_L7_ACTIONS_MIN 8
/** OSH_L7_BYTES_MAX: most bytes of all %OSH_L7_PIECE_BYTES of one action. */
#define OSH_L7_BYTES_MAX 65536
/** OSH_L7_DEADLINE_NONE: a deadline that removes the one that was set. */
#define OSH_L7_DEADLINE_NONE G_MAXINT64

/** OshContent: content that the driver holds, as an inspector or a middleware left it. Opaque. */
typedef struct _OshContent OshContent;

/** OshDirection: which way bytes go. */
typedef enum {
    OSH_CLIENT_TO_SERVER = 0,
    OSH_SERVER_TO_CLIENT = 1,
} OshDirection;

/** OshProbe: what a protocol makes of the first bytes of a client. */
typedef enum {
    OSH_PROBE_NO = 0,
    OSH_PROBE_MAYBE = 1,
    OSH_PROBE_YES = 2,
} OshProbe;

/**
 * OshL7Connection:
 * @struct_size: sizeof(OshL7Connection) of the driver
 * @protocol: the policy's protocol value, "" where no endpoint names one
 * @host: the name that was judged, lower-case
 * @port: likewise
 * @secure: the client speaks TLS that the driver terminated
 * @may_start_tls: START_TLS is possible
 * @may_be_opaque: OPAQUE is possible: no candidate endpoint has rules or carries credentials
 * @alpn: (nullable): what was negotiated
 * @window_cap: most bytes that a window may hold, by #OshDirection: a head and the largest content
 *   that any candidate endpoint inspects; at least %OSH_L7_WINDOW_MIN and the manifest's `window=`
 * @options: (nullable): a{sv} of the options that all candidate endpoints share
 * @connection: correlation id
 * @wake: [shard] asks for rounds of feed with no new bytes; never feeds inside the call. A session
 *   whose actions are computed elsewhere (a worker process) returns nothing and wakes the driver
 *   when it has some. Valid until close.
 * @wake_data: for @wake
 * @may_retarget: RETARGET is possible: the client names an authority in each message
 *
 * Borrowed for the call of open, but for @wake and @wake_data.
 */
typedef struct {
    guint32 struct_size;
    const char *protocol;
    const char *host;
    guint16 port;
    gboolean secure;
    gboolean may_start_tls;
    gboolean may_be_opaque;
    const char *alpn;
    gsize window_cap[2];
    GVariant *options;
    guint64 connection;
    OshCallback wake;
    gpointer wake_data;
    gboolean may_retarget;
} OshL7Connection;

/**
 * OshL7Input:
 * @struct_size: sizeof(OshL7Input) of the driver
 * @direction: an #OshDirection
 * @now: monotonic microseconds
 * @window: all unreleased bytes of the direction
 * @n_new: how many bytes at its end were not there in the last call for this direction
 * @eof: no byte will follow; stays TRUE
 * @reset: the peer of this direction has reset the connection; @eof is TRUE too
 * @capacity: how many bytes EMIT may put out, by #OshDirection
 */
typedef struct {
    guint32 struct_size;
    guint32 direction;
    gint64 now;
    OshSpan window;
    gsize n_new;
    gboolean eof;
    gboolean reset;
    gsize capacity[2];
} OshL7Input;

/**
 * OshL7PieceType:
 * @OSH_L7_PIECE_BYTES: @bytes
 * @OSH_L7_PIECE_WINDOW: bytes of the window that was fed, @offset and @length; copied nowhere
 * @OSH_L7_PIECE_LEASE: all of @lease; towards the server only, for the message that it was given to
 * @OSH_L7_PIECE_CONTENT: answered content, @offset and @length of it; towards the server, or for
 *   content of a response towards the client; for its own message only
 */
typedef enum {
    OSH_L7_PIECE_BYTES = 1,
    OSH_L7_PIECE_WINDOW = 2,
    OSH_L7_PIECE_LEASE = 3,
    OSH_L7_PIECE_CONTENT = 4,
} OshL7PieceType;

/**
 * OshL7Piece:
 * @type: an #OshL7PieceType
 * @has_mask: apply @mask while writing (RFC 6455 section 5.3)
 * @mask: XOR key
 * @mask_phase: which byte of @mask meets the first byte, 0..3
 * @bytes: for %OSH_L7_PIECE_BYTES
 * @lease: for %OSH_L7_PIECE_LEASE
 * @content: for %OSH_L7_PIECE_CONTENT
 * @offset: for WINDOW and CONTENT
 * @length: for WINDOW and CONTENT
 *
 * Passed in arrays: its layout never changes.
 */
typedef struct {
    guint32 type;
    guint8 has_mask;
    guint8 mask_phase;
    guint8 mask[4];
    guint8 reserved[6];
    OshSpan bytes;
    OshLease *lease;
    OshContent *content;
    guint64 offset;
    guint64 length;
} OshL7Piece;

/**
 * OshL7ActionType:
 * @OSH_L7_MORE: more bytes of this direction are needed
 * @OSH_L7_PASS: release @length bytes as they are
 * @OSH_L7_REPLACE: release @length bytes, sending @pieces instead
 * @OSH_L7_DROP: release @length bytes, sending nothing
 * @OSH_L7_EMIT: send @pieces in @direction, behind what was released there before
 * @OSH_L7_SLOT: a credential may stand at @offset, @length of the window, or in slot.bytes where
 *   that is not empty
 * @OSH_L7_CONTENT: decoded content of @message: a range of the window, or content.bytes where that
 *   is not empty; answered by resume
 * @OSH_L7_ASK: may @message go on? Answered by resume
 * @OSH_L7_CANCEL: the open question of @message is withdrawn, which ends the message: its resume
 *   does not come
 * @OSH_L7_DENY: @message, or the connection, is refused by the protocol itself: malformed,
 *   smuggled
 * @OSH_L7_RETARGET: at a message boundary: what stands at @offset goes to another authority and
 *   back through the pipeline; the session ends with the bytes before it. The driver reads the
 *   authority there itself; what the action says of it is for the record.
 * @OSH_L7_START_TLS: both legs change to TLS behind what was released so far, the upstream's
 *   first; bytes still unreleased in either direction make it a denial, because they were said in
 *   clear, maybe by somebody in between. The session goes on with what is decrypted.
 * @OSH_L7_UPGRADE: another protocol from @offset on, and from the first unreleased byte of the
 *   other direction; this session ends. @message is the one whose response agreed to it, or 0
 * @OSH_L7_OPAQUE: nothing of this connection is inspected any more; this session ends
 * @OSH_L7_END: nothing more will be released; what was goes out, then both legs are closed
 * @OSH_L7_DONE: @message has ended, with done.status and done.bytes of its response
 */
typedef enum {
    OSH_L7_MORE = 0,
    OSH_L7_PASS = 1,
    OSH_L7_REPLACE = 2,
    OSH_L7_DROP = 3,
    OSH_L7_EMIT = 4,
    OSH_L7_SLOT = 5,
    OSH_L7_CONTENT = 6,
    OSH_L7_ASK = 7,
    OSH_L7_CANCEL = 8,
    OSH_L7_DENY = 9,
    OSH_L7_RETARGET = 10,
    OSH_L7_START_TLS = 11,
    OSH_L7_UPGRADE = 12,
    OSH_L7_OPAQUE = 13,
    OSH_L7_END = 14,
    OSH_L7_DONE = 15,
} OshL7ActionType;

/**
 * OshL7DenyKind: which control a DENY belongs to, for its event.
 * @OSH_L7_DENY_FRAMING: what was said is malformed, or may be understood in two ways
 * @OSH_L7_DENY_AUTHORITY: what was said names another destination than the connection has
 * @OSH_L7_DENY_LIMIT: more was said than may be looked into
 */
typedef enum {
    OSH_L7_DENY_FRAMING = 0,
    OSH_L7_DENY_AUTHORITY = 1,
    OSH_L7_DENY_LIMIT = 2,
} OshL7DenyKind;

/**
 * OshL7Flags: of an action; each belongs to the types named here.
 * @OSH_L7_FRAMING: PASS, REPLACE, EMIT: the bytes belong to no message; @message is 0
 * @OSH_L7_PAUSES: ASK, CONTENT: the direction that was fed is not fed before the answer
 * @OSH_L7_LAST: CONTENT: nothing of this content follows
 * @OSH_L7_CONNECTION: DENY: the connection is refused; @message may be 0
 * @OSH_L7_FAILURE: DENY: a fault of a peer, recorded as a failure and never called a denial
 */
typedef enum {
    OSH_L7_FRAMING = 1 << 0,
    OSH_L7_PAUSES = 1 << 1,
    OSH_L7_LAST = 1 << 2,
    OSH_L7_CONNECTION = 1 << 3,
    OSH_L7_FAILURE = 1 << 4,
} OshL7Flags;

/**
 * OshL7Action:
 * @type: an #OshL7ActionType
 * @direction: for EMIT; for everything else it is the direction that was fed
 * @flags: #OshL7Flags of the type, or 0
 * @reserved: 0
 * @message: the session's own number for a message; never 0 where a message is meant, and larger
 *   than that of every message that began before
 * @offset: from the first byte of the window
 * @length: bytes of the window
 *
 * The union is 64 bytes and never grows; a new action type fits it or is a new revision.
 */
typedef struct {
    guint32 type;
    guint32 direction;
    guint32 flags;
    guint32 reserved;
    guint64 message;
    guint64 offset;
    guint64 length;
    union {
        struct {
            const OshL7Piece *pieces;
            gsize n_pieces;
        } send; /* REPLACE, EMIT */
        struct {
            guint64 slot;    /* the session's number for it, unique in the message */
            guint32 context; /* an OshSlotContext */
            guint32 reserved;
            OshSpan bytes;     /* instead of a range */
            OshSpan forbidden; /* for OSH_SLOT_RAW: bytes that the value may not hold */
        } slot;
        struct {
            guint64 content;        /* the session's number for it, unique in the message */
            const char *media_type; /* lower-case, without parameters; "" when unknown */
            OshSpan bytes;          /* instead of a range */
            OshFacts facts;         /* of the head, for the inspector alone; with the first */
        } content;
        struct {
            OshFacts facts; /* declared in the manifest; without network.* and process.* */
        } ask;
        struct {
            OshFacts facts;     /* what is known of the message; may be none */
            const char *reason; /* in words; constant or session-owned */
            guint64 *ret_event; /* (nullable): gets the id of the event that records it */
            guint32 kind;       /* an OshL7DenyKind */
            guint32 reserved;
        } deny;
        struct {
            guint64 bytes;  /* of the response, without framing */
            guint32 status; /* of the response, as the protocol numbers it; 0 for none */
            guint32 reserved;
        } done;
        struct {
            const char *host;
            guint32 port;
            guint32 reserved;
        } retarget;
        struct {
            const char *protocol;
        } upgrade;
        guint64 reserved[8];
    } u;
} OshL7Action;

/**
 * OshL7Disposition: what became of a slot or a piece of content.
 * @OSH_L7_UNTOUCHED: as it was
 * @OSH_L7_REFUSED: may not go out; the message is denied
 * @OSH_L7_REPLACED: by the lease or content handle, of the length given
 */
typedef enum {
    OSH_L7_UNTOUCHED = 0,
    OSH_L7_REFUSED = 1,
    OSH_L7_REPLACED = 2,
} OshL7Disposition;

/**
 * OshL7SlotAnswer: for one SLOT.
 * @slot: the session's number for it
 * @disposition: an #OshL7Disposition
 * @reserved: 0
 * @lease: (nullable): for %OSH_L7_REPLACED; borrowed until the message ends
 * @length: bytes of the lease, encoded for the slot's context
 */
typedef struct {
    guint64 slot;
    guint32 disposition;
    guint32 reserved;
    OshLease *lease;
    guint64 length;
} OshL7SlotAnswer;

/**
 * OshL7ContentAnswer: for one content of a message, however many CONTENT actions marked it.
 * @content: the session's number for it
 * @disposition: an #OshL7Disposition; final when the answer's action is not INSPECT
 * @reserved: 0
 * @handle: (nullable): for %OSH_L7_REPLACED: what stands behind the @settled bytes; borrowed until
 *   the message ends
 * @length: bytes of the handle
 * @settled: bytes from the start of the content that are final as they are; never fewer than in
 *   an answer before
 */
typedef struct {
    guint64 content;
    guint32 disposition;
    guint32 reserved;
    OshContent *handle;
    guint64 length;
    guint64 settled;
} OshL7ContentAnswer;

/**
 * OshL7Edit:
 * @name: header field name
 * @value: (nullable): replaces every field of that name; NULL removes them
 * @lease: (nullable): instead of @value
 * @length: of the lease
 *
 * What an injection or an upgrade asks the message's head to become.
 */
typedef struct {
    const char *name;
    const char *value;
    OshLease *lease;
    guint64 length;
} OshL7Edit;

/**
 * OshL7Answer:
 * @struct_size: sizeof(OshL7Answer) of the driver
 * @action: an #OshAction: go on, refuse, or mark (more of) the content and wait for the next answer
 * @reason: (nullable): for a refusal, in words fit for the client
 * @event: id of the event that recorded it, to be shown to the client; 0 for none
 * @status: for a refusal: 403 policy, 413 size, 429 limit, 502 upstream, 503 overload, 504 timeout
 * @policy: (nullable): key of the policy that decided
 * @inspect_limit: for %OSH_ACTION_INSPECT: most decoded bytes
 * @options: (nullable): a{sv}: options of the endpoint that was chosen
 * @slots: (array length=n_slots): one for each SLOT of the message so far
 * @n_slots: how many
 * @contents: (array length=n_contents): one for each content of the message so far
 * @n_contents: how many
 * @edits: (array length=n_edits): what the head becomes: injections of the credential provider,
 *   edits of an upgrade
 * @n_edits: how many
 * @begin: for %OSH_ACTION_INSPECT: the message is allowed and may begin to go out, its content as
 *   far as it is settled
 * @binary: (nullable): path of the program that asks, as its events show it. For the words of a
 *   refusal alone: what a person has to write into the policy; a session decides nothing by it
 * @refusal: (nullable): for a refusal: an inspector's words for the client, in place of the
 *   protocol's own; its body fits into %OSH_L7_BYTES_MAX
 * @error: (nullable): for a refusal that is not the policy's: a word for programs, such as
 *   "content_too_large", "unsupported_l7_protocol", "middleware_denied" or "middleware_failed"
 * @limit_name: (nullable): what a person calls @inspect_limit: a key of the policy
 * @response_limit: for an allowed message: bytes that one content of its response may have to be
 *   looked into; 0 where responses are not
 * @upgrades: the upgrade that the message asks for was agreed to (http-upgrade.h)
 * @members: (nullable): a{sv} of strings: what else the client may be told beside @error, by name:
 *   "middleware", "reason_code"
 * @rule_missing: for a refusal: one more allow rule would let the message pass. FALSE where a deny
 *   rule or anything else refuses it, which @reason then names: an answer must not propose a rule
 *
 * Each ASK and each CONTENT gets exactly one. An answer repeats what the answers of the message
 * before it said. Borrowed for the call, but for leases and handles.
 */
typedef struct {
    guint32 struct_size;
    guint32 action;
    const char *reason;
    guint64 event;
    guint32 status;
    const char *policy;
    guint64 inspect_limit;
    GVariant *options;
    const OshL7SlotAnswer *slots;
    gsize n_slots;
    const OshL7ContentAnswer *contents;
    gsize n_contents;
    const OshL7Edit *edits;
    gsize n_edits;
    gboolean begin;
    const char *binary;
    const OshInspectionRefusal *refusal;
    const char *error;
    const char *limit_name;
    gboolean upgrades;
    GVariant *members;
    gboolean rule_missing;
    guint64 response_limit;
} OshL7Answer;

/**
 * OshL7TerminateReason: why a session is asked to end in its protocol's own way.
 * @OSH_L7_TERMINATE_POLICY_CHANGED: a new policy refuses the connection, or handles it otherwise
 * @OSH_L7_TERMINATE_SHUTDOWN: the host stops
 * @OSH_L7_TERMINATE_IDLE: nothing was said for too long
 * @OSH_L7_TERMINATE_IDENTITY: the program at the other end can no longer be named
 * @OSH_L7_TERMINATE_REVOKED: a credential that the connection uses was revoked
 */
typedef enum {
    OSH_L7_TERMINATE_POLICY_CHANGED = 1,
    OSH_L7_TERMINATE_SHUTDOWN = 2,
    OSH_L7_TERMINATE_IDLE = 3,
    OSH_L7_TERMINATE_IDENTITY = 4,
    OSH_L7_TERMINATE_REVOKED = 5,
} OshL7TerminateReason;

/**
 * OshL7ProtocolInterface:
 * @struct_size: sizeof(OshL7ProtocolInterface) of the provider
 * @protocols: [any] the policy's protocol values that it speaks, NULL-terminated; constant
 * @probe: [shard] what the client's first bytes look like, at most %OSH_L7_PROBE_MAX of them
 * @open: [shard] a session; NULL with @error when it cannot serve the connection
 * @feed: [shard] returns how many of @actions were filled, at most @max_actions, which is at least
 *   %OSH_L7_ACTIONS_MIN. The array is zeroed. @ret_deadline is 0 at the call.
 * @resume: [shard] the answer to the open ASK or CONTENT of @message
 * @expire: (nullable): [shard] the deadline passed; without it the connection is closed
 * @cancel: (nullable): [shard] the driver gave up on @message, whose question is open: the peer has
 *   gone. No resume comes, and the message has ended. Without it the connection is closed.
 * @terminate: (nullable): [shard] end soon, saying so in the protocol's words; the session may
 *   still release what is already in order. The driver refuses every ASK from then on, and closes
 *   when its linger is over. Without it the connection is closed.
 * @close: [shard] frees the session; no other call follows
 *
 * @now is g_get_monotonic_time() microseconds everywhere, as of the event.
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*protocols)(gpointer instance);
    OshProbe (*probe)(gpointer instance, OshSpan prefix);
    gpointer (*open)(gpointer instance, const OshL7Connection *connection, GError **error);
    gsize (*feed)(gpointer session, const OshL7Input *input, OshL7Action *actions,
                  gsize max_actions, gint64 *ret_deadline);
    void (*resume)(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);
    void (*expire)(gpointer session, gint64 now);
    void (*cancel)(gpointer session, gint64 now, guint64 message);
    void (*terminate)(gpointer session, gint64 now, OshL7TerminateReason reason);
    void (*close)(gpointer session);
} OshL7ProtocolInterface;

/** osh_l7_protocols: [any] Returns: (array zero-terminated=1) (nullable): names it speaks. */
static inline const char *const *
osh_l7_protocols(const OshInterface *protocol)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    return osh_can_call(vtable, OshL7ProtocolInterface, protocols)
               ? vtable->protocols(protocol->instance)
               : NULL;
}

/** osh_l7_probe: [shard] %OSH_PROBE_NO where it cannot tell. */
static inline OshProbe
osh_l7_probe(const OshInterface *protocol, OshSpan prefix)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    return osh_can_call(vtable, OshL7ProtocolInterface, probe)
               ? vtable->probe(protocol->instance, prefix)
               : OSH_PROBE_NO;
}

/** osh_l7_open: [shard] Returns: (transfer full) (nullable): a session, for osh_l7_close(). */
static inline gpointer
osh_l7_open(const OshInterface *protocol, const OshL7Connection *connection, GError **error)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (!osh_can_call(vtable, OshL7ProtocolInterface, open)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot open a session",
                    protocol->provider);
        return NULL;
    }
    return vtable->open(protocol->instance, connection, error);
}

/**
 * osh_l7_feed: [shard] zeroes @actions first; a provider without the function denies the
 * connection.
 */
static inline gsize
osh_l7_feed(const OshInterface *protocol, gpointer session, const OshL7Input *input,
            OshL7Action *actions, gsize max_actions, gint64 *ret_deadline)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    *ret_deadline = 0;
    if (max_actions == 0)
        return 0;
    memset(actions, 0, max_actions * sizeof(actions[0]));
    if (osh_can_call(vtable, OshL7ProtocolInterface, feed))
        return vtable->feed(session, input, actions, max_actions, ret_deadline);
    actions[0].type = OSH_L7_DENY;
    actions[0].flags = OSH_L7_CONNECTION | OSH_L7_FAILURE;
    actions[0].u.deny.reason = "the protocol plugin cannot read";
    return 1;
}

/** osh_l7_resume: [shard] see #OshL7ProtocolInterface. */
static inline void
osh_l7_resume(const OshInterface *protocol, gpointer session, gint64 now, guint64 message,
              const OshL7Answer *answer)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (osh_can_call(vtable, OshL7ProtocolInterface, resume))
        vtable->resume(session, now, message, answer);
}

/** osh_l7_expire: [shard] Returns: FALSE where it cannot: the driver closes. */
static inline gboolean
osh_l7_expire(const OshInterface *protocol, gpointer session, gint64 now)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (!osh_can_call(vtable, OshL7ProtocolInterface, expire))
        return FALSE;
    vtable->expire(session, now);
    return TRUE;
}

/** osh_l7_cancel: [shard] Returns: FALSE where it cannot: the driver closes. */
static inline gboolean
osh_l7_cancel(const OshInterface *protocol, gpointer session, gint64 now, guint64 message)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (!osh_can_call(vtable, OshL7ProtocolInterface, cancel))
        return FALSE;
    vtable->cancel(session, now, message);
    return TRUE;
}

/** osh_l7_terminate: [shard] Returns: FALSE where it cannot: the driver closes. */
static inline gboolean
osh_l7_terminate(const OshInterface *protocol, gpointer session, gint64 now,
                 OshL7TerminateReason reason)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (!osh_can_call(vtable, OshL7ProtocolInterface, terminate))
        return FALSE;
    vtable->terminate(session, now, reason);
    return TRUE;
}

/** osh_l7_close: [shard] @session: (transfer full) (nullable). */
static inline void
osh_l7_close(const OshInterface *protocol, gpointer session)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (session != NULL && osh_can_call(vtable, OshL7ProtocolInterface, close))
        vtable->close(session);
}

G_END_DECLS
