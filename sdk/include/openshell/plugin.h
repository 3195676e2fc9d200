/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h: what a plugin is.
 *
 * A plugin is one shared object that exports one constant, #openshell_plugin_v1, and carries its
 * manifest, a key-file text, in an ELF section that the host reads without loading the file. It
 * links GLib and whatever libraries it needs, nothing of the host and nothing of another plugin;
 * everything it uses comes through the #OshHost table given to @create.
 *
 * In-process plugins are as trusted as the host: isolation here is against bugs, not malice.
 *
 * Thread tags. Every function of this API says where it may be called:
 *   [main]    the thread that runs the host's GLib main loop
 *   [shard]   one data-plane thread; an object made on a shard belongs to it for life
 *   [worker]  a pool thread; may block
 *   [any]     any thread, concurrently
 * A callback runs on the thread class, and the shard, of the call that asked for it, unless its
 * own comment says otherwise. No host callback is made while the host holds a lock. What runs on
 * [main] or on [shard] never blocks: work that does goes to ext/worker.h. From any thread
 * osh_host_invoke() leads back to [main], and osh_shard_post() to a shard.
 *
 * States. What a plugin may call of the host depends on how far it is:
 *   create    [main] config, log, topic, get_interface and find_interfaces for what is in
 *             `requires`; no thread exists yet, and publishing is not possible
 *   start     [main] everything; shards and workers run; an interface in `wants` is there now if it
 *             ever will be, and its provider is ready
 *   ready     [any] everything, each function on its own threads
 *   stopping  [any] everything, until the plugin calls @done; its events are still recorded
 *   stopped   [main] log only
 * A plugin whose start was never called is destroyed after create. Other plugins call its
 * interfaces from its @ready to its stop, on the threads that the contract says; a plugin that is
 * in their `requires` or `wants` stops after them.
 *
 * An interface is provided in three steps: the manifest lists its id in `provides=`; the plugin
 * has a constant vtable of the type in the contract's header, whose struct_size is its sizeof; and
 * @get_interface fills an #OshInterface for that id:
 *
 * |[<!-- language="C" -->
 * static const OshLaunchContributorInterface hello_contributor = {
 *     .struct_size = sizeof(OshLaunchContributorInterface),
 *     .contribute = hello_contribute,
 * };
 *
 * static gboolean
 * hello_get_interface(Hello *self, const char *id, OshInterface *ret_interface)
 * {
 *     if (!g_str_equal(id, OSH_INTERFACE_LAUNCH_CONTRIBUTOR))
 *         return FALSE;
 *     ret_interface->vtable = &hello_contributor;
 *     ret_interface->instance = self;
 *     return TRUE;
 * }
 * ]|
 *
 * The host asks for each id of `provides=` after create; a plugin that does not answer for one of
 * them has failed. `provider` is the host's to fill in. The functions of a vtable get `instance`
 * as a gpointer, since a vtable does not know whose it is.
 *
 * The helper library (openshell/util/, strict HTTP heads, host and path patterns, buffers) is
 * static and linked into the plugin: `pkg-config --cflags --libs openshell-util-1`, or in meson
 * dependency('openshell-util-1'), instead of openshell-1. A plugin that needs the headers alone
 * uses `openshell-1`, which links GLib and GObject.
 *
 * Growth. Structs start with struct_size, the sizeof of the side that filled them, and grow at the
 * end only. A reader never reads beyond struct_size (osh_has_member()). A plugin built for 1.x
 * loads in any later 1.y; what it cannot do without it lists in `requires`. A changed meaning is a
 * new interface revision, never a changed function. version.h and docs/abi.md say more.
 *
 * A complete plugin:
 *
 * |[<!-- language="C" -->
 * #include <openshell/openshell.h>
 *
 * OSH_PLUGIN_MANIFEST("[plugin]\n"
 *                     "id=com.example.hello\n"
 *                     "version=1.0.0\n"
 *                     "abi=1.0\n"
 *                     "summary=Says hello when the host is ready\n"
 *                     "license=Apache-2.0\n");
 *
 * typedef struct {
 *     const OshHost *host;
 * } Hello;
 *
 * static gboolean
 * hello_create(const OshHost *host, Hello **ret_self, GError **error)
 * {
 *     (void)error;
 *     *ret_self = g_new0(Hello, 1);
 *     (*ret_self)->host = host;
 *     return TRUE;
 * }
 *
 * static void
 * hello_start(Hello *self, OshReadyFunc ready, gpointer data)
 * {
 *     osh_host_logf(self->host, G_LOG_LEVEL_MESSAGE, "hello from %s", self->host->plugin_id);
 *     ready(data, NULL);
 * }
 *
 * static void
 * hello_destroy(Hello *self)
 * {
 *     g_free(self);
 * }
 *
 * OSH_PLUGIN_DEFINE(Hello, .create = hello_create, .start = hello_start,
 *                   .destroy = hello_destroy)
 * ]|
 */
#pragma once

#include <glib.h>

#include "openshell/host.h"
#include "openshell/version.h"

G_BEGIN_DECLS

/** OSH_PLUGIN_ENTRY_SYMBOL: the only symbol that a plugin exports. */
#define OSH_PLUGIN_ENTRY_SYMBOL "openshell_plugin_v1"
/** OSH_PLUGIN_MANIFEST_SECTION: the ELF section that holds the manifest text. */
#define OSH_PLUGIN_MANIFEST_SECTION ".openshell_manifest"
/** OSH_PLUGIN_MANIFEST_MAX: a longer manifest is refused, in bytes. */
#define OSH_PLUGIN_MANIFEST_MAX 65536

/** OSH_PLUGIN_EXPORT: makes the entry visible in a file built with hidden visibility. */
#define OSH_PLUGIN_EXPORT __attribute__((visibility("default"), used))

/**
 * OSH_PLUGIN_MANIFEST:
 * @text: a string literal in key-file syntax, UTF-8
 *
 * Places the manifest. Groups and keys, all read strictly (an unknown one is an error):
 *
 * |[
 * [plugin]
 * id=            required; reverse DNS for third parties, one word for our own
 * version=       required; X.Y.Z
 * abi=           required; MAJOR.MINOR that it was built with
 * summary=       required; one line
 * license=       required; SPDX expression
 * provides=      interface ids, separated by ;
 * requires=      interface ids that must be there before create
 * wants=         interface ids that are used when there
 * publishes=     topics of event.h that it publishes
 * isolation=     in-process (default) or worker-capable
 * middleware=    values of `middleware:` in the policy's network_middlewares that it serves, for a
 *                provider of openshell.draft.middleware/1; lower case, for example example/redact
 * role=          network: it carries the connections of programs as the policy decides; a run with
 *                a command needs one, and there can be only one
 *
 * [topic com.example.redis.command/1]       a topic of its own; the name starts with its id
 * type=          GVariant tuple type ending in a{sv}
 * class=         lossless, denial or sampled
 * retained=      true or false (default)
 * ends=          the retained topic whose key this one clears
 *
 * [config KEY]                               `[plugin ID] KEY=` of the host's configuration
 * type=          string, path, integer, boolean or strings
 * default=       absent means: no value; must satisfy the lines below
 * min=           of an integer: the smallest; absent means: no bound
 * max=           of an integer: the largest; absent means: no bound
 * choices=       of a string, or of each word of strings: the only ones, separated by ;
 * help=          one line
 *
 * [protocol NAME]                            a value of `protocol:` in the policy
 * carrier=       what carries its messages, see below: tcp, http or websocket
 * alpn=          names separated by ;
 * server-speaks-first=  true or false (default): the client waits for the server's greeting. It
 * says so to people and tools; the data plane needs no telling: a connection on which the server
 * says something before the client is taken for one without TLS, and its session is fed the
 * server's bytes first window=        smallest window in bytes that its sessions work with, in each
 * direction; the driver's cap is never below it. Absent or 0 means: any action=        fact of this
 * protocol that says what a message does (a method, a command): the action of its records; a string
 * or strings that is not sensitive target=        fact of this protocol that says what a message
 * does it to (a path, a key): the target of its records; a string or strings that is not sensitive
 *
 * [fact NAME]                                a fact of the protocol above it; not network.* and
 *                                            not process.*, which the host states itself
 * protocol=      which
 * type=          string, integer, boolean, strings or records
 * sensitivity=   public (default) or sensitive (never recorded, never shown). Rules may name a
 *                sensitive fact. A password or token that no rule can sensibly name is stated as no
 *                fact at all
 * separator=     one ASCII character that * does not cross; absent means none
 * fields=        of records, separated by ;: NAME or NAME:TYPE, where TYPE is string (default),
 *                integer, boolean or strings; what is not declared cannot stand in a rule
 * values=        of a string or of strings: its vocabulary, separated by ;. The plugin never states
 *                another value; a rule whose pattern matches none of them is an error
 *
 * [option NAME]                              a key of endpoints of the protocol above it, in the
 *                                            policy; a session gets it with its endpoint
 * protocol=      which
 * type=          string, integer, boolean or strings
 * default=, min=, max=, choices=, help=      as in [config KEY]
 * ]|
 *
 * `carrier=` says between what the driver puts a session. With `tcp` a session sees every byte of a
 * connection, in clear or behind TLS that the driver ends: Redis, PostgreSQL, and HTTP itself. With
 * `http` the protocol lives in the bodies of HTTP messages, whose heads an HTTP session has read,
 * and endpoints may name paths. With `websocket` it lives in the messages of a WebSocket, and
 * endpoints may name the path of its opening request.
 *
 * A rule of the policy names a fact by its NAME, or without the name of its protocol where that is
 * the first word: `redis.command` of the protocol redis is `command`.
 */
#define OSH_PLUGIN_MANIFEST(text)                                                                  \
    __attribute__((section(OSH_PLUGIN_MANIFEST_SECTION), used,                                     \
                   aligned(1))) static const char openshell_manifest_text[] = text

/**
 * OshReadyFunc:
 * @data: what was given to start
 * @error: (nullable): why the plugin cannot work, or NULL when it is ready; borrowed
 *
 * [main] Called exactly once for each start, inside it or later.
 */
typedef void (*OshReadyFunc)(gpointer data, const GError *error);

/**
 * OshDoneFunc:
 * @data: what was given to stop
 *
 * [main] Called exactly once for each stop, inside it or later.
 */
typedef void (*OshDoneFunc)(gpointer data);

/**
 * OshPluginEntry:
 * @struct_size: sizeof(OshPluginEntry) of the plugin
 * @abi_major: %OSH_ABI_MAJOR of the plugin
 * @abi_minor: %OSH_ABI_MINOR of the plugin
 * @create: [main] makes the instance. May look at its configuration and at interfaces listed in
 *   `requires`; starts no thread, opens no socket. @host is borrowed and outlives the instance.
 *   FALSE must come with @error. Required.
 * @start: (nullable): [main] begins work; threads exist from here on. NULL means ready at once.
 * @stop: (nullable): [main] ends work by @deadline (g_get_monotonic_time() microseconds); after
 *   @done the plugin calls nothing of the host but log. NULL means nothing to stop.
 * @destroy: (nullable): [main] frees the instance; after stop, or after create when start was
 *   never called. The file itself is never unloaded.
 * @get_interface: (nullable): [any] fills @ret_interface for an id of `provides`; FALSE and
 *   untouched for any other. Valid until destroy.
 */
typedef struct {
    guint32 struct_size;
    guint16 abi_major;
    guint16 abi_minor;
    gboolean (*create)(const OshHost *host, gpointer *ret_self, GError **error);
    void (*start)(gpointer self, OshReadyFunc ready, gpointer data);
    void (*stop)(gpointer self, gint64 deadline, OshDoneFunc done, gpointer data);
    void (*destroy)(gpointer self);
    gboolean (*get_interface)(gpointer self, const char *id, OshInterface *ret_interface);
} OshPluginEntry;

/** OSH_PLUGIN_ENTRY_INIT: the first three members, filled for this header. */
#define OSH_PLUGIN_ENTRY_INIT                                                                      \
    .struct_size = sizeof(OshPluginEntry), .abi_major = OSH_ABI_MAJOR, .abi_minor = OSH_ABI_MINOR

/** openshell_plugin_v1: what a plugin exports; OSH_PLUGIN_DEFINE() defines it. */
extern __attribute__((visibility("default"))) const OshPluginEntry openshell_plugin_v1;

/*
 * A function of another type than asked for is an error, as it is in C++ and from GCC 14 on; older
 * C compilers only warn.
 */
#ifdef __cplusplus
#define OSH_PLUGIN_TYPES_ARE_CHECKED
#define OSH_PLUGIN_TYPES_WERE_CHECKED
#else
/* clang-format off */
#define OSH_PLUGIN_TYPES_ARE_CHECKED                                                               \
    _Pragma("GCC diagnostic push")                                                                 \
    _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")
/* clang-format on */
#define OSH_PLUGIN_TYPES_WERE_CHECKED _Pragma("GCC diagnostic pop")
#endif

/**
 * OSH_PLUGIN_DEFINE:
 * @Self: type of the instance, as create returns it; `const OshHost` where there is none
 * @...: its functions, as designated initialisers, in C++ before C++20 in this order:
 *   `gboolean create(const OshHost *host, Self **ret_self, GError **error)`,
 *   `void start(Self *self, OshReadyFunc ready, gpointer data)`,
 *   `void stop(Self *self, gint64 deadline, OshDoneFunc done, gpointer data)`,
 *   `void destroy(Self *self)`,
 *   `gboolean get_interface(Self *self, const char *id, OshInterface *ret_interface)`
 *
 * Defines #openshell_plugin_v1 from functions that take the plugin's own type; one of another
 * signature does not compile. What each does, and what holds where it is left out, stands at
 * #OshPluginEntry; create cannot be left out. Stands once in a plugin, at the end of a file,
 * without a semicolon.
 */
#define OSH_PLUGIN_DEFINE(Self, ...)                                                               \
    typedef struct {                                                                               \
        gboolean (*create)(const OshHost *host, Self **ret_self, GError **error);                  \
        void (*start)(Self * self, OshReadyFunc ready, gpointer data);                             \
        void (*stop)(Self * self, gint64 deadline, OshDoneFunc done, gpointer data);               \
        void (*destroy)(Self * self);                                                              \
        gboolean (*get_interface)(Self * self, const char *id, OshInterface *ret_interface);       \
    } OpenshellPluginFunctions;                                                                    \
                                                                                                   \
    OSH_PLUGIN_TYPES_ARE_CHECKED                                                                   \
    static const OpenshellPluginFunctions openshell_plugin_functions = {__VA_ARGS__};              \
    OSH_PLUGIN_TYPES_WERE_CHECKED                                                                  \
                                                                                                   \
    static gboolean openshell_plugin_create(const OshHost *host, gpointer *ret_self,               \
                                            GError **error)                                        \
    {                                                                                              \
        Self *self = NULL;                                                                         \
                                                                                                   \
        if (openshell_plugin_functions.create == NULL) {                                           \
            g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "OSH_PLUGIN_DEFINE names no create"); \
            return FALSE;                                                                          \
        }                                                                                          \
        if (!openshell_plugin_functions.create(host, &self, error))                                \
            return FALSE;                                                                          \
        *ret_self = (gpointer)self;                                                                \
        return TRUE;                                                                               \
    }                                                                                              \
                                                                                                   \
    static void openshell_plugin_start(gpointer self, OshReadyFunc ready, gpointer data)           \
    {                                                                                              \
        if (openshell_plugin_functions.start != NULL)                                              \
            openshell_plugin_functions.start((Self *)self, ready, data);                           \
        else                                                                                       \
            ready(data, NULL);                                                                     \
    }                                                                                              \
                                                                                                   \
    static void openshell_plugin_stop(gpointer self, gint64 deadline, OshDoneFunc done,            \
                                      gpointer data)                                               \
    {                                                                                              \
        if (openshell_plugin_functions.stop != NULL)                                               \
            openshell_plugin_functions.stop((Self *)self, deadline, done, data);                   \
        else                                                                                       \
            done(data);                                                                            \
    }                                                                                              \
                                                                                                   \
    static void openshell_plugin_destroy(gpointer self)                                            \
    {                                                                                              \
        if (openshell_plugin_functions.destroy != NULL)                                            \
            openshell_plugin_functions.destroy((Self *)self);                                      \
    }                                                                                              \
                                                                                                   \
    static gboolean openshell_plugin_get_interface(gpointer self, const char *id,                  \
                                                   OshInterface *ret_interface)                    \
    {                                                                                              \
        return openshell_plugin_functions.get_interface != NULL &&                                 \
               openshell_plugin_functions.get_interface((Self *)self, id, ret_interface);          \
    }                                                                                              \
                                                                                                   \
    __attribute__((used)) const OshPluginEntry openshell_plugin_v1 = {                             \
        sizeof(OshPluginEntry),                                                                    \
        OSH_ABI_MAJOR,                                                                             \
        OSH_ABI_MINOR,                                                                             \
        openshell_plugin_create,                                                                   \
        openshell_plugin_start,                                                                    \
        openshell_plugin_stop,                                                                     \
        openshell_plugin_destroy,                                                                  \
        openshell_plugin_get_interface,                                                            \
    };

G_END_DECLS
