/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h: one plugin as the host sees it, from the file to its end.
 *
 * It knows its file, its manifest and its instance, and tells one observer how its state changes.
 * It knows neither the bus nor the other plugins.
 */
#pragma once

#include "manifest.h"
#include "openshell/plugin.h"
#include "plugin-file.h"

G_BEGIN_DECLS

/** OshPluginState: in the order of a life; the last two end it. */
typedef enum {
    OSH_PLUGIN_FOUND,
    OSH_PLUGIN_LOADED,
    OSH_PLUGIN_CREATED,
    OSH_PLUGIN_STARTED,
    OSH_PLUGIN_READY,
    OSH_PLUGIN_STOPPING,
    OSH_PLUGIN_STOPPED,
    OSH_PLUGIN_FAILED,
    OSH_PLUGIN_DISABLED,
} OshPluginState;

typedef struct _OshPlugin OshPlugin;

/** OshPluginStateFunc: [main] @plugin was in the state @old, and is in another one now. */
typedef void (*OshPluginStateFunc)(OshPlugin *plugin, OshPluginState old, gpointer data);

/**
 * OshPlugin:
 * @path: of the file, as found
 * @manifest: (nullable): NULL when it could not be read
 * @file: (nullable): likewise
 * @entry: (nullable): once loaded
 * @self: the instance, once created
 * @config: (nullable): a{sv}, checked
 * @state: atomic, because look-ups come from any thread; written on [main]
 * @reason: (nullable): why it failed or is disabled
 * @failed_stage: (nullable): in which stage it failed; constant
 * @required: its role is required, so its failure ends the run
 * @changed: (nullable): told about each change of state
 * @changed_data: for @changed
 */
struct _OshPlugin {
    char *path;
    OshManifest *manifest;
    OshPluginFile *file;
    const OshPluginEntry *entry;
    gpointer self;
    GVariant *config;
    gint state;
    char *reason;
    const char *failed_stage;
    gboolean required;
    OshPluginStateFunc changed;
    gpointer changed_data;
};

/** osh_plugin_new: [main] Returns: (transfer full): the plugin in @path; reads its manifest. */
OshPlugin *osh_plugin_new(const char *path);

/** osh_plugin_free: [main] @plugin: (transfer full): destroyed before if it was created. */
void osh_plugin_free(OshPlugin *plugin);

/** osh_plugin_id: [any] Returns: its id, or its file's name when it has no readable manifest. */
const char *osh_plugin_id(const OshPlugin *plugin);

/** osh_plugin_state: [any] Returns: its state. */
OshPluginState osh_plugin_state(const OshPlugin *plugin);

/** osh_plugin_state_name: Returns: the word for tables and events. */
const char *osh_plugin_state_name(OshPluginState state);

/** osh_plugin_is_usable: [any] Returns: whether it may be called: created and not failed. */
gboolean osh_plugin_is_usable(const OshPlugin *plugin);

/** osh_plugin_is_candidate: [main] Returns: whether it is to take part in the run. */
gboolean osh_plugin_is_candidate(const OshPlugin *plugin);

/** osh_plugin_on_state: [main] @function is told about each change of state from now on. */
void osh_plugin_on_state(OshPlugin *plugin, OshPluginStateFunc function, gpointer data);

/** osh_plugin_set_state: [main] changes it and tells the observer. */
void osh_plugin_set_state(OshPlugin *plugin, OshPluginState state, const char *reason);

/**
 * osh_plugin_fail:
 * @stage: constant word: "manifest", "load", "create", "start", "run"…
 * @reason: why, without the plugin's name
 *
 * [main] Ends its life. The first failure is the one that is kept.
 */
void osh_plugin_fail(OshPlugin *plugin, const char *stage, const char *reason);

/** osh_plugin_load: [main] dlopen(3)s the file; a failure is the plugin's. */
gboolean osh_plugin_load(OshPlugin *plugin);

/**
 * osh_plugin_create:
 * @host: what it may call; outlives the instance
 *
 * [main] Makes the instance; a failure is the plugin's.
 */
gboolean osh_plugin_create(OshPlugin *plugin, const OshHost *host);

/**
 * osh_plugin_get_interface:
 * @ret_interface: (out): filled when the plugin provides @id
 *
 * [any] Asks the plugin for what its manifest says that it provides.
 *
 * Returns: whether it may be called and has answered
 */
gboolean osh_plugin_get_interface(const OshPlugin *plugin, const char *id,
                                  OshInterface *ret_interface);

/** osh_plugin_destroy: [main] frees the instance if there is one. */
void osh_plugin_destroy(OshPlugin *plugin);

G_END_DECLS
