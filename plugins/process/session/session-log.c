/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session-log.c: a queue of pieces with a bound on their bytes. One owner thread. Every piece also
 * counts for its book-keeping, so that a program that writes single bytes fills no more memory.
 */
#include "session-log.h"

#include <string.h>

/* What a piece costs beside its bytes, about. */
#define PIECE_COST 32

typedef struct {
    guint stream;
    gsize length;
    char bytes[];
} Piece;

struct _OshSessionLog {
    GPtrArray *pieces; /* a ring: the oldest stands at `oldest` */
    guint oldest;
    guint count;
    gsize used;
    gsize max_bytes;
    guint64 first;
};

OshSessionLog *
osh_session_log_new(gsize max_bytes)
{
    OshSessionLog *log = g_new0(OshSessionLog, 1);

    log->max_bytes = max_bytes;
    log->pieces = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_set_size(log->pieces, (gint)(max_bytes / PIECE_COST + 1));
    return log;
}

void
osh_session_log_free(OshSessionLog *log)
{
    if (log == NULL)
        return;
    g_ptr_array_unref(log->pieces);
    g_free(log);
}

static void
forget_oldest(OshSessionLog *log)
{
    Piece *piece = g_steal_pointer(&log->pieces->pdata[log->oldest]);

    log->used -= piece->length + PIECE_COST;
    log->oldest = (log->oldest + 1) % log->pieces->len;
    log->count--;
    log->first++;
    g_free(piece);
}

void
osh_session_log_append(OshSessionLog *log, guint stream, const char *bytes, gsize length)
{
    gsize most = log->max_bytes - PIECE_COST;
    Piece *piece;

    if (length > most) {
        bytes += length - most;
        length = most;
    }
    while (log->used + length + PIECE_COST > log->max_bytes)
        forget_oldest(log);
    piece = g_malloc(sizeof *piece + length);
    piece->stream = stream;
    piece->length = length;
    memcpy(piece->bytes, bytes, length);
    log->pieces->pdata[(log->oldest + log->count) % log->pieces->len] = piece;
    log->count++;
    log->used += length + PIECE_COST;
}

guint64
osh_session_log_first(const OshSessionLog *log)
{
    return log->first;
}

guint64
osh_session_log_next(const OshSessionLog *log)
{
    return log->first + log->count;
}

const char *
osh_session_log_get(const OshSessionLog *log, guint64 number, guint *ret_stream, gsize *ret_length)
{
    const Piece *piece =
        log->pieces->pdata[(log->oldest + (guint)(number - log->first)) % log->pieces->len];

    *ret_stream = piece->stream;
    *ret_length = piece->length;
    return piece->bytes;
}
