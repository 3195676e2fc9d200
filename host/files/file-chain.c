/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-chain.c: asks of each name on the way to a file whether a program could change it. Plain
 * functions, [any]. The places that programs may write are resolved already, and so is each
 * directory of the walk, so that the comparison is exact.
 */
#include "file-chain.h"

#include <sys/stat.h>

#include "osh-path-walk.h"

typedef struct {
    const char *const *writable;
    const char *found;
    char *link;
} Search;

/* The root of a granted directory cannot be renamed by who has it; what is in it can. */
static gboolean
is_granted(const char *component, const char *grant)
{
    struct stat about;

    if (!osh_path_is_in(component, grant))
        return FALSE;
    return !osh_path_is_in(grant, component) ||
           (lstat(component, &about) == 0 && S_ISREG(about.st_mode));
}

static void
look_for_grant(const char *directory, const char *name, gpointer data)
{
    Search *search = data;
    g_autofree char *component = g_build_filename(directory, name, NULL);

    for (gsize i = 0; search->writable[i] != NULL && search->found == NULL; i++)
        if (is_granted(component, search->writable[i]))
            search->found = search->writable[i];
}

const char *
osh_file_chain_writable(const char *path, const char *const *writable)
{
    Search search = {.writable = writable};
    OshPathWalk walk = {.look_up = look_for_grant, .data = &search};

    g_free(osh_path_walk(path, &walk));
    return search.found;
}

static gboolean
look_at_link(const char *link, const char *text, gpointer data)
{
    Search *search = data;

    (void)text;
    for (gsize i = 0; search->writable[i] != NULL; i++) {
        if (!osh_path_is_in(link, search->writable[i]))
            continue;
        search->link = g_strdup(link);
        return FALSE;
    }
    return TRUE;
}

char *
osh_file_chain_writable_link(const char *path, const char *const *writable)
{
    Search search = {.writable = writable};
    OshPathWalk walk = {.follow = look_at_link, .data = &search};

    g_free(osh_path_walk(path, &walk));
    return search.link;
}
