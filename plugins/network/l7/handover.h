/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.h: an inspected connection becomes another one: TLS, another protocol. [shard]
 */
#pragma once

#include "driver-private.h"

G_BEGIN_DECLS

/** osh_handover: carries out an action that ends its list and more than that. */
void osh_handover(OshDriver *driver, const OshL7Action *action);

/**
 * osh_handover_start_tls: what was released before is on its way
 *
 * Returns: %OSH_FLOW_TLS; %OSH_FLOW_WAIT where the connection was refused
 */
OshFlow osh_handover_start_tls(OshDriver *driver);

/** osh_handover_take_tls: the handshakes of osh_handover_start_tls() are done. */
void osh_handover_take_tls(OshDriver *driver);

G_END_DECLS
