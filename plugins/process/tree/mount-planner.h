/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the mount plan share: mount-plan.c decides, mount-steps.c writes it down. */
#pragma once

#include <string.h>

#include "mount-plan.h"
#include "osh-mount-table.h"

G_BEGIN_DECLS

/* A plan while it is made. Grants and links are resolved: equal text is the same place. */
typedef struct {
    OshMountPlan *plan;
    const OshMountRequest *request;
    OshMountTable *mounts;
    GPtrArray *writable; /* resolved: where a program of an earlier box could have put something */
    GHashTable *links;   /* path → text */
    GHashTable *grants;  /* path without symlinks → GRANT_ */
    gboolean refused;    /* a link of such a place was met */
} OshMountPlanner;

/* What the policy asks for, and what security rule 3, protected files, adds inside a writable
 * grant.
 */
enum {
    GRANT_READ = 1,
    GRANT_WRITE,
    GRANT_PROTECTED, /* read-only */
    GRANT_PINNED,    /* writable, a mount point only so that it cannot be renamed */
    GRANT_OPENED,    /* a file of the writable tree around it, which a mount would keep from being
                      * replaced, as git and editors do */
};

static inline gboolean
is_below(const char *path, const char *folder)
{
    gsize length = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return path[1] != '\0';
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static inline gboolean
is_under_fresh(const char *path)
{
    return is_below(path, "/tmp") || is_below(path, "/run") || is_below(path, "/dev") ||
           is_below(path, "/var/run");
}

/* Whether a folder that is the box's own hides what @grant shows at @path. */
static inline gboolean
osh_mount_planner_is_covered(const char *path, const char *grant)
{
    return is_under_fresh(path) && !is_under_fresh(grant);
}

/* Returns: (nullable): the grant that @path lies in or is */
const char *osh_mount_planner_find_grant(OshMountPlanner *planner, const char *path);

/* Returns: GRANT_ of exactly @path, 0 for none. @path: (nullable) */
static inline guint
osh_mount_planner_access(OshMountPlanner *planner, const char *path)
{
    return path != NULL ? GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, path)) : 0;
}

/* Returns: (transfer full) (element-type utf8): what has exactly the GRANT_ @access */
GPtrArray *osh_mount_planner_list(OshMountPlanner *planner, guint access);

/* Returns: whether the innermost grant of the policy around @path is a writable one */
gboolean osh_mount_planner_is_around_writable(OshMountPlanner *planner, const char *path);

/* Returns: whether a folder around @path is read-only as a whole, and no grant in it opens it */
gboolean osh_mount_planner_is_in_read_only(OshMountPlanner *planner, const char *path);

/*
 * Makes @path read-only unless the policy grants it itself. In each of the @writable grants around
 * it, since the folders of an outer one can be moved as well.
 */
void osh_mount_planner_protect(OshMountPlanner *planner, const GPtrArray *writable,
                               const char *path);

/* auto-executed-plan.c: finds and protects the auto-executed files of the @writable grants. */
gboolean osh_auto_executed_plan_add(OshMountPlanner *planner, const GPtrArray *writable,
                                    GError **error);

/* Turns grants and links into the steps of the plan, in the order in which init does them. */
void osh_mount_steps_add(OshMountPlanner *planner);

G_END_DECLS
