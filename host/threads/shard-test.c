/* SPDX-License-Identifier: Apache-2.0 */
/* Data-plane threads: posting, watching descriptors, timers, stopping. */
#include "shard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef struct {
    OshShardPool *pool;
    OshInterface shard;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gboolean finished;
    GString *log;
    guint count;
} Fixture;

static void
fixture_open(Fixture *fixture, guint count)
{
    g_autoptr(GError) error = NULL;

    fixture->pool = osh_shard_pool_new(count);
    fixture->shard = (OshInterface){"host", osh_shard_pool_interface(), fixture->pool};
    fixture->log = g_string_new(NULL);
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    g_assert_true(osh_shard_pool_start(fixture->pool, &error));
    g_assert_no_error(error);
}

static void
fixture_close(Fixture *fixture)
{
    g_clear_pointer(&fixture->pool, osh_shard_pool_free);
    g_string_free(fixture->log, TRUE);
    pthread_mutex_destroy(&fixture->lock);
    pthread_cond_destroy(&fixture->changed);
}

static void
fixture_finish(gpointer data)
{
    Fixture *fixture = data;

    pthread_mutex_lock(&fixture->lock);
    fixture->finished = TRUE;
    pthread_cond_signal(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void
fixture_wait(Fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    while (!fixture->finished)
        pthread_cond_wait(&fixture->changed, &fixture->lock);
    fixture->finished = FALSE;
    pthread_mutex_unlock(&fixture->lock);
}

static void
count_here(gpointer data)
{
    Fixture *fixture = data;

    g_assert_cmpint(osh_shard_current(&fixture->shard), ==, 0);
    fixture->count++;
}

static void
check_thread(gpointer data)
{
    Fixture *fixture = data;
    char name[16];
    sigset_t blocked;

    g_assert_cmpint(osh_shard_current(&fixture->shard), ==, 1);
    g_assert_cmpint(pthread_getname_np(pthread_self(), name, sizeof(name)), ==, 0);
    g_assert_cmpstr(name, ==, "osh-shard-1");
    g_assert_cmpint(pthread_sigmask(SIG_BLOCK, NULL, &blocked), ==, 0);
    g_assert_true(sigismember(&blocked, SIGTERM));
    g_assert_true(sigismember(&blocked, SIGCHLD));
    g_assert_cmpint(ABS(osh_shard_now(&fixture->shard) - g_get_monotonic_time()), <,
                    10 * G_TIME_SPAN_SECOND);
    fixture_finish(fixture);
}

static void
test_post(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 2);
    g_assert_cmpuint(osh_shard_count(&fixture.shard), ==, 2);
    g_assert_cmpint(osh_shard_current(&fixture.shard), ==, -1);
    for (guint i = 0; i < 5000; i++)
        g_assert_true(osh_shard_post(&fixture.shard, 0, count_here, &fixture));
    g_assert_true(osh_shard_post(&fixture.shard, 0, fixture_finish, &fixture));
    fixture_wait(&fixture);
    g_assert_cmpuint(fixture.count, ==, 5000);
    g_assert_true(osh_shard_post(&fixture.shard, 1, check_thread, &fixture));
    fixture_wait(&fixture);
    fixture_close(&fixture);
}

static void
test_stop(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 1);
    for (guint i = 0; i < 1000; i++)
        g_assert_true(osh_shard_post(&fixture.shard, 0, count_here, &fixture));
    osh_shard_pool_stop(fixture.pool);
    g_assert_cmpuint(fixture.count, ==, 1000);
    g_assert_false(osh_shard_post(&fixture.shard, 0, count_here, &fixture));
    fixture_close(&fixture);
}

/* Both watches are ready in one batch; whichever comes first removes the other and itself. */
typedef struct {
    Fixture *fixture;
    int fds[2][2];
    OshShardWatch *watches[2];
    guint calls;
} Pair;

static void
pair_ready(int fd G_GNUC_UNUSED, guint32 events, gpointer data)
{
    Pair *pair = data;

    g_assert_true(events & EPOLLIN);
    pair->calls++;
    for (guint i = 0; i < 2; i++) {
        osh_shard_remove(&pair->fixture->shard, pair->watches[i]);
        close(pair->fds[i][0]);
    }
}

static void
pair_open(gpointer data)
{
    Pair *pair = data;

    for (guint i = 0; i < 2; i++) {
        g_assert_cmpint(pipe(pair->fds[i]), ==, 0);
        g_assert_cmpint(write(pair->fds[i][1], "x", 1), ==, 1);
        pair->watches[i] =
            osh_shard_add_fd(&pair->fixture->shard, pair->fds[i][0], EPOLLIN, pair_ready, pair);
        g_assert_nonnull(pair->watches[i]);
    }
    g_assert_null(osh_shard_add_fd(&pair->fixture->shard, -1, EPOLLIN, pair_ready, pair));
    g_assert_cmpint(errno, ==, EBADF);
}

static void
test_remove(void)
{
    Fixture fixture = {0};
    Pair pair = {.fixture = &fixture};

    fixture_open(&fixture, 1);
    osh_shard_post(&fixture.shard, 0, pair_open, &pair);
    g_usleep(50000);
    osh_shard_post(&fixture.shard, 0, fixture_finish, &fixture);
    fixture_wait(&fixture);
    g_assert_cmpuint(pair.calls, ==, 1);
    close(pair.fds[0][1]);
    close(pair.fds[1][1]);
    fixture_close(&fixture);
}

typedef struct {
    Fixture *fixture;
    gint64 when;
    char letter;
    OshShardTimer *timer;
} Alarm;

static void
alarm_rings(gpointer data)
{
    Alarm *one = data;

    g_assert_cmpint(g_get_monotonic_time(), >=, one->when);
    one->timer = NULL;
    g_string_append_c(one->fixture->log, one->letter);
    if (one->letter == 'z')
        fixture_finish(one->fixture);
}

static void
alarm_set(Alarm *one)
{
    one->timer = osh_shard_add_timer(&one->fixture->shard, one->when, alarm_rings, one);
}

static void
alarms_set(gpointer data)
{
    Alarm *alarms = data;
    gint64 start = g_get_monotonic_time();
    const gint64 after[] = {30, 10, 20, 10, 25, 40};

    for (guint i = 0; i < G_N_ELEMENTS(after); i++) {
        alarms[i].when = start + after[i] * 1000;
        alarm_set(&alarms[i]);
    }
    osh_shard_cancel_timer(&alarms[0].fixture->shard, alarms[4].timer);
}

static void
test_timers(void)
{
    Fixture fixture = {0};
    Alarm alarms[] = {
        {&fixture, 0, 'd', NULL}, {&fixture, 0, 'a', NULL}, {&fixture, 0, 'c', NULL},
        {&fixture, 0, 'b', NULL}, {&fixture, 0, '!', NULL}, {&fixture, 0, 'z', NULL},
    };

    fixture_open(&fixture, 1);
    osh_shard_post(&fixture.shard, 0, alarms_set, alarms);
    fixture_wait(&fixture);
    g_assert_cmpstr(fixture.log->str, ==, "abcdz");
    fixture_close(&fixture);
}

#define MANY 30000

typedef struct {
    Fixture *fixture;
    OshShardTimer **timers;
    guint fired;
    gint64 last;
} Many;

static void
many_fired(gpointer data)
{
    Many *many = data;

    if (++many->fired == MANY / 2)
        fixture_finish(many->fixture);
}

static void
many_set(gpointer data)
{
    Many *many = data;
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    gint64 start = g_get_monotonic_time();

    for (guint i = 0; i < MANY; i++)
        many->timers[i] = osh_shard_add_timer(
            &many->fixture->shard, start + g_rand_int_range(random, 0, 50000), many_fired, many);
    for (guint i = 0; i < MANY; i += 2)
        osh_shard_cancel_timer(&many->fixture->shard, many->timers[i]);
}

static void
test_many_timers(void)
{
    Fixture fixture = {0};
    g_autofree OshShardTimer **timers = g_new0(OshShardTimer *, MANY);
    Many many = {.fixture = &fixture, .timers = timers};

    fixture_open(&fixture, 1);
    osh_shard_post(&fixture.shard, 0, many_set, &many);
    fixture_wait(&fixture);
    g_usleep(20000);
    osh_shard_pool_stop(fixture.pool);
    g_assert_cmpuint(many.fired, ==, MANY / 2);
    fixture_close(&fixture);
}

static void
rearm_in_the_past(gpointer data)
{
    Fixture *fixture = data;

    fixture->count++;
    osh_shard_add_timer(&fixture->shard, 0, rearm_in_the_past, fixture);
}

static void
test_rearming(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 1);
    osh_shard_post(&fixture.shard, 0, rearm_in_the_past, &fixture);
    g_usleep(5000);
    osh_shard_post(&fixture.shard, 0, fixture_finish, &fixture);
    fixture_wait(&fixture);
    fixture_close(&fixture);
}

static void
hold_the_shard(gpointer data G_GNUC_UNUSED)
{
    g_usleep(OSH_SHARD_LONG_CALLBACK + 30000);
}

static gint warnings;

static GLogWriterOutput
count_warnings(GLogLevelFlags level, const GLogField *fields, gsize n_fields,
               gpointer data G_GNUC_UNUSED)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (level == G_LOG_LEVEL_WARNING && g_str_equal(fields[i].key, "MESSAGE") &&
            g_str_has_prefix(fields[i].value, "shard 0 was held for "))
            g_atomic_int_inc(&warnings);
    }
    return G_LOG_WRITER_HANDLED;
}

static void
test_watchdog(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, 1);
    g_log_set_writer_func(count_warnings, NULL, NULL);
    osh_shard_post(&fixture.shard, 0, hold_the_shard, &fixture);
    osh_shard_post(&fixture.shard, 0, count_here, &fixture);
    osh_shard_post(&fixture.shard, 0, hold_the_shard, &fixture);
    osh_shard_pool_stop(fixture.pool);
    g_assert_cmpint(warnings, ==, 1);
    g_assert_cmpuint(osh_shard_pool_long_callbacks(fixture.pool), >=, 2);
    fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A busy machine may hold any callback: the warning about that is no failure. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    g_test_add_func("/shard/posts-run-in-order-on-a-named-thread-without-signals", test_post);
    g_test_add_func("/shard/stop-runs-what-was-posted-and-refuses-the-rest", test_stop);
    g_test_add_func("/shard/a-removed-watch-is-not-called-for-an-event-already-fetched",
                    test_remove);
    g_test_add_func("/shard/timers-fire-in-order-and-not-early", test_timers);
    g_test_add_func("/shard/tens-of-thousands-of-timers-fire-or-are-cancelled", test_many_timers);
    g_test_add_func("/shard/a-timer-that-rearms-in-the-past-starves-nobody", test_rearming);
    g_test_add_func("/shard/a-callback-that-holds-the-shard-is-counted-and-named-once",
                    test_watchdog);
    return g_test_run();
}
