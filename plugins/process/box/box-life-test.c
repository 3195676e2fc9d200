/* SPDX-License-Identifier: Apache-2.0 */
/* How programs and boxes are signalled and how they end. */
#include "box-test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program that is left running while the test goes on. */
typedef struct {
    guint32 id;
    pid_t pid;
    int terminal;
    int status;
    gboolean launched;
    gboolean exited;
    gboolean changed; /* it has stopped, or gone on */
    int stop_signal;
} Program;

static void
on_launched(OshBoxHandle *box, OshBoxProcess *process, const GError *error, gpointer user_data)
{
    Program *program = user_data;

    (void)box;
    g_assert_no_error(error);
    program->id = process->id;
    program->pid = process->pid;
    program->terminal = process->terminal;
    process->terminal = -1;
    program->launched = TRUE;
}

static void
on_exited(OshBoxHandle *box, guint32 id, int status, gpointer user_data)
{
    Program *program = user_data;

    (void)box;
    g_assert_cmpuint(id, ==, program->id);
    program->status = status;
    program->exited = TRUE;
}

static void
on_stopped(OshBoxHandle *box, guint32 id, int signal, gpointer user_data)
{
    Program *program = user_data;

    (void)box;
    g_assert_cmpuint(id, ==, program->id);
    program->stop_signal = signal;
    program->changed = TRUE;
}

static void
wait_until(const gboolean *flag)
{
    while (!*flag)
        g_main_context_iteration(NULL, TRUE);
}

static void
start_job(TestBox *test, const char *script, int output, gboolean terminal, OshBoxStopped stopped,
          Program *program)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    int stdio = terminal ? OSH_BOX_STDIO_TERMINAL : output;
    OshBoxLaunch launch = {.argv = argv,
                           .environment = environment,
                           .cwd = test->workdir,
                           .stdio = {terminal ? stdio : OSH_BOX_STDIO_NULL, stdio, stdio},
                           .terminal = terminal,
                           .rows = 33,
                           .columns = 111,
                           .stopped = stopped,
                           .background = terminal && stopped != NULL,
                           .uid = test->uid,
                           .gid = test->gid};
    g_autoptr(GError) error = NULL;

    memset(program, 0, sizeof *program);
    g_assert_cmpuint(osh_box_launch(test->box, &launch, on_launched, on_exited, program, &error),
                     !=, 0);
    g_assert_no_error(error);
    wait_until(&program->launched);
}

static void
start(TestBox *test, const char *script, int output, gboolean terminal, Program *program)
{
    start_job(test, script, output, terminal, NULL, program);
}

static TestBox *
open_box(void)
{
    TestBox *test = osh_test_box_new();

    osh_test_box_open(test);
    return test;
}

/* Reads until @text was seen; the program is then known to be at that point. */
static char *
read_until(int fd, const char *text)
{
    GString *seen = g_string_new(NULL);
    char bytes[512];

    while (strstr(seen->str, text) == NULL) {
        gssize size = read(fd, bytes, sizeof bytes);

        if (size <= 0)
            break;
        g_string_append_len(seen, bytes, size);
    }
    return g_string_free(seen, FALSE);
}

static void
test_signals_reach_a_program_and_its_group(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *ready = NULL;
    g_autoptr(GError) error = NULL;
    Program program;
    int output[2];

    g_assert_true(g_unix_open_pipe(output, FD_CLOEXEC, NULL));
    start(test, "trap 'exit 42' USR1; echo ready; while :; do sleep 0.01; done", output[1], FALSE,
          &program);
    ready = read_until(output[0], "ready");
    g_assert_true(osh_box_signal(test->box, program.id, SIGUSR1, FALSE, &error));
    wait_until(&program.exited);
    g_assert_cmpint(WEXITSTATUS(program.status), ==, 42);

    start(test, "sleep 1000 & wait", output[1], FALSE, &program);
    g_assert_true(osh_box_signal(test->box, program.id, SIGTERM, TRUE, &error));
    wait_until(&program.exited);
    g_assert_cmpint(WTERMSIG(program.status), ==, SIGTERM);
    /* Too late is not an error. */
    g_assert_true(osh_box_signal(test->box, program.id, SIGTERM, TRUE, &error));
    close(output[0]);
    close(output[1]);
}

static void
test_a_terminal_is_the_boxs_own_and_controls_the_session(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *seen = NULL;
    Program program;

    start(test,
          "tty; stty size; ls -ln $(tty) | cut -d' ' -f3; echo a > /dev/tty; "
          "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.01; done",
          -1, TRUE, &program);
    g_assert_cmpint(program.terminal, >=, 0);
    seen = read_until(program.terminal, "ready");
    g_assert_nonnull(strstr(seen, "/dev/pts/0"));
    g_assert_nonnull(strstr(seen, "33 111"));
    g_assert_nonnull(strstr(seen, "\na\r\n"));
    if (geteuid() == 0)
        g_assert_nonnull(strstr(seen, "\n1000\r\n"));
    g_assert_cmpint(write(program.terminal, "\003", 1), ==, 1);
    wait_until(&program.exited);
    g_assert_cmpint(WEXITSTATUS(program.status), ==, 3);
    close(program.terminal);
}

static void
on_closed(OshBoxHandle *box, gpointer user_data)
{
    (void)box;
    *(gboolean *)user_data = TRUE;
}

static void
test_close_asks_first_and_kills_after_the_grace(void)
{
    g_autoptr(TestBox) polite = open_box();
    g_autoptr(TestBox) stubborn = open_box();
    g_autofree char *ready = NULL;
    gboolean closed = FALSE;
    Program program;
    gint64 before;
    int output[2];

    g_assert_true(g_unix_open_pipe(output, FD_CLOEXEC, NULL));
    start(polite, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", output[1], FALSE,
          &program);
    ready = read_until(output[0], "ready");
    before = g_get_monotonic_time();
    osh_box_close(polite->box, 5000, on_closed, &closed);
    wait_until(&closed);
    g_assert_true(program.exited);
    g_assert_cmpint(WEXITSTATUS(program.status), ==, 5);
    g_assert_cmpint(g_get_monotonic_time() - before, <, 2 * G_USEC_PER_SEC);

    closed = FALSE;
    g_free(ready);
    start(stubborn, "trap '' TERM; echo ready; while :; do sleep 0.01; done", output[1], FALSE,
          &program);
    ready = read_until(output[0], "ready");
    osh_box_close(stubborn->box, 100, on_closed, &closed);
    wait_until(&closed);
    g_assert_true(program.exited);
    g_assert_cmpint(WTERMSIG(program.status), ==, SIGKILL);
    g_assert_false(stubborn->died);
    close(output[0]);
    close(output[1]);
}

static void
test_the_death_of_init_is_reported_with_every_program(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autoptr(GError) error = NULL;
    OshBoxSeal nothing = {0};
    Program program;

    start(test, "sleep 1000", -1, FALSE, &program);
    g_assert_cmpint(kill(osh_box_init_pid(test->box), SIGKILL), ==, 0);
    wait_until(&test->died);
    g_assert_true(program.exited);
    g_assert_cmpint(WTERMSIG(program.status), ==, SIGKILL);
    g_assert_false(osh_box_seal(test->box, &nothing, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_DEAD);
}

/* In a process of its own: opens a box, starts a stubborn program in it, and says its pid. */
static void
be_a_host(TestBox *test, int say)
{
    Program program;
    char pid[16];
    int output[2];

    osh_test_box_open(test);
    g_assert_true(g_unix_open_pipe(output, FD_CLOEXEC, NULL));
    /* The first shell is gone, its grandchild has a session of its own and ignores everything. */
    start(test,
          "(setsid sh -c 'trap \"\" HUP INT TERM QUIT PIPE; echo survivor; "
          "while :; do sleep 0.05; done' &) ; sleep 1000",
          output[1], FALSE, &program);
    g_free(read_until(output[0], "survivor"));
    g_snprintf(pid, sizeof pid, "%d", osh_box_init_pid(test->box));
    g_assert_cmpint(write(say, pid, sizeof pid), ==, sizeof pid);
    for (;;)
        pause();
}

static guint
count_processes_in(const char *pid_namespace)
{
    g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
    const char *name;
    guint count = 0;

    while ((name = g_dir_read_name(processes)) != NULL) {
        g_autofree char *path = g_strdup_printf("/proc/%s/ns/pid", name);
        g_autofree char *there = g_file_read_link(path, NULL);

        count += g_strcmp0(there, pid_namespace) == 0;
    }
    return count;
}

static void
test_when_the_host_is_killed_everything_in_the_box_dies(void)
{
    g_autofree char *path = NULL;
    g_autofree char *pid_namespace = NULL;
    /* Its folder is made here, so that this process is left to remove it. */
    g_autoptr(TestBox) test = osh_test_box_new();
    char init[16] = "";
    guint left = 1;
    pid_t host;
    int said[2];

    g_assert_true(g_unix_open_pipe(said, FD_CLOEXEC, NULL));
    host = fork();
    if (host == 0)
        be_a_host(test, said[1]);
    g_assert_cmpint(read(said[0], init, sizeof init), ==, sizeof init);
    path = g_strdup_printf("/proc/%s/ns/pid_for_children", init);
    pid_namespace = g_file_read_link(path, NULL);
    if (pid_namespace == NULL) {
        /* Without root init's own namespaces are not ours to read; its children's are. */
        g_autofree char *children = g_strdup_printf("/proc/%s/task/%s/children", init, init);
        g_autofree char *text = NULL;

        g_assert_true(g_file_get_contents(children, &text, NULL, NULL));
        g_free(path);
        path = g_strdup_printf("/proc/%d/ns/pid", atoi(text));
        pid_namespace = g_file_read_link(path, NULL);
    }
    g_assert_nonnull(pid_namespace);
    g_assert_cmpuint(count_processes_in(pid_namespace), >=, 2);
    g_assert_cmpint(kill(host, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(host, NULL, 0), ==, host);
    for (guint i = 0; i < 200 && left > 0; i++) {
        left = count_processes_in(pid_namespace);
        g_usleep(10000);
    }
    g_assert_cmpuint(left, ==, 0);
}

static void
test_a_refused_step_leaves_no_process_behind(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autoptr(OshBoxHandle) box = NULL;
    g_autoptr(GError) error = NULL;
    OshBoxNetlink nonsense = {.protocol = 0, .bytes = "0123456789abcdef", .size = 16, .acks = 1};
    OshBoxPlan plan = {.uid = test->uid, .gid = test->gid};
    guint8 request[16] = {16, 0, 0, 0, 0xff, 0xff, 5, 0};

    osh_test_box_plan(test, NULL, NULL);
    plan.mounts = test->mounts;
    nonsense.bytes = request;
    plan.netlinks = &nonsense;
    plan.netlink_count = 1;
    box = osh_box_open(&plan, NULL, NULL, &error);
    g_assert_null(box);
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_NETWORK);
    g_assert_nonnull(strstr(error->message, "batch 0"));
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

static void
test_limits_and_groups_are_those_of_the_launch(void)
{
    g_autoptr(TestBox) test = open_box();
    const char *const argv[] = {"sh", "-c", "ulimit -n; ulimit -c; id -G", NULL};
    const OshBoxLimit limit = {.resource = RLIMIT_NOFILE, .soft = 77, .hard = 99};
    const gid_t group = 4242;
    OshBoxLaunch launch = {.argv = argv,
                           .stdio = {OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL},
                           .uid = test->uid,
                           .gid = test->gid,
                           .limits = &limit,
                           .limit_count = 1,
                           .groups = &group,
                           .group_count = geteuid() == 0 ? 1 : 0};
    g_autofree char *expected =
        g_strdup_printf("77\n0\n%u%s\n", test->gid, geteuid() == 0 ? " 4242" : "");
    g_autofree char *seen = NULL;
    g_autoptr(GError) error = NULL;
    Program program = {0};
    int output[2];

    g_assert_true(g_unix_open_pipe(output, FD_CLOEXEC, NULL));
    launch.stdio[1] = output[1];
    osh_box_launch(test->box, &launch, on_launched, on_exited, &program, &error);
    g_assert_no_error(error);
    close(output[1]);
    wait_until(&program.exited);
    seen = read_until(output[0], "\n\n");
    g_assert_cmpstr(seen, ==, expected);
    close(output[0]);
}

static void
test_a_box_as_root_or_out_of_order_is_refused(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autoptr(GError) error = NULL;
    OshBoxSeal nothing = {0};
    OshBoxPlan plan = {.uid = 0, .gid = 0};

    osh_test_box_plan(test, NULL, NULL);
    plan.mounts = test->mounts;
    g_assert_null(osh_box_open(&plan, NULL, NULL, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID);
    g_clear_error(&error);
    osh_test_box_open(test);
    g_assert_false(osh_box_seal(test->box, &nothing, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID);
}

static guint
count_entries(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;

    g_assert_nonnull(folder);
    while (g_dir_read_name(folder) != NULL)
        n++;
    return n;
}

static guint64
resident_pages(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)pid);
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return g_ascii_strtoull(strchr(text, ' ') + 1, NULL, 10);
}

static void
run_many(TestBox *test, guint count)
{
    static const char *const argv[] = {"/bin/true", NULL};
    static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    OshBoxLaunch launch = {.argv = argv,
                           .environment = environment,
                           .stdio = {OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL},
                           .uid = test->uid,
                           .gid = test->gid};
    g_autofree Program *programs = g_new0(Program, count);

    for (guint i = 0; i < count; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpuint(
            osh_box_launch(test->box, &launch, on_launched, on_exited, &programs[i], &error), !=,
            0);
        g_assert_no_error(error);
    }
    for (guint i = 0; i < count; i++) {
        wait_until(&programs[i].exited);
        g_assert_cmpint(programs[i].status, ==, 0);
    }
}

static void
test_a_thousand_launches_leave_nothing_behind(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *children = NULL;
    g_autofree char *path = NULL;
    guint64 own_pages, init_pages;
    guint descriptors;
    pid_t init;

    osh_test_box_open(test);
    init = osh_box_init_pid(test->box);
    /* Whatever is made once is made by the first hundred. */
    run_many(test, 100);
    descriptors = count_entries("/proc/self/fd");
    own_pages = resident_pages(getpid());
    init_pages = resident_pages(init);
    for (guint i = 0; i < 10; i++)
        run_many(test, 100);
    g_assert_cmpuint(count_entries("/proc/self/fd"), ==, descriptors);
    g_assert_cmpuint(resident_pages(init), <=, init_pages + 4);
    /* AddressSanitizer keeps what was freed. */
#ifndef __SANITIZE_ADDRESS__
    g_assert_cmpuint(resident_pages(getpid()), <=, own_pages + 256);
#else
    (void)own_pages;
#endif
    path = g_strdup_printf("/proc/%d/task/%d/children", (int)init, (int)init);
    g_assert_true(g_file_get_contents(path, &children, NULL, NULL));
    g_assert_cmpstr(children, ==, "");
}

/* Waits for one change of a job. */
static int
next_change(Program *program)
{
    wait_until(&program->changed);
    program->changed = FALSE;
    return program->stop_signal;
}

static void
test_a_job_can_be_stopped_and_continued_and_another_program_not(void)
{
    g_autoptr(TestBox) test = open_box();
    Program job;
    Program other;

    start_job(test, "kill -TSTP 0; exit 5", -1, FALSE, on_stopped, &job);
    g_assert_cmpint(next_change(&job), ==, SIGTSTP);
    g_assert_true(osh_box_signal(test->box, job.id, SIGCONT, TRUE, NULL));
    /* That it goes on is told unless it has ended meanwhile. */
    wait_until(&job.exited);
    g_assert_cmpint(job.stop_signal, ==, job.changed ? 0 : SIGTSTP);
    g_assert_cmpint(WEXITSTATUS(job.status), ==, 5);
    /* An orphaned process group, for which the kernel drops the signal. */
    start(test, "kill -TSTP 0; exit 6", -1, FALSE, &other);
    wait_until(&other.exited);
    g_assert_cmpint(WEXITSTATUS(other.status), ==, 6);
}

static void
test_a_job_in_the_background_reads_when_it_has_the_foreground(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *seen = NULL;
    Program job;
    Program second;

    start_job(test, "read line; echo got $line", -1, TRUE, on_stopped, &job);
    g_assert_cmpint(write(job.terminal, "words\n", 6), ==, 6);
    g_assert_cmpint(next_change(&job), ==, SIGTTIN);
    osh_box_set_foreground(test->box, job.id, TRUE);
    osh_box_signal(test->box, job.id, SIGCONT, TRUE, NULL);
    seen = read_until(job.terminal, "got words");
    wait_until(&job.exited);
    /* A second one while the first lives has a session of its own, and is in its foreground. */
    start_job(test, "sleep 100", -1, TRUE, on_stopped, &job);
    g_clear_pointer(&seen, g_free);
    start_job(test, "tty; read line; echo got $line", -1, TRUE, on_stopped, &second);
    g_assert_cmpint(write(second.terminal, "more\n", 5), ==, 5);
    seen = read_until(second.terminal, "got more");
    wait_until(&second.exited);
    close(second.terminal);
    close(job.terminal);
}

int
main(int argc, char **argv)
{
    osh_test_box_init(&argc, &argv);
    g_test_add_func("/box/signals reach a program and its group",
                    test_signals_reach_a_program_and_its_group);
    g_test_add_func("/box/a terminal is the box's own and controls the session",
                    test_a_terminal_is_the_boxs_own_and_controls_the_session);
    g_test_add_func("/box/a job can be stopped and continued, and another program not",
                    test_a_job_can_be_stopped_and_continued_and_another_program_not);
    g_test_add_func("/box/a job in the background reads when it has the foreground",
                    test_a_job_in_the_background_reads_when_it_has_the_foreground);
    g_test_add_func("/box/close asks first and kills after the grace",
                    test_close_asks_first_and_kills_after_the_grace);
    g_test_add_func("/box/the death of init is reported with every program",
                    test_the_death_of_init_is_reported_with_every_program);
    g_test_add_func("/box/when the host is killed everything in the box dies",
                    test_when_the_host_is_killed_everything_in_the_box_dies);
    g_test_add_func("/box/a refused step leaves no process behind",
                    test_a_refused_step_leaves_no_process_behind);
    g_test_add_func("/box/limits and groups are those of the launch",
                    test_limits_and_groups_are_those_of_the_launch);
    g_test_add_func("/box/a box as root or out of order is refused",
                    test_a_box_as_root_or_out_of_order_is_refused);
    g_test_add_func("/life/a thousand launches leave no process, descriptor or memory behind",
                    test_a_thousand_launches_leave_nothing_behind);
    return g_test_run();
}
