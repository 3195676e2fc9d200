/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program-path.c: from the path of a program to the file that its process is known by.
 *
 * Only reads, at most one line of each file; any thread. It must never open a FIFO or a device in a
 * way that waits.
 */
#include "program-path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "normalise.h"

#define MAX_LINK_HOPS    40
#define MAX_INTERPRETERS 5
#define FIRST_LINE       256

/* Returns: (nullable): the first line behind "#!", @is_file whether it can be started at all */
static char *
read_interpreter(const char *path, gboolean *is_file)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char line[FIRST_LINE + 1];
    struct stat status;
    gssize length = 0;

    /* The interpreter of a program that may be executed but not read cannot be known. */
    *is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    if (fd < 0)
        return NULL;
    if (*is_file)
        length = read(fd, line, FIRST_LINE);
    close(fd);
    if (length < 3 || line[0] != '#' || line[1] != '!')
        return NULL;
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return g_strstrip(g_strdup(line + 2));
}

static char *
real_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = g_strdup(real);

    free(real);
    return copy;
}

/* What `env` starts: the first word that is neither an option nor an assignment. */
static char *
find_by_env(char **words)
{
    for (gsize i = 1; words[i] != NULL; i++)
        if (words[i][0] != '\0' && words[i][0] != '-' && strchr(words[i], '=') == NULL)
            return g_find_program_in_path(words[i]);
    return NULL;
}

static char *
find_interpreter(const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    g_autofree char *name = words[0] != NULL ? g_path_get_basename(words[0]) : NULL;

    if (name == NULL || words[0][0] != '/')
        return NULL;
    return g_str_equal(name, "env") ? find_by_env(words) : g_strdup(words[0]);
}

static gboolean
is_shell(const char *path)
{
    static const char *const shells[] = {"sh",  "bash", "dash", "ash",     "ksh", "mksh",
                                         "zsh", "fish", "csh",  "busybox", NULL};
    g_autofree char *name = g_path_get_basename(path);

    return g_strv_contains(shells, name);
}

gboolean
osh_program_path_find(const char *path, OshProgramPath *ret_program)
{
    g_autofree char *current = real_path(path);
    OshProgramPath program = {0};

    for (guint i = 0; current != NULL && i < MAX_INTERPRETERS; i++) {
        gboolean is_file;
        g_autofree char *line = read_interpreter(current, &is_file);
        g_autofree char *interpreter = NULL;

        if (!is_file)
            break;
        if (line == NULL) {
            program.path = g_steal_pointer(&current);
            program.is_shell = is_shell(program.path);
            *ret_program = program;
            return TRUE;
        }
        if (program.script == NULL)
            program.script = g_strdup(current);
        interpreter = find_interpreter(line);
        g_free(current);
        current = interpreter != NULL ? real_path(interpreter) : NULL;
    }
    osh_program_path_clear(&program);
    return FALSE;
}

void
osh_program_path_clear(OshProgramPath *program)
{
    g_clear_pointer(&program->path, g_free);
    g_clear_pointer(&program->script, g_free);
}

char *
osh_program_path_note(const char *path, const OshProgramPath *program)
{
    if (program->path == NULL || strcmp(program->path, path) == 0)
        return NULL;
    if (program->script != NULL && program->is_shell)
        return g_strdup_printf("'%s' is a script, and its process is known by its shell %s", path,
                               program->path);
    if (program->script != NULL)
        return g_strdup_printf("'%s' is a script, and its process is known by its interpreter %s",
                               path, program->path);
    return g_strdup_printf("'%s' is %s on this machine, and its process is known by that", path,
                           program->path);
}

/* A loop or a dangling link ends the walk. */
char *
osh_policy_link_target(const char *path)
{
    g_autofree char *current = g_strdup(path);
    gboolean followed = FALSE;

    for (guint hop = 0; hop < MAX_LINK_HOPS; hop++) {
        g_autofree char *target = g_file_read_link(current, NULL);
        g_autofree char *parent = NULL;
        g_autofree char *joined = NULL;

        if (target == NULL)
            return followed ? g_steal_pointer(&current) : NULL;
        parent = g_path_get_dirname(current);
        joined = target[0] == '/' ? g_strdup(target) : g_strconcat(parent, "/", target, NULL);
        g_free(current);
        current = osh_policy_normalise_path(joined, TRUE);
        followed = TRUE;
    }
    return NULL;
}
