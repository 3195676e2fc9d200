/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-capacity.c: who may take how much of the bounded capacity for lossless events and denials.
 *
 * A unit of capacity is taken by a reservation or by an event, and given back when the last
 * required sink took the event, or at delivery where no sink is required. Every sink's queue is as
 * long as the capacity, so a unit stands for a place in each. All of it is under capacity_lock,
 * and nothing foreign is called there.
 *
 * The bounds, whose point is that a flooder starves only itself:
 *   - denials stop at three quarters of the capacity, reservations at fifteen sixteenths; the
 *     rest is for the life of processes and other facts that must not be lost;
 *   - one process may hold at most an eighth of what is free just now, for it and for the plugin.
 *     So the more processes an attacker starts the less each gets, and a newcomer finds capacity;
 *   - one plugin leaves an eighth of the capacity to the others, below each of these marks and
 *     counted over all that it holds. It may so have most of the capacity, which the one that
 *     decides on connections needs, and denials leave it something for its allows.
 */
#include "bus-private.h"

#define LEAST_OTHER 8 /* the facts of a process's life, whatever else it holds */

void
osh_bus_capacity_init(OshBus *bus)
{
    bus->accounts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    bus->capacity_epoch = 1;
}

void
osh_bus_capacity_clear(OshBus *bus)
{
    g_hash_table_unref(bus->accounts);
}

/* The account is good until capacity_lock is given up, or for as long as something is charged to
 * it. */
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
osh_bus_capacity_sweep_accounts(OshBus *bus, gint64 now)
{
    if (now - bus->accounts_swept < OSH_BUS_SECOND)
        return;
    bus->accounts_swept = now;
    pthread_mutex_lock(&bus->capacity_lock);
    g_hash_table_foreach_remove(bus->accounts, account_is_removable, &now);
    pthread_mutex_unlock(&bus->capacity_lock);
}

static guint
capacity_ceiling(const OshBus *bus, OshBusCharge charge)
{
    guint capacity = bus->limits.capacity;

    switch (charge) {
    case OSH_BUS_CHARGE_DENIAL:
        return capacity - capacity / 4;
    case OSH_BUS_CHARGE_RESERVED:
        return capacity - capacity / 16;
    case OSH_BUS_CHARGE_OTHER:
    case OSH_BUS_CHARGE_NONE:
    default:
        return capacity;
    }
}

gboolean
osh_bus_capacity_take_locked(OshBusPublisher *publisher, OshBusAccount *account,
                             OshBusCharge charge)
{
    OshBus *bus = publisher->bus;
    guint ceiling = capacity_ceiling(bus, charge);
    guint plugin_ceiling = ceiling - bus->limits.capacity / 8;
    guint limit;

    if (bus->capacity_used >= ceiling || publisher->used >= plugin_ceiling)
        return FALSE;
    limit = MIN(ceiling - bus->capacity_used, plugin_ceiling - publisher->used);
    limit = MAX(1, limit / 8);
    if (charge == OSH_BUS_CHARGE_OTHER)
        limit = MAX(limit, LEAST_OTHER);
    /* What is a plugin's own doing is bounded as the plugin's, but not what it denies to somebody
     * that it could not name. */
    if (account != &publisher->own || charge == OSH_BUS_CHARGE_DENIAL) {
        if (account->used[charge] >= limit)
            return FALSE;
    }
    bus->capacity_used++;
    publisher->used++;
    account->used[charge]++;
    return TRUE;
}

void
osh_bus_capacity_changed_locked(OshBus *bus)
{
    bus->capacity_epoch++;
    /* A sink takes events after the dispatch has looked at what was counted for want of capacity.
     */
    if (bus->held_overdue.head != NULL)
        osh_bus_wake(bus);
    osh_bus_waiters_release_locked(bus);
}

void
osh_bus_capacity_give_locked(OshBusPublisher *publisher, OshBusAccount *account,
                             OshBusCharge charge)
{
    OshBus *bus = publisher->bus;

    bus->capacity_used--;
    publisher->used--;
    account->used[charge]--;
    osh_bus_account_settle_locked(bus, account);
    osh_bus_capacity_changed_locked(bus);
}

void
osh_bus_node_give_capacity(OshBusNode *node)
{
    OshBus *bus = node->home->bus;

    if (node->charge == OSH_BUS_CHARGE_NONE)
        return;
    pthread_mutex_lock(&bus->capacity_lock);
    osh_bus_capacity_give_locked(node->publisher, node->account, node->charge);
    pthread_mutex_unlock(&bus->capacity_lock);
    node->charge = OSH_BUS_CHARGE_NONE;
}
