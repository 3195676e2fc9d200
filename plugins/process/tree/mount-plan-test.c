/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount-plan-test.c: the tree of a box as it is planned, over real folders and links. What a box
 * then shows and refuses is for box-tree-test.c.
 */
#include "mount-plan.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree-error.h"

typedef struct {
    char *folder; /* not below /tmp: that one is the box's own */
    char *first;
    char *second;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *pattern = g_strdup("/var/tmp/openshell-mounts-XXXXXX");

    (void)data;
    fixture->folder = realpath(g_mkdtemp(pattern), NULL);
    fixture->first = g_build_filename(fixture->folder, "first", NULL);
    fixture->second = g_build_filename(fixture->first, "deep", "second", NULL);
    g_assert_cmpint(g_mkdir_with_parents(fixture->second, 0755), ==, 0);
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) folder = NULL;
    const char *name;

    if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK))
        folder = g_dir_open(path, 0, NULL);
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_tree(child);
    }
    g_remove(path);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    remove_tree(fixture->folder);
    free(fixture->folder);
    g_free(fixture->first);
    g_free(fixture->second);
}

static OshMountPlan *
plan(const char *read_only, const char *read_write)
{
    const char *only[] = {read_only, NULL};
    const char *write[] = {read_write, NULL};
    const OshMountRequest request = {.read_only = only, .read_write = write};
    g_autoptr(GError) error = NULL;
    OshMountPlan *made = osh_mount_plan_new(&request, &error);

    g_assert_no_error(error);
    return made;
}

/* Returns: (nullable): the bind of @path; *ret_position is its place among the steps. */
static const OshMountStep *
find_bind(const OshMountPlan *made, const char *path, guint *ret_position)
{
    for (guint i = 0; i < made->steps->len; i++) {
        const OshMountStep *step = g_ptr_array_index(made->steps, i);

        if (step->kind != OSH_INIT_MOUNT_BIND || !g_str_equal(step->target, path))
            continue;
        if (ret_position != NULL)
            *ret_position = i;
        return step;
    }
    return NULL;
}

static gboolean
is_read_only(const OshMountStep *step)
{
    return (step->flags & OSH_INIT_MOUNT_READ_ONLY) != 0;
}

static void
test_wider_grant_holds(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshMountPlan) made = plan(fixture->first, fixture->first);
    const OshMountStep *step = find_bind(made, fixture->first, NULL);

    (void)data;
    g_assert_nonnull(step);
    g_assert_false(is_read_only(step));
    g_assert_cmpuint(made->read_only->len, ==, 0);
    g_assert_cmpuint(made->read_write->len, ==, 1);
}

static void
test_read_only_inside_writable(Fixture *fixture, gconstpointer data)
{
    g_autofree char *between = g_build_filename(fixture->first, "deep", NULL);
    g_autoptr(OshMountPlan) made = plan(fixture->second, fixture->first);
    guint outer, middle, inner;
    const OshMountStep *step = find_bind(made, fixture->second, &inner);

    (void)data;
    g_assert_nonnull(step);
    g_assert_true(is_read_only(step));
    step = find_bind(made, fixture->first, &outer);
    g_assert_nonnull(step);
    g_assert_false(is_read_only(step));
    /* `mv deep old` would move the read-only folder away: a mount point cannot be moved. */
    step = find_bind(made, between, &middle);
    g_assert_nonnull(step);
    g_assert_false(is_read_only(step));
    g_assert_cmpuint(outer, <, middle);
    g_assert_cmpuint(middle, <, inner);
}

static void
test_writable_inside_read_only(Fixture *fixture, gconstpointer data)
{
    g_autofree char *between = g_build_filename(fixture->first, "deep", NULL);
    g_autoptr(OshMountPlan) made = plan(fixture->first, fixture->second);
    guint outer, inner;

    (void)data;
    g_assert_true(is_read_only(find_bind(made, fixture->first, &outer)));
    g_assert_false(is_read_only(find_bind(made, fixture->second, &inner)));
    g_assert_cmpuint(outer, <, inner);
    g_assert_null(find_bind(made, between, NULL));
}

static void
test_no_devices_but_in_dev(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshMountPlan) made = plan("/usr", fixture->first);

    (void)data;
    for (guint i = 0; i < made->steps->len; i++) {
        const OshMountStep *step = g_ptr_array_index(made->steps, i);

        if (step->kind == OSH_INIT_MOUNT_BIND && !g_str_has_prefix(step->target, "/dev/"))
            g_assert_cmpuint(step->flags & OSH_INIT_MOUNT_NODEV, !=, 0);
    }
    g_assert_nonnull(find_bind(made, "/usr", NULL));
}

/* A grant of what is fresh in every box means the fresh one, by whatever name. */
static void
test_link_to_a_fresh_folder(Fixture *fixture, gconstpointer data)
{
    static const char *const fresh[] = {"/tmp", "/run", "/dev/shm", "/proc"};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(fresh); i++) {
        g_autofree char *link = g_strdup_printf("%s/link%zu", fixture->folder, i);
        g_autoptr(OshMountPlan) made = NULL;

        g_assert_cmpint(symlink(fresh[i], link), ==, 0);
        made = plan(NULL, link);
        g_assert_null(find_bind(made, fresh[i], NULL));
        g_assert_null(find_bind(made, link, NULL));
        g_assert_cmpuint(made->read_write->len, ==, 0);
    }
}

static void
test_missing_path(Fixture *fixture, gconstpointer data)
{
    g_autofree char *missing = g_build_filename(fixture->folder, "missing", NULL);
    const char *paths[] = {missing, NULL};
    OshMountRequest request = {.read_only = paths, .hard_requirement = TRUE};
    g_autoptr(OshMountPlan) made = plan(missing, NULL);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_cmpuint(made->missing->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(made->missing, 0), ==, missing);
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_assert_nonnull(strstr(error->message, "cannot be reached"));
}

static void
test_path_that_goes_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *up = g_strconcat(fixture->first, "/../first", NULL);
    const char *paths[] = {up, NULL};
    const OshMountRequest request = {.read_write = paths};
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_null(osh_mount_plan_new(&request, &error));
    g_assert_error(error, OSH_TREE_ERROR, OSH_TREE_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/mount-plan/" name, Fixture, NULL, set_up, function, tear_down)
    ADD("of-two-grants-of-one-path-the-wider-holds", test_wider_grant_holds);
    ADD("what-is-read-only-inside-something-writable-cannot-be-moved",
        test_read_only_inside_writable);
    ADD("what-is-writable-inside-something-read-only-lies-on-top", test_writable_inside_read_only);
    ADD("no-grant-outside-of-dev-has-devices", test_no_devices_but_in_dev);
    ADD("a-link-to-a-fresh-folder-grants-the-fresh-one", test_link_to_a_fresh_folder);
    ADD("a-missing-path-is-told-or-refused", test_missing_path);
    ADD("a-path-that-goes-up-is-refused", test_path_that_goes_up);
    return g_test_run();
}
