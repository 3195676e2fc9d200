/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-wake.c: telling the main thread that there is something to do. Any thread.
 *
 * Other threads leave work behind a lock and then set `pending`; the one that turns it from 0 to 1
 * writes the eventfd, so a burst costs one system call. On the main thread itself the flag is
 * enough, because the loop looks at it before it sleeps.
 *
 * While events come one after the other, the main thread would be woken for each. So after a
 * dispatch that found some it naps: it looks again a moment later by itself, and what only sinks
 * take in meanwhile wakes nobody, unless there is much of it. The first nap that ends with nothing
 * to do is the last one. Whatever is waited for (by a subscriber, for capacity, for a flush) and
 * each denial wakes at once.
 */
#include "bus-private.h"

#include <errno.h>
#include <unistd.h>

/* Short against what a person or a test notices, long against what an event costs. */
#define NAP (5 * G_TIME_SPAN_MILLISECOND)

gboolean
osh_bus_on_main(OshBus *bus)
{
    return g_thread_self() == bus->main_thread;
}

void
osh_bus_wake(OshBus *bus)
{
    guint64 one = 1;

    if (atomic_load_explicit(&bus->pending, memory_order_seq_cst) != 0 ||
        atomic_exchange(&bus->pending, 1) != 0 || osh_bus_on_main(bus))
        return;
    if (write(bus->wake_fd, &one, sizeof(one)) < 0)
        g_assert(errno == EAGAIN || errno == EINTR);
}

static gboolean
topic_may_wait(const OshBusTopic *topic)
{
    return topic->event_class != OSH_EVENT_DENIAL && !topic->retained && topic->ends == NULL &&
           atomic_load_explicit(&topic->wanted, memory_order_relaxed) == 0;
}

/*
 * For an event that was put into the queue of the calling thread. @crowded: that holds many.
 *
 * The end of the napping is announced before the queues are looked at for the last time: who still
 * reads that the main thread naps has put the event where that look finds it.
 */
void
osh_bus_wake_for(OshBus *bus, const OshBusTopic *topic, gboolean crowded)
{
    if (!crowded && topic_may_wait(topic) &&
        atomic_load_explicit(&bus->napping, memory_order_seq_cst) && !osh_bus_on_main(bus))
        return;
    osh_bus_wake(bus);
}

/* [main] After the queues were looked at. @busy: events were found. */
void
osh_bus_nap(OshBus *bus, gint64 now, gboolean busy)
{
    if (busy) {
        bus->nap_until = now + NAP;
        atomic_store_explicit(&bus->napping, TRUE, memory_order_seq_cst);
    } else if (atomic_load_explicit(&bus->napping, memory_order_relaxed) && now >= bus->nap_until) {
        atomic_store_explicit(&bus->napping, FALSE, memory_order_seq_cst);
        /* What came before that was known. */
        osh_bus_wake(bus);
    }
}

/* [main] Returns: when the queues are looked at next. */
gint64
osh_bus_nap_next(const OshBus *bus)
{
    return atomic_load_explicit(&bus->napping, memory_order_relaxed) ? bus->nap_until : G_MAXINT64;
}
