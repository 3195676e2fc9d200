/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/l7-protocol.h: "openshell.draft.l7-protocol/1": what a connection says, sans I/O.
 *
 * A protocol plugin reads spans and returns actions. It never sees a socket, a thread, a secret or
 * the policy and never calls another plugin. The data plane is the driver: it owns the sockets,
 * keeps one window of unreleased bytes for each direction, carries out the actions in order, asks
 * the policy and the credential provider, and answers.
 *
 * A session is a state machine with four entrances (feed, resume, expire, terminate) and one exit:
 * the actions that feed returns. resume, expire, terminate and cancel change state only; after
 * each the driver calls feed for both directions with no new bytes. Feeding one byte at a time
 * must lead to the same released bytes, facts and denials as feeding everything at once.
 *
 * Window. feed gets the whole unreleased window of its direction as one contiguous span. Offsets
 * in actions count from its first byte. The actions of one call are carried out in order; those
 * that release bytes (PASS, REPLACE, DROP) do so from the front, so their ranges follow each other
 * without a gap. Released bytes are gone from the next window. A window may not grow beyond
 * #OshL7Connection.window_cap: a session that still answers MORE there is denied.
 *
 * Room. @room is how many bytes EMIT may put out now in each direction. PASS and REPLACE need no
 * room: the driver stops feeding while the far side is slow. feed is called again, with no new
 * bytes, when room grows or when more actions were due than fitted.
 *
 * Ordering. Bytes leave in the order of the actions of their direction. An ASK with @pauses holds
 * back everything behind it in its direction until it is answered; without it, the session goes on
 * (other HTTP/2 streams), and what belongs to the message waits in the session's own hands.
 *
 * A driver that does not answer an ASK at once keeps a copy of its facts, and decides again on them
 * when the policy changes before the message's first byte went out.
 *
 * Everything an action points to must stay as it is until the next call into the session; a lease
 * or content handle, until the piece that names it was carried out.
 *
 * |[<!-- language="C" -->
 * static gsize
 * line_feed(gpointer session, const OshL7Input *input, OshL7Action *actions, gsize capacity,
 *           gint64 *ret_deadline)
 * {
 *     const char *end = memchr(input->window.data, '\n', input->window.length);
 *
 *     if (end == NULL)
 *         return 0;
 *     actions[0] = (OshL7Action){.type = OSH_L7_PASS,
 *                                .length = (guint64)(end - input->window.data) + 1};
 *     return 1;
 * }
 * ]|
 */
#pragma once

#include <string.h>

#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/policy.h"
#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_L7_PROTOCOL "openshell.draft.l7-protocol/1"

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
 * @alpn: (nullable): what was negotiated
 * @window_cap: most bytes that a window may hold, by #OshDirection: a head and the largest content
 *   that any candidate endpoint inspects
 * @options: (nullable): a{sv} of the options that all candidate endpoints share
 * @connection: correlation id
 * @wake: [shard] asks for one feed of each direction with no new bytes; never feeds inside the
 *   call. A session whose answer is computed elsewhere (a worker process) returns no action and
 *   wakes the driver when it has one. Valid until close.
 * @wake_data: for @wake
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
    const char *alpn;
    gsize window_cap[2];
    GVariant *options;
    guint64 connection;
    OshCallback wake;
    gpointer wake_data;
} OshL7Connection;

/**
 * OshL7Input:
 * @struct_size: sizeof(OshL7Input) of the driver
 * @direction: an #OshDirection
 * @now: monotonic microseconds
 * @window: all unreleased bytes of the direction
 * @n_new: how many bytes at its end were not there in the last call for this direction
 * @eof: no byte will follow
 * @room: how many bytes EMIT may put out, by #OshDirection
 */
typedef struct {
    guint32 struct_size;
    guint32 direction;
    gint64 now;
    OshSpan window;
    gsize n_new;
    gboolean eof;
    gsize room[2];
} OshL7Input;

/**
 * OshL7PieceType:
 * @OSH_L7_PIECE_BYTES: @bytes
 * @OSH_L7_PIECE_WINDOW: bytes of the window, @offset and @length; copied nowhere
 * @OSH_L7_PIECE_LEASE: all of @lease; towards the server only
 * @OSH_L7_PIECE_CONTENT: answered content, @offset and @length of it
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
 * @OSH_L7_MORE: nothing can be released before more bytes come; also meant by returning 0
 * @OSH_L7_PASS: release @length bytes as they are
 * @OSH_L7_REPLACE: release @length bytes, sending @pieces instead
 * @OSH_L7_DROP: release @length bytes, sending nothing
 * @OSH_L7_EMIT: send @pieces in @direction, behind what was released there before
 * @OSH_L7_SLOT: a credential may stand at @offset, @length of the window, or in slot.bytes where
 *   that is not empty (decoded text that the window does not show); before or with the ASK of
 *   @message
 * @OSH_L7_CONTENT: decoded content of @message: a range of the window, or content.bytes
 * @OSH_L7_ASK: may @message go on? Its answer comes by resume
 * @OSH_L7_CANCEL: the ASK of @message is withdrawn
 * @OSH_L7_DENY: @message, or the connection, is refused by the protocol itself: malformed,
 *   smuggled. The words for the client are the session's own EMIT.
 * @OSH_L7_RETARGET: at a message boundary: what stands at @offset goes to another authority and
 *   back through the pipeline; the session ends with the bytes before it
 * @OSH_L7_START_TLS: both legs change to TLS behind what was released so far, the upstream's
 *   first; bytes still unreleased in either direction make it a denial, since they were said in
 *   clear by whoever got between
 * @OSH_L7_UPGRADE: another protocol from @offset on, and from the first unreleased byte of the
 *   other direction; this session ends
 * @OSH_L7_OPAQUE: nothing of this connection is inspected any more; refused where an endpoint
 *   carries credentials or rules
 * @OSH_L7_END: nothing more will be released; what was goes out, then both legs are closed
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
} OshL7ActionType;

/**
 * OshL7Action:
 * @type: an #OshL7ActionType
 * @direction: for EMIT; for everything else it is the direction that was fed
 * @message: the session's own number for a message; unique in the session, never 0 where used
 * @offset: from the first byte of the window
 * @length: bytes of the window
 *
 * The union is 64 bytes and never grows; a new action type fits it or is a new revision.
 */
typedef struct {
    guint32 type;
    guint32 direction;
    guint64 message;
    guint64 offset;
    guint64 length;
    union {
        struct {
            const OshL7Piece *pieces;
            gsize n_pieces;
        } send; /* REPLACE, EMIT */
        struct {
            guint64 slot;      /* the session's number for it, unique in the message */
            guint32 context;   /* an OshSlotContext */
            guint32 flags;     /* 0 */
            OshSpan bytes;     /* instead of a range */
            OshSpan forbidden; /* for OSH_SLOT_RAW */
        } slot;
        struct {
            guint64 content;        /* the session's number for it, unique in the message */
            const char *media_type; /* lower-case, without parameters; "" when unknown */
            OshSpan bytes;          /* instead of a range */
            gboolean last;
            guint32 flags; /* 0 */
        } content;
        struct {
            const OshFact *facts;
            gsize n_facts;
            gboolean pauses;
            guint32 flags; /* 0 */
        } ask;
        struct {
            const char *reason; /* in words; constant or session-owned */
            gboolean connection;
            guint32 flags; /* 0 */
        } deny;
        struct {
            const char *host;
            guint32 port;
            guint32 flags; /* 0 */
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

/** OshL7SlotAnswer: for one SLOT. @lease is borrowed from the driver until the message is done. */
typedef struct {
    guint64 slot;
    guint32 disposition;
    guint32 reserved;
    OshLease *lease;
    guint64 length;
} OshL7SlotAnswer;

/**
 * OshL7ContentAnswer: for one CONTENT of a message. @settled is how many bytes of the original
 * content are final: they may be released even though the rest is not decided. @content is
 * borrowed from the driver until the message is done.
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
 * @action: an #OshAction: go on, refuse, or mark the content and wait for the next answer
 * @reason: (nullable): for a refusal, in words fit for the client
 * @event: id of the event that recorded it, to be shown to the client; 0 for none
 * @status: for a refusal: 403 policy, 429 limit, 502 upstream, 503 overload, 504 timeout
 * @policy: (nullable): key of the policy that decided
 * @inspect_limit: for %OSH_ACTION_INSPECT: most decoded bytes
 * @options: (nullable): a{sv}: options of the endpoint that was chosen
 * @slots: (array length=n_slots): one for each SLOT of the message so far
 * @contents: (array length=n_contents): one for each CONTENT of the message so far
 * @edits: (array length=n_edits): what the head becomes
 *
 * Each ASK and each CONTENT gets exactly one. Borrowed for the call, but for the handles.
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
} OshL7Answer;

/** OshL7TerminateReason: why a session is asked to end in its protocol's own way. */
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
 * @probe: [shard] what the client's first bytes look like
 * @open: [shard] a session; NULL with @error when it cannot serve the connection
 * @feed: [shard] returns how many of @actions were filled. @ret_deadline: monotonic microseconds
 *   at which expire is called unless anything else happened, or 0 for none. Exactly @capacity
 *   actions means there may be more.
 * @resume: [shard] the answer to an ASK or a CONTENT of @message
 * @expire: [shard] the deadline passed
 * @cancel: [shard] the driver gave up on @message: its peer has gone
 * @terminate: [shard] end soon, saying so in the protocol's words; the session may still release
 *   what is already in order
 * @close: [shard] frees the session
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*protocols)(gpointer instance);
    OshProbe (*probe)(gpointer instance, OshSpan prefix);
    gpointer (*open)(gpointer instance, const OshL7Connection *connection, GError **error);
    gsize (*feed)(gpointer session, const OshL7Input *input, OshL7Action *actions, gsize capacity,
                  gint64 *ret_deadline);
    void (*resume)(gpointer session, guint64 message, const OshL7Answer *answer);
    void (*expire)(gpointer session, gint64 now);
    void (*cancel)(gpointer session, guint64 message);
    void (*terminate)(gpointer session, OshL7TerminateReason reason);
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
 * osh_l7_feed: [shard] a provider without the function denies the connection.
 */
static inline gsize
osh_l7_feed(const OshInterface *protocol, gpointer session, const OshL7Input *input,
            OshL7Action *actions, gsize capacity, gint64 *ret_deadline)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    *ret_deadline = 0;
    if (osh_can_call(vtable, OshL7ProtocolInterface, feed))
        return vtable->feed(session, input, actions, capacity, ret_deadline);
    if (capacity == 0)
        return 0;
    memset(&actions[0], 0, sizeof(actions[0]));
    actions[0].type = OSH_L7_DENY;
    actions[0].u.deny.reason = "the protocol plugin cannot read";
    actions[0].u.deny.connection = TRUE;
    return 1;
}

/** osh_l7_resume: [shard] see #OshL7ProtocolInterface. */
static inline void
osh_l7_resume(const OshInterface *protocol, gpointer session, guint64 message,
              const OshL7Answer *answer)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (osh_can_call(vtable, OshL7ProtocolInterface, resume))
        vtable->resume(session, message, answer);
}

/** osh_l7_expire: [shard] see #OshL7ProtocolInterface. */
static inline void
osh_l7_expire(const OshInterface *protocol, gpointer session, gint64 now)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (osh_can_call(vtable, OshL7ProtocolInterface, expire))
        vtable->expire(session, now);
}

/** osh_l7_cancel: [shard] see #OshL7ProtocolInterface. */
static inline void
osh_l7_cancel(const OshInterface *protocol, gpointer session, guint64 message)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (osh_can_call(vtable, OshL7ProtocolInterface, cancel))
        vtable->cancel(session, message);
}

/** osh_l7_terminate: [shard] Returns: FALSE where it cannot: the driver just closes. */
static inline gboolean
osh_l7_terminate(const OshInterface *protocol, gpointer session, OshL7TerminateReason reason)
{
    const OshL7ProtocolInterface *vtable = (const OshL7ProtocolInterface *)protocol->vtable;

    if (!osh_can_call(vtable, OshL7ProtocolInterface, terminate))
        return FALSE;
    vtable->terminate(session, reason);
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
