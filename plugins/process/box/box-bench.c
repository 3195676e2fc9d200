/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a box costs: to open, to seal, to start a program in it, to close; which part of that is
 * whose; and how it grows with the paths of a policy. Prints medians.
 */
#include "box-test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "landlock-plan.h"
#include "landlock-probe.h"
#include "network-plan.h"
#include "seccomp-filter.h"

#define ROUNDS      200
#define RULE_ROUNDS 20
#define MAX_RULES   1000

enum {
    PLAIN,
    PLAN,
    OPEN_BARE,
    OPEN,
    SEAL,
    FIRST,
    FIRST_EXIT,
    ALL,
    AGAIN,
    AGAIN_EXIT,
    UNFILTERED,
    UNFILTERED_EXIT,
    FREE,
    STEPS,
};

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
report(const char *what, gint64 *samples, gsize count)
{
    qsort(samples, count, sizeof *samples, compare);
    g_print("%-44s p50 %5" G_GINT64_FORMAT " us   p99 %5" G_GINT64_FORMAT " us\n", what,
            samples[count / 2], samples[count * 99 / 100]);
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

/* What any start costs here: the yardstick for the rest. */
static gint64
fork_and_exec(void)
{
    gint64 before = g_get_monotonic_time();
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/true", "true", NULL);
        _exit(127);
    }
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    return g_get_monotonic_time() - before;
}

/* What does not change from round to round. */
typedef struct {
    TestBox *test;
    guint abi;
    OshNetworkPlan *network;
    GBytes *bytes[2];
    OshBoxFilter filters[2];
    OshBoxPlan plan;
    OshBoxLaunch launch;
} Bench;

static void
prepare(Bench *bench)
{
    static const char *const program[] = {"/bin/true", NULL};
    g_autoptr(GError) error = NULL;

    bench->test = osh_test_box_new();
    osh_landlock_probe(&bench->abi);
    bench->network = osh_network_plan_new(OSH_NETWORK_CAPTURE_TPROXY, TRUE, OSH_NETWORK_CLAIM_ALL);
    bench->bytes[0] = osh_seccomp_filter_clone3(&error);
    bench->bytes[1] = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, NULL, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(bench->filters); i++)
        bench->filters[i].instructions = g_bytes_get_data(bench->bytes[i], &bench->filters[i].size);
    bench->launch =
        (OshBoxLaunch){.argv = program,
                       .stdio = {OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL, OSH_BOX_STDIO_NULL},
                       .uid = bench->test->uid,
                       .gid = bench->test->gid,
                       .filters = bench->filters,
                       .filter_count = G_N_ELEMENTS(bench->filters)};
    bench->plan = (OshBoxPlan){.uid = bench->test->uid,
                               .gid = bench->test->gid,
                               .netlinks = bench->network->netlinks,
                               .netlink_count = G_N_ELEMENTS(bench->network->netlinks),
                               .sockets = bench->network->sockets,
                               .socket_count = bench->network->n_sockets};
}

static OshLandlockPlan *
plan_tree(Bench *bench, const char *const *read_only)
{
    static const char *const own[] = {"/tmp", "/dev", "/proc", NULL};
    OshLandlockGrants grants = {.own_read_write = own};

    osh_test_box_plan(bench->test, read_only, NULL);
    bench->plan.mounts = bench->test->mounts;
    g_ptr_array_add(bench->test->mounts->read_only, NULL);
    g_ptr_array_add(bench->test->mounts->read_write, NULL);
    grants.read_only = (const char *const *)bench->test->mounts->read_only->pdata;
    grants.read_write = (const char *const *)bench->test->mounts->read_write->pdata;
    return osh_landlock_plan_new(bench->abi, &grants);
}

static void
seal_box(OshBoxHandle *box, const OshLandlockPlan *landlock)
{
    OshBoxSeal seal = {.handled_fs = landlock->handled_fs,
                       .scoped = landlock->scoped,
                       .restrict_flags = landlock->restrict_flags,
                       .path_rules = (const OshBoxPathRule *)(void *)landlock->rules->data,
                       .path_rule_count = landlock->rules->len};
    g_autoptr(GError) error = NULL;

    osh_box_seal(box, &seal, &error);
    g_assert_no_error(error);
}

/* The namespaces, the tree and init alone: no address, no ruleset, no socket. */
static gint64
open_bare(const Bench *bench)
{
    OshBoxPlan plan = bench->plan;
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();
    gint64 spent;
    OshBoxHandle *box;

    plan.netlink_count = 0;
    plan.socket_count = 0;
    box = osh_box_open(&plan, NULL, NULL, &error);
    g_assert_no_error(error);
    spent = g_get_monotonic_time() - start;
    osh_box_free(box);
    return spent;
}

static void
measure(Bench *bench, gint64 samples[STEPS][ROUNDS], guint round)
{
    g_autoptr(OshLandlockPlan) landlock = NULL;
    g_autoptr(GError) error = NULL;
    OshBoxLaunch unfiltered = bench->launch;
    OshBoxHandle *box;
    gint64 start;
    gint64 now;

    samples[PLAIN][round] = fork_and_exec();
    start = g_get_monotonic_time();
    landlock = plan_tree(bench, NULL);
    samples[PLAN][round] = g_get_monotonic_time() - start;
    samples[OPEN_BARE][round] = open_bare(bench);
    now = g_get_monotonic_time();
    box = osh_box_open(&bench->plan, NULL, NULL, &error);
    g_assert_no_error(error);
    samples[OPEN][round] = g_get_monotonic_time() - now;
    now = g_get_monotonic_time();
    seal_box(box, landlock);
    samples[SEAL][round] = g_get_monotonic_time() - now;
    launch(box, &bench->launch, &samples[FIRST][round], &samples[FIRST_EXIT][round]);
    samples[ALL][round] =
        samples[PLAN][round] + samples[OPEN][round] + samples[SEAL][round] + samples[FIRST][round];
    launch(box, &bench->launch, &samples[AGAIN][round], &samples[AGAIN_EXIT][round]);
    unfiltered.filter_count = 0;
    launch(box, &unfiltered, &samples[UNFILTERED][round], &samples[UNFILTERED_EXIT][round]);
    now = g_get_monotonic_time();
    osh_box_free(box);
    samples[FREE][round] = g_get_monotonic_time() - now;
}

/* A policy that names @n_rules files beside the usual folders: planned, opened, sealed, run. */
static void
measure_rules(Bench *bench, guint n_rules)
{
    const char *paths[MAX_RULES + 1] = {NULL};
    g_autofree char *title = g_strdup_printf("plan + open + seal + exec, %u paths", n_rules);
    gint64 samples[RULE_ROUNDS];

    for (guint i = 0; i < n_rules; i++) {
        g_autofree char *name = g_strdup_printf("file-%u", i);

        paths[i] = g_build_filename(bench->test->workdir, name, NULL);
        g_assert_true(g_file_set_contents(paths[i], "", -1, NULL));
    }
    for (guint round = 0; round < RULE_ROUNDS; round++) {
        gint64 start = g_get_monotonic_time();
        g_autoptr(OshLandlockPlan) landlock = plan_tree(bench, paths);
        g_autoptr(GError) error = NULL;
        OshBoxHandle *box = osh_box_open(&bench->plan, NULL, NULL, &error);
        gint64 to_exec, to_exit;

        g_assert_no_error(error);
        seal_box(box, landlock);
        samples[round] = g_get_monotonic_time() - start;
        launch(box, &bench->launch, &to_exec, &to_exit);
        samples[round] += to_exec;
        osh_box_free(box);
    }
    report(title, samples, RULE_ROUNDS);
    for (guint i = 0; i < n_rules; i++)
        g_free((char *)paths[i]);
}

int
main(int argc, char **argv)
{
    static const char *const names[STEPS] = {
        [PLAIN] = "fork and exec, to exit",
        [PLAN] = "plan the tree and Landlock",
        [OPEN_BARE] = "open: namespaces, tree and init alone",
        [OPEN] = "open: with network, ruleset and sockets",
        [SEAL] = "seal: Landlock",
        [FIRST] = "first launch, to exec",
        [FIRST_EXIT] = "first launch, to exit",
        [ALL] = "plan + open + seal + exec",
        [AGAIN] = "launch in a running box, to exec",
        [AGAIN_EXIT] = "launch in a running box, to exit",
        [UNFILTERED] = "the same without seccomp, to exec",
        [UNFILTERED_EXIT] = "the same without seccomp, to exit",
        [FREE] = "free",
    };
    static gint64 samples[STEPS][ROUNDS];
    Bench bench = {0};

    osh_test_box_init(&argc, &argv);
    prepare(&bench);
    for (guint i = 0; i < ROUNDS; i++)
        measure(&bench, samples, i);
    for (guint i = 0; i < STEPS; i++)
        report(names[i], samples[i], ROUNDS);
    for (guint n_rules = 1; n_rules <= MAX_RULES; n_rules = n_rules == 1 ? 100 : n_rules * 10)
        measure_rules(&bench, n_rules);
    osh_test_box_free(bench.test);
    osh_network_plan_free(bench.network);
    g_bytes_unref(bench.bytes[0]);
    g_bytes_unref(bench.bytes[1]);
    return 0;
}
