/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writable-places.c: from the text of a policy to places that can be compared. [main], once, before
 * the host opens anything that a program of the box must not replace. Never compare a path with
 * the text of a grant: it may lead through links, and the same folder may be mounted twice.
 */
#include "writable-places.h"

#include "openshell/host.h"
#include "osh-mount-table.h"
#include "osh-path-walk.h"

/* New and the box's own in every box: a grant of one of these is not the host's. */
static gboolean
is_own_of_box(const char *path)
{
    static const char *const own[] = {"/tmp", "/run", "/var/run", "/dev", "/dev/shm", NULL};

    return g_strv_contains(own, path) || osh_path_is_in(path, "/proc");
}

static void
add_grant(GPtrArray *places, const OshMountTable *mounts, const char *path)
{
    g_autofree char *written = g_canonicalize_filename(path, "/");
    g_autofree char *resolved = osh_path_resolve(path);
    g_autoptr(GPtrArray) spread = NULL;

    if (is_own_of_box(written) || (resolved != NULL && is_own_of_box(resolved)))
        return;
    /* A path that cannot be looked up cannot be granted; it is compared as it is. */
    spread = osh_mount_table_spread(mounts, resolved != NULL ? resolved : written);
    for (guint i = 0; i < spread->len; i++)
        if (!g_ptr_array_find_with_equal_func(places, g_ptr_array_index(spread, i), g_str_equal,
                                              NULL))
            g_ptr_array_add(places, g_strdup(g_ptr_array_index(spread, i)));
}

GPtrArray *
osh_writable_places(const OshPolicyStatic *policy, const char *workdir, GError **error)
{
    GPtrArray *places;
    g_autoptr(GError) cause = NULL;
    g_autoptr(OshMountTable) mounts = osh_mount_table_read(&cause);

    if (mounts == NULL) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_FAILED, cause->message);
        return NULL;
    }
    places = g_ptr_array_new_with_free_func(g_free);
    for (const char *const *path = policy->read_write; *path != NULL; path++)
        add_grant(places, mounts, *path);
    if (policy->include_workdir && workdir != NULL)
        add_grant(places, mounts, workdir);
    g_ptr_array_add(places, NULL);
    return places;
}
