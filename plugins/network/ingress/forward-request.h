/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-request.h: one absolute-form HTTP request, sent on in origin form. [shard]
 */
#pragma once

#include "osh-http1-head.h"
#include "step.h"
#include "transport.h"

G_BEGIN_DECLS

/** osh_transport_forward: an explicit client that sent a request in absolute form. */
extern const OshTransport osh_transport_forward;

/** osh_forward_take: takes a complete head that is not CONNECT. */
OshFlow osh_forward_take(OshConnection *connection, const OshHttp1Head *head, const guint8 *window);

/** osh_forward_run: #OshStep.run of %OSH_STEP_FORWARD. */
OshFlow osh_forward_run(OshConnection *connection);

/** osh_forward_client: #OshStep.client. */
OshFlow osh_forward_client(OshConnection *connection, guint32 events);

/** osh_forward_upstream: #OshStep.upstream. */
OshFlow osh_forward_upstream(OshConnection *connection, int fd, guint32 events);

/** osh_forward_clear: #OshStep.clear. */
void osh_forward_clear(OshConnection *connection);

G_END_DECLS
