/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-flush.c: having everything that was published written before the host ends.
 *
 * It goes in steps from the dispatch of the bus: queues empty and counted denials sent; sinks took
 * all that; every sink flushed. The answer is always given from the main loop, at the latest at
 * the deadline. A sink may answer late or never, so its answer finds the bus weakly and by number.
 */
#include "bus-private.h"

typedef enum {
    FLUSH_DRAINING = 0,
    FLUSH_TAKING = 1,
    FLUSH_WRITING = 2,
} FlushStep;

struct _OshBusFlush {
    guint64 number;
    FlushStep step;
    gint64 deadline;
    guint64 fence;      /* sequence up to which sinks must take */
    GPtrArray *writing; /* FlushTicket of sinks that have not answered, which own themselves */
    GError *error;      /* the first one */
    void (*done)(const GError *error, gpointer data);
    gpointer data;
};

typedef struct {
    GWeakRef bus;
    guint64 number;
    guint64 sink_id;
    OshInterface sink;
    char *provider;
} FlushTicket;

static void
ticket_free(FlushTicket *ticket)
{
    g_weak_ref_clear(&ticket->bus);
    g_free(ticket->provider);
    g_free(ticket);
}

static void
ticket_done(const GError *error, gpointer data)
{
    FlushTicket *ticket = data;
    g_autoptr(OshBus) bus = g_weak_ref_get(&ticket->bus);

    if (bus != NULL && bus->flush != NULL && bus->flush->number == ticket->number) {
        OshBusFlush *flush = bus->flush;

        if (flush->writing != NULL)
            g_ptr_array_remove(flush->writing, ticket);
        if (error != NULL && flush->error == NULL)
            flush->error =
                g_error_new(error->domain, error->code, "event sink of “%s” failed to write: %s",
                            ticket->provider, error->message);
        osh_bus_wake(bus);
    }
    ticket_free(ticket);
}

static void
flush_finish(OshBus *bus)
{
    OshBusFlush *flush = g_steal_pointer(&bus->flush);

    flush->done(flush->error, flush->data);
    g_clear_error(&flush->error);
    g_clear_pointer(&flush->writing, g_ptr_array_unref);
    g_free(flush);
}

/* A sink that flushes may make another one go, which is then neither asked nor waited for. */
static void
flush_start_writing(OshBus *bus)
{
    OshBusFlush *flush = bus->flush;
    g_autoptr(GPtrArray) tickets = g_ptr_array_new();

    flush->step = FLUSH_WRITING;
    flush->writing = g_ptr_array_new();
    for (guint i = 0; i < bus->sinks->len; i++) {
        const OshBusSink *sink = g_ptr_array_index(bus->sinks, i);
        FlushTicket *ticket;

        if (!osh_bus_sink_is_open(sink))
            continue;
        ticket = g_new0(FlushTicket, 1);
        g_weak_ref_init(&ticket->bus, bus);
        ticket->number = flush->number;
        ticket->sink_id = osh_bus_sink_id(sink);
        ticket->sink = *osh_bus_sink_interface(sink);
        ticket->provider = g_strdup(ticket->sink.provider);
        g_ptr_array_add(tickets, ticket);
        g_ptr_array_add(flush->writing, ticket);
    }
    for (guint i = 0; i < tickets->len; i++) {
        FlushTicket *ticket = g_ptr_array_index(tickets, i);

        if (g_ptr_array_find(flush->writing, ticket, NULL))
            osh_event_sink_flush(&ticket->sink, ticket_done, ticket);
        else
            ticket_free(ticket);
    }
}

/* The answer of a sink that was removed is not waited for. */
void
osh_bus_flush_forget_sink(OshBus *bus, guint64 sink_id)
{
    if (bus->flush == NULL || bus->flush->writing == NULL)
        return;
    for (guint i = bus->flush->writing->len; i > 0; i--) {
        const FlushTicket *ticket = g_ptr_array_index(bus->flush->writing, i - 1);

        if (ticket->sink_id == sink_id)
            g_ptr_array_remove_index(bus->flush->writing, i - 1);
    }
}

static gboolean
flush_all_taken(OshBus *bus)
{
    for (guint i = 0; i < bus->sinks->len; i++) {
        const OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (osh_bus_sink_is_open(sink) && osh_bus_sink_first_sequence(sink) <= bus->flush->fence)
            return FALSE;
    }
    return TRUE;
}

static void
flush_time_out(OshBus *bus)
{
    OshBusFlush *flush = bus->flush;
    const char *worst = NULL;
    guint left = 0;

    if (flush->error != NULL)
        return;
    if (flush->step == FLUSH_WRITING) {
        const FlushTicket *ticket = g_ptr_array_index(flush->writing, 0);

        flush->error = g_error_new(OSH_ERROR, OSH_ERROR_TIMEOUT,
                                   "event sink of “%s” did not say in time that it has written",
                                   ticket->provider);
        return;
    }
    for (guint i = 0; i < bus->sinks->len; i++) {
        const OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (osh_bus_sink_is_open(sink) && osh_bus_sink_length(sink) >= left) {
            left = osh_bus_sink_length(sink);
            worst = osh_bus_sink_interface(sink)->provider;
        }
    }
    flush->error = g_error_new(OSH_ERROR, OSH_ERROR_TIMEOUT,
                               "events were not all written in time; the event sink of “%s” "
                               "has not taken %u of them",
                               worst != NULL ? worst : "host", left);
}

/* @drained: whether the queues and what was counted are empty. */
void
osh_bus_flush_step(OshBus *bus, gint64 now, gboolean drained)
{
    OshBusFlush *flush = bus->flush;

    if (flush == NULL)
        return;
    if (flush->step == FLUSH_DRAINING && drained) {
        flush->step = FLUSH_TAKING;
        flush->fence = bus->sequence;
    }
    if (flush->step == FLUSH_TAKING && flush_all_taken(bus))
        flush_start_writing(bus);
    if (flush->step == FLUSH_WRITING && flush->writing->len == 0) {
        flush_finish(bus);
        return;
    }
    if (now >= flush->deadline) {
        flush_time_out(bus);
        flush_finish(bus);
    }
}

gint64
osh_bus_flush_next(OshBus *bus)
{
    return bus->flush != NULL ? bus->flush->deadline : G_MAXINT64;
}

gboolean
osh_bus_flush(OshBus *bus, gint64 deadline, void (*done)(const GError *error, gpointer data),
              gpointer data)
{
    g_return_val_if_fail(osh_bus_on_main(bus) && done != NULL, FALSE);

    if (bus->flush != NULL)
        return FALSE;
    bus->flush = g_new0(OshBusFlush, 1);
    bus->flush->number = ++bus->last_flush;
    bus->flush->deadline = deadline;
    bus->flush->done = done;
    bus->flush->data = data;
    osh_bus_wake(bus);
    return TRUE;
}

void
osh_bus_flush_cancel(OshBus *bus)
{
    if (bus->flush == NULL)
        return;
    if (bus->flush->error == NULL)
        bus->flush->error =
            g_error_new(OSH_ERROR, OSH_ERROR_CANCELLED, "the bus ended before it was flushed");
    flush_finish(bus);
}
