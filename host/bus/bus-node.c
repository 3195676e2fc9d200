/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-node.c: the memory of an event on its way. Made by the thread that publishes, counted and
 * given back on the main thread: nodes go round between a queue and the bus and are rarely freed.
 */
#include "bus-private.h"

OshBusNode *
osh_bus_node_new(OshBusQueue *queue)
{
    OshBusNode *node = queue->spare;

    if (node == NULL) {
        pthread_mutex_lock(&queue->lock);
        node = queue->returned;
        queue->returned = NULL;
        pthread_mutex_unlock(&queue->lock);
    }
    if (node == NULL) {
        node = g_new0(OshBusNode, 1);
        node->home = queue;
        node->event.struct_size = sizeof(OshEvent);
        return node;
    }
    queue->spare = node->next;
    node->next = NULL;
    return node;
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

void
osh_bus_node_ref(OshBusNode *node)
{
    node->references++;
}

void
osh_bus_node_unref(OshBusNode *node)
{
    if (--node->references > 0)
        return;
    g_clear_pointer(&node->event.payload, g_variant_unref);
    node->next = node->home->used;
    node->home->used = node;
}
