/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock that a test moves by hand. It belongs to the thread that made it, and never asks the
 * machine for the time.
 */
#include "osh-virtual-clock.h"

struct _OshVirtualTimer {
    gint64 when;
    OshCallback callback;
    gpointer data;
};

struct _OshVirtualClock {
    gint64 now;
    GPtrArray *timers; /* owned; in order of creation */
};

OshVirtualClock *
osh_virtual_clock_new(void)
{
    OshVirtualClock *clock = g_new0(OshVirtualClock, 1);

    clock->now = OSH_VIRTUAL_CLOCK_START;
    clock->timers = g_ptr_array_new_with_free_func(g_free);
    return clock;
}

void
osh_virtual_clock_free(OshVirtualClock *clock)
{
    if (clock == NULL)
        return;
    g_ptr_array_unref(clock->timers);
    g_free(clock);
}

gint64
osh_virtual_clock_now(const OshVirtualClock *clock)
{
    return clock->now;
}

OshVirtualTimer *
osh_virtual_clock_add(OshVirtualClock *clock, gint64 when, OshCallback callback, gpointer data)
{
    OshVirtualTimer *timer = g_new0(OshVirtualTimer, 1);

    timer->when = when;
    timer->callback = callback;
    timer->data = data;
    g_ptr_array_add(clock->timers, timer);
    return timer;
}

void
osh_virtual_clock_remove(OshVirtualClock *clock, OshVirtualTimer *timer)
{
    if (!g_ptr_array_remove(clock->timers, timer))
        g_error("a timer was removed that is not there: it has run, or was removed before");
}

/* The first timer that is due by @until, or NULL. */
static OshVirtualTimer *
first_due(const OshVirtualClock *clock, gint64 until)
{
    OshVirtualTimer *first = NULL;

    for (guint i = 0; i < clock->timers->len; i++) {
        OshVirtualTimer *timer = g_ptr_array_index(clock->timers, i);

        if (timer->when <= until && (first == NULL || timer->when < first->when))
            first = timer;
    }
    return first;
}

void
osh_virtual_clock_advance(OshVirtualClock *clock, gint64 microseconds)
{
    gint64 until = clock->now + MAX(microseconds, 0);
    OshVirtualTimer *timer;

    while ((timer = first_due(clock, until)) != NULL) {
        OshCallback callback = timer->callback;
        gpointer data = timer->data;

        clock->now = MAX(clock->now, timer->when);
        g_ptr_array_remove(clock->timers, timer);
        callback(data);
    }
    clock->now = until;
}
