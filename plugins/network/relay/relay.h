/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h: moves bytes between the two sockets of an open tunnel, unread. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** OSH_RELAY_TURN_BYTES: what one direction may move before other connections get their turn. */
#define OSH_RELAY_TURN_BYTES (4 * 1024 * 1024)

/** osh_tunnel_run: #OshStep.run of %OSH_STEP_TUNNEL: moves what is there in both directions. */
OshFlow osh_tunnel_run(OshConnection *connection);

/** osh_tunnel_client: #OshStep.client. */
OshFlow osh_tunnel_client(OshConnection *connection, guint32 events);

/** osh_tunnel_upstream: #OshStep.upstream. */
OshFlow osh_tunnel_upstream(OshConnection *connection, int fd, guint32 events);

/** osh_relay_clear: #OshStep.clear: gives back pipes. */
void osh_relay_clear(OshConnection *connection);

G_END_DECLS
