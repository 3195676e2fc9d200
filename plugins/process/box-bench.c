/* SPDX-License-Identifier: Apache-2.0 */
/* What a box costs: to open, to seal, to start a program in it, to close. Prints medians. */
#include "box-test.h"

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "landlock-plan.h"
#include "network-plan.h"
#include "seccomp-filter.h"

#define ROUNDS 200

typedef struct {
    gboolean launched;
    gboolean exited;
    gint64 launched_at;
} Program;

static void
on_launched(OshBoxHandle *box, OshBoxProcess *process, const GError *error, gpointer user_data)
{
    Program *program = user_data;

    (void)box;
    (void)process;
    g_assert_no_error(error);
    program->launched = TRUE;
    program->launched_at = g_get_monotonic_time();
}

static void
on_exited(OshBoxHandle *box, guint32 id, int status, gpointer user_data)
{
    (void)box;
    (void)id;
    (void)status;
    ((Program *)user_data)->exited = TRUE;
}

static int
compare(gconstpointer a, gconstpointer b)
{
    gint64 one = *(const gint64 *)a;
    gint64 other = *(const gint64 *)b;

    return one < other ? -1 : one > other;
}

static void
report(const char *what, gint64 *samples)
{
    qsort(samples, ROUNDS, sizeof *samples, compare);
    g_print("%-34s p50 %5" G_GINT64_FORMAT " us   p99 %5" G_GINT64_FORMAT " us\n", what,
            samples[ROUNDS / 2], samples[ROUNDS * 99 / 100]);
}

static void
launch(OshBoxHandle *box, const OshBoxLaunch *spec, gint64 *ret_launch, gint64 *ret_exit)
{
    gint64 before = g_get_monotonic_time();
    Program program = {0};
    g_autoptr(GError) error = NULL;

    osh_box_launch(box, spec, on_launched, on_exited, &program, &error);
    g_assert_no_error(error);
    while (!program.exited)
        g_main_context_iteration(NULL, TRUE);
    *ret_launch = program.launched_at - before;
    *ret_exit = g_get_monotonic_time() - before;
}

static gint64
spawn_plainly(void)
{
    char *const argv[] = {(char *)"/bin/true", NULL};
    gint64 before = g_get_monotonic_time();
    pid_t pid;

    g_assert_cmpint(posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL), ==, 0);
    waitpid(pid, NULL, 0);
    return g_get_monotonic_time() - before;
}

int
main(int argc, char **argv)
{
    static const char *const own[] = {"/tmp", "/dev", "/proc", NULL};
    static const char *const program[] = {"/bin/true", NULL};
    static gint64 plan[ROUNDS], open[ROUNDS], seal[ROUNDS], started[ROUNDS], ended[ROUNDS],
        first[ROUNDS], again[ROUNDS], again_ended[ROUNDS], closed[ROUNDS], plain[ROUNDS];
    g_autoptr(OshNetworkPlan) network = NULL;
    g_autoptr(GError) error = NULL;
    GBytes *bytes[2];
    OshBoxFilter filters[2];
    OshBoxPlan box_plan = {0};
    OshBoxSeal box_seal = {0};
    OshBoxLaunch spec = {.argv = program, .stdio = {-1, -1, -1}};
    TestBox *test;
    guint abi;

    osh_test_box_init(&argc, &argv);
    test = osh_test_box_new();
    osh_landlock_probe(&abi);
    network = osh_network_plan_new(OSH_NETWORK_CAPTURE_TPROXY, TRUE, OSH_NETWORK_CLAIM_ALL);
    bytes[0] = osh_seccomp_filter_clone3(&error);
    bytes[1] = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < 2; i++)
        filters[i].instructions = g_bytes_get_data(bytes[i], &filters[i].size);
    spec.filters = filters;
    spec.filter_count = 2;
    spec.uid = box_plan.uid = test->uid;
    spec.gid = box_plan.gid = test->gid;
    box_plan.netlinks = network->netlinks;
    box_plan.netlink_count = G_N_ELEMENTS(network->netlinks);
    box_plan.sockets = network->sockets;
    box_plan.socket_count = network->n_sockets;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autoptr(OshLandlockPlan) landlock = NULL;
        OshLandlockGrants grants = {.own_read_write = own};
        OshBoxHandle *box;
        gint64 before;
        gint64 now;

        plain[i] = spawn_plainly();
        before = g_get_monotonic_time();
        osh_test_box_plan(test, NULL, NULL);
        g_ptr_array_add(test->mounts->read_only, NULL);
        g_ptr_array_add(test->mounts->read_write, NULL);
        grants.read_only = (const char *const *)test->mounts->read_only->pdata;
        grants.read_write = (const char *const *)test->mounts->read_write->pdata;
        landlock = osh_landlock_plan_new(abi, &grants);
        box_seal.handled_fs = landlock->handled_fs;
        box_seal.scoped = landlock->scoped;
        box_seal.restrict_flags = landlock->restrict_flags;
        box_seal.path_rules = (const OshBoxPathRule *)(void *)landlock->rules->data;
        box_seal.path_rule_count = landlock->rules->len;
        box_plan.mounts = test->mounts;
        now = g_get_monotonic_time();
        plan[i] = now - before;
        box = osh_box_open(&box_plan, NULL, NULL, &error);
        g_assert_no_error(error);
        open[i] = g_get_monotonic_time() - now;
        now = g_get_monotonic_time();
        osh_box_seal(box, &box_seal, &error);
        g_assert_no_error(error);
        seal[i] = g_get_monotonic_time() - now;
        launch(box, &spec, &started[i], &ended[i]);
        first[i] = plan[i] + open[i] + seal[i] + started[i];
        launch(box, &spec, &again[i], &again_ended[i]);
        now = g_get_monotonic_time();
        osh_box_free(box);
        closed[i] = g_get_monotonic_time() - now;
    }
    report("plain posix_spawn to exit", plain);
    report("plan the tree and Landlock", plan);
    report("open", open);
    report("seal", seal);
    report("first launch, to exec", started);
    report("plan + open + seal + exec", first);
    report("launch in a running box, to exec", again);
    report("launch in a running box, to exit", again_ended);
    report("free", closed);
    osh_test_box_free(test);
    g_bytes_unref(bytes[0]);
    g_bytes_unref(bytes[1]);
    return 0;
}
