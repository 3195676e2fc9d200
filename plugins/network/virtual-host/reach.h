/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.h: the step that reaches the upstream of a connection: a plugin for a name that is claimed,
 * a socket for any other. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** osh_reach_run: #OshStep.run of %OSH_STEP_DIAL. */
OshFlow osh_reach_run(OshConnection *connection);

/** osh_reach_clear: #OshStep.clear. */
void osh_reach_clear(OshConnection *connection);

G_END_DECLS
