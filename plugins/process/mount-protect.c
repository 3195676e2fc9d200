/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding what steers: git hooks and configuration, direnv and editor settings, shell start
 * files. [any]. A program that can change one of these runs code outside the box the next time
 * its user opens an editor or a shell. Only looks; what is found is bound by the mount plan.
 */
#include "mount-protect.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#define OSH_MAX_NAMED_FOLDERS 8

typedef struct {
    GPtrArray *files;
    GPtrArray *unprotected;
    GQueue folders; /* Folder: still to look into */
    guint looked;
    guint skipped;
} Search;

typedef struct {
    char *path;
    guint depth;
} Folder;

static gboolean
steers(const char *name)
{
    static const char *const names[] = {".envrc",
                                        ".vscode",
                                        ".bashrc",
                                        ".bash_profile",
                                        ".bash_login",
                                        ".bash_logout",
                                        ".bash_aliases",
                                        ".profile",
                                        ".zshrc",
                                        ".zshenv",
                                        ".zprofile",
                                        ".zlogin",
                                        ".zlogout",
                                        ".kshrc",
                                        ".cshrc",
                                        ".tcshrc",
                                        ".login",
                                        ".logout",
                                        NULL};

    return g_strv_contains(names, name);
}

static void
folder_free(Folder *folder)
{
    g_free(folder->path);
    g_free(folder);
}

/* Something that steers: protected as it is, unless it is a link, which nothing can be bound on. */
static void
take(Search *search, const char *path)
{
    struct stat about;

    if (lstat(path, &about) != 0)
        return;
    g_ptr_array_add(S_ISLNK(about.st_mode) ? search->unprotected : search->files, g_strdup(path));
}

static void
take_repository(Search *search, const char *path)
{
    static const char *const parts[] = {"hooks", "config", "config.worktree"};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *part = g_build_filename(path, parts[i], NULL);

        take(search, part);
    }
}

/* The repositories of submodules live inside that of their parent. */
static void
take_git(Search *search, const char *path)
{
    g_autofree char *modules = g_build_filename(path, "modules", NULL);
    g_autoptr(GDir) folder = NULL;
    struct stat about;
    const char *name;

    if (lstat(path, &about) != 0)
        return;
    if (!S_ISDIR(about.st_mode)) {
        /* A link, or the file by which a worktree or a submodule names its repository. */
        take(search, path);
        return;
    }
    take_repository(search, path);
    folder = g_dir_open(modules, 0, NULL);
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *module = g_build_filename(modules, name, NULL);

        take_repository(search, module);
    }
}

static void
look_later(Search *search, const char *path, guint depth)
{
    Folder *folder;

    if (depth > OSH_PROTECT_MAX_DEPTH ||
        search->looked + g_queue_get_length(&search->folders) >= OSH_PROTECT_MAX_FOLDERS) {
        if (search->skipped++ < OSH_MAX_NAMED_FOLDERS)
            g_ptr_array_add(search->unprotected, g_strdup(path));
        return;
    }
    folder = g_new0(Folder, 1);
    folder->path = g_strdup(path);
    folder->depth = depth;
    g_queue_push_tail(&search->folders, folder);
}

static gboolean
is_folder(const struct dirent *entry, const char *path)
{
    struct stat about;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static void
look_into(Search *search, const Folder *folder)
{
    DIR *entries = opendir(folder->path);
    const struct dirent *entry;

    search->looked++;
    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL) {
        g_autofree char *path = NULL;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN && entry->d_name[0] != '.')
            continue;
        path = g_build_filename(folder->path, entry->d_name, NULL);
        if (strcmp(entry->d_name, ".git") == 0)
            take_git(search, path);
        else if (steers(entry->d_name))
            take(search, path);
        else if (is_folder(entry, path))
            look_later(search, path, folder->depth + 1);
    }
    closedir(entries);
}

void
osh_mount_protect_find(const char *tree, GPtrArray *files, GPtrArray *unprotected)
{
    Search search = {.files = files, .unprotected = unprotected, .folders = G_QUEUE_INIT};
    Folder *folder;

    look_later(&search, tree, 0);
    while ((folder = g_queue_pop_head(&search.folders)) != NULL) {
        look_into(&search, folder);
        folder_free(folder);
    }
}

gboolean
osh_mount_protect_is_opened(const char *path, const GPtrArray *writable)
{
    for (guint i = 0; i < writable->len; i++) {
        const char *grant = g_ptr_array_index(writable, i);
        gsize length = grant != NULL ? strlen(grant) : 0;

        if (grant == NULL)
            continue;
        if (g_str_has_prefix(grant, path) &&
            (grant[strlen(path)] == '/' || grant[strlen(path)] == '\0'))
            return TRUE;
        if (g_str_has_suffix(grant, "/.git") && strncmp(path, grant, length) == 0 &&
            path[length] == '/')
            return TRUE;
    }
    return FALSE;
}

static void
note_new(GPtrArray *appeared, GHashTable *known, const char *path, guint *ret_more)
{
    if (appeared->len >= OSH_PROTECT_MAX_APPEARED) {
        ++*ret_more;
        return;
    }
    g_ptr_array_add(appeared, g_strdup(path));
    g_hash_table_add(known, g_ptr_array_index(appeared, appeared->len - 1));
}

GPtrArray *
osh_mount_protect_appeared(const GPtrArray *writable, const GPtrArray *before, guint *ret_more)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *appeared = g_ptr_array_new_with_free_func(g_free);

    *ret_more = 0;
    for (guint i = 0; i < before->len; i++)
        g_hash_table_add(known, g_ptr_array_index(before, i));
    for (guint i = 0; i < writable->len; i++) {
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

        if (g_ptr_array_index(writable, i) == NULL)
            continue;
        /* A link that steers and a folder too deep to look into are of the same interest. */
        osh_mount_protect_find(g_ptr_array_index(writable, i), found, found);
        for (guint k = 0; k < found->len; k++) {
            const char *path = g_ptr_array_index(found, k);

            if (!g_hash_table_contains(known, path) && !osh_mount_protect_is_opened(path, writable))
                note_new(appeared, known, path, ret_more);
        }
    }
    return appeared;
}
