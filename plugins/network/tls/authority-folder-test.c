/* SPDX-License-Identifier: Apache-2.0 */
/* The authority of a run as files of a folder. */
#include "authority-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTHORITY "-----BEGIN CERTIFICATE-----\nAUTHORITY\n-----END CERTIFICATE-----\n"
#define ROOT      "-----BEGIN CERTIFICATE-----\nROOT\n-----END CERTIFICATE-----\n"

typedef struct {
    char *path;
    char *roots;
    char *authority;
    char *bundle;
} Folder;

static Folder
folder_new(void)
{
    char *path = g_dir_make_tmp("osh-authority-XXXXXX", NULL);
    Folder folder = {
        path,
        g_build_filename(path, "roots.pem", NULL),
        g_build_filename(path, "openshell-ca.pem", NULL),
        g_build_filename(path, "ca-bundle.pem", NULL),
    };

    g_assert_true(g_file_set_contents(folder.roots, ROOT, -1, NULL));
    return folder;
}

static void
folder_free(Folder *folder)
{
    g_unlink(folder->roots);
    g_unlink(folder->authority);
    g_unlink(folder->bundle);
    /* Nothing else was left there. */
    g_assert_cmpint(g_rmdir(folder->path), ==, 0);
    g_free(folder->path);
    g_free(folder->roots);
    g_free(folder->authority);
    g_free(folder->bundle);
}

static void
assert_holds(const char *path, const char *first, const char *second)
{
    g_autofree char *text = NULL;
    struct stat status;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, first));
    g_assert_cmpint(strstr(text, second) != NULL, ==, g_str_has_suffix(path, "bundle.pem"));
    g_assert_null(strstr(text, "PRIVATE KEY"));
    g_assert_cmpint(lstat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode, ==, S_IFREG | 0644);
}

static void
test_everybody_may_read_the_files(void)
{
    Folder folder = folder_new();
    mode_t before = umask(077);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 2; i++) {
        g_assert_true(osh_authority_folder_write(folder.path, AUTHORITY, folder.roots, &error));
        g_assert_no_error(error);
        assert_holds(folder.authority, "AUTHORITY", "ROOT");
        assert_holds(folder.bundle, "AUTHORITY", "ROOT");
    }
    umask(before);
    folder_free(&folder);
}

static void
test_a_link_is_replaced_and_not_followed(void)
{
    Folder folder = folder_new();
    g_autofree char *fresh = g_build_filename(folder.path, ".openshell-ca.pem.new", NULL);
    g_autofree char *text = NULL;

    g_assert_cmpint(symlink(folder.roots, folder.authority), ==, 0);
    g_assert_cmpint(symlink(folder.roots, fresh), ==, 0);
    g_assert_true(osh_authority_folder_write(folder.path, AUTHORITY, folder.roots, NULL));
    assert_holds(folder.authority, "AUTHORITY", "ROOT");
    g_assert_true(g_file_get_contents(folder.roots, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, ROOT);
    folder_free(&folder);
}

static void
test_a_folder_that_takes_no_file_is_named(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(osh_authority_folder_write("/nowhere/at all", AUTHORITY, NULL, &error));
    g_assert_nonnull(strstr(error->message, "network.authority-folder: "));
    g_assert_nonnull(strstr(error->message, "/nowhere/at all: No such file"));
    g_clear_error(&error);
    g_assert_false(osh_authority_folder_write("/proc/self", AUTHORITY, NULL, &error));
    g_assert_nonnull(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/authority-folder/everybody-may-read-the-files",
                    test_everybody_may_read_the_files);
    g_test_add_func("/network/authority-folder/a-link-is-replaced-and-not-followed",
                    test_a_link_is_replaced_and_not_followed);
    g_test_add_func("/network/authority-folder/a-folder-that-takes-no-file-is-named",
                    test_a_folder_that_takes_no_file_is_named);
    return g_test_run();
}
