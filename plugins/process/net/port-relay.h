/* SPDX-License-Identifier: Apache-2.0 */
/* port-relay.h: carries bytes between two connected stream sockets. [shard]. */
#pragma once

#include <glib.h>

#include "openshell/ext/shard.h"

G_BEGIN_DECLS

/** OshPortRelay: two sockets and what is on its way between them. */
typedef struct OshPortRelay OshPortRelay;

/**
 * OshPortRelayEnded: [shard] @relay has closed its sockets and is gone after the call. */
typedef void (*OshPortRelayEnded)(OshPortRelay *relay, gpointer data);

/**
 * osh_port_relay_new:
 * @shard: the calling shard's interface
 * @fds: (array fixed-size=2) (transfer full): connected, non-blocking
 * @ended: called once, unless the relay is freed before
 * @data: for @ended
 *
 * An end of one side is passed on as such, so that the other may still answer; an error ends both.
 *
 * Returns: (transfer full) (nullable): until @ended was called; %NULL when it cannot be watched
 */
OshPortRelay *osh_port_relay_new(const OshInterface *shard, const int fds[2],
                                 OshPortRelayEnded ended, gpointer data);

/** osh_port_relay_free: @relay: (nullable) (transfer full): both sides are reset */
void osh_port_relay_free(OshPortRelay *relay);

G_END_DECLS
