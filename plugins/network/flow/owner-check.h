/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner-check.h: the second check of an identity: which processes own the socket now. [shard].
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * osh_owner_check_schedule:
 * @connection: whose program was read at its connect(2)
 *
 * Has the owners looked at soon, together with those of other connections: within 100 ms.
 */
void osh_owner_check_schedule(OshConnection *connection);

/** osh_owner_check_forget: @connection waits for no look any more. */
void osh_owner_check_forget(OshConnection *connection);

/**
 * osh_owner_check_now:
 * @connection: in %OSH_STEP_VERIFY
 *
 * Has the owners looked at, and goes on with osh_connection_connected() when they are the program
 * that connected. May free.
 */
void osh_owner_check_now(OshConnection *connection);

/**
 * osh_owner_check_is_fresh:
 * @connection: at an inspected request
 *
 * A decision about a request is made by a reading that is at most 100 ms old. One that will soon
 * be older is made anew meanwhile, together with those of other connections.
 *
 * Returns: FALSE where the step of @connection has to wait for it, and is woken then. May end the
 *   connection after the step.
 */
gboolean osh_owner_check_is_fresh(OshConnection *connection);

/** osh_owner_check_sweep: has them looked at if bytes have moved since the last time. May free. */
void osh_owner_check_sweep(OshConnection *connection);

/** osh_owner_check_end: the shard ends, no look follows. */
void osh_owner_check_end(OshNetworkShard *shard);

G_END_DECLS
