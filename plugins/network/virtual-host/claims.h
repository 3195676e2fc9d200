/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h: which plugin answers which name. [main]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/**
 * osh_virtual_hosts_find:
 * @error: return location
 *
 * Asks each provider of openshell.draft.virtual-host/1 for its names, once, at the start.
 *
 * Returns: (transfer full) (nullable): name to #OshVirtualHost; NULL with @error for a name that
 * two plugins claim, or that is none of a virtual host
 */
GHashTable *osh_virtual_hosts_find(const OshHost *host, GError **error);

G_END_DECLS
