/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadlines.h: ends what takes too long. [shard]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** osh_deadlines_look: ends each step of @part's connections whose time is over at @now. */
void osh_deadlines_look(OshNetworkShard *part, gint64 now);

/** osh_deadlines_sweep: once a second: closes idle connections and has owners looked at. */
void osh_deadlines_sweep(OshNetworkShard *part, gint64 now);

G_END_DECLS
