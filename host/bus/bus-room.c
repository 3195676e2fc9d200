/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-room.c: who may take how much of the bounded room for lossless events and denials.
 *
 * A unit of room is taken by a reservation or by an event, and given back when the last required
 * sink took the event, or at delivery where no sink is required. Every sink's queue is as long as
 * the room, so a unit is room in each of them. All of it is under room_lock, and nothing foreign is
 * called there.
 *
 * The bounds, whose point is that a flooder starves only itself:
 *   - denials stop at three quarters of the room, reservations at fifteen sixteenths; the rest is
 *     for the life of processes and other facts that must not be lost;
 *   - one process may hold at most an eighth of what is free just now, for it and for the plugin.
 *     So the more processes an attacker starts the less each gets, and a newcomer finds room;
 *   - one plugin leaves an eighth of the room to the others, below each of these marks and counted
 *     over all that it holds. It may so have most of the room, which the one that decides on
 *     connections needs, and denials leave it something for its allows.
 */
#include "bus-private.h"

#define LEAST_OTHER 8 /* the facts of a process's life, whatever else it holds */

typedef struct {
    OshCallback callback;
    gpointer data;
    gint shard; /* -1: the main thread */
} RoomWaiter;

void
osh_bus_room_init(OshBus *bus)
{
    bus->accounts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    bus->waiters = g_array_new(FALSE, FALSE, sizeof(RoomWaiter));
    bus->waiters_ready = g_array_new(FALSE, FALSE, sizeof(RoomWaiter));
    bus->room_epoch = 1;
}

/* The limits are known. */
void
osh_bus_room_open(OshBus *bus)
{
    /* Memory that nothing has written to costs nothing yet, so there is no list of all of them. */
    bus->reservations = g_new0(OshBusReservation, bus->limits.room);
}

void
osh_bus_room_clear(OshBus *bus)
{
    g_hash_table_unref(bus->accounts);
    g_array_unref(bus->waiters);
    g_array_unref(bus->waiters_ready);
    g_free(bus->reservations);
}

/* The account is good until room_lock is given up, or for as long as something is charged to it. */
OshBusAccount *
osh_bus_account_locked(OshBusPublisher *publisher, guint64 process_key)
{
    OshBus *bus = publisher->bus;
    OshBusAccount *account;

    if (process_key == 0)
        return &publisher->own;
    account = g_hash_table_lookup(bus->accounts, &process_key);
    if (account != NULL)
        return account;
    if (g_hash_table_size(bus->accounts) >= bus->limits.processes)
        return &bus->crowd;
    account = g_new0(OshBusAccount, 1);
    account->process_key = process_key;
    g_hash_table_insert(bus->accounts, &account->process_key, account);
    return account;
}

static gboolean
account_is_idle(const OshBusAccount *account)
{
    return account->held == 0 && account->used[OSH_BUS_CHARGE_RESERVED] == 0 &&
           account->used[OSH_BUS_CHARGE_DENIAL] == 0 && account->used[OSH_BUS_CHARGE_OTHER] == 0;
}

/* One that was denied something stays for its second, or its rate would begin anew. */
void
osh_bus_account_settle_locked(OshBus *bus, OshBusAccount *account)
{
    if (account->process_key != 0 && account->in_second == 0 && account_is_idle(account))
        g_hash_table_remove(bus->accounts, &account->process_key);
}

static gboolean
account_is_removable(gpointer key G_GNUC_UNUSED, gpointer value, gpointer data)
{
    const OshBusAccount *account = value;
    const gint64 *now = data;

    return account_is_idle(account) && *now - account->second >= OSH_BUS_SECOND;
}

/* Accounts whose second was still running when they were settled. */
void
osh_bus_room_sweep_accounts(OshBus *bus, gint64 now)
{
    if (now - bus->accounts_swept < OSH_BUS_SECOND)
        return;
    bus->accounts_swept = now;
    pthread_mutex_lock(&bus->room_lock);
    g_hash_table_foreach_remove(bus->accounts, account_is_removable, &now);
    pthread_mutex_unlock(&bus->room_lock);
}

static guint
room_ceiling(const OshBus *bus, OshBusCharge charge)
{
    guint room = bus->limits.room;

    switch (charge) {
    case OSH_BUS_CHARGE_DENIAL:
        return room - room / 4;
    case OSH_BUS_CHARGE_RESERVED:
        return room - room / 16;
    case OSH_BUS_CHARGE_OTHER:
    case OSH_BUS_CHARGE_NONE:
    default:
        return room;
    }
}

gboolean
osh_bus_room_take_locked(OshBusPublisher *publisher, OshBusAccount *account, OshBusCharge charge)
{
    OshBus *bus = publisher->bus;
    guint ceiling = room_ceiling(bus, charge);
    guint plugin_ceiling = ceiling - bus->limits.room / 8;
    guint limit;

    if (bus->room_used >= ceiling || publisher->used >= plugin_ceiling)
        return FALSE;
    limit = MIN(ceiling - bus->room_used, plugin_ceiling - publisher->used);
    limit = MAX(1, limit / 8);
    if (charge == OSH_BUS_CHARGE_OTHER)
        limit = MAX(limit, LEAST_OTHER);
    /* What is a plugin's own doing is bounded as the plugin's, but not what it denies to somebody
     * that it could not name. */
    if (account != &publisher->own || charge == OSH_BUS_CHARGE_DENIAL) {
        if (account->used[charge] >= limit)
            return FALSE;
    }
    bus->room_used++;
    publisher->used++;
    account->used[charge]++;
    return TRUE;
}

void
osh_bus_room_changed_locked(OshBus *bus)
{
    bus->room_epoch++;
    /* A sink takes events after the dispatch has looked at what was counted for want of room. */
    if (bus->held_overdue.head != NULL)
        osh_bus_wake(bus);
    if (bus->waiters->len == 0)
        return;
    g_array_append_vals(bus->waiters_ready, bus->waiters->data, bus->waiters->len);
    g_array_set_size(bus->waiters, 0);
    osh_bus_wake(bus);
}

void
osh_bus_room_give_locked(OshBusPublisher *publisher, OshBusAccount *account, OshBusCharge charge)
{
    OshBus *bus = publisher->bus;

    bus->room_used--;
    publisher->used--;
    account->used[charge]--;
    osh_bus_account_settle_locked(bus, account);
    osh_bus_room_changed_locked(bus);
}

void
osh_bus_node_give_room(OshBusNode *node)
{
    OshBus *bus = node->home->bus;

    if (node->charge == OSH_BUS_CHARGE_NONE)
        return;
    pthread_mutex_lock(&bus->room_lock);
    osh_bus_room_give_locked(node->publisher, node->account, node->charge);
    pthread_mutex_unlock(&bus->room_lock);
    node->charge = OSH_BUS_CHARGE_NONE;
}

static guint64
reservation_new_locked(OshBus *bus, OshBusPublisher *publisher, OshBusTopic *topic,
                       OshBusAccount *account)
{
    gboolean again = bus->free_reservation != 0;
    guint32 index = again ? bus->free_reservation - 1 : bus->reservations_touched++;
    OshBusReservation *reservation = &bus->reservations[index];

    if (again)
        bus->free_reservation = reservation->next_free;
    reservation->publisher = publisher;
    reservation->topic = topic;
    reservation->account = account;
    return (guint64)reservation->generation << 32 | (index + 1);
}

guint64
osh_bus_reserve(OshBusPublisher *publisher, OshTopic id, guint64 process_key)
{
    OshBus *bus = publisher->bus;
    OshBusTopic *topic = osh_bus_publisher_topic(publisher, id);
    OshBusAccount *account;
    guint64 reservation = 0;
    guint64 epoch;

    if (topic == NULL || topic->event_class != OSH_EVENT_LOSSLESS)
        return osh_bus_refuse(publisher, topic,
                              topic == NULL ? "reserved room for a topic that its manifest does "
                                              "not name"
                                            : "reserved room for a topic that is not lossless");
    pthread_mutex_lock(&bus->room_lock);
    epoch = bus->room_epoch;
    if (bus->sinks_stuck == 0) {
        account = osh_bus_account_locked(publisher, process_key);
        if (osh_bus_room_take_locked(publisher, account, OSH_BUS_CHARGE_RESERVED))
            reservation = reservation_new_locked(bus, publisher, topic, account);
        else
            osh_bus_account_settle_locked(bus, account);
    }
    pthread_mutex_unlock(&bus->room_lock);
    if (reservation == 0)
        osh_bus_queue_current(bus)->failed_epoch = epoch;
    return reservation;
}

/* The unit stays charged to the account as reserved: the event takes it over, or gives it back. */
gboolean
osh_bus_reservation_spend_locked(OshBusPublisher *publisher, guint64 token, OshBusTopic **ret_topic,
                                 OshBusAccount **ret_account)
{
    OshBus *bus = publisher->bus;
    guint32 index = (guint32)token - 1;
    OshBusReservation *reservation;

    if (index >= bus->limits.room)
        return FALSE;
    reservation = &bus->reservations[index];
    if (reservation->publisher != publisher || reservation->generation != token >> 32)
        return FALSE;
    *ret_topic = reservation->topic;
    *ret_account = reservation->account;
    reservation->publisher = NULL;
    reservation->generation++;
    reservation->next_free = bus->free_reservation;
    bus->free_reservation = index + 1;
    return TRUE;
}

void
osh_bus_unreserve(OshBusPublisher *publisher, guint64 reservation)
{
    OshBus *bus = publisher->bus;
    OshBusTopic *topic = NULL;
    OshBusAccount *account = NULL;
    gboolean found;

    if (reservation == 0)
        return;
    pthread_mutex_lock(&bus->room_lock);
    found = osh_bus_reservation_spend_locked(publisher, reservation, &topic, &account);
    if (found)
        osh_bus_room_give_locked(publisher, account, OSH_BUS_CHARGE_RESERVED);
    pthread_mutex_unlock(&bus->room_lock);
    if (!found)
        osh_bus_refuse(publisher, NULL, "gave back a reservation that it does not have");
}

void
osh_bus_on_room(OshBusPublisher *publisher, OshTopic id, OshCallback callback, gpointer data)
{
    OshBus *bus = publisher->bus;
    RoomWaiter waiter = {callback, data, -1};
    guint64 failed_epoch;

    g_return_if_fail(callback != NULL);

    if (osh_bus_publisher_topic(publisher, id) == NULL) {
        osh_bus_refuse(publisher, NULL,
                       "waits for room for a topic that its manifest does not "
                       "name");
        return;
    }
    if (bus->shards != NULL)
        waiter.shard = osh_shard_pool_current(bus->shards);
    g_return_if_fail(waiter.shard >= 0 || osh_bus_on_main(bus));

    failed_epoch = osh_bus_queue_current(bus)->failed_epoch;
    pthread_mutex_lock(&bus->room_lock);
    /* Room that was given back since the reservation failed would otherwise never be told. */
    if (failed_epoch != bus->room_epoch) {
        g_array_append_val(bus->waiters_ready, waiter);
        osh_bus_wake(bus);
    } else {
        g_array_append_val(bus->waiters, waiter);
    }
    pthread_mutex_unlock(&bus->room_lock);
}

/* Returns whether some are left for the next round. */
gboolean
osh_bus_room_run_waiters(OshBus *bus)
{
    RoomWaiter waiters[OSH_BUS_BATCH];
    guint n_waiters;
    gboolean more;

    pthread_mutex_lock(&bus->room_lock);
    n_waiters = MIN(bus->waiters_ready->len, OSH_BUS_BATCH);
    for (guint i = 0; i < n_waiters; i++)
        waiters[i] = g_array_index(bus->waiters_ready, RoomWaiter, i);
    if (n_waiters > 0)
        g_array_remove_range(bus->waiters_ready, 0, n_waiters);
    more = bus->waiters_ready->len > 0;
    pthread_mutex_unlock(&bus->room_lock);

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
