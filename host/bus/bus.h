/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h: the event bus as the host uses it; what plugins see of it is openshell/host.h.
 *
 * #OshBus is a GObject with the detailed signal "event::TOPIC", whose one argument is a const
 * #OshEvent pointer. Publishing is [any]; everything that runs foreign code (subscribers, signal
 * handlers, sinks, waiters) happens on the thread that made the bus, from its main loop, and never
 * inside a call that publishes or subscribes. Delivery does not nest: a handler that publishes is
 * queued, and one that runs a main loop of its own receives nothing there.
 *
 * Who publishes is said by the #OshBusPublisher, one for each plugin: quotas, blame and the source
 * of an event come from it and cannot be given by the caller.
 */
#pragma once

#include <glib-object.h>

#include "openshell/event.h"
#include "openshell/ext/draft/event-sink.h"
#include "openshell/host.h"

#include "shard.h"

G_BEGIN_DECLS

#define OSH_TYPE_BUS (osh_bus_get_type())
G_DECLARE_FINAL_TYPE(OshBus, osh_bus, OSH, BUS, GObject)

typedef struct _OshBusPublisher OshBusPublisher;

/**
 * OshBusLimits:
 * @capacity: lossless and denial events held at once, between publish and the last required sink
 * that took them; also what each sink's queue can hold
 * @sampled: sampled events held at once, for each publishing thread and again for each sink
 * @denials_per_second: denial events of one process that go out singly; further ones are counted
 * @windows: different denials remembered for collapsing at once, over all processes
 * @cells: processes whose uncollapsed surplus is counted apart; the rest shares a cell per topic
 * @processes: process keys with a quota of their own at once; the rest shares one
 * @retained: values kept for each retained topic
 *
 * 0 in any member stands for its default: 4096, 2048, 64, 4096, 256, 4096, 4096.
 */
typedef struct {
    guint capacity;
    guint sampled;
    guint denials_per_second;
    guint windows;
    guint cells;
    guint processes;
    guint retained;
} OshBusLimits;

/**
 * OshTopicDeclaration:
 * @name: ends in "/" and a number
 * @type: a GVariant tuple type that ends in a{sv}
 * @event_class: how it is delivered
 * @retained: whether the last value for each key is kept
 * @ends: (nullable): the retained topic whose key an event of this one clears; declared before,
 *   with a first member of the same type
 */
typedef struct {
    const char *name;
    const char *type;
    OshEventClass event_class;
    gboolean retained;
    const char *ends;
} OshTopicDeclaration;

/**
 * OshBusCounters:
 * @published: accepted by publish, collapsed ones included
 * @delivered: emitted
 * @collapsed: counted into another event
 * @dropped: lost: sampled ones to make way, lossless ones published without a reservation or kept
 *   for a sink that is not required, when there was none
 * @refused: undeclared topic, wrong type, misused reservation
 * @capacity_used: units of capacity taken at this moment
 */
typedef struct {
    guint64 published;
    guint64 delivered;
    guint64 collapsed;
    guint64 dropped;
    guint64 refused;
    guint64 capacity_used;
} OshBusCounters;

/**
 * osh_bus_new:
 * @context: (nullable): the main loop's context; NULL for the default one
 * @limits: (nullable): NULL for the defaults
 * @error: set when no eventfd or thread key is to be had
 *
 * [main] The calling thread becomes the bus's main thread. The topics of event.h are declared.
 *
 * Unreference it after every thread that publishes has ended or will not publish again.
 *
 * Returns: (transfer full) (nullable): the bus
 */
OshBus *osh_bus_new(GMainContext *context, const OshBusLimits *limits, GError **error);

/**
 * osh_bus_hold:
 * @held: whether something that must be written cannot be
 *
 * [any] While it is held no reservation is given, as when a required sink takes nothing. Each call
 * with %TRUE is undone by one with %FALSE.
 */
void osh_bus_hold(OshBus *bus, gboolean held);

/**
 * osh_bus_set_shard_pool:
 * @pool: (transfer none) (nullable): outlives the bus, or NULL is set before it goes
 *
 * [main] Where osh_bus_on_capacity() may be called from beside the main thread.
 */
void osh_bus_set_shard_pool(OshBus *bus, OshShardPool *pool);

/**
 * osh_bus_declare_topic:
 *
 * [main] Makes a topic known. Declaring the same name twice is an error, whatever the rest says.
 *
 * Returns: FALSE with @error set (OSH_ERROR_INVALID, OSH_ERROR_BUSY, OSH_ERROR_FULL)
 */
gboolean osh_bus_declare_topic(OshBus *bus, const OshTopicDeclaration *declaration, GError **error);

/**
 * osh_bus_publisher_new:
 * @plugin_id: becomes OshEvent.source, and is blamed
 * @topics: (array zero-terminated=1) (nullable): names that it may publish, all declared
 *
 * [main] Lives as long as the bus.
 *
 * Returns: (transfer none) (nullable): the publisher; NULL with @error set for an unknown topic
 */
OshBusPublisher *osh_bus_publisher_new(OshBus *bus, const char *plugin_id,
                                       const char *const *topics, GError **error);

/** osh_bus_topic: [any] Returns: the topic, or 0 when @publisher may not publish @name. */
OshTopic osh_bus_topic(OshBusPublisher *publisher, const char *name);

/** osh_bus_topic_wanted: [any] see osh_host_topic_wanted(). */
gboolean osh_bus_topic_wanted(OshBusPublisher *publisher, OshTopic topic);

/** osh_bus_reserve: [any] see osh_host_reserve(). */
guint64 osh_bus_reserve(OshBusPublisher *publisher, OshTopic topic, guint64 process_key);

/** osh_bus_unreserve: [any] see osh_host_unreserve(); someone else's is refused and blamed. */
void osh_bus_unreserve(OshBusPublisher *publisher, guint64 reservation);

/** osh_bus_on_capacity: [main, shard] see osh_host_on_capacity(); waiters left when the bus goes
 * are forgotten without a call. */
void osh_bus_on_capacity(OshBusPublisher *publisher, OshTopic topic, OshCallback callback,
                         gpointer data);

/**
 * osh_bus_publish:
 *
 * [any] see osh_host_publish(). Of equal denials within a second the first goes out at once; the
 * rest becomes one event with their count when the second is over, under the same id. A denial
 * without capacity, or beyond its process's rate, is counted in a cell: one event per process,
 * topic and second, whose payload is that of the first as an example. When the cells are used up,
 * the topic's own cell counts for everybody, and its event has process key 0.
 */
guint64 osh_bus_publish(OshBusPublisher *publisher, const OshPublication *publication);

/** osh_bus_subscribe: [main] see osh_host_subscribe(). */
guint64 osh_bus_subscribe(OshBus *bus, const char *pattern, OshEventFunc callback, gpointer data,
                          GDestroyNotify destroy);

/** osh_bus_unsubscribe: [main] see osh_host_unsubscribe(). */
void osh_bus_unsubscribe(OshBus *bus, guint64 subscription);

/**
 * osh_bus_invoke:
 * @destroy: (nullable): called after @callback, or instead of it when the bus goes first
 *
 * [any] Runs @callback on the main thread, in order of posting; never inside the call.
 */
void osh_bus_invoke(OshBus *bus, OshCallback callback, gpointer data, GDestroyNotify destroy);

/**
 * osh_bus_add_sink:
 * @sink: an interface "openshell.draft.event-sink/1"; its provider is blamed
 * @required: whether its queue backs reservations
 *
 * [main] The sink receives what is retained, then every event delivered from now on, of every
 * topic, first to last.
 *
 * Returns: the sink, never 0
 */
guint64 osh_bus_add_sink(OshBus *bus, const OshInterface *sink, gboolean required);

/**
 * osh_bus_prepare_sink:
 *
 * [main] The same for a sink that is not ready yet: its queue fills from now on, and nothing of it
 * is called before osh_bus_open_sink(). A flush does not wait for it.
 *
 * Returns: the sink, never 0
 */
guint64 osh_bus_prepare_sink(OshBus *bus, const OshInterface *sink, gboolean required);

/** osh_bus_open_sink: [main] @sink is ready, and is offered what its queue holds. */
void osh_bus_open_sink(OshBus *bus, guint64 sink);

/**
 * osh_bus_remove_sink:
 *
 * [main] Forgets a sink and what is queued for it. 0 is ignored. It may still call the resume that
 * it was given, for as long as the bus lives.
 */
void osh_bus_remove_sink(OshBus *bus, guint64 sink);

/**
 * osh_bus_flush:
 * @deadline: g_get_monotonic_time() at which to give up
 * @done: called once from the main loop: NULL when everything published before the call was
 *   delivered and written by every sink, else the first thing that went wrong
 *
 * [main] Counted denials are sent out at once. One flush at a time.
 *
 * Returns: FALSE when a flush is under way already, and then @done is not called
 */
gboolean osh_bus_flush(OshBus *bus, gint64 deadline,
                       void (*done)(const GError *error, gpointer data), gpointer data);

/** osh_bus_get_counters: [any] Fills @ret_counters; what other threads are adding may lag. */
void osh_bus_get_counters(OshBus *bus, OshBusCounters *ret_counters);

G_END_DECLS
