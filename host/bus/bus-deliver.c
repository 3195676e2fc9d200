/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-deliver.c: one event for everybody: retained, queued for the sinks, handed to subscribers and
 * signal handlers. [main], from the dispatch of the bus's source only.
 *
 * Subscribers are called directly; the signal is emitted besides, which costs next to nothing
 * while nobody is connected.
 */
#include "bus-private.h"

void
osh_bus_deliver(OshBus *bus, OshBusNode *node)
{
    OshBusTopic *topic = node->topic;
    const OshEvent *event = &node->event;

    /* A handler may just have subscribed: what is retained comes before what happens next. */
    if (bus->replays.length > 0)
        osh_bus_replay(bus);
    node->event.sequence = ++bus->sequence;
    node->event.real_time = node->event.time + bus->real_offset;
    osh_bus_retain(bus, node);
    osh_bus_sinks_push(bus, node);
    if (node->holders == 0)
        osh_bus_node_give_capacity(node);
    osh_bus_subscriptions_call(topic, event);
    g_signal_emit(bus, osh_bus_signal(), topic->quark, event);
    atomic_store_explicit(&bus->delivered, bus->sequence, memory_order_relaxed);
    osh_bus_node_unref(node);
}
