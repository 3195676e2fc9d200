/* SPDX-License-Identifier: Apache-2.0 */
/* host-claim.h: whether the Host of a request contradicts where the request goes. */
#pragma once

#include "osh-authority.h"
#include "osh-http1-head.h"

G_BEGIN_DECLS

/**
 * osh_host_claim_problem: [any]
 * @head: a complete request head
 * @window: the bytes that it was parsed from
 * @target: where its target leads
 * @default_port: what a Host without port stands for, or 0 when it says nothing of the port
 *
 * Returns: (transfer none) (nullable): what the Host contradicts, or %NULL; a head without Host
 *   contradicts nothing
 */
const char *osh_host_claim_problem(const OshHttp1Head *head, const guint8 *window,
                                   const OshAuthority *target, guint16 default_port);

G_END_DECLS
