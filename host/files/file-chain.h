/* SPDX-License-Identifier: Apache-2.0 */
/* file-chain.h: whether a program of the box could put another file in the place of one. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_file_chain_writable:
 * @path: absolute, or relative to the working directory
 * @writable: (array zero-terminated=1): from osh_writable_places()
 *
 * [any] Security rule 3, protected files: whether a component of @path lies in one of @writable, so
 * that the program could put another file in its place.
 *
 * Returns: (transfer none) (nullable): the first such place
 */
const char *osh_file_chain_writable(const char *path, const char *const *writable);

/**
 * osh_file_chain_writable_link:
 * @path: absolute, or relative to the working directory
 * @writable: (array zero-terminated=1): from osh_writable_places()
 *
 * [any] A file or folder can be protected where it is, by a mount; a symbolic link cannot.
 *
 * Returns: (transfer full) (nullable): the first symbolic link on the way to @path that lies in one
 *   of @writable
 */
char *osh_file_chain_writable_link(const char *path, const char *const *writable);

G_END_DECLS
