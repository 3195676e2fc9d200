/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first-bytes.h: what a client says first in an open connection to a name. [shard]
 */
#pragma once

#include "client-hello.h"
#include "step.h"

G_BEGIN_DECLS

/** osh_first_bytes_refuse: the connection ends, and nothing of the client goes on. */
OshFlow osh_first_bytes_refuse(OshConnection *connection, const char *reason);

/** osh_first_bytes_judge: Returns: %OSH_FLOW_NEXT for a ClientHello that may go on. */
OshFlow osh_first_bytes_judge(OshConnection *connection, const OshClientHello *hello);

/**
 * osh_first_bytes_run: #OshStep.run of %OSH_STEP_FIRST_BYTES
 *
 * Reads nothing: it looks. A ClientHello whose name is not the one that was judged ends the
 * connection (security rule 7, names of destinations). Waits for the client to say something,
 * unless the server speaks first.
 */
OshFlow osh_first_bytes_run(OshConnection *connection);

/** osh_first_bytes_expire: #OshStep.expire: what was begun must be finished in time. */
OshFlow osh_first_bytes_expire(OshConnection *connection);

/** osh_first_bytes_client: #OshStep.client. */
OshFlow osh_first_bytes_client(OshConnection *connection, guint32 events);

/** osh_first_bytes_upstream: #OshStep.upstream. */
OshFlow osh_first_bytes_upstream(OshConnection *connection, int fd, guint32 events);

G_END_DECLS
