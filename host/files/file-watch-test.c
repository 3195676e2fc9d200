/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is done to a file on the way to it is noticed, and so is what is done after that. */
#include "file-watch.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file-chain.h"
#include "remove-tree-test-support.h"

#define PATIENCE (3 * G_TIME_SPAN_SECOND)

typedef struct {
    char *folder;
    char *path;
    OshFileWatch *watch;
    guint calls;
} Fixture;

static void
noticed(gpointer data)
{
    Fixture *fixture = data;

    fixture->calls++;
}

static char *
below(const Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->folder, name, NULL);
}

static void
put(const char *path, const char *text)
{
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* FOLDER/a/b/file, or the link FOLDER/link -> a/b and FOLDER/link/named -> file. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    const char *name = data;
    g_autofree char *parents = NULL;
    g_autofree char *file = NULL;
    g_autofree char *link = NULL;
    g_autofree char *named = NULL;
    g_autoptr(GError) error = NULL;

    fixture->folder = g_dir_make_tmp("osh-watch-XXXXXX", &error);
    g_assert_no_error(error);
    parents = below(fixture, "a/b");
    file = below(fixture, "a/b/file");
    link = below(fixture, "link");
    named = below(fixture, "a/b/named");
    g_assert_cmpint(g_mkdir_with_parents(parents, 0755), ==, 0);
    put(file, "one");
    g_assert_cmpint(symlink("a/b", link), ==, 0);
    g_assert_cmpint(symlink("file", named), ==, 0);
    fixture->path = below(fixture, name);
    fixture->watch = osh_file_watch_new(fixture->path, noticed, fixture, &error);
    g_assert_no_error(error);
    g_assert_null(osh_file_watch_problem(fixture->watch));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_file_watch_free(fixture->watch);
    osh_test_remove_tree(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
}

static void
expect_noticed(Fixture *fixture)
{
    gint64 limit = g_get_monotonic_time() + PATIENCE;

    while (fixture->calls == 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(500);
    }
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    fixture->calls = 0;
}

static void
expect_quiet(Fixture *fixture)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(fixture->calls, ==, 0);
}

static void
write_in_place(const Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = below(fixture, name);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

static void
rename_over(const Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = below(fixture, name);
    g_autofree char *scratch = below(fixture, "scratch");

    write_in_place(fixture, "scratch", text);
    g_assert_cmpint(rename(scratch, path), ==, 0);
}

static void
move(const Fixture *fixture, const char *from, const char *to)
{
    g_autofree char *old = below(fixture, from);
    g_autofree char *new = below(fixture, to);

    g_assert_cmpint(rename(old, new), ==, 0);
}

static void
make_folder(const Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *folder = below(fixture, name);
    g_autofree char *file = g_build_filename(folder, "file", NULL);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    put(file, text);
}

static void
link_over(const Fixture *fixture, const char *target, const char *name)
{
    g_autofree char *scratch = below(fixture, "scratch-link");
    g_autofree char *path = below(fixture, name);

    g_assert_cmpint(symlink(target, scratch), ==, 0);
    g_assert_cmpint(rename(scratch, path), ==, 0);
}

static void
test_written_in_place(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < 3; i++) {
        write_in_place(fixture, "a/b/file", "two");
        expect_noticed(fixture);
    }
}

static void
test_renamed_over(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < 3; i++) {
        rename_over(fixture, "a/b/file", "two");
        expect_noticed(fixture);
        write_in_place(fixture, "a/b/file", "three");
        expect_noticed(fixture);
    }
}

static void
test_gone_and_back(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = below(fixture, "a/b/file");

    (void)data;
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpint(g_unlink(file), ==, 0);
        expect_noticed(fixture);
        write_in_place(fixture, "a/b/file", "two");
        expect_noticed(fixture);
    }
}

static void
test_parents_replaced(Fixture *fixture, gconstpointer data)
{
    (void)data;
    make_folder(fixture, "b2", "two");
    move(fixture, "a/b", "a/old");
    expect_noticed(fixture);
    move(fixture, "b2", "a/b");
    expect_noticed(fixture);
    make_folder(fixture, "a2/b", "three");
    move(fixture, "a", "old");
    move(fixture, "a2", "a");
    expect_noticed(fixture);
    write_in_place(fixture, "a/b/file", "four");
    expect_noticed(fixture);
    write_in_place(fixture, "old/b/file", "of no interest");
    expect_quiet(fixture);
}

static void
test_links_swapped(Fixture *fixture, gconstpointer data)
{
    (void)data;
    make_folder(fixture, "other", "two");
    link_over(fixture, "file", "other/named");
    expect_quiet(fixture);
    link_over(fixture, "other", "link");
    expect_noticed(fixture);
    write_in_place(fixture, "other/file", "three");
    expect_noticed(fixture);
    write_in_place(fixture, "a/b/file", "of no interest");
    expect_quiet(fixture);
    write_in_place(fixture, "other/file2", "four");
    expect_quiet(fixture);
    link_over(fixture, "file2", "other/named");
    expect_noticed(fixture);
    write_in_place(fixture, "other/file2", "five");
    expect_noticed(fixture);
}

static void
test_neighbours_do_not_matter(Fixture *fixture, gconstpointer data)
{
    (void)data;
    write_in_place(fixture, "a/b/neighbour", "x");
    rename_over(fixture, "a/b/neighbour", "y");
    write_in_place(fixture, "a/neighbour", "x");
    expect_quiet(fixture);
}

/* More events than the kernel keeps: what it threw away may have been about the file. */
static void
test_overflow(Fixture *fixture, gconstpointer data)
{
    g_autofree char *limit = NULL;
    g_autofree char *noise = below(fixture, "a/b/noise");

    (void)data;
    if (!g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &limit, NULL, NULL) ||
        g_ascii_strtoull(limit, NULL, 10) > 65536) {
        g_test_skip("the queue of events is longer than this test wants to fill");
        return;
    }
    for (guint64 i = 0; i <= g_ascii_strtoull(limit, NULL, 10) / 2; i++) {
        int fd = open(noise, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        g_assert_cmpint(fd, >=, 0);
        close(fd);
        g_assert_cmpint(unlink(noise), ==, 0);
    }
    rename_over(fixture, "a/b/file", "two");
    expect_noticed(fixture);
    write_in_place(fixture, "a/b/file", "three");
    expect_noticed(fixture);
}

static void
test_writer_is_known_until_it_closes(Fixture *fixture, gconstpointer data)
{
    int fd = open(fixture->path, O_WRONLY | O_CLOEXEC);

    (void)data;
    g_assert_cmpint(write(fd, "x", 1), ==, 1);
    expect_noticed(fixture);
    g_assert_true(osh_file_watch_is_being_written(fixture->watch));
    close(fd);
    expect_noticed(fixture);
    g_assert_false(osh_file_watch_is_being_written(fixture->watch));
}

static void
expect_grant(const Fixture *fixture, const char *granted, gboolean expected)
{
    g_autofree char *directory = below(fixture, granted);
    const char *grants[] = {"/no/such/folder", directory, NULL};

    if (expected)
        g_assert_true(osh_file_chain_writable(fixture->path, grants) == directory);
    else
        g_assert_null(osh_file_chain_writable(fixture->path, grants));
}

/* The path is FOLDER/link/named: link -> a/b, named -> file. */
static void
test_who_could_replace_it(Fixture *fixture, gconstpointer data)
{
    (void)data;
    expect_grant(fixture, "", TRUE);
    expect_grant(fixture, "a", TRUE);
    expect_grant(fixture, "a/b", TRUE);
    expect_grant(fixture, "a/b/file", TRUE);
    expect_grant(fixture, "other", FALSE);
    expect_grant(fixture, "a/b/fil", FALSE);
    link_over(fixture, "/etc/passwd", "a/b/named");
    expect_grant(fixture, "a/b", TRUE);
    expect_grant(fixture, "a/b/file", FALSE);
}

#define ADD(name, path, function)                                                                  \
    g_test_add("/file-watch/" name, Fixture, path, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("written-in-place", "a/b/file", test_written_in_place);
    ADD("written-in-place-behind-links", "link/named", test_written_in_place);
    ADD("renamed-over", "a/b/file", test_renamed_over);
    ADD("renamed-over-behind-links", "link/named", test_renamed_over);
    ADD("gone-and-back", "a/b/file", test_gone_and_back);
    ADD("gone-and-back-behind-links", "link/named", test_gone_and_back);
    ADD("parents-replaced", "a/b/file", test_parents_replaced);
    ADD("links-swapped", "link/named", test_links_swapped);
    ADD("neighbours-do-not-matter", "a/b/file", test_neighbours_do_not_matter);
    ADD("what-an-overflow-hid-is-noticed", "a/b/file", test_overflow);
    ADD("a-writer-is-known-until-it-closes", "a/b/file", test_writer_is_known_until_it_closes);
    ADD("who-could-replace-it", "link/named", test_who_could_replace_it);
    return g_test_run();
}
