/* SPDX-License-Identifier: Apache-2.0 */
/* writable-places.h: what the programs of a box may write, by every path that leads there. */
#pragma once

#include "openshell/ext/policy.h"

G_BEGIN_DECLS

/**
 * osh_writable_places:
 * @policy: what the box is made from
 * @workdir: (nullable): the working directory; %NULL without a box
 * @error: return location
 *
 * [main] Resolves each writable grant once. What the box has of its own, such as its /tmp, is left
 * out. A folder that is mounted at a second place, and a part of a grant that is, count as well.
 *
 * Returns: (transfer full) (nullable) (element-type utf8): resolved folders and files, closed by a
 *   %NULL: a resolved path can be written exactly if it is one of these or lies below one
 */
GPtrArray *osh_writable_places(const OshPolicyStatic *policy, const char *workdir, GError **error);

G_END_DECLS
