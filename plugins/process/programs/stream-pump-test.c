/* SPDX-License-Identifier: Apache-2.0 */
/* One stream of a program: whole, in order, never longer than the program, never read ahead. */
#include "stream-pump.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct {
    int inner[2]; /* the box's pipe; an end that the pump has is -1 */
    int outer[2]; /* where the host's end is a pipe */
    char *path;   /* where it is a file */
    OshStreamPump *pump;
    gboolean done;
} Fixture;

static void
drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(pipe2(fixture->inner, O_CLOEXEC), ==, 0);
    g_assert_cmpint(pipe2(fixture->outer, O_CLOEXEC), ==, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_stream_pump_free(fixture->pump);
    for (gsize i = 0; i < 2; i++) {
        drop(&fixture->inner[i]);
        drop(&fixture->outer[i]);
    }
    if (fixture->path != NULL)
        g_remove(fixture->path);
    g_free(fixture->path);
}

static void
note_done(gpointer data)
{
    ((Fixture *)data)->done = TRUE;
}

static gboolean
tick(gpointer data)
{
    (void)data;
    return G_SOURCE_CONTINUE;
}

/* Returns: whether the pump said within @seconds that it is over */
static gboolean
finishes(Fixture *fixture, guint seconds)
{
    gint64 deadline = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    guint ticker = g_timeout_add(5, tick, NULL);

    while (!fixture->done && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(ticker);
    return fixture->done;
}

static void
start_output(Fixture *fixture, int to)
{
    fixture->pump = osh_stream_pump_new_output(fixture->inner[0], to, NULL);
    fixture->inner[0] = -1;
    g_assert_nonnull(fixture->pump);
}

static void
say(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

static void
expect_text(int fd, const char *text)
{
    char bytes[256] = {0};
    gsize n = 0;

    while (n < strlen(text)) {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        gssize more;

        if (poll(&entry, 1, 5000) != 1)
            g_error("only \"%s\" comes", bytes);
        more = read(fd, bytes + n, sizeof bytes - 1 - n);
        g_assert_cmpint(more, >, 0);
        n += (gsize)more;
    }
    g_assert_cmpstr(bytes, ==, text);
}

static gpointer
write_much(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);

    for (guint32 i = 0; i < 1024 * 1024; i++)
        if (write(fd, &i, sizeof i) != sizeof i)
            break;
    close(fd);
    return NULL;
}

static void
test_much_arrives_whole_and_in_order(Fixture *fixture, gconstpointer data)
{
    GThread *writer;
    guint32 expected = 0;

    (void)data;
    start_output(fixture, fixture->outer[1]);
    fixture->outer[1] = -1;
    writer = g_thread_new("writer", write_much, GINT_TO_POINTER(fixture->inner[1]));
    fixture->inner[1] = -1;
    while (expected < 1024 * 1024) {
        guint32 number;

        g_assert_cmpint(read(fixture->outer[0], &number, sizeof number), ==, sizeof number);
        g_assert_cmpuint(number, ==, expected);
        expected++;
    }
    g_thread_join(writer);
}

static void
test_file_is_continued_where_it_stands_also_when_appended_to(Fixture *fixture, gconstpointer data)
{
    static const int flags[] = {O_WRONLY, O_WRONLY | O_APPEND, O_RDWR};
    g_autofree char *text = NULL;
    int fd = g_file_open_tmp("osh-pump-XXXXXX", &fixture->path, NULL);

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
        int file = open(fixture->path, flags[i] | O_CLOEXEC);
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        lseek(file, 0, SEEK_END);
        fixture->done = FALSE;
        fixture->pump = osh_stream_pump_new_output(ends[0], file, NULL);
        say(ends[1], i == 0 ? "one " : i == 1 ? "two " : "three");
        osh_stream_pump_finish(fixture->pump, note_done, fixture);
        g_assert_true(finishes(fixture, 5));
        g_clear_pointer(&fixture->pump, osh_stream_pump_free);
        close(ends[1]);
    }
    g_file_get_contents(fixture->path, &text, NULL, NULL);
    g_assert_cmpstr(text, ==, "one two three");
    close(fd);
}

/* Somebody has the pipe open still, and goes on writing. */
static void
test_end_delivers_what_is_there_and_waits_for_nothing_else(Fixture *fixture, gconstpointer data)
{
    char page[4096] = {0};

    (void)data;
    g_assert_cmpint(fcntl(fixture->outer[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_assert_cmpint(write(fixture->outer[1], page, sizeof page), ==, sizeof page);
    start_output(fixture, fixture->outer[1]);
    fixture->outer[1] = -1;
    say(fixture->inner[1], "last");
    osh_stream_pump_finish(fixture->pump, note_done, fixture);
    g_assert_false(finishes(fixture, 1));
    say(fixture->inner[1], "later");
    g_assert_cmpint(read(fixture->outer[0], page, sizeof page), ==, sizeof page);
    g_assert_true(finishes(fixture, 5));
    expect_text(fixture->outer[0], "last");
    g_assert_null(osh_stream_pump_problem(fixture->pump));
    /* What comes later is carried too, as long as the pump is there. */
    expect_text(fixture->outer[0], "later");
    g_clear_pointer(&fixture->pump, osh_stream_pump_free);
    g_assert_cmpint(read(fixture->outer[0], page, sizeof page), ==, 0);
}

static void
test_in_a_hurry_a_reader_that_takes_nothing_is_given_up(Fixture *fixture, gconstpointer data)
{
    char page[4096] = {0};
    g_autofree char *problem = NULL;

    (void)data;
    g_assert_cmpint(fcntl(fixture->outer[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_assert_cmpint(write(fixture->outer[1], page, sizeof page), ==, sizeof page);
    start_output(fixture, fixture->outer[1]);
    fixture->outer[1] = -1;
    say(fixture->inner[1], "last");
    osh_stream_pump_hurry(fixture->pump);
    osh_stream_pump_finish(fixture->pump, note_done, fixture);
    g_assert_true(finishes(fixture, 10));
    problem = osh_stream_pump_problem(fixture->pump);
    g_assert_cmpstr(problem, ==, "4 bytes were not delivered: no reader took them");
}

static void
test_reader_that_goes_is_told_before_the_next_write(Fixture *fixture, gconstpointer data)
{
    struct pollfd entry = {.fd = fixture->inner[1]};

    (void)data;
    start_output(fixture, fixture->outer[1]);
    fixture->outer[1] = -1;
    say(fixture->inner[1], "a");
    expect_text(fixture->outer[0], "a");
    g_assert_cmpint(poll(&entry, 1, 50), ==, 0);
    drop(&fixture->outer[0]);
    g_assert_cmpint(poll(&entry, 1, 5000), ==, 1);
    g_assert_cmpint(write(fixture->inner[1], "b", 1), ==, -1);
    g_assert_cmpint(errno, ==, EPIPE);
    osh_stream_pump_finish(fixture->pump, note_done, fixture);
    g_assert_true(finishes(fixture, 5));
    g_assert_null(osh_stream_pump_problem(fixture->pump));
}

static void
test_free_does_not_wait_for_a_reader(Fixture *fixture, gconstpointer data)
{
    char page[4096] = {0};
    gint64 began;

    (void)data;
    g_assert_cmpint(fcntl(fixture->outer[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_assert_cmpint(write(fixture->outer[1], page, sizeof page), ==, sizeof page);
    start_output(fixture, fixture->outer[1]);
    fixture->outer[1] = -1;
    say(fixture->inner[1], "never");
    began = g_get_monotonic_time();
    g_clear_pointer(&fixture->pump, osh_stream_pump_free);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 5 * G_USEC_PER_SEC);
}

static void
start_input(Fixture *fixture, int from)
{
    int reader = fcntl(fixture->inner[0], F_DUPFD_CLOEXEC, 3);

    fixture->pump = osh_stream_pump_new_input(from, fixture->inner[1], reader, NULL);
    fixture->inner[1] = -1;
    g_assert_nonnull(fixture->pump);
}

/* Byte for byte, and over the borders of what was written. */
static void
test_pipe_keeps_what_the_program_did_not_read(Fixture *fixture, gconstpointer data)
{
    int kept = fcntl(fixture->outer[0], F_DUPFD_CLOEXEC, 3);
    char bytes[8] = {0};
    int left = 0;

    (void)data;
    say(fixture->outer[1], "abc");
    start_input(fixture, fixture->outer[0]);
    fixture->outer[0] = -1;
    g_assert_cmpint(read(fixture->inner[0], bytes, 2), ==, 2);
    say(fixture->outer[1], "defg");
    g_assert_cmpint(read(fixture->inner[0], bytes + 2, 1), ==, 1);
    expect_text(fixture->inner[0], "defg");
    say(fixture->outer[1], "hijk");
    g_assert_cmpint(read(fixture->inner[0], bytes + 3, 1), ==, 1);
    g_assert_cmpstr(bytes, ==, "abch");
    g_clear_pointer(&fixture->pump, osh_stream_pump_free);
    g_assert_cmpint(ioctl(kept, FIONREAD, &left), ==, 0);
    g_assert_cmpint(left, ==, 3);
    expect_text(kept, "ijk");
    close(kept);
}

static void
test_pipe_that_ends_ends_the_input(Fixture *fixture, gconstpointer data)
{
    char byte;

    (void)data;
    say(fixture->outer[1], "abc");
    drop(&fixture->outer[1]);
    start_input(fixture, fixture->outer[0]);
    fixture->outer[0] = -1;
    expect_text(fixture->inner[0], "abc");
    g_assert_cmpint(read(fixture->inner[0], &byte, 1), ==, 0);
}

static void
test_file_is_set_back_to_what_the_program_read(Fixture *fixture, gconstpointer data)
{
    int file = g_file_open_tmp("osh-pump-XXXXXX", &fixture->path, NULL);
    char bytes[16] = {0};

    (void)data;
    say(file, "skipped read unread");
    lseek(file, 8, SEEK_SET);
    start_input(fixture, fcntl(file, F_DUPFD_CLOEXEC, 3));
    g_assert_cmpint(read(fixture->inner[0], bytes, 4), ==, 4);
    g_assert_cmpstr(bytes, ==, "read");
    g_usleep(20000);
    g_clear_pointer(&fixture->pump, osh_stream_pump_free);
    g_assert_cmpint(lseek(file, 0, SEEK_CUR), ==, 12);
    close(file);
}

static void
test_program_that_closes_its_input_loses_nothing(Fixture *fixture, gconstpointer data)
{
    int kept = fcntl(fixture->outer[0], F_DUPFD_CLOEXEC, 3);
    char byte;

    (void)data;
    say(fixture->outer[1], "abc");
    start_input(fixture, fixture->outer[0]);
    fixture->outer[0] = -1;
    g_assert_cmpint(read(fixture->inner[0], &byte, 1), ==, 1);
    drop(&fixture->inner[0]);
    g_clear_pointer(&fixture->pump, osh_stream_pump_free);
    expect_text(kept, "bc");
    close(kept);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"much-arrives-whole-and-in-order", test_much_arrives_whole_and_in_order},
        {"file-is-continued-where-it-stands-also-when-appended-to",
         test_file_is_continued_where_it_stands_also_when_appended_to},
        {"end-delivers-what-is-there-and-waits-for-nothing-else",
         test_end_delivers_what_is_there_and_waits_for_nothing_else},
        {"in-a-hurry-a-reader-that-takes-nothing-is-given-up",
         test_in_a_hurry_a_reader_that_takes_nothing_is_given_up},
        {"reader-that-goes-is-told-before-the-next-write",
         test_reader_that_goes_is_told_before_the_next_write},
        {"free-does-not-wait-for-a-reader", test_free_does_not_wait_for_a_reader},
        {"pipe-keeps-what-the-program-did-not-read", test_pipe_keeps_what_the_program_did_not_read},
        {"pipe-that-ends-ends-the-input", test_pipe_that_ends_ends_the_input},
        {"file-is-set-back-to-what-the-program-read",
         test_file_is_set_back_to_what_the_program_read},
        {"program-that-closes-its-input-loses-nothing",
         test_program_that_closes_its_input_loses_nothing},
    };

    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/process/stream-pump/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
