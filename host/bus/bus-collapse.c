/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-collapse.c: denials that are counted instead of being sent one by one.
 *
 * A denial must never wait and never be lost, and an attacker can produce any number. So:
 *   - the first of equal ones (topic, process, collapse key) goes out and opens a window of one
 *     second; the others are counted in it and go out as one event when it closes;
 *   - a process that sends more different ones than its rate, or meets no capacity, gets a cell,
 * which counts everything of that topic and process, with the first as the example;
 *   - when the cells are used up, the topic's overflow cell counts for everybody.
 * Cells are preallocated. What is due and finds no capacity goes on counting until there is some.
 *
 * The table is under capacity_lock; events are made of it on the main thread only.
 */
#include "bus-private.h"

#include <string.h>

#define KEY_MAX 1024 /* of a collapse key, in bytes: more does not tell two apart */

static guint
held_hash(gconstpointer data)
{
    const OshBusHeld *held = data;
    guint hash = held->topic->id * 31 + (guint)held->process_key;

    hash = hash * 31 + (guint)(held->process_key >> 32);
    if (held->collapse_key != NULL)
        hash = hash * 31 + g_str_hash(held->collapse_key);
    return hash;
}

static gboolean
held_equal(gconstpointer a, gconstpointer b)
{
    const OshBusHeld *one = a;
    const OshBusHeld *two = b;

    return one->topic == two->topic && one->publisher == two->publisher &&
           one->process_key == two->process_key &&
           g_strcmp0(one->collapse_key, two->collapse_key) == 0;
}

static void
held_append(OshBusHeldList *list, OshBusHeld *held)
{
    held->next = NULL;
    held->previous = list->tail;
    if (list->tail != NULL)
        list->tail->next = held;
    else
        list->head = held;
    list->tail = held;
}

static void
held_unlink(OshBusHeldList *list, OshBusHeld *held)
{
    if (held->previous != NULL)
        held->previous->next = held->next;
    else
        list->head = held->next;
    if (held->next != NULL)
        held->next->previous = held->previous;
    else
        list->tail = held->previous;
    held->next = NULL;
    held->previous = NULL;
}

void
osh_bus_held_init(OshBus *bus)
{
    bus->held_index = g_hash_table_new(held_hash, held_equal);
    bus->cells = g_new0(OshBusHeld, bus->limits.cells);
    for (guint i = 0; i < bus->limits.cells; i++) {
        bus->cells[i].next = bus->free_cells;
        bus->free_cells = &bus->cells[i];
    }
}

OshBusHeld *
osh_bus_overflow_new(void)
{
    OshBusHeld *held = g_new0(OshBusHeld, 1);

    held->is_overflow = TRUE;
    return held;
}

void
osh_bus_overflow_free(OshBusHeld *held)
{
    g_clear_pointer(&held->payload, g_variant_unref);
    g_free(held);
}

/* Puts a held denial back to where it came from; its payload has been taken or is dropped. */
static void
held_release_locked(OshBus *bus, OshBusHeld *held)
{
    OshBusAccount *account = held->account;

    held_unlink(held->overdue ? &bus->held_overdue : &bus->held, held);
    if (!held->is_overflow)
        g_hash_table_remove(bus->held_index, held);
    g_clear_pointer(&held->payload, g_variant_unref);
    held->overdue = FALSE;
    held->count = 0;
    held->id = 0;
    account->held--;
    osh_bus_account_settle_locked(bus, account);
    if (held->is_cell) {
        held->next = bus->free_cells;
        bus->free_cells = held;
    } else if (!held->is_overflow) {
        bus->n_windows--;
        g_free(held->collapse_key);
        g_free(held);
    }
}

void
osh_bus_held_clear(OshBus *bus)
{
    while (bus->held.head != NULL)
        held_release_locked(bus, bus->held.head);
    while (bus->held_overdue.head != NULL)
        held_release_locked(bus, bus->held_overdue.head);
    g_clear_pointer(&bus->held_index, g_hash_table_unref);
    g_clear_pointer(&bus->cells, g_free);
}

/* Starts counting in @held, whose key members are set. */
static void
held_open_locked(OshBus *bus, OshBusHeld *held, OshBusAccount *account,
                 const OshPublication *publication, GVariant *payload, guint64 id, gint64 now)
{
    held->account = account;
    held->id = id;
    held->correlation = publication->correlation;
    held->time = now;
    held->due = now + OSH_BUS_SECOND;
    held->payload = payload;
    held->overdue = FALSE;
    account->held++;
    if (!held->is_overflow)
        g_hash_table_add(bus->held_index, held);
    held_append(&bus->held, held);
}

static guint64
held_count_locked(OshBusHeld *held, GVariant *payload, gint64 now)
{
    if (held->count < G_MAXUINT32)
        held->count++;
    held->time = now;
    atomic_fetch_add_explicit(&held->publisher->bus->collapsed, 1, memory_order_relaxed);
    g_variant_unref(payload);
    return held->id;
}

/* Counts a denial that cannot go out by itself. */
static guint64
held_keep_locked(OshBusPublisher *publisher, OshBusTopic *topic, OshBusAccount *account,
                 const OshPublication *publication, GVariant *payload, gint64 now)
{
    OshBus *bus = publisher->bus;
    OshBusHeld *held = bus->free_cells;
    guint64 id;

    if (held == NULL && topic->overflow->id != 0)
        return held_count_locked(topic->overflow, payload, now);
    id = osh_bus_next_id(bus);
    if (held != NULL) {
        bus->free_cells = held->next;
        held->is_cell = TRUE;
        held->process_key = publication->process_key;
    } else {
        /* It counts for everybody, so it waits for nobody's share of the capacity. */
        held = topic->overflow;
        held->process_key = 0;
        account = &publisher->own;
    }
    held->topic = topic;
    held->publisher = publisher;
    held->count = 1;
    held_open_locked(bus, held, account, publication, payload, id, now);
    return id;
}

static gboolean
account_within_rate_locked(OshBus *bus, OshBusAccount *account, gint64 now)
{
    if (now - account->second >= OSH_BUS_SECOND) {
        account->second = now;
        account->in_second = 0;
    }
    return account->in_second < bus->limits.denials_per_second;
}

static void
window_open_locked(OshBusPublisher *publisher, OshBusAccount *account, const OshBusHeld *key,
                   const OshPublication *publication, GVariant *payload, guint64 id, gint64 now)
{
    OshBus *bus = publisher->bus;
    OshBusHeld *held;

    if (key->collapse_key == NULL || bus->n_windows >= bus->limits.windows)
        return;
    held = g_new0(OshBusHeld, 1);
    held->topic = key->topic;
    held->publisher = publisher;
    held->process_key = key->process_key;
    held->collapse_key = g_strdup(key->collapse_key);
    bus->n_windows++;
    held_open_locked(bus, held, account, publication, g_variant_ref(payload), id, now);
}

/* The payload is consumed. */
guint64
osh_bus_publish_denial(OshBusPublisher *publisher, OshBusTopic *topic,
                       const OshPublication *publication, GVariant *payload)
{
    OshBus *bus = publisher->bus;
    OshBusQueue *queue = osh_bus_queue_current(bus);
    OshBusNode *node = osh_bus_node_new(queue);
    OshBusHeld key = {.topic = topic, .publisher = publisher};
    g_autofree char *shortened = NULL;
    gint64 now = g_get_monotonic_time();
    OshBusAccount *account;
    OshBusHeld *held;
    guint64 id;

    key.process_key = publication->process_key;
    key.collapse_key = (char *)publication->collapse_key;
    if (key.collapse_key != NULL && strnlen(key.collapse_key, KEY_MAX) == KEY_MAX)
        key.collapse_key = shortened = g_strndup(key.collapse_key, KEY_MAX - 1);

    pthread_mutex_lock(&bus->capacity_lock);
    held = key.collapse_key != NULL ? g_hash_table_lookup(bus->held_index, &key) : NULL;
    account = osh_bus_account_locked(publisher, publication->process_key);
    if (held == NULL && account_within_rate_locked(bus, account, now) &&
        osh_bus_capacity_take_locked(publisher, account, OSH_BUS_CHARGE_DENIAL)) {
        account->in_second++;
        id = osh_bus_next_id(bus);
        osh_bus_fill_node(node, publisher, topic, publication, payload, id, now);
        node->account = account;
        node->charge = OSH_BUS_CHARGE_DENIAL;
        window_open_locked(publisher, account, &key, publication, payload, id, now);
        pthread_mutex_unlock(&bus->capacity_lock);
        osh_bus_queue_push(queue, node);
        return id;
    }
    if (held == NULL) {
        key.collapse_key = NULL;
        held = g_hash_table_lookup(bus->held_index, &key);
    }
    if (held != NULL)
        id = held_count_locked(held, payload, now);
    else
        id = held_keep_locked(publisher, topic, account, publication, payload, now);
    osh_bus_account_settle_locked(bus, account);
    pthread_mutex_unlock(&bus->capacity_lock);
    node->next = queue->spare;
    queue->spare = node;
    osh_bus_wake(bus);
    return id;
}

/* Makes the event of a held denial, or returns NULL when there is no capacity for it. */
static OshBusNode *
held_take_event_locked(OshBusHeld *held, OshBusQueue *queue)
{
    OshPublication publication = {.process_key = held->process_key,
                                  .correlation = held->correlation};
    OshBusNode *node;

    if (!osh_bus_capacity_take_locked(held->publisher, held->account, OSH_BUS_CHARGE_DENIAL))
        return NULL;
    node = osh_bus_node_new(queue);
    osh_bus_fill_node(node, held->publisher, held->topic, &publication,
                      g_steal_pointer(&held->payload), held->id, held->time);
    node->event.count = held->count;
    node->account = held->account;
    node->charge = OSH_BUS_CHARGE_DENIAL;
    return node;
}

/* Tries one list from its front; what finds no capacity ends up overdue. */
static void
held_send_list_locked(OshBus *bus, OshBusHeldList *list, gint64 until, OshBusQueue *queue,
                      OshBusNode ***tail)
{
    OshBusHeld *next;

    for (OshBusHeld *held = list->head; held != NULL && held->due <= until; held = next) {
        OshBusNode *node;

        next = held->next;
        if (held->count == 0) {
            held_release_locked(bus, held);
            continue;
        }
        node = held_take_event_locked(held, queue);
        if (node != NULL) {
            held_release_locked(bus, held);
            **tail = node;
            *tail = &node->next;
        } else if (!held->overdue) {
            held_unlink(&bus->held, held);
            held->overdue = TRUE;
            held_append(&bus->held_overdue, held);
        }
    }
}

/* [main] Sends what is due, or with @all everything that was counted. */
void
osh_bus_held_send(OshBus *bus, gint64 now, gboolean all)
{
    OshBusQueue *queue = osh_bus_queue_current(bus);
    OshBusNode *nodes = NULL;
    OshBusNode **tail = &nodes;

    pthread_mutex_lock(&bus->capacity_lock);
    if (bus->held_overdue.head != NULL && bus->overdue_epoch != bus->capacity_epoch) {
        bus->overdue_epoch = bus->capacity_epoch;
        held_send_list_locked(bus, &bus->held_overdue, G_MAXINT64, queue, &tail);
    }
    held_send_list_locked(bus, &bus->held, all ? G_MAXINT64 : now, queue, &tail);
    *tail = NULL;
    pthread_mutex_unlock(&bus->capacity_lock);

    while (nodes != NULL) {
        OshBusNode *node = nodes;

        nodes = node->next;
        node->next = NULL;
        osh_bus_deliver(bus, node);
    }
}

gint64
osh_bus_held_next(OshBus *bus)
{
    gint64 next;

    pthread_mutex_lock(&bus->capacity_lock);
    next = bus->held.head != NULL ? bus->held.head->due : G_MAXINT64;
    pthread_mutex_unlock(&bus->capacity_lock);
    return next;
}
