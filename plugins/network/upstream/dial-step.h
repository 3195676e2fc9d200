/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial-step.h: connects a connection to the first of its checked addresses that answers. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** osh_dial_run: #OshStep.run of %OSH_STEP_DIAL: tries the connection's addresses. */
OshFlow osh_dial_run(OshConnection *connection);

/** osh_dial_expire: #OshStep.expire. */
OshFlow osh_dial_expire(OshConnection *connection);

/** osh_dial_upstream: #OshStep.upstream: of a socket that is being connected. */
OshFlow osh_dial_upstream(OshConnection *connection, int fd, guint32 events);

/** osh_dial_clear: #OshStep.clear: closes every attempt. */
void osh_dial_clear(OshConnection *connection);

G_END_DECLS
