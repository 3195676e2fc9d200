/* SPDX-License-Identifier: Apache-2.0 */
/* file-watch.h: says that something happened to a file, however it is replaced. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshFileWatch OshFileWatch;

/** OshFileWatchFunc: [main] the file may be another, have other content, be gone or be back. */
typedef void (*OshFileWatchFunc)(gpointer data);

/**
 * osh_file_watch_new:
 * @path: the file; need not be there
 * @changed: called again and again while something happens; a reader waits for a pause
 * @error: return location
 *
 * [main] Watches every directory of @path and of each symbolic link on the way, so that a rename
 * over the file, a swapped link, a replaced parent or one that was away for a while is seen. Starts
 * no thread.
 *
 * Returns: (transfer full) (nullable): the watch; NULL when the kernel has none to give
 */
OshFileWatch *osh_file_watch_new(const char *path, OshFileWatchFunc changed, gpointer data,
                                 GError **error);

/** osh_file_watch_free: [main] @watch: (transfer full) (nullable). */
void osh_file_watch_free(OshFileWatch *watch);

/**
 * osh_file_watch_is_being_written: [main]
 *
 * Returns: whether a writer has changed the file and was not yet seen to close it
 */
gboolean osh_file_watch_is_being_written(const OshFileWatch *watch);

/**
 * osh_file_watch_problem: [main]
 *
 * Returns: (transfer none) (nullable): which directory on the way, or the file, cannot be watched
 *   at present, and why
 */
const char *osh_file_watch_problem(const OshFileWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshFileWatch, osh_file_watch_free)

G_END_DECLS
