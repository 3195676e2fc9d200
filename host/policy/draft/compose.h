/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: several policies as one, and what providers add to a policy. */
#pragma once

#include "draft.h"

G_BEGIN_DECLS

#define OSH_COMPOSE_ERROR osh_compose_error_quark()

/**
 * OshComposeError:
 * @OSH_COMPOSE_ERROR_CLASH: two of them say different things under one name
 */
typedef enum {
    OSH_COMPOSE_ERROR_CLASH,
} OshComposeError;

/**
 * OshComposition:
 *
 * A policy in the making, and which file each part of it came from. A part is a network policy, a
 * middleware, or one of the other sections as a whole. One thread at a time.
 */
typedef struct _OshComposition OshComposition;

/** osh_compose_error_quark: Returns: the domain of #OshComposeError. */
GQuark osh_compose_error_quark(void);

/**
 * osh_composition_new:
 * @replace: a later part takes the place of an earlier one of the same name
 *
 * Returns: (transfer full): a composition of nothing
 */
OshComposition *osh_composition_new(gboolean replace);

/** osh_composition_free: @composition: (nullable) (transfer full): frees it. */
void osh_composition_free(OshComposition *composition);

/**
 * osh_composition_add:
 * @draft: a policy or a fragment of one; not changed
 * @origin: what to call it in messages
 * @notes: (element-type char *): gets a line for each part that took the place of another
 *
 * Adds every part of @draft, without `tls: terminate` and `tls: passthrough`, which mean nothing.
 * One that is there already and says the same is no matter.
 *
 * Returns: FALSE when a part says something else than the one that is there, and nothing may be
 *   replaced
 */
gboolean osh_composition_add(OshComposition *composition, const OshDraft *draft, const char *origin,
                             GPtrArray *notes, GError **error);

/** osh_composition_draft: Returns: (transfer none): what was composed so far. */
OshDraft *osh_composition_draft(OshComposition *composition);

/** osh_composition_origin: Returns: (transfer none) (nullable): where network policy @key is from.
 */
const char *osh_composition_origin(const OshComposition *composition, const char *key);

/** osh_compose_key: Returns: (transfer full): `_provider_NAME` with @name fit for a key. */
char *osh_compose_key(const char *name);

/**
 * osh_compose_add: [any]
 * @draft: the policy in force, in the making
 * @key: osh_compose_key() of the provider, or what stands for that in a file
 * @layer: a policy by itself: endpoints and binaries; not changed
 *
 * Adds @layer under a key of its own: a number follows when the key is taken, and nothing is ever
 * overwritten. What comes out is derived: it is for compiling, not for keeping.
 *
 * Returns: (transfer full): the key
 */
char *osh_compose_add(OshDraft *draft, const char *key, const OshValue *layer);

/** osh_compose_strip: removes what providers added. Returns: TRUE when there was something. */
gboolean osh_compose_strip(OshDraft *draft);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshComposition, osh_composition_free)

G_END_DECLS
