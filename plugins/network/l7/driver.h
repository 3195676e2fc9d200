/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.h: an inspected connection: the driver of openshell.draft.l7-protocol/1. [shard]
 *
 * It knows no protocol. A session of the protocol's plugin gets the bytes of both directions and
 * says what becomes of them; the driver carries that out and holds the session to the rules of the
 * contract (%OSH_L7_RULES): a session that breaks one ends its connection, as a fault of its
 * plugin.
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** OSH_DRIVER_WINDOW: bytes that a window may hold. */
#define OSH_DRIVER_WINDOW 32768

/**
 * osh_inspect_run: #OshStep.run of %OSH_STEP_INSPECT
 *
 * Opens a session where the endpoint names a protocol that a plugin speaks; goes on with what has
 * come.
 *
 * Returns: %OSH_FLOW_NEXT where nothing is to be inspected
 */
OshFlow osh_inspect_run(OshConnection *connection);

/** osh_inspect_client: #OshStep.client. */
OshFlow osh_inspect_client(OshConnection *connection, guint32 events);

/** osh_inspect_upstream: #OshStep.upstream. */
OshFlow osh_inspect_upstream(OshConnection *connection, int fd, guint32 events);

/** osh_inspect_reload: #OshStep.reload: messages that are open are decided again too; a session
 * whose connection may not go on is asked to say so. */
OshFlow osh_inspect_reload(OshConnection *connection);

/** osh_inspect_has_delivered: #OshStep.has_delivered. */
gboolean osh_inspect_has_delivered(const OshConnection *connection);

/** osh_inspect_clear: #OshStep.clear. */
void osh_inspect_clear(OshConnection *connection);

G_END_DECLS
