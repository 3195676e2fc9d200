/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: what providers add to a policy. */
#pragma once

#include "draft.h"

G_BEGIN_DECLS

/** osh_compose_key: Returns: (transfer full): `_provider_NAME` with @name fit for a key. */
char *osh_compose_key(const char *name);

/**
 * osh_compose_add: [any]
 * @draft: the policy in force, in the making
 * @name: the provider
 * @layer: a policy by itself: endpoints and binaries; not changed
 *
 * Adds @layer under a key of its own: a number follows when the key is taken, and nothing is ever
 * overwritten. What comes out is derived: it is for compiling, not for keeping.
 *
 * Returns: (transfer full): the key
 */
char *osh_compose_add(OshDraft *draft, const char *name, const OshValue *layer);

/** osh_compose_strip: removes what providers added. Returns: TRUE when there was something. */
gboolean osh_compose_strip(OshDraft *draft);

G_END_DECLS
