/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-path-walk.h: the look-up of a path, as the kernel makes it, one name at a time.
 *
 * Plain functions, [any]. Two paths are compared by what they resolve to and never as text
 * (security rule 3, protected files); these give the resolved form.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshPathWalk:
 * @look_up: (nullable): called before @name is looked up in @directory, so that a watch that is set
 *   here misses nothing; @directory has no link in it
 * @follow: (nullable): called with the path of a symbolic link and its text before it is followed;
 *   %FALSE ends the walk with errno %EPERM
 * @data: given to both
 *
 * What a walk tells its caller.
 */
typedef struct {
    void (*look_up)(const char *directory, const char *name, gpointer data);
    gboolean (*follow)(const char *link, const char *text, gpointer data);
    gpointer data;
} OshPathWalk;

/**
 * osh_path_walk:
 * @path: absolute, or relative to the working directory
 * @walk: (nullable): what to call on the way
 *
 * Goes as far as there is something. ".." is taken after the link in front of it was followed.
 *
 * Returns: (transfer full) (nullable): the path without links; %NULL with errno set when there is
 *   nothing, or when it leads through more than 40 links
 */
char *osh_path_walk(const char *path, const OshPathWalk *walk);

/**
 * osh_path_resolve:
 * @path: absolute, or relative to the working directory; it need not exist
 *
 * As osh_path_walk(), but where a name does not exist, it and what follows are kept as written.
 *
 * Returns: (transfer full) (nullable): the path without links; %NULL with errno set when it cannot
 *   be looked up for another reason
 */
char *osh_path_resolve(const char *path);

/**
 * osh_path_is_in:
 * @path: absolute and resolved
 * @folder: absolute and resolved
 *
 * Returns: whether @path is @folder or lies below it
 */
gboolean osh_path_is_in(const char *path, const char *folder);

G_END_DECLS
