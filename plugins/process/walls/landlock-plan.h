/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock-plan.h: which Landlock rights a box's programs get, by what this kernel knows. [any]; no
 * state.
 */
#pragma once

#include "box.h"

#include <glib.h>

G_BEGIN_DECLS

/** OSH_LANDLOCK_KNOWN_ABI: the highest one whose meaning this plan knows. */
#define OSH_LANDLOCK_KNOWN_ABI 7

/**
 * OshLandlockGrants:
 * @read_only: (nullable) (array zero-terminated=1): granted by the policy and known to exist
 * @read_write: (nullable) (array zero-terminated=1): likewise
 * @own_read_only: (nullable) (array zero-terminated=1): what the box itself brings, such as its
 *   contributed files; a rule whose path is missing is left out
 * @own_read_write: (nullable) (array zero-terminated=1): likewise, such as its /tmp and /dev
 * @own_listed: (nullable) (array zero-terminated=1): folders that may be listed, with all below
 * @required: a path of the policy that cannot be opened by then fails the seal (hard_requirement);
 *   otherwise its rule is left out and reported
 * @log: the kernel's audit log records what is refused, from ABI 7 on
 *
 * Paths as seen in the box. Borrowed for the call.
 */
typedef struct {
    const char *const *read_only;
    const char *const *read_write;
    const char *const *own_read_only;
    const char *const *own_read_write;
    const char *const *own_listed;
    gboolean required;
    gboolean log;
} OshLandlockGrants;

/**
 * OshLandlockPlan:
 * @abi: what it was made for; 0 restricts nothing
 * @handled_fs: everything the ABI can control, so that what no rule grants is refused
 * @scoped: signals and abstract sockets stay inside the box, where the ABI can
 * @restrict_flags: of landlock_restrict_self()
 * @rules: (element-type OshBoxPathRule): their paths are owned by the plan
 * @n_policy: the first so many are the policy's, the others the box's own
 *
 * What OshBoxSeal takes. TCP is left to the network namespace of the box, which controls all of it.
 */
typedef struct {
    guint abi;
    guint64 handled_fs;
    guint64 scoped;
    guint32 restrict_flags;
    GArray *rules;
    guint n_policy;
} OshLandlockPlan;

/**
 * osh_landlock_plan_new:
 * @abi: from osh_landlock_probe()
 * @grants: what the policy and the box grant
 *
 * Rights that do not fit a path's inode (directory rights of a file) are left out by init, which
 * opens it; the rules carry the whole mask.
 *
 * Returns: (transfer full): the plan
 */
OshLandlockPlan *osh_landlock_plan_new(guint abi, const OshLandlockGrants *grants);

/**
 * osh_landlock_plan_free:
 * @plan: (nullable) (transfer full): a plan
 */
void osh_landlock_plan_free(OshLandlockPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshLandlockPlan, osh_landlock_plan_free)

/** osh_landlock_read_only_rights: Returns: the rights of a read-only grant at @abi. */
guint64 osh_landlock_read_only_rights(guint abi);

/** osh_landlock_read_write_rights: Returns: the rights of a read-write grant at @abi. */
guint64 osh_landlock_read_write_rights(guint abi);

G_END_DECLS
