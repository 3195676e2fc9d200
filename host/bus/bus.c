/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.c: the bus as an object and as a source of the main loop.
 *
 * The thread that makes the bus is its main thread; bus-wake.c says how others tell it that there
 * is something to do. One dispatch does a bounded amount and asks to come again.
 *
 * Lock order: capacity_lock, then a queue's lock. No lock is held while foreign code runs.
 */
#include "bus-private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct {
    GSource parent;
    OshBus *bus;
    gpointer wake_tag;
} BusSource;

G_DEFINE_TYPE(OshBus, osh_bus, G_TYPE_OBJECT)

static guint event_signal;

guint
osh_bus_signal(void)
{
    return event_signal;
}

/* Returns: (nullable): the queue that holds the event that was published first. */
static OshBusQueue *
bus_oldest(const OshBus *bus)
{
    OshBusQueue *oldest = NULL;
    guint64 id = G_MAXUINT64;

    for (guint i = 0; i < bus->queues_known->len; i++) {
        OshBusQueue *queue = g_ptr_array_index(bus->queues_known, i);
        guint64 first = osh_bus_queue_first(queue);

        if (first < id) {
            id = first;
            oldest = queue;
        }
    }
    return oldest;
}

/*
 * What lies in the queues of several threads is delivered in the order in which it was published,
 * so that the lines of an event log tell what came first.
 *
 * Returns whether there may be more in the queues. @ret_any: whether there was anything.
 */
static gboolean
bus_drain(OshBus *bus, gboolean *ret_any)
{
    guint budget = OSH_BUS_BATCH;
    guint before;

    if (bus->queues_known->len != atomic_load(&bus->n_queues)) {
        pthread_mutex_lock(&bus->queues_lock);
        for (guint i = bus->queues_known->len; i < bus->queues->len; i++)
            g_ptr_array_add(bus->queues_known, g_ptr_array_index(bus->queues, i));
        pthread_mutex_unlock(&bus->queues_lock);
    }
    do {
        OshBusQueue *queue;

        before = budget;
        for (guint i = 0; i < bus->queues_known->len; i++)
            osh_bus_queue_refill(g_ptr_array_index(bus->queues_known, i));
        while (budget > 0 && (queue = bus_oldest(bus)) != NULL) {
            osh_bus_deliver(bus, osh_bus_queue_pop(queue));
            budget--;
        }
    } while (budget > 0 && budget < before);
    *ret_any = budget < OSH_BUS_BATCH;
    return budget == 0;
}

static gboolean
bus_nothing_held(OshBus *bus)
{
    gboolean nothing;

    pthread_mutex_lock(&bus->capacity_lock);
    nothing = bus->held.head == NULL && bus->held_overdue.head == NULL;
    pthread_mutex_unlock(&bus->capacity_lock);
    return nothing;
}

static gint64
bus_next_time(OshBus *bus)
{
    gint64 next = osh_bus_held_next(bus);

    if (atomic_load(&bus->announce))
        next = MIN(next, bus->announce_after);
    next = MIN(next, osh_bus_sinks_next(bus));
    next = MIN(next, osh_bus_flush_next(bus));
    next = MIN(next, osh_bus_nap_next(bus));
    return next == G_MAXINT64 ? -1 : next;
}

static gboolean
bus_source_prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return atomic_load(&((BusSource *)source)->bus->pending) != 0;
}

static gboolean
bus_source_check(GSource *source)
{
    BusSource *self = (BusSource *)source;

    return atomic_load(&self->bus->pending) != 0 ||
           g_source_query_unix_fd(source, self->wake_tag) != 0;
}

static gboolean
bus_source_dispatch(GSource *source, GSourceFunc callback G_GNUC_UNUSED,
                    gpointer data G_GNUC_UNUSED)
{
    BusSource *self = (BusSource *)source;
    g_autoptr(OshBus) bus = g_object_ref(self->bus);
    gboolean more;
    gboolean any;
    gint64 now;
    guint64 count;

    if (g_source_query_unix_fd(source, self->wake_tag) != 0 &&
        read(bus->wake_fd, &count, sizeof(count)) < 0)
        g_assert(errno == EAGAIN || errno == EINTR);
    /* Before looking, so that what comes while we look wakes again. */
    atomic_exchange(&bus->pending, 0);
    now = g_get_monotonic_time();
    bus->real_offset = g_get_real_time() - now;
    bus->dispatching = TRUE;

    more = osh_bus_run_waiters(bus);
    more = osh_bus_run_invocations(bus) || more;
    osh_bus_replay(bus);
    more = bus_drain(bus, &any) || more;
    osh_bus_nap(bus, now, any);
    osh_bus_held_send(bus, now, bus->flush != NULL && !more);
    osh_bus_announce(bus, now);
    more = osh_bus_sinks_pump(bus, now) || more;
    osh_bus_flush_step(bus, now, !more && bus_nothing_held(bus));
    osh_bus_capacity_sweep_accounts(bus, now);

    bus->dispatching = FALSE;
    osh_bus_subscriptions_sweep(bus);
    if (more)
        osh_bus_wake(bus);
    if (bus->source != NULL) {
        gint64 next = bus_next_time(bus);

        if (next != g_source_get_ready_time(source))
            g_source_set_ready_time(source, next);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs bus_source_funcs = {
    .prepare = bus_source_prepare,
    .check = bus_source_check,
    .dispatch = bus_source_dispatch,
};

void
osh_bus_set_shard_pool(OshBus *bus, OshShardPool *pool)
{
    g_return_if_fail(osh_bus_on_main(bus));

    bus->shards = pool;
}

void
osh_bus_get_counters(OshBus *bus, OshBusCounters *ret_counters)
{
    OshBusCounters counters = {0};

    counters.collapsed = atomic_load(&bus->collapsed);
    counters.published = atomic_load(&bus->last_id) + counters.collapsed;
    counters.delivered = atomic_load(&bus->delivered);
    counters.dropped = atomic_load(&bus->dropped);
    counters.refused = atomic_load(&bus->refused);
    pthread_mutex_lock(&bus->capacity_lock);
    counters.capacity_used = bus->capacity_used;
    pthread_mutex_unlock(&bus->capacity_lock);
    *ret_counters = counters;
}

static void
osh_bus_init(OshBus *bus)
{
    bus->wake_fd = -1;
    bus->main_thread = g_thread_self();
    bus->publishers = g_ptr_array_new_with_free_func((GDestroyNotify)osh_bus_publisher_free);
    bus->queues = g_ptr_array_new_with_free_func((GDestroyNotify)osh_bus_queue_free);
    bus->queues_idle = g_ptr_array_new();
    bus->queues_known = g_ptr_array_new();
    bus->subscriptions = g_ptr_array_new();
    bus->sinks = g_ptr_array_new_with_free_func(osh_bus_sink_free);
    bus->sinks_removed = g_ptr_array_new_with_free_func(osh_bus_sink_free);
    osh_bus_invocations_init(bus);
    g_queue_init(&bus->replays);
    pthread_mutex_init(&bus->queues_lock, NULL);
    pthread_mutex_init(&bus->capacity_lock, NULL);
    osh_bus_capacity_init(bus);
    osh_bus_waiters_init(bus);
}

static void
osh_bus_dispose(GObject *object)
{
    OshBus *bus = OSH_BUS(object);

    if (bus->source != NULL) {
        g_source_destroy(bus->source);
        g_clear_pointer(&bus->source, g_source_unref);
        osh_bus_flush_cancel(bus);
        osh_bus_subscriptions_clear(bus);
    }
    G_OBJECT_CLASS(osh_bus_parent_class)->dispose(object);
}

static void
osh_bus_finalize(GObject *object)
{
    OshBus *bus = OSH_BUS(object);

    osh_bus_invocations_clear(bus);
    if (bus->wake_fd >= 0) {
        close(bus->wake_fd);
        pthread_key_delete(bus->queue_key);
    }
    g_ptr_array_unref(bus->sinks);
    g_ptr_array_unref(bus->sinks_removed);
    osh_bus_held_clear(bus);
    for (guint i = 1; i <= bus->n_topics; i++)
        osh_bus_topic_free(bus->topics[i]);
    g_ptr_array_unref(bus->subscriptions);
    g_ptr_array_unref(bus->queues);
    g_ptr_array_unref(bus->queues_idle);
    g_ptr_array_unref(bus->queues_known);
    g_ptr_array_unref(bus->publishers);
    osh_bus_reservations_clear(bus);
    osh_bus_waiters_clear(bus);
    osh_bus_capacity_clear(bus);
    pthread_mutex_destroy(&bus->queues_lock);
    pthread_mutex_destroy(&bus->capacity_lock);
    g_clear_pointer(&bus->context, g_main_context_unref);
    G_OBJECT_CLASS(osh_bus_parent_class)->finalize(object);
}

static void
osh_bus_class_init(OshBusClass *class)
{
    GObjectClass *object_class = G_OBJECT_CLASS(class);

    object_class->dispose = osh_bus_dispose;
    object_class->finalize = osh_bus_finalize;
    /**
     * OshBus::event:
     * @event: (type gpointer): a const #OshEvent, borrowed for the call
     *
     * Detailed by topic. Emitted on the main thread only.
     */
    event_signal = g_signal_new("event", OSH_TYPE_BUS,
                                G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED | G_SIGNAL_NO_RECURSE, 0,
                                NULL, NULL, g_cclosure_marshal_VOID__POINTER, G_TYPE_NONE, 1,
                                G_TYPE_POINTER | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
bus_set_limits(OshBus *bus, const OshBusLimits *given)
{
    const OshBusLimits defaults = {4096, 2048, 64, 4096, 256, 4096, 4096};
    const OshBusLimits none = {0};

    if (given == NULL)
        given = &none;
    bus->limits.capacity = MAX(16, given->capacity > 0 ? given->capacity : defaults.capacity);
    bus->limits.sampled = given->sampled > 0 ? given->sampled : defaults.sampled;
    bus->limits.denials_per_second =
        given->denials_per_second > 0 ? given->denials_per_second : defaults.denials_per_second;
    bus->limits.windows = given->windows > 0 ? given->windows : defaults.windows;
    bus->limits.cells = given->cells > 0 ? given->cells : defaults.cells;
    bus->limits.processes = given->processes > 0 ? given->processes : defaults.processes;
    bus->limits.retained = given->retained > 0 ? given->retained : defaults.retained;
}

static void
bus_attach_source(OshBus *bus)
{
    BusSource *source;

    bus->source = g_source_new(&bus_source_funcs, sizeof(BusSource));
    source = (BusSource *)bus->source;
    source->bus = bus;
    source->wake_tag = g_source_add_unix_fd(bus->source, bus->wake_fd, G_IO_IN);
    g_source_set_static_name(bus->source, "openshell bus");
    g_source_attach(bus->source, bus->context);
}

OshBus *
osh_bus_new(GMainContext *context, const OshBusLimits *limits, GError **error)
{
    g_autoptr(OshBus) bus = g_object_new(OSH_TYPE_BUS, NULL);
    const char *own[] = {OSH_TOPIC_BUS_DROPPED, OSH_TOPIC_PLUGIN_FAULT, NULL};
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result;

    bus_set_limits(bus, limits);
    osh_bus_held_init(bus);
    osh_bus_reservations_open(bus);
    if (wake_fd < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "failed to open an eventfd: %s",
                    g_strerror(errno));
        return NULL;
    }
    result = pthread_key_create(&bus->queue_key, osh_bus_queue_thread_ended);
    if (result != 0) {
        close(wake_fd);
        g_set_error(error, OSH_ERROR, OSH_ERROR_FULL, "failed to create a thread key: %s",
                    g_strerror(result));
        return NULL;
    }
    bus->wake_fd = wake_fd;
    bus->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    if (!osh_bus_declare_own_topics(bus, error))
        return NULL;
    bus->self = osh_bus_publisher_new(bus, "host", own, error);
    if (bus->self == NULL)
        return NULL;
    bus_attach_source(bus);
    return g_steal_pointer(&bus);
}
