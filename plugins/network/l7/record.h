/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h: what the bus and a recording hear of the messages of an inspected connection. [shard]
 */
#pragma once

#include "driver-private.h"

G_BEGIN_DECLS

/** OSH_MESSAGE_FACTS: facts that a message and its connection may have together. */
#define OSH_MESSAGE_FACTS 64

/** osh_record_allowed: spends the reservation of @message. @facts: by which it was decided. */
void osh_record_allowed(OshMessage *message, const OshFacts *facts);

/** osh_record_refused: @message, for its layer and reason; its event is set. */
void osh_record_refused(OshMessage *message, const OshFacts *facts, OshDecisionOutcome outcome);

/**
 * osh_record_denied: what the protocol or the driver itself refuses
 * @number: of the message; 0 for the connection
 * @control: that refused it
 * @facts: what is known of it
 * @ends: the connection ends
 *
 * Returns: id of the event
 */
guint64 osh_record_denied(OshDriver *driver, guint64 number, OshControl control,
                          const OshFacts *facts, const char *reason, gboolean ends);

/** osh_record_response: DONE of @message, which was allowed. */
void osh_record_response(const OshMessage *message, const OshL7Action *done);

G_END_DECLS
