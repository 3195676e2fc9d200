/* SPDX-License-Identifier: Apache-2.0 */
/* middleware-entry.h: an entry of `network_middlewares`, as the loader understood it. Private to
 * host/policy. */
#pragma once

#include <openshell/ext/policy.h>

#include "osh-host-pattern.h"
#include "policy.h"

G_BEGIN_DECLS

/**
 * OshPolicyMiddlewareEntry:
 * @shown: what plugins get of it; its strings live in the snapshot's arena
 * @order: entries run by ascending order
 * @include: (element-type OshHostPattern): hosts that it selects
 * @exclude: (element-type OshHostPattern): hosts that it leaves out, which wins
 * @line: where it stands in the file
 */
typedef struct {
    OshPolicyMiddleware shown;
    gint32 order;
    GPtrArray *include;
    GPtrArray *exclude;
    guint line;
} OshPolicyMiddlewareEntry;

/** osh_policy_middlewares_new: Returns: (transfer full) (element-type OshPolicyMiddlewareEntry): an
 * empty list that owns what its entries hold. */
GArray *osh_policy_middlewares_new(void);

/** osh_policy_middleware_seal: the rest of what is shown of @entry follows from what was read. */
void osh_policy_middleware_seal(OshPolicyMiddlewareEntry *entry);

/** osh_policy_middlewares_sort: by their order, once all of them are there. */
void osh_policy_middlewares_sort(GArray *middlewares);

G_END_DECLS
