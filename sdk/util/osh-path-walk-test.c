/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads: the same as the kernel says, and what is met on the way. */
#include "osh-path-walk.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *top; /* a/b/file, link -> a/b, twice -> link, up -> a/b/../b, loop -> loop */
    GPtrArray *met;
} Tree;

static char *
at(const Tree *tree, const char *path)
{
    return g_build_filename(tree->top, path, NULL);
}

static void
make_link(const Tree *tree, const char *text, const char *path)
{
    g_autofree char *whole = at(tree, path);

    g_assert_cmpint(symlink(text, whole), ==, 0);
}

static void
set_up(Tree *tree, gconstpointer data)
{
    g_autofree char *made = g_dir_make_tmp("osh-path-XXXXXX", NULL);
    g_autofree char *folder = NULL;
    g_autofree char *file = NULL;

    (void)data;
    tree->top = realpath(made, NULL);
    tree->met = g_ptr_array_new_with_free_func(g_free);
    folder = at(tree, "a/b");
    file = at(tree, "a/b/file");
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    make_link(tree, "a/b", "link");
    make_link(tree, "link", "twice");
    make_link(tree, "link/../b", "up");
    make_link(tree, "loop", "loop");
}

static void
tear_down(Tree *tree, gconstpointer data)
{
    static const char *const paths[] = {"a/b/file", "a/b", "a", "link", "twice", "up", "loop", ""};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = at(tree, paths[i]);

        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_ptr_array_unref(tree->met);
    free(tree->top);
}

static void
assert_ends(const Tree *tree, const char *path, const char *expected)
{
    g_autofree char *whole = g_strconcat(tree->top, "/", path, NULL);
    g_autofree char *wanted = at(tree, expected);
    g_autofree char *end = osh_path_walk(whole, NULL);
    char *real = realpath(whole, NULL);

    g_assert_cmpstr(end, ==, wanted);
    g_assert_cmpstr(real, ==, wanted);
    free(real);
}

static void
test_walk_ends_where_the_kernel_does(Tree *tree, gconstpointer data)
{
    (void)data;
    assert_ends(tree, "a/b/file", "a/b/file");
    assert_ends(tree, "link/file", "a/b/file");
    assert_ends(tree, "twice//./file", "a/b/file");
    assert_ends(tree, "link/", "a/b");
    /* ".." of where the link leads, not of where the link is */
    assert_ends(tree, "link/../b/file", "a/b/file");
    assert_ends(tree, "up/file", "a/b/file");
}

static void
test_the_root_of_a_process_is_the_root(Tree *tree, gconstpointer data)
{
    g_autofree char *written = g_strconcat("/proc/self/root", tree->top, "/link/file", NULL);
    g_autofree char *expected = at(tree, "a/b/file");
    g_autofree char *end = osh_path_walk(written, NULL);
    g_autofree char *root = osh_path_walk("/../../proc/../proc/self/root/.", NULL);

    (void)data;
    g_assert_cmpstr(end, ==, expected);
    g_assert_cmpstr(root, ==, "/");
}

static void
assert_fails(const Tree *tree, const char *path, int expected)
{
    g_autofree char *whole = at(tree, path);

    errno = 0;
    g_assert_null(osh_path_walk(whole, NULL));
    g_assert_cmpint(errno, ==, expected);
}

static void
test_what_leads_nowhere_says_why(Tree *tree, gconstpointer data)
{
    (void)data;
    assert_fails(tree, "none", ENOENT);
    assert_fails(tree, "a/none/file", ENOENT);
    assert_fails(tree, "a/b/file/more", ENOTDIR);
    assert_fails(tree, "loop", ELOOP);
    assert_fails(tree, "loop/x", ELOOP);
}

static void
test_what_is_missing_is_kept_as_written(Tree *tree, gconstpointer data)
{
    g_autofree char *written = at(tree, "twice/none/./deeper/../last");
    g_autofree char *expected = at(tree, "a/b/none/last");
    g_autofree char *resolved = osh_path_resolve(written);
    g_autofree char *loop = at(tree, "loop/x");

    (void)data;
    g_assert_cmpstr(resolved, ==, expected);
    g_assert_null(osh_path_resolve(loop));
}

static gboolean
note_link(const char *link, const char *text, gpointer data)
{
    Tree *tree = data;

    g_ptr_array_add(tree->met, g_strconcat(link + strlen(tree->top) + 1, " -> ", text, NULL));
    return !g_str_equal(text, "a/b");
}

static void
test_a_link_is_told_before_it_is_followed(Tree *tree, gconstpointer data)
{
    OshPathWalk walk = {.follow = note_link, .data = tree};
    g_autofree char *path = at(tree, "twice/file");

    (void)data;
    g_assert_null(osh_path_walk(path, &walk));
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_cmpuint(tree->met->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(tree->met, 0), ==, "twice -> link");
    g_assert_cmpstr(g_ptr_array_index(tree->met, 1), ==, "link -> a/b");
}

static void
note_name(const char *directory, const char *name, gpointer data)
{
    Tree *tree = data;

    if (osh_path_is_in(directory, tree->top))
        g_ptr_array_add(tree->met,
                        g_build_filename(".", directory + strlen(tree->top), name, NULL));
}

static void
test_each_name_is_told_before_it_is_looked_up(Tree *tree, gconstpointer data)
{
    static const char *const expected[] = {"./twice", "./link", "./a", "./a/b", "./a/b/none"};
    OshPathWalk walk = {.look_up = note_name, .data = tree};
    g_autofree char *path = at(tree, "twice/none/more");

    (void)data;
    g_assert_null(osh_path_walk(path, &walk));
    g_assert_cmpuint(tree->met->len, ==, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr(g_ptr_array_index(tree->met, i), ==, expected[i]);
}

static void
test_a_name_that_only_begins_alike_is_not_inside(void)
{
    g_assert_true(osh_path_is_in("/a", "/a"));
    g_assert_true(osh_path_is_in("/a/b", "/a/"));
    g_assert_true(osh_path_is_in("/a", "/"));
    g_assert_false(osh_path_is_in("/ab", "/a"));
    g_assert_false(osh_path_is_in("/", "/a"));
}

#define ADD(name, function) g_test_add("/path-walk/" name, Tree, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("a walk ends where the kernel does", test_walk_ends_where_the_kernel_does);
    ADD("the root of a process is the root", test_the_root_of_a_process_is_the_root);
    ADD("what leads nowhere says why", test_what_leads_nowhere_says_why);
    ADD("what is missing is kept as written", test_what_is_missing_is_kept_as_written);
    ADD("a link is told before it is followed", test_a_link_is_told_before_it_is_followed);
    ADD("each name is told before it is looked up", test_each_name_is_told_before_it_is_looked_up);
    g_test_add_func("/path-walk/a name that only begins alike is not inside",
                    test_a_name_that_only_begins_alike_is_not_inside);
    return g_test_run();
}
