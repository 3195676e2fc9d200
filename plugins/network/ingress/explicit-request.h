/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explicit-request.h: the request head of a client that knows that it speaks to a proxy. [shard]
 */
#pragma once

#include "step.h"
#include "transport.h"

G_BEGIN_DECLS

/** osh_transport_connect: an explicit client, and one of which no head is known yet. */
extern const OshTransport osh_transport_connect;

/** osh_head_run: #OshStep.run of %OSH_STEP_HEAD. */
OshFlow osh_head_run(OshConnection *connection);

/** osh_head_expire: #OshStep.expire. */
OshFlow osh_head_expire(OshConnection *connection);

/** osh_head_client: #OshStep.client: reads what is there. */
OshFlow osh_head_client(OshConnection *connection, guint32 events);

/** osh_head_refuse: a head that cannot be served. @error: word for machines. */
OshFlow osh_head_refuse(OshConnection *connection, guint status, const char *error,
                        const char *reason);

G_END_DECLS
