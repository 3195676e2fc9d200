/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a box, planned on the host. [any].
 *
 * Rule 1 of the security page: only what the policy names is there, and what programs share by
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

#include "box.h"
#include "mount-protect.h"

#define OSH_MAX_SYMLINKS       40
#define OSH_MAX_GRAPHICS_CARDS 64

typedef struct {
    OshMountPlan *plan;
    const OshMountRequest *request;
    GHashTable *links;  /* path → text */
    GHashTable *grants; /* path without symlinks → GRANT_ */
} Planner;

/* What the policy asks for, and what rule 3 adds inside a writable grant. */
enum {
    GRANT_READ = 1,
    GRANT_WRITE,
    GRANT_PROTECTED, /* read-only */
    GRANT_PINNED,    /* writable, a mount point only so that it cannot be renamed */
};

static void
step_free(OshMountStep *step)
{
    g_free(step->source);
    g_free(step->target);
    g_free(step);
}

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

static gboolean
is_below(const char *path, const char *folder)
{
    gsize length = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return path[1] != '\0';
    return strncmp(path, folder, length) == 0 && path[length] == '/';
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

        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
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

static char *
read_link(const char *path)
{
    char text[OSH_INIT_MAX_PATH];
    gssize length = readlink(path, text, sizeof text - 1);

    return length > 0 && (gsize)length < sizeof text - 1 ? g_strndup(text, (gsize)length) : NULL;
}

/*
 * Whether a program of an earlier box could have put @path there: a link in a writable tree would
 * let it choose what the next box is given.
 */
static gboolean
is_in_writable_grant(const Planner *planner, const char *path)
{
    const OshMountRequest *request = planner->request;

    for (gsize i = 0; request->read_write != NULL && request->read_write[i] != NULL; i++) {
        g_autofree char *tree = g_canonicalize_filename(request->read_write[i], "/");

        /* A policy cannot make "/" writable; where it is, there is nothing else to be led to. */
        if (tree[1] != '\0' && is_below(path, tree))
            return TRUE;
    }
    return request->include_workdir && request->workdir != NULL && is_below(path, request->workdir);
}

/*
 * Follows @path component by component and notes each symlink on the way. Returns: (nullable): the
 * path without symlinks; %NULL with errno set when it does not exist.
 */
static char *
resolve(Planner *planner, const char *path)
{
    g_autofree char *rest = g_strdup(path);
    gsize at = 1;
    guint followed = 0;

    while (rest[at] != '\0') {
        gsize end = at + strcspn(rest + at, "/");
        g_autofree char *prefix = g_strndup(rest, end);
        g_autofree char *text = NULL;
        g_autofree char *folder = NULL;
        g_autofree char *joined = NULL;
        struct stat about;

        if (lstat(prefix, &about) != 0)
            return NULL;
        if (!S_ISLNK(about.st_mode)) {
            at = rest[end] == '/' ? end + 1 : end;
            continue;
        }
        text = read_link(prefix);
        if (text == NULL || ++followed > OSH_MAX_SYMLINKS) {
            errno = ELOOP;
            return NULL;
        }
        if (is_in_writable_grant(planner, prefix)) {
            errno = ELOOP;
            return NULL;
        }
        g_hash_table_replace(planner->links, g_strdup(prefix), g_strdup(text));
        folder = g_path_get_dirname(prefix);
        joined = g_strconcat(text, rest + end, NULL);
        g_free(rest);
        rest = g_canonicalize_filename(joined, folder);
        at = 1;
    }
    return g_steal_pointer(&rest);
}

static gboolean
note_missing(Planner *planner, const char *path, int reason, GError **error)
{
    g_autofree char *shown = g_strescape(path, NULL);

    if (planner->request->hard_requirement) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
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

    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                "the path %s of the policy leads through a symbolic link that lies in a writable "
                "tree of the policy, or through too many: a program in the box could choose what "
                "the next box is given; name the place itself",
                shown);
    return FALSE;
}

static gboolean
add_grant(Planner *planner, const char *path, guint access, GError **error)
{
    g_autofree char *clean = NULL;
    g_autofree char *resolved = NULL;
    guint before;

    if (has_parent_component(path)) {
        g_autofree char *shown = g_strescape(path, NULL);

        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
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

/* Returns: (nullable): the grant that @path lies in or is */
static const char *
find_grant(Planner *planner, const char *path)
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

/*
 * What OpenShell grants to every box with a network, as far as it is there and lies in no grant
 * already: never more than reading, and never over what the policy says of the same path.
 */
static void
add_baseline_path(Planner *planner, const char *path, guint access)
{
    g_autofree char *resolved = NULL;

    if (is_fresh(path) || !g_file_test(path, G_FILE_TEST_EXISTS))
        return;
    resolved = resolve(planner, path);
    if (resolved == NULL || find_grant(planner, resolved) != NULL)
        return;
    g_ptr_array_add(planner->plan->baseline, g_strdup(resolved));
    g_hash_table_insert(planner->grants, g_steal_pointer(&resolved), GUINT_TO_POINTER(access));
}

/* The nodes of a graphics card, which is of no use without them: one for each card, some shared. */
static void
add_graphics(Planner *planner)
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
add_baseline(Planner *planner)
{
    static const char *const folders[] = {"/usr", "/lib", "/lib64", "/etc", "/app", "/var/log"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        add_baseline_path(planner, folders[i], GRANT_READ);
    add_graphics(planner);
}

static gboolean
add_grants(Planner *planner, GError **error)
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

static gboolean
is_under_fresh(const char *path)
{
    return is_below(path, "/tmp") || is_below(path, "/run") || is_below(path, "/dev") ||
           is_below(path, "/var/run");
}

/* Every folder between @path and the grant it lies in a mount point: `mv .git .old` fails then. */
static void
pin_folders_between(Planner *planner, const char *grant, const char *path)
{
    const char *below = path + (strcmp(grant, "/") == 0 ? 1 : strlen(grant) + 1);

    for (const char *slash = strchr(below, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        g_autofree char *folder = g_strndup(path, (gsize)(slash - path));

        if (!g_hash_table_contains(planner->grants, folder))
            g_hash_table_insert(planner->grants, g_steal_pointer(&folder),
                                GUINT_TO_POINTER(GRANT_PINNED));
    }
}

static void
protect(Planner *planner, const char *grant, const char *path)
{
    if (g_hash_table_contains(planner->grants, path) || is_fresh(path))
        return;
    /* A fresh folder covers it: binding it there would show what the box must not see. */
    if (is_under_fresh(path) && !is_under_fresh(grant))
        return;
    pin_folders_between(planner, grant, path);
    g_hash_table_insert(planner->grants, g_strdup(path), GUINT_TO_POINTER(GRANT_PROTECTED));
}

static void
protect_steering_files(Planner *planner, const char *grant, const GPtrArray *writable)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

    osh_mount_protect_find(grant, files, planner->plan->unprotected);
    for (guint i = 0; i < files->len; i++) {
        const char *path = g_ptr_array_index(files, i);

        g_ptr_array_add(planner->plan->steering, g_strdup(path));
        if (!osh_mount_protect_is_opened(path, writable))
            protect(planner, grant, path);
    }
}

/* The host's own files are never opened by a policy: they are what enforces it. */
static void
protect_host_files(Planner *planner, const char *grant)
{
    const char *const *paths = planner->request->protect;

    for (gsize i = 0; paths != NULL && paths[i] != NULL; i++) {
        g_autofree char *clean = clean_path(paths[i], NULL);
        g_autofree char *real = clean != NULL ? realpath(clean, NULL) : NULL;

        if (real != NULL && strcmp(real, grant) != 0 && is_below(real, grant))
            protect(planner, grant, real);
    }
}

/* Returns: (transfer full) (nullable): the innermost grant of the policy around @path */
static char *
find_innermost(Planner *planner, const char *path)
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

/*
 * Landlock adds up the rights of all rules above a path, so that what is read-only inside a
 * writable tree is so by its mount alone; nor may its folder be moved away and replaced.
 */
static void
pin_read_only_grants(Planner *planner)
{
    g_autoptr(GList) grants = g_hash_table_get_keys(planner->grants);

    for (GList *item = grants; item != NULL; item = item->next) {
        g_autofree char *around = NULL;

        if (GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, item->data)) != GRANT_READ)
            continue;
        around = find_innermost(planner, item->data);
        if (around != NULL &&
            GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, around)) == GRANT_WRITE &&
            (!is_under_fresh(item->data) || is_under_fresh(around)))
            pin_folders_between(planner, around, item->data);
    }
}

static void
add_protections(Planner *planner)
{
    g_autoptr(GList) grants = g_hash_table_get_keys(planner->grants);
    g_autoptr(GPtrArray) writable = g_ptr_array_new_with_free_func(g_free);

    for (GList *item = grants; item != NULL; item = item->next) {
        if (GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, item->data)) == GRANT_WRITE)
            g_ptr_array_add(writable, g_strdup(item->data));
    }
    for (guint i = 0; i < writable->len; i++) {
        protect_steering_files(planner, g_ptr_array_index(writable, i), writable);
        protect_host_files(planner, g_ptr_array_index(writable, i));
    }
    for (guint i = 0; i < planner->plan->unprotected->len; i++)
        g_ptr_array_add(planner->plan->steering,
                        g_strdup(g_ptr_array_index(planner->plan->unprotected, i)));
}

/* /bin and its like, where they lead into something granted: programs name them absolutely. */
static void
add_root_links(Planner *planner)
{
    g_autoptr(GDir) root = g_dir_open("/", 0, NULL);
    const char *name;

    while (root != NULL && (name = g_dir_read_name(root)) != NULL) {
        g_autofree char *path = g_strconcat("/", name, NULL);
        g_autofree char *text = read_link(path);
        g_autofree char *target = text != NULL ? g_canonicalize_filename(text, "/") : NULL;

        if (target != NULL && find_grant(planner, target) != NULL)
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
add_folders_above(Planner *planner, const char *path)
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

static void
add_grant_steps(Planner *planner, const char *path)
{
    guint access = GPOINTER_TO_UINT(g_hash_table_lookup(planner->grants, path));
    gboolean read_only = access == GRANT_READ || access == GRANT_PROTECTED;
    guint32 flags = read_only ? OSH_INIT_MOUNT_READ_ONLY : 0;
    struct stat about;

    if (lstat(path, &about) != 0)
        memset(&about, 0, sizeof about);
    if (S_ISDIR(about.st_mode))
        flags |= OSH_INIT_MOUNT_IS_FOLDER;
    /* A device that the policy names is meant to be used as one, and nothing else is. */
    if (!is_below(path, "/dev"))
        flags |= OSH_INIT_MOUNT_NODEV;
    if (access == GRANT_READ)
        g_ptr_array_add(planner->plan->read_only, g_strdup(path));
    else if (access == GRANT_WRITE)
        g_ptr_array_add(planner->plan->read_write, g_strdup(path));
    else if (access == GRANT_PROTECTED)
        g_ptr_array_add(planner->plan->protected, g_strdup(path));
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
add_hidden(Planner *planner)
{
    g_autofree char *real =
        planner->request->hidden != NULL ? realpath(planner->request->hidden, NULL) : NULL;
    const char *grant = real != NULL ? find_grant(planner, real) : NULL;

    if (grant == NULL || (is_under_fresh(real) && !is_under_fresh(grant)))
        return;
    add_step(planner->plan, OSH_INIT_MOUNT_TMPFS, OSH_INIT_MOUNT_NODEV | OSH_INIT_MOUNT_NOEXEC,
             0555, "size=4k", real);
    add_step(planner->plan, OSH_INIT_MOUNT_SETTLE,
             OSH_INIT_MOUNT_READ_ONLY | OSH_INIT_MOUNT_NODEV | OSH_INIT_MOUNT_NOEXEC, 0, NULL,
             real);
}

/* In two rounds: what lies below a fresh folder comes after that folder. */
static void
add_steps(Planner *planner)
{
    g_autoptr(GPtrArray) links = sorted_keys(planner->links);
    g_autoptr(GPtrArray) grants = sorted_keys(planner->grants);

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

        if (find_grant(planner, path) != NULL)
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

OshMountPlan *
osh_mount_plan_new(const OshMountRequest *request, GError **error)
{
    g_autoptr(OshMountPlan) plan = g_new0(OshMountPlan, 1);
    Planner planner = {.plan = plan, .request = request};
    gboolean worked;

    plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    plan->missing = g_ptr_array_new_with_free_func(g_free);
    plan->missing_errors = g_array_new(FALSE, FALSE, sizeof(int));
    plan->read_only = g_ptr_array_new_with_free_func(g_free);
    plan->read_write = g_ptr_array_new_with_free_func(g_free);
    plan->baseline = g_ptr_array_new_with_free_func(g_free);
    plan->steering = g_ptr_array_new_with_free_func(g_free);
    plan->protected = g_ptr_array_new_with_free_func(g_free);
    plan->unprotected = g_ptr_array_new_with_free_func(g_free);
    planner.links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    planner.grants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    worked = add_grants(&planner, error);
    if (worked) {
        pin_read_only_grants(&planner);
        add_protections(&planner);
        add_root_links(&planner);
        add_steps(&planner);
    }
    g_hash_table_unref(planner.links);
    g_hash_table_unref(planner.grants);
    return worked ? g_steal_pointer(&plan) : NULL;
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
    g_ptr_array_unref(plan->steering);
    g_ptr_array_unref(plan->protected);
    g_ptr_array_unref(plan->unprotected);
    g_free(plan);
}
