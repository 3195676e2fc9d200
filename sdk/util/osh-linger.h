/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-linger.h: an end that lets the client read the last words.
 *
 * A socket that is closed while bytes of the peer wait in it is reset (RFC 1122, 4.2.2.13), and the
 * reset may overtake what was said last. A session that ends a connection in the middle of what the
 * client says (an upload that was refused) goes on reading and dropping it, until the client ends
 * its bytes or a time has passed, and then returns END. Functions are [shard].
 *
 * |[<!-- language="C" -->
 * if (osh_linger_is_on(&self->linger))
 *     return osh_linger_feed(&self->linger, list);
 * ]|
 */
#pragma once

#include "osh-l7-list.h"

G_BEGIN_DECLS

/** OshLinger: all zeroes is none; the members are its own. */
typedef struct {
    /*< private >*/
    gint64 until;
    gboolean over;
} OshLinger;

/** osh_linger_begin: @now: of the feed; @microseconds: at most so long. */
void osh_linger_begin(OshLinger *linger, gint64 now, gint64 microseconds);

/** osh_linger_is_on: Returns: whether it has begun. */
gboolean osh_linger_is_on(const OshLinger *linger);

/** osh_linger_expire: to be called from the session's expire. */
void osh_linger_expire(OshLinger *linger, gint64 now);

/** osh_linger_feed: for both directions, once what had to be said was emitted; sets the list's
 * deadline. At most two actions: DROP, then END or MORE. Returns: what feed returns. */
gsize osh_linger_feed(OshLinger *linger, OshL7List *list);

G_END_DECLS
