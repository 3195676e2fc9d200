/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain.h: the end of a run, for what its programs sent just before they ended.
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** OshDrainDone: [shard] @part has ended. */
typedef void (*OshDrainDone)(OshNetworkShard *part);

/**
 * osh_drain:
 * @until: monotonic time at which the rest is cut off; earlier where nothing moves for long
 * @done: called once, inside this call or later; the caller ends the part in it
 *
 * [shard] Accepts what waits in the listeners, and lets every connection whose client has ended
 * its side go on until what the client sent is delivered or refused. What is cut off is said.
 */
void osh_drain(OshNetworkShard *part, gint64 until, OshDrainDone done);

G_END_DECLS
