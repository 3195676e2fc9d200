/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to a descriptor whose reader takes nothing for a while, or never. */
#include "osh-fd-writer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define CAPACITY 4096

typedef struct {
    OshFdWriter *writer;
    int reader;
} Fixture;

static void
say_loss(GString *note, guint64 lines)
{
    g_string_append_printf(note, "<%u lost>\n", (guint)lines);
}

/* A pipe of one page that is full already. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    char page[4096];
    int ends[2];

    (void)data;
    memset(page, '.', sizeof page);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_assert_cmpint(write(ends[1], page, sizeof page), ==, sizeof page);
    fixture->reader = ends[0];
    fixture->writer = osh_fd_writer_new(ends[1], CAPACITY, say_loss);
    osh_fd_writer_start(fixture->writer);
    osh_fd_writer_start(fixture->writer);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_fd_writer_free(fixture->writer);
    if (fixture->reader >= 0)
        close(fixture->reader);
}

static gint64
soon(guint milliseconds)
{
    return g_get_monotonic_time() + milliseconds * 1000;
}

/* What comes until nothing comes for a while, without the page that filled the pipe. */
static char *
read_all(int fd)
{
    GString *text = g_string_new(NULL);
    struct pollfd entry = {.fd = fd, .events = POLLIN};

    while (poll(&entry, 1, 300) > 0) {
        char bytes[5000];
        gssize n = read(fd, bytes, sizeof bytes);

        if (n <= 0)
            break;
        g_string_append_len(text, bytes, n);
    }
    g_assert_cmpuint(text->len, >=, 4096);
    g_string_erase(text, 0, 4096);
    return g_string_free(text, FALSE);
}

static void
test_full_descriptor_holds_nobody_up(Fixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();
    char bytes[CAPACITY];
    gsize taken = 0;

    (void)data;
    memset(bytes, 'a', sizeof bytes);
    for (guint i = 0; i < 10; i++)
        taken += osh_fd_writer_add(fixture->writer, bytes, sizeof bytes);
    g_assert_cmpuint(taken, ==, CAPACITY);
    g_assert_cmpuint(osh_fd_writer_pending(fixture->writer), ==, CAPACITY);
    g_assert_false(osh_fd_writer_flush(fixture->writer, soon(50)));
    g_assert_cmpint(g_get_monotonic_time() - began, <, 5 * G_USEC_PER_SEC);
}

static void
test_lost_lines_are_counted_where_they_would_have_stood(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;
    char line[1000];

    (void)data;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (guint i = 0; i < 4; i++)
        g_assert_true(osh_fd_writer_add_line(fixture->writer, line, sizeof line));
    for (guint i = 0; i < 3; i++)
        g_assert_false(osh_fd_writer_add_line(fixture->writer, line, sizeof line));
    /* Ninety-six bytes are left: a short line fits, behind the note of what is missing. */
    g_assert_true(osh_fd_writer_add_line(fixture->writer, "short\n", 6));
    for (guint i = 0; i < 2; i++)
        g_assert_false(osh_fd_writer_add_line(fixture->writer, line, sizeof line));
    text = read_all(fixture->reader);
    g_assert_cmpuint(strlen(text), ==, 4000 + strlen("<3 lost>\nshort\n<2 lost>\n"));
    g_assert_true(g_str_has_suffix(text, "x\n<3 lost>\nshort\n<2 lost>\n"));
    g_assert_true(osh_fd_writer_flush(fixture->writer, soon(1000)));
}

static void
test_a_writer_that_is_freed_leaves_its_thread_behind(Fixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    (void)data;
    osh_fd_writer_add(fixture->writer, "a", 1);
    g_usleep(20000);
    g_clear_pointer(&fixture->writer, osh_fd_writer_free);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 2 * G_USEC_PER_SEC);
    close(fixture->reader);
    fixture->reader = -1;
    g_usleep(20000);
}

static void
test_a_reader_that_is_gone_takes_everything(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_fd_writer_add(fixture->writer, "a", 1);
    close(fixture->reader);
    fixture->reader = -1;
    while (!osh_fd_writer_is_broken(fixture->writer))
        g_usleep(1000);
    g_assert_cmpuint(osh_fd_writer_add(fixture->writer, "more", 4), ==, 4);
    g_assert_cmpuint(osh_fd_writer_pending(fixture->writer), ==, 0);
    g_assert_false(osh_fd_writer_flush(fixture->writer, soon(10000)));
}

/* Each write is followed by one look at what is pending, as a relay does it. */
static void
test_progress_is_told_after_it_was_made(void)
{
    int ends[2];
    OshFdWriter *writer;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    writer = osh_fd_writer_new(ends[1], CAPACITY, NULL);
    osh_fd_writer_start(writer);
    for (guint i = 0; i < 20000; i++) {
        char byte = 'a';

        g_assert_cmpuint(osh_fd_writer_add(writer, &byte, 1), ==, 1);
        while (osh_fd_writer_pending(writer) > 0) {
            struct pollfd entry = {.fd = osh_fd_writer_progress_fd(writer), .events = POLLIN};
            guint64 count;

            if (poll(&entry, 1, 5000) != 1)
                g_error("written, and nobody was told");
            g_assert_cmpint(read(entry.fd, &count, sizeof count), ==, sizeof count);
        }
        g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
    }
    osh_fd_writer_free(writer);
    close(ends[0]);
}

static void
test_a_descriptor_that_somebody_made_non_blocking_is_waited_for(void)
{
    int ends[2];
    OshFdWriter *writer;
    char page[CAPACITY];
    char bytes[2 * CAPACITY];

    memset(page, 'p', sizeof page);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_assert_cmpint(write(ends[1], page, sizeof page), ==, sizeof page);
    writer = osh_fd_writer_new(ends[1], CAPACITY, NULL);
    osh_fd_writer_start(writer);
    g_assert_cmpuint(osh_fd_writer_add(writer, "whole", 5), ==, 5);
    g_assert_false(osh_fd_writer_flush(writer, soon(50)));
    g_assert_cmpint(read(ends[0], bytes, sizeof page), ==, sizeof page);
    g_assert_true(osh_fd_writer_flush(writer, soon(5000)));
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 5);
    osh_fd_writer_free(writer);
    close(ends[0]);
}

static void
test_what_is_added_under_a_limit_waits(void)
{
    int ends[2];
    OshFdWriter *writer;
    char bytes[CAPACITY];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    writer = osh_fd_writer_new(ends[1], CAPACITY, NULL);
    g_assert_true(osh_fd_writer_add_line(writer, "before\n", 7));
    osh_fd_writer_limit(writer, TRUE);
    g_assert_true(osh_fd_writer_add_line(writer, "second\n", 7));
    osh_fd_writer_start(writer);
    g_assert_false(osh_fd_writer_flush(writer, soon(50)));
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 7);
    osh_fd_writer_limit(writer, TRUE);
    g_assert_true(osh_fd_writer_add_line(writer, "third\n", 6));
    g_assert_false(osh_fd_writer_flush(writer, soon(50)));
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 7);
    osh_fd_writer_limit(writer, FALSE);
    g_assert_true(osh_fd_writer_flush(writer, soon(5000)));
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 6);
    osh_fd_writer_free(writer);
    close(ends[0]);
}

static void
test_nothing_is_written_before_the_start(void)
{
    int ends[2];
    OshFdWriter *writer;
    struct pollfd entry;
    char bytes[16];

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    entry = (struct pollfd){.fd = ends[0], .events = POLLIN};
    writer = osh_fd_writer_new(ends[1], CAPACITY, NULL);
    g_assert_true(osh_fd_writer_add_line(writer, "first\n", 6));
    g_assert_cmpint(poll(&entry, 1, 50), ==, 0);
    osh_fd_writer_start(writer);
    g_assert_true(osh_fd_writer_flush(writer, soon(5000)));
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 6);
    osh_fd_writer_free(writer);
    close(ends[0]);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"full-descriptor-holds-nobody-up", test_full_descriptor_holds_nobody_up},
        {"lost-lines-are-counted-where-they-would-have-stood",
         test_lost_lines_are_counted_where_they_would_have_stood},
        {"a-writer-that-is-freed-leaves-its-thread-behind",
         test_a_writer_that_is_freed_leaves_its_thread_behind},
        {"a-reader-that-is-gone-takes-everything", test_a_reader_that_is_gone_takes_everything},
    };

    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/util/fd-writer/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    g_test_add_func("/util/fd-writer/a-descriptor-that-somebody-made-non-blocking-is-waited-for",
                    test_a_descriptor_that_somebody_made_non_blocking_is_waited_for);
    g_test_add_func("/util/fd-writer/what-is-added-under-a-limit-waits",
                    test_what_is_added_under_a_limit_waits);
    g_test_add_func("/util/fd-writer/progress-is-told-after-it-was-made",
                    test_progress_is_told_after_it_was_made);
    g_test_add_func("/util/fd-writer/nothing-is-written-before-the-start",
                    test_nothing_is_written_before_the_start);
    return g_test_run();
}
