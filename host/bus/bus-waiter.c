/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-waiter.c: who is called when capacity was given back. Waiters stand under capacity_lock; they
 * are called on the main thread, or posted to the shard that asked.
 */
#include "bus-private.h"

typedef struct {
    OshCallback callback;
    gpointer data;
    gint shard; /* -1: the main thread */
} Waiter;

void
osh_bus_waiters_init(OshBus *bus)
{
    bus->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    bus->waiters_ready = g_array_new(FALSE, FALSE, sizeof(Waiter));
}

void
osh_bus_waiters_clear(OshBus *bus)
{
    g_array_unref(bus->waiters);
    g_array_unref(bus->waiters_ready);
}

/* Capacity was given back: the next dispatch calls them. */
void
osh_bus_waiters_release_locked(OshBus *bus)
{
    if (bus->waiters->len == 0)
        return;
    g_array_append_vals(bus->waiters_ready, bus->waiters->data, bus->waiters->len);
    g_array_set_size(bus->waiters, 0);
    osh_bus_wake(bus);
}

void
osh_bus_on_capacity(OshBusPublisher *publisher, OshTopic id, OshCallback callback, gpointer data)
{
    OshBus *bus = publisher->bus;
    Waiter waiter = {callback, data, -1};
    guint64 failed_epoch;

    g_return_if_fail(callback != NULL);

    if (osh_bus_publisher_topic(publisher, id) == NULL) {
        osh_bus_refuse(publisher, NULL,
                       "waits for capacity for a topic that its manifest does not name");
        return;
    }
    if (bus->shards != NULL)
        waiter.shard = osh_shard_pool_current(bus->shards);
    g_return_if_fail(waiter.shard >= 0 || osh_bus_on_main(bus));

    failed_epoch = osh_bus_queue_current(bus)->failed_epoch;
    pthread_mutex_lock(&bus->capacity_lock);
    /* Capacity that was given back since the reservation failed would otherwise never be told. */
    if (failed_epoch != bus->capacity_epoch)
        g_array_append_val(bus->waiters_ready, waiter);
    else
        g_array_append_val(bus->waiters, waiter);
    /* For the others too: the events that hold the capacity may be lying in a queue. */
    osh_bus_wake(bus);
    pthread_mutex_unlock(&bus->capacity_lock);
}

/* Returns whether some are left for the next round. */
gboolean
osh_bus_run_waiters(OshBus *bus)
{
    Waiter waiters[OSH_BUS_BATCH];
    guint n_waiters;
    gboolean more;

    pthread_mutex_lock(&bus->capacity_lock);
    n_waiters = MIN(bus->waiters_ready->len, OSH_BUS_BATCH);
    for (guint i = 0; i < n_waiters; i++)
        waiters[i] = g_array_index(bus->waiters_ready, Waiter, i);
    if (n_waiters > 0)
        g_array_remove_range(bus->waiters_ready, 0, n_waiters);
    more = bus->waiters_ready->len > 0;
    pthread_mutex_unlock(&bus->capacity_lock);

    for (guint i = 0; i < n_waiters; i++) {
        /* A shard that has ended has nobody left who waits. */
        if (waiters[i].shard >= 0)
            osh_shard_pool_post(bus->shards, (guint)waiters[i].shard, waiters[i].callback,
                                waiters[i].data);
        else
            waiters[i].callback(waiters[i].data);
    }
    return more;
}
