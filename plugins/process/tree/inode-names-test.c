/* SPDX-License-Identifier: Apache-2.0 */
/* inode-names-test.c: which names of a file are found, and when it is given up. */
#include "inode-names.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *top; /* file, deep/er/second, deep/other, none.txt */
    GArray *files;
    GPtrArray *found;
} Tree;

static char *
at(const Tree *tree, const char *path)
{
    return g_build_filename(tree->top, path, NULL);
}

static void
set_up(Tree *tree, gconstpointer data)
{
    g_autofree char *deep = NULL;
    g_autofree char *file = NULL;
    g_autofree char *second = NULL;
    g_autofree char *other = NULL;
    struct stat about;

    (void)data;
    tree->top = g_dir_make_tmp("osh-links-XXXXXX", NULL);
    tree->files = g_array_new(FALSE, FALSE, sizeof(struct stat));
    tree->found = g_ptr_array_new_with_free_func(g_free);
    deep = at(tree, "deep/er");
    file = at(tree, "file");
    second = at(tree, "deep/er/second");
    other = at(tree, "deep/other");
    g_assert_cmpint(g_mkdir_with_parents(deep, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    g_assert_true(g_file_set_contents(other, "", 0, NULL));
    g_assert_cmpint(link(file, second), ==, 0);
    g_assert_cmpint(lstat(file, &about), ==, 0);
    g_array_append_val(tree->files, about);
}

static void
tear_down(Tree *tree, gconstpointer data)
{
    static const char *const paths[] = {"deep/er/second", "deep/er", "deep/other",
                                        "deep",           "file",    ""};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = at(tree, paths[i]);

        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_array_unref(tree->files);
    g_ptr_array_unref(tree->found);
    g_free(tree->top);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
test_every_name_in_the_tree_is_found_and_no_other_file(Tree *tree, gconstpointer data)
{
    g_autofree char *file = at(tree, "file");
    g_autofree char *second = at(tree, "deep/er/second");
    guint left = 100;

    (void)data;
    g_assert_true(osh_inode_names_find(tree->top, tree->files, &left, tree->found));
    g_ptr_array_sort(tree->found, compare);
    g_assert_cmpuint(tree->found->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(tree->found, 0), ==, second);
    g_assert_cmpstr(g_ptr_array_index(tree->found, 1), ==, file);
    g_assert_cmpuint(left, ==, 95);
}

static void
test_the_same_number_on_another_file_system_is_another_file(Tree *tree, gconstpointer data)
{
    guint left = 100;

    (void)data;
    g_array_index(tree->files, struct stat, 0).st_dev++;
    g_assert_true(osh_inode_names_find(tree->top, tree->files, &left, tree->found));
    g_assert_cmpuint(tree->found->len, ==, 0);
}

static void
test_a_tree_that_is_too_large_is_said_to_be(Tree *tree, gconstpointer data)
{
    guint left = 4;

    (void)data;
    g_assert_false(osh_inode_names_find(tree->top, tree->files, &left, tree->found));
}

static void
test_a_file_that_the_box_cannot_change_is_not_looked_for(void)
{
    static const struct {
        mode_t mode;
        nlink_t links;
        uid_t owner;
        gboolean matters;
    } rows[] = {
        {S_IFREG | 0600, 2, 7, TRUE},  {S_IFREG | 0444, 2, 7, TRUE},  {S_IFREG | 0600, 1, 7, FALSE},
        {S_IFREG | 0644, 2, 8, FALSE}, {S_IFREG | 0646, 2, 8, TRUE},  {S_IFREG | 0664, 2, 8, TRUE},
        {S_IFDIR | 0777, 2, 7, FALSE}, {S_IFLNK | 0777, 2, 7, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct stat about = {
            .st_mode = rows[i].mode, .st_nlink = rows[i].links, .st_uid = rows[i].owner};

        g_assert_true(osh_inode_names_matter(&about, 7) == rows[i].matters);
    }
}

#define ADD(name, function)                                                                        \
    g_test_add("/inode-names/" name, Tree, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("every name in the tree is found, and no other file",
        test_every_name_in_the_tree_is_found_and_no_other_file);
    ADD("the same number on another file system is another file",
        test_the_same_number_on_another_file_system_is_another_file);
    ADD("a tree that is too large is said to be", test_a_tree_that_is_too_large_is_said_to_be);
    g_test_add_func("/inode-names/a file that the box cannot change is not looked for",
                    test_a_file_that_the_box_cannot_change_is_not_looked_for);
    return g_test_run();
}
