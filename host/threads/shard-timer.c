/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard-timer.c: the heap behind the timers of a shard. It belongs to the shard's thread, and calls
 * nobody: what is due is handed to the loop, so that a callback finds the heap whole.
 */
#include "shard-timer.h"

#define BRANCHES 4

struct _OshShardTimer {
    gint64 when;
    guint64 number;
    guint position;
    OshCallback callback;
    gpointer data;
};

static gboolean
timer_before(const OshShardTimer *a, const OshShardTimer *b)
{
    return a->when < b->when || (a->when == b->when && a->number < b->number);
}

static void
heap_place(OshShardTimerHeap *heap, guint position, OshShardTimer *timer)
{
    heap->timers[position] = timer;
    timer->position = position;
}

static void
heap_rise(OshShardTimerHeap *heap, guint position, OshShardTimer *timer)
{
    while (position > 0) {
        guint parent = (position - 1) / BRANCHES;

        if (!timer_before(timer, heap->timers[parent]))
            break;
        heap_place(heap, position, heap->timers[parent]);
        position = parent;
    }
    heap_place(heap, position, timer);
}

static void
heap_sink(OshShardTimerHeap *heap, guint position, OshShardTimer *timer)
{
    for (;;) {
        guint first = position * BRANCHES + 1;
        guint end = MIN(first + BRANCHES, heap->n_timers);
        guint least = first;

        if (first >= heap->n_timers)
            break;
        for (guint child = first + 1; child < end; child++) {
            if (timer_before(heap->timers[child], heap->timers[least]))
                least = child;
        }
        if (!timer_before(heap->timers[least], timer))
            break;
        heap_place(heap, position, heap->timers[least]);
        position = least;
    }
    heap_place(heap, position, timer);
}

static void
heap_remove(OshShardTimerHeap *heap, guint position)
{
    OshShardTimer *last = heap->timers[--heap->n_timers];

    if (position == heap->n_timers)
        return;
    if (position > 0 && timer_before(last, heap->timers[(position - 1) / BRANCHES]))
        heap_rise(heap, position, last);
    else
        heap_sink(heap, position, last);
}

void
osh_shard_timer_heap_clear(OshShardTimerHeap *heap)
{
    for (guint i = 0; i < heap->n_timers; i++)
        g_free(heap->timers[i]);
    g_clear_pointer(&heap->timers, g_free);
    heap->n_timers = 0;
    heap->capacity = 0;
}

OshShardTimer *
osh_shard_timer_heap_add(OshShardTimerHeap *heap, gint64 when, OshCallback callback, gpointer data)
{
    OshShardTimer *timer = g_new(OshShardTimer, 1);

    timer->when = when;
    timer->number = heap->added++;
    timer->callback = callback;
    timer->data = data;
    if (heap->n_timers == heap->capacity) {
        heap->capacity = MAX(64, heap->capacity * 2);
        heap->timers = g_renew(OshShardTimer *, heap->timers, heap->capacity);
    }
    heap_rise(heap, heap->n_timers++, timer);
    return timer;
}

void
osh_shard_timer_heap_cancel(OshShardTimerHeap *heap, OshShardTimer *timer)
{
    g_return_if_fail(timer->position < heap->n_timers && heap->timers[timer->position] == timer);

    heap_remove(heap, timer->position);
    g_free(timer);
}

gint64
osh_shard_timer_heap_next(const OshShardTimerHeap *heap)
{
    return heap->n_timers > 0 ? heap->timers[0]->when : G_MAXINT64;
}

gboolean
osh_shard_timer_heap_pop(OshShardTimerHeap *heap, gint64 now, guint64 until,
                         OshCallback *ret_callback, gpointer *ret_data)
{
    OshShardTimer *timer;

    if (heap->n_timers == 0)
        return FALSE;
    timer = heap->timers[0];
    if (timer->when > now || timer->number >= until)
        return FALSE;
    *ret_callback = timer->callback;
    *ret_data = timer->data;
    heap_remove(heap, 0);
    g_free(timer);
    return TRUE;
}
