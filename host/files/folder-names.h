/* SPDX-License-Identifier: Apache-2.0 */
/* folder-names.h: what lies in a folder, in an order that does not change. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_folder_names:
 * @suffix: what the names end with; "" for all of them
 * @error: return location
 *
 * [any] Returns: (transfer full) (nullable) (element-type utf8): the names in @path, sorted by
 *   their bytes
 */
GPtrArray *osh_folder_names(const char *path, const char *suffix, GError **error);

G_END_DECLS
