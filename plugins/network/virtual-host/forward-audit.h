/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-audit.h: what the bus hears of the destinations of a forward, under the correlation id of
 * the connection whose request it is. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * osh_forward_audit_allowed:
 * @authority: about to be dialled
 * @address: the first of its addresses
 *
 * Returns: FALSE when a sink has no capacity now: nothing is dialled
 */
gboolean osh_forward_audit_allowed(const OshConnection *connection, const OshAuthority *authority,
                                   const struct in6_addr *address);

/** osh_forward_audit_denied: @address: (nullable): the one that was refused. */
void osh_forward_audit_denied(const OshConnection *connection, const OshAuthority *authority,
                              const char *layer, const char *reason,
                              const struct in6_addr *address);

/** osh_forward_audit_failed: what could not be done. */
void osh_forward_audit_failed(const OshConnection *connection, const OshAuthority *authority,
                              const char *stage, const char *text);

G_END_DECLS
