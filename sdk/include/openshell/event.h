/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h: the bus: facts announced to whoever wants to know.
 *
 * An event is a topic and a GVariant tuple. Every tuple ends in a{sv}, the only place where it may
 * grow; a changed tuple is a new topic ending in /2. The members before it are fixed because a
 * fixed tuple costs a quarter of a dictionary to build.
 *
 * Delivery classes:
 *   lossless  bounded; an allow reserves room first (host.h), so what is allowed is recorded
 *   denial    lossless and never waiting: equal ones of one process within a second become one
 *             event, and without room they are counted and written as one event with the count
 *   sampled   may be dropped, oldest first; the loss is announced on openshell.bus.dropped/1
 * Retained is a flag beside the class: the last value for each key, the first member of the
 * tuple, is given to a late subscriber, until an event of the topic that `ends` it names the key.
 *
 * Never on the bus: secrets, body bytes, query values, anything for each byte moved. Text from
 * the box is bounded and valid UTF-8 when it gets here; whoever shows it escapes it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshTopic: a topic that a plugin may publish; 0 is none. Valid in the process that gave it. */
typedef guint32 OshTopic;

/**
 * OshEvent:
 * @struct_size: sizeof(OshEvent) of the host
 * @count: how many equal denials this stands for; 1 for everything else
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
 * The topics. One line each: name, type, class, retained, and the retained topic that it ends.
 * OSH_EVENT_TOPICS(X) expands X(SYMBOL, name, type, class, retained, ends) for each; the host
 * and the tests read the table from here.
 *
 * PLUGIN_STATE      id, old state, new state | reason
 * PLUGIN_FAULT      id, "degraded" or "fatal", text
 * HOST_STARTED      level words, host version | what holds in the box: OshBoxInfo.report
 * HOST_STOPPING     reason
 * POLICY_CHANGED    "current", generation, SHA-256 of the text, file name | restart: what needs
 * one; quarantine: why everything is denied POLICY_REJECTED   generation kept, file name, first
 * error BOX_OPENED        box id, level words, outer pid of its init | degraded, seccomp-allowed
 * BOX_CLOSED        box id, reason | appeared: auto-executed files that were made in the box,
 *                   appeared-more: how many there are beside those, appeared-in-dependencies: how
 *                   many in dependency folders, not-searched: folders, in words
 * PROCESS_STARTED   process id (unique in the run), outer pid, start time in clock ticks since
 *                   boot (/proc/PID/stat field 22), kind ("entrypoint", "session"), path
 * PROCESS_EXITED    process id, outer pid, exit code or -1, signal or 0
 * PROCESS_REFUSED   kind, path, stage, text: a launch that failed; kind "box" and stage "open" for
 *                   a box that could not be made
 * PROCESS_VIOLATION outer pid, kind, text
 * NETWORK_ALLOWED   connection, host, port, transport ("connect", "forward", "transparent",
 *                   "dns", "socks"), binary, policy, rule, generation | pid, address; audited and
 *                   reason where the policy denies it and that was only audited
 * NETWORK_DENIED    connection, layer ("identity", "connect", "forward", "transparent", "dns",
 *                   "destination", "audit", "capture", "limit", "head"), host, port, binary,
 *                   policy, reason, generation | pid, address, hint
 * NETWORK_FAILED    connection, stage ("resolve", "connect", "timeout", "relay"), host, port,
 *                   text | binary: a failure, never called a denial
 * NETWORK_OPENED    connection, host, port, address dialled
 * NETWORK_CLOSED    connection, bytes up, bytes down, microseconds, reason
 * L7_REQUEST        connection, request, protocol, action, target without query values
 * L7_RESPONSE       connection, request, status, bytes
 * CREDENTIAL_USED   connection, provider, name, scope; never a value
 * BUS_DROPPED       topic, how many, first event id lost
 */
/* clang-format off */
#define OSH_EVENT_TOPICS(X)                                                                                         \
    X(PLUGIN_STATE,      "openshell.host.plugin-state/1",      "(sssa{sv})",        LOSSLESS, TRUE,  NULL)            \
    X(PLUGIN_FAULT,      "openshell.host.plugin-fault/1",      "(sssa{sv})",        LOSSLESS, FALSE, NULL)            \
    X(HOST_STARTED,      "openshell.host.started/1",           "(ssa{sv})",         LOSSLESS, TRUE,  NULL)            \
    X(HOST_STOPPING,     "openshell.host.stopping/1",          "(sa{sv})",          LOSSLESS, FALSE, NULL)            \
    X(POLICY_CHANGED,    "openshell.policy.changed/1",         "(stssa{sv})",       LOSSLESS, TRUE,  NULL)            \
    X(POLICY_REJECTED,   "openshell.policy.rejected/1",        "(tssa{sv})",        LOSSLESS, FALSE, NULL)            \
    X(BOX_OPENED,        "openshell.box.opened/1",             "(tsua{sv})",        LOSSLESS, TRUE,  NULL)            \
    X(BOX_CLOSED,        "openshell.box.closed/1",             "(tsa{sv})",         LOSSLESS, FALSE, "openshell.box.opened/1") \
    X(PROCESS_STARTED,   "openshell.process.started/1",        "(tutssa{sv})",      LOSSLESS, TRUE,  NULL)            \
    X(PROCESS_EXITED,    "openshell.process.exited/1",         "(tuiia{sv})",       LOSSLESS, FALSE, "openshell.process.started/1") \
    X(PROCESS_REFUSED,   "openshell.process.refused/1",        "(ssssa{sv})",       LOSSLESS, FALSE, NULL)            \
    X(PROCESS_VIOLATION, "openshell.process.violation/1",      "(ussa{sv})",        DENIAL,   FALSE, NULL)            \
    X(NETWORK_ALLOWED,   "openshell.network.allowed/1",        "(tsqssssta{sv})",   LOSSLESS, FALSE, NULL)            \
    X(NETWORK_DENIED,    "openshell.network.denied/1",         "(tssqsssta{sv})",   DENIAL,   FALSE, NULL)            \
    X(NETWORK_FAILED,    "openshell.network.failed/1",         "(tssqsa{sv})",      DENIAL,   FALSE, NULL)            \
    X(NETWORK_OPENED,    "openshell.network.opened/1",         "(tsqsa{sv})",       SAMPLED,  FALSE, NULL)            \
    X(NETWORK_CLOSED,    "openshell.network.closed/1",         "(tttxsa{sv})",      SAMPLED,  FALSE, NULL)            \
    X(L7_REQUEST,        "openshell.l7.request/1",             "(ttsssa{sv})",      SAMPLED,  FALSE, NULL)            \
    X(L7_RESPONSE,       "openshell.l7.response/1",            "(ttuta{sv})",       SAMPLED,  FALSE, NULL)            \
    X(CREDENTIAL_USED,   "openshell.credential.used/1",        "(tsssa{sv})",       LOSSLESS, FALSE, NULL)            \
    X(BUS_DROPPED,       "openshell.bus.dropped/1",            "(stta{sv})",        LOSSLESS, FALSE, NULL)
/* clang-format on */

#define OSH_TOPIC_PLUGIN_STATE      "openshell.host.plugin-state/1"
#define OSH_TOPIC_PLUGIN_FAULT      "openshell.host.plugin-fault/1"
#define OSH_TOPIC_HOST_STARTED      "openshell.host.started/1"
#define OSH_TOPIC_HOST_STOPPING     "openshell.host.stopping/1"
#define OSH_TOPIC_POLICY_CHANGED    "openshell.policy.changed/1"
#define OSH_TOPIC_POLICY_REJECTED   "openshell.policy.rejected/1"
#define OSH_TOPIC_BOX_OPENED        "openshell.box.opened/1"
#define OSH_TOPIC_BOX_CLOSED        "openshell.box.closed/1"
#define OSH_TOPIC_PROCESS_STARTED   "openshell.process.started/1"
#define OSH_TOPIC_PROCESS_EXITED    "openshell.process.exited/1"
#define OSH_TOPIC_PROCESS_REFUSED   "openshell.process.refused/1"
#define OSH_TOPIC_PROCESS_VIOLATION "openshell.process.violation/1"
#define OSH_TOPIC_NETWORK_ALLOWED   "openshell.network.allowed/1"
#define OSH_TOPIC_NETWORK_DENIED    "openshell.network.denied/1"
#define OSH_TOPIC_NETWORK_FAILED    "openshell.network.failed/1"
#define OSH_TOPIC_NETWORK_OPENED    "openshell.network.opened/1"
#define OSH_TOPIC_NETWORK_CLOSED    "openshell.network.closed/1"
#define OSH_TOPIC_L7_REQUEST        "openshell.l7.request/1"
#define OSH_TOPIC_L7_RESPONSE       "openshell.l7.response/1"
#define OSH_TOPIC_CREDENTIAL_USED   "openshell.credential.used/1"
#define OSH_TOPIC_BUS_DROPPED       "openshell.bus.dropped/1"

G_END_DECLS
