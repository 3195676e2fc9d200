/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-outbox.h: bytes that a session has to say and the driver may not have capacity for yet.
 *
 * What is put in is copied, and goes out in order, by EMIT, in as many parts as the capacity of its
 * direction asks for. The bytes of a list stay where they are until the next feed, as the contract
 * asks. An outbox serves one direction and belongs to its session; functions are [shard].
 */
#pragma once

#include "osh-l7-list.h"

G_BEGIN_DECLS

/** OshOutbox: all zeroes is an empty one; the members are its own. */
typedef struct {
    /*< private >*/
    GQueue waiting;
    GQueue said;
    gsize size;
    guint64 call;
} OshOutbox;

/** osh_outbox_clear: frees what it holds. */
void osh_outbox_clear(OshOutbox *outbox);

/**
 * osh_outbox_put:
 * @message: that the bytes belong to, or 0
 * @flags: %OSH_L7_FRAMING or 0
 * @bytes: copied; none is nothing
 */
void osh_outbox_put(OshOutbox *outbox, guint64 message, guint32 flags, OshSpan bytes);

/** osh_outbox_size: Returns: bytes that have not gone out. A session bounds it: it stops reading.
 */
gsize osh_outbox_size(const OshOutbox *outbox);

/**
 * osh_outbox_flush:
 * @list: of this feed
 * @direction: always the same
 *
 * Adds EMITs for as much as capacity and list have space for; one action of the list stays free.
 *
 * Returns: whether the outbox is empty now
 */
gboolean osh_outbox_flush(OshOutbox *outbox, OshL7List *list, OshDirection direction);

G_END_DECLS
