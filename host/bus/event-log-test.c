/* SPDX-License-Identifier: Apache-2.0 */
/* What `--events FILE` writes, and what it refuses to write to. */
#include "event-log.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event-json.h"
#include "openshell/ext/draft/event-sink.h"

static OshEvent
event_with(GVariant *payload)
{
    return (OshEvent){.struct_size = sizeof(OshEvent),
                      .count = 2,
                      .topic = "openshell.host.stopping/1",
                      .source = "host",
                      .id = 7,
                      .sequence = 9,
                      .real_time = 1769854830123456,
                      .process_key = ((guint64)5 << 32) | 4711,
                      .correlation = 3,
                      .payload = payload};
}

static void
test_event_is_one_json_object(void)
{
    g_autoptr(GVariant) payload = g_variant_ref_sink(
        g_variant_new_parsed("(%s, uint64 18446744073709551615, -5, true, ['a', 'b'], "
                             "{'k': <byte 0x07>, 'd': <1.5>, 'o': <{'x': <'y'>}>})",
                             "a\"b\\c\n\x1b[31m\xc3\xa9\xf0\x9f\x98\x80"));
    OshEvent event = event_with(payload);
    g_autoptr(GString) line = g_string_new(NULL);

    osh_event_append_json(line, &event);
    g_assert_cmpstr(line->str, ==,
                    "{\"id\":\"e7\",\"sequence\":9,\"time\":\"2026-01-31T10:20:30.123456Z\","
                    "\"topic\":\"openshell.host.stopping/1\",\"source\":\"host\",\"count\":2,"
                    "\"process\":4711,\"correlation\":3,\"payload\":["
                    "\"a\\\"b\\\\c\\u000a\\u001b[31m\\u00e9\\ud83d\\ude00\","
                    "18446744073709551615,-5,true,[\"a\",\"b\"],"
                    "{\"k\":7,\"d\":1.5,\"o\":{\"x\":\"y\"}}]}");
}

static void
test_each_type_is_json(void)
{
    static const struct {
        const char *payload;
        const char *json;
    } rows[] = {
        {"(byte 0xff, int16 -32768, uint16 65535, handle 3)", "[255,-32768,65535,3]"},
        {"(int32 -2147483648, uint32 4294967295)", "[-2147483648,4294967295]"},
        {"(int64 -9223372036854775808, int64 9223372036854775807, uint64 0)",
         "[-9223372036854775808,9223372036854775807,0]"},
        {"(0.25, -1e300, false, @as [])", "[0.25,-1.0000000000000001e+300,false,[]]"},
        {"(objectpath '/a', signature 's', '')", "[\"/a\",\"s\",\"\"]"},
        {"(@ms nothing, @ms 'a', <<'b'>>)", "[[],[\"a\"],\"b\"]"},
        {"({1: 'a', 2: 'b'}, {'c': 3, 'd': 4}, @a{sv} {})",
         "[[[1,\"a\"],[2,\"b\"]],{\"c\":3,\"d\":4},{}]"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new_parsed(rows[i].payload));
        g_autoptr(GString) line = g_string_new(NULL);
        OshEvent event = event_with(payload);

        osh_event_append_json(line, &event);
        g_assert_nonnull(strstr(line->str, ",\"payload\":"));
        g_string_truncate(line, line->len - 1);
        g_assert_cmpstr(strstr(line->str, "\"payload\":") + strlen("\"payload\":"), ==,
                        rows[i].json);
    }
}

static void
test_time_has_all_its_zeros(void)
{
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new("()"));
    g_autoptr(GString) line = g_string_new(NULL);
    OshEvent event = event_with(payload);

    /* 2024-02-29, a leap day, 01:02:03.000004. */
    event.real_time = G_GINT64_CONSTANT(1709168523) * G_USEC_PER_SEC + 4;
    osh_event_append_json(line, &event);
    g_assert_nonnull(strstr(line->str, "\"time\":\"2024-02-29T01:02:03.000004Z\""));
}

static const char *const nothing[] = {NULL};

static void
test_lines_are_appended_to_a_private_file(void)
{
    g_autofree char *directory = g_dir_make_tmp("event-log-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "events", NULL);
    g_autofree char *content = NULL;
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new("(s)", "x"));
    OshEvent event = event_with(payload);
    const OshEvent *events[] = {&event, &event};
    struct stat status;

    for (guint run = 0; run < 2; run++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshEventLog) log = osh_event_log_open(path, nothing, &error);
        OshInterface sink;

        g_assert_no_error(error);
        osh_event_log_interface(log, &sink);
        g_assert_cmpuint(osh_event_sink_consume(&sink, events, 2), ==, 2);
    }
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 5);
    g_assert_cmpint(g_stat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    g_unlink(path);
    g_rmdir(directory);
}

typedef struct {
    char *directory;
    char *path; /* "events" in it */
} Place;

static void
set_up(Place *place, gconstpointer data)
{
    g_autofree char *made = g_dir_make_tmp("event-log-XXXXXX", NULL);

    (void)data;
    place->directory = realpath(made, NULL);
    place->path = g_build_filename(place->directory, "events", NULL);
}

static void
tear_down(Place *place, gconstpointer data)
{
    (void)data;
    g_unlink(place->path);
    g_rmdir(place->directory);
    free(place->directory);
    g_free(place->path);
}

static void
assert_refused(const char *path, const char *const *writable, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_event_log_open(path, writable, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, path));
    if (strstr(error->message, words) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void
test_what_is_no_file_of_ours_alone_is_refused(Place *place, gconstpointer data)
{
    g_autofree char *missing = g_build_filename(place->directory, "no", "file", NULL);
    g_autofree char *second = g_build_filename(place->directory, "second", NULL);

    (void)data;
    assert_refused(place->directory, nothing, "cannot open it");
    assert_refused(missing, nothing, "cannot open its directory");
    g_assert_cmpint(mkfifo(place->path, 0600), ==, 0);
    assert_refused(place->path, nothing, "");
    g_unlink(place->path);
    g_assert_true(g_file_set_contents(place->path, "", 0, NULL));
    g_assert_cmpint(chmod(place->path, 0640), ==, 0);
    assert_refused(place->path, nothing, "chmod 600");
    g_assert_cmpint(chmod(place->path, 0600), ==, 0);
    g_assert_cmpint(link(place->path, second), ==, 0);
    assert_refused(place->path, nothing, "hard link");
    g_unlink(second);
    if (geteuid() == 0) {
        g_assert_cmpint(chown(place->path, 12345, 12345), ==, 0);
        assert_refused(place->path, nothing, "another user");
    }
}

static void
test_no_link_is_followed_on_the_way(Place *place, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(place->directory, "folder", NULL);
    g_autofree char *way = g_build_filename(place->directory, "way", NULL);
    g_autofree char *through = g_build_filename(way, "events", NULL);
    g_autofree char *leaked = g_build_filename(folder, "events", NULL);
    g_autofree char *twice = g_build_filename(place->directory, "twice", NULL);
    g_autofree char *through_both = g_build_filename(twice, ".", "events", NULL);

    (void)data;
    g_assert_cmpint(symlink("/dev/null", place->path), ==, 0);
    assert_refused(place->path, nothing, "symbolic link");
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_cmpint(symlink("folder", way), ==, 0);
    g_assert_cmpint(symlink("way", twice), ==, 0);
    assert_refused(through, nothing, leaked);
    assert_refused(through_both, nothing, leaked);
    g_assert_false(g_file_test(leaked, G_FILE_TEST_EXISTS));
    g_unlink(twice);
    g_unlink(way);
    g_rmdir(folder);
}

static void
test_what_the_box_may_write_is_refused(Place *place, gconstpointer data)
{
    const char *const folder[] = {"/no/such", place->directory, NULL};
    const char *const file[] = {place->path, NULL};
    g_autofree char *beside = g_strconcat(place->directory, "-beside", NULL);
    const char *const other[] = {beside, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(OshEventLog) log = NULL;

    (void)data;
    assert_refused(place->path, folder, "is writable there");
    assert_refused(place->path, file, "is writable there");
    g_assert_false(g_file_test(place->path, G_FILE_TEST_EXISTS));
    log = osh_event_log_open(place->path, other, &error);
    g_assert_no_error(error);
}

static void
count_resume(gpointer data)
{
    (*(guint *)data)++;
}

static void
test_full_pipe_takes_nothing_more_until_it_is_read(Place *place, gconstpointer data)
{
    const char *path = place->path;
    g_autofree char *long_text = g_strnfill(60000, 'x');
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new("(s)", long_text));
    OshEvent event = event_with(payload);
    const OshEvent *events[] = {&event, &event};
    g_autoptr(OshEventLog) log = NULL;
    OshInterface sink;
    char buffer[4096];
    guint resumed = 0;
    gsize total = 0;
    int reader;

    (void)data;
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    log = osh_event_log_new(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC), path);
    osh_event_log_interface(log, &sink);
    osh_event_sink_resume(&sink, count_resume, &resumed);
    g_assert_cmpuint(osh_event_sink_consume(&sink, events, 2), ==, 2);
    g_assert_cmpuint(osh_event_sink_consume(&sink, events, 2), ==, 0);
    for (guint seen = 0, i = 0; i < 1000; i++) {
        gssize n = read(reader, buffer, sizeof(buffer));

        total += n > 0 ? (gsize)n : 0;
        g_main_context_iteration(NULL, FALSE);
        /* Each resume may find that not even the pending rest fits. */
        if (resumed > seen && osh_event_sink_consume(&sink, events, 1) == 1)
            break;
        seen = resumed;
    }
    g_assert_cmpuint(resumed, >, 0);
    for (gssize n; (n = read(reader, buffer, sizeof(buffer))) > 0;)
        total += (gsize)n;
    g_assert_cmpuint(total, >, 120000);
    close(reader);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/event-log/event-is-one-json-object", test_event_is_one_json_object);
    g_test_add_func("/host/event-log/each-type-is-json", test_each_type_is_json);
    g_test_add_func("/host/event-log/a-time-has-all-its-zeros", test_time_has_all_its_zeros);
    g_test_add_func("/host/event-log/lines-are-appended-to-a-private-file",
                    test_lines_are_appended_to_a_private_file);
    g_test_add("/host/event-log/what-is-no-file-of-ours-alone-is-refused", Place, NULL, set_up,
               test_what_is_no_file_of_ours_alone_is_refused, tear_down);
    g_test_add("/host/event-log/no-link-is-followed-on-the-way", Place, NULL, set_up,
               test_no_link_is_followed_on_the_way, tear_down);
    g_test_add("/host/event-log/what-the-box-may-write-is-refused", Place, NULL, set_up,
               test_what_the_box_may_write_is_refused, tear_down);
    g_test_add("/host/event-log/full-pipe-takes-nothing-more-until-it-is-read", Place, NULL, set_up,
               test_full_pipe_takes_nothing_more_until_it_is_read, tear_down);
    return g_test_run();
}
