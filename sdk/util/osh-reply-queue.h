/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-reply-queue.h: replies that a client is owed, in the order of its requests.
 *
 * In a protocol whose client may ask again before it was answered, the words of a refusal have to
 * wait for the replies that the server owes before them. A session pushes what each request is
 * owed: the server's reply, words of its own, or the end of the connection. In the server's
 * direction it asks what is next: words go out by themselves, and the server's reply is for the
 * session to read.
 *
 * |[<!-- language="C" -->
 * switch (osh_reply_queue_next(&self->replies, list, &message)) {
 * case OSH_REPLY_SERVER: // read a reply of the server, which belongs to message
 *     ...
 *     osh_reply_queue_done(&self->replies, list, 0, bytes);
 * ]|
 *
 * A queue has a bound: a session that asks osh_reply_queue_is_full() before it reads a request
 * never goes beyond it. It belongs to its session; functions are [shard].
 */
#pragma once

#include "osh-outbox.h"

G_BEGIN_DECLS

/** OSH_REPLY_BOUND: entries of a queue that was not made with another bound. */
#define OSH_REPLY_BOUND 256

/** OshReplyQueue: all zeroes is an empty one of %OSH_REPLY_BOUND; the members are its own. */
typedef struct {
    /*< private >*/
    GQueue entries;
    OshOutbox words;
    guint bound;
} OshReplyQueue;

/**
 * OshReplyNext: what the client is owed next.
 * @OSH_REPLY_NONE: nothing: the server may say nothing that was asked for
 * @OSH_REPLY_SERVER: a reply of the server; the list has space for three actions at least
 * @OSH_REPLY_WAIT: words that wait for capacity, or for space in the list: return the list as it is
 * @OSH_REPLY_ENDED: the list ends with END: return it
 */
typedef enum {
    OSH_REPLY_NONE = 0,
    OSH_REPLY_SERVER = 1,
    OSH_REPLY_WAIT = 2,
    OSH_REPLY_ENDED = 3,
} OshReplyNext;

/** osh_reply_queue_init: for another bound. @bound: entries that it holds, at most, but for the
 * end. */
void osh_reply_queue_init(OshReplyQueue *queue, guint bound);

/** osh_reply_queue_clear: frees what it holds. */
void osh_reply_queue_clear(OshReplyQueue *queue);

/** osh_reply_queue_is_full: Returns: whether one more request would go beyond the bound; TRUE
 * behind the end, after which no request is read. */
gboolean osh_reply_queue_is_full(const OshReplyQueue *queue);

/** osh_reply_queue_push_server: @message is owed a reply of the server. */
void osh_reply_queue_push_server(OshReplyQueue *queue, guint64 message);

/** osh_reply_queue_push_tagged: the same, with a word of the session's about how to read the reply
 * (which command asked for it): osh_reply_queue_tag() gives it back. */
void osh_reply_queue_push_tagged(OshReplyQueue *queue, guint64 message, guint64 tag);

/** osh_reply_queue_tag: Returns: the tag of the server's reply that is next; 0 where it has none,
 * or something else is next. */
guint64 osh_reply_queue_tag(const OshReplyQueue *queue);

/** osh_reply_queue_push_words: @message is owed @words, copied; it ends with them, with @status. */
void osh_reply_queue_push_words(OshReplyQueue *queue, guint64 message, guint32 status,
                                OshSpan words);

/** osh_reply_queue_push_end: the connection ends when all before it was said. */
void osh_reply_queue_push_end(OshReplyQueue *queue);

/**
 * osh_reply_queue_next:
 * @list: of this feed, of the server's direction
 * @ret_message: (out): for %OSH_REPLY_SERVER: which message
 *
 * Emits words that are next, and ends their messages by DONE. As many actions as the list has space
 * for; an END is the last.
 */
OshReplyNext osh_reply_queue_next(OshReplyQueue *queue, OshL7List *list, guint64 *ret_message);

/** osh_reply_queue_done: the server's reply that was next is complete: ends its message by DONE,
 * which is one action. */
void osh_reply_queue_done(OshReplyQueue *queue, OshL7List *list, guint32 status, guint64 bytes);

G_END_DECLS
