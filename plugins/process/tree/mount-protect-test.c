/* SPDX-License-Identifier: Apache-2.0 */
/* mount-protect-test.c: the bounds of the search, and what is said when they are reached. */
#include "mount-protect.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *folder;
    GPtrArray *writable;
    GPtrArray *read_only;
    OshProtectScope scope;
} Tree;

static Tree *
tree_new(void)
{
    Tree *tree = g_new0(Tree, 1);

    /* Thousands of files: in memory where there is such a place. */
    tree->folder = g_mkdtemp(g_strdup("/dev/shm/openshell-protect-XXXXXX"));
    if (tree->folder == NULL)
        tree->folder = g_dir_make_tmp("openshell-protect-XXXXXX", NULL);
    tree->writable = g_ptr_array_new();
    tree->read_only = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(tree->writable, tree->folder);
    g_ptr_array_add(tree->writable, NULL);
    tree->scope = (OshProtectScope){.writable = tree->writable, .read_only = tree->read_only};
    return tree;
}

static int
remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void
tree_free(Tree *tree)
{
    g_assert_cmpint(nftw(tree->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_ptr_array_unref(tree->writable);
    g_ptr_array_unref(tree->read_only);
    g_free(tree->folder);
    g_free(tree);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_free)

static void
make_file(const Tree *tree, const char *name)
{
    g_autofree char *path = g_build_filename(tree->folder, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(above, 0755), ==, 0);
    g_assert_cmpint(mknod(path, S_IFREG | 0644, 0), ==, 0);
}

static void
make_folders(const Tree *tree, const char *below, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("%s/%s/f%u", tree->folder, below, i);

        g_assert_cmpint(g_mkdir_with_parents(name, 0755), ==, 0);
    }
}

static const OshProtectedFile *
find(const Tree *tree, const OshProtectFindings *found, const char *name)
{
    g_autofree char *path = g_build_filename(tree->folder, name, NULL);

    return g_hash_table_lookup(found->by_path, path);
}

static void
test_a_full_folder_hides_nothing_near(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(OshProtectFindings) found = NULL;
    g_autofree char *words = NULL;

    make_folders(tree, "many", OSH_PROTECT_MAX_FOLDERS + 10);
    make_file(tree, "many/f0/deep/x/.envrc");
    make_file(tree, "near/.envrc");
    make_file(tree, "near/r/.git/modules/a/HEAD");
    make_file(tree, "near/r/.git/modules/a/objects/x");
    make_file(tree, "near/r/.git/modules/a/refs/x");
    make_file(tree, "near/r/.git/modules/a/config");
    found = osh_mount_protect_search(&tree->scope);
    g_assert_nonnull(find(tree, found, "near/.envrc"));
    /* What belongs to a repository does not wait behind what is beside it. */
    g_assert_nonnull(find(tree, found, "near/r/.git/modules/a/config"));
    g_assert_cmpuint(found->unsearched, >, 10);
    g_assert_cmpuint(found->unsearched_dependencies, ==, 0);
    words = osh_protect_findings_unsearched(found);
    g_assert_nonnull(strstr(words, " folders with all below ("));
    g_assert_nonnull(strstr(words, tree->folder));
}

static void
test_dependency_folders_come_last_and_have_their_own_budget(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(OshProtectFindings) before = NULL;
    g_autoptr(OshProtectFindings) found = NULL;
    g_autoptr(OshProtectAppeared) appeared = NULL;
    g_autofree char *words = NULL;
    g_autofree char *wanted = g_build_filename(tree->folder, "z/.envrc", NULL);

    before = osh_mount_protect_search(&tree->scope);
    g_assert_null(osh_protect_findings_unsearched(before));
    make_folders(tree, "node_modules", OSH_PROTECT_MAX_DEPENDENCY_FOLDERS + 10);
    make_file(tree, "node_modules/.npmrc");
    make_file(tree, "node_modules/.git/config");
    make_file(tree, "a/target/.git/config");
    make_file(tree, "z/.envrc");
    found = osh_mount_protect_search(&tree->scope);
    g_assert_nonnull(find(tree, found, "z/.envrc"));
    g_assert_nonnull(find(tree, found, "node_modules/.git/config"));
    g_assert_true(find(tree, found, "node_modules/.git/config")->in_dependencies);
    g_assert_null(find(tree, found, "node_modules/.npmrc"));
    g_assert_cmpuint(found->in_dependencies, ==, 1);
    g_assert_cmpuint(found->unsearched, ==, 0);
    g_assert_cmpuint(found->unsearched_dependencies, ==, 12);
    words = osh_protect_findings_unsearched(found);
    g_assert_nonnull(strstr(words, "12 dependency folders with all below ("));
    appeared = osh_mount_protect_appeared(&tree->scope, before);
    g_assert_cmpuint(appeared->paths->len, ==, 3);
    g_assert_cmpstr(g_ptr_array_index(appeared->paths, 0), ==, wanted);
    g_assert_cmpuint(appeared->in_dependencies, ==, 1);
    g_assert_cmpstr(appeared->unsearched, ==, words);
}

static void
test_too_many_files_are_counted(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(OshProtectFindings) before = osh_mount_protect_search(&tree->scope);
    g_autoptr(OshProtectFindings) found = NULL;
    g_autoptr(OshProtectAppeared) appeared = NULL;

    for (guint i = 0; i < OSH_PROTECT_MAX_FILES + 7; i++) {
        g_autofree char *name = g_strdup_printf("f%u/.envrc", i);

        make_file(tree, name);
    }
    found = osh_mount_protect_search(&tree->scope);
    g_assert_cmpuint(found->files->len, ==, OSH_PROTECT_MAX_FILES);
    g_assert_cmpuint(found->beyond, ==, 7);
    appeared = osh_mount_protect_appeared(&tree->scope, before);
    g_assert_cmpuint(appeared->paths->len, ==, OSH_PROTECT_MAX_APPEARED);
    g_assert_cmpuint(appeared->more, ==, OSH_PROTECT_MAX_FILES + 7 - OSH_PROTECT_MAX_APPEARED);
}

static void
test_what_is_read_only_is_not_searched(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(OshProtectFindings) found = NULL;

    make_file(tree, "closed/.envrc");
    make_file(tree, "closed/r/.git/config");
    make_file(tree, "open/.envrc");
    g_ptr_array_add(tree->read_only, g_build_filename(tree->folder, "closed", NULL));
    found = osh_mount_protect_search(&tree->scope);
    g_assert_cmpuint(found->files->len, ==, 1);
    g_assert_nonnull(find(tree, found, "open/.envrc"));
}

static void
test_links_lead_nowhere_outside(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(OshProtectFindings) found = NULL;
    g_autofree char *link = g_build_filename(tree->folder, ".envrc", NULL);
    g_autofree char *loop = g_build_filename(tree->folder, ".bashrc", NULL);
    g_autofree char *inner = g_build_filename(tree->folder, ".profile", NULL);

    make_file(tree, "x/file");
    g_assert_cmpint(symlink("/etc/passwd", link), ==, 0);
    g_assert_cmpint(symlink(".bashrc", loop), ==, 0);
    g_assert_cmpint(symlink("x/../x/./file", inner), ==, 0);
    found = osh_mount_protect_search(&tree->scope);
    g_assert_cmpuint(found->files->len, ==, 4);
    g_assert_nonnull(find(tree, found, ".envrc"));
    g_assert_nonnull(find(tree, found, ".bashrc"));
    g_assert_nonnull(find(tree, found, "x/file"));
    g_assert_null(g_hash_table_lookup(found->by_path, "/etc/passwd"));
}

static void
test_a_repository_is_known_by_what_is_in_it(void)
{
    static const struct {
        const char *names[5];
        gboolean repository;
    } rows[] = {
        {{"HEAD", "objects/x", "refs/x"}, TRUE},
        {{"HEAD", "commondir"}, TRUE},
        {{"objects/x", "refs/x"}, FALSE},
        {{"HEAD", "objects/x"}, FALSE},
        {{"HEAD", "refs/x"}, FALSE},
        {{"head", "objects/x", "refs/x"}, FALSE},
        {{".git/x"}, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Tree) tree = tree_new();
        g_autoptr(OshProtectFindings) found = NULL;
        const OshProtectedFile *file;

        for (gsize k = 0; rows[i].names[k] != NULL; k++) {
            g_autofree char *name = g_build_filename("any/name", rows[i].names[k], NULL);

            make_file(tree, name);
        }
        found = osh_mount_protect_search(&tree->scope);
        file = find(tree, found, "any/name/config.worktree");
        g_assert_true((file != NULL) == rows[i].repository);
        g_assert_true(file == NULL || file->absent == OSH_PLACEHOLDER_FILE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mount-protect/a full folder hides nothing near and is counted",
                    test_a_full_folder_hides_nothing_near);
    g_test_add_func("/mount-protect/dependency folders come last and have their own budget",
                    test_dependency_folders_come_last_and_have_their_own_budget);
    g_test_add_func("/mount-protect/files beyond the bound are counted",
                    test_too_many_files_are_counted);
    g_test_add_func("/mount-protect/what is read-only anyway is not searched",
                    test_what_is_read_only_is_not_searched);
    g_test_add_func("/mount-protect/a link leads nowhere outside of the writable trees",
                    test_links_lead_nowhere_outside);
    g_test_add_func("/mount-protect/a repository is known by what is in it, not by its name",
                    test_a_repository_is_known_by_what_is_in_it);
    return g_test_run();
}
