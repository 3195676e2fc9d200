/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory that is given out piece by piece and released as a whole. */
#pragma once

#include <glib.h>

typedef struct _OshArena OshArena;

/** osh_arena_new: Returns: (transfer full): an empty arena. */
OshArena *osh_arena_new(void);

/** osh_arena_free: @arena: (nullable) (transfer full): releases everything taken from it. */
void osh_arena_free(OshArena *arena);

/**
 * osh_arena_take:
 * @arena: the arena
 * @size: number of bytes
 *
 * Returns: (transfer none): @size zeroed bytes, aligned for pointers and 64-bit integers, alive as
 * long as @arena
 */
gpointer osh_arena_take(OshArena *arena, gsize size);

/** osh_arena_copy: Returns: (transfer none): a NUL-terminated copy of @length bytes of @text. */
char *osh_arena_copy(OshArena *arena, const char *text, gsize length);

/** osh_arena_size: Returns: bytes held from the system. */
gsize osh_arena_size(const OshArena *arena);

#define osh_arena_new_array(arena, type, count)                                                    \
    ((type *)osh_arena_take((arena), sizeof(type) * (gsize)(count)))

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshArena, osh_arena_free)
