/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that wait for capacity. An outbox belongs to its session, and with that to one shard; it
 * must never free bytes that a list of the same feed points to.
 */
#include <string.h>

#include "osh-outbox.h"

typedef struct {
    guint64 message;
    guint32 flags;
    gsize at;
    gsize length;
    GSList *pieces; /* of OshL7Piece, those of this feed */
    char bytes[];
} Parcel;

static void
free_pieces(Parcel *parcel)
{
    g_slist_free_full(g_steal_pointer(&parcel->pieces), g_free);
}

static void
parcel_free(gpointer data)
{
    Parcel *parcel = data;

    free_pieces(parcel);
    g_free(parcel);
}

void
osh_outbox_clear(OshOutbox *outbox)
{
    g_queue_clear_full(&outbox->waiting, parcel_free);
    g_queue_clear_full(&outbox->said, parcel_free);
    outbox->size = 0;
}

void
osh_outbox_put(OshOutbox *outbox, guint64 message, guint32 flags, OshSpan bytes)
{
    Parcel *parcel;

    if (bytes.length == 0)
        return;
    parcel = g_malloc0(sizeof(Parcel) + bytes.length);
    parcel->message = message;
    parcel->flags = flags;
    parcel->length = bytes.length;
    memcpy(parcel->bytes, bytes.data, bytes.length);
    g_queue_push_tail(&outbox->waiting, parcel);
    outbox->size += bytes.length;
}

gsize
osh_outbox_size(const OshOutbox *outbox)
{
    return outbox->size;
}

static void
say(OshOutbox *outbox, Parcel *parcel, OshL7List *list, OshDirection direction)
{
    gsize part = MIN(parcel->length - parcel->at, list->capacity[direction]);
    OshL7Piece *piece = g_new0(OshL7Piece, 1);

    part = MIN(part, OSH_L7_BYTES_MAX);
    piece->type = OSH_L7_PIECE_BYTES;
    piece->bytes = (OshSpan){parcel->bytes + parcel->at, part};
    parcel->pieces = g_slist_prepend(parcel->pieces, piece);
    osh_l7_list_emit(list, direction, parcel->message, piece, part)->flags = parcel->flags;
    parcel->at += part;
    outbox->size -= part;
}

gboolean
osh_outbox_flush(OshOutbox *outbox, OshL7List *list, OshDirection direction)
{
    Parcel *parcel = g_queue_peek_head(&outbox->waiting);

    if (outbox->call != list->call) {
        g_queue_clear_full(&outbox->said, parcel_free);
        if (parcel != NULL)
            free_pieces(parcel);
        outbox->call = list->call;
    }
    while (parcel != NULL && list->capacity[direction] > 0 && osh_l7_list_has_space(list, 2)) {
        say(outbox, parcel, list, direction);
        if (parcel->at == parcel->length)
            g_queue_push_tail(&outbox->said, g_queue_pop_head(&outbox->waiting));
        parcel = g_queue_peek_head(&outbox->waiting);
    }
    return parcel == NULL;
}
