/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transparent.h: captured connections. [shard]
 */
#pragma once

#include "step.h"
#include "transport.h"

G_BEGIN_DECLS

/** osh_transport_transparent: the client knows of no proxy. */
extern const OshTransport osh_transport_transparent;

/** osh_captured_run: #OshStep.run of %OSH_STEP_CAPTURED: finds where the program wanted to go. */
OshFlow osh_captured_run(OshConnection *connection);

G_END_DECLS
