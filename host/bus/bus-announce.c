/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-announce.c: the bus's own events: what was refused and lost since the last ones. [main], from
 * the dispatch of the bus's source.
 */
#include "bus-private.h"

/* Delivers an event of the bus's own; FALSE when there is no capacity, to be tried again later. */
static gboolean
announce_event(OshBus *bus, const char *name, GVariant *payload)
{
    OshBusTopic *topic = osh_bus_find_topic(bus, name);
    OshPublication publication = {0};
    OshBusNode *node;
    gboolean taken;

    pthread_mutex_lock(&bus->capacity_lock);
    taken = bus->sinks_stuck == 0 &&
            osh_bus_capacity_take_locked(bus->self, &bus->self->own, OSH_BUS_CHARGE_OTHER);
    pthread_mutex_unlock(&bus->capacity_lock);
    if (!taken) {
        g_variant_unref(g_variant_ref_sink(payload));
        return FALSE;
    }
    node = osh_bus_node_new(osh_bus_queue_current(bus));
    osh_bus_fill_node(node, bus->self, topic, &publication, g_variant_ref_sink(payload),
                      osh_bus_next_id(bus), g_get_monotonic_time());
    node->account = &bus->self->own;
    node->charge = OSH_BUS_CHARGE_OTHER;
    osh_bus_deliver(bus, node);
    return TRUE;
}

static gboolean
announce_dropped(OshBus *bus, OshBusTopic *topic)
{
    guint64 first = atomic_load(&topic->first_dropped);
    guint64 count = atomic_load(&topic->dropped);
    const OshEventBusDropped dropped = {.topic = topic->name, .count = count, .first = first};

    if (count == 0)
        return TRUE;
    if (!announce_event(bus, OSH_TOPIC_BUS_DROPPED, osh_event_bus_dropped_pack(&dropped)))
        return FALSE;
    atomic_store(&topic->first_dropped, 0);
    /* Drops in between are announced next, with the first id found then. */
    if (atomic_fetch_sub(&topic->dropped, count) != count)
        osh_bus_mark_announce(bus);
    return TRUE;
}

static gboolean
announce_refused(OshBus *bus, OshBusPublisher *publisher)
{
    OshEventPluginFault fault = {.id = publisher->plugin_id, .severity = "degraded"};
    g_autofree char *text = NULL;
    const OshBusTopic *topic;
    const char *why;
    guint64 count;

    pthread_mutex_lock(&bus->capacity_lock);
    count = publisher->refused;
    why = publisher->refused_why;
    topic = publisher->refused_on;
    publisher->refused = 0;
    pthread_mutex_unlock(&bus->capacity_lock);
    if (count == 0)
        return TRUE;
    text = g_strdup_printf("%s%s%s; refused %" G_GUINT64_FORMAT " of its calls", why,
                           topic != NULL ? ": " : "", topic != NULL ? topic->name : "", count);
    fault.text = text;
    if (announce_event(bus, OSH_TOPIC_PLUGIN_FAULT, osh_event_plugin_fault_pack(&fault)))
        return TRUE;
    pthread_mutex_lock(&bus->capacity_lock);
    publisher->refused += count;
    pthread_mutex_unlock(&bus->capacity_lock);
    return FALSE;
}

/* [main] At most one event a second for each topic that lost something and each plugin that was
 * refused something. */
void
osh_bus_announce(OshBus *bus, gint64 now)
{
    gboolean complete = TRUE;

    if (now < bus->announce_after || !atomic_exchange(&bus->announce, FALSE))
        return;
    bus->announce_after = now + OSH_BUS_SECOND;
    for (guint i = 1; i <= bus->n_topics; i++)
        complete = announce_dropped(bus, bus->topics[i]) && complete;
    for (guint i = 0; i < bus->publishers->len; i++)
        complete = announce_refused(bus, g_ptr_array_index(bus->publishers, i)) && complete;
    if (!complete)
        atomic_store(&bus->announce, TRUE);
}
