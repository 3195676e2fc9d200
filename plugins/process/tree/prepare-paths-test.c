/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare-paths-test.c: what is made, what is left alone, what is refused; as root also who owns
 * it.
 */
#include "prepare-paths.h"

#include <dirent.h>
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

/* --- Another program renames and makes folders all the while ----------------------------------
 */

typedef struct {
    char *root;
    char *wanted;
    char *other; /* somebody else's folder, which is moved into the place of the wanted one */
    gint stop;
    gint round;
    gint done;
    gint made;
} Race;

static void
race_begin(Race *race, gboolean with_other)
{
    race->root = new_folder();
    race->wanted = g_build_filename(race->root, "wanted", NULL);
    race->other = g_build_filename(race->root, "other", NULL);
    race->stop = race->round = race->done = race->made = 0;
    if (with_other)
        g_assert_cmpint(g_mkdir(race->other, 0711), ==, 0);
}

static void
race_end(Race *race, GThread *thread)
{
    g_autoptr(GDir) left = NULL;
    const char *name;

    g_atomic_int_set(&race->stop, 1);
    g_thread_join(thread);
    g_rmdir(race->wanted);
    g_rmdir(race->other);
    /* What the other one has moved into a private name. */
    left = g_dir_open(race->root, 0, NULL);
    while ((name = g_dir_read_name(left)) != NULL) {
        g_autofree char *path = g_build_filename(race->root, name, NULL);

        g_rmdir(path);
    }
    g_assert_cmpint(g_rmdir(race->root), ==, 0);
    g_free(race->root);
    g_free(race->wanted);
    g_free(race->other);
}

static gpointer
swap(gpointer data)
{
    const Race *race = data;

    while (!g_atomic_int_get(&race->stop)) {
        (void)!rename(race->other, race->wanted);
        (void)!rename(race->wanted, race->other);
    }
    return NULL;
}

/* One attempt in each round, which begins when @round changes. */
static gpointer
make_once_in_each_round(gpointer data)
{
    Race *race = data;
    gint seen = 0;

    while (!g_atomic_int_get(&race->stop)) {
        gint round = g_atomic_int_get(&race->round);

        if (round == seen)
            continue;
        seen = round;
        /* At another moment of the other's work each time. */
        for (volatile gint spin = (round * 97) % 20000; spin > 0; spin--)
            continue;
        if (mkdir(race->wanted, 0711) == 0)
            g_atomic_int_inc(&race->made);
        g_atomic_int_set(&race->done, round);
    }
    return NULL;
}

static void
test_the_folder_of_another_that_is_moved_into_the_place_keeps_its_owner(void)
{
    gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    struct stat about;
    Race race;
    GThread *thread;
    ino_t inode;
    guint n = 0;

    if (geteuid() != 0) {
        g_test_skip("only root gives away what it makes");
        return;
    }
    race_begin(&race, TRUE);
    g_assert_cmpint(lstat(race.other, &about), ==, 0);
    inode = about.st_ino;
    thread = g_thread_new("swap", swap, &race);
    for (; g_get_monotonic_time() < end; n++) {
        g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
        const char *const places[] = {race.wanted, race.other};

        g_assert_true(prepare(race.wanted, made, NULL));
        for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
            if (lstat(places[i], &about) != 0)
                continue;
            if (about.st_ino == inode && about.st_uid != 0)
                g_error("given away after %u", n);
            /* Ours is taken away, so that there is something to make. */
            if (about.st_ino != inode)
                g_rmdir(places[i]);
        }
    }
    race_end(&race, thread);
}

/* Puts its own folder where the one is made in which root prepares things. */
static gpointer
take_the_private_place(gpointer data)
{
    const Race *race = data;
    int folder = open(race->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fdopendir(folder);
    const struct dirent *entry;

    while (!g_atomic_int_get(&race->stop)) {
        rewinddir(entries);
        while ((entry = readdir(entries)) != NULL) {
            if (strncmp(entry->d_name, ".openshell-", strlen(".openshell-")) == 0 &&
                renameat(folder, "other", folder, entry->d_name) == 0)
                (void)!renameat(folder, entry->d_name, folder, "other");
        }
    }
    closedir(entries);
    return NULL;
}

static void
test_a_folder_that_takes_the_place_of_the_private_one_keeps_its_owner(void)
{
    gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    struct stat about;
    Race race;
    GThread *thread;
    ino_t inode;

    if (geteuid() != 0) {
        g_test_skip("only root gives away what it makes");
        return;
    }
    race_begin(&race, TRUE);
    /* Root's own, which is what root would take for its private one. */
    g_assert_cmpint(chmod(race.other, 0700), ==, 0);
    g_assert_cmpint(lstat(race.other, &about), ==, 0);
    inode = about.st_ino;
    thread = g_thread_new("take", take_the_private_place, &race);
    while (g_get_monotonic_time() < end) {
        g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

        g_assert_true(prepare(race.wanted, made, NULL));
        if (lstat(race.wanted, &about) == 0) {
            g_assert_cmpuint(about.st_ino, !=, inode);
            g_assert_cmpuint(about.st_uid, ==, OTHER);
        }
        if (lstat(race.other, &about) == 0) {
            g_assert_cmpuint(about.st_ino, ==, inode);
            g_assert_cmpuint(about.st_uid, ==, 0);
        }
        g_rmdir(race.wanted);
    }
    race_end(&race, thread);
}

static void
test_what_another_has_made_meanwhile_is_not_ours(void)
{
    gint64 end = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
    Race race;
    GThread *thread;

    race_begin(&race, FALSE);
    thread = g_thread_new("make", make_once_in_each_round, &race);
    for (gint round = 1; g_get_monotonic_time() < end; round++) {
        g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

        g_atomic_int_set(&race.made, 0);
        g_atomic_int_set(&race.round, round);
        g_assert_true(prepare(race.wanted, made, NULL));
        while (g_atomic_int_get(&race.done) != round)
            continue;
        if (made->len + (guint)g_atomic_int_get(&race.made) != 1)
            g_error("in round %d the folder was made %u times", round,
                    made->len + (guint)g_atomic_int_get(&race.made));
        g_assert_cmpint(g_rmdir(race.wanted), ==, 0);
    }
    race_end(&race, thread);
}

static void
test_nothing_but_the_folder_itself_is_left(void)
{
    g_autofree char *root = new_folder();
    g_autofree char *path = g_build_filename(root, "wanted", NULL);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    const char *const paths[] = {path, path, NULL};

    /* The second time it is there already, and so is what the first call left. */
    g_assert_true(osh_prepare_paths(paths, geteuid() == 0 ? OTHER : getuid(),
                                    geteuid() == 0 ? OTHER : getgid(), made, NULL));
    g_assert_cmpuint(made->len, ==, 1);
    g_assert_cmpint(g_rmdir(path), ==, 0);
    g_assert_cmpint(g_rmdir(root), ==, 0);
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
    g_test_add_func("/prepare/the folder of another that is moved into the place keeps its owner",
                    test_the_folder_of_another_that_is_moved_into_the_place_keeps_its_owner);
    g_test_add_func("/prepare/a folder that takes the place of the private one keeps its owner",
                    test_a_folder_that_takes_the_place_of_the_private_one_keeps_its_owner);
    g_test_add_func("/prepare/what another has made meanwhile is not ours",
                    test_what_another_has_made_meanwhile_is_not_ours);
    g_test_add_func("/prepare/nothing but the folder itself is left",
                    test_nothing_but_the_folder_itself_is_left);
    return g_test_run();
}
