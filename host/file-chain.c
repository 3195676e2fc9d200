/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-chain.c: the walk from the root to a file, as the kernel makes it. Plain functions, [any].
 *
 * A path is steered by everybody who may change a directory on the way or one on the way to where a
 * link points, so both the watch and the question who could replace a file need all of them. It
 * must never take ".." away before the link in front of it was followed.
 */
#include "file-chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin-file.h"

/* As many as the kernel follows. */
#define MAX_LINKS 40

typedef struct {
    char *directory;
    char *rest; /* not looked up yet */
    guint links;
    OshFileChainVisit visit;
    gpointer data;
} Walk;

static void
walk_clear(Walk *walk)
{
    g_free(walk->directory);
    g_free(walk->rest);
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
    char target[4096];
    ssize_t length = readlink(link, target, sizeof(target) - 1);

    if (length < 0)
        return FALSE;
    if (++walk->links > MAX_LINKS) {
        errno = ELOOP;
        return FALSE;
    }
    target[length] = '\0';
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

    if (walk->visit != NULL)
        walk->visit(walk->directory, name, walk->data);
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

char *
osh_file_chain_walk(const char *path, OshFileChainVisit visit, gpointer data)
{
    g_autofree char *here = path[0] != '/' ? g_get_current_dir() : NULL;
    g_auto(Walk) walk = {
        .directory = g_strdup("/"),
        .rest = here != NULL ? g_build_filename(here, path, NULL) : g_strdup(path),
        .visit = visit,
        .data = data,
    };
    char *end = NULL;

    while (end == NULL) {
        g_autofree char *name = next_name(&walk);

        if (name == NULL)
            return g_steal_pointer(&walk.directory);
        if (g_str_equal(name, "."))
            continue;
        if (g_str_equal(name, ".."))
            set_text(&walk.directory, g_path_get_dirname(walk.directory));
        else if (!step(&walk, name, &end))
            return NULL;
    }
    return end;
}

typedef struct {
    const char *const *grants;
    GPtrArray *real; /* the same without links; NULL where there is nothing */
    const char *found;
} Search;

/* The root of a granted directory cannot be renamed by who has it; what is in it can. */
static gboolean
is_granted(const char *component, const char *grant)
{
    struct stat about;

    if (grant == NULL || !osh_plugin_file_lies_below(component, grant))
        return FALSE;
    return !osh_plugin_file_lies_below(grant, component) ||
           (lstat(component, &about) == 0 && S_ISREG(about.st_mode));
}

static void
look_for_grant(const char *directory, const char *name, gpointer data)
{
    Search *search = data;
    g_autofree char *component = g_build_filename(directory, name, NULL);

    for (guint i = 0; i < search->real->len && search->found == NULL; i++)
        if (is_granted(component, search->grants[i]) ||
            is_granted(component, g_ptr_array_index(search->real, i)))
            search->found = search->grants[i];
}

const char *
osh_file_chain_writable(const char *path, const char *const *grants)
{
    g_autoptr(GPtrArray) real = g_ptr_array_new_with_free_func(free);
    Search search = {grants, real, NULL};

    for (gsize i = 0; grants[i] != NULL; i++)
        g_ptr_array_add(real, realpath(grants[i], NULL));
    g_free(osh_file_chain_walk(path, look_for_grant, &search));
    return search.found;
}
