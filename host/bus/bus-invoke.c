/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-invoke.c: calls that any thread asks the main thread to make, in order of posting. The lock
 * is not held while one runs; those that are left when the bus goes are given up.
 */
#include "bus-private.h"

typedef struct {
    OshCallback callback;
    gpointer data;
    GDestroyNotify destroy;
} Invocation;

void
osh_bus_invocations_init(OshBus *bus)
{
    bus->invocations = g_array_new(FALSE, FALSE, sizeof(Invocation));
    pthread_mutex_init(&bus->invoke_lock, NULL);
}

void
osh_bus_invocations_clear(OshBus *bus)
{
    for (guint i = 0; i < bus->invocations->len; i++) {
        const Invocation *left = &g_array_index(bus->invocations, Invocation, i);

        if (left->destroy != NULL)
            left->destroy(left->data);
    }
    g_array_unref(bus->invocations);
    pthread_mutex_destroy(&bus->invoke_lock);
}

/* Returns whether some are left for the next round. */
gboolean
osh_bus_run_invocations(OshBus *bus)
{
    Invocation run[OSH_BUS_BATCH];
    guint n_run;
    gboolean more;

    pthread_mutex_lock(&bus->invoke_lock);
    n_run = MIN(bus->invocations->len, OSH_BUS_BATCH);
    for (guint i = 0; i < n_run; i++)
        run[i] = g_array_index(bus->invocations, Invocation, i);
    if (n_run > 0)
        g_array_remove_range(bus->invocations, 0, n_run);
    more = bus->invocations->len > 0;
    pthread_mutex_unlock(&bus->invoke_lock);

    for (guint i = 0; i < n_run; i++) {
        run[i].callback(run[i].data);
        if (run[i].destroy != NULL)
            run[i].destroy(run[i].data);
    }
    return more;
}

void
osh_bus_invoke(OshBus *bus, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    Invocation invocation = {callback, data, destroy};

    g_return_if_fail(callback != NULL);

    pthread_mutex_lock(&bus->invoke_lock);
    g_array_append_val(bus->invocations, invocation);
    pthread_mutex_unlock(&bus->invoke_lock);
    osh_bus_wake(bus);
}
