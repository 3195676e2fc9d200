/* SPDX-License-Identifier: Apache-2.0 */
/* event-sinks.h: plugins that keep events, attached to the bus. */
#pragma once

#include "registry.h"

G_BEGIN_DECLS

typedef struct _OshEventSinks OshEventSinks;

/**
 * osh_event_sinks_attach:
 * @registry: its plugins are created, and none is started; outlives the sinks
 * @bus: outlives the sinks
 *
 * [main] Each plugin that provides openshell.draft.event-sink/1 gets every event from here on. It
 * is offered the first of them when it is ready, and forgotten when it fails before that.
 *
 * Returns: (transfer full): the sinks
 */
OshEventSinks *osh_event_sinks_attach(OshRegistry *registry, OshBus *bus);

/** osh_event_sinks_free: [main] @sinks: (transfer full) (nullable): they stay attached. */
void osh_event_sinks_free(OshEventSinks *sinks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshEventSinks, osh_event_sinks_free)

G_END_DECLS
