/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-sink.c: the queue of each event sink. Everything here runs on the main thread; only the
 * resume that a sink was given may come from anywhere.
 *
 * A sink's queue has two rings that merge by sequence: one for lossless events and denials, as
 * long as the capacity, so that it cannot overflow for a required sink, whose events keep their
 * unit of capacity until it takes them; and one for sampled events, which loses its oldest. A sink
 * that is not required and does not keep up loses its oldest of either kind, counted and announced.
 *
 * What was retained when the sink was added stands before both: it has given its capacity back, and
 * must not take any of the rings. A sink whose plugin is not ready yet is not open: its queue fills
 * and nothing of it is called.
 *
 * One that takes nothing is stuck: it keeps its queue, and while a required one is stuck no
 * reservation is given. It is offered its queue again when it resumes, and once a second anyway,
 * so that one that forgets to say so does not stay stuck for ever.
 */
#include "bus-private.h"

#define RETRY_STUCK   OSH_BUS_SECOND
#define RETRY_PARTIAL (OSH_BUS_SECOND / 10)

typedef struct {
    OshBusNode **nodes;
    guint head;
    guint length;
    guint capacity;
} SinkRing;

struct _OshBusSink {
    OshBus *bus;
    guint64 id;
    OshInterface sink;
    OshBusPublisher *provider; /* for blame */
    gboolean required;
    SinkRing kept;
    SinkRing sampled;
    GPtrArray *retained; /* OshBusNode, owned, of before it was added */
    guint n_replayed;    /* how many of these it has taken */
    gboolean open;
    gboolean waiting; /* it took less than offered */
    gboolean stuck;   /* it took nothing */
    gboolean offering;
    gboolean removed;
    gint64 retry_at;
    _Atomic gboolean resumed;
};

static OshBusNode *
ring_peek(const SinkRing *ring, guint index)
{
    return index < ring->length ? ring->nodes[(ring->head + index) % ring->capacity] : NULL;
}

static OshBusNode *
ring_pop(SinkRing *ring)
{
    OshBusNode *node = ring->nodes[ring->head];

    ring->head = (ring->head + 1) % ring->capacity;
    ring->length--;
    return node;
}

static void
ring_push(SinkRing *ring, OshBusNode *node)
{
    ring->nodes[(ring->head + ring->length) % ring->capacity] = node;
    ring->length++;
}

/* The sink is done with the node, whether it took it or lost it. */
static void
sink_let_go(OshBusSink *sink, OshBusNode *node)
{
    if (sink->required && node->topic->event_class != OSH_EVENT_SAMPLED) {
        if (--node->holders == 0)
            osh_bus_node_give_capacity(node);
    }
    osh_bus_node_unref(node);
}

static void
sink_push(OshBusSink *sink, OshBusNode *node)
{
    gboolean sampled = node->topic->event_class == OSH_EVENT_SAMPLED;
    SinkRing *ring = sampled ? &sink->sampled : &sink->kept;

    if (ring->length == ring->capacity) {
        OshBusNode *oldest = ring_pop(ring);

        osh_bus_count_dropped(sink->bus, oldest->topic, oldest->event.id, 1);
        sink_let_go(sink, oldest);
    }
    osh_bus_node_ref(node);
    if (sink->required && !sampled)
        node->holders++;
    ring_push(ring, node);
}

void
osh_bus_sinks_push(OshBus *bus, OshBusNode *node)
{
    for (guint i = 0; i < bus->sinks->len; i++)
        sink_push(g_ptr_array_index(bus->sinks, i), node);
}

void
osh_bus_hold(OshBus *bus, gboolean held)
{
    pthread_mutex_lock(&bus->capacity_lock);
    if (held) {
        bus->sinks_stuck++;
    } else {
        bus->sinks_stuck--;
        osh_bus_capacity_changed_locked(bus);
    }
    pthread_mutex_unlock(&bus->capacity_lock);
}

static void
sink_set_stuck(OshBusSink *sink, gboolean stuck)
{
    OshBus *bus = sink->bus;

    if (sink->stuck == stuck)
        return;
    sink->stuck = stuck;
    if (sink->required)
        osh_bus_hold(bus, stuck);
}

static guint
sink_retained_left(const OshBusSink *sink)
{
    return sink->retained->len - sink->n_replayed;
}

static guint
sink_batch_retained(const OshBusSink *sink, const OshEvent **events)
{
    guint n = MIN(sink_retained_left(sink), OSH_BUS_BATCH);

    for (guint i = 0; i < n; i++) {
        const OshBusNode *node = g_ptr_array_index(sink->retained, sink->n_replayed + i);

        events[i] = &node->event;
    }
    return n;
}

static guint
sink_batch(const OshBusSink *sink, const OshEvent **events)
{
    guint n_kept = 0;
    guint n_sampled = 0;

    if (sink_retained_left(sink) > 0)
        return sink_batch_retained(sink, events);
    while (n_kept + n_sampled < OSH_BUS_BATCH) {
        const OshBusNode *kept = ring_peek(&sink->kept, n_kept);
        const OshBusNode *sampled = ring_peek(&sink->sampled, n_sampled);

        if (kept == NULL && sampled == NULL)
            break;
        if (sampled == NULL || (kept != NULL && kept->event.sequence < sampled->event.sequence)) {
            events[n_kept + n_sampled] = &kept->event;
            n_kept++;
        } else {
            events[n_kept + n_sampled] = &sampled->event;
            n_sampled++;
        }
    }
    return n_kept + n_sampled;
}

static void
sink_drop_queue(OshBusSink *sink)
{
    g_ptr_array_set_size(sink->retained, 0);
    sink->n_replayed = 0;
    while (sink->kept.length > 0)
        sink_let_go(sink, ring_pop(&sink->kept));
    while (sink->sampled.length > 0)
        sink_let_go(sink, ring_pop(&sink->sampled));
}

static void
sink_take(OshBusSink *sink, const OshEvent *const *events, gsize n_events)
{
    if (sink_retained_left(sink) > 0) {
        sink->n_replayed += (guint)n_events;
        if (sink_retained_left(sink) > 0)
            return;
        g_ptr_array_set_size(sink->retained, 0);
        sink->n_replayed = 0;
        return;
    }
    for (gsize i = 0; i < n_events; i++) {
        const OshBusNode *kept = ring_peek(&sink->kept, 0);

        sink_let_go(sink, ring_pop(kept != NULL && &kept->event == events[i] ? &sink->kept
                                                                             : &sink->sampled));
    }
}

/* Offers one batch. Returns whether the sink took all of it and there is more. */
static gboolean
sink_offer(OshBusSink *sink, gint64 now)
{
    const OshEvent *events[OSH_BUS_BATCH];
    guint n_events = sink_batch(sink, events);
    gsize taken;

    if (n_events == 0)
        return FALSE;
    sink->offering = TRUE;
    taken = osh_event_sink_consume(&sink->sink, events, n_events);
    sink->offering = FALSE;
    if (sink->removed) {
        sink_drop_queue(sink);
        return FALSE;
    }
    if (taken > n_events) {
        osh_bus_refuse(sink->provider, NULL, "its event sink took more events than it was given");
        taken = n_events;
    }
    sink_take(sink, events, taken);
    sink->waiting = taken < n_events;
    if (sink->waiting)
        sink->retry_at = now + (taken == 0 ? RETRY_STUCK : RETRY_PARTIAL);
    sink_set_stuck(sink, taken == 0);
    return !sink->waiting && osh_bus_sink_length(sink) > 0;
}

/* Returns whether there is more to offer at once. */
gboolean
osh_bus_sinks_pump(OshBus *bus, gint64 now)
{
    gboolean more = FALSE;

    for (guint i = 0; i < bus->sinks->len; i++) {
        OshBusSink *sink = g_ptr_array_index(bus->sinks, i);
        gboolean resumed = atomic_exchange(&sink->resumed, FALSE);

        if (!sink->open || (sink->waiting && !resumed && now < sink->retry_at))
            continue;
        more = sink_offer(sink, now) || more;
    }
    return more;
}

gint64
osh_bus_sinks_next(OshBus *bus)
{
    gint64 next = G_MAXINT64;

    for (guint i = 0; i < bus->sinks->len; i++) {
        const OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (sink->waiting)
            next = MIN(next, sink->retry_at);
    }
    return next;
}

static void
sink_resume(gpointer data)
{
    OshBusSink *sink = data;

    atomic_store(&sink->resumed, TRUE);
    osh_bus_wake(sink->bus);
}

static void
ring_open(SinkRing *ring, guint capacity)
{
    ring->capacity = capacity;
    ring->nodes = g_new0(OshBusNode *, capacity);
}

guint64
osh_bus_prepare_sink(OshBus *bus, const OshInterface *interface, gboolean required)
{
    OshBusSink *sink;

    g_return_val_if_fail(osh_bus_on_main(bus), 0);

    sink = g_new0(OshBusSink, 1);
    sink->bus = bus;
    sink->id = ++bus->last_sink;
    sink->sink = *interface;
    sink->provider = osh_bus_publisher_new(bus, interface->provider, NULL, NULL);
    sink->required = required;
    ring_open(&sink->kept, bus->limits.capacity);
    ring_open(&sink->sampled, bus->limits.sampled);
    sink->retained = osh_bus_retained(bus, NULL, NULL);
    g_ptr_array_add(bus->sinks, sink);
    atomic_store(&bus->n_sinks, bus->sinks->len);
    return sink->id;
}

void
osh_bus_open_sink(OshBus *bus, guint64 id)
{
    g_return_if_fail(osh_bus_on_main(bus));

    for (guint i = 0; i < bus->sinks->len; i++) {
        OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (sink->id != id || sink->open)
            continue;
        sink->open = TRUE;
        osh_event_sink_resume(&sink->sink, sink_resume, sink);
        osh_bus_wake(bus);
        return;
    }
}

guint64
osh_bus_add_sink(OshBus *bus, const OshInterface *interface, gboolean required)
{
    guint64 id = osh_bus_prepare_sink(bus, interface, required);

    osh_bus_open_sink(bus, id);
    return id;
}

void
osh_bus_remove_sink(OshBus *bus, guint64 id)
{
    g_return_if_fail(osh_bus_on_main(bus));

    for (guint i = 0; i < bus->sinks->len; i++) {
        OshBusSink *sink = g_ptr_array_index(bus->sinks, i);

        if (sink->id != id)
            continue;
        g_ptr_array_steal_index(bus->sinks, i);
        atomic_store(&bus->n_sinks, bus->sinks->len);
        sink_set_stuck(sink, FALSE);
        sink->removed = TRUE;
        /* Its own consume still looks at what it was offered. */
        if (!sink->offering)
            sink_drop_queue(sink);
        osh_bus_flush_forget_sink(bus, id);
        /* The pump may be on its way over what has just moved up. */
        osh_bus_wake(bus);
        g_ptr_array_add(bus->sinks_removed, sink);
        return;
    }
}

void
osh_bus_sink_free(gpointer data)
{
    OshBusSink *sink = data;

    sink_drop_queue(sink);
    g_ptr_array_unref(sink->retained);
    g_free(sink->kept.nodes);
    g_free(sink->sampled.nodes);
    g_free(sink);
}

guint64
osh_bus_sink_first_sequence(const OshBusSink *sink)
{
    const OshBusNode *kept = ring_peek(&sink->kept, 0);
    const OshBusNode *sampled = ring_peek(&sink->sampled, 0);
    guint64 first = G_MAXUINT64;

    if (sink_retained_left(sink) > 0)
        return ((const OshBusNode *)g_ptr_array_index(sink->retained, sink->n_replayed))
            ->event.sequence;
    if (kept != NULL)
        first = kept->event.sequence;
    if (sampled != NULL)
        first = MIN(first, sampled->event.sequence);
    return first;
}

guint
osh_bus_sink_length(const OshBusSink *sink)
{
    return sink_retained_left(sink) + sink->kept.length + sink->sampled.length;
}

gboolean
osh_bus_sink_is_open(const OshBusSink *sink)
{
    return sink->open;
}

guint64
osh_bus_sink_id(const OshBusSink *sink)
{
    return sink->id;
}

const OshInterface *
osh_bus_sink_interface(const OshBusSink *sink)
{
    return &sink->sink;
}
