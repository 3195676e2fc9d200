/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h: the plugins of a run from their creation to their end, and who provides what.
 */
#pragma once

#include "bus.h"
#include "plugin-set.h"

G_BEGIN_DECLS

typedef struct _OshRegistry OshRegistry;

/**
 * OshRequiredFailedFunc: [main] a plugin whose role is required has failed while it ran.
 */
typedef void (*OshRequiredFailedFunc)(const OshPlugin *plugin, gpointer data);

/** OshRegistryStateFunc: [main] the state of @plugin has changed. */
typedef void (*OshRegistryStateFunc)(const OshPlugin *plugin, gpointer data);

/** OshRegistryDoneFunc: [main] @error: (nullable): what required plugin failed, and how. */
typedef void (*OshRegistryDoneFunc)(const GError *error, gpointer data);

/**
 * osh_registry_new:
 * @bus: outlives the registry
 * @set: (transfer full): the plugins that were found
 *
 * [main] Publishes each change of state from now on, and the failures that there were.
 *
 * Returns: (transfer full): a registry
 */
OshRegistry *osh_registry_new(OshBus *bus, OshPluginSet *set);

/** osh_registry_free: [main] @registry: (transfer full) (nullable): destroys what was created. */
void osh_registry_free(OshRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshRegistry, osh_registry_free)

/** osh_registry_set: [main] Returns: (transfer none): the plugins that were found. */
OshPluginSet *osh_registry_set(const OshRegistry *registry);

/** osh_registry_plugins: [main] Returns: (transfer none) (element-type OshPlugin): as found. */
const GPtrArray *osh_registry_plugins(const OshRegistry *registry);

/**
 * osh_registry_add_interface:
 * @interface: of the host's own; outlives the registry
 *
 * [main] Before create.
 */
void osh_registry_add_interface(OshRegistry *registry, const char *id,
                                const OshInterface *interface);

/**
 * osh_registry_create_all:
 * @error: return location; names the required plugin that failed
 *
 * [main] Resolves single roles and requirements, orders, loads and creates. A plugin that does not
 * answer for an interface that its manifest provides fails.
 */
gboolean osh_registry_create_all(OshRegistry *registry, GError **error);

/**
 * osh_registry_start:
 * @deadline: g_get_monotonic_time() by which every plugin is ready
 * @done: called once, from the main loop
 *
 * [main] One after the other: a plugin starts when those that it requires or wants are ready.
 */
void osh_registry_start(OshRegistry *registry, gint64 deadline, OshRegistryDoneFunc done,
                        gpointer data);

/** osh_registry_stop: [main] stops in reverse order by @deadline; @done is called once. */
void osh_registry_stop(OshRegistry *registry, gint64 deadline, OshRegistryDoneFunc done,
                       gpointer data);

/** osh_registry_on_required_failed: [main] @function is told when a required plugin fails at work.
 */
void osh_registry_on_required_failed(OshRegistry *registry, OshRequiredFailedFunc function,
                                     gpointer data);

/** osh_registry_on_state: [main] @function is told about each change of state from now on. */
void osh_registry_on_state(OshRegistry *registry, OshRegistryStateFunc function, gpointer data);

/** osh_registry_get_interface: [any] see osh_host_get_interface(). */
gboolean osh_registry_get_interface(OshRegistry *registry, const char *id,
                                    OshInterface *ret_interface);

/** osh_registry_manifest_text: [any] see osh_host_manifest(). */
const char *osh_registry_manifest_text(OshRegistry *registry, const char *plugin_id);

/** osh_registry_find_interfaces: [any] see osh_host_find_interfaces(). */
gsize osh_registry_find_interfaces(OshRegistry *registry, const char *id,
                                   OshInterface *ret_interfaces, gsize capacity);

/**
 * osh_registry_fault:
 * @severity: an #OshFaultSeverity
 *
 * [main] What a plugin says of itself; fatal ends its life.
 */
void osh_registry_fault(OshRegistry *registry, OshPlugin *plugin, OshFaultSeverity severity,
                        const char *message);

G_END_DECLS
