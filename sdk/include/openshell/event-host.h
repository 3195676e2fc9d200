/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-host.h: events about the host, its plugins and its bus. How structs, pack and unpack follow
 * from the tables of members: event-codec.h.
 */
#pragma once

#include "openshell/event-codec.h"

G_BEGIN_DECLS

/** OSH_TOPIC_PLUGIN_STATE: a plugin has changed its state. Published by the host. Since: 1.0 */
#define OSH_TOPIC_PLUGIN_STATE "openshell.host.plugin-state/1"

/**
 * OshEventPluginState:
 * @id: id of the plugin
 * @old_state: name of the state before
 * @state: name of the state now, for example "ready"
 * @reason: (nullable): why, for a state that nobody wished for
 * @stage: (nullable): what the plugin was doing when it failed, for example "start"
 * @more: (nullable): further details, for pack
 *
 * Retained for each @id.
 *
 * Since: 1.0
 */
#define OSH_EVENT_PLUGIN_STATE_MEMBERS(MEMBER, DETAIL, FLAGGED)                                    \
    MEMBER(STRING, id)                                                                             \
    MEMBER(STRING, old_state)                                                                      \
    MEMBER(STRING, state)                                                                          \
    DETAIL(STRING, reason, "reason")                                                               \
    DETAIL(STRING, stage, "stage")

OSH_EVENT_DEFINE(PLUGIN_STATE, plugin_state, PluginState)

/** OSH_TOPIC_PLUGIN_FAULT: a plugin has reported a fault, or the bus refused its calls. Published
 * by the host. Since: 1.0 */
#define OSH_TOPIC_PLUGIN_FAULT "openshell.host.plugin-fault/1"

/**
 * OshEventPluginFault:
 * @id: id of the plugin
 * @severity: "degraded" or "fatal"
 * @text: what is wrong
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_PLUGIN_FAULT_MEMBERS(MEMBER, DETAIL, FLAGGED)                                    \
    MEMBER(STRING, id)                                                                             \
    MEMBER(STRING, severity)                                                                       \
    MEMBER(STRING, text)

OSH_EVENT_DEFINE(PLUGIN_FAULT, plugin_fault, PluginFault)

/** OSH_TOPIC_HOST_STARTED: the run has begun. Published by the host. Since: 1.0 */
#define OSH_TOPIC_HOST_STARTED "openshell.host.started/1"

/**
 * OshEventHostStarted:
 * @level: what confines the program, in the words of the start line
 * @version: version of the host, for messages
 * @more: (nullable): further details, for pack: what holds in the box, #OshBoxInfo.report, whose
 *   keys process-launcher.h lists
 *
 * Retained.
 *
 * Since: 1.0
 */
#define OSH_EVENT_HOST_STARTED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                    \
    MEMBER(STRING, level)                                                                          \
    MEMBER(STRING, version)

OSH_EVENT_DEFINE(HOST_STARTED, host_started, HostStarted)

/** OSH_TOPIC_HOST_STOPPING: the run is about to end. Published by the host. Since: 1.0 */
#define OSH_TOPIC_HOST_STOPPING "openshell.host.stopping/1"

/**
 * OshEventHostStopping:
 * @reason: why
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_HOST_STOPPING_MEMBERS(MEMBER, DETAIL, FLAGGED) MEMBER(STRING, reason)

OSH_EVENT_DEFINE(HOST_STOPPING, host_stopping, HostStopping)

/** OSH_TOPIC_BUS_DROPPED: events of a topic were lost. Published by the host, at most once a second
 * for each topic. Since: 1.0 */
#define OSH_TOPIC_BUS_DROPPED "openshell.bus.dropped/1"

/**
 * OshEventBusDropped:
 * @topic: name of the topic
 * @count: how many events were lost
 * @first: #OshEvent.id of the first of them
 * @more: (nullable): further details, for pack
 *
 * Since: 1.0
 */
#define OSH_EVENT_BUS_DROPPED_MEMBERS(MEMBER, DETAIL, FLAGGED)                                     \
    MEMBER(STRING, topic)                                                                          \
    MEMBER(UINT64, count)                                                                          \
    MEMBER(UINT64, first)

OSH_EVENT_DEFINE(BUS_DROPPED, bus_dropped, BusDropped)

G_END_DECLS
