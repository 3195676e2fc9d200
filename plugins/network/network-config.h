/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network-config.h: from the values of the configuration keys to what the data plane uses. [main]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/**
 * osh_network_config_read:
 * @parsed: (out caller-allocates): for osh_network_config_clear(), whatever is returned
 *
 * Returns: FALSE when a value cannot be used
 */
gboolean osh_network_config_read(const OshHost *host, OshNetworkConfig *parsed, GError **error);

/** osh_network_config_clear: frees the members. */
void osh_network_config_clear(OshNetworkConfig *config);

G_END_DECLS
