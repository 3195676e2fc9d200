/* SPDX-License-Identifier: Apache-2.0 */
/*
 * java-presence.c: whether a program of the box may be Java's. Any thread; no state. Its trust
 * store takes a tenth of the start of a box, which most never use.
 */
#include "java-presence.h"

#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static gboolean
is_in_path(const char *search_path)
{
    g_auto(GStrv) folders = g_strsplit(search_path, ":", -1);

    for (gsize i = 0; folders[i] != NULL; i++) {
        g_autofree char *path = g_build_filename(folders[i], "java", NULL);

        if (folders[i][0] == '/' && access(path, X_OK) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean
osh_java_is_here(const char *const *environment)
{
    static const char *const folders[] = {"/usr/lib/jvm", "/usr/java", "/opt/java", "/opt/jdk"};
    static const char *const home_folders[] = {".sdkman/candidates/java", ".jdks", ".jenv",
                                               ".gradle", ".m2"};
    const char *home = g_environ_getenv((char **)environment, "HOME");
    const char *search_path = g_environ_getenv((char **)environment, "PATH");

    if (g_environ_getenv((char **)environment, "JAVA_HOME") != NULL ||
        is_in_path(search_path != NULL ? search_path : DEFAULT_PATH))
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        if (access(folders[i], F_OK) == 0)
            return TRUE;
    for (gsize i = 0; home != NULL && i < G_N_ELEMENTS(home_folders); i++) {
        g_autofree char *path = g_build_filename(home, home_folders[i], NULL);

        if (access(path, F_OK) == 0)
            return TRUE;
    }
    return FALSE;
}
