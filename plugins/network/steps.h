/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.h: what a connection goes through, in the order in which it happens.
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/** osh_connection_steps: #OshNetwork.steps. */
extern const OshStep osh_connection_steps[OSH_N_STEPS];

G_END_DECLS
