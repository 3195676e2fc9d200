/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h: moves bytes between the two sockets of an open tunnel, unread. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** OSH_RELAY_TURN_BYTES: what one direction may move before other connections get their turn. */
#define OSH_RELAY_TURN_BYTES (4 * 1024 * 1024)

/** osh_relay_start: moves whatever is there in both directions. May free @connection. */
void osh_relay_start(OshConnection *connection);

/**
 * osh_relay_send_first:
 * @bytes: (array length=length): what the client sent behind its request head
 *
 * Returns: FALSE when the upstream cannot take them any more
 */
gboolean osh_relay_send_first(OshConnection *connection, const guint8 *bytes, gsize length);

/** osh_relay_client_event: [shard] epoll events of the client's socket. May free. */
void osh_relay_client_event(OshConnection *connection, guint32 events);

/** osh_relay_upstream_event: [shard] epoll events of the upstream socket. May free. */
void osh_relay_upstream_event(OshConnection *connection, guint32 events);

/** osh_relay_continue: after osh_connection_again(). May free. */
void osh_relay_continue(OshConnection *connection);

/** osh_relay_clear: gives back pipes. */
void osh_relay_clear(OshConnection *connection);

G_END_DECLS
