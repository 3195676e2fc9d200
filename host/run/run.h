/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h: the main job.
 */
#pragma once

#include "options.h"
#include "plugin-set.h"
#include "policy.h"

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
 * osh_run_allow_degraded:
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type utf8): names of protections that
 *   may be missing, which belong to the arguments
 */
GPtrArray *osh_run_allow_degraded(const OshOptions *options, const OshConfig *config);

/**
 * osh_run_load_policy:
 * @plugins: whose protocols the policy may name
 * @ret_messages: (out) (transfer full) (nullable): warnings, or what is wrong, a line each
 * @error: return location
 *
 * [main] Reads what the command line or the configuration names, which may be standard input.
 *
 * Returns: (transfer full) (nullable): the policy; the built-in one where none is named
 */
OshPolicySnapshot *osh_run_load_policy(const OshOptions *options, const OshConfig *config,
                                       const OshPluginSet *plugins, char **ret_messages,
                                       GError **error);

/**
 * osh_run_find_workdir:
 * @given: (nullable): a folder; %NULL for the current one
 * @error: return location
 *
 * Returns: (transfer full) (nullable): its path without symbolic links
 */
char *osh_run_find_workdir(const char *given, GError **error);

G_END_DECLS
