/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contributions.h: gathers what plugins want in the box.
 */
#pragma once

#include "openshell/ext/launch-contributor.h"
#include "registry.h"

G_BEGIN_DECLS

typedef struct _OshContributionSet OshContributionSet;

/**
 * osh_contributions_gather:
 * @box: what is told to each contributor
 * @error: return location; names both sides of a conflict
 *
 * [main] Returns: (transfer full) (nullable): everything that was asked for
 */
OshContributionSet *osh_contributions_gather(OshRegistry *registry, const OshBoxInfo *box,
                                             GError **error);

/** osh_contributions_get: Returns: (transfer none): the same for a launcher. */
const OshContributions *osh_contributions_get(OshContributionSet *set);

/** osh_contributions_free: @set: (transfer full) (nullable). */
void osh_contributions_free(OshContributionSet *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshContributionSet, osh_contributions_free)

G_END_DECLS
