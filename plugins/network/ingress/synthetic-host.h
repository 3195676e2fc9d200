/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic-host.h: the host name that an address of our resolver stands for. [shard]
 */
#pragma once

#include "network.h"

#include <netinet/in.h>

G_BEGIN_DECLS

/**
 * osh_synthetic_host:
 * @address: that the client named or connected to
 *
 * Sets the host of @connection to the name that our resolver gave @address to, where it did.
 *
 * Returns: whether it did
 */
gboolean osh_synthetic_host(OshConnection *connection, const struct in6_addr *address);

/** osh_synthetic_host_of_literal: the same of the address that is the host of @connection, where it
 * is one: a client of a proxy may resolve names itself. */
void osh_synthetic_host_of_literal(OshConnection *connection);

G_END_DECLS
