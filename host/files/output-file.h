/* SPDX-License-Identifier: Apache-2.0 */
/* output-file.h: files that the host writes: for the length of a run, or once. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * osh_output_file_open: [main]
 * @what: "the recording", for messages
 * @path: of the file; made with mode 0600 where missing
 * @writable: (array zero-terminated=1): from osh_writable_places()
 * @error: return location; names the path and what to do
 *
 * Security rule 3, protected files. Refused: a symbolic link anywhere in @path; a path any
 * component of which lies in @writable; what is neither a regular file nor a character device; a
 * file that has a second hard link, belongs to another user, or may be read or written by others.
 *
 * Returns: a descriptor to read and append, or -1
 */
int osh_output_file_open(const char *what, const char *path, const char *const *writable,
                         GError **error);

/**
 * osh_output_write: [any]
 * @fd: of a file, blocking
 *
 * Returns: FALSE with errno set when not all of @text could be written
 */
gboolean osh_output_write(int fd, const char *text);

G_END_DECLS
