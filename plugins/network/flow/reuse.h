/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reuse.h: one connection of a client that sends one request after the other. [shard]
 *
 * Each request is judged, recorded and dialled as if it came first. What stays is the client's
 * socket, the program that owns it, and an upstream connection for as long as the next request
 * goes to the same authority and is handled in the same way.
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * osh_connection_reuse:
 * @connection: whose exchange has ended in good order
 *
 * Ends the exchange for the bus and forgets what belongs to it alone; what the client sent behind
 * it stays in its head.
 */
void osh_connection_reuse(OshConnection *connection);

/**
 * osh_connection_set_authority:
 *
 * Where the present request goes. The upstream connection of the request before stays where it
 * leads there; otherwise it is closed.
 *
 * Returns: whether the request before went to the same authority
 */
gboolean osh_connection_set_authority(OshConnection *connection, const OshAuthority *authority);

/** osh_upstream_look: closes an upstream connection that its server has closed, or has said
 * something on, without being asked. */
void osh_upstream_look(OshConnection *connection);

/** osh_upstream_suits_verdict: an upstream connection of the request before that was handled in
 * another way is to be made anew. */
void osh_upstream_suits_verdict(OshConnection *connection);

/** osh_upstream_again: closes the upstream connection; the dial step makes another one, to the same
 * address. */
void osh_upstream_again(OshConnection *connection);

/** osh_upstream_drop: closes the upstream connection, if there is one. @abort_it: by a reset. */
void osh_upstream_drop(OshConnection *connection, gboolean abort_it);

/** osh_upstream_unasked: events of an upstream connection that no request uses: it is closed. */
OshFlow osh_upstream_unasked(OshConnection *connection, int fd, guint32 events);

G_END_DECLS
