/* SPDX-License-Identifier: Apache-2.0 */
/* A Java is found where it may be, and not where there is none. */
#include "java-presence.h"

#include <glib/gstdio.h>
#include <unistd.h>

static void
test_a_java_is_found(void)
{
    g_autofree char *folder = g_dir_make_tmp("osh-java-XXXXXX", NULL);
    g_autofree char *java = g_build_filename(folder, "java", NULL);
    g_autofree char *tools = g_build_filename(folder, ".jdks", NULL);
    g_autofree char *path = g_strconcat("PATH=/no/such:", folder, NULL);
    g_autofree char *home = g_strconcat("HOME=", folder, NULL);
    const char *const by_path[] = {path, NULL};
    const char *const by_home[] = {"PATH=/no/such", home, NULL};
    const char *const by_variable[] = {"PATH=/no/such", "JAVA_HOME=/elsewhere", NULL};
    gboolean installed = access("/usr/lib/jvm", F_OK) == 0 || access("/opt/java", F_OK) == 0;

    g_assert_true(osh_java_is_here(by_variable));
    if (!installed) {
        g_assert_false(osh_java_is_here(by_path));
        g_assert_false(osh_java_is_here(by_home));
    }
    g_assert_true(g_file_set_contents(java, "", 0, NULL));
    g_assert_cmpint(g_chmod(java, 0755), ==, 0);
    g_assert_true(osh_java_is_here(by_path));
    g_assert_cmpint(g_mkdir(tools, 0755), ==, 0);
    g_assert_true(osh_java_is_here(by_home));
    g_rmdir(tools);
    g_unlink(java);
    g_rmdir(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/java-presence/a-java-is-found", test_a_java_is_found);
    return g_test_run();
}
