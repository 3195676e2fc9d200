/* SPDX-License-Identifier: Apache-2.0 */
/* placeholder-test.c: what the host makes where a box must not, and what becomes of it. */
#include "placeholder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const OshPlaceholderKind kinds[] = {OSH_PLACEHOLDER_FILE, OSH_PLACEHOLDER_COMMONDIR,
                                           OSH_PLACEHOLDER_FOLDER};

static gboolean
make(OshPlaceholders *placeholders, const char *path, OshPlaceholderKind kind)
{
    g_autoptr(GError) error = NULL;
    gboolean needed = FALSE;

    osh_placeholders_make(placeholders, path, kind, &needed, &error);
    g_assert_no_error(error);
    return needed;
}

static void
test_kinds(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-placeholder-XXXXXX", NULL);
    mode_t mask = umask(077);

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(folder, "name", NULL);
        g_autoptr(OshPlaceholders) one = osh_placeholders_new();
        struct stat about;

        g_assert_true(make(one, path, kinds[i]));
        g_assert_cmpint(stat(path, &about), ==, 0);
        /* Readable by git of everybody who reads the repository, and never a program. */
        g_assert_cmpuint(about.st_mode & 0777, ==,
                         kinds[i] == OSH_PLACEHOLDER_FOLDER ? 0755 : 0444);
        for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++)
            g_assert_true(osh_placeholder_is(path, kinds[k]) == (i == k));
        g_assert_false(osh_placeholder_is(path, OSH_PLACEHOLDER_NONE));
        osh_placeholders_remove(one);
        g_assert_cmpint(lstat(path, &about), !=, 0);
    }
    umask(mask);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_the_last_box_removes(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-placeholder-XXXXXX", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(folder, "name", NULL);
        g_autoptr(OshPlaceholders) one = osh_placeholders_new();
        g_autoptr(OshPlaceholders) two = osh_placeholders_new();

        g_assert_true(make(one, path, kinds[i]));
        g_assert_true(make(two, path, kinds[i]));
        osh_placeholders_remove(one);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        g_assert_true(make(one, path, kinds[i]));
        osh_placeholders_remove(two);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        osh_placeholders_remove(one);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_what_is_not_ours_stays(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-placeholder-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "name", NULL);
    g_autofree char *inside = g_build_filename(path, "hook", NULL);
    g_autoptr(OshPlaceholders) one = osh_placeholders_new();

    /* There before. */
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_assert_true(make(one, path, OSH_PLACEHOLDER_FILE));
    osh_placeholders_remove(one);
    g_assert_cmpint(g_unlink(path), ==, 0);
    /* Replaced by the user. */
    g_assert_true(make(one, path, OSH_PLACEHOLDER_COMMONDIR));
    g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
    osh_placeholders_remove(one);
    g_assert_cmpint(g_unlink(path), ==, 0);
    /* Used by the user. */
    g_assert_true(make(one, path, OSH_PLACEHOLDER_FOLDER));
    g_assert_true(g_file_set_contents(inside, "mine", -1, NULL));
    g_assert_false(osh_placeholder_is(path, OSH_PLACEHOLDER_FOLDER));
    osh_placeholders_remove(one);
    g_assert_cmpint(g_unlink(inside), ==, 0);
    g_assert_cmpint(g_rmdir(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_what_cannot_be_prevented_is_an_error(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-placeholder-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "name", NULL);
    g_autofree char *link = g_strconcat(folder, "-link", NULL);
    g_autofree char *through = g_build_filename(link, "name", NULL);
    g_autofree char *nowhere = g_build_filename(folder, "absent", "name", NULL);
    g_autoptr(OshPlaceholders) one = osh_placeholders_new();
    int fd = g_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    g_autoptr(GError) error = NULL;
    gboolean needed = TRUE;

    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    g_assert_false(osh_placeholders_make(one, path, OSH_PLACEHOLDER_FILE, &needed, &error));
    g_assert_nonnull(strstr(error->message, "locked"));
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);
    close(fd);
    g_assert_cmpint(symlink(folder, link), ==, 0);
    g_assert_false(osh_placeholders_make(one, through, OSH_PLACEHOLDER_FILE, &needed, &error));
    g_assert_false(make(one, nowhere, OSH_PLACEHOLDER_FILE));
    g_unlink(link);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_a_folder_that_nobody_may_write_needs_none(void)
{
    g_autofree char *folder = g_dir_make_tmp("openshell-placeholder-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "name", NULL);
    g_autoptr(OshPlaceholders) one = osh_placeholders_new();

    if (geteuid() == 0) {
        g_test_skip("root may write every folder");
        g_assert_cmpint(g_rmdir(folder), ==, 0);
        return;
    }
    g_assert_cmpint(g_chmod(folder, 0555), ==, 0);
    g_assert_false(make(one, path, OSH_PLACEHOLDER_COMMONDIR));
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/placeholder/each kind is known by what it is, whatever the umask",
                    test_kinds);
    g_test_add_func("/placeholder/the last of several boxes removes it", test_the_last_box_removes);
    g_test_add_func("/placeholder/what is not ours, or was replaced or used, stays",
                    test_what_is_not_ours_stays);
    g_test_add_func("/placeholder/what cannot be prevented is an error, a link on the way too",
                    test_what_cannot_be_prevented_is_an_error);
    g_test_add_func("/placeholder/a folder that nobody may write needs none",
                    test_a_folder_that_nobody_may_write_needs_none);
    return g_test_run();
}
