/* SPDX-License-Identifier: Apache-2.0 */
/* writable-places-test.c: which places the text of a policy makes writable. */
#include "writable-places.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *top; /* real/sub, link -> real, tmp -> /tmp; not below /tmp, which is the box's own */
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
    char made[] = "/var/tmp/osh-places-XXXXXX";
    g_autofree char *sub = NULL;

    (void)data;
    g_assert_nonnull(g_mkdtemp(made));
    tree->top = realpath(made, NULL);
    sub = at(tree, "real/sub");
    g_assert_cmpint(g_mkdir_with_parents(sub, 0700), ==, 0);
    make_link(tree, "real", "link");
    make_link(tree, "/tmp", "tmp");
}

static void
tear_down(Tree *tree, gconstpointer data)
{
    static const char *const paths[] = {"real/sub", "real", "link", "tmp", ""};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = at(tree, paths[i]);

        g_assert_cmpint(g_remove(path), ==, 0);
    }
    free(tree->top);
}

/* @expected: (nullable): relative to the top; NULL when there is to be none */
static void
assert_place(const Tree *tree, const char *grant, const char *workdir, const char *expected)
{
    const char *const nothing[] = {NULL};
    const char *const grants[] = {grant, NULL};
    OshPolicyStatic policy = {.read_only = nothing,
                              .read_write = grant != NULL ? grants : nothing,
                              .include_workdir = workdir != NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) places = osh_writable_places(&policy, workdir, &error);
    g_autofree char *place = expected != NULL ? at(tree, expected) : NULL;

    g_assert_no_error(error);
    g_assert_null(g_ptr_array_index(places, places->len - 1));
    g_assert_cmpuint(places->len, ==, expected != NULL ? 2 : 1);
    g_assert_cmpstr(g_ptr_array_index(places, 0), ==, place);
}

static void
test_a_grant_is_what_it_resolves_to(Tree *tree, gconstpointer data)
{
    static const char *const spellings[] = {"real/sub", "link/sub", "link//sub/",
                                            "link/./sub/../sub", "real/../link/sub"};
    g_autofree char *missing = at(tree, "link/none/more");

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_autofree char *path = at(tree, spellings[i]);

        assert_place(tree, path, NULL, "real/sub");
        assert_place(tree, NULL, path, "real/sub");
    }
    assert_place(tree, missing, NULL, "real/none/more");
}

static void
test_what_the_box_has_of_its_own_is_not_the_hosts(Tree *tree, gconstpointer data)
{
    static const char *const own[] = {"/tmp",     "/tmp/", "//tmp",        "/run",
                                      "/dev/shm", "/proc", "/proc/self/fd"};
    g_autofree char *link = at(tree, "tmp");

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
        assert_place(tree, own[i], NULL, NULL);
    assert_place(tree, link, NULL, NULL);
    assert_place(tree, NULL, "/tmp", NULL);
}

static void
test_without_a_box_there_is_no_working_directory(Tree *tree, gconstpointer data)
{
    const char *const nothing[] = {NULL};
    OshPolicyStatic policy = {.read_only = nothing, .read_write = nothing, .include_workdir = TRUE};
    g_autoptr(GPtrArray) places = osh_writable_places(&policy, NULL, NULL);

    (void)tree;
    (void)data;
    g_assert_cmpuint(places->len, ==, 1);
}

#define ADD(name, function)                                                                        \
    g_test_add("/writable-places/" name, Tree, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("a grant is what it resolves to", test_a_grant_is_what_it_resolves_to);
    ADD("what the box has of its own is not the host's",
        test_what_the_box_has_of_its_own_is_not_the_hosts);
    ADD("without a box there is no working directory",
        test_without_a_box_there_is_no_working_directory);
    return g_test_run();
}
