/* SPDX-License-Identifier: Apache-2.0 */
/* own-files.h: what steers the host, none of which a program of the box may change or replace. */
#pragma once

#include "options.h"
#include "registry.h"

G_BEGIN_DECLS

/**
 * OshOwnFilesRequest:
 * @options: the command line
 * @config: the configuration
 * @registry: (nullable): plugins that have their configuration
 * @policy: (nullable): path of the policy
 * @writable: (array zero-terminated=1): from osh_writable_places()
 *
 * All borrowed for the call.
 */
typedef struct {
    const OshOptions *options;
    const OshConfig *config;
    OshRegistry *registry;
    const char *policy;
    const char *const *writable;
} OshOwnFilesRequest;

/**
 * osh_own_files_list:
 * @request: where they are known from
 * @error: return location; names the file and what to do
 *
 * [main] The policy, the configuration, the plugin directories and what paths of the configuration
 * name; the host's executable and whatever it has mapped; what the environment makes a program
 * load. A file that is reached through a symbolic link in @writable is an error, and so is one that
 * is missing where a program could make it: neither can be protected by a mount.
 *
 * Returns: (transfer full) (nullable) (element-type utf8): resolved files and directories that
 *   exist, closed by a %NULL
 */
GPtrArray *osh_own_files_list(const OshOwnFilesRequest *request, GError **error);

G_END_DECLS
