/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-virtual-clock.h: a clock that a test moves by hand, with timers.
 *
 * It starts at %OSH_VIRTUAL_CLOCK_START, not at 0, so that a time that was never set shows. Time
 * stands still but for osh_virtual_clock_advance(), which runs what becomes due, in order of time
 * and then of creation. It belongs to one thread.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

/** OSH_VIRTUAL_CLOCK_START: what a new clock shows, in microseconds. */
#define OSH_VIRTUAL_CLOCK_START G_GINT64_CONSTANT(1000000)

/** OshVirtualClock: a time, and the timers that wait for it. Opaque. */
typedef struct _OshVirtualClock OshVirtualClock;
/** OshVirtualTimer: a timer of a clock. Opaque. */
typedef struct _OshVirtualTimer OshVirtualTimer;

/** osh_virtual_clock_new: Returns: (transfer full): a clock for osh_virtual_clock_free(). */
OshVirtualClock *osh_virtual_clock_new(void);

/** osh_virtual_clock_free: @clock: (transfer full) (nullable): timers that are left do not run. */
void osh_virtual_clock_free(OshVirtualClock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshVirtualClock, osh_virtual_clock_free)

/** osh_virtual_clock_now: Returns: the time in microseconds. */
gint64 osh_virtual_clock_now(const OshVirtualClock *clock);

/**
 * osh_virtual_clock_add:
 * @when: microseconds; a time that has passed makes it due at the next advance, also by 0
 * @callback: called once; may add and remove timers
 * @data: for @callback
 *
 * Returns: (transfer none): the timer, until it runs or is removed
 */
OshVirtualTimer *osh_virtual_clock_add(OshVirtualClock *clock, gint64 when, OshCallback callback,
                                       gpointer data);

/** osh_virtual_clock_remove: @timer: one that has not run; it never will. */
void osh_virtual_clock_remove(OshVirtualClock *clock, OshVirtualTimer *timer);

/** osh_virtual_clock_advance: moves time on by @microseconds and runs every timer that is due. */
void osh_virtual_clock_advance(OshVirtualClock *clock, gint64 microseconds);

G_END_DECLS
