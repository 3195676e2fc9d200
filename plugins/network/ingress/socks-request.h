/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks-request.h: an explicit client that speaks SOCKS version 5. [shard]
 */
#pragma once

#include "step.h"
#include "transport.h"

G_BEGIN_DECLS

/** osh_transport_socks: from its first byte on. */
extern const OshTransport osh_transport_socks;

/**
 * osh_socks_take:
 *
 * What has arrived in the head of a connection whose first byte is SOCKS's: answers the greeting,
 * then takes the request. Its surplus stays in the head.
 *
 * Returns: %OSH_FLOW_WAIT while more is needed
 */
OshFlow osh_socks_take(OshConnection *connection);

G_END_DECLS
