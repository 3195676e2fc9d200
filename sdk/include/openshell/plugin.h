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
 * own comment says otherwise. No host callback is made while the host holds a lock.
 *
 * Growth. Structs start with struct_size, the sizeof of whoever filled them, and grow at the end
 * only. A reader never reads beyond struct_size (osh_has_member()). A plugin built for 1.x loads
 * in any later 1.y; what it cannot do without it lists in `requires`. A changed meaning is a new
 * interface revision, never a changed function.
 *
 * A complete plugin:
 *
 * |[<!-- language="C" -->
 * #include <openshell/plugin.h>
 *
 * OSH_PLUGIN_MANIFEST("[plugin]\n"
 *                     "id=com.example.hello\n"
 *                     "version=1.0.0\n"
 *                     "abi=1.0\n"
 *                     "summary=Says hello when the host is ready\n"
 *                     "license=Apache-2.0\n");
 *
 * static gboolean
 * hello_create(const OshHost *host, gpointer *ret_self, GError **error)
 * {
 *     (void)error;
 *     *ret_self = (gpointer)host;
 *     return TRUE;
 * }
 *
 * static void
 * hello_start(gpointer self, OshReadyFunc ready, gpointer data)
 * {
 *     osh_host_log(self, G_LOG_LEVEL_MESSAGE, "hello");
 *     ready(data, NULL);
 * }
 *
 * OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
 *     OSH_PLUGIN_ENTRY_INIT,
 *     .create = hello_create,
 *     .start = hello_start,
 * };
 * ]|
 */
#pragma once

#include <glib.h>

#include "openshell/host.h"

G_BEGIN_DECLS

/** OSH_ABI_MAJOR: a plugin of another major is refused; the major is also in the entry's name. */
#define OSH_ABI_MAJOR 1
/** OSH_ABI_MINOR: raised whenever something is appended. */
#define OSH_ABI_MINOR 0

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
 * role=          network: it carries the connections of programs as the policy decides; a run with
 *                a command needs one, and there can be only one
 *
 * [topic com.example.redis.command/1]       a topic of its own; the name starts with its id
 * type=          GVariant tuple type ending in a{sv}
 * class=         lossless, denial or sampled
 * retained=      true or false (default)
 * ends=          the retained topic whose key this one clears
 *
 * [config KEY]
 * type=          string, path, integer, boolean or strings
 * default=       absent means: no value
 * help=          one line
 *
 * [protocol NAME]                            a value of `protocol:` in the policy
 * carrier=       tcp, http or websocket
 * alpn=          names separated by ;
 * server-speaks-first=  true or false (default)
 *
 * [fact NAME]                                a fact of the protocol above it; not network.* and
 *                                            not process.*, which the host states itself
 * protocol=      which
 * type=          string, integer, boolean, strings or records
 * sensitivity=   public (default) or sensitive (never recorded, never shown)
 * separator=     one ASCII character that * does not cross; absent means none
 * fields=        of records, separated by ;: NAME or NAME:TYPE, where TYPE is string (default),
 *                integer, boolean or strings; what is not declared cannot stand in a rule
 * ]|
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

extern const OshPluginEntry openshell_plugin_v1;

G_END_DECLS
