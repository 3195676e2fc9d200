/* SPDX-License-Identifier: Apache-2.0 */
/* plugins-inspect.h: what the manifests of plugins say, for a person. None of their code runs. */
#pragma once

#include "options.h"

G_BEGIN_DECLS

/**
 * osh_plugins_inspect:
 * @plugin: an id, or the path of a file: it has a slash or ends in .so
 * @error: return location
 *
 * [main] Prints one manifest. Returns: FALSE when there is none, or it cannot be read
 */
gboolean osh_plugins_inspect(const OshOptions *options, const char *plugin, GError **error);

/**
 * osh_plugins_settings:
 * @error: return location
 *
 * [main] Prints every setting of every plugin that is found, one a line: name, type, default, help.
 */
gboolean osh_plugins_settings(const OshOptions *options, GError **error);

G_END_DECLS
