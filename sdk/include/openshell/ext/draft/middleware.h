/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/middleware.h: "openshell.draft.middleware/1": judge or rewrite content before
 * credentials.
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
 * Content in a content coding other than identity, or in a charset that does not contain ASCII, is
 * shown to no middleware: on_uninspectable of its entry decides, with the reason code "encoded".
 */
#pragma once

#include "openshell/ext/draft/content-inspector.h"
#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_MIDDLEWARE "openshell.draft.middleware/1"

/**
 * OshMiddlewareRequest:
 * @struct_size: sizeof(OshMiddlewareRequest) of the driver
 * @operation: "http-request", "websocket-message", or "message" of any other protocol
 * @facts: of the message, as decided
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
 */
typedef struct {
    guint32 struct_size;
    const char *const *(*implementations)(gpointer instance);
    gboolean (*check)(gpointer instance, const char *implementation, GVariant *config,
                      GError **error);
    void (*evaluate)(gpointer instance, const char *implementation,
                     const OshMiddlewareRequest *request, OshMiddlewareFunc done, gpointer data);
    void (*cancel)(gpointer instance, gpointer data);
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

G_END_DECLS
