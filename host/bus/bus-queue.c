/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-queue.c: one queue for each publishing thread, emptied by the main thread.
 *
 * A thread finds its queue by a thread key of the bus. Ids grow within a thread, so the two lists
 * of a queue, one of which may lose its oldest, merge by id into the order of publishing. The main
 * thread takes both lists over at once and only when it has used up what it took before, and hands
 * the delivered nodes back under the same lock.
 */
#include "bus-private.h"

static void
list_append(OshBusNodeList *list, OshBusNode *node)
{
    node->next = NULL;
    if (list->tail != NULL)
        list->tail->next = node;
    else
        list->head = node;
    list->tail = node;
}

static OshBusNode *
list_pop(OshBusNodeList *list)
{
    OshBusNode *node = list->head;

    list->head = node->next;
    if (list->head == NULL)
        list->tail = NULL;
    node->next = NULL;
    return node;
}

static OshBusQueue *
queue_new(OshBus *bus)
{
    OshBusQueue *queue = NULL;

    pthread_mutex_lock(&bus->queues_lock);
    if (bus->queues_idle->len > 0) {
        queue = g_ptr_array_steal_index_fast(bus->queues_idle, bus->queues_idle->len - 1);
        queue->failed_epoch = 0;
    } else {
        queue = g_new0(OshBusQueue, 1);
        queue->bus = bus;
        pthread_mutex_init(&queue->lock, NULL);
        g_ptr_array_add(bus->queues, queue);
        atomic_store(&bus->n_queues, bus->queues->len);
    }
    pthread_mutex_unlock(&bus->queues_lock);
    pthread_setspecific(bus->queue_key, queue);
    return queue;
}

OshBusQueue *
osh_bus_queue_current(OshBus *bus)
{
    OshBusQueue *queue = pthread_getspecific(bus->queue_key);

    return G_LIKELY(queue != NULL) ? queue : queue_new(bus);
}

void
osh_bus_queue_thread_ended(gpointer data)
{
    OshBusQueue *queue = data;
    OshBus *bus = queue->bus;

    pthread_mutex_lock(&bus->queues_lock);
    g_ptr_array_add(bus->queues_idle, queue);
    pthread_mutex_unlock(&bus->queues_lock);
}

/* What lies in all queues together leaves most of the capacity free. Under the lock. */
static gboolean
queue_is_crowded(const OshBusQueue *queue)
{
    const OshBus *bus = queue->bus;
    guint share = bus->limits.capacity / 16 / MAX(1, atomic_load(&bus->n_queues));

    return queue->n_kept >= share ||
           queue->n_sampled >= MIN(OSH_BUS_BATCH, bus->limits.sampled / 2);
}

void
osh_bus_queue_push(OshBusQueue *queue, OshBusNode *node)
{
    OshBus *bus = queue->bus;
    const OshBusTopic *topic = node->topic;
    OshBusNode *oldest = NULL;
    gboolean crowded;

    pthread_mutex_lock(&queue->lock);
    if (topic->event_class != OSH_EVENT_SAMPLED) {
        list_append(&queue->kept, node);
        queue->n_kept++;
    } else {
        list_append(&queue->sampled, node);
        if (queue->n_sampled < bus->limits.sampled)
            queue->n_sampled++;
        else
            oldest = list_pop(&queue->sampled);
    }
    crowded = queue_is_crowded(queue);
    pthread_mutex_unlock(&queue->lock);
    if (oldest != NULL) {
        osh_bus_count_dropped(bus, oldest->topic, oldest->event.id, 1);
        g_clear_pointer(&oldest->event.payload, g_variant_unref);
        oldest->next = queue->spare;
        queue->spare = oldest;
    }
    osh_bus_wake_for(bus, topic, crowded);
}

static void
queue_take_over(OshBusQueue *queue)
{
    OshBusNode *used = queue->used;
    OshBusNode *last = used;

    while (last != NULL && last->next != NULL)
        last = last->next;
    queue->used = NULL;
    pthread_mutex_lock(&queue->lock);
    queue->mine = queue->kept;
    queue->mine_sampled = queue->sampled;
    queue->kept = (OshBusNodeList){NULL, NULL};
    queue->sampled = (OshBusNodeList){NULL, NULL};
    queue->n_kept = 0;
    queue->n_sampled = 0;
    if (last != NULL) {
        last->next = queue->returned;
        queue->returned = used;
    }
    pthread_mutex_unlock(&queue->lock);
}

void
osh_bus_queue_refill(OshBusQueue *queue)
{
    if (queue->mine.head == NULL && queue->mine_sampled.head == NULL)
        queue_take_over(queue);
}

guint64
osh_bus_queue_first(const OshBusQueue *queue)
{
    guint64 kept = queue->mine.head != NULL ? queue->mine.head->event.id : G_MAXUINT64;

    return queue->mine_sampled.head != NULL ? MIN(kept, queue->mine_sampled.head->event.id) : kept;
}

OshBusNode *
osh_bus_queue_pop(OshBusQueue *queue)
{
    const OshBusNode *kept = queue->mine.head;
    const OshBusNode *sampled = queue->mine_sampled.head;

    if (kept == NULL && sampled == NULL)
        return NULL;
    if (sampled == NULL || (kept != NULL && kept->event.id < sampled->event.id))
        return list_pop(&queue->mine);
    return list_pop(&queue->mine_sampled);
}

static void
node_chain_free(OshBusNode *node)
{
    while (node != NULL) {
        OshBusNode *next = node->next;

        g_clear_pointer(&node->event.payload, g_variant_unref);
        g_free(node);
        node = next;
    }
}

void
osh_bus_queue_free(OshBusQueue *queue)
{
    node_chain_free(queue->spare);
    node_chain_free(queue->used);
    node_chain_free(queue->returned);
    node_chain_free(queue->mine.head);
    node_chain_free(queue->mine_sampled.head);
    node_chain_free(queue->kept.head);
    node_chain_free(queue->sampled.head);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue);
}
