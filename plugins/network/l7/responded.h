/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responded.h: the content of the response to a message: what the inspector makes of it, what the
 * policy says to its questions, and what middlewares leave of it. [shard]
 */
#pragma once

#include "message-step.h"
#include "message.h"

G_BEGIN_DECLS

/** osh_responded_add: CONTENT of the response to @message, in @window. */
void osh_responded_add(OshMessage *message, const OshL7Action *action, OshSpan window);

/** osh_responded_is_asked: Returns: whether the question that is open is about a response. */
gboolean osh_responded_is_asked(const OshMessage *message);

/** osh_responded_ask: what becomes of it. @ret_reason: of a refusal; until the message ends. */
OshAsked osh_responded_ask(OshMessage *message, const char **ret_reason);

/** osh_responded_is_current: Returns: whether the policy in force has the same middlewares for the
 * response to @message, which was allowed. */
gboolean osh_responded_is_current(const OshMessage *message);

/** osh_responded_fill_answer: the limit of responses, or the content's part of an answer. */
void osh_responded_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer);

/** osh_responded_free: frees what is kept of it. */
void osh_responded_free(OshResponded *responded);

G_END_DECLS
