/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.h: the end of a run, for what its programs sent just before they ended.
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** OshDrainDone: [shard] nothing of @part is on its way any more, or its time is over. */
typedef void (*OshDrainDone)(OshNetworkShard *part);

/**
 * osh_drain:
 * @until: monotonic time at which the rest is cut off; earlier where nothing moves for long
 * @done: called once, inside this call or later; the caller ends the part in it
 *
 * [shard] Accepts the connections that wait in the listeners. Each connection whose client has
 * ended its side goes on until the client's bytes are delivered or refused. A line names how many
 * are cut off.
 */
void osh_drain(OshNetworkShard *part, gint64 until, OshDrainDone done);

G_END_DECLS
