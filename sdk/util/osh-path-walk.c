/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-path-walk.c: the walk from the root to a file, as the kernel makes it. Plain functions,
 * [any].
 *
 * A path is steered by everybody who may change a directory on the way, or one on the way to where
 * a link points, so a watch and the question who could replace a file need all of them. It must
 * never take ".." away before the link in front of it was followed.
 */
#include "osh-path-walk.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define MAX_LINKS 40

typedef struct {
    char *directory;
    char *rest; /* not looked up yet */
    guint links;
    const OshPathWalk *calls;
} Walk;

static void
walk_clear(Walk *walk)
{
    int saved = errno;

    g_free(walk->directory);
    g_free(walk->rest);
    errno = saved;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static void
set_text(char **text, char *replacement)
{
    g_free(*text);
    *text = replacement;
}

/* Returns: (transfer full) (nullable): the next name of the rest, which is shortened by it. */
static char *
next_name(Walk *walk)
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    const char *end = begin + strcspn(begin, "/");
    char *name = g_strndup(begin, (gsize)(end - begin));

    set_text(&walk->rest, g_strdup(end));
    if (name[0] == '\0')
        g_clear_pointer(&name, g_free);
    return name;
}

/* Returns: FALSE with errno set. */
static gboolean
follow(Walk *walk, const char *link)
{
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target) - 1);

    if (length < 0)
        return FALSE;
    if (++walk->links > MAX_LINKS) {
        errno = ELOOP;
        return FALSE;
    }
    target[length] = '\0';
    if (walk->calls != NULL && walk->calls->follow != NULL &&
        !walk->calls->follow(link, target, walk->calls->data)) {
        errno = EPERM;
        return FALSE;
    }
    if (target[0] == '/')
        set_text(&walk->directory, g_strdup("/"));
    set_text(&walk->rest, g_strconcat(target, "/", walk->rest, NULL));
    return TRUE;
}

/* Returns: FALSE with errno set when there is nothing of that name. */
static gboolean
step(Walk *walk, const char *name, char **ret_end)
{
    g_autofree char *child = g_build_filename(walk->directory, name, NULL);
    struct stat about;

    if (walk->calls != NULL && walk->calls->look_up != NULL)
        walk->calls->look_up(walk->directory, name, walk->calls->data);
    if (lstat(child, &about) != 0)
        return FALSE;
    if (S_ISLNK(about.st_mode))
        return follow(walk, child);
    if (S_ISDIR(about.st_mode)) {
        set_text(&walk->directory, g_steal_pointer(&child));
        return TRUE;
    }
    if (strspn(walk->rest, "/") != strlen(walk->rest)) {
        errno = ENOTDIR;
        return FALSE;
    }
    *ret_end = g_steal_pointer(&child);
    return TRUE;
}

/* Returns: (nullable): where it ends; NULL with errno set, and @ret_missing what was not there. */
static char *
go(const char *path, const OshPathWalk *calls, char **ret_missing)
{
    g_autofree char *here = path[0] != '/' ? g_get_current_dir() : NULL;
    g_auto(Walk) walk = {
        .directory = g_strdup("/"),
        .rest = here != NULL ? g_build_filename(here, path, NULL) : g_strdup(path),
        .calls = calls,
    };
    char *end = NULL;

    while (end == NULL) {
        g_autofree char *name = next_name(&walk);

        if (name == NULL)
            return g_steal_pointer(&walk.directory);
        if (g_str_equal(name, "."))
            continue;
        if (g_str_equal(name, "..")) {
            set_text(&walk.directory, g_path_get_dirname(walk.directory));
        } else if (!step(&walk, name, &end)) {
            if (ret_missing != NULL && errno == ENOENT) {
                g_autofree char *written = g_build_filename(name, walk.rest, NULL);

                *ret_missing = g_canonicalize_filename(written, walk.directory);
            }
            return NULL;
        }
    }
    return end;
}

char *
osh_path_walk(const char *path, const OshPathWalk *walk)
{
    return go(path, walk, NULL);
}

char *
osh_path_resolve(const char *path)
{
    char *missing = NULL;
    char *end = go(path, NULL, &missing);

    return end != NULL ? end : missing;
}

gboolean
osh_path_is_in(const char *path, const char *folder)
{
    gsize length = strlen(folder);

    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) != 0)
        return FALSE;
    return length == 1 || path[length] == '/' || path[length] == '\0';
}
