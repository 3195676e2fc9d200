/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of a host, each in a process of its own: what a person sent, what the kernel says when
 * the terminal has gone, and what nohup(1) asked for.
 */
#include "signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (8 * G_TIME_SPAN_SECOND)

typedef struct {
    GString *got;
    OshSignals *signals;
} Fixture;

static void
got_signal(int number, gpointer data)
{
    g_string_append_printf(((Fixture *)data)->got, "signal %d ", number);
}

static void
got_reload(gpointer data)
{
    g_string_append(((Fixture *)data)->got, "reload ");
}

static void
iterate(void)
{
    for (guint i = 0; i < 20; i++) {
        while (g_main_context_iteration(NULL, FALSE))
            continue;
        g_usleep(1000);
    }
}

/* In a child, so that masks and dispositions end with it. Its exit code is the answer. */
static gboolean
holds(gboolean (*check)(Fixture *fixture))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        Fixture fixture = {.got = g_string_new(NULL)};

        _exit(check(&fixture) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static gboolean
open_signals(Fixture *fixture)
{
    fixture->signals = osh_signals_new(got_signal, fixture, NULL);
    return fixture->signals != NULL;
}

/* The kernel hangs a terminal up in a work queue of its own, so a busy machine takes its time. */
static gboolean
got(const Fixture *fixture, const char *text)
{
    gint64 deadline = g_get_monotonic_time() + PATIENCE;

    do
        iterate();
    while (strlen(fixture->got->str) < strlen(text) && g_get_monotonic_time() < deadline);
    if (g_str_equal(fixture->got->str, text))
        return TRUE;
    g_printerr("got '%s', not '%s'\n", fixture->got->str, text);
    return FALSE;
}

static gboolean
check_each_once(Fixture *fixture)
{
    g_autofree char *text = g_strdup_printf("signal %d signal %d ", SIGINT, SIGTERM);

    if (!open_signals(fixture))
        return FALSE;
    kill(getpid(), SIGINT);
    iterate();
    kill(getpid(), SIGTERM);
    return got(fixture, text);
}

static gboolean
check_reader_gone(Fixture *fixture)
{
    int ends[2];

    if (!open_signals(fixture) || pipe(ends) != 0)
        return FALSE;
    close(ends[0]);
    return write(ends[1], "x", 1) < 0 && got(fixture, "");
}

static gboolean
check_hangup_without_reload(Fixture *fixture)
{
    g_autofree char *text = g_strdup_printf("signal %d ", SIGHUP);

    if (!open_signals(fixture))
        return FALSE;
    kill(getpid(), SIGHUP);
    return got(fixture, text);
}

static gboolean
check_hangup_with_reload(Fixture *fixture)
{
    if (!open_signals(fixture))
        return FALSE;
    osh_signals_on_reload(fixture->signals, got_reload, fixture);
    kill(getpid(), SIGHUP);
    return got(fixture, "reload ");
}

/* Makes this process the leader of a session with a terminal. Returns: its master, or -1. */
static int
take_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int slave = -1;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || setsid() < 0)
        return -1;
    slave = open(ptsname(master), O_RDWR | O_CLOEXEC);
    return slave >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0 ? master : -1;
}

static gboolean
lose_terminal(Fixture *fixture, gboolean ignored)
{
    int master = take_terminal();

    if (master < 0)
        return FALSE;
    /* Not what these tests were started with, which may be nohup(1) too. */
    signal(SIGHUP, ignored ? SIG_IGN : SIG_DFL);
    if (!open_signals(fixture))
        return FALSE;
    osh_signals_on_reload(fixture->signals, got_reload, fixture);
    /* While the terminal is there, a person's SIGHUP is a wish to reload. */
    kill(getpid(), SIGHUP);
    iterate();
    close(master);
    iterate();
    return TRUE;
}

static gboolean
check_terminal_gone(Fixture *fixture)
{
    g_autofree char *text = g_strdup_printf("reload signal %d ", SIGHUP);

    return lose_terminal(fixture, FALSE) && got(fixture, text);
}

static gboolean
check_terminal_gone_under_nohup(Fixture *fixture)
{
    return lose_terminal(fixture, TRUE) && !g_strstr_len(fixture->got->str, -1, "signal");
}

static void
got_hangup(gpointer data)
{
    g_string_append(((Fixture *)data)->got, "hangup ");
}

/* In the host, whose parent is a shell on a terminal. Returns: what it got, within a second. */
static void
be_told(Fixture *fixture, int ready, int answer)
{
    gint64 deadline = g_get_monotonic_time() + G_USEC_PER_SEC;

    osh_signals_on_reload(fixture->signals, got_reload, fixture);
    osh_signals_on_hangup(fixture->signals, got_hangup, fixture);
    if (write(ready, "r", 1) != 1)
        _exit(1);
    while (g_get_monotonic_time() < deadline)
        iterate();
    _exit(write(answer, fixture->got->str, fixture->got->len) < 0);
}

/* A shell of the session sends SIGHUP, and ends or not. */
static gboolean
told_by_shell(Fixture *fixture, gboolean ends, const char *expected)
{
    char text[64] = {0};
    int ready[2];
    int answer[2];
    int master = take_terminal();

    if (master < 0 || pipe(ready) != 0 || pipe(answer) != 0)
        return FALSE;
    if (fork() == 0) {
        pid_t host = fork();

        if (host == 0) {
            if (!open_signals(fixture))
                _exit(1);
            be_told(fixture, ready[1], answer[1]);
        }
        if (read(ready[0], text, 1) == 1)
            kill(host, SIGHUP);
        if (!ends)
            waitpid(host, NULL, 0);
        _exit(0);
    }
    close(answer[1]);
    /* Whether it still lived when the signal was read makes no difference but this. */
    return read(answer[0], text, sizeof text - 1) >= 0 &&
           (g_str_equal(text, expected) || (ends && g_str_equal(text, "reload hangup ")));
}

static gboolean
check_shell_ends(Fixture *fixture)
{
    return told_by_shell(fixture, TRUE, "hangup ");
}

static gboolean
check_shell_stays(Fixture *fixture)
{
    return told_by_shell(fixture, FALSE, "reload ");
}

static gboolean
check_continued(Fixture *fixture)
{
    gint64 began = g_get_monotonic_time();

    if (!open_signals(fixture) || !osh_signals_continue_after(fixture->signals, 1))
        return FALSE;
    kill(getpid(), SIGSTOP);
    return g_get_monotonic_time() > began + G_USEC_PER_SEC / 2;
}

static gboolean
check_closed(Fixture *fixture)
{
    if (!open_signals(fixture))
        return FALSE;
    osh_signals_free(g_steal_pointer(&fixture->signals));
    kill(getpid(), SIGTERM);
    return got(fixture, "");
}

static const struct {
    const char *path;
    gboolean (*check)(Fixture *fixture);
} tests[] = {
    {"/signals/each-is-told-once-from-the-loop", check_each_once},
    {"/signals/a-reader-that-has-gone-ends-nobody", check_reader_gone},
    {"/signals/a-hangup-without-anything-to-reload-is-a-signal", check_hangup_without_reload},
    {"/signals/a-hangup-that-somebody-sent-reloads", check_hangup_with_reload},
    {"/signals/a-terminal-that-has-gone-is-no-wish-to-reload", check_terminal_gone},
    {"/signals/under-nohup-a-terminal-may-go", check_terminal_gone_under_nohup},
    {"/signals/a-hangup-of-a-shell-that-ends-then-is-one", check_shell_ends},
    {"/signals/a-hangup-of-a-shell-that-lives-on-reloads", check_shell_stays},
    {"/signals/a-process-that-is-stopped-goes-on-in-time", check_continued},
    {"/signals/after-the-end-signals-stay-blocked", check_closed},
};

static void
test_holds(gconstpointer data)
{
    g_assert_true(holds(tests[GPOINTER_TO_SIZE(data)].check));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Not what these tests were started with, which may be nohup(1). */
    signal(SIGHUP, SIG_DFL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_data_func(tests[i].path, GSIZE_TO_POINTER(i), test_holds);
    return g_test_run();
}
