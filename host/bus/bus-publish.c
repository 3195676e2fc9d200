/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-publish.c: taking events in, from any thread, without waiting; and saying so when something
 * was refused or lost. Nothing here calls foreign code: what is taken lies in a queue until the
 * main thread delivers it.
 */
#include "bus-private.h"

#define PUBLICATION_SIZE (G_STRUCT_OFFSET(OshPublication, payload) + sizeof(GVariant *))

static void
bus_mark_announce(OshBus *bus)
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
    pthread_mutex_lock(&bus->room_lock);
    publisher->refused++;
    publisher->refused_why = why;
    publisher->refused_on = topic;
    pthread_mutex_unlock(&bus->room_lock);
    bus_mark_announce(bus);
    return 0;
}

void
osh_bus_count_dropped(OshBus *bus, OshBusTopic *topic, guint64 id, guint count)
{
    guint64 none = 0;

    atomic_fetch_add_explicit(&bus->dropped, count, memory_order_relaxed);
    atomic_compare_exchange_strong(&topic->first_dropped, &none, id);
    if (atomic_fetch_add(&topic->dropped, count) == 0)
        bus_mark_announce(bus);
}

guint64
osh_bus_next_id(OshBus *bus)
{
    return atomic_fetch_add_explicit(&bus->last_id, 1, memory_order_relaxed) + 1;
}

void
osh_bus_fill_node(OshBusNode *node, OshBusPublisher *publisher, OshBusTopic *topic,
                  const OshPublication *publication, GVariant *payload, guint64 id, gint64 now)
{
    OshEvent *event = &node->event;

    node->topic = topic;
    node->publisher = publisher;
    node->account = NULL;
    node->charge = OSH_BUS_CHARGE_NONE;
    node->references = 1;
    node->holders = 0;
    event->count = 1;
    event->topic = topic->name;
    event->source = publisher->plugin_id;
    event->id = id;
    event->sequence = 0;
    event->time = now;
    event->process_key = publication->process_key;
    event->correlation = publication->correlation;
    event->payload = payload;
}

/* The payload is consumed. A reservation, if any, has been spent: its unit becomes the event's. */
static guint64
publish_lossless(OshBusPublisher *publisher, OshBusTopic *topic, OshBusAccount *reserved,
                 const OshPublication *publication, GVariant *payload)
{
    OshBus *bus = publisher->bus;
    OshBusQueue *queue = osh_bus_queue_current(bus);
    OshBusAccount *account = reserved;
    OshBusNode *node;
    guint64 id;

    if (reserved == NULL) {
        gboolean taken;

        pthread_mutex_lock(&bus->room_lock);
        account = osh_bus_account_locked(publisher, publication->process_key);
        taken = osh_bus_room_take_locked(publisher, account, OSH_BUS_CHARGE_OTHER);
        if (!taken)
            osh_bus_account_settle_locked(bus, account);
        pthread_mutex_unlock(&bus->room_lock);
        if (!taken) {
            id = osh_bus_next_id(bus);
            g_variant_unref(payload);
            osh_bus_count_dropped(bus, topic, id, 1);
            return 0;
        }
    }
    node = osh_bus_node_new(queue);
    id = osh_bus_next_id(bus);
    osh_bus_fill_node(node, publisher, topic, publication, payload, id, g_get_monotonic_time());
    node->account = account;
    node->charge = reserved != NULL ? OSH_BUS_CHARGE_RESERVED : OSH_BUS_CHARGE_OTHER;
    osh_bus_queue_push(queue, node);
    return id;
}

static guint64
publish_sampled(OshBusPublisher *publisher, OshBusTopic *topic, const OshPublication *publication,
                GVariant *payload)
{
    OshBusQueue *queue = osh_bus_queue_current(publisher->bus);
    OshBusNode *node = osh_bus_node_new(queue);
    guint64 id;

    id = osh_bus_next_id(publisher->bus);
    osh_bus_fill_node(node, publisher, topic, publication, payload, id, g_get_monotonic_time());
    osh_bus_queue_push(queue, node);
    return id;
}

static const char *
publication_fault(const OshBusTopic *topic, const OshBusTopic *reserved_topic, GVariant *payload)
{
    if (topic == NULL)
        return "published a topic that its manifest does not name";
    if (payload == NULL)
        return "published without a payload";
    /* Equal types have one address while the topic's own value is alive. */
    if (g_variant_get_type(payload) != topic->type && !g_variant_is_of_type(payload, topic->type))
        return "published a payload of the wrong type";
    if (reserved_topic != NULL && reserved_topic != topic)
        return "spent a reservation on another topic";
    return NULL;
}

guint64
osh_bus_publish(OshBusPublisher *publisher, const OshPublication *publication)
{
    OshBus *bus = publisher->bus;
    OshBusTopic *topic;
    OshBusTopic *reserved_topic = NULL;
    OshBusAccount *reserved = NULL;
    GVariant *payload;
    const char *fault;
    gboolean spent = TRUE;

    if (publication->struct_size < PUBLICATION_SIZE)
        return osh_bus_refuse(publisher, NULL, "published without saying struct_size");
    payload = publication->payload != NULL ? g_variant_take_ref(publication->payload) : NULL;
    topic = osh_bus_publisher_topic(publisher, publication->topic);
    if (publication->reservation != 0) {
        pthread_mutex_lock(&bus->room_lock);
        spent = osh_bus_reservation_spend_locked(publisher, publication->reservation,
                                                 &reserved_topic, &reserved);
        pthread_mutex_unlock(&bus->room_lock);
    }
    fault = publication_fault(topic, reserved_topic, payload);
    if (fault == NULL && !spent)
        fault = "spent a reservation that it does not have";
    if (fault != NULL) {
        if (reserved != NULL) {
            pthread_mutex_lock(&bus->room_lock);
            osh_bus_room_give_locked(publisher, reserved, OSH_BUS_CHARGE_RESERVED);
            pthread_mutex_unlock(&bus->room_lock);
        }
        g_clear_pointer(&payload, g_variant_unref);
        return osh_bus_refuse(publisher, topic, fault);
    }
    switch (topic->event_class) {
    case OSH_EVENT_LOSSLESS:
        return publish_lossless(publisher, topic, reserved, publication, payload);
    case OSH_EVENT_DENIAL:
        return osh_bus_publish_denial(publisher, topic, publication, payload);
    case OSH_EVENT_SAMPLED:
    default:
        return publish_sampled(publisher, topic, publication, payload);
    }
}

/* Delivers an event of the bus's own; FALSE when there is no room, to be tried again later. */
static gboolean
announce_event(OshBus *bus, const char *name, GVariant *payload)
{
    OshBusTopic *topic = osh_bus_find_topic(bus, name);
    OshPublication publication = {0};
    OshBusNode *node;
    gboolean taken;

    pthread_mutex_lock(&bus->room_lock);
    taken = bus->sinks_stuck == 0 &&
            osh_bus_room_take_locked(bus->self, &bus->self->own, OSH_BUS_CHARGE_OTHER);
    pthread_mutex_unlock(&bus->room_lock);
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

    if (count == 0)
        return TRUE;
    if (!announce_event(bus, OSH_TOPIC_BUS_DROPPED,
                        g_variant_new("(stta{sv})", topic->name, count, first, NULL)))
        return FALSE;
    atomic_store(&topic->first_dropped, 0);
    /* Drops in between are announced next, with the first id found then. */
    if (atomic_fetch_sub(&topic->dropped, count) != count)
        bus_mark_announce(bus);
    return TRUE;
}

static gboolean
announce_refused(OshBus *bus, OshBusPublisher *publisher)
{
    g_autofree char *text = NULL;
    const OshBusTopic *topic;
    const char *why;
    guint64 count;

    pthread_mutex_lock(&bus->room_lock);
    count = publisher->refused;
    why = publisher->refused_why;
    topic = publisher->refused_on;
    publisher->refused = 0;
    pthread_mutex_unlock(&bus->room_lock);
    if (count == 0)
        return TRUE;
    text = g_strdup_printf("%s%s%s; refused %" G_GUINT64_FORMAT " of its calls", why,
                           topic != NULL ? ": " : "", topic != NULL ? topic->name : "", count);
    if (announce_event(bus, OSH_TOPIC_PLUGIN_FAULT,
                       g_variant_new("(sssa{sv})", publisher->plugin_id, "degraded", text, NULL)))
        return TRUE;
    pthread_mutex_lock(&bus->room_lock);
    publisher->refused += count;
    pthread_mutex_unlock(&bus->room_lock);
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
