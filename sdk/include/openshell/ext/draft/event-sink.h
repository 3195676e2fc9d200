/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/event-sink.h: "openshell.draft.event-sink/1": somewhere that events are kept.
 *
 * A subscriber looks; a sink keeps. The bus holds a bounded queue for each sink. Where the
 * configuration marks a sink required, an allow is acted upon only after capacity for its record
 * was reserved in that queue, and the sink has written it when it flushes.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_EVENT_SINK "openshell.draft.event-sink/1"

/**
 * OshEventSinkInterface:
 * @struct_size: sizeof(OshEventSinkInterface) of the provider
 * @consume: [main] takes events from the front of @events, which are borrowed for the call.
 *   Returns how many it took: fewer means "offer the rest again later" and 0 means it is stuck;
 *   while it is stuck its queue keeps what it has and refuses reservations.
 * @flush: [main] writes everything taken so far, then calls @done with NULL, or with why not
 * @resume: (nullable): [main] the host hands over what the sink calls when it can take events
 *   again after having returned fewer; @resume stays valid until the sink is destroyed
 */
typedef struct {
    guint32 struct_size;
    gsize (*consume)(gpointer instance, const OshEvent *const *events, gsize n_events);
    void (*flush)(gpointer instance, void (*done)(const GError *error, gpointer data),
                  gpointer data);
    void (*resume)(gpointer instance, OshCallback resume, gpointer data);
} OshEventSinkInterface;

/** osh_event_sink_consume: [main] Returns: how many were taken; all of them where the sink has no
 * such function, since nobody then asked to keep them. */
static inline gsize
osh_event_sink_consume(const OshInterface *sink, const OshEvent *const *events, gsize n_events)
{
    const OshEventSinkInterface *vtable = (const OshEventSinkInterface *)sink->vtable;

    return osh_can_call(vtable, OshEventSinkInterface, consume)
               ? vtable->consume(sink->instance, events, n_events)
               : n_events;
}

/** osh_event_sink_flush: [main] calls @done at once where there is nothing to flush. */
static inline void
osh_event_sink_flush(const OshInterface *sink, void (*done)(const GError *error, gpointer data),
                     gpointer data)
{
    const OshEventSinkInterface *vtable = (const OshEventSinkInterface *)sink->vtable;

    if (osh_can_call(vtable, OshEventSinkInterface, flush))
        vtable->flush(sink->instance, done, data);
    else
        done(NULL, data);
}

/** osh_event_sink_resume: [main] see #OshEventSinkInterface. */
static inline void
osh_event_sink_resume(const OshInterface *sink, OshCallback resume, gpointer data)
{
    const OshEventSinkInterface *vtable = (const OshEventSinkInterface *)sink->vtable;

    if (osh_can_call(vtable, OshEventSinkInterface, resume))
        vtable->resume(sink->instance, resume, data);
}

G_END_DECLS
