/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-list.h: the list of actions that one call of feed returns, built with its bookkeeping.
 *
 * It counts what the list has released and what capacity is left, so that offsets are right, and
 * says whether more actions fit. A session keeps one list and begins it anew in each feed:
 *
 * |[<!-- language="C" -->
 * OshL7List *list = &self->list;
 *
 * osh_l7_list_begin(list, input, actions, max_actions);
 * osh_l7_list_pass(list, message, length);
 * osh_l7_list_done(list, message, 200, length);
 * return osh_l7_list_more(list);
 * ]|
 *
 * Each function that adds an action adds one, or none where its length is 0; it aborts when the
 * action does not fit: ask osh_l7_list_has_space() first, with 1 for each, and 1 for the MORE at
 * the end. A list belongs to its session; functions are [shard].
 */
#pragma once

#include "openshell/ext/draft/l7-protocol.h"

G_BEGIN_DECLS

/**
 * OshL7List:
 * @input: what feed was given
 * @n: actions so far; what feed returns
 * @released: bytes of the window that the list has released
 * @capacity: what is left for EMIT, by #OshDirection
 * @deadline: of this feed, for its ret_deadline: 0 leaves the session's as it was; may be set
 * @call: raised by each begin
 *
 * Read these, set @deadline; the rest is the list's own. All zeroes before the first begin.
 */
typedef struct {
    const OshL7Input *input;
    gsize n;
    gsize released;
    gsize capacity[2];
    gint64 deadline;
    guint64 call;
    /*< private >*/
    OshL7Action *actions;
    gsize max_actions;
} OshL7List;

/** osh_l7_list_begin: an empty list; the arguments are those of feed and borrowed for the call. */
void osh_l7_list_begin(OshL7List *list, const OshL7Input *input, OshL7Action *actions,
                       gsize max_actions);

/** osh_l7_list_window: Returns: what the list has not released; valid during the feed. */
OshSpan osh_l7_list_window(const OshL7List *list);

/** osh_l7_list_has_space: Returns: whether @n more actions fit. */
gboolean osh_l7_list_has_space(const OshL7List *list, gsize n);

/**
 * osh_l7_list_add:
 * @type: an #OshL7ActionType
 * @message: or 0
 *
 * Returns: (transfer none): the new action, zeroed but for type and message, to be filled in
 */
OshL7Action *osh_l7_list_add(OshL7List *list, OshL7ActionType type, guint64 message);

/** osh_l7_list_pass: releases the next @length bytes; nothing for 0. */
void osh_l7_list_pass(OshL7List *list, guint64 message, gsize length);

/** osh_l7_list_pass_framing: releases the next @length bytes, which belong to no message; nothing
 * for 0. */
void osh_l7_list_pass_framing(OshL7List *list, gsize length);

/** osh_l7_list_drop: drops the next @length bytes; nothing for 0. */
void osh_l7_list_drop(OshL7List *list, guint64 message, gsize length);

/** osh_l7_list_release: passes the next @length bytes when @allowed, else drops them; nothing for
 * 0.
 */
void osh_l7_list_release(OshL7List *list, guint64 message, gsize length, gboolean allowed);

/** osh_l7_list_replace: sends @pieces for the next @length bytes. @pieces: (array length=n): stay
 * until the next call into the session. */
void osh_l7_list_replace(OshL7List *list, guint64 message, gsize length, const OshL7Piece *pieces,
                         gsize n);

/** osh_l7_list_emit: sends one piece, @size bytes, in @direction. @piece: stays until the next call
 * into the session. Returns: (transfer none): the action, for its flags. */
OshL7Action *osh_l7_list_emit(OshL7List *list, OshDirection direction, guint64 message,
                              const OshL7Piece *piece, gsize size);

/** osh_l7_list_ask: asks about @message, pausing. @facts: (array length=n): likewise. Returns: what
 * feed returns, because nothing may follow. */
gsize osh_l7_list_ask(OshL7List *list, guint64 message, const OshFact *facts, gsize n);

/** osh_l7_list_deny: refuses @message by the protocol itself. @reason: constant. */
void osh_l7_list_deny(OshL7List *list, guint64 message, const char *reason);

/** osh_l7_list_fail: ends the connection because a peer is at fault. @reason: constant. Returns:
 * what feed returns. */
gsize osh_l7_list_fail(OshL7List *list, const char *reason);

/** osh_l7_list_refuse: refuses @message, or 0, and the connection with it. @reason: constant.
 * Returns: what feed returns. */
gsize osh_l7_list_refuse(OshL7List *list, guint64 message, const char *reason);

/** osh_l7_list_done: ends @message. */
void osh_l7_list_done(OshL7List *list, guint64 message, guint32 status, guint64 bytes);

/** osh_l7_list_more: asks for more bytes of the direction that is fed. Returns: what feed returns.
 */
gsize osh_l7_list_more(OshL7List *list);

/** osh_l7_list_retarget: what follows goes to another authority. @host: constant or session-owned.
 * Returns: what feed returns, because nothing may follow. */
gsize osh_l7_list_retarget(OshL7List *list, const char *host, guint16 port);

/** osh_l7_list_opaque: nothing of the connection is inspected any more; needs may_be_opaque.
 * Returns: what feed returns. */
gsize osh_l7_list_opaque(OshL7List *list);

/** osh_l7_list_end: ends the connection. Returns: what feed returns. */
gsize osh_l7_list_end(OshL7List *list);

G_END_DECLS
