/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h: what the host gives to a plugin.
 *
 * The #OshHost table is made for one plugin: the host knows who calls. It is borrowed, constant,
 * and outlives the instance. Call it through the osh_host_*() inlines: each checks that the host
 * is new enough to have the function and returns the stated default otherwise.
 */
#pragma once

#include <glib-object.h>
#include <glib.h>
#include <stdarg.h>
#include <string.h>

#include "openshell/event.h"
#include "openshell/version.h"

G_BEGIN_DECLS

/**
 * osh_has_member:
 * @object: pointer to a struct that starts with struct_size
 * @type: its type
 * @member: a member
 *
 * Returns: whether whoever made @object knew @member. For a function pointer also compare NULL.
 */
#define osh_has_member(object, type, member)                                                       \
    ((object)->struct_size >= G_STRUCT_OFFSET(type, member) + sizeof((object)->member))

/**
 * osh_can_call:
 *
 * Returns: whether the vtable is there, is large enough to hold @function and has it set
 */
#define osh_can_call(vtable, type, function)                                                       \
    ((vtable) != NULL && osh_has_member(vtable, type, function) && (vtable)->function != NULL)

/** OSH_ERROR: the error domain of this API. */
#define OSH_ERROR (osh_error_quark())

/** osh_error_quark: [any] Returns: the quark behind %OSH_ERROR. */
static inline GQuark
osh_error_quark(void)
{
    return g_quark_from_static_string("openshell-error");
}

/**
 * OshError:
 * @OSH_ERROR_FAILED: anything without a code of its own
 * @OSH_ERROR_INVALID: what was given is malformed
 * @OSH_ERROR_UNSUPPORTED: well-formed, but not something this machine or build can do
 * @OSH_ERROR_DENIED: refused by policy or permission
 * @OSH_ERROR_NOT_FOUND: a named thing does not exist
 * @OSH_ERROR_BUSY: taken by someone else
 * @OSH_ERROR_FULL: a bound was reached
 * @OSH_ERROR_TIMEOUT: a deadline passed
 * @OSH_ERROR_CANCELLED: given up by the caller
 * @OSH_ERROR_NOT_EXECUTABLE: a command was found and cannot be run (shells: 126)
 * @OSH_ERROR_DEGRADED: possible only weaker than asked
 */
typedef enum {
    OSH_ERROR_FAILED = 0,
    OSH_ERROR_INVALID = 1,
    OSH_ERROR_UNSUPPORTED = 2,
    OSH_ERROR_DENIED = 3,
    OSH_ERROR_NOT_FOUND = 4,
    OSH_ERROR_BUSY = 5,
    OSH_ERROR_FULL = 6,
    OSH_ERROR_TIMEOUT = 7,
    OSH_ERROR_CANCELLED = 8,
    OSH_ERROR_NOT_EXECUTABLE = 9,
    OSH_ERROR_DEGRADED = 10,
} OshError;

/**
 * OshInterface:
 * @provider: id of the plugin that provides it, or "host"; constant
 * @vtable: its functions; starts with struct_size; constant
 * @instance: first argument of every function of the vtable
 *
 * An interface is found by id. Ids carry their revision: "openshell.process-launcher/1".
 */
typedef struct {
    const char *provider;
    gconstpointer vtable;
    gpointer instance;
} OshInterface;

/**
 * OshCallback:
 *
 * A function to be called later, with the data given for it.
 */
typedef void (*OshCallback)(gpointer data);

/**
 * OshFaultSeverity:
 * @OSH_FAULT_DEGRADED: something the plugin can live with; recorded
 * @OSH_FAULT_FATAL: the plugin cannot go on: it becomes failed, and where its role is required
 *   the host stops accepting, denies egress and drains
 */
typedef enum {
    OSH_FAULT_DEGRADED = 0,
    OSH_FAULT_FATAL = 1,
} OshFaultSeverity;

/**
 * OshPublication:
 * @struct_size: sizeof(OshPublication)
 * @topic: from osh_host_topic()
 * @reservation: 0, or what reserve() returned; spent by the call whatever its result
 * @process_key: whose doing this is: the outer pid in the low 32 bits and the low 32 bits of its
 *   start time above; 0 for the plugin's own doing. Quotas and collapsing go by it.
 * @correlation: the connection or other thread of events it belongs to; 0 for none
 * @collapse_key: (nullable): for topics of class denial: equal keys of one process within one
 *   second become one event with a count. Borrowed.
 * @payload: (transfer full): of the topic's declared type, as osh_event_NAME_pack() of its event
 *   makes it; a floating reference is taken
 */
typedef struct {
    guint32 struct_size;
    OshTopic topic;
    guint64 reservation;
    guint64 process_key;
    guint64 correlation;
    const char *collapse_key;
    GVariant *payload;
} OshPublication;

typedef struct _OshHost OshHost;

/**
 * OshHost:
 * @struct_size: sizeof(OshHost) of the host
 * @abi_major: of the host
 * @abi_minor: of the host
 * @version: version of the host, for messages; never compare it
 * @plugin_id: id of the plugin this table was made for
 * @handle: first argument of every function below
 *
 * Functions are documented at their inlines.
 */
struct _OshHost {
    guint32 struct_size;
    guint16 abi_major;
    guint16 abi_minor;
    const char *version;
    const char *plugin_id;
    gpointer handle;

    gboolean (*get_interface)(gpointer handle, const char *id, OshInterface *ret_interface);
    gsize (*find_interfaces)(gpointer handle, const char *id, OshInterface *ret_interfaces,
                             gsize capacity);
    OshTopic (*topic)(gpointer handle, const char *name);
    gboolean (*topic_wanted)(gpointer handle, OshTopic topic);
    guint64 (*reserve)(gpointer handle, OshTopic topic, guint64 process_key);
    void (*unreserve)(gpointer handle, guint64 reservation);
    void (*on_capacity)(gpointer handle, OshTopic topic, OshCallback callback, gpointer data);
    guint64 (*publish)(gpointer handle, const OshPublication *publication);
    guint64 (*subscribe)(gpointer handle, const char *pattern, OshEventFunc callback, gpointer data,
                         GDestroyNotify destroy);
    void (*unsubscribe)(gpointer handle, guint64 subscription);
    GVariant *(*config)(gpointer handle);
    void (*log)(gpointer handle, GLogLevelFlags level, const char *message);
    void (*invoke)(gpointer handle, OshCallback callback, gpointer data, GDestroyNotify destroy);
    void (*fault)(gpointer handle, OshFaultSeverity severity, const GError *error);
    GObject *(*bus)(gpointer handle);
    const char *(*manifest)(gpointer handle, const char *plugin_id);
};

/**
 * osh_host_get_interface:
 * @host: the host
 * @id: interface id with revision
 * @ret_interface: (out): untouched when FALSE is returned
 *
 * [any] The only provider of @id, or the first in start order where several are allowed.
 *
 * Returns: whether there is one that is created and has not failed
 */
static inline gboolean
osh_host_get_interface(const OshHost *host, const char *id, OshInterface *ret_interface)
{
    if (!osh_can_call(host, OshHost, get_interface))
        return FALSE;
    return host->get_interface(host->handle, id, ret_interface);
}

/**
 * osh_host_find_interfaces:
 * @host: the host
 * @id: interface id with revision
 * @ret_interfaces: (out caller-allocates) (array length=capacity): filled from the front
 * @capacity: how many fit into @ret_interfaces
 *
 * [any] All providers of @id, in start order.
 *
 * Returns: how many there are, which may be more than @capacity
 */
static inline gsize
osh_host_find_interfaces(const OshHost *host, const char *id, OshInterface *ret_interfaces,
                         gsize capacity)
{
    if (!osh_can_call(host, OshHost, find_interfaces))
        return 0;
    return host->find_interfaces(host->handle, id, ret_interfaces, capacity);
}

/**
 * osh_host_manifest:
 * @host: the host
 * @plugin_id: for example OshInterface.provider
 *
 * [any] What another plugin states about itself: the facts of a protocol, its ALPN names. A plugin
 * that serves others reads it once.
 *
 * Returns: (transfer none) (nullable): the text of its manifest; NULL when no such plugin was
 *   created. Valid until this plugin is destroyed.
 */
static inline const char *
osh_host_manifest(const OshHost *host, const char *plugin_id)
{
    return osh_can_call(host, OshHost, manifest) ? host->manifest(host->handle, plugin_id) : NULL;
}

/**
 * osh_host_topic:
 * @host: the host
 * @name: a topic that the manifest publishes or declares
 *
 * [main] Looked up once, in create or start.
 *
 * Returns: the topic, or 0 when the manifest does not name it; publishing 0 blames the plugin
 */
static inline OshTopic
osh_host_topic(const OshHost *host, const char *name)
{
    return osh_can_call(host, OshHost, topic) ? host->topic(host->handle, name) : 0;
}

/**
 * osh_host_topic_wanted:
 *
 * [any] Ask before building a payload of a sampled topic.
 *
 * Returns: whether anybody listens, or the value is retained
 */
static inline gboolean
osh_host_topic_wanted(const OshHost *host, OshTopic topic)
{
    return osh_can_call(host, OshHost, topic_wanted) && host->topic_wanted(host->handle, topic);
}

/**
 * osh_host_reserve:
 * @host: the host
 * @topic: a topic of class lossless
 * @process_key: as in #OshPublication
 *
 * [any] Reserves capacity for one event in every sink that is marked required. An allow is acted
 * upon only with a reservation in hand.
 *
 * Returns: the reservation, or 0 when there is none: wait with osh_host_on_capacity() until the
 *   step's deadline, then deny with the reason "audit-full"
 */
static inline guint64
osh_host_reserve(const OshHost *host, OshTopic topic, guint64 process_key)
{
    return osh_can_call(host, OshHost, reserve) ? host->reserve(host->handle, topic, process_key)
                                                : 0;
}

/**
 * osh_host_unreserve:
 *
 * [any] Gives back a reservation that will not be spent. 0 is ignored.
 */
static inline void
osh_host_unreserve(const OshHost *host, guint64 reservation)
{
    if (reservation != 0 && osh_can_call(host, OshHost, unreserve))
        host->unreserve(host->handle, reservation);
}

/**
 * osh_host_on_capacity:
 *
 * [main, shard] Calls @callback once, on the calling thread, when a reservation of @topic may
 * succeed again. There is no guarantee that it does.
 */
static inline void
osh_host_on_capacity(const OshHost *host, OshTopic topic, OshCallback callback, gpointer data)
{
    if (osh_can_call(host, OshHost, on_capacity))
        host->on_capacity(host->handle, topic, callback, data);
}

/**
 * osh_host_publish:
 * @host: the host
 * @publication: what; the payload is consumed in every case
 *
 * [any] Never blocks. First in, first out for each publishing thread.
 *
 * Returns: the id of the event, for messages that refer to it (a collapsed denial returns the id
 *   of the one it was counted into); 0 when it was refused or dropped
 */
static inline guint64
osh_host_publish(const OshHost *host, const OshPublication *publication)
{
    if (!osh_can_call(host, OshHost, publish)) {
        if (publication->payload != NULL)
            g_variant_unref(g_variant_take_ref(publication->payload));
        return 0;
    }
    return host->publish(host->handle, publication);
}

/**
 * osh_host_publish_own:
 * @host: the host
 * @topic: from osh_host_topic()
 * @payload: (transfer full): of the topic's declared type; a floating reference is taken
 *
 * [any] osh_host_publish() of the plugin's own doing, which belongs to no process and to no
 * connection. An event of class lossless takes its capacity here; without capacity it is dropped,
 * counted, and the loss announced.
 *
 * Returns: the id of the event; 0 when it was refused or dropped
 */
static inline guint64
osh_host_publish_own(const OshHost *host, OshTopic topic, GVariant *payload)
{
    OshPublication publication = {sizeof(OshPublication), topic, 0, 0, 0, NULL, payload};

    return osh_host_publish(host, &publication);
}

/**
 * osh_host_publish_reserved:
 * @host: the host
 * @publication: what, of class lossless; its reservation is not looked at; the payload is consumed
 *   in every case
 *
 * [any] osh_host_reserve() and osh_host_publish() in one call, for a step that cannot wait for
 * capacity: it is taken when this returns an id, and is refused with the reason "audit-full" when
 * this returns 0. A step that can wait reserves first.
 *
 * Returns: the id of the event; 0 when there is no capacity, or when it was refused
 */
static inline guint64
osh_host_publish_reserved(const OshHost *host, const OshPublication *publication)
{
    OshPublication reserved = *publication;

    reserved.reservation = osh_host_reserve(host, publication->topic, publication->process_key);
    if (reserved.reservation == 0) {
        if (publication->payload != NULL)
            g_variant_unref(g_variant_take_ref(publication->payload));
        return 0;
    }
    return osh_host_publish(host, &reserved);
}

/**
 * osh_host_subscribe:
 * @host: the host
 * @pattern: a topic name, or a prefix followed by "*"
 * @callback: called on [main], once for each event
 * @data: (nullable): for @callback
 * @destroy: (nullable): called when the subscription ends
 *
 * [main] Retained values that match are delivered first, from the main loop, in their order.
 *
 * Returns: the subscription, never 0
 */
static inline guint64
osh_host_subscribe(const OshHost *host, const char *pattern, OshEventFunc callback, gpointer data,
                   GDestroyNotify destroy)
{
    if (!osh_can_call(host, OshHost, subscribe))
        return 0;
    return host->subscribe(host->handle, pattern, callback, data, destroy);
}

/**
 * osh_host_unsubscribe:
 *
 * [main] Ends a subscription; its callback is not called again. 0 is ignored.
 */
static inline void
osh_host_unsubscribe(const OshHost *host, guint64 subscription)
{
    if (subscription != 0 && osh_can_call(host, OshHost, unsubscribe))
        host->unsubscribe(host->handle, subscription);
}

/**
 * osh_host_config:
 *
 * [any] Every key of the manifest that has a value, as a{sv} with the manifest's types (string
 * and path: s, integer: x, boolean: b, strings: as).
 *
 * Returns: (transfer none) (nullable): the configuration; constant for life
 */
static inline GVariant *
osh_host_config(const OshHost *host)
{
    return osh_can_call(host, OshHost, config) ? host->config(host->handle) : NULL;
}

/*
 * One key of it. The host has read the value by the manifest's type, min=, max= and choices= before
 * create; so a plugin checks only what the manifest cannot say.
 */

/**
 * osh_host_config_string:
 * @host: the host
 * @key: a key of type string or path
 *
 * [any]
 *
 * Returns: (transfer full) (nullable): its value; NULL when it has none
 */
static inline char *
osh_host_config_string(const OshHost *host, const char *key)
{
    GVariant *config = osh_host_config(host);
    char *value = NULL;

    if (config != NULL && g_variant_lookup(config, key, "s", &value))
        return value;
    return NULL;
}

/**
 * osh_host_config_integer:
 * @host: the host
 * @key: a key of type integer
 * @otherwise: what it is without a value; a default= in the manifest makes this unreachable
 *
 * [any]
 *
 * Returns: its value, between min= and max= of the manifest
 */
static inline gint64
osh_host_config_integer(const OshHost *host, const char *key, gint64 otherwise)
{
    GVariant *config = osh_host_config(host);
    gint64 value = otherwise;

    if (config != NULL && g_variant_lookup(config, key, "x", &value))
        return value;
    return otherwise;
}

/**
 * osh_host_config_boolean:
 * @host: the host
 * @key: a key of type boolean
 * @otherwise: what it is without a value; a default= in the manifest makes this unreachable
 *
 * [any]
 *
 * Returns: its value
 */
static inline gboolean
osh_host_config_boolean(const OshHost *host, const char *key, gboolean otherwise)
{
    GVariant *config = osh_host_config(host);
    gboolean value = otherwise;

    if (config != NULL && g_variant_lookup(config, key, "b", &value))
        return value;
    return otherwise;
}

/**
 * osh_host_config_strings:
 * @host: the host
 * @key: a key of type strings
 *
 * [any]
 *
 * Returns: (transfer full) (array zero-terminated=1): its values; none when it has no value. Free
 *   with g_strfreev().
 */
static inline char **
osh_host_config_strings(const OshHost *host, const char *key)
{
    GVariant *config = osh_host_config(host);
    char **values = NULL;

    if (config != NULL && g_variant_lookup(config, key, "^as", &values))
        return values;
    return g_new0(char *, 1);
}

/**
 * osh_host_log:
 * @message: plain text, no newline, no secret; the host escapes what a terminal would obey
 *
 * [any] One line for whoever runs the host.
 */
static inline void
osh_host_log(const OshHost *host, GLogLevelFlags level, const char *message)
{
    if (osh_can_call(host, OshHost, log))
        host->log(host->handle, level, message);
}

/** OSH_LOG_LINE_MAX: a line of osh_host_logf() is cut to fewer bytes than this. */
#define OSH_LOG_LINE_MAX 1024

/**
 * osh_host_logf:
 * @host: the host
 * @level: as for osh_host_log()
 * @format: printf(3) format; a literal
 * @...: its arguments; no secret, and nothing of which a secret may be a part, such as a URL with
 *   its query or a header field
 *
 * [any] osh_host_log() of a formatted line. Allocates nothing of its own; a line that is too long
 * is cut between two characters and ends in "...".
 */
static inline void G_GNUC_PRINTF(3, 4)
    osh_host_logf(const OshHost *host, GLogLevelFlags level, const char *format, ...)
{
    static const char dots[] = "...";
    char line[OSH_LOG_LINE_MAX];
    va_list arguments;
    gsize end;
    int length;

    va_start(arguments, format);
    length = g_vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((gsize)length >= sizeof line) {
        end = sizeof line - sizeof dots;
        while (end > 0 && ((guchar)line[end] & 0xc0) == 0x80)
            end--;
        memcpy(line + end, dots, sizeof dots);
    }
    osh_host_log(host, level, line);
}

/**
 * osh_host_invoke:
 * @callback: called on [main]
 * @destroy: (nullable): called on [main] after it, also when the host stops first
 *
 * [any] Posts to the main loop; never runs inside the call.
 */
static inline void
osh_host_invoke(const OshHost *host, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    if (osh_can_call(host, OshHost, invoke))
        host->invoke(host->handle, callback, data, destroy);
}

/**
 * osh_host_fault:
 *
 * [any] Reports that something of the plugin's own is broken. @error is borrowed.
 */
static inline void
osh_host_fault(const OshHost *host, OshFaultSeverity severity, const GError *error)
{
    if (osh_can_call(host, OshHost, fault))
        host->fault(host->handle, severity, error);
}

/**
 * osh_host_bus:
 *
 * [main] The bus itself, an object with the detailed signal "event::TOPIC" whose one argument is
 * a const #OshEvent pointer, for observers inside the process. Emission happens on [main] only.
 *
 * Returns: (transfer none) (nullable): the bus
 */
static inline GObject *
osh_host_bus(const OshHost *host)
{
    return osh_can_call(host, OshHost, bus) ? host->bus(host->handle) : NULL;
}

G_END_DECLS
