/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-loss.c: counts what was refused to a publisher and what was lost of a topic. Any thread;
 * bus-announce.c says so in events.
 */
#include "bus-private.h"

void
osh_bus_mark_announce(OshBus *bus)
{
    atomic_store(&bus->announce, TRUE);
    osh_bus_wake(bus);
}

/* Always 0, the id of nothing, so that callers can return it. @why is constant text. */
guint64
osh_bus_refuse(OshBusPublisher *publisher, const OshBusTopic *topic, const char *why)
{
    OshBus *bus = publisher->bus;

    atomic_fetch_add_explicit(&bus->refused, 1, memory_order_relaxed);
    pthread_mutex_lock(&bus->capacity_lock);
    publisher->refused++;
    publisher->refused_why = why;
    publisher->refused_on = topic;
    pthread_mutex_unlock(&bus->capacity_lock);
    osh_bus_mark_announce(bus);
    return 0;
}

void
osh_bus_count_dropped(OshBus *bus, OshBusTopic *topic, guint64 id, guint count)
{
    guint64 none = 0;

    atomic_fetch_add_explicit(&bus->dropped, count, memory_order_relaxed);
    atomic_compare_exchange_strong(&topic->first_dropped, &none, id);
    if (atomic_fetch_add(&topic->dropped, count) == 0)
        osh_bus_mark_announce(bus);
}
