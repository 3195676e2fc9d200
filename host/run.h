/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h: the main job.
 */
#pragma once

#include "options.h"
#include "registry.h"

G_BEGIN_DECLS

/**
 * osh_run:
 *
 * [main] Runs the command of @options in a box, or the network plugin alone where there is none.
 *
 * Returns: the exit code of the process
 */
int osh_run(const OshOptions *options);

/**
 * osh_run_load_config:
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the configuration file and what the command line says over
 *   it
 */
OshConfig *osh_run_load_config(const OshOptions *options, GError **error);

/**
 * osh_run_plugin_directories:
 *
 * Returns: (transfer full) (element-type utf8): where plugins are looked for, in order: the
 *   directories of the command line, those of the configuration, then the host's own: where it was
 *   installed, or its build tree
 */
GPtrArray *osh_run_plugin_directories(const OshOptions *options, const OshConfig *config);

/**
 * osh_run_own_plugin_folder:
 * @ret_build_tree: (out): whether its subdirectories have the plugins, and not the folder itself
 *
 * Returns: (transfer full) (nullable): where the host looks beside its own executable, whether or
 *   not there is something
 */
char *osh_run_own_plugin_folder(gboolean *ret_build_tree);

/**
 * osh_run_own_data_folder:
 * @ret_build_tree: (out): whether it is that of a build
 *
 * Returns: (transfer full) (nullable): where profiles/ is, whether or not there is something
 */
char *osh_run_own_data_folder(gboolean *ret_build_tree);

/**
 * osh_run_scan:
 * @error: return location
 *
 * [main] Looks for plugins in osh_run_plugin_directories().
 */
gboolean osh_run_scan(OshRegistry *registry, const OshOptions *options, const OshConfig *config,
                      GError **error);

G_END_DECLS
