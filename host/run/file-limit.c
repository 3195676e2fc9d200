/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-limit.c: one clear error in the place of many. [main]; no state. GLib ends a process that
 * has no descriptor left for its main loop, or no memory, without a word of what to do.
 */
#include "file-limit.h"

#include <sys/resource.h>

#define RUN_MIN_FILES 64
/* Plans and filters are files in memory. */
#define RUN_MIN_FILE_SIZE (16 << 20)
#define RUN_MIN_MEMORY    (64 << 20)

/* Returns: FALSE, with one line said, when @resource allows less than @least. */
static gboolean
check_size(int resource, const char *what, const char *option, rlim_t least)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0 || limit.rlim_cur >= least)
        return TRUE;
    g_printerr("openshell: error: the limit of %s (%" G_GUINT64_FORMAT
               " bytes) is too small for a run: ulimit -%s unlimited\n",
               what, (guint64)limit.rlim_cur, option);
    return FALSE;
}

gboolean
osh_file_limit_check(void)
{
    struct rlimit limit;

    if (!check_size(RLIMIT_FSIZE, "a file's size", "f", RUN_MIN_FILE_SIZE) ||
        !check_size(RLIMIT_DATA, "data", "d", RUN_MIN_MEMORY) ||
        !check_size(RLIMIT_AS, "memory", "v", RUN_MIN_MEMORY))
        return FALSE;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= RUN_MIN_FILES)
        return TRUE;
    g_printerr(
        "openshell: error: a run takes %d open files at least and may have %" G_GUINT64_FORMAT
        ": ulimit -n 1024\n",
        RUN_MIN_FILES, (guint64)limit.rlim_cur);
    return FALSE;
}
