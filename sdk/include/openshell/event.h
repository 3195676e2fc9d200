/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h: the event bus: facts, announced to every subscriber.
 *
 * An event is a topic and a GVariant tuple. Every tuple ends in a{sv}, the only place where it may
 * grow; a changed tuple is a new topic ending in /2. The members before it are fixed because a
 * fixed tuple costs a quarter of a dictionary to build. Publishers and subscribers use the struct
 * of the event with its pack and unpack, in the header event-NAME.h of its family; all of them are
 * included here.
 *
 * Delivery classes:
 * - lossless: bounded; an allow reserves capacity first (host.h), so that what is allowed is
 *   recorded
 * - denial: lossless and never waiting: equal ones of one process within a second become one event,
 *   and without capacity they are counted and written as one event with the count
 * - sampled: may be dropped, oldest first; the loss is announced on openshell.bus.dropped/1
 *
 * Retained is a flag beside the class: the last value for each key, the first member of the tuple,
 * is given to a late subscriber, until an event of the topic that `ends` it names the key.
 *
 * Never on the bus: secrets, body bytes, query values, anything for each byte moved. Text from
 * the box is bounded and valid UTF-8 on the bus: pack makes it so. A consumer that shows it escapes
 * it.
 */
#pragma once

#include <glib.h>

#include "openshell/event-box.h"
#include "openshell/event-credential.h"
#include "openshell/event-host.h"
#include "openshell/event-l7.h"
#include "openshell/event-network.h"
#include "openshell/event-policy.h"
#include "openshell/event-process.h"

G_BEGIN_DECLS

/** OshTopic: a topic that a plugin may publish; 0 is none. Valid in the process that gave it. */
typedef guint32 OshTopic;

/**
 * OshEvent:
 * @struct_size: sizeof(OshEvent) of the host
 * @count: how many equal denials this stands for; 1 for every other event
 * @topic: name of the topic
 * @source: id of the plugin that published it, or "host"
 * @id: what osh_host_publish() returned
 * @sequence: position on the bus, from 1, without gaps; stamped at delivery
 * @time: g_get_monotonic_time() at publication, microseconds
 * @real_time: g_get_real_time() at publication, microseconds
 * @process_key: as published
 * @correlation: as published
 * @payload: (transfer none): the tuple
 *
 * Borrowed for the length of the callback; take a reference to the payload to keep it.
 */
typedef struct {
    guint32 struct_size;
    guint32 count;
    const char *topic;
    const char *source;
    guint64 id;
    guint64 sequence;
    gint64 time;
    gint64 real_time;
    guint64 process_key;
    guint64 correlation;
    GVariant *payload;
} OshEvent;

/** OshEventFunc: [main] receives one event. */
typedef void (*OshEventFunc)(const OshEvent *event, gpointer data);

/**
 * OshEventClass: how a topic is delivered, see above.
 */
typedef enum {
    OSH_EVENT_LOSSLESS = 1,
    OSH_EVENT_DENIAL = 2,
    OSH_EVENT_SAMPLED = 3,
} OshEventClass;

/*
 * The topics, one row each, and nowhere else:
 *
 *     X(SYMBOL, symbol, Struct, class, retained, ends)
 *
 * - SYMBOL: OSH_TOPIC_SYMBOL is the name of the topic, OSH_EVENT_TYPE(SYMBOL) its GVariant type
 * - symbol: osh_event_symbol_pack(), osh_event_symbol_unpack(), osh_event_symbol_clear()
 * - Struct: OshEventStruct, whose comment documents the members
 * - class: LOSSLESS, DENIAL or SAMPLED, for `OSH_EVENT_class`
 * - retained: TRUE when the last value for each key is given to a late subscriber
 * - ends: name of the retained topic whose value it ends, or NULL
 *
 * The host declares its topics from here, manifests are checked against it, and the tests take each
 * row. The name and the members of a row stand in the header event-NAME.h of its family.
 *
 * A message of an inspected connection is one L7_ALLOWED or one L7_DENIED, and the end of an
 * allowed one is one L7_RESPONSE.
 */
/* clang-format off */
#define OSH_EVENT_TOPICS(X)                                                                        \
    X(PLUGIN_STATE,      plugin_state,      PluginState,      LOSSLESS, TRUE,  NULL)               \
    X(PLUGIN_FAULT,      plugin_fault,      PluginFault,      LOSSLESS, FALSE, NULL)               \
    X(HOST_STARTED,      host_started,      HostStarted,      LOSSLESS, TRUE,  NULL)               \
    X(HOST_STOPPING,     host_stopping,     HostStopping,     LOSSLESS, FALSE, NULL)               \
    X(POLICY_CHANGED,    policy_changed,    PolicyChanged,    LOSSLESS, TRUE,  NULL)               \
    X(POLICY_REJECTED,   policy_rejected,   PolicyRejected,   LOSSLESS, FALSE, NULL)               \
    X(BOX_OPENED,        box_opened,        BoxOpened,        LOSSLESS, TRUE,  NULL)               \
    X(BOX_CLOSED,        box_closed,        BoxClosed,        LOSSLESS, FALSE, OSH_TOPIC_BOX_OPENED) \
    X(PROCESS_STARTED,   process_started,   ProcessStarted,   LOSSLESS, TRUE,  NULL)               \
    X(PROCESS_EXITED,    process_exited,    ProcessExited,    LOSSLESS, FALSE, OSH_TOPIC_PROCESS_STARTED) \
    X(PROCESS_REFUSED,   process_refused,   ProcessRefused,   LOSSLESS, FALSE, NULL)               \
    X(PROCESS_VIOLATION, process_violation, ProcessViolation, DENIAL,   FALSE, NULL)               \
    X(NETWORK_ALLOWED,   network_allowed,   NetworkAllowed,   LOSSLESS, FALSE, NULL)               \
    X(NETWORK_DENIED,    network_denied,    NetworkDenied,    DENIAL,   FALSE, NULL)               \
    X(NETWORK_FAILED,    network_failed,    NetworkFailed,    DENIAL,   FALSE, NULL)               \
    X(NETWORK_NOTICE,    network_notice,    NetworkNotice,    DENIAL,   FALSE, NULL)               \
    X(NETWORK_OPENED,    network_opened,    NetworkOpened,    SAMPLED,  FALSE, NULL)               \
    X(NETWORK_CLOSED,    network_closed,    NetworkClosed,    SAMPLED,  FALSE, NULL)               \
    X(L7_ALLOWED,        l7_allowed,        L7Allowed,        LOSSLESS, FALSE, NULL)               \
    X(L7_DENIED,         l7_denied,         L7Denied,         DENIAL,   FALSE, NULL)               \
    X(L7_RESPONSE,       l7_response,       L7Response,       SAMPLED,  FALSE, NULL)               \
    X(CREDENTIAL_USED,   credential_used,   CredentialUsed,   LOSSLESS, FALSE, NULL)               \
    X(BUS_DROPPED,       bus_dropped,       BusDropped,       LOSSLESS, FALSE, NULL)
/* clang-format on */

G_END_DECLS
