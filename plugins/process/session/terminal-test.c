/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay between two terminals. The outer one is the controlling terminal of this test, the
 * inner one stands for the box's; both ends of each are ours.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int screen; /* what a person has: keys go in, output comes out */
    int outer;
    int program; /* the program's end of the inner terminal */
    OshTerminalRelay *relay;
    pid_t child; /* leader of the session on the inner terminal, 0 for none */
    pid_t pid;   /* of the program, where that is not the child */
    GArray *foregrounds;
    gboolean shared;
    gboolean background;
    GString *tapped;
    guint rooms;
    gboolean done;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    struct winsize size = {.ws_row = 33, .ws_col = 77};

    (void)data;
    g_assert_cmpint(openpty(&fixture->screen, &fixture->outer, NULL, NULL, &size), ==, 0);
    g_assert_cmpint(ioctl(fixture->outer, TIOCSCTTY, 0), ==, 0);
    fixture->program = -1;
    fixture->foregrounds = g_array_new(FALSE, FALSE, sizeof(gboolean));
    fixture->tapped = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_terminal_relay_free(fixture->relay);
    if (fixture->child > 0) {
        kill(fixture->child, SIGKILL);
        waitpid(fixture->child, NULL, 0);
    }
    ioctl(fixture->outer, TIOCNOTTY);
    if (fixture->program >= 0)
        close(fixture->program);
    close(fixture->outer);
    close(fixture->screen);
    g_array_unref(fixture->foregrounds);
    g_string_free(fixture->tapped, TRUE);
}

static void
note_foreground(gboolean foreground, gpointer data)
{
    g_array_append_val(((Fixture *)data)->foregrounds, foreground);
}

static void
note_tap(const char *bytes, gsize length, gpointer data)
{
    g_string_append_len(((Fixture *)data)->tapped, bytes, (gssize)length);
}

static void
note_room(gpointer data)
{
    ((Fixture *)data)->rooms++;
}

static void
note_done(gpointer data)
{
    ((Fixture *)data)->done = TRUE;
}

/* With the given descriptors in the place of the program's standard input and output. */
static void
start(Fixture *fixture, int input, int output)
{
    OshTerminalRequest request = {
        .input = input,
        .output = output,
        .shared = fixture->shared,
        .background = fixture->background,
        .foreground = note_foreground,
        .tap = note_tap,
        .room = note_room,
        .data = fixture,
    };
    const int stdio[] = {input, output, -1};
    OshTerminalChoice choice = osh_terminal_choose(stdio);
    int master;

    g_assert_cmpint(openpty(&master, &fixture->program, NULL, NULL, NULL), ==, 0);
    /* Whether others read the terminal is the test's to say, whatever stands at @input. */
    if (choice.has_modes && fixture->shared)
        choice.modes.c_lflag |= EXTPROC;
    else if (choice.has_modes)
        choice.modes.c_lflag &= ~(tcflag_t)EXTPROC;
    if (choice.has_modes) {
        g_assert_cmpint(tcsetattr(master, TCSANOW, &choice.modes), ==, 0);
        request.modes = &choice.modes;
    }
    fcntl(master, F_SETFD, FD_CLOEXEC);
    request.master = master;
    request.pid = fixture->pid != 0 ? fixture->pid : fixture->child;
    fixture->relay = osh_terminal_relay_new(&request);
}

static gboolean
tick(gpointer data)
{
    ++*(guint *)data;
    return G_SOURCE_CONTINUE;
}

/* Lets the relay work for a while. Returns: how many of a hundred ticks a second it let through */
static guint
work(guint milliseconds)
{
    gint64 deadline = g_get_monotonic_time() + milliseconds * 1000;
    guint ticks = 0;
    guint ticker = g_timeout_add(10, tick, &ticks);

    while (g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(ticker);
    return ticks;
}

/* What comes out of @fd until @length bytes have, while the relay works. */
static char *
collect(int fd, gsize length)
{
    GString *text = g_string_new(NULL);
    gint64 deadline = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (text->len < length && g_get_monotonic_time() < deadline) {
        char bytes[4096];
        gssize n = read(fd, bytes, sizeof bytes);

        if (n > 0)
            g_string_append_len(text, bytes, n);
        else
            work(5);
    }
    return g_string_free(text, FALSE);
}

static void
type(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

static void
expect(int fd, const char *wanted)
{
    g_autofree char *text = collect(fd, strlen(wanted));

    g_assert_cmpstr(text, ==, wanted);
}

static gboolean
is_raw(const Fixture *fixture)
{
    struct termios modes;

    g_assert_cmpint(tcgetattr(fixture->outer, &modes), ==, 0);
    return !(modes.c_lflag & ICANON) && !(modes.c_oflag & OPOST);
}

static void
finish(Fixture *fixture, guint seconds)
{
    gint64 began = g_get_monotonic_time();

    osh_terminal_relay_finish(fixture->relay, note_done, fixture);
    g_assert_false(fixture->done);
    while (!fixture->done && g_get_monotonic_time() < began + seconds * G_USEC_PER_SEC)
        work(20);
    g_assert_true(fixture->done);
}

static void
test_output_arrives_as_it_was_written(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    /* The inner terminal alone turns a newline into two characters. */
    type(fixture->program, "one\n\ttwo\x1b[1m");
    expect(fixture->screen, "one\r\n\ttwo\x1b[1m");
    g_assert_cmpstr(fixture->tapped->str, ==, "one\r\n\ttwo\x1b[1m");
}

static void
test_keys_arrive_at_the_program(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    type(fixture->screen, "line\r");
    expect(fixture->program, "line\n");
    g_assert_cmpint(fcntl(fixture->outer, F_GETFL) & O_NONBLOCK, ==, 0);
}

static void
test_outer_terminal_is_raw_until_the_end(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_false(is_raw(fixture));
    start(fixture, fixture->outer, fixture->outer);
    g_assert_true(is_raw(fixture));
    finish(fixture, 5);
    g_assert_false(is_raw(fixture));
}

static void
test_outer_terminal_gets_its_modes_back_without_an_end(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    g_assert_true(is_raw(fixture));
    g_clear_pointer(&fixture->relay, osh_terminal_relay_free);
    g_assert_false(is_raw(fixture));
}

static void
test_terminal_of_others_is_left_alone(Fixture *fixture, gconstpointer data)
{
    char byte;

    (void)data;
    g_assert_cmpint(fixture->child = fork(), >=, 0);
    if (fixture->child == 0) {
        setpgid(0, 0);
        for (;;)
            pause();
    }
    while (setpgid(fixture->child, fixture->child) != 0 && errno != EACCES)
        ;
    g_assert_cmpint(tcsetpgrp(fixture->outer, fixture->child), ==, 0);
    start(fixture, fixture->outer, fixture->outer);
    g_assert_false(is_raw(fixture));
    type(fixture->screen, "theirs\n");
    work(100);
    fcntl(fixture->program, F_SETFL, O_RDWR | O_NONBLOCK);
    g_assert_cmpint(read(fixture->program, &byte, 1), ==, -1);
    g_assert_cmpint(tcsetpgrp(fixture->outer, getpgrp()), ==, 0);
}

static void
test_size_and_its_changes_arrive(Fixture *fixture, gconstpointer data)
{
    struct winsize size = {0};

    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    g_assert_cmpint(ioctl(fixture->program, TIOCGWINSZ, &size), ==, 0);
    g_assert_cmpint(size.ws_row, ==, 33);
    size = (struct winsize){.ws_row = 40, .ws_col = 123};
    ioctl(fixture->screen, TIOCSWINSZ, &size);
    osh_terminal_relay_copy_size(fixture->relay);
    g_assert_cmpint(ioctl(fixture->program, TIOCGWINSZ, &size), ==, 0);
    g_assert_cmpint(size.ws_row, ==, 40);
    g_assert_cmpint(size.ws_col, ==, 123);
    g_assert_true(osh_terminal_relay_resize(fixture->relay, 0, 9));
    g_assert_cmpint(ioctl(fixture->program, TIOCGWINSZ, &size), ==, 0);
    g_assert_cmpint(size.ws_row, ==, 1);
    g_assert_cmpint(size.ws_col, ==, 9);
}

/* As much as goes in; a terminal that is full takes nothing more. */
static gsize
write_until_full(Fixture *fixture)
{
    char block[4096];
    gsize total = 0;
    guint refused = 0;

    memset(block, 'f', sizeof block);
    fcntl(fixture->program, F_SETFL, O_RDWR | O_NONBLOCK);
    while (refused < 10 && total < 4 * 1024 * 1024) {
        gssize n = write(fixture->program, block, sizeof block);

        total += n > 0 ? (gsize)n : 0;
        refused = n > 0 ? 0 : refused + 1;
        work(10);
    }
    return total;
}

static void
test_stopped_terminal_holds_up_nothing_but_the_program(Fixture *fixture, gconstpointer data)
{
    gsize total;

    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    g_assert_cmpint(tcflow(fixture->outer, TCOOFF), ==, 0);
    total = write_until_full(fixture);
    g_assert_cmpuint(total, <, 1024 * 1024);
    g_assert_cmpuint(work(500), >, 10);
    /* The end gives up, and the terminal has its modes all the same. */
    finish(fixture, 8);
    g_assert_false(is_raw(fixture));
}

static void
test_terminal_that_goes_on_gets_every_byte(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;
    gsize total;

    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    g_assert_cmpint(tcflow(fixture->outer, TCOOFF), ==, 0);
    total = write_until_full(fixture);
    g_assert_cmpint(tcflow(fixture->outer, TCOON), ==, 0);
    text = collect(fixture->screen, total);
    g_assert_cmpuint(strlen(text), ==, total);
}

static void
test_end_delivers_what_was_written_before_it(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;

    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    for (guint i = 0; i < 200; i++)
        type(fixture->program, "0123456789");
    finish(fixture, 8);
    text = collect(fixture->screen, 2000);
    g_assert_cmpuint(strlen(text), ==, 2000);
}

static void
test_end_is_not_held_up_by_what_goes_on_writing(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, fixture->outer, open("/dev/null", O_WRONLY | O_CLOEXEC));
    fixture->child = fork();
    if (fixture->child == 0)
        for (;;)
            if (write(fixture->program, "more", 4) < 0)
                _exit(0);
    work(100);
    finish(fixture, 8);
}

static void
test_end_of_other_input_is_typed(Fixture *fixture, gconstpointer data)
{
    int ends[2];
    char byte;

    (void)data;
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    start(fixture, ends[0], fixture->outer);
    type(ends[1], "last\n");
    close(ends[1]);
    expect(fixture->program, "last\n");
    work(200);
    g_assert_cmpint(read(fixture->program, &byte, 1), ==, 0);
    close(ends[0]);
}

static void
test_others_type_as_far_as_there_is_room(Fixture *fixture, gconstpointer data)
{
    char much[60000];
    gsize taken = 0;
    gssize n = 1;

    (void)data;
    memset(much, 'k', sizeof much);
    /* The echo goes where it is taken: a terminal that nobody reads would stop the relay. */
    start(fixture, -1, open("/dev/null", O_WRONLY | O_CLOEXEC));
    g_assert_cmpint(osh_terminal_relay_type(fixture->relay, "typed\n", 6), ==, 6);
    expect(fixture->program, "typed\n");
    g_assert_cmpuint(fixture->rooms, ==, 1);
    for (guint i = 0; i < 100 && n > 0; i++) {
        n = osh_terminal_relay_type(fixture->relay, much, sizeof much);
        taken += n > 0 ? (gsize)n : 0;
    }
    g_assert_cmpint(n, ==, 0);
    g_assert_cmpuint(taken, <, sizeof much);
    close(fixture->program);
    fixture->program = -1;
    work(100);
    g_assert_cmpint(osh_terminal_relay_type(fixture->relay, "x", 1), ==, -1);
}

/* Typed as a person does: not before the relay has been told of a mode. */
static void
type_later(Fixture *fixture, const char *text)
{
    work(100);
    type(fixture->screen, text);
}

static void
test_shared_terminal_stays_as_it_is(Fixture *fixture, gconstpointer data)
{
    struct termios before;
    struct termios after;

    (void)data;
    fixture->shared = TRUE;
    g_assert_cmpint(tcgetattr(fixture->outer, &before), ==, 0);
    start(fixture, fixture->outer, fixture->outer);
    g_assert_cmpint(tcgetattr(fixture->outer, &after), ==, 0);
    g_assert_cmpint(before.c_lflag, ==, after.c_lflag);
    g_assert_cmpint(before.c_oflag, ==, after.c_oflag);
    /* One carriage return each, although both terminals add some. */
    type(fixture->program, "one\ntwo\n");
    expect(fixture->screen, "one\r\ntwo\r\n");
    g_assert_cmpstr(fixture->tapped->str, ==, "one\r\ntwo\r\n");
}

static void
test_shared_terminal_gives_lines_one_by_one(Fixture *fixture, gconstpointer data)
{
    char bytes[64] = {0};

    (void)data;
    fixture->shared = TRUE;
    start(fixture, fixture->outer, fixture->outer);
    type(fixture->screen, "one\rtwo\r\x04");
    expect(fixture->screen, "one\r\ntwo\r\n");
    work(200);
    g_assert_cmpint(read(fixture->program, bytes, sizeof bytes), ==, 4);
    g_assert_cmpstr(bytes, ==, "one\n");
    work(200);
    g_assert_cmpint(read(fixture->program, bytes, sizeof bytes), ==, 4);
    g_assert_cmpstr(bytes, ==, "two\n");
    work(200);
    g_assert_cmpint(read(fixture->program, bytes, sizeof bytes), ==, 0);
    /* It was an end of the input, not of the terminal. */
    type(fixture->screen, "three\r");
    work(200);
    g_assert_cmpint(read(fixture->program, bytes, sizeof bytes), ==, 6);
}

static void
set_local_modes(int fd, tcflag_t off)
{
    struct termios modes;

    g_assert_cmpint(tcgetattr(fd, &modes), ==, 0);
    modes.c_lflag &= ~off;
    g_assert_cmpint(tcsetattr(fd, TCSANOW, &modes), ==, 0);
}

/* What waits at the outer terminal, for another program that reads there. */
static void
expect_waiting(const Fixture *fixture, gssize length)
{
    struct pollfd entry = {.fd = fixture->outer, .events = POLLIN};
    char bytes[8];

    g_assert_cmpint(poll(&entry, 1, 0), ==, 1);
    g_assert_cmpint(read(fixture->outer, bytes, sizeof bytes), ==, length);
}

static void
test_keys_of_another_program_are_left_to_it(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->shared = TRUE;
    start(fixture, fixture->outer, fixture->outer);
    set_local_modes(fixture->outer, ICANON | ECHO);
    type_later(fixture, "q");
    work(600);
    expect_waiting(fixture, 1);
    /* As a prompt for a password does it. */
    set_local_modes(fixture->outer, ECHO);
    type_later(fixture, "secret\r");
    work(600);
    expect_waiting(fixture, 7);
}

static gboolean
has_echo(const Fixture *fixture)
{
    struct termios modes;

    g_assert_cmpint(tcgetattr(fixture->outer, &modes), ==, 0);
    return (modes.c_lflag & ECHO) != 0;
}

static void
test_shared_terminal_has_the_modes_that_the_program_sets(Fixture *fixture, gconstpointer data)
{
    struct termios modes;

    (void)data;
    fixture->shared = TRUE;
    start(fixture, fixture->outer, fixture->outer);
    set_local_modes(fixture->program, ECHO);
    work(100);
    g_assert_false(has_echo(fixture));
    g_assert_false(osh_terminal_relay_screen_taken(fixture->relay));
    set_local_modes(fixture->program, ICANON);
    work(100);
    /* Newlines are left as the program has them. */
    g_assert_cmpint(tcgetattr(fixture->outer, &modes), ==, 0);
    g_assert_cmpint(modes.c_lflag & (ICANON | ISIG), ==, 0);
    g_assert_true(modes.c_oflag & OPOST);
    g_assert_true(osh_terminal_relay_screen_taken(fixture->relay));
    finish(fixture, 5);
    g_assert_true(has_echo(fixture));
    g_assert_false(osh_terminal_relay_screen_taken(fixture->relay));
}

static void
test_program_in_the_background_gets_the_terminal_when_we_have_it(Fixture *fixture,
                                                                 gconstpointer data)
{
    (void)data;
    fixture->background = TRUE;
    start(fixture, fixture->outer, fixture->outer);
    g_assert_false(is_raw(fixture));
    g_assert_true(osh_terminal_relay_give(fixture->relay));
    g_assert_true(is_raw(fixture));
    g_assert_cmpuint(fixture->foregrounds->len, ==, 1);
    g_assert_true(g_array_index(fixture->foregrounds, gboolean, 0));
}

static void
test_who_leaves_restores_and_who_returns_takes_again(Fixture *fixture, gconstpointer data)
{
    struct winsize size = {.ws_row = 50, .ws_col = 120};

    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    type(fixture->program, "last words");
    osh_terminal_relay_leave(fixture->relay);
    g_assert_false(is_raw(fixture));
    expect(fixture->screen, "last words");
    ioctl(fixture->screen, TIOCSWINSZ, &size);
    osh_terminal_relay_return(fixture->relay);
    g_assert_true(is_raw(fixture));
    g_assert_cmpint(ioctl(fixture->program, TIOCGWINSZ, &size), ==, 0);
    g_assert_cmpint(size.ws_row, ==, 50);
    g_assert_cmpuint(fixture->foregrounds->len, ==, 0);
}

static void
test_what_comes_after_the_end_is_carried(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, fixture->outer, fixture->outer);
    finish(fixture, 5);
    type(fixture->program, "left behind\n");
    expect(fixture->screen, "left behind\r\n");
}

static void
test_choice_is_by_what_is_a_terminal(Fixture *fixture, gconstpointer data)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int cases[][3] = {{fixture->outer, null, null},
                            {null, fixture->outer, null},
                            {null, null, fixture->outer},
                            {null, -1, null}};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        OshTerminalChoice choice = osh_terminal_choose(cases[i]);

        for (gsize k = 0; k < 3; k++)
            g_assert_cmpint(choice.is_terminal[k], ==, k == i && i < 3);
        g_assert_cmpint(choice.outer, ==, i < 3 ? fixture->outer : -1);
        g_assert_cmpint(choice.output, ==, i < 3 ? fixture->outer : -1);
        g_assert_cmpint(choice.rows, ==, i < 3 ? 33 : 0);
        g_assert_cmpint(choice.shared, ==, i < 3);
        g_assert_false(choice.background);
    }
    close(null);
}

static int
run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"output-arrives-as-it-was-written", test_output_arrives_as_it_was_written},
        {"keys-arrive-at-the-program", test_keys_arrive_at_the_program},
        {"outer-terminal-is-raw-until-the-end", test_outer_terminal_is_raw_until_the_end},
        {"outer-terminal-gets-its-modes-back-without-an-end",
         test_outer_terminal_gets_its_modes_back_without_an_end},
        {"terminal-of-others-is-left-alone", test_terminal_of_others_is_left_alone},
        {"size-and-its-changes-arrive", test_size_and_its_changes_arrive},
        {"stopped-terminal-holds-up-nothing-but-the-program",
         test_stopped_terminal_holds_up_nothing_but_the_program},
        {"terminal-that-goes-on-gets-every-byte", test_terminal_that_goes_on_gets_every_byte},
        {"end-delivers-what-was-written-before-it", test_end_delivers_what_was_written_before_it},
        {"end-is-not-held-up-by-what-goes-on-writing",
         test_end_is_not_held_up_by_what_goes_on_writing},
        {"end-of-other-input-is-typed", test_end_of_other_input_is_typed},
        {"others-type-as-far-as-there-is-room", test_others_type_as_far_as_there_is_room},
        {"shared-terminal-stays-as-it-is", test_shared_terminal_stays_as_it_is},
        {"shared-terminal-gives-lines-one-by-one", test_shared_terminal_gives_lines_one_by_one},
        {"keys-of-another-program-are-left-to-it", test_keys_of_another_program_are_left_to_it},
        {"shared-terminal-has-the-modes-that-the-program-sets",
         test_shared_terminal_has_the_modes_that_the_program_sets},
        {"program-in-the-background-gets-the-terminal-when-we-have-it",
         test_program_in_the_background_gets_the_terminal_when_we_have_it},
        {"who-leaves-restores-and-who-returns-takes-again",
         test_who_leaves_restores_and_who_returns_takes_again},
        {"what-comes-after-the-end-is-carried", test_what_comes_after_the_end_is_carried},
        {"choice-is-by-what-is-a-terminal", test_choice_is_by_what_is_a_terminal},
    };

    g_test_init(&argc, &argv, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/process/terminal/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}

/* The tests lead a session of their own; this process is the shell that lets them go on. */
int
main(int argc, char **argv)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        setsid();
        exit(run(argc, argv));
    }
    while (child > 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status))
        kill(child, SIGCONT);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
