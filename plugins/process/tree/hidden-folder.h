/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden-folder.h: the folder of the supervisor's own workload identity, which no program of a box
 * may see, whatever the policy grants. [main].
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_HIDDEN_FOLDER_VARIABLE: of the host's environment; names the socket of that identity. */
#define OSH_HIDDEN_FOLDER_VARIABLE "OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET"

/**
 * osh_hidden_folder_parse:
 * @socket: (nullable): value of the variable: an absolute path, "unix:" may stand before it; blank
 *   is unset
 * @ret_folder: (out) (transfer full) (nullable): the folder to hide; %NULL when unset
 * @error: return location
 *
 * Returns: %FALSE when the value is no such path, or when its folder is one that cannot be hidden
 *   because programs need it
 */
gboolean osh_hidden_folder_parse(const char *socket, char **ret_folder, GError **error);

G_END_DECLS
