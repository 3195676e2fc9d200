/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocols.h: which plugin speaks which protocol. [main]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** osh_protocols_find: Returns: (transfer full) (element-type utf8 OshNetworkProtocol): value of
 * `protocol:` in the policy to the plugin that speaks it; the first one where several do. */
GHashTable *osh_protocols_find(const OshHost *host);

G_END_DECLS
