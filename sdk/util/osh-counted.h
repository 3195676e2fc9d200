/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-counted.h: data whose length was said before it: released as it comes, never held.
 *
 * A session that has read "set key 0 0 1048576" releases that many bytes, and the line end that has
 * to stand behind them, without waiting for all of them. One that refused the command drops as
 * many. What stands where the end belongs is not released when it is anything else: the two
 * programs would not agree where the next command begins. Functions are [shard].
 */
#pragma once

#include "osh-l7-list.h"

G_BEGIN_DECLS

/**
 * OshCounted: all zeroes is data that is complete.
 * @left: bytes that have not been released, without the end; read it, the rest is its own
 */
typedef struct {
    guint64 left;
    /*< private >*/
    guint64 message;
    const char *end;
    gboolean allowed;
} OshCounted;

/**
 * OshCountedStatus:
 * @OSH_COUNTED_COMPLETE: all was released, its end too
 * @OSH_COUNTED_MORE: return osh_l7_list_more()
 * @OSH_COUNTED_BROKEN: the data does not end as it should: refuse, and release nothing more
 */
typedef enum {
    OSH_COUNTED_COMPLETE = 0,
    OSH_COUNTED_MORE = 1,
    OSH_COUNTED_BROKEN = 2,
} OshCountedStatus;

/**
 * osh_counted_begin:
 * @length: bytes of data that follow
 * @end: (nullable): what has to stand behind them, for example "\r\n"; constant
 * @allowed: release them for @message, or else drop them
 */
void osh_counted_begin(OshCounted *counted, guint64 message, guint64 length, const char *end,
                       gboolean allowed);

/** osh_counted_is_complete: Returns: whether all was released, its end too. A reply that comes
 * before ends no message: DONE waits for the data, or what follows would leave unjudged. */
gboolean osh_counted_is_complete(const OshCounted *counted);

/** osh_counted_feed: releases what the window holds of the data; at most two actions. */
OshCountedStatus osh_counted_feed(OshCounted *counted, OshL7List *list);

G_END_DECLS
