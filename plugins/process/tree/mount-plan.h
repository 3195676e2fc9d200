/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the paths of a policy to the list of mounts that makes a box's tree. Works on the host,
 * before the box exists; reads the file system, changes nothing but the placeholders that a
 * request wants.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "init/protocol.h"
#include "mount-protect.h"
#include "placeholder.h"

G_BEGIN_DECLS

/* One step of the tree, in the order in which init does them. */
typedef struct {
    enum osh_init_mount_kind kind;
    guint32 flags; /* OSH_INIT_MOUNT_ */
    guint32 mode;
    char *source; /* (nullable) */
    char *target;
} OshMountStep;

/* What the policy says about files. All strings are borrowed for the call. */
typedef struct {
    const char *const *read_only;  /* (nullable): absolute paths, NULL-terminated */
    const char *const *read_write; /* (nullable) */
    const char *workdir;           /* (nullable): bound writable when include_workdir */
    gboolean include_workdir;
    gboolean hard_requirement; /* a path that does not exist is an error */
    /* (nullable): files and folders that the host obeys (its policy, its executable): bound
     * read-only wherever a writable tree shows them, their folders pinned. Security rule 3,
     * protected files. */
    const char *const *protect;
    uid_t uid; /* of the box: whose files it could change by another name */
    /* (nullable): rows and names of the table of auto-executed files that stay writable */
    const char *const *auto_executed_writable;
    /* (nullable): gets the placeholders that the plan binds; without it names that do not exist
     * stay free to create */
    OshPlaceholders *placeholders;
    gboolean baseline;  /* also grant what OpenShell grants to every box with a network */
    const char *hidden; /* (nullable): a folder that no grant shows: empty and read-only */
} OshMountRequest;

/* The tree of a box. */
typedef struct {
    GPtrArray *steps;       /* (element-type OshMountStep) */
    GPtrArray *missing;     /* (element-type utf8): policy paths that cannot be reached */
    GArray *missing_errors; /* (element-type int): the errno of each */
    GPtrArray *read_only;   /* (element-type utf8): granted and existing, without symlinks */
    GPtrArray *read_write;  /* (element-type utf8) */
    GPtrArray *baseline;    /* (element-type utf8): granted although the policy does not name it */
    GPtrArray *protected;   /* (element-type utf8): bound read-only inside a writable tree */
    gboolean writable_proc; /* programs may write what the box's /proc lets them */
    gboolean root_is_host;  /* the policy grants "/" */
    gboolean root_read_only;

    OshProtectFindings *auto_executed; /* of the writable trees */
    GPtrArray *placeholders; /* (element-type utf8): what of that was not there and is kept so */
} OshMountPlan;

/**
 * osh_mount_plan_new:
 * @request: what the policy grants
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the tree, or %NULL with @error set when a path is relative,
 *   holds "..", or is missing under hard_requirement.
 */
OshMountPlan *osh_mount_plan_new(const OshMountRequest *request, GError **error);

/**
 * osh_mount_plan_shows:
 * @plan: a plan
 * @path: absolute
 *
 * Returns: whether @path, by whatever links, is or lies in what the policy grants of the host's
 * tree
 */
gboolean osh_mount_plan_shows(const OshMountPlan *plan, const char *path);

/** osh_mount_plan_is_own: Returns: whether @path is a folder that every box has anew, as /tmp. */
gboolean osh_mount_plan_is_own(const char *path);

/**
 * osh_mount_plan_has:
 * @plan: a plan
 * @path: absolute
 *
 * Returns: whether @path is there in the box: shown, or above something shown, or one of the box's
 *   own folders
 */
gboolean osh_mount_plan_has(const OshMountPlan *plan, const char *path);

/**
 * osh_mount_plan_scope:
 * @plan: a plan
 * @opened: (nullable): as in its request
 *
 * Returns: where the auto-executed files of the plan's box are searched; it borrows from @plan
 */
OshProtectScope osh_mount_plan_scope(const OshMountPlan *plan, const char *const *opened);

/**
 * osh_mount_plan_free:
 * @plan: (nullable): a plan
 */
void osh_mount_plan_free(OshMountPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshMountPlan, osh_mount_plan_free)

G_END_DECLS
