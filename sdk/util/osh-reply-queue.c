/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that a client is owed. A queue belongs to its session, and with that to one shard; it
 * must never let one reply overtake another.
 */
#include <string.h>

#include "osh-reply-queue.h"

typedef enum {
    ENTRY_SERVER,
    ENTRY_WORDS,
    ENTRY_END,
} EntryType;

typedef struct {
    EntryType type;
    gboolean begun; /* the words are in the outbox */
    guint64 message;
    guint64 tag;
    guint32 status;
    gsize length;
    char words[];
} Entry;

void
osh_reply_queue_init(OshReplyQueue *queue, guint bound)
{
    memset(queue, 0, sizeof(*queue));
    queue->bound = bound;
}

void
osh_reply_queue_clear(OshReplyQueue *queue)
{
    g_queue_clear_full(&queue->entries, g_free);
    osh_outbox_clear(&queue->words);
}

gboolean
osh_reply_queue_is_full(const OshReplyQueue *queue)
{
    const Entry *last = queue->entries.tail != NULL ? queue->entries.tail->data : NULL;
    guint bound = queue->bound > 0 ? queue->bound : OSH_REPLY_BOUND;

    return queue->entries.length >= bound || (last != NULL && last->type == ENTRY_END);
}

static Entry *
push(OshReplyQueue *queue, EntryType type, guint64 message, gsize length)
{
    Entry *entry = g_malloc0(sizeof(Entry) + length);

    entry->type = type;
    entry->message = message;
    entry->length = length;
    g_queue_push_tail(&queue->entries, entry);
    return entry;
}

void
osh_reply_queue_push_server(OshReplyQueue *queue, guint64 message)
{
    push(queue, ENTRY_SERVER, message, 0);
}

void
osh_reply_queue_push_tagged(OshReplyQueue *queue, guint64 message, guint64 tag)
{
    push(queue, ENTRY_SERVER, message, 0)->tag = tag;
}

guint64
osh_reply_queue_tag(const OshReplyQueue *queue)
{
    const Entry *first = queue->entries.head != NULL ? queue->entries.head->data : NULL;

    return first != NULL ? first->tag : 0;
}

void
osh_reply_queue_push_words(OshReplyQueue *queue, guint64 message, guint32 status, OshSpan words)
{
    Entry *entry = push(queue, ENTRY_WORDS, message, words.length);

    entry->status = status;
    if (words.length > 0)
        memcpy(entry->words, words.data, words.length);
}

void
osh_reply_queue_push_end(OshReplyQueue *queue)
{
    push(queue, ENTRY_END, 0, 0);
}

static void
pop(OshReplyQueue *queue)
{
    g_free(g_queue_pop_head(&queue->entries));
}

/* Says the words of the first entry. Returns: whether all of them are said and the message ended.
 */
static gboolean
say_words(OshReplyQueue *queue, Entry *entry, OshL7List *list)
{
    if (!entry->begun) {
        osh_outbox_put(&queue->words, entry->message, 0, (OshSpan){entry->words, entry->length});
        entry->begun = TRUE;
    }
    if (!osh_outbox_flush(&queue->words, list, OSH_SERVER_TO_CLIENT) ||
        !osh_l7_list_has_space(list, 1))
        return FALSE;
    osh_l7_list_done(list, entry->message, entry->status, entry->length);
    pop(queue);
    return TRUE;
}

OshReplyNext
osh_reply_queue_next(OshReplyQueue *queue, OshL7List *list, guint64 *ret_message)
{
    Entry *entry;

    while ((entry = g_queue_peek_head(&queue->entries)) != NULL) {
        if (!osh_l7_list_has_space(list, 3))
            return OSH_REPLY_WAIT;
        if (entry->type == ENTRY_SERVER) {
            *ret_message = entry->message;
            return OSH_REPLY_SERVER;
        }
        if (entry->type == ENTRY_END) {
            osh_l7_list_end(list);
            return OSH_REPLY_ENDED;
        }
        if (!say_words(queue, entry, list))
            return OSH_REPLY_WAIT;
    }
    return OSH_REPLY_NONE;
}

void
osh_reply_queue_done(OshReplyQueue *queue, OshL7List *list, guint32 status, guint64 bytes)
{
    const Entry *entry = g_queue_peek_head(&queue->entries);

    g_assert(entry != NULL && entry->type == ENTRY_SERVER);
    osh_l7_list_done(list, entry->message, status, bytes);
    pop(queue);
}
