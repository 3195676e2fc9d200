/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-chain.h: the policy's middlewares, asked one behind the other about the content of a
 * message. [shard]
 */
#pragma once

#include "message-step.h"
#include "message.h"

#include <openshell/ext/draft/l7-protocol.h>

G_BEGIN_DECLS

/** OSH_MIDDLEWARE_CONTENT_MAX: bytes of content that a middleware may get. */
#define OSH_MIDDLEWARE_CONTENT_MAX (4 * 1024 * 1024)

/**
 * OshMiddlewareContent:
 * @side: from where it comes: the client, or a response
 * @bytes: all of it, as the last one left it; stays as it is until the next call
 * @media_type: of it
 * @facts: of the message, and of the response
 */
typedef struct {
    OshDirection side;
    OshSpan bytes;
    const char *media_type;
    OshFacts facts;
} OshMiddlewareContent;

/** osh_middleware_applies: Returns: whether a middleware of the policy in force selects where
 * @message goes, and is asked about what comes from @side. */
gboolean osh_middleware_applies(const OshMessage *message, OshDirection side);

/** osh_middleware_begin: the next content of the response: all are asked again. */
void osh_middleware_begin(OshMessage *message);

/**
 * osh_middleware_ask: asks those that have not been asked
 * @ret_content: (out) (nullable) (transfer full): instead of the content from now on: of a request,
 *   the message has to be decided again; then this is called again
 * @ret_reason: (out) (transfer none): of a refusal, until the message ends
 *
 * A policy that came into force in between begins again, with the content as it was.
 */
OshAsked osh_middleware_ask(OshMessage *message, const OshMiddlewareContent *content,
                            GBytes **ret_content, const char **ret_reason);

/**
 * osh_middleware_pass_over: they cannot look into the content
 * @code: a word for programs that says why: "over_limit" counts as a failure of each (on_error),
 *   anything else as content that cannot be inspected (on_uninspectable)
 * @limit: bytes that they could, for "over_limit"
 *
 * Returns: whether each of them may be passed over; else @ret_reason is set
 */
gboolean osh_middleware_pass_over(OshMessage *message, OshDirection side, const char *code,
                                  guint64 limit, const char **ret_reason);

/** osh_middleware_deadline: Returns: when the one that is asked has failed; 0 for none. */
gint64 osh_middleware_deadline(const OshMessage *message);

/** osh_middleware_expire: what did not answer by @now has failed. */
void osh_middleware_expire(OshMessage *message, gint64 now);

/** osh_middleware_notes: Returns: (transfer none) (nullable): what they did beside allowing it, for
 * its event. */
const char *osh_middleware_notes(const OshMessage *message, OshDirection side);

/** osh_middleware_is_current: Returns: whether those that the policy in force has would be the same
 * as those that were asked about the content of @message. */
gboolean osh_middleware_is_current(const OshMessage *message);

/** osh_middleware_fingerprint: Returns: of those that the policy in force has for what comes from
 * @side; 0 where there are none. */
guint64 osh_middleware_fingerprint(const OshMessage *message, OshDirection side);

/** osh_middleware_free: withdraws what is asked. @chain: (transfer full). */
void osh_middleware_free(OshMiddlewareChain *chain);

G_END_DECLS
