/* SPDX-License-Identifier: Apache-2.0 */
/*
 * not-shown.c: why a command that exists is not found in the box. [main]; no state. It only reads
 * what the user of the host can read, and only after the box has failed to run the command.
 */
#include "not-shown.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "osh-path-walk.h"

#define INTERPRETER_MAX 256 /* BINPRM_BUF_SIZE of the kernel */

static char *
find_outside(const char *command, const char *search_path, const char *workdir)
{
    g_auto(GStrv) folders = NULL;

    if (strchr(command, '/') != NULL) {
        g_autofree char *path = g_canonicalize_filename(command, workdir);

        return g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
    }
    folders = g_strsplit(search_path != NULL ? search_path : "", ":", -1);
    for (gsize i = 0; folders[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(folders[i], command, NULL);

        if (folders[i][0] == '/' && access(path, X_OK) == 0 &&
            !g_file_test(path, G_FILE_TEST_IS_DIR))
            return g_steal_pointer(&path);
    }
    return NULL;
}

/* Returns: (nullable): what "#!" names */
static char *
interpreter_of(const char *path)
{
    char line[INTERPRETER_MAX + 1] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    gssize length = fd >= 0 ? read(fd, line, INTERPRETER_MAX) : -1;
    char *start;

    if (fd >= 0)
        close(fd);
    if (length < 2 || line[0] != '#' || line[1] != '!')
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    start = g_strstrip(line + 2);
    start[strcspn(start, " \t")] = '\0';
    return start[0] != '\0' ? g_strdup(start) : NULL;
}

/* @name: what the message calls @path */
static char *
say_not_shown(const char *path, const char *name)
{
    g_autofree char *resolved = osh_path_resolve(path);
    g_autofree char *folder = g_path_get_dirname(resolved != NULL ? resolved : path);
    g_autofree char *leads = resolved != NULL && !g_str_equal(resolved, path)
                                 ? g_strdup_printf("%s, which leads to %s,", name, resolved)
                                 : g_strdup(name);

    return g_strdup_printf("%s exists, but the policy does not show it in the box: add %s to "
                           "filesystem_policy.read_only",
                           leads, folder);
}

/* The file is there, so that what it needs to be run is not. */
static char *
explain_shown(const OshMountPlan *mounts, const char *path)
{
    g_autofree char *interpreter = interpreter_of(path);

    if (interpreter == NULL)
        return g_strdup_printf(
            "%s exists, but perhaps not its dynamic loader: the policy must show what ldd %s lists",
            path, path);
    if (!g_file_test(interpreter, G_FILE_TEST_EXISTS))
        return g_strdup_printf("the interpreter of %s, %s, does not exist", path, interpreter);
    if (!osh_mount_plan_shows(mounts, interpreter)) {
        g_autofree char *name = g_strdup_printf("the interpreter of %s, %s,", path, interpreter);

        return say_not_shown(interpreter, name);
    }
    return NULL;
}

char *
osh_not_shown_command(const OshMountPlan *mounts, const char *command, const char *search_path,
                      const char *workdir)
{
    g_autofree char *path = find_outside(command, search_path, workdir);

    if (path == NULL)
        return NULL;
    if (osh_mount_plan_shows(mounts, path))
        return explain_shown(mounts, path);
    /* The message begins with the command. */
    return say_not_shown(path, g_str_equal(path, command) ? "it" : path);
}
