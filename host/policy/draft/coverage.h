/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.h: whether what was proposed is in force. */
#pragma once

#include "draft.h"

G_BEGIN_DECLS

/**
 * osh_coverage_is_live: [any]
 * @policy: what is loaded
 * @proposal: a policy by itself: endpoints and binaries
 *
 * Every binary must be let to every port of every endpoint by some loaded policy, with the rules,
 * denials and addresses that the proposal names; what it leaves out asks for nothing. A proposal
 * without binaries asks for a policy that is about any binary.
 *
 * Returns: TRUE when it is all there; FALSE also when there is no endpoint
 */
gboolean osh_coverage_is_live(const OshDraft *policy, const OshValue *proposal);

G_END_DECLS
