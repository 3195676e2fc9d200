/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c: a bump allocator for the document tree and for the compiled snapshot.
 *
 * One thread fills an arena; afterwards any thread may read what was taken from it. Pieces are
 * never released one by one.
 */
#include "arena.h"

#include <string.h>

#define BLOCK_SIZE (64 * 1024)

typedef struct _Block Block;
struct _Block {
    Block *next;
    gsize capacity;
    _Alignas(guint64) guint8 bytes[];
};

struct _OshArena {
    Block *blocks;
    gsize used;
    gsize total;
};

OshArena *
osh_arena_new(void)
{
    return g_new0(OshArena, 1);
}

void
osh_arena_free(OshArena *arena)
{
    if (arena == NULL)
        return;
    while (arena->blocks != NULL) {
        Block *next = arena->blocks->next;

        g_free(arena->blocks);
        arena->blocks = next;
    }
    g_free(arena);
}

gpointer
osh_arena_take(OshArena *arena, gsize size)
{
    gsize rounded = (size + 7) & ~(gsize)7;
    gpointer piece;

    if (arena->blocks == NULL || arena->blocks->capacity - arena->used < rounded) {
        gsize capacity = MAX(rounded, arena->total < 4 * BLOCK_SIZE ? BLOCK_SIZE / 8 : BLOCK_SIZE);
        Block *block = g_malloc0(sizeof(Block) + capacity);

        block->capacity = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
        arena->total += sizeof(Block) + capacity;
    }
    piece = arena->blocks->bytes + arena->used;
    arena->used += rounded;
    return piece;
}

char *
osh_arena_copy(OshArena *arena, const char *text, gsize length)
{
    char *copy = osh_arena_take(arena, length + 1);

    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

gsize
osh_arena_size(const OshArena *arena)
{
    return arena->total;
}
