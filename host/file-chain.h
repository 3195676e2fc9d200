/* SPDX-License-Identifier: Apache-2.0 */
/* file-chain.h: every name that the kernel looks up on the way to a file, symbolic links included.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshFileChainVisit:
 * @directory: without links in it, as the walk found it
 * @name: looked up there
 *
 * Called before the look-up, so that a watch that is set here misses nothing.
 */
typedef void (*OshFileChainVisit)(const char *directory, const char *name, gpointer data);

/**
 * osh_file_chain_walk:
 * @path: relative to the working directory, or absolute
 * @visit: (nullable): called for every step, in order
 *
 * [any] Goes as far as there is something.
 *
 * Returns: (transfer full) (nullable): where it ends; NULL with errno set when it does not end
 */
char *osh_file_chain_walk(const char *path, OshFileChainVisit visit, gpointer data);

/**
 * osh_file_chain_writable:
 * @grants: (array zero-terminated=1): directories and files that a program may write
 *
 * [any] Security rule 3: whether a component of @path lies in one of @grants, so that the program
 * could put another file in its place.
 *
 * Returns: (transfer none) (nullable): the first such grant
 */
const char *osh_file_chain_writable(const char *path, const char *const *grants);

G_END_DECLS
