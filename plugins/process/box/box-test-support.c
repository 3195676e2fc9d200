/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of a box share. One thread. Runs as root or, with --ordinary-user, as uid 1000. */
#include "box-test.h"

#include <ftw.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORDINARY_ID 1000

void
osh_test_box_init(int *argc, char ***argv)
{
    if (*argc > 1 && strcmp((*argv)[1], "--ordinary-user") == 0) {
        (*argv)[1] = (*argv)[0];
        (*argv)++;
        (*argc)--;
        if (geteuid() == 0) {
            g_assert_cmpint(setgroups(0, NULL), ==, 0);
            g_assert_cmpint(setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), ==, 0);
            g_assert_cmpint(setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), ==, 0);
        }
    }
    g_test_init(argc, argv, NULL);
}

TestBox *
osh_test_box_new(void)
{
    TestBox *test = g_new0(TestBox, 1);
    g_autofree char *pattern = g_strdup("/var/tmp/openshell-box-XXXXXX");

    test->loop = g_main_loop_new(NULL, FALSE);
    test->uid = geteuid() == 0 ? ORDINARY_ID : geteuid();
    test->gid = geteuid() == 0 ? ORDINARY_ID : getegid();
    test->workdir = g_strdup(g_mkdtemp(pattern));
    g_assert_nonnull(test->workdir);
    g_assert_cmpint(chown(test->workdir, test->uid, test->gid), ==, 0);
    return test;
}

void
osh_test_box_plan(TestBox *test, const char *const *read_only, const char *const *read_write)
{
    static const char *const usual[] = {"/usr", "/etc", "/lib"};
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    OshMountRequest request = {
        .read_write = read_write, .workdir = test->workdir, .include_workdir = TRUE};

    for (gsize i = 0; i < G_N_ELEMENTS(usual); i++)
        g_ptr_array_add(paths, (gpointer)usual[i]);
    for (gsize i = 0; read_only != NULL && read_only[i] != NULL; i++)
        g_ptr_array_add(paths, (gpointer)read_only[i]);
    g_ptr_array_add(paths, NULL);
    request.read_only = (const char *const *)paths->pdata;
    osh_mount_plan_free(test->mounts);
    test->mounts = osh_mount_plan_new(&request, &error);
    g_assert_no_error(error);
}

static void
note_death(OshBoxHandle *box, const char *reason, gpointer user_data)
{
    TestBox *test = user_data;

    (void)box;
    g_test_message("%s", reason);
    test->died = TRUE;
    g_main_loop_quit(test->loop);
}

gboolean
osh_test_box_try(TestBox *test, GError **error)
{
    OshBoxSeal nothing = {0};
    OshBoxPlan plan = {.netlinks = test->netlinks,
                       .netlink_count = test->netlink_count,
                       .sockets = test->sockets,
                       .socket_count = test->socket_count,
                       .hostname = "box",
                       .uid = test->uid,
                       .gid = test->gid};

    if (test->mounts == NULL)
        osh_test_box_plan(test, NULL, NULL);
    plan.mounts = test->mounts;
    test->box = osh_box_open(&plan, note_death, test, error);
    return test->box != NULL &&
           osh_box_seal(test->box, test->seal != NULL ? test->seal : &nothing, error);
}

void
osh_test_box_open(TestBox *test)
{
    g_autoptr(GError) error = NULL;

    osh_test_box_try(test, &error);
    g_assert_no_error(error);
}

static int
remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

void
osh_test_box_free(TestBox *test)
{
    osh_box_free(test->box);
    osh_mount_plan_free(test->mounts);
    g_assert_cmpint(nftw(test->workdir, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
    g_free(test->workdir);
    g_main_loop_unref(test->loop);
    g_free(test);
}

typedef struct {
    TestBox *test;
    TestRun *run;
    GString *output;
    gboolean exited;
    gboolean ended;
} Waiting;

static void
on_launched(OshBoxHandle *box, OshBoxProcess *process, const GError *error, gpointer user_data)
{
    Waiting *waiting = user_data;

    (void)box;
    if (process != NULL) {
        waiting->run->pid = process->pid;
        return;
    }
    waiting->run->error = g_error_copy(error);
    waiting->run->status = -1;
    waiting->exited = TRUE;
}

static void
on_exited(OshBoxHandle *box, guint32 id, int status, gpointer user_data)
{
    Waiting *waiting = user_data;

    (void)box;
    (void)id;
    waiting->run->status = status;
    waiting->exited = TRUE;
}

static gboolean
on_output(gint fd, GIOCondition condition, gpointer user_data)
{
    Waiting *waiting = user_data;
    char bytes[4096];
    gssize size = read(fd, bytes, sizeof bytes);

    (void)condition;
    if (size > 0) {
        g_string_append_len(waiting->output, bytes, size);
        return G_SOURCE_CONTINUE;
    }
    waiting->ended = TRUE;
    return G_SOURCE_REMOVE;
}

TestRun *
osh_test_box_run(TestBox *test, const char *const *argv)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C", NULL};
    TestRun *run = g_new0(TestRun, 1);
    Waiting waiting = {.test = test, .run = run, .output = g_string_new(NULL)};
    OshBoxLaunch launch = {.argv = argv,
                           .environment = environment,
                           .cwd = test->workdir,
                           .uid = test->uid,
                           .gid = test->gid,
                           .filters = test->filters,
                           .filter_count = test->filter_count};
    g_autoptr(GError) error = NULL;
    int output[2];

    g_assert_true(g_unix_open_pipe(output, FD_CLOEXEC, NULL));
    launch.stdio[0] = OSH_BOX_STDIO_NULL;
    launch.stdio[1] = launch.stdio[2] = output[1];
    g_assert_cmpuint(osh_box_launch(test->box, &launch, on_launched, on_exited, &waiting, &error),
                     !=, 0);
    g_assert_no_error(error);
    close(output[1]);
    g_unix_fd_add(output[0], G_IO_IN | G_IO_HUP, on_output, &waiting);
    while (!waiting.exited || !waiting.ended)
        g_main_context_iteration(NULL, TRUE);
    close(output[0]);
    run->output = g_string_free(waiting.output, FALSE);
    return run;
}

char *
osh_test_box_shell(TestBox *test, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    g_autoptr(TestRun) run = osh_test_box_run(test, argv);

    g_assert_no_error(run->error);
    return g_strchomp(g_steal_pointer(&run->output));
}

void
osh_test_run_free(TestRun *run)
{
    g_free(run->output);
    g_clear_error(&run->error);
    g_free(run);
}
