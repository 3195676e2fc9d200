/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin under test is a copy of this test program, which exports an entry. */
#include "plugin-file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

OSH_PLUGIN_MANIFEST("[plugin]\nid=self\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=MIT\n");

typedef struct {
    char *directory;
    char *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    gsize size;

    (void)data;
    fixture->directory = g_dir_make_tmp("osh-plugin-file-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->directory, "self.so", NULL);
    g_file_get_contents("/proc/self/exe", &bytes, &size, &error);
    g_assert_no_error(error);
    g_file_set_contents_full(fixture->path, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0755,
                             &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GDir) directory = g_dir_open(fixture->directory, 0, NULL);
    const char *name;

    (void)data;
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *path = g_build_filename(fixture->directory, name, NULL);

        if (g_unlink(path) != 0)
            g_rmdir(path);
    }
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
    g_free(fixture->path);
}

static void
assert_open_fails(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshPluginFile) file = osh_plugin_file_open(path, &error);

    g_assert_null(file);
    if (strstr(error->message, expected) == NULL)
        g_error("'%s' does not say '%s'", error->message, expected);
}

static void
test_accepts(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshPluginFile) file = osh_plugin_file_open(fixture->path, &error);
    g_autoptr(OshManifest) manifest = NULL;

    (void)data;
    g_assert_no_error(error);
    g_assert_cmpstr(file->path, ==, fixture->path);
    manifest = osh_plugin_file_read_manifest(file, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(manifest->id, ==, "self");
}

static void
test_writable(Fixture *fixture, gconstpointer data)
{
    static const int folder_modes[] = {0777, 0770, 0720, 0775, 0757, 0702};

    (void)data;
    g_assert_cmpint(g_chmod(fixture->path, 0757), ==, 0);
    assert_open_fails(fixture->path, "can be written by its group or by others");
    g_assert_cmpint(g_chmod(fixture->path, 0775), ==, 0);
    assert_open_fails(fixture->path, "can be written by its group or by others");
    g_assert_cmpint(g_chmod(fixture->path, 0755), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(folder_modes); i++) {
        g_assert_cmpint(g_chmod(fixture->directory, folder_modes[i]), ==, 0);
        assert_open_fails(fixture->path, "the directory of");
    }
    g_assert_cmpint(g_chmod(fixture->directory, 01777), ==, 0);
    test_accepts(fixture, NULL);
    g_assert_cmpint(g_chmod(fixture->directory, 0700), ==, 0);
}

/* Whoever is in the group could put another file in the place of this one. */
static void
test_directory_of_a_group(Fixture *fixture, gconstpointer data)
{
    static const guint refused[] = {0770, 0775, 0730, 02770, 0702};
    static const guint accepted[] = {0700, 0755, 0750, 01770, 02755};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_cmpint(g_chmod(fixture->directory, (int)refused[i]), ==, 0);
        assert_open_fails(fixture->path, "the directory of");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(accepted); i++) {
        g_assert_cmpint(g_chmod(fixture->directory, (int)accepted[i]), ==, 0);
        test_accepts(fixture, NULL);
    }
    g_assert_cmpint(g_chmod(fixture->directory, 0700), ==, 0);
}

static void
test_foreign_owner(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (geteuid() != 0) {
        g_test_skip("only root can give a file away");
        return;
    }
    g_assert_cmpint(chown(fixture->path, 4242, 0), ==, 0);
    assert_open_fails(fixture->path, "belongs to uid 4242");
    g_assert_cmpint(chown(fixture->path, 0, 0), ==, 0);
    g_assert_cmpint(chown(fixture->directory, 4242, 0), ==, 0);
    assert_open_fails(fixture->path, "belongs to uid 4242");
    /* Sticky does not help when what is taken from it is somebody else's. */
    g_assert_cmpint(chown(fixture->directory, 0, 0), ==, 0);
    g_assert_cmpint(g_chmod(fixture->directory, 01777), ==, 0);
    g_assert_cmpint(chown(fixture->path, 4242, 0), ==, 0);
    assert_open_fails(fixture->path, "belongs to uid 4242");
}

static void
test_links(Fixture *fixture, gconstpointer data)
{
    g_autofree char *link = g_build_filename(fixture->directory, "link.so", NULL);
    g_autofree char *fifo = g_build_filename(fixture->directory, "fifo.so", NULL);

    (void)data;
    g_assert_cmpint(symlink(fixture->path, link), ==, 0);
    assert_open_fails(link, "it is a symbolic link");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_open_fails(fifo, "it is not a regular file");
    assert_open_fails("/nonexistent/x.so", "/nonexistent: No such file or directory");
}

static void
test_not_a_plugin(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshPluginFile) file = NULL;

    (void)data;
    g_file_set_contents_full(fixture->path, "hello", -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
    g_assert_no_error(error);
    file = osh_plugin_file_open(fixture->path, &error);
    g_assert_no_error(error);
    g_assert_null(osh_plugin_file_read_manifest(file, &error));
    g_assert_nonnull(strstr(error->message, "is not a plugin: it is not an ELF file"));
    g_clear_error(&error);
    g_assert_null(osh_plugin_file_load(file, &error));
    g_assert_nonnull(strstr(error->message, "cannot load "));
    g_assert_null(strstr(error->message, "/proc/self/fd"));
}

static void
test_lies_below(void)
{
    g_assert_true(osh_plugin_file_lies_below("/a/b/c", "/a/b"));
    g_assert_true(osh_plugin_file_lies_below("/a/b", "/a/b/"));
    g_assert_true(osh_plugin_file_lies_below("/a", "/"));
    g_assert_false(osh_plugin_file_lies_below("/a/bc", "/a/b"));
    g_assert_false(osh_plugin_file_lies_below("/a", "/a/b"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add(name, Fixture, NULL, set_up, function, tear_down)
    ADD("/plugin-file/a-file-that-only-we-can-replace-is-accepted", test_accepts);
    ADD("/plugin-file/what-others-can-write-is-refused", test_writable);
    ADD("/plugin-file/a-directory-that-a-group-can-write-is-refused", test_directory_of_a_group);
    ADD("/plugin-file/what-others-own-is-refused", test_foreign_owner);
    ADD("/plugin-file/links-and-pipes-are-refused", test_links);
    ADD("/plugin-file/the-reason-names-the-file-and-not-a-descriptor", test_not_a_plugin);
    g_test_add_func("/plugin-file/a-path-lies-below-whole-components", test_lies_below);
    return g_test_run();
}
