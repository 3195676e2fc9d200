/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin-order.h: in which order plugins start.
 */
#pragma once

#include <glib.h>

#include "manifest.h"

G_BEGIN_DECLS

/**
 * OshOrderNotice:
 * @text: a `wants` that was ignored because it closed a cycle; for the log
 */
typedef void (*OshOrderNotice)(const char *text, gpointer data);

/**
 * osh_plugin_order:
 * @manifests: (array length=n): what takes part, as found
 * @n: how many
 * @ret_order: (array length=n) (out caller-allocates): indexes into @manifests, first to start
 *   first; members of a cycle are left out
 * @ret_cycle: (out caller-allocates) (array length=n): TRUE for each member of a cycle of
 * `requires`
 * @notice: (nullable): told about each `wants` that is cut
 *
 * Every plugin comes behind all providers of what it requires, and behind those of what it wants
 * where that closes no cycle. Otherwise the order is that in which they were found.
 *
 * Returns: length of @ret_order
 */
gsize osh_plugin_order(const OshManifest *const *manifests, gsize n, gsize *ret_order,
                       gboolean *ret_cycle, OshOrderNotice notice, gpointer data);

G_END_DECLS
