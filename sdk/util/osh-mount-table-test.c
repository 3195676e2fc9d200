/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths lead to the same file where folders are mounted twice. In a mount namespace of its
 * own, which an ordinary user has with a user namespace. */
#include "osh-mount-table.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

typedef struct {
    char *top; /* a tmpfs: a/sub/deep, other, "with blank" */
} Tree;

static char *
at(const Tree *tree, const char *path)
{
    return g_build_filename(tree->top, path, NULL);
}

static void
make_folder(const Tree *tree, const char *path)
{
    g_autofree char *whole = at(tree, path);

    g_assert_cmpint(g_mkdir_with_parents(whole, 0755), ==, 0);
}

static void
bind_on(const Tree *tree, const char *source, const char *target)
{
    g_autofree char *from = at(tree, source);
    g_autofree char *to = at(tree, target);

    g_assert_cmpint(mount(from, to, NULL, MS_BIND | MS_REC, NULL), ==, 0);
}

static void
set_up(Tree *tree, gconstpointer data)
{
    g_autofree char *made = g_dir_make_tmp("osh-mounts-XXXXXX", NULL);

    (void)data;
    tree->top = realpath(made, NULL);
    g_assert_cmpint(mount("tmpfs", tree->top, "tmpfs", 0, NULL), ==, 0);
    make_folder(tree, "a/sub/deep");
    make_folder(tree, "other");
    make_folder(tree, "with blank");
}

static void
tear_down(Tree *tree, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(umount2(tree->top, MNT_DETACH), ==, 0);
    g_assert_cmpint(g_rmdir(tree->top), ==, 0);
    free(tree->top);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef GPtrArray *(*Ask)(const OshMountTable *table, const char *path);

/* @expected: relative paths with a comma between, in the order of their names */
static void
assert_paths(const Tree *tree, Ask ask, const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshMountTable) table = osh_mount_table_read(&error);
    g_autofree char *whole = at(tree, path);
    g_autoptr(GPtrArray) found = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_no_error(error);
    found = ask(table, whole);
    g_assert_cmpstr(g_ptr_array_index(found, 0), ==, whole);
    g_ptr_array_sort(found, compare);
    for (guint i = 0; i < found->len; i++) {
        const char *one = g_ptr_array_index(found, i);

        g_assert_true(g_str_has_prefix(one, tree->top));
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", one + strlen(tree->top));
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void
test_a_folder_that_is_mounted_once_has_one_path(Tree *tree, gconstpointer data)
{
    (void)data;
    assert_paths(tree, osh_mount_table_views, "a/sub", "/a/sub");
    assert_paths(tree, osh_mount_table_spread, "a/sub", "/a/sub");
    /* what is not there yet */
    assert_paths(tree, osh_mount_table_spread, "a/none", "/a/none");
}

static void
test_a_bind_mount_is_a_second_path_in_both_directions(Tree *tree, gconstpointer data)
{
    (void)data;
    bind_on(tree, "a", "other");
    bind_on(tree, "a/sub", "with blank");
    assert_paths(tree, osh_mount_table_views, "a/sub/deep",
                 "/a/sub/deep,/other/sub/deep,/with blank/deep");
    assert_paths(tree, osh_mount_table_views, "with blank", "/a/sub,/other/sub,/with blank");
    assert_paths(tree, osh_mount_table_views, "other", "/a,/other");
}

static void
test_a_part_that_is_mounted_elsewhere_belongs_to_the_whole(Tree *tree, gconstpointer data)
{
    (void)data;
    bind_on(tree, "a/sub", "other");
    assert_paths(tree, osh_mount_table_views, "a", "/a");
    assert_paths(tree, osh_mount_table_spread, "a", "/a,/other");
    assert_paths(tree, osh_mount_table_spread, "other", "/a/sub,/other");
}

static void
test_what_is_mounted_inside_belongs_to_it_wherever_it_is_shown(Tree *tree, gconstpointer data)
{
    g_autofree char *inside = at(tree, "a/sub");

    (void)data;
    g_assert_cmpint(mount("tmpfs", inside, "tmpfs", 0, NULL), ==, 0);
    make_folder(tree, "a/sub/new");
    bind_on(tree, "a/sub/new", "other");
    assert_paths(tree, osh_mount_table_spread, "a", "/a,/a/sub,/other");
    assert_paths(tree, osh_mount_table_views, "other", "/a/sub/new,/other");
}

static void
test_a_path_that_another_mount_covers_leads_elsewhere(Tree *tree, gconstpointer data)
{
    g_autofree char *covered = at(tree, "a/sub");

    (void)data;
    bind_on(tree, "a/sub/deep", "other");
    g_assert_cmpint(mount("tmpfs", covered, "tmpfs", 0, NULL), ==, 0);
    make_folder(tree, "a/sub/deep");
    assert_paths(tree, osh_mount_table_views, "other", "/other");
    assert_paths(tree, osh_mount_table_views, "a/sub/deep", "/a/sub/deep");
}

static void
test_a_file_can_be_mounted_twice_as_well(Tree *tree, gconstpointer data)
{
    g_autofree char *file = at(tree, "a/file");
    g_autofree char *target = at(tree, "other/target");

    (void)data;
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    g_assert_true(g_file_set_contents(target, "", 0, NULL));
    bind_on(tree, "a/file", "other/target");
    assert_paths(tree, osh_mount_table_views, "a/file", "/a/file,/other/target");
    assert_paths(tree, osh_mount_table_spread, "a", "/a,/other/target");
}

static void
map_own_id(const char *path, guint id)
{
    g_autofree char *map = g_strdup_printf("%u %u 1", id, id);

    g_assert_true(g_file_set_contents_full(path, map, -1, G_FILE_SET_CONTENTS_NONE, 0, NULL));
}

static gboolean
enter_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)) != 0)
        return FALSE;
    if (uid != 0) {
        g_assert_true(g_file_set_contents_full("/proc/self/setgroups", "deny", -1,
                                               G_FILE_SET_CONTENTS_NONE, 0, NULL));
        map_own_id("/proc/self/uid_map", uid);
        map_own_id("/proc/self/gid_map", gid);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#define ADD(name, function)                                                                        \
    g_test_add("/mount-table/" name, Tree, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!enter_namespace()) {
        g_print("1..0 # SKIP no mount namespace can be made here: %s\n", g_strerror(errno));
        return 0;
    }
    ADD("a folder that is mounted once has one path",
        test_a_folder_that_is_mounted_once_has_one_path);
    ADD("a bind mount is a second path, in both directions",
        test_a_bind_mount_is_a_second_path_in_both_directions);
    ADD("a part that is mounted elsewhere belongs to the whole",
        test_a_part_that_is_mounted_elsewhere_belongs_to_the_whole);
    ADD("what is mounted inside belongs to it, wherever it is shown",
        test_what_is_mounted_inside_belongs_to_it_wherever_it_is_shown);
    ADD("a path that another mount covers leads elsewhere",
        test_a_path_that_another_mount_covers_leads_elsewhere);
    ADD("a file can be mounted twice as well", test_a_file_can_be_mounted_twice_as_well);
    return g_test_run();
}
