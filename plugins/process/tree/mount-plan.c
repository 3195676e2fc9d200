/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount-plan.c: the tree of a box, planned on the host. [any]; a plan belongs to its caller.
 *
 * Security rule 1, own namespaces: only what the policy names is there, and what programs share by
 * convention (/tmp, /run, /dev/shm, /proc, /dev) is new and the box's own, because a socket file
 * is reachable wherever its path is. So a grant of /tmp or /run means the fresh one; only a path
 * below it is bound.
 *
 * Symlinks are followed here, once, and become symlinks in the box; what is handed to init is
 * free of them, and init refuses a source that has one by then. Steps are ordered by the depth of
 * their target, so that a grant inside another grant always lies on top of it.
 */
#include "mount-plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inode-names.h"
#include "mount-planner.h"
#include "osh-path-walk.h"
#include "tree-error.h"

#define OSH_MAX_GRAPHICS_CARDS 64

static void
step_free(OshMountStep *step)
{
    g_free(step->source);
    g_free(step->target);
    g_free(step);
}

/* Fresh in every box: naming one of them in a policy grants the fresh one. */
static gboolean
is_fresh(const char *path)
{
    static const char *const fresh[] = {"/proc",       "/tmp",        "/run",        "/var/run",
                                        "/dev",        "/dev/shm",    "/dev/pts",    "/dev/null",
                                        "/dev/zero",   "/dev/full",   "/dev/random", "/dev/urandom",
                                        "/dev/tty",    "/dev/ptmx",   "/dev/fd",     "/dev/stdin",
                                        "/dev/stdout", "/dev/stderr", NULL};

    return g_strv_contains(fresh, path) || is_below(path, "/proc");
}

static char *
clean_path(const char *path, GError **error)
{
    g_autofree char *clean = NULL;

    if (path[0] != '/' || strlen(path) >= OSH_INIT_MAX_PATH) {
        g_autofree char *shown = g_strescape(path, NULL);

        g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                    "the path %s of the policy is not absolute or is too long", shown);
        return NULL;
    }
    clean = g_canonicalize_filename(path, "/");
    /* Two slashes at the start have a meaning of their own to some, none to Linux. */
    return clean[1] == '/' ? g_strdup(clean + 1) : g_steal_pointer(&clean);
}

static gboolean
has_parent_component(const char *path)
{
    g_auto(GStrv) components = g_strsplit(path, "/", -1);

    return g_strv_contains((const char *const *)components, "..");
}

/*
 * Where programs of an earlier box with this policy could write, by every path that leads there: a
 * link in a writable tree would let one choose what the next box is given.
 */
static void
add_writable(OshMountPlanner *planner, const char *path)
{
    g_autofree char *resolved = path[0] == '/' ? osh_path_resolve(path) : NULL;
    g_autoptr(GPtrArray) spread = NULL;

    if (resolved == NULL)
        return;
    spread = osh_mount_table_spread(planner->mounts, resolved);
    for (guint i = 0; i < spread->len; i++)
        /* Where "/" is writable there is nothing else to be led to. */
        if (!g_str_equal(g_ptr_array_index(spread, i), "/"))
            g_ptr_array_add(planner->writable, g_strdup(g_ptr_array_index(spread, i)));
}

static void
list_writable(OshMountPlanner *planner)
{
    const OshMountRequest *request = planner->request;

    for (gsize i = 0; request->read_write != NULL && request->read_write[i] != NULL; i++)
        add_writable(planner, request->read_write[i]);
    if (request->include_workdir && request->workdir != NULL)
        add_writable(planner, request->workdir);
}

static gboolean
follow_link(const char *link, const char *text, gpointer data)
{
    OshMountPlanner *planner = data;

    for (guint i = 0; i < planner->writable->len; i++) {
        if (osh_path_is_in(link, g_ptr_array_index(planner->writable, i))) {
            planner->refused = TRUE;
            return FALSE;
        }
    }
    g_hash_table_replace(planner->links, g_strdup(link), g_strdup(text));
    return TRUE;
}

/*
 * Follows @path component by component and notes each symlink on the way. Returns: (nullable): the
 * path without symlinks; %NULL with errno set when it does not exist, ELOOP when a link is refused.
 */
static char *
resolve(OshMountPlanner *planner, const char *path)
{
    OshPathWalk walk = {.follow = follow_link, .data = planner};
    char *resolved;

    planner->refused = FALSE;
    resolved = osh_path_walk(path, &walk);
    if (planner->refused)
        errno = ELOOP;
    return resolved;
}

static gboolean
note_missing(OshMountPlanner *planner, const char *path, int reason, GError **error)
{
    g_autofree char *shown = g_strescape(path, NULL);

    if (planner->request->hard_requirement) {
        g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                    "the policy requires %s, which cannot be reached: %s", shown,
                    g_strerror(reason));
        return FALSE;
    }
    g_ptr_array_add(planner->plan->missing, g_strdup(path));
    g_array_append_val(planner->plan->missing_errors, reason);
    return TRUE;
}

static gboolean
refuse_link(const char *path, GError **error)
{
    g_autofree char *shown = g_strescape(path, NULL);

    g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                "the path %s of the policy leads through a symbolic link that lies in a writable "
                "tree of the policy, or through too many: a program in the box could choose what "
                "the next box is given; name the place itself",
                shown);
    return FALSE;
}

static gboolean
add_grant(OshMountPlanner *planner, const char *path, guint access, GError **error)
{
    g_autofree char *clean = NULL;
    g_autofree char *resolved = NULL;
    guint before;

    if (has_parent_component(path)) {
        g_autofree char *shown = g_strescape(path, NULL);

        g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                    "the path %s of the policy holds \"..\"", shown);
        return FALSE;
    }
    clean = clean_path(path, error);
    if (clean == NULL)
        return FALSE;
    if (is_fresh(clean)) {
        planner->plan->writable_proc |= access == GRANT_WRITE && strcmp(clean, "/proc") == 0;
        return TRUE;
    }
    resolved = resolve(planner, clean);
    if (resolved == NULL && errno == ELOOP)
        return refuse_link(clean, error);
    if (resolved == NULL)
        return note_missing(planner, clean, errno, error);
    if (is_fresh(resolved))
        return TRUE;
    before = GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, resolved));
    if (access > before)
        g_hash_table_replace(planner->grants, g_steal_pointer(&resolved), GUINT_TO_POINTER(access));
    return TRUE;
}

/*
 * What OpenShell grants to every box with a network, as far as it is there and lies in no grant
 * already: never more than reading, and never over what the policy says of the same path.
 */
static void
add_baseline_path(OshMountPlanner *planner, const char *path, guint access)
{
    g_autofree char *resolved = NULL;

    if (is_fresh(path) || !g_file_test(path, G_FILE_TEST_EXISTS))
        return;
    resolved = resolve(planner, path);
    if (resolved == NULL || osh_mount_planner_find_grant(planner, resolved) != NULL)
        return;
    g_ptr_array_add(planner->plan->baseline, g_strdup(resolved));
    g_hash_table_insert(planner->grants, g_steal_pointer(&resolved), GUINT_TO_POINTER(access));
}

/* The nodes of a graphics card, which is of no use without them: one for each card, some shared. */
static void
add_graphics(OshMountPlanner *planner)
{
    static const char *const devices[] = {"/dev/nvidiactl", "/dev/nvidia-uvm",
                                          "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset",
                                          "/dev/dxg"};
    static const char *const folders[] = {"/run/nvidia-persistenced", "/usr/lib/wsl"};

    if (!g_file_test("/dev/nvidiactl", G_FILE_TEST_EXISTS) &&
        !g_file_test("/dev/dxg", G_FILE_TEST_EXISTS))
        return;
    /* The libraries of a card name the threads that they make, by a file of /proc. */
    planner->plan->writable_proc = TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(devices); i++)
        add_baseline_path(planner, devices[i], GRANT_WRITE);
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        add_baseline_path(planner, folders[i], GRANT_READ);
    for (guint i = 0; i < OSH_MAX_GRAPHICS_CARDS; i++) {
        g_autofree char *device = g_strdup_printf("/dev/nvidia%u", i);

        add_baseline_path(planner, device, GRANT_WRITE);
    }
}

static void
add_baseline(OshMountPlanner *planner)
{
    static const char *const folders[] = {"/usr", "/lib", "/lib64", "/etc", "/app", "/var/log"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        add_baseline_path(planner, folders[i], GRANT_READ);
    add_graphics(planner);
}

static gboolean
add_grants(OshMountPlanner *planner, GError **error)
{
    const OshMountRequest *request = planner->request;

    for (gsize i = 0; request->read_only != NULL && request->read_only[i] != NULL; i++) {
        if (!add_grant(planner, request->read_only[i], GRANT_READ, error))
            return FALSE;
    }
    for (gsize i = 0; request->read_write != NULL && request->read_write[i] != NULL; i++) {
        if (!add_grant(planner, request->read_write[i], GRANT_WRITE, error))
            return FALSE;
    }
    if (request->include_workdir && request->workdir != NULL &&
        !add_grant(planner, request->workdir, GRANT_WRITE, error))
        return FALSE;
    if (request->baseline)
        add_baseline(planner);
    return TRUE;
}

/* Every folder between @path and the grant it lies in a mount point: `mv .git .old` fails then. */
static void
pin_folders_between(OshMountPlanner *planner, const char *grant, const char *path)
{
    const char *below = path + (strcmp(grant, "/") == 0 ? 1 : strlen(grant) + 1);

    for (const char *slash = strchr(below, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        g_autofree char *folder = g_strndup(path, (gsize)(slash - path));

        if (!g_hash_table_contains(planner->grants, folder))
            g_hash_table_insert(planner->grants, g_steal_pointer(&folder),
                                GUINT_TO_POINTER(GRANT_PINNED));
    }
}

/* Returns: (transfer full) (nullable): the innermost grant of the policy around @path */
static char *
find_innermost(OshMountPlanner *planner, const char *path)
{
    g_autofree char *around = g_strdup(path);

    while (around[1] != '\0') {
        char *slash = strrchr(around, '/');
        guint access;

        slash[slash == around ? 1 : 0] = '\0';
        access = GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, around));
        if (access == GRANT_READ || access == GRANT_WRITE)
            return g_steal_pointer(&around);
    }
    return NULL;
}

gboolean
osh_mount_planner_is_around_writable(OshMountPlanner *planner, const char *path)
{
    g_autofree char *around = find_innermost(planner, path);

    return osh_mount_planner_access(planner, around) == GRANT_WRITE &&
           !osh_mount_planner_is_covered(path, around);
}

static void
protect(OshMountPlanner *planner, const char *grant, const char *path)
{
    guint access = osh_mount_planner_access(planner, path);

    if (access == GRANT_READ || access == GRANT_WRITE || is_fresh(path))
        return;
    /* A fresh folder covers it: binding it there would show what the box must not see. */
    if (osh_mount_planner_is_covered(path, grant))
        return;
    /* Inside a read-only grant it is so already, and a mount would need writable folders there. */
    if (!osh_mount_planner_is_around_writable(planner, path))
        return;
    pin_folders_between(planner, grant, path);
    g_hash_table_insert(planner->grants, g_strdup(path), GUINT_TO_POINTER(GRANT_PROTECTED));
}

GPtrArray *
osh_mount_planner_list(OshMountPlanner *planner, guint access)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iterator;
    gpointer path, value;

    g_hash_table_iter_init(&iterator, planner->grants);
    while (g_hash_table_iter_next(&iterator, &path, &value))
        if (GPOINTER_TO_UINT(value) == access)
            g_ptr_array_add(list, g_strdup(path));
    return list;
}

void
osh_mount_planner_protect(OshMountPlanner *planner, const GPtrArray *writable, const char *path)
{
    for (guint i = 0; i < writable->len; i++)
        if (is_below(path, g_ptr_array_index(writable, i)))
            protect(planner, g_ptr_array_index(writable, i), path);
}

static gboolean
fail_folder_of_host(const char *path, GError **error)
{
    g_autofree char *shown = g_strescape(path, NULL);

    g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                "the policy makes %s writable, from which the host loads plugins, libraries or "
                "settings (--plugin-dir, LD_LIBRARY_PATH and the like): grant another folder, or "
                "have the host's files elsewhere",
                shown);
    return FALSE;
}

/* The host's own files are never opened by a policy: they are what enforces it. */
static gboolean
protect_host_file(OshMountPlanner *planner, const GPtrArray *writable, const char *path,
                  GError **error)
{
    g_autoptr(GPtrArray) views = osh_mount_table_views(planner->mounts, path);

    for (guint i = 0; i < views->len; i++) {
        const char *view = g_ptr_array_index(views, i);
        gboolean granted = osh_mount_planner_access(planner, view) == GRANT_WRITE;

        if (granted && g_file_test(view, G_FILE_TEST_IS_DIR))
            return fail_folder_of_host(view, error);
        if (granted)
            g_hash_table_remove(planner->grants, view);
        osh_mount_planner_protect(planner, writable, view);
        if (granted && osh_mount_planner_access(planner, view) == 0)
            g_hash_table_insert(planner->grants, g_strdup(view), GUINT_TO_POINTER(GRANT_READ));
    }
    return TRUE;
}

static gboolean
protect_host_files(OshMountPlanner *planner, const GPtrArray *writable, GError **error)
{
    const char *const *paths = planner->request->protect;

    for (gsize i = 0; paths != NULL && paths[i] != NULL; i++) {
        g_autofree char *real = osh_path_walk(paths[i], NULL);

        if (real != NULL && !protect_host_file(planner, writable, real, error))
            return FALSE;
    }
    return TRUE;
}

/*
 * A folder that is mounted twice, or of which a part is: what is read-only inside a writable tree
 * by one path is so by all.
 */
static void
close_other_views(OshMountPlanner *planner, const GPtrArray *writable)
{
    g_autoptr(GPtrArray) holes = osh_mount_planner_list(planner, GRANT_READ);

    for (guint i = 0; i < holes->len; i++) {
        const char *hole = g_ptr_array_index(holes, i);
        g_autoptr(GPtrArray) views = osh_mount_table_views(planner->mounts, hole);
        g_autoptr(GPtrArray) spread = osh_mount_table_spread(planner->mounts, hole);
        gboolean is_hole = FALSE;

        for (guint k = 0; k < views->len; k++)
            is_hole |= osh_mount_planner_is_around_writable(planner, g_ptr_array_index(views, k));
        for (guint k = 0; is_hole && k < spread->len; k++)
            osh_mount_planner_protect(planner, writable, g_ptr_array_index(spread, k));
    }
}

static gboolean
fail_too_many(const char *tree, GError **error)
{
    g_autofree char *shown = g_strescape(tree, NULL);

    g_set_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID,
                "a file of the host or of read_only has a second name (a hard link), and %s is too "
                "large to look for it: give the file one name (cp FILE NEW && mv NEW FILE)",
                shown);
    return FALSE;
}

static void
add_linked(OshMountPlanner *planner, const char *path, GArray *files)
{
    struct stat about;

    if (lstat(path, &about) == 0 && osh_inode_names_matter(&about, planner->request->uid))
        g_array_append_val(files, about);
}

/* A mount protects a name; the same file may have others in a writable tree. */
static gboolean
close_hard_links(OshMountPlanner *planner, const GPtrArray *writable, GError **error)
{
    const char *const *paths = planner->request->protect;
    g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(struct stat));
    g_autoptr(GPtrArray) granted = osh_mount_planner_list(planner, GRANT_READ);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    guint left = OSH_INODE_NAMES_MAX_ENTRIES;

    for (gsize i = 0; paths != NULL && paths[i] != NULL; i++)
        add_linked(planner, paths[i], files);
    for (guint i = 0; i < granted->len; i++)
        add_linked(planner, g_ptr_array_index(granted, i), files);
    for (guint i = 0; files->len > 0 && i < writable->len; i++)
        if (!osh_inode_names_find(g_ptr_array_index(writable, i), files, &left, found))
            return fail_too_many(g_ptr_array_index(writable, i), error);
    for (guint i = 0; i < found->len; i++)
        osh_mount_planner_protect(planner, writable, g_ptr_array_index(found, i));
    return TRUE;
}

/*
 * Landlock adds up the rights of all rules above a path, so that what is read-only inside a
 * writable tree is so by its mount alone; nor may its folder be moved away and replaced.
 */
static void
pin_read_only_grants(OshMountPlanner *planner, const GPtrArray *writable)
{
    g_autoptr(GPtrArray) holes = osh_mount_planner_list(planner, GRANT_READ);

    for (guint i = 0; i < holes->len; i++) {
        const char *hole = g_ptr_array_index(holes, i);

        for (guint k = 0; osh_mount_planner_is_around_writable(planner, hole) && k < writable->len;
             k++)
            if (is_below(hole, g_ptr_array_index(writable, k)))
                pin_folders_between(planner, g_ptr_array_index(writable, k), hole);
    }
}

static gboolean
add_protections(OshMountPlanner *planner, GError **error)
{
    g_autoptr(GPtrArray) writable = osh_mount_planner_list(planner, GRANT_WRITE);

    pin_read_only_grants(planner, writable);
    close_other_views(planner, writable);
    return osh_auto_executed_plan_add(planner, writable, error) &&
           close_hard_links(planner, writable, error) &&
           protect_host_files(planner, writable, error);
}

OshMountPlan *
osh_mount_plan_new(const OshMountRequest *request, GError **error)
{
    g_autoptr(OshMountPlan) plan = g_new0(OshMountPlan, 1);
    OshMountPlanner planner = {.plan = plan, .request = request};
    g_autoptr(OshMountTable) mounts = NULL;
    g_autoptr(GPtrArray) writable = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) cause = NULL;
    gboolean worked;

    plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    plan->missing = g_ptr_array_new_with_free_func(g_free);
    plan->missing_errors = g_array_new(FALSE, FALSE, sizeof(int));
    plan->read_only = g_ptr_array_new_with_free_func(g_free);
    plan->read_write = g_ptr_array_new_with_free_func(g_free);
    plan->baseline = g_ptr_array_new_with_free_func(g_free);
    plan->protected = g_ptr_array_new_with_free_func(g_free);
    plan->placeholders = g_ptr_array_new_with_free_func(g_free);
    planner.links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    planner.grants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    planner.mounts = mounts = osh_mount_table_read(&cause);
    planner.writable = writable;
    if (mounts == NULL)
        g_set_error_literal(error, OSH_TREE_ERROR, OSH_TREE_ERROR_FAILED, cause->message);
    else
        list_writable(&planner);
    worked = mounts != NULL && add_grants(&planner, error) && add_protections(&planner, error);
    if (worked) {
        osh_mount_steps_add(&planner);
    }
    g_hash_table_unref(planner.links);
    g_hash_table_unref(planner.grants);
    return worked ? g_steal_pointer(&plan) : NULL;
}

static gboolean
is_shown_by(const GPtrArray *grants, const char *path)
{
    for (guint i = 0; i < grants->len; i++) {
        const char *grant = grants->pdata[i];

        if (grant != NULL && osh_path_is_in(path, grant) &&
            !osh_mount_planner_is_covered(path, grant))
            return TRUE;
    }
    return FALSE;
}

gboolean
osh_mount_plan_shows(const OshMountPlan *plan, const char *path)
{
    g_autofree char *resolved = osh_path_resolve(path);

    return resolved != NULL &&
           (is_shown_by(plan->read_only, resolved) || is_shown_by(plan->read_write, resolved));
}

gboolean
osh_mount_plan_is_own(const char *path)
{
    g_autofree char *resolved = osh_path_resolve(path);

    return resolved != NULL && is_fresh(resolved);
}

static gboolean
is_above_any(const GPtrArray *grants, const char *path)
{
    for (guint i = 0; i < grants->len; i++)
        if (grants->pdata[i] != NULL && osh_path_is_in(grants->pdata[i], path))
            return TRUE;
    return FALSE;
}

gboolean
osh_mount_plan_has(const OshMountPlan *plan, const char *path)
{
    g_autofree char *resolved = osh_path_resolve(path);

    return resolved != NULL &&
           (is_fresh(resolved) || osh_mount_plan_shows(plan, path) ||
            is_above_any(plan->read_only, resolved) || is_above_any(plan->read_write, resolved));
}

void
osh_mount_plan_free(OshMountPlan *plan)
{
    if (plan == NULL)
        return;
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->missing);
    g_array_unref(plan->missing_errors);
    g_ptr_array_unref(plan->read_only);
    g_ptr_array_unref(plan->read_write);
    g_ptr_array_unref(plan->baseline);
    g_ptr_array_unref(plan->protected);
    g_ptr_array_unref(plan->placeholders);
    osh_protect_findings_free(plan->auto_executed);
    g_free(plan);
}
