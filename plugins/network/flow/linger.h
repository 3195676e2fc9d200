/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linger.h: the last step of a refused connection. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/**
 * osh_linger_run: #OshStep.run of %OSH_STEP_LINGER
 *
 * Ends our direction and waits for the client to do the same, because closing with unread bytes
 * would destroy the answer on its way (RFC 9112 section 9.6).
 */
OshFlow osh_linger_run(OshConnection *connection);

/** osh_linger_client: #OshStep.client. */
OshFlow osh_linger_client(OshConnection *connection, guint32 events);

G_END_DECLS
