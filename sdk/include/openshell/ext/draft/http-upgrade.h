/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/http-upgrade.h: "openshell.draft.http-upgrade/1": from HTTP to what it is upgraded to.
 *
 * Provided by the plugin that speaks the upgraded protocol (WebSocket), called by the driver, so
 * that an HTTP plugin and it need not know each other. All of it is about one message of the HTTP
 * session, the request:
 *   1. the ASK of the request carries the facts request.upgrade and request.headers; before it
 *      decides, the driver calls request(). An error is a denial of the message. The answer says
 *      OshL7Answer.upgrades, and the edits reach the HTTP session beside those of injections,
 *   2. the HTTP session sees the 101 and asks again: an ASK of the same message, in the server's
 *      direction, with response.status and response.headers. The driver calls response(). An
 *      error is a DENY of the message: the 101 is not forwarded, the session emits a 502 and ends
 *      the message by DONE,
 *   3. on ALLOW the session passes the 101 and returns UPGRADE for that message in the same list.
 *      The driver calls open() and feeds the session that it returns, which is one of the
 *      provider's own l7-protocol, what is unreleased in both directions.
 * A response other than 101 needs no ASK; the upgrade did not happen and the driver calls
 * state_free() when the message ends. A message is upgraded once.
 *
 * An endpoint is upgraded to its own protocol and to no other: a request whose token has no
 * provider, or whose endpoint has another protocol than the provider speaks, is refused whatever
 * the policy says, in audit mode too, and so is a request without an upgrade on an endpoint whose
 * protocol begins with one. A session refuses an upgrade that is allowed without
 * OshL7Answer.upgrades.
 */
#pragma once

#include "openshell/ext/draft/l7-protocol.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_HTTP_UPGRADE "openshell.draft.http-upgrade/1"

/** The Upgrade token of a request, lower-case. String; absent where there is none. */
#define OSH_FACT_REQUEST_UPGRADE "request.upgrade"
/** Status of a response that is asked about. Integer. */
#define OSH_FACT_RESPONSE_STATUS "response.status"
/** Header fields of such a response, as request.headers without set-cookie. Never recorded.
 * Records. */
#define OSH_FACT_RESPONSE_HEADERS "response.headers"

/** OshHttpField: one header field. */
typedef struct {
    OshSpan name;
    OshSpan value;
} OshHttpField;

/**
 * OshHttpHead:
 * @struct_size: sizeof(OshHttpHead) of the driver
 * @method: of a request; empty for a response
 * @path: canonical, of a request
 * @status: of a response, else 0
 * @fields: (array length=n_fields): in order
 * @query: of a request to a virtual host, as sent, without the question mark; empty where there is
 *   none; never recorded
 * @facts: (nullable): what the ASK about it stated, where it is a head of an upgrade
 *
 * Borrowed for the call.
 */
typedef struct {
    guint32 struct_size;
    OshSpan method;
    OshSpan path;
    guint32 status;
    const OshHttpField *fields;
    gsize n_fields;
    OshSpan query;
    const OshFacts *facts;
} OshHttpHead;

/**
 * OshHttpUpgradeRequestFunc: [shard] called once, on the shard that asked.
 * @state: (transfer full) (nullable): for the calls that follow; NULL with @error
 * @edits: (array length=n_edits): what the head must become; borrowed from @state
 * @error: (nullable): why the request is denied; borrowed
 */
typedef void (*OshHttpUpgradeRequestFunc)(gpointer state, const OshL7Edit *edits, gsize n_edits,
                                          const GError *error, gpointer data);

/** OshHttpUpgradeResponseFunc: [shard] called once, on the shard that asked. @error: (nullable):
 * why the 101 is not forwarded; borrowed. */
typedef void (*OshHttpUpgradeResponseFunc)(const GError *error, gpointer data);

/**
 * OshHttpUpgradeInterface:
 * @struct_size: sizeof(OshHttpUpgradeInterface) of the provider
 * @token: [any] the Upgrade token it serves, lower-case; constant
 * @request: [shard] judges the request's form; answers inside the call or later, once
 * @response: [shard] judges the 101 against the request; answers likewise
 * @open: [shard] takes the state and returns a session of the provider's l7-protocol; NULL with
 *   @error closes the connection, as a failure. @state is consumed in both cases.
 * @state_free: [shard] the upgrade did not happen; an answer still due is not given
 */
typedef struct {
    guint32 struct_size;
    const char *(*token)(gpointer instance);
    void (*request)(gpointer instance, const OshHttpHead *head, GVariant *options,
                    OshHttpUpgradeRequestFunc done, gpointer data);
    void (*response)(gpointer instance, gpointer state, const OshHttpHead *head,
                     OshHttpUpgradeResponseFunc done, gpointer data);
    gpointer (*open)(gpointer instance, gpointer state, const OshL7Connection *connection,
                     GError **error);
    void (*state_free)(gpointer instance, gpointer state);
} OshHttpUpgradeInterface;

/** osh_http_upgrade_token: [any] Returns: (nullable): the token. */
static inline const char *
osh_http_upgrade_token(const OshInterface *upgrade)
{
    const OshHttpUpgradeInterface *vtable = (const OshHttpUpgradeInterface *)upgrade->vtable;

    return osh_can_call(vtable, OshHttpUpgradeInterface, token) ? vtable->token(upgrade->instance)
                                                                : NULL;
}

/** osh_http_upgrade_request: [shard] answers with an error where it cannot be asked. */
static inline void
osh_http_upgrade_request(const OshInterface *upgrade, const OshHttpHead *head, GVariant *options,
                         OshHttpUpgradeRequestFunc done, gpointer data)
{
    const OshHttpUpgradeInterface *vtable = (const OshHttpUpgradeInterface *)upgrade->vtable;

    if (osh_can_call(vtable, OshHttpUpgradeInterface, request)) {
        vtable->request(upgrade->instance, head, options, done, data);
    } else {
        g_autoptr(GError) error =
            g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot upgrade", upgrade->provider);

        done(NULL, NULL, 0, error, data);
    }
}

/** osh_http_upgrade_response: [shard] answers with an error where it cannot be asked. */
static inline void
osh_http_upgrade_response(const OshInterface *upgrade, gpointer state, const OshHttpHead *head,
                          OshHttpUpgradeResponseFunc done, gpointer data)
{
    const OshHttpUpgradeInterface *vtable = (const OshHttpUpgradeInterface *)upgrade->vtable;

    if (osh_can_call(vtable, OshHttpUpgradeInterface, response)) {
        vtable->response(upgrade->instance, state, head, done, data);
    } else {
        g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                                              "%s cannot judge an upgrade", upgrade->provider);

        done(error, data);
    }
}

/** osh_http_upgrade_open: [shard] @state: (transfer full). Returns: (transfer full) (nullable). */
static inline gpointer
osh_http_upgrade_open(const OshInterface *upgrade, gpointer state,
                      const OshL7Connection *connection, GError **error)
{
    const OshHttpUpgradeInterface *vtable = (const OshHttpUpgradeInterface *)upgrade->vtable;

    if (!osh_can_call(vtable, OshHttpUpgradeInterface, open)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot open an upgrade",
                    upgrade->provider);
        return NULL;
    }
    return vtable->open(upgrade->instance, state, connection, error);
}

/** osh_http_upgrade_state_free: [shard] @state: (transfer full) (nullable). */
static inline void
osh_http_upgrade_state_free(const OshInterface *upgrade, gpointer state)
{
    const OshHttpUpgradeInterface *vtable = (const OshHttpUpgradeInterface *)upgrade->vtable;

    if (state != NULL && osh_can_call(vtable, OshHttpUpgradeInterface, state_free))
        vtable->state_free(upgrade->instance, state);
}

G_END_DECLS
