/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-set.h: the plugins that were found, in the order in which they were found. Their manifests
 * are read here and nowhere else; what becomes of the plugins is the registry's matter.
 */
#pragma once

#include "config.h"
#include "plugin.h"

G_BEGIN_DECLS

typedef struct _OshPluginSet OshPluginSet;

/** osh_plugin_set_new: [main] Returns: (transfer full): a set without plugins. */
OshPluginSet *osh_plugin_set_new(void);

/** osh_plugin_set_free: [main] @set: (transfer full) (nullable): with its plugins. */
void osh_plugin_set_free(OshPluginSet *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPluginSet, osh_plugin_set_free)

/**
 * osh_plugin_set_scan:
 * @directory: looked at without its subdirectories, files ending in .so in the order of their names
 * @error: return location
 *
 * [main] Reads the manifest of each. The first plugin with an id wins; a later one is kept as
 * failed, with the reason.
 *
 * Returns: FALSE when the directory cannot be read
 */
gboolean osh_plugin_set_scan(OshPluginSet *set, const char *directory, GError **error);

/** osh_plugin_set_plugins: [main] Returns: (transfer none) (element-type OshPlugin): as found. */
const GPtrArray *osh_plugin_set_plugins(const OshPluginSet *set);

/** osh_plugin_set_find: [main] Returns: (transfer none) (nullable): the plugin with @id that won.
 */
OshPlugin *osh_plugin_set_find(const OshPluginSet *set, const char *id);

/** osh_plugin_set_provider: [main] Returns: (transfer none) (nullable): the first candidate whose
 * manifest provides @interface_id. */
OshPlugin *osh_plugin_set_provider(const OshPluginSet *set, const char *interface_id);

/** osh_plugin_set_role: [main] Returns: (transfer none) (nullable): the first candidate that plays
 * @role, one of OSH_ROLE_*. */
OshPlugin *osh_plugin_set_role(const OshPluginSet *set, const char *role);

/**
 * osh_plugin_set_check_config:
 * @config: its settings are given to the plugins that they are about
 * @error: return location
 *
 * [main] Returns: FALSE for a setting that no plugin knows
 */
gboolean osh_plugin_set_check_config(const OshPluginSet *set, OshConfig *config, GError **error);

/**
 * osh_plugin_set_configure:
 * @config: checked
 * @writable: (array zero-terminated=1): from osh_writable_places(); a plugin file there is refused
 *   (security rule 3, protected files)
 * @error: return location
 *
 * [main] Disables what is disabled and gives every other plugin its configuration.
 *
 * Returns: FALSE for a configuration that is not right
 */
gboolean osh_plugin_set_configure(OshPluginSet *set, const OshConfig *config,
                                  const char *const *writable, GError **error);

/**
 * osh_plugin_refusal:
 * @writable: (array zero-terminated=1): from osh_writable_places()
 *
 * Security rule 3, protected files. Returns: (transfer full) (nullable): why @plugin is not used
 * where programs of the box may write there
 */
char *osh_plugin_refusal(const OshPlugin *plugin, const char *const *writable);

G_END_DECLS
