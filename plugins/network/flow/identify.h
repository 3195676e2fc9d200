/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.h: which program made a connection (security rule 4, identity at connect). [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** OSH_IDENTITY_FRESH: before the first byte, a reading that began longer ago is repeated. */
#define OSH_IDENTITY_FRESH (100 * G_TIME_SPAN_MILLISECOND)

/** osh_identify_early: asks as soon as the connection has arrived, where that costs little. */
void osh_identify_early(OshConnection *connection);

/** osh_identify_run: #OshStep.run of %OSH_STEP_IDENTIFY. */
OshFlow osh_identify_run(OshConnection *connection);

/** osh_identify_expire: #OshStep.expire of the steps that wait for who it is. */
OshFlow osh_identify_expire(OshConnection *connection);

/**
 * osh_verify_run: #OshStep.run of %OSH_STEP_VERIFY
 *
 * Has the owners looked at where the last reading is too old, and the policy asked where it has
 * changed since.
 */
OshFlow osh_verify_run(OshConnection *connection);

G_END_DECLS
