/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-shard.c: what it costs a shard that one descriptor is ready, with none and with 10,000
 * others idle; the two should be equal. Measured as a chain on the shard: the callback reads an
 * eventfd and writes it again, so each round is one wake, one callback and those two calls, whose
 * own cost is measured apart. The same chain through plain sources of a GMainContext stands beside
 * it, with fewer rounds. Fails when each idle one adds a nanosecond or more to a wake.
 *
 * It needs 10,100 descriptors and says so when it cannot have them.
 */
#include "shard.h"

#include <glib-unix.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define IDLE         10000
#define ROUNDS       200000
#define PLAIN_ROUNDS 300
#define SKIPPED      77

typedef struct {
    OshInterface shard;
    int *idle_fds;
    OshShardWatch **idle;
    guint n_idle;
    int fd;
    OshShardWatch *watch;
    guint rounds;
    gint64 start;
    gint64 end;
    GMutex lock;
    GCond changed;
    gboolean finished;
} Chain;

static void
chain_turn(int fd)
{
    guint64 count;

    g_assert_cmpint(read(fd, &count, sizeof(count)), ==, sizeof(count));
    g_assert_cmpint(write(fd, &count, sizeof(count)), ==, sizeof(count));
}

static void
never(int fd G_GNUC_UNUSED, guint32 events G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static gboolean
never_plain(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED,
            gpointer data G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static void
on_ready(int fd, guint32 events G_GNUC_UNUSED, gpointer data)
{
    Chain *chain = data;

    chain_turn(fd);
    if (--chain->rounds > 0)
        return;
    chain->end = g_get_monotonic_time();
    osh_shard_remove(&chain->shard, chain->watch);
    for (guint i = 0; i < chain->n_idle; i++)
        osh_shard_remove(&chain->shard, chain->idle[i]);
    g_mutex_lock(&chain->lock);
    chain->finished = TRUE;
    g_cond_signal(&chain->changed);
    g_mutex_unlock(&chain->lock);
}

static void
chain_begin(gpointer data)
{
    Chain *chain = data;

    for (guint i = 0; i < chain->n_idle; i++)
        chain->idle[i] = osh_shard_add_fd(&chain->shard, chain->idle_fds[i], EPOLLIN, never, NULL);
    chain->watch = osh_shard_add_fd(&chain->shard, chain->fd, EPOLLIN, on_ready, chain);
    g_assert_nonnull(chain->watch);
    chain->start = g_get_monotonic_time();
}

/* Returns nanoseconds for a round. */
static double
measure_shard(OshShardPool *pool, int *idle_fds, guint n_idle, int fd)
{
    g_autofree OshShardWatch **idle = g_new0(OshShardWatch *, IDLE);
    Chain chain = {
        .shard = {"host", osh_shard_pool_interface(), pool},
        .idle_fds = idle_fds,
        .idle = idle,
        .n_idle = n_idle,
        .fd = fd,
        .rounds = ROUNDS,
    };

    g_mutex_init(&chain.lock);
    g_cond_init(&chain.changed);
    g_assert_true(osh_shard_pool_post(pool, 0, chain_begin, &chain));
    g_mutex_lock(&chain.lock);
    while (!chain.finished)
        g_cond_wait(&chain.changed, &chain.lock);
    g_mutex_unlock(&chain.lock);
    g_mutex_clear(&chain.lock);
    g_cond_clear(&chain.changed);
    return (double)(chain.end - chain.start) * 1000 / ROUNDS;
}

static gboolean
on_plain_ready(gint fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    chain_turn(fd);
    (*(guint *)data)--;
    return G_SOURCE_CONTINUE;
}

static double
measure_plain(const int *idle_fds, int fd)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    guint rounds = PLAIN_ROUNDS;
    gint64 start;

    for (guint i = 0; i <= IDLE; i++) {
        g_autoptr(GSource) source = g_unix_fd_source_new(i < IDLE ? idle_fds[i] : fd, G_IO_IN);

        g_source_set_callback(source,
                              i < IDLE ? G_SOURCE_FUNC(never_plain) : G_SOURCE_FUNC(on_plain_ready),
                              &rounds, NULL);
        g_source_attach(source, context);
    }
    start = g_get_monotonic_time();
    while (rounds > 0)
        g_main_context_iteration(context, TRUE);
    return (double)(g_get_monotonic_time() - start) * 1000 / PLAIN_ROUNDS;
}

static double
measure_calls(int fd)
{
    gint64 start = g_get_monotonic_time();

    for (guint i = 0; i < ROUNDS; i++)
        chain_turn(fd);
    return (double)(g_get_monotonic_time() - start) * 1000 / ROUNDS;
}

static gboolean
raise_descriptors(void)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = MIN(limit.rlim_max, IDLE + 100);
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == IDLE + 100;
}

int
main(void)
{
    g_autoptr(OshShardPool) pool = osh_shard_pool_new(1);
    g_autoptr(GError) error = NULL;
    g_autofree int *idle_fds = g_new(int, IDLE);
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    double calls;
    double alone;
    double crowded;
    double plain;

    if (!raise_descriptors()) {
        printf("skipped: the limit on open files is below %u\n", IDLE + 100);
        return SKIPPED;
    }
    osh_shard_pool_start(pool, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < IDLE; i++) {
        idle_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        g_assert_cmpint(idle_fds[i], >=, 0);
    }
    calls = measure_calls(fd);
    alone = measure_shard(pool, idle_fds, 0, fd) - calls;
    crowded = measure_shard(pool, idle_fds, IDLE, fd) - calls;
    plain = measure_plain(idle_fds, fd) - calls;
    printf("read and write of an eventfd:    %9.0f ns, not in the following\n", calls);
    printf("shard, one ready, none idle:     %9.0f ns\n", alone);
    printf("shard, one ready, %u idle:    %9.0f ns\n", IDLE, crowded);
    printf("GLib sources, %u idle:        %9.0f ns, %.0f times as much\n", IDLE, plain,
           plain / crowded);
    for (guint i = 0; i < IDLE; i++)
        close(idle_fds[i]);
    close(fd);
    return crowded > alone + IDLE ? 1 : 0;
}
