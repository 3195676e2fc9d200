/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard-part.h: begin, tick and end of the network's part on one shard.
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** osh_shard_part_init: [main] before any shard runs. */
void osh_shard_part_init(OshNetworkShard *part, OshNetwork *network, guint index);
/** osh_shard_part_clear: [main] after osh_shard_part_end(). */
void osh_shard_part_clear(OshNetworkShard *part);

/** osh_shard_part_begin: [shard] joins the listeners. */
void osh_shard_part_begin(OshNetworkShard *part);
/** osh_shard_part_end: [shard] leaves the listeners and closes everything. */
void osh_shard_part_end(OshNetworkShard *part);

G_END_DECLS
