/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/content-inspector.h: "openshell.draft.content-inspector/1": facts out of a message's
 * content.
 *
 * GraphQL, JSON-RPC and MCP are not connections but what bodies say. A protocol plugin marks the
 * decoded content of a message; the driver gives it, with the facts of the message's head, to the
 * inspector that the policy's endpoint names, adds the inspector's facts and decides again. So
 * HTTP/1, HTTP/2 and WebSocket share every inspector.
 *
 * Content may be empty: a GraphQL request by GET stands in the query.
 *
 * A protocol session may mark its content in several pieces (CONTENT of l7-protocol.h); each is fed
 * as it comes. An inspector that answers %OSH_INSPECTION_DONE before the last piece has its facts
 * decided then, and the rest is not fed to it. One inspection serves one message; it never outlives
 * the message, and is closed without an answer when the message is cancelled.
 *
 * An inspector may look into the response as well: it says so once its message is allowed
 * (response_limit), and then gets each content of the response as a whole: a body, or one event of
 * an event stream (text/event-stream). For each it may ask the policy questions, such as whether
 * the client may call what a server lists, and then has it pass, replaced or refused.
 *
 * A message that is refused after it was inspected may be answered in the words of what it says: a
 * JSON-RPC error with the id of the call, for example (refusal).
 */
#pragma once

#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_CONTENT_INSPECTOR "openshell.draft.content-inspector/1"

/**
 * OshInspectionRequest:
 * @struct_size: sizeof(OshInspectionRequest) of the driver
 * @inspector: the name that the policy uses: "graphql", "json-rpc", "mcp"
 * @media_type: lower-case, without parameters; "" when unknown
 * @head: facts of the message's head, request.* above all; of HTTP request.headers,
 *   request.content_type and request.content_encoding too; and those of the connection, network.*
 *   and process.*
 * @limit: most bytes of content; more is a hard denial by the driver
 * @options: (nullable): a{sv}: options of the endpoint
 * @wake: [shard] asks to be fed again, with no bytes, after %OSH_INSPECTION_PENDING
 * @wake_data: for @wake
 *
 * Borrowed for the call of open, but for @wake and @wake_data.
 */
typedef struct {
    guint32 struct_size;
    const char *inspector;
    const char *media_type;
    OshFacts head;
    guint64 limit;
    GVariant *options;
    OshCallback wake;
    gpointer wake_data;
} OshInspectionRequest;

/**
 * OshInspection:
 * @OSH_INSPECTION_MORE: wants the rest
 * @OSH_INSPECTION_DONE: its facts are complete
 * @OSH_INSPECTION_PENDING: it is being computed; wake tells when to ask again
 */
typedef enum {
    OSH_INSPECTION_MORE = 0,
    OSH_INSPECTION_DONE = 1,
    OSH_INSPECTION_PENDING = 2,
} OshInspection;

/**
 * OshInspectionDenial:
 * @struct_size: sizeof(OshInspectionDenial) of the driver
 * @reason: why the message is refused, in words fit for the client
 * @policy: (nullable): key of the policy that decided
 * @event: id of the event that recorded it, to be shown to the client; 0 for none
 * @by_policy: the policy refused what was found; FALSE where nothing could allow it: an error fact,
 *   a credential that may not go there, a middleware
 *
 * Borrowed for the call of refusal.
 */
typedef struct {
    guint32 struct_size;
    const char *reason;
    const char *policy;
    guint64 event;
    gboolean by_policy;
} OshInspectionDenial;

/**
 * OshInspectionRefusal:
 * @struct_size: sizeof(OshInspectionRefusal) of the inspector
 * @status: of the response, 200 to 599, where the protocol has one
 * @media_type: of @body, with parameters where it needs them
 * @body: what the client gets; it must hold nothing secret
 * @fields: (nullable) (array zero-terminated=1): more fields of the response: a name, its value, a
 *   name, and so on
 *
 * What a refused message is answered with. It is the inspection's and stays until close.
 */
typedef struct {
    guint32 struct_size;
    guint32 status;
    const char *media_type;
    OshSpan body;
    const char *const *fields;
} OshInspectionRefusal;

/**
 * OshInspectedResponse:
 * @struct_size: sizeof(OshInspectedResponse) of the driver
 * @head: response.status and response.headers
 * @media_type: lower-case, without parameters; "" when unknown
 * @is_event: @content is one event of an event stream, with the empty line that ends it, which the
 *   last of a stream may lack
 * @content: all of it, without transfer coding
 *
 * Borrowed for the call of response.
 */
typedef struct {
    guint32 struct_size;
    OshFacts head;
    const char *media_type;
    gboolean is_event;
    OshSpan content;
} OshInspectedResponse;

/**
 * OshResponseOutcome:
 * @OSH_RESPONSE_REFUSE: nothing of it goes to the client, and the exchange ends
 * @OSH_RESPONSE_PASS: it goes on as it is
 * @OSH_RESPONSE_REPLACE: other content goes on in its place; none at all removes an event
 */
typedef enum {
    OSH_RESPONSE_REFUSE = 0,
    OSH_RESPONSE_PASS = 1,
    OSH_RESPONSE_REPLACE = 2,
} OshResponseOutcome;

/**
 * OshResponseResult:
 * @struct_size: sizeof(OshResponseResult) of the driver
 * @outcome: an #OshResponseOutcome
 * @content: for %OSH_RESPONSE_REPLACE; it is the inspection's and stays until its next call
 * @reason: (nullable): for %OSH_RESPONSE_REFUSE, in words fit for the client; likewise
 *
 * Zeroed by the driver: a refusal.
 */
typedef struct {
    guint32 struct_size;
    guint32 outcome;
    OshSpan content;
    const char *reason;
} OshResponseResult;

/** OSH_RESPONSE_QUESTIONS: most questions about one content; with more the response is refused. */
#define OSH_RESPONSE_QUESTIONS 4096

/**
 * OshContentInspectorInterface:
 * @struct_size: sizeof(OshContentInspectorInterface) of the provider
 * @inspectors: [any] the names that it serves, NULL-terminated; constant
 * @open: [shard] an inspection; NULL with @error is a hard denial with that text
 * @feed: [shard] the next bytes, @last with the final ones, which may be none. Content that makes
 *   no sense is not an error of this function: it becomes the inspector's error fact, so that the
 *   denial names it.
 * @facts: [shard] what was found; after %OSH_INSPECTION_DONE. The spans belong to the inspection
 *   and may point into nothing that was fed.
 * @close: [shard] frees the inspection
 * @refusal: (nullable): [shard] the message of an inspection that is %OSH_INSPECTION_DONE was
 *   refused, and that is recorded: what the client gets; NULL leaves it to the protocol. Called
 *   once at most.
 * @response_limit: (nullable): [shard] the message is allowed: how many bytes one content of its
 *   response may have to be looked into; more fails the response. 0: the response is not looked
 *   into. Called once, after %OSH_INSPECTION_DONE
 * @response: (nullable): [shard] the next content of the response. Returns: how many questions the
 *   policy is to be asked about it
 * @response_question: (nullable): [shard] facts of question @index: what the inspector would state
 *   of a message that the client could send; decided with the facts of the head of its own
 *   message. Of the inspection, until its next call
 * @response_result: [shard] what becomes of it. @allowed: (array length=n): what the policy says to
 *   each question, audit counted as yes. Without the function nothing passes
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*inspectors)(gpointer instance);
    gpointer (*open)(gpointer instance, const OshInspectionRequest *request, GError **error);
    OshInspection (*feed)(gpointer inspection, OshSpan bytes, gboolean last);
    OshFacts (*facts)(gpointer inspection);
    void (*close)(gpointer inspection);
    const OshInspectionRefusal *(*refusal)(gpointer inspection, const OshInspectionDenial *denial);
    guint64 (*response_limit)(gpointer inspection);
    gsize (*response)(gpointer inspection, const OshInspectedResponse *response);
    OshFacts (*response_question)(gpointer inspection, gsize index);
    void (*response_result)(gpointer inspection, const gboolean *allowed, gsize n,
                            OshResponseResult *ret_result);
} OshContentInspectorInterface;

/** osh_inspector_inspectors: [any] Returns: (array zero-terminated=1) (nullable): its names. */
static inline const char *const *
osh_inspector_inspectors(const OshInterface *inspector)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    return osh_can_call(vtable, OshContentInspectorInterface, inspectors)
               ? vtable->inspectors(inspector->instance)
               : NULL;
}

/** osh_inspector_open: [shard] Returns: (transfer full) (nullable): an inspection. */
static inline gpointer
osh_inspector_open(const OshInterface *inspector, const OshInspectionRequest *request,
                   GError **error)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    if (!osh_can_call(vtable, OshContentInspectorInterface, open)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot inspect",
                    inspector->provider);
        return NULL;
    }
    return vtable->open(inspector->instance, request, error);
}

/** osh_inspector_feed: [shard] %OSH_INSPECTION_DONE where it cannot read: then it has no facts,
 * which allows nothing. */
static inline OshInspection
osh_inspector_feed(const OshInterface *inspector, gpointer inspection, OshSpan bytes, gboolean last)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    return osh_can_call(vtable, OshContentInspectorInterface, feed)
               ? vtable->feed(inspection, bytes, last)
               : OSH_INSPECTION_DONE;
}

/** osh_inspector_facts: [shard] Returns: facts, valid until close; none where it cannot tell. */
static inline OshFacts
osh_inspector_facts(const OshInterface *inspector, gpointer inspection)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;
    OshFacts none = {NULL, 0};

    return osh_can_call(vtable, OshContentInspectorInterface, facts) ? vtable->facts(inspection)
                                                                     : none;
}

/** osh_inspector_refusal: [shard] Returns: (transfer none) (nullable): words for the client, valid
 * until close. */
static inline const OshInspectionRefusal *
osh_inspector_refusal(const OshInterface *inspector, gpointer inspection,
                      const OshInspectionDenial *denial)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    return osh_can_call(vtable, OshContentInspectorInterface, refusal)
               ? vtable->refusal(inspection, denial)
               : NULL;
}

/** osh_inspector_response_limit: [shard] Returns: 0 where it does not look into responses. */
static inline guint64
osh_inspector_response_limit(const OshInterface *inspector, gpointer inspection)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    return osh_can_call(vtable, OshContentInspectorInterface, response_limit)
               ? vtable->response_limit(inspection)
               : 0;
}

/** osh_inspector_response: [shard] Returns: how many questions there are. */
static inline gsize
osh_inspector_response(const OshInterface *inspector, gpointer inspection,
                       const OshInspectedResponse *response)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    return osh_can_call(vtable, OshContentInspectorInterface, response)
               ? vtable->response(inspection, response)
               : 0;
}

/** osh_inspector_response_question: [shard] Returns: none where it cannot tell, which allows
 * nothing. */
static inline OshFacts
osh_inspector_response_question(const OshInterface *inspector, gpointer inspection, gsize index)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;
    OshFacts none = {NULL, 0};

    return osh_can_call(vtable, OshContentInspectorInterface, response_question)
               ? vtable->response_question(inspection, index)
               : none;
}

/** osh_inspector_response_result: [shard] Zeroes @ret_result first. */
static inline void
osh_inspector_response_result(const OshInterface *inspector, gpointer inspection,
                              const gboolean *allowed, gsize n, OshResponseResult *ret_result)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;
    const OshResponseResult refuse = {
        (guint32)sizeof(OshResponseResult), OSH_RESPONSE_REFUSE, {NULL, 0}, NULL};

    *ret_result = refuse;
    if (osh_can_call(vtable, OshContentInspectorInterface, response_result))
        vtable->response_result(inspection, allowed, n, ret_result);
}

/** osh_inspector_close: [shard] @inspection: (transfer full) (nullable). */
static inline void
osh_inspector_close(const OshInterface *inspector, gpointer inspection)
{
    const OshContentInspectorInterface *vtable =
        (const OshContentInspectorInterface *)inspector->vtable;

    if (inspection != NULL && osh_can_call(vtable, OshContentInspectorInterface, close))
        vtable->close(inspection);
}

G_END_DECLS
