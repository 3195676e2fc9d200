/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded pool for work that blocks. */
#include "worker.h"

#include <pthread.h>
#include <signal.h>

typedef struct {
    OshShardPool *shards;
    OshWorkerPool *workers;
    GThread *main_thread;
    pthread_mutex_t gate;
    gint worked;
    gint done;
    gint refused;
    gint shard_done;
    gint second;
    gint together; /* at work now, and the most that ever were */
    gint most;
} Fixture;

static void
work(gpointer data)
{
    Fixture *fixture = data;

    g_assert_true(g_thread_self() != fixture->main_thread);
    g_assert_cmpint(osh_shard_pool_current(fixture->shards), ==, -1);
    pthread_mutex_lock(&fixture->gate);
    pthread_mutex_unlock(&fixture->gate);
    g_atomic_int_inc(&fixture->worked);
}

static void
second_work(gpointer data)
{
    g_atomic_int_inc(&((Fixture *)data)->second);
}

/* A signal that asks the host for something must not interrupt work; a crash is a crash. */
static void
look_at_signals(gpointer data)
{
    Fixture *fixture = data;
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    fixture->second = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1 &&
                      sigismember(&mask, SIGSEGV) == 0;
}

static void
done_on_main(gpointer data)
{
    Fixture *fixture = data;

    g_assert_true(g_thread_self() == fixture->main_thread);
    g_atomic_int_inc(&fixture->done);
}

static void
done_on_shard(gpointer data)
{
    Fixture *fixture = data;

    g_assert_cmpint(osh_shard_pool_current(fixture->shards), ==, 1);
    g_atomic_int_inc(&fixture->shard_done);
}

static void
submit_on_shard(gpointer data)
{
    Fixture *fixture = data;

    if (!osh_worker_pool_submit(fixture->workers, work, done_on_shard, fixture))
        g_atomic_int_inc(&fixture->refused);
}

static void
fixture_open(Fixture *fixture, guint threads, guint queue)
{
    fixture->main_thread = g_thread_self();
    pthread_mutex_init(&fixture->gate, NULL);
    fixture->shards = osh_shard_pool_new(2);
    g_assert_true(osh_shard_pool_start(fixture->shards, NULL));
    fixture->workers = osh_worker_pool_new(NULL, fixture->shards, threads, queue);
}

static void
fixture_close(Fixture *fixture)
{
    osh_worker_pool_free(fixture->workers);
    osh_shard_pool_free(fixture->shards);
    pthread_mutex_destroy(&fixture->gate);
}

static void
test_return(void)
{
    Fixture fixture = {0};
    OshInterface worker;

    fixture_open(&fixture, 0, 0);
    worker = (OshInterface){"host", osh_worker_pool_interface(), fixture.workers};
    for (guint i = 0; i < 100; i++) {
        g_assert_true(osh_worker_submit(&worker, work, done_on_main, &fixture));
        osh_shard_pool_post(fixture.shards, 1, submit_on_shard, &fixture);
    }
    while (g_atomic_int_get(&fixture.done) < 100 || g_atomic_int_get(&fixture.shard_done) < 100) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(100);
    }
    g_assert_cmpint(fixture.worked, ==, 200);
    g_assert_cmpint(fixture.refused, ==, 0);
    fixture_close(&fixture);
}

/* The first job of two stands still; the second runs, on a thread of its own. */
static void
test_second_job_runs_while_the_first_blocks(void)
{
    Fixture fixture = {0};
    gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    fixture_open(&fixture, 2, 8);
    pthread_mutex_lock(&fixture.gate);
    g_assert_true(osh_worker_pool_submit(fixture.workers, work, done_on_main, &fixture));
    g_usleep(20000);
    g_assert_true(osh_worker_pool_submit(fixture.workers, second_work, done_on_main, &fixture));
    while (g_atomic_int_get(&fixture.second) == 0 && g_get_monotonic_time() < limit)
        g_usleep(1000);
    g_assert_cmpint(g_atomic_int_get(&fixture.second), ==, 1);
    g_assert_cmpint(g_atomic_int_get(&fixture.worked), ==, 0);
    pthread_mutex_unlock(&fixture.gate);
    while (g_atomic_int_get(&fixture.done) < 2 && g_get_monotonic_time() < limit)
        g_main_context_iteration(NULL, TRUE);
    fixture_close(&fixture);
}

static void
work_together(gpointer data)
{
    Fixture *fixture = data;
    gint now = g_atomic_int_add(&fixture->together, 1) + 1;
    gint most = g_atomic_int_get(&fixture->most);

    while (now > most && !g_atomic_int_compare_and_exchange(&fixture->most, most, now))
        most = g_atomic_int_get(&fixture->most);
    g_usleep(5000);
    g_atomic_int_add(&fixture->together, -1);
}

static void
test_threads_are_bounded(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 2, 100);
    for (guint i = 0; i < 20; i++)
        g_assert_true(
            osh_worker_pool_submit(fixture.workers, work_together, done_on_main, &fixture));
    while (g_atomic_int_get(&fixture.done) < 20)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(fixture.most, ==, 2);
    fixture_close(&fixture);
}

static void
test_signals_stay_with_the_main_thread(void)
{
    Fixture fixture = {0};
    sigset_t before;
    sigset_t after;

    g_assert_cmpint(pthread_sigmask(SIG_SETMASK, NULL, &before), ==, 0);
    fixture_open(&fixture, 1, 1);
    g_assert_true(osh_worker_pool_submit(fixture.workers, look_at_signals, done_on_main, &fixture));
    while (g_atomic_int_get(&fixture.done) == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(fixture.second, ==, 1);
    g_assert_cmpint(pthread_sigmask(SIG_SETMASK, NULL, &after), ==, 0);
    for (int number = 1; number < 32; number++)
        g_assert_cmpint(sigismember(&after, number), ==, sigismember(&before, number));
    fixture_close(&fixture);
}

static void
test_nothing_is_taken_after_the_stop(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 2, 8);
    g_assert_true(osh_worker_pool_submit(fixture.workers, work, done_on_main, &fixture));
    g_assert_true(osh_worker_pool_stop(fixture.workers, G_MAXINT64));
    g_assert_false(osh_worker_pool_submit(fixture.workers, work, done_on_main, &fixture));
    g_assert_cmpint(fixture.worked, ==, 1);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpint(fixture.done, ==, 1);
    fixture_close(&fixture);
}

static void
test_bound(void)
{
    Fixture fixture = {0};
    guint accepted = 0;

    fixture_open(&fixture, 2, 8);
    pthread_mutex_lock(&fixture.gate);
    for (guint i = 0; i < 50; i++)
        accepted += osh_worker_pool_submit(fixture.workers, work, done_on_main, &fixture) ? 1 : 0;
    g_assert_cmpuint(accepted, >=, 8);
    g_assert_cmpuint(accepted, <=, 10);
    g_assert_false(osh_worker_pool_stop(fixture.workers, g_get_monotonic_time() + 20000));
    g_assert_false(osh_worker_pool_submit(fixture.workers, work, done_on_main, &fixture));
    pthread_mutex_unlock(&fixture.gate);
    g_assert_true(osh_worker_pool_stop(fixture.workers, G_MAXINT64));
    g_assert_cmpint(fixture.worked, ==, (gint)accepted);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpint(fixture.done, ==, (gint)accepted);
    fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/done-runs-on-the-thread-that-submitted", test_return);
    g_test_add_func("/worker/a-second-job-runs-while-the-first-blocks",
                    test_second_job_runs_while_the_first_blocks);
    g_test_add_func("/worker/no-more-threads-work-than-the-limit-says", test_threads_are_bounded);
    g_test_add_func("/worker/signals-stay-with-the-main-thread",
                    test_signals_stay_with_the_main_thread);
    g_test_add_func("/worker/nothing-is-taken-after-the-stop",
                    test_nothing_is_taken_after_the_stop);
    g_test_add_func("/worker/the-queue-is-bounded-and-what-was-accepted-is-finished", test_bound);
    return g_test_run();
}
