/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-plugin.h: a plugin that provides one protocol and has no state beside its sessions.
 *
 * OSH_L7_PLUGIN_DEFINE() defines the plugin, its interface and the functions between the driver and
 * the session, from functions that take the session's own type. The session has a member
 * `OshL7List list`, which is begun before each feed.
 *
 * |[<!-- language="C" -->
 * typedef struct {
 *     OshL7List list;
 *     ...
 * } Session;
 *
 * static gsize session_feed_client(Session *self, OshL7List *list) { ... }
 * static gsize session_feed_server(Session *self, OshL7List *list) { ... }
 * static void session_answer(Session *self, guint64 message, const OshL7Answer *answer) { ... }
 *
 * OSH_L7_PLUGIN_DEFINE(Session, "memcached", .feed_client = session_feed_client,
 *                      .feed_server = session_feed_server, .answer = session_answer)
 * ]|
 */
#pragma once

#include "openshell/plugin.h"
#include "osh-l7-list.h"

/**
 * OSH_L7_PLUGIN_DEFINE:
 * @Session: type of a session, zeroed when it begins; has a member `OshL7List list`
 * @protocol: the policy's protocol value, a string
 * @...: its functions, as designated initialisers, in C++ before C++20 in this order:
 *   `gboolean init(Session *self, const OshL7Connection *connection, GError **error)`,
 *   `void clear(Session *self)`, both may be left out;
 *   `gsize feed_client(Session *self, OshL7List *list)`,
 *   `gsize feed_server(Session *self, OshL7List *list)`, each returns what feed returns, mostly
 *   list->n; `void answer(Session *self, guint64 message, const OshL7Answer *answer)`;
 *   `void expire(Session *self, gint64 now)`, `void terminate(Session *self,
 *   OshL7TerminateReason reason)`, `void cancel(Session *self, guint64 message)`, which may be left
 *   out: then the connection is closed; `OshProbe probe(OshSpan prefix)`, without which the plugin
 *   cannot tell; `const char *const *protocols`, NULL-terminated and constant, in place of
 *   @protocol where the plugin speaks several: init finds the policy's in connection->protocol
 *
 * Stands once in a plugin, at the end of a file, without a semicolon. The manifest's `provides=` is
 * OSH_INTERFACE_L7_PROTOCOL.
 */
#define OSH_L7_PLUGIN_DEFINE(Session, protocol, ...)                                               \
    typedef struct {                                                                               \
        gboolean (*init)(Session * self, const OshL7Connection *connection, GError **error);       \
        void (*clear)(Session * self);                                                             \
        gsize (*feed_client)(Session * self, OshL7List *list);                                     \
        gsize (*feed_server)(Session * self, OshL7List *list);                                     \
        void (*answer)(Session * self, guint64 message, const OshL7Answer *answer);                \
        void (*expire)(Session * self, gint64 now);                                                \
        void (*terminate)(Session * self, OshL7TerminateReason reason);                            \
        void (*cancel)(Session * self, guint64 message);                                           \
        OshProbe (*probe)(OshSpan prefix);                                                         \
        const char *const *protocols;                                                              \
    } OpenshellSessionFunctions;                                                                   \
                                                                                                   \
    OSH_PLUGIN_TYPES_ARE_CHECKED                                                                   \
    static const OpenshellSessionFunctions openshell_session_functions = {__VA_ARGS__};            \
    OSH_PLUGIN_TYPES_WERE_CHECKED                                                                  \
                                                                                                   \
    static const char *const *openshell_session_protocols(gpointer instance)                       \
    {                                                                                              \
        static const char *const names[] = {protocol, NULL};                                       \
                                                                                                   \
        (void)instance;                                                                            \
        return openshell_session_functions.protocols != NULL                                       \
                   ? openshell_session_functions.protocols                                         \
                   : names;                                                                        \
    }                                                                                              \
                                                                                                   \
    static OshProbe openshell_session_probe(gpointer instance, OshSpan prefix)                     \
    {                                                                                              \
        (void)instance;                                                                            \
        return openshell_session_functions.probe(prefix);                                          \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_close(gpointer data)                                             \
    {                                                                                              \
        if (openshell_session_functions.clear != NULL)                                             \
            openshell_session_functions.clear((Session *)data);                                    \
        g_free(data);                                                                              \
    }                                                                                              \
                                                                                                   \
    static gpointer openshell_session_open(gpointer instance, const OshL7Connection *connection,   \
                                           GError **error)                                         \
    {                                                                                              \
        Session *self = g_new0(Session, 1);                                                        \
                                                                                                   \
        (void)instance;                                                                            \
        if (openshell_session_functions.init == NULL ||                                            \
            openshell_session_functions.init(self, connection, error))                             \
            return self;                                                                           \
        openshell_session_close(self);                                                             \
        return NULL;                                                                               \
    }                                                                                              \
                                                                                                   \
    static gsize openshell_session_feed(gpointer data, const OshL7Input *input,                    \
                                        OshL7Action *actions, gsize max_actions,                   \
                                        gint64 *ret_deadline)                                      \
    {                                                                                              \
        Session *self = (Session *)data;                                                           \
        gsize n;                                                                                   \
                                                                                                   \
        osh_l7_list_begin(&self->list, input, actions, max_actions);                               \
        n = input->direction == OSH_CLIENT_TO_SERVER                                               \
                ? openshell_session_functions.feed_client(self, &self->list)                       \
                : openshell_session_functions.feed_server(self, &self->list);                      \
        *ret_deadline = self->list.deadline;                                                       \
        return n;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_resume(gpointer data, gint64 now, guint64 message,               \
                                         const OshL7Answer *answer)                                \
    {                                                                                              \
        (void)now;                                                                                 \
        openshell_session_functions.answer((Session *)data, message, answer);                      \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_expire(gpointer data, gint64 now)                                \
    {                                                                                              \
        openshell_session_functions.expire((Session *)data, now);                                  \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_terminate(gpointer data, gint64 now,                             \
                                            OshL7TerminateReason reason)                           \
    {                                                                                              \
        (void)now;                                                                                 \
        openshell_session_functions.terminate((Session *)data, reason);                            \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_cancel(gpointer data, gint64 now, guint64 message)               \
    {                                                                                              \
        (void)now;                                                                                 \
        openshell_session_functions.cancel((Session *)data, message);                              \
    }                                                                                              \
                                                                                                   \
    static gboolean openshell_session_create(const OshHost *host,                                  \
                                             OshL7ProtocolInterface **ret_self, GError **error)    \
    {                                                                                              \
        OshL7ProtocolInterface *vtable = g_new0(OshL7ProtocolInterface, 1);                        \
                                                                                                   \
        (void)host;                                                                                \
        (void)error;                                                                               \
        vtable->struct_size = sizeof(*vtable);                                                     \
        vtable->protocols = openshell_session_protocols;                                           \
        vtable->open = openshell_session_open;                                                     \
        vtable->feed = openshell_session_feed;                                                     \
        vtable->resume = openshell_session_resume;                                                 \
        if (openshell_session_functions.expire != NULL)                                            \
            vtable->expire = openshell_session_expire;                                             \
        if (openshell_session_functions.probe != NULL)                                             \
            vtable->probe = openshell_session_probe;                                               \
        if (openshell_session_functions.cancel != NULL)                                            \
            vtable->cancel = openshell_session_cancel;                                             \
        if (openshell_session_functions.terminate != NULL)                                         \
            vtable->terminate = openshell_session_terminate;                                       \
        vtable->close = openshell_session_close;                                                   \
        *ret_self = vtable;                                                                        \
        return TRUE;                                                                               \
    }                                                                                              \
                                                                                                   \
    static void openshell_session_destroy(OshL7ProtocolInterface *vtable)                          \
    {                                                                                              \
        g_free(vtable);                                                                            \
    }                                                                                              \
                                                                                                   \
    static gboolean openshell_session_get_interface(OshL7ProtocolInterface *vtable,                \
                                                    const char *id, OshInterface *ret_interface)   \
    {                                                                                              \
        if (!g_str_equal(id, OSH_INTERFACE_L7_PROTOCOL))                                           \
            return FALSE;                                                                          \
        ret_interface->vtable = vtable;                                                            \
        ret_interface->instance = NULL;                                                            \
        return TRUE;                                                                               \
    }                                                                                              \
                                                                                                   \
    OSH_PLUGIN_DEFINE(OshL7ProtocolInterface, .create = openshell_session_create,                  \
                      .destroy = openshell_session_destroy,                                        \
                      .get_interface = openshell_session_get_interface)
