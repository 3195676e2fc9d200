/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-reservation.c: capacity that is taken before the event is there, against a token. Any thread,
 * under capacity_lock. A token is good once, for the publisher and the topic that it was given for.
 */
#include "bus-private.h"

/* The limits are known. */
void
osh_bus_reservations_open(OshBus *bus)
{
    /* Memory that nothing has written to costs nothing yet, so there is no list of all of them. */
    bus->reservations = g_new0(OshBusReservation, bus->limits.capacity);
}

void
osh_bus_reservations_clear(OshBus *bus)
{
    g_free(bus->reservations);
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
                              topic == NULL
                                  ? "reserved capacity for a topic that its manifest does "
                                    "not name"
                                  : "reserved capacity for a topic that is not lossless");
    pthread_mutex_lock(&bus->capacity_lock);
    epoch = bus->capacity_epoch;
    if (bus->sinks_stuck == 0) {
        account = osh_bus_account_locked(publisher, process_key);
        if (osh_bus_capacity_take_locked(publisher, account, OSH_BUS_CHARGE_RESERVED))
            reservation = reservation_new_locked(bus, publisher, topic, account);
        else
            osh_bus_account_settle_locked(bus, account);
    }
    pthread_mutex_unlock(&bus->capacity_lock);
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

    if (index >= bus->limits.capacity)
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
    pthread_mutex_lock(&bus->capacity_lock);
    found = osh_bus_reservation_spend_locked(publisher, reservation, &topic, &account);
    if (found)
        osh_bus_capacity_give_locked(publisher, account, OSH_BUS_CHARGE_RESERVED);
    pthread_mutex_unlock(&bus->capacity_lock);
    if (!found)
        osh_bus_refuse(publisher, NULL, "returned a reservation that it does not have");
}
