/* SPDX-License-Identifier: Apache-2.0 */
/*
 * destination.h: whether the addresses of a destination may be dialled. Pure; [any].
 *
 * Loopback and the other always-blocked classes are refused whatever the policy says, and so are
 * the control-plane ports of a cluster. One bad address among several refuses them all, so that a
 * name server cannot offer one good and one bad.
 */
#pragma once

#include "connection.h"

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/**
 * OshDestinationRequest:
 * @host: for messages
 * @literal: @host is an address that the policy names or the program dialled as such
 * @exact_declared_host: from the verdict
 * @allowed: (array length=n_allowed) (nullable): from the verdict
 */
typedef struct {
    const char *host;
    gboolean literal;
    guint16 port;
    gboolean exact_declared_host;
    const OshCidr *allowed;
    gsize n_allowed;
} OshDestinationRequest;

/**
 * osh_destination_check:
 * @addresses: at least one
 * @ret_reason: (out): why, on refusal only
 *
 * Returns: (nullable): the address that is refused, inside @addresses; NULL when all may be dialled
 */
const struct in6_addr *osh_destination_check(const OshDestinationRequest *request,
                                             const OshAddressList *addresses, char **ret_reason);

G_END_DECLS
