/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/middleware.h: "openshell.draft.middleware/1": judge or rewrite content, of requests
 * before credentials, of responses before the client.
 *
 * The policy's network_middlewares name implementations and the hosts they apply to. The driver
 * runs them in their order over the decoded content of a request or a WebSocket message, after
 * the policy allowed it and before any placeholder is replaced, so a middleware never sees a
 * secret. What one changes is inspected and decided again.
 *
 * A middleware gets the whole content, never a part: where one applies, nothing of a message's
 * content is settled (OshL7ContentAnswer) before the last of it was marked and judged, and the
 * content may be no larger than the endpoint's limit. It may run where no inspector does: the
 * driver then answers the ASK with INSPECT on its own account.
 *
 * A provider that says so (operations) is asked about responses of HTTP too, behind the inspector
 * of the message where one looks into them. It gets a body as a whole, or each event of an event
 * stream (text/event-stream) by itself, with the empty line that ends it, which a replacement
 * keeps. A response to a message is looked into where a middleware selects its host; the server is
 * then asked for no content coding and for no part of a body. What a server says is not searched
 * for secrets first.
 *
 * Content in a content coding other than identity, or in a charset that does not contain ASCII, is
 * shown to no middleware: on_uninspectable of its entry decides, with the reason code "encoded". So
 * does it for a response that is a part of a body ("partial") or that must not be changed on its
 * way (Cache-Control: no-transform, "no_transform").
 */
#pragma once

#include "openshell/ext/draft/content-inspector.h"
#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_MIDDLEWARE "openshell.draft.middleware/1"

/** Content-Type of a response as the server sent it; absent where there is none. String. */
#define OSH_FACT_RESPONSE_CONTENT_TYPE "response.content_type"

/**
 * OshMiddlewareOperations: what a middleware is asked about.
 * @OSH_MIDDLEWARE_REQUESTS: content that a client sends
 * @OSH_MIDDLEWARE_RESPONSES: content of a response of HTTP
 */
typedef enum {
    OSH_MIDDLEWARE_REQUESTS = 1 << 0,
    OSH_MIDDLEWARE_RESPONSES = 1 << 1,
} OshMiddlewareOperations;

/**
 * OshMiddlewareRequest:
 * @struct_size: sizeof(OshMiddlewareRequest) of the driver
 * @operation: "http-request", "http-response", "websocket-message", or "message" of any other
 *   protocol
 * @facts: of the message, as decided; with "http-response" response.status and
 *   response.content_type beside those of its request
 * @media_type: of the content
 * @content: all of it, decoded; stays valid until the answer or the cancel
 * @config: (nullable): a{sv} of the policy's middleware entry
 * @deadline: monotonic microseconds by which it must answer
 */
typedef struct {
    guint32 struct_size;
    const char *operation;
    OshFacts facts;
    const char *media_type;
    OshSpan content;
    GVariant *config;
    gint64 deadline;
} OshMiddlewareRequest;

/**
 * OshMiddlewareOutcome:
 * @OSH_MIDDLEWARE_FAILED: it could not judge; the entry's on_error decides
 * @OSH_MIDDLEWARE_ALLOW: goes on as it is
 * @OSH_MIDDLEWARE_DENY: is refused
 * @OSH_MIDDLEWARE_REPLACE: goes on with other content
 */
typedef enum {
    OSH_MIDDLEWARE_FAILED = 0,
    OSH_MIDDLEWARE_ALLOW = 1,
    OSH_MIDDLEWARE_DENY = 2,
    OSH_MIDDLEWARE_REPLACE = 3,
} OshMiddlewareOutcome;

/**
 * OshMiddlewareFunc:
 * @reason_code: (nullable): short machine word for a denial or failure; never free text
 * @content: (nullable) (transfer none): the replacement
 *
 * [shard] Called once, on the shard that asked.
 */
typedef void (*OshMiddlewareFunc)(OshMiddlewareOutcome outcome, const char *reason_code,
                                  GBytes *content, gpointer data);

/**
 * OshMiddlewareInterface:
 * @struct_size: sizeof(OshMiddlewareInterface) of the provider
 * @implementations: [any] the policy's `middleware:` values that it serves, NULL-terminated
 * @check: [main, worker] one call at a time: is this configuration acceptable? FALSE with @error
 *   refuses the policy.
 * @evaluate: [shard] answers inside the call or later
 * @cancel: [shard] the answer to the evaluate with this @data is no longer wanted
 * @operations: (nullable): [shard] #OshMiddlewareOperations of this configuration, which is asked
 *   for with each message: it must be cheap. Without it, requests alone
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*implementations)(gpointer instance);
    gboolean (*check)(gpointer instance, const char *implementation, GVariant *config,
                      GError **error);
    void (*evaluate)(gpointer instance, const char *implementation,
                     const OshMiddlewareRequest *request, OshMiddlewareFunc done, gpointer data);
    void (*cancel)(gpointer instance, gpointer data);
    guint32 (*operations)(gpointer instance, const char *implementation, GVariant *config);
} OshMiddlewareInterface;

/** osh_middleware_implementations: [any] Returns: (array zero-terminated=1) (nullable). */
static inline const char *const *
osh_middleware_implementations(const OshInterface *middleware)
{
    const OshMiddlewareInterface *vtable = (const OshMiddlewareInterface *)middleware->vtable;

    return osh_can_call(vtable, OshMiddlewareInterface, implementations)
               ? vtable->implementations(middleware->instance)
               : NULL;
}

/** osh_middleware_check: [main, worker] TRUE where the provider takes any configuration. */
static inline gboolean
osh_middleware_check(const OshInterface *middleware, const char *implementation, GVariant *config,
                     GError **error)
{
    const OshMiddlewareInterface *vtable = (const OshMiddlewareInterface *)middleware->vtable;

    return !osh_can_call(vtable, OshMiddlewareInterface, check) ||
           vtable->check(middleware->instance, implementation, config, error);
}

/** osh_middleware_evaluate: [shard] fails where the provider cannot judge. */
static inline void
osh_middleware_evaluate(const OshInterface *middleware, const char *implementation,
                        const OshMiddlewareRequest *request, OshMiddlewareFunc done, gpointer data)
{
    const OshMiddlewareInterface *vtable = (const OshMiddlewareInterface *)middleware->vtable;

    if (osh_can_call(vtable, OshMiddlewareInterface, evaluate))
        vtable->evaluate(middleware->instance, implementation, request, done, data);
    else
        done(OSH_MIDDLEWARE_FAILED, "unavailable", NULL, data);
}

/** osh_middleware_cancel: [shard] see #OshMiddlewareInterface. */
static inline void
osh_middleware_cancel(const OshInterface *middleware, gpointer data)
{
    const OshMiddlewareInterface *vtable = (const OshMiddlewareInterface *)middleware->vtable;

    if (osh_can_call(vtable, OshMiddlewareInterface, cancel))
        vtable->cancel(middleware->instance, data);
}

/** osh_middleware_operations: [shard] Returns: #OshMiddlewareOperations. */
static inline guint32
osh_middleware_operations(const OshInterface *middleware, const char *implementation,
                          GVariant *config)
{
    const OshMiddlewareInterface *vtable = (const OshMiddlewareInterface *)middleware->vtable;

    return osh_can_call(vtable, OshMiddlewareInterface, operations)
               ? vtable->operations(middleware->instance, implementation, config)
               : (guint32)OSH_MIDDLEWARE_REQUESTS;
}

G_END_DECLS
