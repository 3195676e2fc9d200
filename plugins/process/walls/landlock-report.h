/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-report.h: what became of each Landlock rule, for events, the start line and `doctor`.
 * Thread: any; no state.
 */
#pragma once

#include "landlock-plan.h"
#include "mount-plan.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_landlock_report_new:
 * @plan: what was asked for
 * @reports: (array): what init says, one for each rule of @plan
 * @mounts: its missing paths, which the tree was planned without, are in the report too
 * @ret_skipped: (out): how many of the policy's rules were left out
 *
 * Returns: (transfer floating): a(sass): path, rights granted, and why it was left out or ""
 */
GVariant *osh_landlock_report_new(const OshLandlockPlan *plan, const OshBoxRuleReport *reports,
                                  const OshMountPlan *mounts, guint *ret_skipped);

G_END_DECLS
