/* SPDX-License-Identifier: Apache-2.0 */
/* The queue and the thread of a recording: nothing is lost without a word. */
#include "recorder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct {
    char *path;
    OshPolicySnapshot *policy;
    OshRecorder *recorder;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    int fd = g_file_open_tmp("osh-recorder-XXXXXX", &fixture->path, NULL);

    (void)data;
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fcntl(fd, F_SETFL, O_APPEND), ==, 0);
    fixture->policy = osh_policy_default();
    fixture->recorder = osh_recorder_new(fd, fixture->path, fixture->policy, FALSE, NULL);
    g_assert_nonnull(fixture->recorder);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_free(osh_recorder_finish(fixture->recorder));
    osh_policy_snapshot_unref(fixture->policy);
    g_remove(fixture->path);
    g_free(fixture->path);
}

static void
add(OshRecorder *recorder, guint port, const char *host)
{
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, osh_span(host)),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, port),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    const OshDecision decision = {
        .struct_size = sizeof decision,
        .outcome = OSH_DECISION_ALLOWED,
        .layer = "connect",
        .facts = &set,
    };

    osh_recorder_add(recorder, &decision);
}

static char *
finish(Fixture *fixture, char **ret_message)
{
    char *text;

    *ret_message = osh_recorder_finish(g_steal_pointer(&fixture->recorder));
    g_assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
    return text;
}

static guint64
number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    g_assert_nonnull(at);
    return g_ascii_strtoull(at + strlen(key), NULL, 10);
}

static void
test_equal_decisions_are_one_row_with_a_count(Fixture *fixture, gconstpointer data)
{
    g_autofree char *message = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    (void)data;
    for (guint i = 0; i < 5; i++)
        add(fixture->recorder, 443, "a.example");
    add(fixture->recorder, 80, "a.example");
    osh_recorder_policy(fixture->recorder, fixture->policy);
    osh_recorder_start(fixture->recorder);
    text = finish(fixture, &message);
    g_assert_null(message);
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 6);
    g_assert_true(g_str_has_prefix(lines[0], "{\"openshell-recording\":1,\"time\":\""));
    g_assert_nonnull(strstr(lines[0], "\"mode\":\"enforce\""));
    g_assert_nonnull(strstr(lines[1], "\"count\":5,\"last\":"));
    g_assert_null(strstr(lines[2], "count"));
    g_assert_nonnull(strstr(lines[3], "\"policy\":{\"file\":"));
    g_assert_nonnull(strstr(lines[4], "{\"end\":true,"));
    g_assert_cmpuint(number_after(lines[4], "\"decisions\":"), ==, 6);
    g_assert_cmpuint(number_after(lines[4], "\"lost\":"), ==, 0);
}

static gpointer
flood(gpointer data)
{
    for (guint i = 0; i < 20000; i++) {
        g_autofree char *host = g_strdup_printf("h%u-%p.example", i % 500, (void *)g_thread_self());

        add(data, 443, host);
    }
    return NULL;
}

static void
test_what_is_written_and_what_is_lost_is_what_was_decided(Fixture *fixture, gconstpointer data)
{
    GThread *threads[4];
    g_autofree char *message = NULL;
    g_autofree char *text = NULL;
    const char *end;
    guint64 written = 0;
    guint64 lost;

    (void)data;
    osh_recorder_start(fixture->recorder);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("flood", flood, fixture->recorder);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    text = finish(fixture, &message);
    end = strstr(text, "{\"end\":true");
    g_assert_nonnull(end);
    for (const char *at = text; (at = strstr(at, "\"outcome\"")) != NULL; at++) {
        const char *begin = at;
        const char *count;

        while (begin > text && begin[-1] != '\n')
            begin--;
        count = g_strstr_len(begin, at - begin, "\"count\":");
        written += count != NULL ? g_ascii_strtoull(count + 8, NULL, 10) : 1;
    }
    lost = number_after(end, "\"lost\":");
    g_assert_cmpuint(written, ==, number_after(end, "\"decisions\":"));
    g_assert_cmpuint(written + lost, ==, 80000);
    g_assert_cmpint(message != NULL, ==, lost > 0);
}

static void
test_full_queue_is_counted_and_said(Fixture *fixture, gconstpointer data)
{
    g_autofree char *message = NULL;
    g_autofree char *text = NULL;
    g_autofree char *host = g_strnfill(30000, 'x');
    guint64 lost;

    (void)data;
    /* no thread takes anything, so the queue fills */
    for (guint i = 0; i < 1000; i++)
        add(fixture->recorder, 1 + i, host);
    text = finish(fixture, &message);
    lost = number_after(strstr(text, "{\"end\":true"), "\"lost\":");
    g_assert_cmpuint(lost, >, 500);
    g_assert_cmpuint(number_after(text, "{\"lost\":"), ==, lost);
    g_assert_nonnull(message);
    g_assert_nonnull(strstr(message, "lacks"));
}

static void
test_full_disk_leaves_whole_lines_and_a_count(Fixture *fixture, gconstpointer data)
{
    struct rlimit before;
    struct rlimit small;
    g_autofree char *message = NULL;
    g_autofree char *text = NULL;

    (void)data;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    small = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    for (guint i = 0; i < 100; i++)
        add(fixture->recorder, 1 + i, "a.example");
    text = finish(fixture, &message);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_nonnull(message);
    g_assert_nonnull(strstr(message, "lacks 100 decisions"));
    g_assert_true(g_str_has_suffix(text, "\n"));
    g_assert_null(strstr(text, "outcome"));
    g_assert_cmpuint(number_after(text, "\"lost\":"), ==, 100);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"equal-decisions-are-one-row-with-a-count", test_equal_decisions_are_one_row_with_a_count},
        {"what-is-written-and-what-is-lost-is-what-was-decided",
         test_what_is_written_and_what_is_lost_is_what_was_decided},
        {"full-queue-is-counted-and-said", test_full_queue_is_counted_and_said},
        {"full-disk-leaves-whole-lines-and-a-count", test_full_disk_leaves_whole_lines_and_a_count},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/record/recorder/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
