/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount-protect.c: the search of writable trees for auto-executed files, at the start of a run and
 * at its end. [any]. It only looks; the mount plan binds what is found.
 *
 * Folders are read nearest first. What belongs to a repository comes before what is beside it, and
 * dependency folders come last, each kind with a budget of its own: neither a large tree nor one
 * that a program has filled on purpose hides what is near, and what was not read is counted.
 */
#include "mount-protect.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inode-names.h"
#include "protect-search.h"

/* What a folder's entries say about the folder. */
enum {
    HAS_HEAD = 1 << 0,
    HAS_OBJECTS = 1 << 1,
    HAS_REFS = 1 << 2,
    HAS_COMMONDIR = 1 << 3,
    HAS_DOT_GIT = 1 << 4,
};

static const guint budgets[OSH_PROTECT_N_QUEUES] = {
    OSH_PROTECT_MAX_GIT_FOLDERS, OSH_PROTECT_MAX_FOLDERS, OSH_PROTECT_MAX_DEPENDENCY_FOLDERS};

static void
file_free(OshProtectedFile *file)
{
    g_free(file->path);
    g_free(file);
}

static void
folder_free(OshProtectFolder *folder)
{
    g_free(folder->path);
    g_free(folder);
}

static void
linked_free(OshLinkedFile *linked)
{
    g_free(linked->path);
    g_free(linked);
}

static guint
sign_of(const char *name)
{
    static const struct {
        const char *name;
        guint sign;
    } signs[] = {{"HEAD", HAS_HEAD},
                 {"objects", HAS_OBJECTS},
                 {"refs", HAS_REFS},
                 {"commondir", HAS_COMMONDIR},
                 {".git", HAS_DOT_GIT}};

    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        if (strcmp(signs[i].name, name) == 0)
            return signs[i].sign;
    }
    return 0;
}

/* As git sees it: a linked worktree has its objects and references elsewhere. */
static gboolean
is_repository(guint signs)
{
    return (signs & HAS_HEAD) != 0 && ((signs & HAS_COMMONDIR) != 0 ||
                                       ((signs & HAS_OBJECTS) != 0 && (signs & HAS_REFS) != 0));
}

/*
 * These folders of a repository hold most of its files. A repository that a program makes in one is
 * reached by a link or by the name in a .git file, and those are followed.
 */
static gboolean
is_git_data(const char *name)
{
    static const char *const names[] = {"objects", "refs",         "logs",         "hooks", "info",
                                        "lfs",     "rebase-merge", "rebase-apply", NULL};

    return g_strv_contains(names, name);
}

/* A submodule may have the name of such a folder, where a program has made a repository of the
   folder around all submodules. */
static gboolean
has_repository_names(const char *folder)
{
    static const char *const names[] = {"HEAD", "objects", "refs", "commondir"};
    guint signs = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        struct stat about;

        if (lstat(path, &about) == 0)
            signs |= sign_of(names[i]);
    }
    return is_repository(signs);
}

static gboolean
is_kernels(const char *path)
{
    return strcmp(path, "/proc") == 0 || strcmp(path, "/sys") == 0 || strcmp(path, "/dev") == 0;
}

static void
leave_out(OshProtectSearch *search, guint queue, const char *path)
{
    OshProtectFindings *findings = search->findings;

    if (queue == OSH_PROTECT_QUEUE_DEPENDENCIES)
        findings->unsearched_dependencies++;
    else
        findings->unsearched++;
    if (findings->first_unsearched == NULL)
        findings->first_unsearched = g_strdup(path);
}

static void
queue_folder(OshProtectSearch *search, const OshProtectFolder *above, const char *name,
             const char *path)
{
    guint queue = above->kind;

    /* A grant inside a grant has its own rules, and is searched as one if it is writable. */
    if (g_hash_table_contains(search->writable, path) ||
        g_hash_table_contains(search->read_only, path) || is_kernels(path) ||
        osh_protect_access(search, path) != OSH_PROTECT_WRITABLE)
        return;
    if (queue != OSH_PROTECT_QUEUE_GIT && osh_auto_executed_is_dependency_folder(above->path, name))
        queue = OSH_PROTECT_QUEUE_DEPENDENCIES;
    if (search->spent[queue] + g_queue_get_length(&search->folders[queue]) >= budgets[queue])
        leave_out(search, queue, path);
    else
        osh_protect_look_later(search, path, queue, above->depth + 1);
}

/*
 * git takes the repository of a folder from where it really lies, or from above that: so the folder
 * behind a link is looked into, and those around it that are not looked into already.
 */
static void
queue_linked_folder(OshProtectSearch *search, const OshProtectFolder *above, const char *link)
{
    g_autofree char *real = realpath(link, NULL);
    struct stat about;

    if (real == NULL || stat(real, &about) != 0 || !S_ISDIR(about.st_mode))
        return;
    while (real[1] != '\0' && !g_hash_table_contains(search->seen, real) &&
           !g_hash_table_contains(search->writable, real) && !is_kernels(real) &&
           osh_protect_access(search, real) == OSH_PROTECT_WRITABLE) {
        char *slash = strrchr(real, '/');

        if (search->spent[above->kind] + g_queue_get_length(&search->folders[above->kind]) >=
            budgets[above->kind]) {
            leave_out(search, above->kind, real);
            return;
        }
        osh_protect_look_later(search, real, above->kind, above->depth + 1);
        slash[slash == real ? 1 : 0] = '\0';
    }
}

static void
take_name(OshProtectSearch *search, const OshProtectFolder *folder, const OshAutoExecutedRow *row,
          const char *path)
{
    g_autofree char *real = NULL;

    /* Package managers replace these at will, and users do not open them with the tools meant here.
     */
    if (folder->kind == OSH_PROTECT_QUEUE_DEPENDENCIES) {
        search->findings->in_dependencies++;
        return;
    }
    real = osh_protect_add(search, path, row, OSH_PLACEHOLDER_FILE);
    if (real != NULL && g_file_test(real, G_FILE_TEST_IS_DIR))
        osh_protect_add_contents(search, real, row);
}

/* Returns: what the entries say; @folders gets those that may be looked into */
static guint
read_entries(OshProtectSearch *search, const OshProtectFolder *folder, GPtrArray *folders)
{
    DIR *entries = opendir(folder->path);
    const struct dirent *entry;
    guint signs = 0;

    /* A program of the same user makes it readable again whenever it likes. */
    if (entries == NULL && errno == EACCES) {
        g_autofree char *real = osh_protect_add(search, folder->path,
                                                osh_auto_executed_row(OSH_AUTO_EXECUTED_UNREADABLE),
                                                OSH_PLACEHOLDER_NONE);

        return 0;
    }
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        const OshAutoExecutedRow *row;
        g_autofree char *path = NULL;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (search->entries[folder->kind]++ >= OSH_PROTECT_MAX_ENTRIES) {
            leave_out(search, folder->kind, folder->path);
            break;
        }
        signs |= sign_of(entry->d_name);
        if (strcmp(entry->d_name, ".git") == 0)
            continue;
        row = osh_auto_executed_index_find(search->index, folder->path, entry->d_name);
        if (row == NULL && entry->d_type != DT_DIR && entry->d_type != DT_LNK &&
            entry->d_type != DT_UNKNOWN)
            continue;
        path = g_build_filename(folder->path, entry->d_name, NULL);
        if (row != NULL)
            take_name(search, folder, row, path);
        else if (osh_inode_names_is_folder(entry, path))
            g_ptr_array_add(folders, g_strdup(entry->d_name));
        else
            queue_linked_folder(search, folder, path);
    }
    if (entries != NULL)
        closedir(entries);
    return signs;
}

static void
mark_dependencies(OshProtectSearch *search, guint from)
{
    for (guint i = from; i < search->findings->files->len; i++) {
        OshProtectedFile *file = g_ptr_array_index(search->findings->files, i);

        file->in_dependencies = TRUE;
    }
}

static void
look_into(OshProtectSearch *search, const OshProtectFolder *folder)
{
    g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
    guint found = search->findings->files->len;
    guint signs = read_entries(search, folder, folders);
    gboolean repository = is_repository(signs);

    if (search->linked != NULL)
        g_ptr_array_add(search->looked, g_strdup(folder->path));
    if ((signs & HAS_DOT_GIT) != 0)
        osh_git_repository_add_dot_git(search, folder->path);
    if (repository) {
        g_autofree char *name = g_path_get_basename(folder->path);
        g_autofree char *above = g_path_get_dirname(folder->path);

        osh_git_repository_add(search, folder->path, strcmp(name, ".git") == 0 ? above : NULL);
    }
    if (folder->kind == OSH_PROTECT_QUEUE_DEPENDENCIES)
        mark_dependencies(search, found);
    for (guint i = 0; i < folders->len; i++) {
        const char *name = g_ptr_array_index(folders, i);
        g_autofree char *path = g_build_filename(folder->path, name, NULL);

        if (repository && is_git_data(name) && !has_repository_names(path))
            continue;
        queue_folder(search, folder, name, path);
    }
}

/* What is found in one queue may add to an earlier one, so it starts from the first each time. */
static void
look_into_all(OshProtectSearch *search)
{
    guint queue = 0;

    while (queue < OSH_PROTECT_N_QUEUES) {
        OshProtectFolder *folder;

        if (g_queue_is_empty(&search->folders[queue]) || search->spent[queue] >= budgets[queue] ||
            search->entries[queue] >= OSH_PROTECT_MAX_ENTRIES) {
            queue++;
            continue;
        }
        folder = g_queue_pop_head(&search->folders[queue]);
        search->spent[queue]++;
        look_into(search, folder);
        folder_free(folder);
        queue = 0;
    }
    for (queue = 0; queue < OSH_PROTECT_N_QUEUES; queue++) {
        OshProtectFolder *folder;

        while ((folder = g_queue_pop_head(&search->folders[queue])) != NULL) {
            leave_out(search, queue, folder->path);
            folder_free(folder);
        }
    }
}

/* A folder of a work tree may be granted alone: its repository lies above, and names files in it.
 */
static void
look_above(OshProtectSearch *search, const char *grant)
{
    g_autofree char *above = g_strdup(grant);

    while (above[1] != '\0') {
        char *slash = strrchr(above, '/');
        g_autofree char *dot_git = NULL;
        g_autofree char *objects = NULL;
        g_autofree char *refs = NULL;

        slash[slash == above ? 1 : 0] = '\0';
        dot_git = g_build_filename(above, ".git", NULL);
        objects = g_build_filename(above, "objects", NULL);
        refs = g_build_filename(above, "refs", NULL);
        if (g_file_test(dot_git, G_FILE_TEST_EXISTS))
            osh_git_repository_add_dot_git(search, above);
        if (g_file_test(objects, G_FILE_TEST_IS_DIR) && g_file_test(refs, G_FILE_TEST_IS_DIR))
            osh_git_repository_add(search, above, NULL);
    }
}

static GHashTable *
set_of(const GPtrArray *paths)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; paths != NULL && i < paths->len; i++) {
        if (g_ptr_array_index(paths, i) != NULL)
            g_hash_table_add(set, g_ptr_array_index(paths, i));
    }
    return set;
}

static OshProtectFindings *
findings_new(void)
{
    OshProtectFindings *findings = g_new0(OshProtectFindings, 1);

    findings->files = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
    findings->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    findings->remarks = g_ptr_array_new_with_free_func(g_free);
    return findings;
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
search_grants(OshProtectSearch *search)
{
    guint length = 0;
    g_autofree gpointer *grants = g_hash_table_get_keys_as_array(search->writable, &length);

    qsort(grants, length, sizeof *grants, compare_paths);
    for (guint i = 0; i < length; i++) {
        struct stat about;

        look_above(search, grants[i]);
        if (lstat(grants[i], &about) == 0 && S_ISDIR(about.st_mode) && !is_kernels(grants[i]))
            osh_protect_look_later(search, grants[i], OSH_PROTECT_QUEUE_PLAIN, 0);
    }
    look_into_all(search);
}

static OshProtectFindings *
search(const OshProtectScope *scope, gboolean links)
{
    OshProtectSearch search = {
        .scope = scope,
        .findings = findings_new(),
        .index = osh_auto_executed_index_new(),
        .writable = set_of(scope->writable),
        .read_only = set_of(scope->read_only),
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .repositories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .hinted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .looked = g_ptr_array_new_with_free_func(g_free),
    };

    if (links)
        search.linked =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)linked_free);
    search_grants(&search);
    if (links)
        osh_protect_add_hard_links(&search);
    osh_auto_executed_index_free(search.index);
    g_hash_table_unref(search.writable);
    g_hash_table_unref(search.read_only);
    g_hash_table_unref(search.seen);
    g_hash_table_unref(search.repositories);
    g_hash_table_unref(search.hinted);
    g_ptr_array_unref(search.looked);
    g_clear_pointer(&search.linked, g_hash_table_unref);
    g_clear_pointer(&search.user_config, g_ptr_array_unref);
    return search.findings;
}

OshProtectFindings *
osh_mount_protect_search(const OshProtectScope *scope)
{
    return search(scope, TRUE);
}

void
osh_protect_findings_free(OshProtectFindings *findings)
{
    if (findings == NULL)
        return;
    g_hash_table_unref(findings->by_path);
    g_ptr_array_unref(findings->files);
    g_ptr_array_unref(findings->remarks);
    g_free(findings->first_unsearched);
    g_free(findings);
}

char *
osh_protect_findings_unsearched(const OshProtectFindings *findings)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (findings->unsearched > 0)
        g_string_append_printf(text, "%u folder%s", findings->unsearched,
                               findings->unsearched > 1 ? "s" : "");
    if (findings->unsearched_dependencies > 0)
        g_string_append_printf(text, "%s%u dependency folder%s", text->len > 0 ? " and " : "",
                               findings->unsearched_dependencies,
                               findings->unsearched_dependencies > 1 ? "s" : "");
    if (text->len == 0)
        return NULL;
    g_string_append_printf(text, " with all below (%s)", findings->first_unsearched);
    return g_strdup(text->str);
}

/* Whether @file is not what it was when programs started. */
static gboolean
is_new(const OshProtectedFile *file, const OshProtectFindings *before)
{
    const OshProtectedFile *then = g_hash_table_lookup(before->by_path, file->path);

    if (file->absent != OSH_PLACEHOLDER_NONE || file->opened)
        return FALSE;
    return then == NULL || then->absent != OSH_PLACEHOLDER_NONE || then->device != file->device ||
           then->inode != file->inode;
}

static void
add_appeared(OshProtectAppeared *appeared, const OshProtectFindings *now,
             const OshProtectFindings *before, gboolean in_dependencies)
{
    for (guint i = 0; i < now->files->len; i++) {
        const OshProtectedFile *file = g_ptr_array_index(now->files, i);

        if (file->in_dependencies != in_dependencies || !is_new(file, before))
            continue;
        if (appeared->paths->len < OSH_PROTECT_MAX_APPEARED)
            g_ptr_array_add(appeared->paths, g_strdup(file->path));
        else
            appeared->more++;
    }
}

OshProtectAppeared *
osh_mount_protect_appeared(const OshProtectScope *scope, const OshProtectFindings *before)
{
    g_autoptr(OshProtectFindings) now = search(scope, FALSE);
    OshProtectAppeared *appeared = g_new0(OshProtectAppeared, 1);

    appeared->paths = g_ptr_array_new_with_free_func(g_free);
    add_appeared(appeared, now, before, FALSE);
    add_appeared(appeared, now, before, TRUE);
    appeared->more += now->beyond > before->beyond ? now->beyond - before->beyond : 0;
    if (now->in_dependencies > before->in_dependencies)
        appeared->in_dependencies = now->in_dependencies - before->in_dependencies;
    if (now->unsearched > before->unsearched ||
        now->unsearched_dependencies > before->unsearched_dependencies)
        appeared->unsearched = osh_protect_findings_unsearched(now);
    return appeared;
}

void
osh_protect_appeared_free(OshProtectAppeared *appeared)
{
    if (appeared == NULL)
        return;
    g_ptr_array_unref(appeared->paths);
    g_free(appeared->unsearched);
    g_free(appeared);
}
