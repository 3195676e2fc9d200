/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect-search.c: what the search for auto-executed files has found, and the look-up of paths
 * that a link or a configuration names. [any]; a search belongs to its caller.
 *
 * Paths come from trees that a program of an earlier box may have filled: every walk is bounded,
 * and nothing outside of a writable grant becomes a finding.
 */
#include "protect-search.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS    40
#define MAX_PATH     4096
#define MAX_CONTENTS 512 /* entries of one protected folder */
#define MAX_DEPTH    4   /* below it */

gboolean
osh_protect_is_around(const char *folder, const char *path)
{
    gsize length = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return TRUE;
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

OshProtectAccess
osh_protect_access(const OshProtectSearch *search, const char *path)
{
    g_autofree char *around = g_strdup(path);

    for (;;) {
        char *slash = strrchr(around, '/');
        gboolean writable = g_hash_table_contains(search->writable, around);

        if (writable || g_hash_table_contains(search->read_only, around)) {
            if (search->scope->covered != NULL && search->scope->covered(path, around))
                return OSH_PROTECT_NOT_GRANTED;
            return writable ? OSH_PROTECT_WRITABLE : OSH_PROTECT_READ_ONLY;
        }
        if (slash == NULL || around[1] == '\0')
            return OSH_PROTECT_NOT_GRANTED;
        slash[slash == around ? 1 : 0] = '\0';
    }
}

void
osh_protect_remark(OshProtectSearch *search, const char *format, ...)
{
    GPtrArray *remarks = search->findings->remarks;
    va_list arguments;

    if (remarks->len >= OSH_PROTECT_MAX_REMARKS)
        return;
    va_start(arguments, format);
    g_ptr_array_add(remarks, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void
osh_protect_look_later(OshProtectSearch *search, const char *path, guint queue, guint depth)
{
    OshProtectFolder *folder;

    if (g_hash_table_contains(search->seen, path))
        return;
    folder = g_new0(OshProtectFolder, 1);
    folder->path = g_strdup(path);
    folder->depth = depth;
    folder->kind = queue;
    g_hash_table_add(search->seen, g_strdup(path));
    g_queue_push_tail(&search->folders[queue], folder);
}

/* One name: a finding when the box could change it. */
static void
record(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row,
       OshPlaceholderKind absent)
{
    OshProtectFindings *findings = search->findings;
    OshProtectedFile *file;
    struct stat about;

    if (g_hash_table_contains(findings->by_path, path) ||
        osh_protect_access(search, path) != OSH_PROTECT_WRITABLE)
        return;
    if (findings->files->len >= OSH_PROTECT_MAX_FILES) {
        findings->beyond++;
        return;
    }
    file = g_new0(OshProtectedFile, 1);
    file->path = g_strdup(path);
    file->row = row;
    file->absent = absent;
    file->opened = g_hash_table_contains(search->writable, path) ||
                   osh_auto_executed_is_opened(row, path, search->scope->opened);
    file->listed_only = g_str_equal(row->id, OSH_AUTO_EXECUTED_GIT_TODO);
    if (absent == OSH_PLACEHOLDER_NONE && lstat(path, &about) == 0) {
        file->device = about.st_dev;
        file->inode = about.st_ino;
    }
    g_ptr_array_add(findings->files, file);
    g_hash_table_insert(findings->by_path, file->path, file);
    if (absent == OSH_PLACEHOLDER_NONE && !file->opened && !file->listed_only)
        osh_protect_note_links(search, path, row);
}

/* A path on the way: what is resolved, and the names that are left. */
typedef struct {
    GString *resolved; /* "" is "/" */
    GString *rest;
    guint links;
} Walk;

static void
step_up(Walk *walk)
{
    const char *slash = strrchr(walk->resolved->str, '/');

    if (slash != NULL)
        g_string_truncate(walk->resolved, (gsize)(slash - walk->resolved->str));
}

/* Returns: (transfer full) (nullable): the next name; %NULL at the end */
static char *
take_name(Walk *walk)
{
    for (;;) {
        gsize skip = strspn(walk->rest->str, "/");
        gsize length;
        char *name;

        g_string_erase(walk->rest, 0, (gssize)skip);
        length = strcspn(walk->rest->str, "/");
        if (length == 0)
            return NULL;
        name = g_strndup(walk->rest->str, length);
        g_string_erase(walk->rest, 0, (gssize)length);
        if (strcmp(name, "..") == 0)
            step_up(walk);
        else if (strcmp(name, ".") != 0)
            return name;
        g_free(name);
    }
}

static gboolean
follow(Walk *walk, const char *link)
{
    char text[MAX_PATH];
    gssize length = readlink(link, text, sizeof text - 1);

    if (length <= 0 || (gsize)length >= sizeof text - 1 || ++walk->links > MAX_LINKS ||
        walk->rest->len + (gsize)length >= MAX_PATH)
        return FALSE;
    text[length] = '\0';
    g_string_prepend_c(walk->rest, '/');
    g_string_prepend(walk->rest, text);
    if (text[0] == '/')
        g_string_truncate(walk->resolved, 0);
    return TRUE;
}

static char *
walk_along(OshProtectSearch *search, Walk *walk, const OshAutoExecutedRow *row,
           OshPlaceholderKind absent)
{
    g_autofree char *name = NULL;

    while ((name = take_name(walk)) != NULL) {
        g_autofree char *path = g_strconcat(walk->resolved->str, "/", name, NULL);
        struct stat about;

        g_clear_pointer(&name, g_free);
        if (lstat(path, &about) != 0) {
            gboolean last = walk->rest->str[strspn(walk->rest->str, "/")] == '\0';

            if (errno == ENOENT && absent != OSH_PLACEHOLDER_NONE)
                record(search, path, row, last ? absent : OSH_PLACEHOLDER_FOLDER);
            return NULL;
        }
        if (S_ISLNK(about.st_mode)) {
            record(search, path, row, OSH_PLACEHOLDER_NONE);
            if (!follow(walk, path))
                return NULL;
            continue;
        }
        g_string_assign(walk->resolved, path);
    }
    return g_strdup(walk->resolved->len > 0 ? walk->resolved->str : "/");
}

char *
osh_protect_follow(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row,
                   OshPlaceholderKind absent)
{
    Walk walk = {.resolved = g_string_new(NULL), .rest = g_string_new(path)};
    char *real = NULL;

    if (path[0] == '/' && strlen(path) < MAX_PATH)
        real = walk_along(search, &walk, row, absent);
    g_string_free(walk.resolved, TRUE);
    g_string_free(walk.rest, TRUE);
    return real;
}

char *
osh_protect_add(OshProtectSearch *search, const char *path, const OshAutoExecutedRow *row,
                OshPlaceholderKind absent)
{
    g_autofree char *real = osh_protect_follow(search, path, row, absent);

    if (real == NULL)
        return NULL;
    record(search, real, row, osh_placeholder_is(real, absent) ? absent : OSH_PLACEHOLDER_NONE);
    return g_steal_pointer(&real);
}

/*
 * A link in a protected folder stays as it is, but the file that it leads to may lie where programs
 * can write. A folder that it leads to is protected only for git's hooks: elsewhere it may be the
 * project itself.
 */
static void
add_link_target(OshProtectSearch *search, const char *link, const OshAutoExecutedRow *row)
{
    gboolean hooks = g_str_equal(row->id, OSH_AUTO_EXECUTED_GIT_HOOKS);
    struct stat about;

    if (stat(link, &about) != 0) {
        g_autofree char *nothing =
            osh_protect_add(search, link, row, hooks ? OSH_PLACEHOLDER_FILE : OSH_PLACEHOLDER_NONE);
        return;
    }
    if (!S_ISDIR(about.st_mode) || hooks) {
        g_autofree char *real = osh_protect_add(search, link, row, OSH_PLACEHOLDER_NONE);
        return;
    }
    osh_protect_remark(search, "writable although %s leads there: the folder that this link names",
                       link);
}

typedef struct {
    OshProtectSearch *search;
    const OshAutoExecutedRow *row;
    guint entries;
} Contents;

static void
add_contents(Contents *contents, const char *folder, guint depth)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        g_autofree char *path = NULL;
        struct stat about;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (contents->entries++ >= MAX_CONTENTS)
            break;
        path = g_build_filename(folder, entry->d_name, NULL);
        if (lstat(path, &about) != 0)
            continue;
        if (S_ISLNK(about.st_mode))
            add_link_target(contents->search, path, contents->row);
        else if (S_ISREG(about.st_mode) && about.st_nlink > 1)
            osh_protect_note_links(contents->search, path, contents->row);
        else if (S_ISDIR(about.st_mode) && depth < MAX_DEPTH)
            add_contents(contents, path, depth + 1);
    }
    if (entries != NULL)
        closedir(entries);
}

void
osh_protect_add_contents(OshProtectSearch *search, const char *folder,
                         const OshAutoExecutedRow *row)
{
    Contents contents = {.search = search, .row = row};

    add_contents(&contents, folder, 0);
}
