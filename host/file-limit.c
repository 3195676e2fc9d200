/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-limit.c: one clear error in the place of many. [main]; no state. GLib ends a process that
 * has no descriptor left for its main loop, without a word of what to do.
 */
#include "file-limit.h"

#include <sys/resource.h>

#define RUN_MIN_FILES 64

gboolean
osh_file_limit_check(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= RUN_MIN_FILES)
        return TRUE;
    g_printerr(
        "openshell: error: a run takes %d open files at least and may have %" G_GUINT64_FORMAT
        ": ulimit -n 1024\n",
        RUN_MIN_FILES, (guint64)limit.rlim_cur);
    return FALSE;
}
