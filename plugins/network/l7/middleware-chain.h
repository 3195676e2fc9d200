/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-chain.h: the policy's middlewares, asked one behind the other about the content of a
 * message. [shard]
 */
#pragma once

#include "message-step.h"
#include "message.h"

G_BEGIN_DECLS

/** OSH_MIDDLEWARE_CONTENT_MAX: bytes of content that a middleware may get. */
#define OSH_MIDDLEWARE_CONTENT_MAX (4 * 1024 * 1024)

/** osh_middleware_applies: Returns: whether a middleware of the policy in force selects where
 * @message goes. */
gboolean osh_middleware_applies(const OshMessage *message);

/**
 * osh_middleware_ask: asks those that have not been asked
 * @content: all of it, as the last one left it; stays as it is until the next call
 * @media_type: of @content
 * @ret_content: (out) (nullable) (transfer full): instead of @content from now on: the message has
 *   to be decided again, and this called again
 * @ret_reason: (out) (transfer none): of a refusal, until the message ends
 *
 * A policy that came into force in between begins again, with the content as it was.
 */
OshAsked osh_middleware_ask(OshMessage *message, OshSpan content, const char *media_type,
                            GBytes **ret_content, const char **ret_reason);

/**
 * osh_middleware_pass_over: they cannot look into the content
 * @code: a word for programs that says why: "over_limit" counts as a failure of each (on_error),
 *   anything else as content that cannot be inspected (on_uninspectable)
 * @limit: bytes that they could, for "over_limit"
 *
 * Returns: whether each of them may be passed over; else @ret_reason is set
 */
gboolean osh_middleware_pass_over(OshMessage *message, const char *code, guint64 limit,
                                  const char **ret_reason);

/** osh_middleware_deadline: Returns: when the one that is asked has failed; 0 for none. */
gint64 osh_middleware_deadline(const OshMessage *message);

/** osh_middleware_expire: what did not answer by @now has failed. */
void osh_middleware_expire(OshMessage *message, gint64 now);

/** osh_middleware_notes: Returns: (transfer none) (nullable): what they did beside allowing it, for
 * its event. */
const char *osh_middleware_notes(const OshMessage *message);

/** osh_middleware_is_current: Returns: whether those that the policy in force has would be the same
 * as those that were asked. */
gboolean osh_middleware_is_current(const OshMessage *message);

/** osh_middleware_free: withdraws what is asked. @chain: (transfer full). */
void osh_middleware_free(OshMiddlewareChain *chain);

G_END_DECLS
