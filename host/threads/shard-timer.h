/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard-timer.h: the timers of one shard, a four-way heap ordered by time and then by adding.
 * Adding and cancelling cost O(log n). One thread owns it; there is no lock.
 */
#pragma once

#include "openshell/ext/shard.h"

G_BEGIN_DECLS

/**
 * OshShardTimerHeap:
 * @timers: (array length=n_timers): the earliest first
 * @n_timers: how many
 * @capacity: how many @timers can hold
 * @added: how many were ever added, which keeps equal times in order
 */
typedef struct {
    OshShardTimer **timers;
    guint n_timers;
    guint capacity;
    guint64 added;
} OshShardTimerHeap;

/** osh_shard_timer_heap_clear: [shard] frees every timer without calling it. */
void osh_shard_timer_heap_clear(OshShardTimerHeap *heap);

/** osh_shard_timer_heap_add: [shard] Returns: (transfer none): a timer of the heap. */
OshShardTimer *osh_shard_timer_heap_add(OshShardTimerHeap *heap, gint64 when, OshCallback callback,
                                        gpointer data);

/** osh_shard_timer_heap_cancel: [shard] takes @timer out and frees it. */
void osh_shard_timer_heap_cancel(OshShardTimerHeap *heap, OshShardTimer *timer);

/** osh_shard_timer_heap_next: [shard] Returns: when the earliest is due, or G_MAXINT64. */
gint64 osh_shard_timer_heap_next(const OshShardTimerHeap *heap);

/**
 * osh_shard_timer_heap_pop:
 * @until: timers added with a number from here on are left for the next round
 *
 * [shard] Takes the earliest timer out and frees it, if it is due at @now.
 *
 * Returns: whether @ret_callback and @ret_data were set
 */
gboolean osh_shard_timer_heap_pop(OshShardTimerHeap *heap, gint64 now, guint64 until,
                                  OshCallback *ret_callback, gpointer *ret_data);

G_END_DECLS
