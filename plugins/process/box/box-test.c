/* SPDX-License-Identifier: Apache-2.0 */
/* The box as a whole: what a program in it sees, and what can be done with it from outside. */
#include "box-test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static TestBox *
open_box(void)
{
    TestBox *test = osh_test_box_new();

    osh_test_box_open(test);
    return test;
}

static void
test_exit_codes_come_back(void)
{
    g_autoptr(TestBox) test = open_box();
    const char *const seven[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
    const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    g_autoptr(TestRun) exited = osh_test_box_run(test, seven);
    g_autoptr(TestRun) signalled = osh_test_box_run(test, killed);

    g_assert_no_error(exited->error);
    g_assert_cmpstr(exited->output, ==, "out\nerr\n");
    g_assert_true(WIFEXITED(exited->status));
    g_assert_cmpint(WEXITSTATUS(exited->status), ==, 7);
    g_assert_true(WIFSIGNALED(signalled->status));
    g_assert_cmpint(WTERMSIG(signalled->status), ==, SIGKILL);
}

static void
test_every_namespace_is_its_own(void)
{
    static const char *const kinds[] = {"net", "mnt", "pid", "ipc", "uts"};
    g_autoptr(TestBox) test = open_box();

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/proc/self/ns/%s", kinds[i]);
        g_autofree char *script = g_strdup_printf("readlink %s", path);
        g_autofree char *outside = g_file_read_link(path, NULL);
        g_autofree char *inside = osh_test_box_shell(test, script);

        g_assert_true(g_str_has_prefix(inside, kinds[i]));
        g_assert_cmpstr(inside, !=, outside);
    }
}

static void
test_a_program_has_no_privilege(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *status = osh_test_box_shell(
        test, "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status | tr -s '\\t ' ' '");
    g_autofree char *expected =
        g_strdup_printf("Uid: %u %u %u %u\nGid: %u %u %u %u\n", test->uid, test->uid, test->uid,
                        test->uid, test->gid, test->gid, test->gid, test->gid);

    g_assert_true(g_str_has_prefix(status, expected));
    g_assert_nonnull(strstr(status, "CapInh: 0000000000000000"));
    g_assert_nonnull(strstr(status, "CapPrm: 0000000000000000"));
    g_assert_nonnull(strstr(status, "CapEff: 0000000000000000"));
    g_assert_nonnull(strstr(status, "CapBnd: 0000000000000000"));
    g_assert_nonnull(strstr(status, "CapAmb: 0000000000000000"));
    g_assert_nonnull(strstr(status, "NoNewPrivs: 1"));
}

static void
test_what_the_policy_does_not_name_is_not_there(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *shadow = osh_test_box_shell(test, "cat /etc/shadow 2>&1 | head -c 200");
    g_autofree char *home = osh_test_box_shell(test, "ls -d /root /home 2>&1");
    g_autofree char *root = osh_test_box_shell(test, "ls -d /var/tmp/* /opt /srv /sys 2>&1");
    g_autofree char *made = osh_test_box_shell(test, "mkdir /mine 2>&1; touch /dev/mine 2>&1");

    g_assert_nonnull(strstr(shadow, "Permission denied"));
    g_assert_nonnull(strstr(home, "cannot access '/root'"));
    g_assert_nonnull(strstr(home, "cannot access '/home'"));
    g_assert_nonnull(strstr(root, test->workdir));
    g_assert_nonnull(strstr(root, "cannot access '/opt'"));
    g_assert_nonnull(strstr(root, "cannot access '/sys'"));
    g_assert_nonnull(strstr(made, "mkdir: cannot create"));
    g_assert_nonnull(strstr(made, "touch: cannot touch"));
}

static void
test_read_only_is_read_only_and_the_workdir_is_writable(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *file = g_build_filename(test->workdir, "made", NULL);
    g_autofree char *written = osh_test_box_shell(test, "echo yes > made; cat made");
    g_autofree char *refused = osh_test_box_shell(test, "touch /usr/x 2>&1; touch /etc/x 2>&1");
    g_autofree char *flags =
        osh_test_box_shell(test, "awk '$5==\"/usr\"||$5==\"/etc\"{print $6}' /proc/self/mountinfo");
    struct stat about;

    g_assert_cmpstr(written, ==, "yes");
    g_assert_cmpint(stat(file, &about), ==, 0);
    g_assert_cmpuint(about.st_uid, ==, test->uid);
    g_assert_nonnull(strstr(refused, "'/usr/x'"));
    g_assert_nonnull(strstr(refused, "'/etc/x'"));
    g_assert_true(g_str_has_prefix(flags, "ro,nosuid,nodev"));
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(chmod(path, 0666), ==, 0);
    return fd;
}

static void
test_a_socket_of_the_host_is_out_of_reach_unless_named(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    g_autofree char *hidden = g_strdup_printf("/tmp/openshell-hidden-%d", getpid());
    g_autofree char *named = g_strdup_printf("/tmp/openshell-named-%d", getpid());
    const char *const granted[] = {named, "/tmp", NULL};
    g_autofree char *script = g_strdup_printf(
        "for s in %s %s; do python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); "
        "s.connect(sys.argv[1]); print(\"connected\")' $s 2>&1 | tail -1; done",
        hidden, named);
    g_autofree char *output = NULL;
    int fds[2] = {listen_at(hidden), listen_at(named)};

    osh_test_box_plan(test, NULL, granted);
    osh_test_box_open(test);
    output = osh_test_box_shell(test, script);
    g_unlink(hidden);
    g_unlink(named);
    close(fds[0]);
    close(fds[1]);
    g_assert_cmpstr(output, ==,
                    "FileNotFoundError: [Errno 2] No such file or directory\nconnected");
}

static void
test_init_cannot_be_touched_from_the_box(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *first = osh_test_box_shell(test, "cat /proc/1/comm; ls /proc/1/fd 2>&1");
    g_autofree char *seen = osh_test_box_shell(test, "cat /proc/1/environ /proc/1/maps 2>&1");
    g_autofree char *killed =
        osh_test_box_shell(test, "kill -9 1 2>&1; kill -TERM 1 2>&1; echo on");
    g_autofree char *pids = osh_test_box_shell(test, "ls -d /proc/[0-9]* | wc -l");

    g_assert_true(g_str_has_prefix(first, "openshell-init"));
    g_assert_nonnull(strstr(first, "Permission denied"));
    g_assert_nonnull(strstr(seen, "denied"));
    g_assert_true(g_str_has_suffix(killed, "on"));
    g_assert_cmpint(atoi(pids), <=, 5);
    g_assert_false(test->died);
}

static void
test_nothing_is_inherited_but_what_was_given(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *fds = osh_test_box_shell(test, "ls /proc/self/fd | tr '\\n' ' '");
    g_autofree char *environment =
        osh_test_box_shell(test, "env | cut -d= -f1 | sort | tr '\\n' ' '");
    g_autofree char *signals =
        osh_test_box_shell(test, "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2 | sort -u");

    g_assert_cmpstr(fds, ==, "0 1 2 3");
    g_assert_cmpstr(environment, ==, "LANG PATH PWD");
    g_assert_cmpstr(signals, ==, "0000000000000000");
}

static void
test_a_launch_that_fails_says_where(void)
{
    static const struct {
        const char *const argv[3];
        const char *cwd;
        int code;
        const char *says;
    } cases[] = {
        {{"no-such-program"}, NULL, OSH_BOX_ERROR_NOT_FOUND, "no-such-program"},
        {{"/no/such/program"}, NULL, OSH_BOX_ERROR_NOT_FOUND, "/no/such/program"},
        {{"/etc/passwd"}, NULL, OSH_BOX_ERROR_NOT_EXECUTABLE, "/etc/passwd"},
        {{"/usr"}, NULL, OSH_BOX_ERROR_NOT_EXECUTABLE, "/usr"},
        {{"true"}, "/gone", OSH_BOX_ERROR_WORKING_DIRECTORY, "/gone"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(TestBox) test = open_box();
        g_autofree char *workdir = g_steal_pointer(&test->workdir);
        g_autoptr(TestRun) run = NULL;

        test->workdir = g_strdup(cases[i].cwd != NULL ? cases[i].cwd : workdir);
        run = osh_test_box_run(test, cases[i].argv);
        g_assert_error(run->error, OSH_BOX_ERROR, cases[i].code);
        g_assert_nonnull(strstr(run->error->message, cases[i].says));
        g_test_message("%s", run->error->message);
        g_free(test->workdir);
        test->workdir = g_steal_pointer(&workdir);
    }
}

static guint
count_descriptors(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(entries) != NULL)
        count++;
    return count;
}

static void
test_two_hundred_launches_leak_no_descriptor(void)
{
    g_autoptr(TestBox) test = open_box();
    g_autofree char *init = g_strdup_printf("/proc/%d/fd", osh_box_init_pid(test->box));
    const char *const argv[] = {"true", NULL};
    const char *const failing[] = {"no-such-program", NULL};
    gboolean is_root = geteuid() == 0;
    g_autoptr(TestRun) first = osh_test_box_run(test, argv);
    guint outside = count_descriptors("/proc/self/fd");
    guint inside = 0;

    /* Init answers first and closes what it answered with next. */
    g_usleep(20000);
    if (is_root)
        inside = count_descriptors(init);
    for (guint i = 0; i < 200; i++) {
        g_autoptr(TestRun) run = osh_test_box_run(test, i % 4 == 3 ? failing : argv);

        g_assert_cmpint(run->status, ==, i % 4 == 3 ? -1 : 0);
    }
    g_assert_cmpuint(count_descriptors("/proc/self/fd"), ==, outside);
    for (guint i = 0; i < 100 && is_root && count_descriptors(init) != inside; i++)
        g_usleep(10000);
    if (is_root)
        g_assert_cmpuint(count_descriptors(init), ==, inside);
}

int
main(int argc, char **argv)
{
    osh_test_box_init(&argc, &argv);
    g_test_add_func("/box/exit codes come back", test_exit_codes_come_back);
    g_test_add_func("/box/every namespace is its own", test_every_namespace_is_its_own);
    g_test_add_func("/box/a program has no privilege", test_a_program_has_no_privilege);
    g_test_add_func("/box/what the policy does not name is not there",
                    test_what_the_policy_does_not_name_is_not_there);
    g_test_add_func("/box/read-only is read-only and the workdir is writable",
                    test_read_only_is_read_only_and_the_workdir_is_writable);
    g_test_add_func("/box/a socket of the host is out of reach unless named",
                    test_a_socket_of_the_host_is_out_of_reach_unless_named);
    g_test_add_func("/box/init cannot be touched from the box",
                    test_init_cannot_be_touched_from_the_box);
    g_test_add_func("/box/nothing is inherited but what was given",
                    test_nothing_is_inherited_but_what_was_given);
    g_test_add_func("/box/a launch that fails says where", test_a_launch_that_fails_says_where);
    g_test_add_func("/box/two hundred launches leak no descriptor",
                    test_two_hundred_launches_leak_no_descriptor);
    return g_test_run();
}
