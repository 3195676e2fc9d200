/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation-list.h: the certificate revocation list of the run's authority (RFC 5280 section 5),
 * for clients that look into it: .NET, and Java where it is told to.
 *
 * Its name is answered by this proxy alone, to every program and without a policy: the list is
 * public, constant and empty. Nothing that a client sends there goes anywhere.
 */
#pragma once

#include "osh-http1-head.h"
#include "step.h"

G_BEGIN_DECLS

/** OSH_REVOCATION_CLIENTS: connections of a shard that may be in the step at once. */
#define OSH_REVOCATION_CLIENTS 64

/** osh_revocation_asked: Returns: whether the destination of @connection is the list's host and
 * port, in a run that has an authority. */
gboolean osh_revocation_asked(const OshConnection *connection);

/**
 * osh_revocation_answer:
 * @head: a request to osh_revocation_asked()
 * @window: its bytes
 * @path: of its target
 *
 * The list for GET and HEAD of its path, an error for every other request.
 *
 * Returns: %OSH_FLOW_REFUSED, so that the client's socket lingers; or %OSH_FLOW_GONE
 */
OshFlow osh_revocation_answer(OshConnection *connection, const OshHttp1Head *head,
                              const guint8 *window, OshHttp1Range path);

/** osh_revocation_run: #OshStep.run of %OSH_STEP_REVOCATION: %OSH_FLOW_NEXT for every connection to
 * another destination. */
OshFlow osh_revocation_run(OshConnection *connection);

/** osh_revocation_client: #OshStep.client. */
OshFlow osh_revocation_client(OshConnection *connection, guint32 events);

G_END_DECLS
