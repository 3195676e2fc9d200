/* SPDX-License-Identifier: Apache-2.0 */
/* record-file.h: the file of a recording. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * osh_record_file_open: [main]
 * @path: of the file; made with mode 0600 where missing, appended to where it is a recording
 * @writable: (array zero-terminated=1): from osh_writable_places()
 * @error: return location; names the path and what to do
 *
 * Refused: what osh_output_file_open() refuses; a file that is no recording; a recording that
 * another run writes. A line that a run left unfinished is cut off.
 *
 * Returns: a locked descriptor to append to, or -1
 */
int osh_record_file_open(const char *path, const char *const *writable, GError **error);

G_END_DECLS
