/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shard of tests keeps the promises of ext/shard.h, with events and time that the test makes.
 */
#include <sys/epoll.h>

#include "osh-inline-shard.h"

typedef struct {
    OshInterface shard;
    OshShardWatch *watch;
    OshShardWatch *other;
    guint32 events;
    guint n;
} Fixture;

static void
on_ready(int fd, guint32 events, gpointer data)
{
    Fixture *fixture = data;

    g_assert_cmpint(fd, ==, 7);
    fixture->events = events;
    fixture->n++;
    osh_shard_remove(&fixture->shard, fixture->other);
    fixture->other = NULL;
}

static void
on_time(gpointer data)
{
    Fixture *fixture = data;

    fixture->n++;
}

static void
test_watch_hears_what_it_waits_for(void)
{
    g_autoptr(OshVirtualClock) clock = osh_virtual_clock_new();
    g_autoptr(OshInlineShard) shard = osh_inline_shard_new(clock);
    Fixture fixture = {.shard = osh_inline_shard_interface(shard)};

    fixture.watch = osh_shard_add_fd(&fixture.shard, 7, EPOLLIN, on_ready, &fixture);
    g_assert_false(osh_inline_shard_ready(shard, 7, EPOLLOUT));
    g_assert_false(osh_inline_shard_ready(shard, 8, EPOLLIN));
    g_assert_true(osh_inline_shard_ready(shard, 7, EPOLLIN | EPOLLOUT));
    g_assert_cmpuint(fixture.events, ==, EPOLLIN);
    g_assert_true(osh_inline_shard_ready(shard, 7, EPOLLHUP));
    osh_shard_modify(&fixture.shard, fixture.watch, EPOLLOUT);
    g_assert_cmpuint(osh_inline_shard_watches(shard, 7), ==, EPOLLOUT);
    g_assert_true(osh_inline_shard_ready(shard, 7, EPOLLOUT));
    g_assert_cmpuint(fixture.n, ==, 3);
    osh_shard_remove(&fixture.shard, fixture.watch);
    g_assert_cmpuint(osh_inline_shard_watches(shard, 7), ==, 0);
}

static void
test_watch_that_another_removes_is_not_called(void)
{
    g_autoptr(OshVirtualClock) clock = osh_virtual_clock_new();
    g_autoptr(OshInlineShard) shard = osh_inline_shard_new(clock);
    Fixture fixture = {.shard = osh_inline_shard_interface(shard)};

    osh_shard_add_fd(&fixture.shard, 7, EPOLLIN, on_ready, &fixture);
    fixture.other = osh_shard_add_fd(&fixture.shard, 7, EPOLLIN, on_ready, &fixture);
    g_assert_true(osh_inline_shard_ready(shard, 7, EPOLLIN));
    g_assert_cmpuint(fixture.n, ==, 1);
}

static void
test_timers_follow_the_clock_and_posts_the_test(void)
{
    g_autoptr(OshVirtualClock) clock = osh_virtual_clock_new();
    g_autoptr(OshInlineShard) shard = osh_inline_shard_new(clock);
    Fixture fixture = {.shard = osh_inline_shard_interface(shard)};
    OshShardTimer *timer;

    g_assert_cmpuint(osh_shard_count(&fixture.shard), ==, 1);
    g_assert_cmpint(osh_shard_current(&fixture.shard), ==, 0);
    osh_shard_add_timer(&fixture.shard, osh_virtual_clock_now(clock) + 10, on_time, &fixture);
    timer =
        osh_shard_add_timer(&fixture.shard, osh_virtual_clock_now(clock) + 10, on_time, &fixture);
    osh_shard_cancel_timer(&fixture.shard, timer);
    g_assert_cmpuint(osh_inline_shard_n_timers(shard), ==, 1);
    osh_virtual_clock_advance(clock, 10);
    g_assert_cmpuint(fixture.n, ==, 1);
    g_assert_cmpuint(osh_inline_shard_n_timers(shard), ==, 0);
    g_assert_false(osh_shard_post(&fixture.shard, 1, on_time, &fixture));
    g_assert_true(osh_shard_post(&fixture.shard, 0, on_time, &fixture));
    g_assert_cmpuint(fixture.n, ==, 1);
    g_assert_cmpuint(osh_inline_shard_run_posted(shard), ==, 1);
    g_assert_cmpuint(fixture.n, ==, 2);
    osh_shard_add_timer(&fixture.shard, G_MAXINT64, on_time, &fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/testing/inline-shard/watch-hears-what-it-waits-for",
                    test_watch_hears_what_it_waits_for);
    g_test_add_func("/testing/inline-shard/watch-that-another-removes-is-not-called",
                    test_watch_that_another_removes_is_not_called);
    g_test_add_func("/testing/inline-shard/timers-follow-the-clock-and-posts-the-test",
                    test_timers_follow_the_clock_and_posts_the_test);
    return g_test_run();
}
