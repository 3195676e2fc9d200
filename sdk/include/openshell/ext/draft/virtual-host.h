/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/virtual-host.h: "openshell.draft.virtual-host/1": a name that is answered by a plugin.
 *
 * A plugin claims a name that ends in .local or .internal, or an address of a metadata service
 * (169.254.169.254, fd00:ec2::254), and answers requests to it, by a response of its own or by
 * forwarding: ordered destinations, another head and body. It owns no socket. A name that two
 * plugins claim stops the start. The driver authorises the request as one to any endpoint
 * (identity, policy and audit come first), stands in as the origin towards the box, and is itself
 * the HTTP/1 client of a forward, whose destination is authorised by the plugin's own
 * configuration, passes the destination check with that route as the exact declared host, and is
 * audited under the same correlation id. The driver keeps the request until the first byte of a
 * response, so that a failed destination costs nothing but time.
 *
 * Order for one request: request(), body() until last (once with no bytes where there is no body),
 * then any of respond() … or forward(); for a forward: failed() for each destination that did not
 * answer, then response_head() and response_chunk() until last, or aborted() where the answer broke
 * off. The plugin may answer from inside request() already; body() still comes. close() comes last,
 * once, complete or not; the reply's functions are not to be called in it. No function of the reply
 * calls the plugin: what it leads to comes after the plugin has returned.
 *
 * A request belongs to one shard. Several shards call request() of one instance, perhaps at the
 * same time: what requests share is constant, or has a lock.
 *
 * A client is never left without an answer by a forward. When failed() has returned FALSE, or there
 * is no further destination, and the plugin has neither answered nor begun another forward, the
 * driver answers 502. When aborted() has returned and the answer is not complete, the driver cuts
 * it off, so that the client sees it broken, or answers 502 where it was not begun.
 *
 * What a plugin may not do ends the connection by a reset, and the warning and the event name it:
 * an answer with a status beyond 200 to 599, with a field that frames it, whose name is no token or
 * whose value has a control character, with a head beyond 16 KiB, or bytes without capacity.
 *
 * Refused before request(): a body that is announced longer than body_limit (413), and what a web
 * page can make a browser send (403): a request with Origin, with a Sec-Fetch-Site other than
 * same-origin or none, a POST whose body is not JSON by its Content-Type.
 *
 * In the policy the name is an endpoint that names an HTTP protocol, for example `protocol: rest`;
 * one without a protocol is refused, since its requests would not be judged. What such an endpoint
 * says of addresses and of `tls: skip` has no meaning here.
 *
 * A forward is HTTP/1.1 over a connection of its own. Each destination is looked up, checked,
 * recorded (openshell.network.allowed/1 with the transport "virtual-host", under the number of the
 * client's connection) and dialled; with TLS the server is verified as every upstream is. A
 * destination has failed when there is no complete response head; interim responses are passed
 * over.
 *
 * What the driver does for a claimed name: it offers ALPN `http/1.1`, puts an HTTP session of
 * l7-protocol.h between the client and itself, reads what that session releases towards the server,
 * and feeds back HTTP/1 that it makes from the answer. So a request to a virtual host is asked
 * about like any other: its message is ALLOWED before request() is called, its response ends it by
 * DONE. Two requests of one connection are handed over one after the other.
 */
#pragma once

#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/http-upgrade.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_VIRTUAL_HOST "openshell.draft.virtual-host/1"

/** OshVirtualExchange: a request and its answer; belongs to the driver, opaque to the plugin. */
typedef struct _OshVirtualExchange OshVirtualExchange;

/**
 * OshVirtualDestination:
 * @host: name or literal, without brackets
 * @port: host order, not 0
 * @tls: verified TLS to it
 * @path: (nullable): request target, which begins with a slash; NULL is the client's with its query
 */
typedef struct {
    const char *host;
    guint32 port;
    gboolean tls;
    const char *path;
} OshVirtualDestination;

/**
 * OshVirtualSlot:
 * @field: header field whose value is the text; not one of the forward's fields
 * @text: with its placeholder
 * @context: %OSH_SLOT_HEADER or %OSH_SLOT_BASIC
 *
 * Filled by the credential provider for the destination that is tried, over verified TLS alone;
 * elsewhere the destination fails.
 */
typedef struct {
    const char *field;
    const char *text;
    guint32 context;
} OshVirtualSlot;

/**
 * OshVirtualForward:
 * @struct_size: sizeof(OshVirtualForward) of the plugin
 * @destinations: (array length=n_destinations): tried in this order; 1 to 16
 * @method: request method
 * @fields: (array length=n_fields): the whole head but Host and framing (Content-Length,
 *   Transfer-Encoding, Connection and what belongs to one hop)
 * @slots: (array length=n_slots): credentials in it
 * @body: (nullable): the whole body
 * @first_byte_timeout: microseconds until there is a response head, for each destination, its
 *   look-up and connection included; 0 is 60 seconds
 * @idle_timeout: microseconds between two reads of a response, while the client takes it; 0 is 120
 *   seconds
 *
 * Borrowed for the call.
 */
typedef struct {
    guint32 struct_size;
    const OshVirtualDestination *destinations;
    gsize n_destinations;
    const char *method;
    const OshHttpField *fields;
    gsize n_fields;
    const OshVirtualSlot *slots;
    gsize n_slots;
    GBytes *body;
    gint64 first_byte_timeout;
    gint64 idle_timeout;
} OshVirtualForward;

/**
 * OshVirtualReply:
 * @struct_size: sizeof(OshVirtualReply) of the driver
 * @exchange: first argument of its functions
 * @respond_head: [shard] status and fields of an answer; the driver frames it
 * @respond_body: [shard] the next bytes, @last with the final ones
 * @forward: [shard] lets the driver ask elsewhere; at most one at a time
 * @capacity: [shard] how many bytes respond_body may put out before it should wait for drained()
 *
 * Given to the plugin with each request; valid until its close().
 */
typedef struct {
    guint32 struct_size;
    OshVirtualExchange *exchange;
    gboolean (*respond_head)(OshVirtualExchange *exchange, guint32 status,
                             const OshHttpField *fields, gsize n_fields);
    gboolean (*respond_body)(OshVirtualExchange *exchange, OshSpan bytes, gboolean last);
    gboolean (*forward)(OshVirtualExchange *exchange, const OshVirtualForward *forward);
    gsize (*capacity)(OshVirtualExchange *exchange);
} OshVirtualReply;

/**
 * osh_virtual_reply_respond_head: [shard] once for an exchange, before the first respond_body.
 * @fields: (array length=n_fields): without framing (Content-Length, Transfer-Encoding, Connection)
 *
 * Returns: FALSE when the exchange is over, or has a head already
 */
static inline gboolean
osh_virtual_reply_respond_head(const OshVirtualReply *reply, guint32 status,
                               const OshHttpField *fields, gsize n_fields)
{
    return osh_can_call(reply, OshVirtualReply, respond_head) &&
           reply->respond_head(reply->exchange, status, fields, n_fields);
}

/** osh_virtual_reply_respond_body: [shard] copied inside the call; may exceed the capacity while it
 * is not 0. Returns: FALSE when the exchange is over, or has no head. */
static inline gboolean
osh_virtual_reply_respond_body(const OshVirtualReply *reply, OshSpan bytes, gboolean last)
{
    return osh_can_call(reply, OshVirtualReply, respond_body) &&
           reply->respond_body(reply->exchange, bytes, last);
}

/**
 * osh_virtual_reply_respond: [shard] a whole answer with one field, which is what most need.
 * @media_type: value of Content-Type
 *
 * Returns: FALSE when the exchange is over
 */
static inline gboolean
osh_virtual_reply_respond(const OshVirtualReply *reply, guint32 status, const char *media_type,
                          OshSpan body)
{
    OshHttpField field = {{"Content-Type", sizeof("Content-Type") - 1}, {NULL, 0}};

    field.value = osh_span(media_type);
    return osh_virtual_reply_respond_head(reply, status, &field, 1) &&
           osh_virtual_reply_respond_body(reply, body, TRUE);
}

/** osh_virtual_reply_forward: [shard] Returns: FALSE when the exchange is over, another forward
 * runs, or a destination is malformed; the plugin then answers itself. */
static inline gboolean
osh_virtual_reply_forward(const OshVirtualReply *reply, const OshVirtualForward *forward)
{
    return osh_can_call(reply, OshVirtualReply, forward) &&
           reply->forward(reply->exchange, forward);
}

/** osh_virtual_reply_capacity: [shard] Returns: G_MAXSIZE where the driver does not say. */
static inline gsize
osh_virtual_reply_capacity(const OshVirtualReply *reply)
{
    return osh_can_call(reply, OshVirtualReply, capacity) ? reply->capacity(reply->exchange)
                                                          : G_MAXSIZE;
}

/**
 * OshVirtualHostInterface:
 * @struct_size: sizeof(OshVirtualHostInterface) of the provider
 * @names: [any] names it claims, lower-case, NULL-terminated; constant. One owner each.
 * @reads_allowed_without_policy: [any] GET needs no policy entry for this name (policy.local)
 * @body_limit: [any] most bytes of a request body, decoded; more is answered 413
 * @request: [shard] a request for @name was allowed; returns the plugin's object for it, or NULL
 *   with @error, which is answered 502 with its message. @head is without Host, Expect and framing,
 *   so that its fields may be forwarded as they are; it has the query, apart from the path. @facts
 *   are those of the connection, with request.method and request.path. Both are borrowed for the
 *   call.
 * @body: [shard] the next bytes of its body, decoded, @last with the final ones
 * @response_head: [shard] a forward answered; the plugin passes it on, changed or not, with the
 *   reply's functions. @head is without framing.
 * @response_chunk: [shard] the next bytes of that answer, decoded, at most 32 KiB; @last with none,
 *   at the end. While it is called, the reply has capacity for twice as many.
 * @failed: [shard] a destination did not answer; @tried counts from 0. TRUE goes on with the next.
 * @aborted: [shard] the answer that had begun broke off; the plugin may end its own answer in its
 *   protocol's words
 * @drained: [shard] there is capacity again, after there was none
 * @close: [shard] the exchange is over, complete or not; frees the object
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*names)(gpointer instance);
    gboolean (*reads_allowed_without_policy)(gpointer instance, const char *name);
    guint64 (*body_limit)(gpointer instance, const char *name);
    gpointer (*request)(gpointer instance, const char *name, const OshHttpHead *head,
                        const OshFacts *facts, const OshVirtualReply *reply, GError **error);
    void (*body)(gpointer request, OshSpan bytes, gboolean last);
    void (*response_head)(gpointer request, const OshHttpHead *head);
    void (*response_chunk)(gpointer request, OshSpan bytes, gboolean last);
    gboolean (*failed)(gpointer request, gsize tried, const GError *error);
    void (*aborted)(gpointer request, const GError *error);
    void (*drained)(gpointer request);
    void (*close)(gpointer request);
} OshVirtualHostInterface;

/** osh_virtual_host_names: [any] Returns: (array zero-terminated=1) (nullable): its names. */
static inline const char *const *
osh_virtual_host_names(const OshInterface *host)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    return osh_can_call(vtable, OshVirtualHostInterface, names) ? vtable->names(host->instance)
                                                                : NULL;
}

/** osh_virtual_host_reads_allowed_without_policy: [any] FALSE where it does not say. */
static inline gboolean
osh_virtual_host_reads_allowed_without_policy(const OshInterface *host, const char *name)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    return osh_can_call(vtable, OshVirtualHostInterface, reads_allowed_without_policy) &&
           vtable->reads_allowed_without_policy(host->instance, name);
}

/** osh_virtual_host_body_limit: [any] 0 where it does not say. */
static inline guint64
osh_virtual_host_body_limit(const OshInterface *host, const char *name)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    return osh_can_call(vtable, OshVirtualHostInterface, body_limit)
               ? vtable->body_limit(host->instance, name)
               : 0;
}

/** osh_virtual_host_request: [shard] Returns: (transfer full) (nullable): for close(). */
static inline gpointer
osh_virtual_host_request(const OshInterface *host, const char *name, const OshHttpHead *head,
                         const OshFacts *facts, const OshVirtualReply *reply, GError **error)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (!osh_can_call(vtable, OshVirtualHostInterface, request)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot answer", host->provider);
        return NULL;
    }
    return vtable->request(host->instance, name, head, facts, reply, error);
}

/** osh_virtual_host_body: [shard] see #OshVirtualHostInterface. */
static inline void
osh_virtual_host_body(const OshInterface *host, gpointer request, OshSpan bytes, gboolean last)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (osh_can_call(vtable, OshVirtualHostInterface, body))
        vtable->body(request, bytes, last);
}

/** osh_virtual_host_response_head: [shard] see #OshVirtualHostInterface. */
static inline void
osh_virtual_host_response_head(const OshInterface *host, gpointer request, const OshHttpHead *head)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (osh_can_call(vtable, OshVirtualHostInterface, response_head))
        vtable->response_head(request, head);
}

/** osh_virtual_host_response_chunk: [shard] see #OshVirtualHostInterface. */
static inline void
osh_virtual_host_response_chunk(const OshInterface *host, gpointer request, OshSpan bytes,
                                gboolean last)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (osh_can_call(vtable, OshVirtualHostInterface, response_chunk))
        vtable->response_chunk(request, bytes, last);
}

/** osh_virtual_host_failed: [shard] FALSE, which gives up, where it does not say. */
static inline gboolean
osh_virtual_host_failed(const OshInterface *host, gpointer request, gsize tried,
                        const GError *error)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    return osh_can_call(vtable, OshVirtualHostInterface, failed) &&
           vtable->failed(request, tried, error);
}

/** osh_virtual_host_aborted: [shard] Returns: FALSE where it cannot be told: the driver cuts the
 * answer off. */
static inline gboolean
osh_virtual_host_aborted(const OshInterface *host, gpointer request, const GError *error)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (!osh_can_call(vtable, OshVirtualHostInterface, aborted))
        return FALSE;
    vtable->aborted(request, error);
    return TRUE;
}

/** osh_virtual_host_drained: [shard] see #OshVirtualHostInterface. */
static inline void
osh_virtual_host_drained(const OshInterface *host, gpointer request)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (osh_can_call(vtable, OshVirtualHostInterface, drained))
        vtable->drained(request);
}

/** osh_virtual_host_close: [shard] @request: (transfer full) (nullable). */
static inline void
osh_virtual_host_close(const OshInterface *host, gpointer request)
{
    const OshVirtualHostInterface *vtable = (const OshVirtualHostInterface *)host->vtable;

    if (request != NULL && osh_can_call(vtable, OshVirtualHostInterface, close))
        vtable->close(request);
}

G_END_DECLS
