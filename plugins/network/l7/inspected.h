/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspected.h: the content of a message: what an inspector finds in it, what middlewares make of
 * it, and the placeholders that are replaced in it. [shard]
 */
#pragma once

#include "message-step.h"
#include "message.h"

G_BEGIN_DECLS

/** OSH_CONTENT_REWRITE_MAX: bytes of content in which placeholders may be replaced. */
#define OSH_CONTENT_REWRITE_MAX (256 * 1024)

/** osh_inspected_go_on: feeds an inspector that has woken us, before its facts are used. */
void osh_inspected_go_on(OshMessage *message);

/** osh_inspected_ask: whether the content of @message has to be marked, or marked further, before
 * it may go on. @ret_reason: until the message ends. */
OshAsked osh_inspected_ask(OshMessage *message, const char **ret_reason);

/** osh_inspected_add: CONTENT of @message, in @window. */
void osh_inspected_add(OshMessage *message, const OshL7Action *action, OshSpan window);

/** osh_inspected_facts: Returns: what was found; none before the inspector is done. */
OshFacts osh_inspected_facts(const OshMessage *message);

/** osh_inspected_inspection: Returns: whether an inspector has looked at all that it needs of
 * @message, and may be asked about its response. */
gboolean osh_inspected_inspection(const OshMessage *message, const OshInterface **ret_inspector,
                                  gpointer *ret_inspection);

/** osh_inspected_fill_answer: the content's part of an answer. */
void osh_inspected_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer);

/** osh_content_lease: Returns: (transfer none) (nullable): the lease that @content stands for;
 * %NULL where it holds no credential. */
OshLease *osh_content_lease(const OshContent *content);

/** osh_content_bytes: Returns: what @content stands for where it holds no credential; until its
 * message ends. */
OshSpan osh_content_bytes(const OshContent *content);

/** osh_content_set: Returns: (transfer full): @content, or a new one for %NULL, with a copy of
 * @bytes in place of what it stood for. */
OshContent *osh_content_set(OshContent *content, OshSpan bytes);

/** osh_content_free: @content: (transfer full) (nullable): of osh_content_set(). */
void osh_content_free(OshContent *content);

/** osh_inspected_free: closes the inspection. */
void osh_inspected_free(OshInspected *inspected);

G_END_DECLS
