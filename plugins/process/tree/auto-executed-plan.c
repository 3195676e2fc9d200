/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto-executed-plan.c: what the mount plan does with the auto-executed files of its writable
 * grants: most become read-only, those that do not exist get a placeholder. [any].
 */
#include <sys/stat.h>

#include "mount-planner.h"

/* A mount on a file keeps it from being replaced by renaming, which is how git writes one. */
static void
open_file(OshMountPlanner *planner, const char *path)
{
    struct stat about;

    if (osh_mount_planner_access(planner, path) == GRANT_WRITE &&
        osh_mount_planner_is_around_writable(planner, path) && lstat(path, &about) == 0 &&
        S_ISREG(about.st_mode))
        g_hash_table_replace(planner->grants, g_strdup(path), GUINT_TO_POINTER(GRANT_OPENED));
}

/* By every path that leads to it: a tree may be mounted twice. */
static void
protect(OshMountPlanner *planner, const GPtrArray *writable, const char *path)
{
    g_autoptr(GPtrArray) views = osh_mount_table_views(planner->mounts, path);

    osh_mount_planner_protect(planner, writable, path);
    for (guint i = 0; i < views->len; i++)
        osh_mount_planner_protect(planner, writable, g_ptr_array_index(views, i));
}

static gboolean
protect_absent(OshMountPlanner *planner, const GPtrArray *writable, const OshProtectedFile *file,
               GError **error)
{
    guint access = osh_mount_planner_access(planner, file->path);
    gboolean needed = FALSE;

    if (planner->request->placeholders == NULL || (access != 0 && access != GRANT_PINNED) ||
        !osh_mount_planner_is_around_writable(planner, file->path) ||
        osh_mount_planner_is_in_read_only(planner, file->path))
        return TRUE;
    if (!osh_placeholders_make(planner->request->placeholders, file->path, file->absent, &needed,
                               error))
        return FALSE;
    if (!needed)
        return TRUE;
    protect(planner, writable, file->path);
    g_ptr_array_add(planner->plan->placeholders, g_strdup(file->path));
    return TRUE;
}

static int
compare_files(gconstpointer a, gconstpointer b)
{
    const OshProtectedFile *const *first = a;
    const OshProtectedFile *const *second = b;

    return strcmp((*first)->path, (*second)->path);
}

/* A folder goes before what is in it: inside of a read-only one nothing can be made. */
static gboolean
protect_all(OshMountPlanner *planner, const GPtrArray *writable, GError **error)
{
    const GPtrArray *found = planner->plan->auto_executed->files;
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    for (guint i = 0; i < found->len; i++)
        g_ptr_array_add(files, g_ptr_array_index(found, i));
    g_ptr_array_sort(files, compare_files);
    for (guint i = 0; i < files->len; i++) {
        const OshProtectedFile *file = g_ptr_array_index(files, i);

        if (file->opened)
            open_file(planner, file->path);
        else if (file->absent == OSH_PLACEHOLDER_NONE && !file->listed_only)
            protect(planner, writable, file->path);
        else if (file->absent != OSH_PLACEHOLDER_NONE &&
                 !protect_absent(planner, writable, file, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
osh_auto_executed_plan_add(OshMountPlanner *planner, const GPtrArray *writable, GError **error)
{
    g_autoptr(GPtrArray) read_only = osh_mount_planner_list(planner, GRANT_READ);
    OshProtectScope scope = {.writable = writable,
                             .read_only = read_only,
                             .opened = planner->request->auto_executed_writable,
                             .covered = osh_mount_planner_is_covered};

    planner->plan->auto_executed = osh_mount_protect_search(&scope);
    return protect_all(planner, writable, error);
}

OshProtectScope
osh_mount_plan_scope(const OshMountPlan *plan, const char *const *opened)
{
    return (OshProtectScope){.writable = plan->read_write,
                             .read_only = plan->read_only,
                             .opened = opened,
                             .covered = osh_mount_planner_is_covered};
}
