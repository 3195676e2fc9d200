/* SPDX-License-Identifier: Apache-2.0 */
/* What a recording may be written to, and by which way. */
#include "record-file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remove-tree-test-support.h"

typedef struct {
    char *top;
    char *grant;       /* what the box may write */
    char *safe;        /* what it may not */
    GPtrArray *grants; /* NULL-terminated */
} Place;

static char *
make_directory(const char *parent, const char *name)
{
    char *path = g_build_filename(parent, name, NULL);

    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    return path;
}

static void
set_up(Place *place, gconstpointer data)
{
    g_autofree char *made = g_dir_make_tmp("osh-record-XXXXXX", NULL);

    (void)data;
    place->top = realpath(made, NULL);
    place->grant = make_directory(place->top, "grant");
    place->safe = make_directory(place->top, "safe");
    place->grants = g_ptr_array_new();
    g_ptr_array_add(place->grants, place->grant);
    g_ptr_array_add(place->grants, NULL);
}

static void
tear_down(Place *place, gconstpointer data)
{
    (void)data;
    osh_test_remove_tree(place->top);
    g_ptr_array_unref(place->grants);
    free(place->top);
    g_free(place->grant);
    g_free(place->safe);
}

static int
open_at(const Place *place, const char *path, GError **error)
{
    g_autofree char *whole = g_build_filename(place->top, path, NULL);

    return osh_record_file_open(whole, (const char *const *)place->grants->pdata, error);
}

static void
assert_refused(const Place *place, const char *path, const char *words)
{
    g_autoptr(GError) error = NULL;
    int fd = open_at(place, path, &error);

    g_assert_cmpint(fd, ==, -1);
    g_assert_nonnull(error);
    if (strstr(error->message, words) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void
put(const Place *place, const char *path, const char *text)
{
    g_autofree char *whole = g_build_filename(place->top, path, NULL);

    g_assert_true(g_file_set_contents_full(whole, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static void
link_to(const Place *place, const char *target, const char *path)
{
    g_autofree char *whole = g_build_filename(place->top, path, NULL);

    g_assert_cmpint(symlink(target, whole), ==, 0);
}

static void
test_new_file_is_for_its_owner_alone(Place *place, gconstpointer data)
{
    struct stat status;
    int fd = open_at(place, "safe/new.jsonl", NULL);

    (void)data;
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fstat(fd, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    g_assert_true(fcntl(fd, F_GETFL) & O_APPEND);
    close(fd);
}

static void
test_what_the_box_may_write_is_refused(Place *place, gconstpointer data)
{
    (void)data;
    assert_refused(place, "grant/new.jsonl", "writable");
    assert_refused(place, "grant/deeper/new.jsonl", "writable");
    assert_refused(place, "safe/../grant/new.jsonl", "writable");
    /* through a link into it, through a link in it that leads out, and to the grant itself */
    link_to(place, place->grant, "safe/in");
    assert_refused(place, "safe/in/new.jsonl", "writable");
    link_to(place, place->safe, "grant/out");
    assert_refused(place, "grant/out/new.jsonl", "writable");
    link_to(place, "../grant/out", "safe/twice");
    assert_refused(place, "safe/twice/new.jsonl", "symbolic link");
}

static void
test_links_devices_and_files_of_others_are_refused(Place *place, gconstpointer data)
{
    g_autofree char *fifo = g_build_filename(place->safe, "fifo", NULL);
    g_autofree char *first = g_build_filename(place->safe, "first", NULL);
    g_autofree char *second = g_build_filename(place->safe, "second", NULL);
    g_autofree char *open_to_all = g_build_filename(place->safe, "open", NULL);

    (void)data;
    link_to(place, "/etc/passwd", "safe/link");
    assert_refused(place, "safe/link", "symbolic link");
    /* nor is one followed that only we could have made */
    link_to(place, "safe", "way");
    assert_refused(place, "way/new.jsonl", "symbolic link");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_refused(place, "safe/fifo", "regular file");
    put(place, "safe/first", "");
    g_assert_cmpint(link(first, second), ==, 0);
    assert_refused(place, "safe/second", "hard link");
    put(place, "safe/open", "");
    g_assert_cmpint(chmod(open_to_all, 0644), ==, 0);
    assert_refused(place, "safe/open", "chmod 600");
    assert_refused(place, "safe", "cannot open");
    assert_refused(place, "safe/missing/new.jsonl", "directory");
}

static void
test_only_a_recording_is_appended_to(Place *place, gconstpointer data)
{
    g_autofree char *cut = g_build_filename(place->safe, "cut", NULL);
    g_autofree char *content = NULL;
    int fd;

    (void)data;
    put(place, "safe/bashrc", "alias ls='ls --color'\n");
    assert_refused(place, "safe/bashrc", "not a recording");
    put(place, "safe/short", "{");
    assert_refused(place, "safe/short", "not a recording");
    put(place, "safe/cut", "{\"openshell-recording\":1}\n{\"time\":\"20");
    fd = open_at(place, "safe/cut", NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_get_contents(cut, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "{\"openshell-recording\":1}\n");
}

static void
test_one_run_writes_at_a_time(Place *place, gconstpointer data)
{
    int fd = open_at(place, "safe/one", NULL);

    (void)data;
    g_assert_cmpint(fd, >=, 0);
    assert_refused(place, "safe/one", "another run");
    close(fd);
    fd = open_at(place, "safe/one", NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Place *place, gconstpointer data);
    } tests[] = {
        {"new-file-is-for-its-owner-alone", test_new_file_is_for_its_owner_alone},
        {"what-the-box-may-write-is-refused", test_what_the_box_may_write_is_refused},
        {"links-devices-and-files-of-others-are-refused",
         test_links_devices_and_files_of_others_are_refused},
        {"only-a-recording-is-appended-to", test_only_a_recording_is_appended_to},
        {"one-run-writes-at-a-time", test_one_run_writes_at_a_time},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/record/file/%s", tests[i].name);

        g_test_add(path, Place, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
