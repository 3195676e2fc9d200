/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-folders.h: where the host looks for plugins and for its own data.
 */
#pragma once

#include "options.h"
#include "plugin-set.h"

G_BEGIN_DECLS

/**
 * osh_plugin_folders_list:
 *
 * Returns: (transfer full) (element-type utf8): where plugins are looked for, in order: the
 *   directories of the command line, those of the configuration, then the host's own: where it was
 *   installed, or its build tree
 */
GPtrArray *osh_plugin_folders_list(const OshOptions *options, const OshConfig *config);

/**
 * osh_plugin_folders_own:
 * @ret_build_tree: (out): whether its subdirectories have the plugins, and not the folder itself
 *
 * Returns: (transfer full) (nullable): where the host looks beside its own executable, whether or
 *   not there is something
 */
char *osh_plugin_folders_own(gboolean *ret_build_tree);

/**
 * osh_plugin_folders_own_data:
 * @ret_build_tree: (out): whether it is that of a build
 *
 * Returns: (transfer full) (nullable): where profiles/ is, whether or not there is something
 */
char *osh_plugin_folders_own_data(gboolean *ret_build_tree);

/**
 * osh_plugin_folders_scan:
 * @error: return location
 *
 * [main] Looks for plugins in osh_plugin_folders_list().
 */
gboolean osh_plugin_folders_scan(OshPluginSet *set, const OshOptions *options,
                                 const OshConfig *config, GError **error);

/**
 * osh_plugin_folders_find:
 * @config: checked against the manifests: its settings are given to the plugins
 * @error: return location
 *
 * [main] Returns: (transfer full) (nullable): the plugins of a run; %NULL for a folder that cannot
 *   be read, and for a setting that no plugin knows
 */
OshPluginSet *osh_plugin_folders_find(const OshOptions *options, OshConfig *config, GError **error);

G_END_DECLS
