/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount-steps.c: from the grants of a plan to the mounts that init makes. Any thread; no state. The
 * order of the steps is what keeps a grant inside another on top of it, and what the box has of its
 * own on top of both. It decides nothing about who may do what.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount-planner.h"
#include "osh-path-walk.h"

static void
add_step(OshMountPlan *plan, enum osh_init_mount_kind kind, guint32 flags, guint32 mode,
         const char *source, const char *target)
{
    OshMountStep *step = g_new0(OshMountStep, 1);

    step->kind = kind;
    step->flags = flags;
    step->mode = mode;
    step->source = g_strdup(source);
    step->target = g_strdup(target);
    g_ptr_array_add(plan->steps, step);
}

static char *
read_link(const char *path)
{
    char text[OSH_INIT_MAX_PATH];
    gssize length = readlink(path, text, sizeof text - 1);

    return length > 0 && (gsize)length < sizeof text - 1 ? g_strndup(text, (gsize)length) : NULL;
}

/* Returns: (nullable): the grant that @path lies in or is */
const char *
osh_mount_planner_find_grant(OshMountPlanner *planner, const char *path)
{
    GHashTableIter iterator;
    gpointer grant;

    g_hash_table_iter_init(&iterator, planner->grants);
    while (g_hash_table_iter_next(&iterator, &grant, NULL)) {
        if (strcmp(path, grant) == 0 || is_below(path, grant))
            return grant;
    }
    return NULL;
}

/* /bin and its like, where they lead into something granted: programs name them absolutely. */
static void
add_root_links(OshMountPlanner *planner)
{
    g_autoptr(GDir) root = g_dir_open("/", 0, NULL);
    const char *name;

    while (root != NULL && (name = g_dir_read_name(root)) != NULL) {
        g_autofree char *path = g_strconcat("/", name, NULL);
        g_autofree char *text = read_link(path);
        g_autofree char *target = text != NULL ? g_canonicalize_filename(text, "/") : NULL;

        if (target != NULL && osh_mount_planner_find_grant(planner, target) != NULL)
            g_hash_table_replace(planner->links, g_steal_pointer(&path), g_steal_pointer(&text));
    }
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
sorted_keys(GHashTable *table)
{
    GPtrArray *paths = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer path;

    g_hash_table_iter_init(&iterator, table);
    while (g_hash_table_iter_next(&iterator, &path, NULL))
        g_ptr_array_add(paths, path);
    /* A folder sorts before what is in it, which is all the order that mounting needs. */
    g_ptr_array_sort(paths, compare_paths);
    return paths;
}

/* The folders above a mount point; made by init where nothing is there yet. */
static void
add_folders_above(OshMountPlanner *planner, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        g_autofree char *folder = g_strndup(path, (gsize)(slash - path));

        add_step(planner->plan, OSH_INIT_MOUNT_DIRECTORY, 0, 0755, NULL, folder);
    }
}

static void
add_devices(OshMountPlan *plan)
{
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {{"/dev/ptmx", "pts/ptmx"},
                                           {"/dev/fd", "/proc/self/fd"},
                                           {"/dev/stdin", "/proc/self/fd/0"},
                                           {"/dev/stdout", "/proc/self/fd/1"},
                                           {"/dev/stderr", "/proc/self/fd/2"}};

    add_step(plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_NOEXEC, 0755, "size=64k", "/dev");
    for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
        g_autofree char *path = g_strconcat("/dev/", nodes[i], NULL);

        add_step(plan, OSH_INIT_MOUNT_BIND, OSH_INIT_MOUNT_NOEXEC, 0, path, path);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(links); i++)
        add_step(plan, OSH_INIT_MOUNT_SYMLINK, 0, 0, links[i][1], links[i][0]);
    add_step(plan, OSH_INIT_MOUNT_DEVPTS, 0, 0, NULL, "/dev/pts");
    add_step(plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_NOEXEC, 01777, NULL, "/dev/shm");
}

static void
add_fresh(OshMountPlan *plan)
{
    struct stat about;

    add_step(plan, OSH_INIT_MOUNT_PROC, 0, 0555, NULL, "/proc");
    add_step(plan, OSH_INIT_MOUNT_TMPFS, 0, 01777, NULL, "/tmp");
    add_step(plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_BOX_USER, 0755, NULL, "/run");
    /* Where the host has a folder of its own in this place and /var is granted, it is covered;
     * everywhere else it is the usual link, which is there already when /var is granted. */
    if (lstat("/var/run", &about) == 0 && S_ISDIR(about.st_mode)) {
        add_step(plan, OSH_INIT_MOUNT_DIRECTORY, 0, 0755, NULL, "/var");
        add_step(plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_BOX_USER, 0755, NULL, "/var/run");
    } else {
        add_step(plan, OSH_INIT_MOUNT_DIRECTORY, OSH_INIT_MOUNT_OPTIONAL, 0755, NULL, "/var");
        add_step(plan, OSH_INIT_MOUNT_SYMLINK, OSH_INIT_MOUNT_OPTIONAL, 0, "/run", "/var/run");
    }
    add_devices(plan);
}

/* What lies in a read-only folder is mounted with it, and a writable mount there would open it. */
gboolean
osh_mount_planner_is_in_read_only(OshMountPlanner *planner, const char *path)
{
    g_autofree char *around = g_strdup(path);

    while (around[1] != '\0') {
        char *slash = strrchr(around, '/');
        guint access;

        slash[slash == around ? 1 : 0] = '\0';
        access = osh_mount_planner_access(planner, around);
        if (access != 0 && access != GRANT_PINNED)
            return access != GRANT_WRITE;
    }
    return FALSE;
}

static gboolean
is_placeholder(const OshMountPlan *plan, const char *path)
{
    return g_ptr_array_find_with_equal_func(plan->placeholders, path, g_str_equal, NULL);
}

static void
add_grant_steps(OshMountPlanner *planner, const char *path)
{
    guint access = osh_mount_planner_access(planner, path);
    gboolean read_only = access == GRANT_READ || access == GRANT_PROTECTED;
    guint32 flags = read_only ? OSH_INIT_MOUNT_READ_ONLY : 0;
    struct stat about;

    if (access == GRANT_PINNED && osh_mount_planner_is_in_read_only(planner, path))
        return;
    if (lstat(path, &about) != 0)
        memset(&about, 0, sizeof about);
    if (S_ISDIR(about.st_mode))
        flags |= OSH_INIT_MOUNT_IS_FOLDER;
    if (S_ISLNK(about.st_mode))
        flags |= OSH_INIT_MOUNT_IS_LINK;
    /* A device that the policy names is meant to be used as one, and nothing else is. */
    if (!is_below(path, "/dev"))
        flags |= OSH_INIT_MOUNT_NODEV;
    if (access == GRANT_READ)
        g_ptr_array_add(planner->plan->read_only, g_strdup(path));
    else if (access == GRANT_WRITE || access == GRANT_OPENED)
        g_ptr_array_add(planner->plan->read_write, g_strdup(path));
    else if (access == GRANT_PROTECTED && !is_placeholder(planner->plan, path))
        g_ptr_array_add(planner->plan->protected, g_strdup(path));
    if (access == GRANT_OPENED)
        return;
    if (strcmp(path, "/") == 0) {
        planner->plan->root_is_host = TRUE;
        planner->plan->root_read_only = access == GRANT_READ;
        return;
    }
    add_folders_above(planner, path);
    add_step(planner->plan, OSH_INIT_MOUNT_BIND, flags, 0, path, path);
}

/* Over whatever a grant shows there: an empty folder in which nothing can be made. */
static void
hide(OshMountPlanner *planner, const char *path)
{
    const guint32 flags = OSH_INIT_MOUNT_READ_ONLY | OSH_INIT_MOUNT_NODEV | OSH_INIT_MOUNT_NOEXEC;
    const char *grant = osh_mount_planner_find_grant(planner, path);

    if (grant == NULL || (is_under_fresh(path) && !is_under_fresh(grant)))
        return;
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        add_step(planner->plan, OSH_INIT_MOUNT_BIND, flags, 0, "/dev/null", path);
        return;
    }
    add_step(planner->plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_NODEV | OSH_INIT_MOUNT_NOEXEC,
             0555, "size=4k", path);
    add_step(planner->plan, OSH_INIT_MOUNT_SETTLE, flags, 0, NULL, path);
}

/* By every path: a mount elsewhere would show it as well. */
static void
add_hidden(OshMountPlanner *planner)
{
    g_autofree char *real =
        planner->request->hidden != NULL ? osh_path_walk(planner->request->hidden, NULL) : NULL;
    g_autoptr(GPtrArray) places =
        real != NULL ? osh_mount_table_spread(planner->mounts, real) : NULL;

    for (guint i = 0; places != NULL && i < places->len; i++)
        hide(planner, g_ptr_array_index(places, i));
}

/* In two rounds: what lies below a fresh folder comes after that folder. */
void
osh_mount_steps_add(OshMountPlanner *planner)
{
    g_autoptr(GPtrArray) links = NULL;
    g_autoptr(GPtrArray) grants = sorted_keys(planner->grants);

    add_root_links(planner);
    links = sorted_keys(planner->links);
    for (guint i = 0; i < grants->len; i++) {
        if (!is_under_fresh(g_ptr_array_index(grants, i)))
            add_grant_steps(planner, g_ptr_array_index(grants, i));
    }
    add_fresh(planner->plan);
    for (guint i = 0; i < grants->len; i++) {
        if (is_under_fresh(g_ptr_array_index(grants, i)))
            add_grant_steps(planner, g_ptr_array_index(grants, i));
    }
    for (guint i = 0; i < links->len; i++) {
        const char *path = g_ptr_array_index(links, i);

        if (osh_mount_planner_find_grant(planner, path) != NULL)
            continue;
        add_folders_above(planner, path);
        add_step(planner->plan, OSH_INIT_MOUNT_SYMLINK, 0, 0,
                 g_hash_table_lookup(planner->links, path), path);
    }
    add_hidden(planner);
    add_step(planner->plan, OSH_INIT_MOUNT_SETTLE,
             OSH_INIT_MOUNT_READ_ONLY | OSH_INIT_MOUNT_NODEV | OSH_INIT_MOUNT_NOEXEC, 0, NULL,
             "/dev");
}
