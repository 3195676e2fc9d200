/* SPDX-License-Identifier: Apache-2.0 */
/* learn-write.h: sites as a policy. Private to host/record. */
#pragma once

#include "draft.h"
#include "learn-site.h"

G_BEGIN_DECLS

/**
 * osh_learn_write:
 * @draft: gets a policy for each set of binaries
 * @sites: (element-type OshLearnSite): grown and pruned, in any order
 */
void osh_learn_write(OshDraft *draft, const GPtrArray *sites);

G_END_DECLS
