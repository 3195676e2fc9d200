/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare-paths-test.c: what is made, what is left alone, what is refused; as root also who owns
 * it.
 */
#include "prepare-paths.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER 54321

/* Not below /tmp, nor in a build folder that may be there: nothing is ever made there. */
static char *
new_folder(void)
{
    g_autofree char *template = g_strdup("/var/tmp/openshell-prepare-XXXXXX");

    return g_strdup(g_mkdtemp(template));
}

static gboolean
prepare(const char *path, GPtrArray *made, GError **error)
{
    const char *const paths[] = {path, NULL};

    return osh_prepare_paths(paths, geteuid() == 0 ? OTHER : getuid(),
                             geteuid() == 0 ? OTHER : getgid(), made, error);
}

static void
test_a_missing_path_is_made_and_only_it_is_given_away(void)
{
    g_autofree char *root = new_folder();
    g_autofree char *above = g_build_filename(root, "above", NULL);
    g_autofree char *path = g_build_filename(above, "wanted", NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    struct stat about;

    g_assert_true(prepare(path, made, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(made->len, ==, 1);
    g_assert_cmpint(lstat(above, &about), ==, 0);
    g_assert_cmpuint(about.st_uid, ==, geteuid());
    g_assert_cmpint(lstat(path, &about), ==, 0);
    g_assert_cmpuint(about.st_uid, ==, geteuid() == 0 ? OTHER : getuid());
    g_assert_cmpuint(about.st_mode, ==, S_IFDIR | 0755);
    g_rmdir(path);
    g_rmdir(above);
    g_rmdir(root);
}

static void
test_what_exists_keeps_its_owner_and_mode(void)
{
    g_autofree char *root = new_folder();
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    struct stat before, after;

    g_assert_cmpint(chmod(root, 0701), ==, 0);
    g_assert_cmpint(lstat(root, &before), ==, 0);
    g_assert_true(prepare(root, made, NULL));
    g_assert_cmpint(lstat(root, &after), ==, 0);
    g_assert_cmpuint(made->len, ==, 0);
    g_assert_cmpuint(before.st_uid, ==, after.st_uid);
    g_assert_cmpuint(before.st_mode, ==, after.st_mode);
    g_rmdir(root);
}

static void
test_a_symbolic_link_is_refused(void)
{
    g_autofree char *root = new_folder();
    g_autofree char *link = g_build_filename(root, "link", NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(symlink("/etc", link), ==, 0);
    g_assert_false(prepare(link, made, &error));
    g_assert_nonnull(strstr(error->message, "is a symbolic link (to /etc)"));
    g_clear_error(&error);
    g_unlink(link);
    /* A dangling one as well: making what it leads to would be following it. */
    g_assert_cmpint(symlink("/no/such/place", link), ==, 0);
    g_assert_false(prepare(link, made, &error));
    g_unlink(link);
    g_rmdir(root);
}

static void
test_nothing_is_made_through_a_link_or_below_a_file(void)
{
    g_autofree char *root = new_folder();
    g_autofree char *elsewhere = new_folder();
    g_autofree char *link = g_build_filename(root, "link", NULL);
    g_autofree char *through = g_build_filename(link, "x", NULL);
    g_autofree char *file = g_build_filename(root, "file", NULL);
    g_autofree char *below = g_build_filename(file, "x", NULL);
    g_autofree char *leaked = g_build_filename(elsewhere, "x", NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

    g_assert_cmpint(symlink(elsewhere, link), ==, 0);
    g_assert_true(g_file_set_contents(file, "", -1, NULL));
    g_assert_true(prepare(through, made, NULL));
    g_assert_true(prepare(below, made, NULL));
    g_assert_cmpuint(made->len, ==, 0);
    g_assert_false(g_file_test(leaked, G_FILE_TEST_EXISTS));
    g_unlink(link);
    g_unlink(file);
    g_rmdir(root);
    g_rmdir(elsewhere);
}

static void
test_nothing_is_made_in_what_every_box_has_of_its_own(void)
{
    static const char *const paths[] = {"/tmp/openshell-no-such", "/dev/openshell-no-such",
                                        "/run/openshell-no-such", "/proc/openshell-no-such"};
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_assert_true(prepare(paths[i], made, NULL));
        g_assert_false(g_file_test(paths[i], G_FILE_TEST_EXISTS));
    }
    g_assert_cmpuint(made->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prepare/a missing path is made and only it is given away",
                    test_a_missing_path_is_made_and_only_it_is_given_away);
    g_test_add_func("/prepare/what exists keeps its owner and mode",
                    test_what_exists_keeps_its_owner_and_mode);
    g_test_add_func("/prepare/a symbolic link is refused", test_a_symbolic_link_is_refused);
    g_test_add_func("/prepare/nothing is made through a link or below a file",
                    test_nothing_is_made_through_a_link_or_below_a_file);
    g_test_add_func("/prepare/nothing is made in what every box has of its own",
                    test_nothing_is_made_in_what_every_box_has_of_its_own);
    return g_test_run();
}
