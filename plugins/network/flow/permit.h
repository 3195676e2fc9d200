/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permit.h: the steps in which the policy decides. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** osh_decide_run: #OshStep.run of %OSH_STEP_DECIDE: no name is looked up that may not be reached.
 */
OshFlow osh_decide_run(OshConnection *connection);

/**
 * osh_permit_run: #OshStep.run of %OSH_STEP_PERMIT
 *
 * With the addresses known: the policy as it is now, the destination check, capacity for the event;
 * then the connection is recorded and announced as allowed.
 */
OshFlow osh_permit_run(OshConnection *connection);

/** osh_permit_expire: #OshStep.expire: what cannot be recorded is denied. */
OshFlow osh_permit_expire(OshConnection *connection);

/** osh_open_run: #OshStep.run of %OSH_STEP_OPEN: announces it, and tells the client. */
OshFlow osh_open_run(OshConnection *connection);

G_END_DECLS
