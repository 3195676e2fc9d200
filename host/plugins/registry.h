/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h: all plugins of a run, and who provides what.
 */
#pragma once

#include "plugin.h"

G_BEGIN_DECLS

/**
 * OshRequiredFailedFunc: [main] a plugin whose role is required has failed while it ran.
 */
typedef void (*OshRequiredFailedFunc)(const OshPlugin *plugin, gpointer data);

/** OshRegistryDoneFunc: [main] @error: (nullable): what required plugin failed, and how. */
typedef void (*OshRegistryDoneFunc)(const GError *error, gpointer data);

/**
 * osh_registry_new:
 * @bus: outlives the registry
 *
 * [main] Returns: (transfer full): a registry without plugins
 */
OshRegistry *osh_registry_new(OshBus *bus);

/** osh_registry_free: [main] @registry: (transfer full) (nullable): destroys what was created. */
void osh_registry_free(OshRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshRegistry, osh_registry_free)

/** osh_registry_bus: Returns: (transfer none): its bus. */
OshBus *osh_registry_bus(OshRegistry *registry);

/**
 * osh_registry_scan:
 * @directory: looked at without its subdirectories, files ending in .so in the order of their names
 * @error: return location
 *
 * [main] The first plugin with an id wins; a later one is kept as failed, with the reason.
 *
 * Returns: FALSE when the directory cannot be read
 */
gboolean osh_registry_scan(OshRegistry *registry, const char *directory, GError **error);

/**
 * osh_registry_refusal:
 * @writable: (array zero-terminated=1): from osh_writable_places()
 *
 * Security rule 3. Returns: (transfer full) (nullable): why @plugin is not used where programs of
 *   the box may write there
 */
char *osh_registry_refusal(const OshPlugin *plugin, const char *const *writable);

/**
 * osh_registry_configure:
 * @config: checked against the manifests here
 * @writable: (array zero-terminated=1): from osh_writable_places(); a plugin file there is refused
 *   (security rule 3)
 * @error: return location
 *
 * [main] Disables what is disabled and gives every other plugin its configuration.
 *
 * Returns: FALSE for a configuration that is not right
 */
gboolean osh_registry_configure(OshRegistry *registry, const OshConfig *config,
                                const char *const *writable, GError **error);

/** osh_registry_plugins: [main] Returns: (transfer none) (element-type OshPlugin): in start order
 * once ordered, before that as found. */
const GPtrArray *osh_registry_plugins(OshRegistry *registry);

/** osh_registry_find: [main] Returns: (transfer none) (nullable): the plugin with @id that won. */
OshPlugin *osh_registry_find(OshRegistry *registry, const char *id);

/** osh_registry_provider: [main] Returns: (transfer none) (nullable): the first candidate whose
 * manifest provides @interface_id. */
OshPlugin *osh_registry_provider(OshRegistry *registry, const char *interface_id);

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
 * [main] Resolves single roles and requirements, orders, loads and creates.
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

/** osh_registry_on_required_failed: [main] who is told when a required plugin fails at work. */
void osh_registry_on_required_failed(OshRegistry *registry, OshRequiredFailedFunc function,
                                     gpointer data);

/** osh_registry_get_interface: [any] see osh_host_get_interface(). */
gboolean osh_registry_get_interface(OshRegistry *registry, const char *id,
                                    OshInterface *ret_interface);

/** osh_registry_find_interfaces: [any] see osh_host_find_interfaces(). */
gsize osh_registry_find_interfaces(OshRegistry *registry, const char *id,
                                   OshInterface *ret_interfaces, gsize capacity);

/** osh_registry_announce_state: [main] publishes a change of state; for plugin.c. */
void osh_registry_announce_state(OshRegistry *registry, OshPlugin *plugin, OshPluginState old);

/**
 * osh_registry_fault:
 * @severity: an #OshFaultSeverity
 *
 * [main] What a plugin says of itself; fatal ends its life.
 */
void osh_registry_fault(OshRegistry *registry, OshPlugin *plugin, OshFaultSeverity severity,
                        const char *message);

G_END_DECLS
