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
    guint64 fence; /* sequence up to which sinks must take */
    guint writing; /* sinks that have not answered */
    GError *error; /* the first one */
    void (*done)(const GError *error, gpointer data);
    gpointer data;
};

typedef struct {
    GWeakRef bus;
    guint64 number;
    char *provider;
} FlushTicket;

static void
ticket_done(const GError *error, gpointer data)
{
    FlushTicket *ticket = data;
    g_autoptr(OshBus) bus = g_weak_ref_get(&ticket->bus);

    if (bus != NULL && bus->flush != NULL && bus->flush->number == ticket->number) {
        OshBusFlush *flush = bus->flush;

        flush->writing--;
        if (error != NULL && flush->error == NULL)
            flush->error =
                g_error_new(error->domain, error->code, "event sink of “%s” failed to write: %s",
                            ticket->provider, error->message);
        osh_bus_wake(bus);
    }
    g_weak_ref_clear(&ticket->bus);
    g_free(ticket->provider);
    g_free(ticket);
}

static void
flush_finish(OshBus *bus)
{
    OshBusFlush *flush = g_steal_pointer(&bus->flush);

    flush->done(flush->error, flush->data);
    g_clear_error(&flush->error);
    g_free(flush);
}

static void
flush_start_writing(OshBus *bus)
{
    OshBusFlush *flush = bus->flush;
    guint n_sinks = bus->sinks->len;

    flush->step = FLUSH_WRITING;
    flush->writing = n_sinks;
    for (guint i = 0; i < n_sinks && i < bus->sinks->len; i++) {
        const OshInterface *sink = osh_bus_sink_interface(g_ptr_array_index(bus->sinks, i));
        FlushTicket *ticket = g_new0(FlushTicket, 1);

        g_weak_ref_init(&ticket->bus, bus);
        ticket->number = flush->number;
        ticket->provider = g_strdup(sink->provider);
        osh_event_sink_flush(sink, ticket_done, ticket);
    }
}

static gboolean
flush_all_taken(OshBus *bus)
{
    for (guint i = 0; i < bus->sinks->len; i++) {
        if (osh_bus_sink_first_sequence(g_ptr_array_index(bus->sinks, i)) <= bus->flush->fence)
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

    for (guint i = 0; i < bus->sinks->len; i++) {
        const OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (osh_bus_sink_length(sink) >= left) {
            left = osh_bus_sink_length(sink);
            worst = osh_bus_sink_interface(sink)->provider;
        }
    }
    if (flush->error == NULL)
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
    if (flush->step == FLUSH_WRITING && flush->writing == 0) {
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
