/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-publish.c: taking events in, from any thread, without waiting. Nothing here calls foreign
 * code: what is taken lies in a queue until the main thread delivers it.
 */
#include "bus-private.h"

#define PUBLICATION_SIZE (G_STRUCT_OFFSET(OshPublication, payload) + sizeof(GVariant *))

guint64
osh_bus_next_id(OshBus *bus)
{
    return atomic_fetch_add_explicit(&bus->last_id, 1, memory_order_relaxed) + 1;
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

        pthread_mutex_lock(&bus->capacity_lock);
        account = osh_bus_account_locked(publisher, publication->process_key);
        taken = osh_bus_capacity_take_locked(publisher, account, OSH_BUS_CHARGE_OTHER);
        if (!taken)
            osh_bus_account_settle_locked(bus, account);
        pthread_mutex_unlock(&bus->capacity_lock);
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
        pthread_mutex_lock(&bus->capacity_lock);
        spent = osh_bus_reservation_spend_locked(publisher, publication->reservation,
                                                 &reserved_topic, &reserved);
        pthread_mutex_unlock(&bus->capacity_lock);
    }
    fault = publication_fault(topic, reserved_topic, payload);
    if (fault == NULL && !spent)
        fault = "spent a reservation that it does not have";
    if (fault != NULL) {
        if (reserved != NULL) {
            pthread_mutex_lock(&bus->capacity_lock);
            osh_bus_capacity_give_locked(publisher, reserved, OSH_BUS_CHARGE_RESERVED);
            pthread_mutex_unlock(&bus->capacity_lock);
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
