/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h: what the bus hears about a connection. [shard]
 *
 * An allow is acted upon only with the capacity for its event reserved; a denial never waits.
 */
#pragma once

#include "connection.h"
#include "refusal.h"

G_BEGIN_DECLS

/**
 * osh_audit_reserve:
 * @capacity: what @connection, or a message of it, is to be recorded as
 * @reservation: (inout): 0, or what was reserved before
 *
 * Returns: TRUE with capacity for the allowed event; FALSE after arranging that @connection is
 *   woken when there is capacity, if it waits in the step of @capacity then
 */
gboolean osh_audit_reserve(OshConnection *connection, OshCapacity capacity, guint64 *reservation);

/** osh_audit_allowed: spends the reservation. */
void osh_audit_allowed(OshConnection *connection, const OshVerdict *verdict);

/** osh_audit_denied: Returns: the id of the event, which the answer shows. */
guint64 osh_audit_denied(OshConnection *connection, const OshRefusal *refusal);

/** osh_audit_failed: Returns: likewise. */
guint64 osh_audit_failed(OshConnection *connection, const OshRefusal *refusal);

/** osh_audit_binary: Returns: (transfer none): the program as events show it, "" when not known. */
const char *osh_audit_binary(const OshConnection *connection);

/** osh_audit_pid: Returns: its pid, or 0. */
guint32 osh_audit_pid(const OshConnection *connection);

/** osh_audit_process_key: Returns: the key by which events of one process are counted. */
guint64 osh_audit_process_key(const OshConnection *connection);

/**
 * osh_audit_publish:
 * @reservation: capacity that @topic needs, or 0
 * @collapse_key: (nullable): what equal events have in common
 * @payload: (transfer floating)
 *
 * Returns: id of the event of @connection
 */
guint64 osh_audit_publish(const OshConnection *connection, OshTopic topic, guint64 reservation,
                          const char *collapse_key, GVariant *payload);

/** osh_audit_opened: the tunnel is open. */
void osh_audit_opened(OshConnection *connection);

/** osh_audit_closed: an open tunnel has ended. */
void osh_audit_closed(OshConnection *connection, const char *reason);

G_END_DECLS
