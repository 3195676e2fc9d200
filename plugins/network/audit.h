/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h: what the bus hears about a connection. [shard]
 *
 * An allow is acted upon only with its room reserved; a denial never waits.
 */
#pragma once

#include "connection.h"
#include "osh-destination.h"

G_BEGIN_DECLS

/**
 * osh_audit_reserve:
 *
 * Returns: TRUE with room for the allowed event; FALSE after arranging that connections in the
 *   audit step are decided again when there is room
 */
gboolean osh_audit_reserve(OshConnection *connection);

/** osh_audit_allowed: spends the reservation. */
void osh_audit_allowed(OshConnection *connection, const OshVerdict *verdict);

/**
 * osh_audit_denied:
 * @layer: a word of the list at NETWORK_DENIED in event.h
 * @policy: (nullable): key of the policy that decided
 * @reason: why, in words
 * @hint: (nullable): what would allow it
 * @address: (nullable): the address that was refused
 *
 * Returns: the id that the answer shows
 */
guint64 osh_audit_denied(OshConnection *connection, const char *layer, const char *policy,
                         const char *reason, const char *hint, const struct in6_addr *address);

/** osh_audit_failed: @stage: a word of the list at NETWORK_FAILED in event.h. */
guint64 osh_audit_failed(OshConnection *connection, const char *stage, const char *text);

/** osh_audit_opened: the tunnel is open. */
void osh_audit_opened(OshConnection *connection);

/** osh_audit_closed: an open tunnel has ended. */
void osh_audit_closed(OshConnection *connection, const char *reason);

G_END_DECLS
