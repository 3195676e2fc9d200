/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard for unit tests. Single-threaded: whoever turns it owns it and everything on it. Never
 * part of a plugin.
 */
#include "fake-shard.h"

#include <sys/epoll.h>
#include <unistd.h>

#define MAX_EVENTS 64

struct _OshShardWatch {
    int fd;
    OshShardFdFunc callback; /* NULL once removed */
    gpointer data;
};

struct _OshShardTimer {
    gint64 when;
    OshCallback callback;
    gpointer data;
};

typedef struct {
    OshCallback callback;
    gpointer data;
} Posted;

struct _OshFakeShard {
    int epoll;
    gint64 passed;
    gint64 now;
    guint n_watches;
    GPtrArray *removed;
    GQueue timers; /* earliest first */
    GQueue posted;
};

static guint
fake_count(gpointer instance)
{
    (void)instance;
    return 1;
}

static gint
fake_current(gpointer instance)
{
    (void)instance;
    return 0;
}

static gboolean
fake_post(gpointer instance, guint index, OshCallback callback, gpointer data)
{
    OshFakeShard *shard = instance;
    Posted *posted = g_new0(Posted, 1);

    g_assert_cmpuint(index, ==, 0);
    *posted = (Posted){callback, data};
    g_queue_push_tail(&shard->posted, posted);
    return TRUE;
}

static OshShardWatch *
fake_add_fd(gpointer instance, int fd, guint32 events, OshShardFdFunc callback, gpointer data)
{
    OshFakeShard *shard = instance;
    OshShardWatch *watch = g_new0(OshShardWatch, 1);
    struct epoll_event event = {.events = events, .data.ptr = watch};

    *watch = (OshShardWatch){fd, callback, data};
    if (epoll_ctl(shard->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        g_free(watch);
        return NULL;
    }
    shard->n_watches++;
    return watch;
}

static void
fake_modify(gpointer instance, OshShardWatch *watch, guint32 events)
{
    OshFakeShard *shard = instance;
    struct epoll_event event = {.events = events, .data.ptr = watch};

    g_assert_cmpint(epoll_ctl(shard->epoll, EPOLL_CTL_MOD, watch->fd, &event), ==, 0);
}

static void
fake_remove(gpointer instance, OshShardWatch *watch)
{
    OshFakeShard *shard = instance;

    g_assert_nonnull(watch->callback);
    /* Fails for a descriptor that was closed before its watch was removed. */
    g_assert_cmpint(epoll_ctl(shard->epoll, EPOLL_CTL_DEL, watch->fd, NULL), ==, 0);
    watch->callback = NULL;
    shard->n_watches--;
    g_ptr_array_add(shard->removed, watch);
}

static gint
compare_timers(gconstpointer left, gconstpointer right, gpointer data)
{
    gint64 a = ((const OshShardTimer *)left)->when, b = ((const OshShardTimer *)right)->when;

    (void)data;
    return a < b ? -1 : a > b;
}

static OshShardTimer *
fake_add_timer(gpointer instance, gint64 when, OshCallback callback, gpointer data)
{
    OshFakeShard *shard = instance;
    OshShardTimer *timer = g_new0(OshShardTimer, 1);

    *timer = (OshShardTimer){when, callback, data};
    g_queue_insert_sorted(&shard->timers, timer, compare_timers, NULL);
    return timer;
}

static void
fake_cancel_timer(gpointer instance, OshShardTimer *timer)
{
    OshFakeShard *shard = instance;

    g_assert_true(g_queue_remove(&shard->timers, timer));
    g_free(timer);
}

static gint64
fake_now(gpointer instance)
{
    return ((OshFakeShard *)instance)->now;
}

static const OshShardInterface fake_vtable = {
    .struct_size = sizeof(OshShardInterface),
    .count = fake_count,
    .current = fake_current,
    .post = fake_post,
    .add_fd = fake_add_fd,
    .modify = fake_modify,
    .remove = fake_remove,
    .add_timer = fake_add_timer,
    .cancel_timer = fake_cancel_timer,
    .now = fake_now,
};

OshFakeShard *
osh_fake_shard_new(void)
{
    OshFakeShard *shard = g_new0(OshFakeShard, 1);

    shard->epoll = epoll_create1(EPOLL_CLOEXEC);
    g_assert_cmpint(shard->epoll, >=, 0);
    shard->removed = g_ptr_array_new_with_free_func(g_free);
    shard->now = g_get_monotonic_time();
    return shard;
}

void
osh_fake_shard_free(OshFakeShard *shard)
{
    g_assert_cmpuint(shard->n_watches, ==, 0);
    g_assert_cmpuint(shard->timers.length, ==, 0);
    g_assert_cmpuint(shard->posted.length, ==, 0);
    g_ptr_array_unref(shard->removed);
    close(shard->epoll);
    g_free(shard);
}

OshInterface
osh_fake_shard_interface(OshFakeShard *shard)
{
    return (OshInterface){"test", &fake_vtable, shard};
}

static guint
fake_run_posted(OshFakeShard *shard)
{
    guint n = shard->posted.length;

    for (guint i = 0; i < n; i++) {
        g_autofree Posted *posted = g_queue_pop_head(&shard->posted);

        posted->callback(posted->data);
    }
    return n;
}

static guint
fake_run_timers(OshFakeShard *shard)
{
    guint n = 0;

    while (shard->timers.length > 0) {
        OshShardTimer *timer = g_queue_peek_head(&shard->timers);
        OshShardTimer fired = *timer;

        if (timer->when > shard->now)
            break;
        g_queue_pop_head(&shard->timers);
        g_free(timer);
        fired.callback(fired.data);
        n++;
    }
    return n;
}

guint
osh_fake_shard_turn(OshFakeShard *shard, int milliseconds)
{
    struct epoll_event events[MAX_EVENTS];
    guint called;
    int n;

    shard->now = g_get_monotonic_time() + shard->passed;
    called = fake_run_posted(shard) + fake_run_timers(shard);
    n = epoll_wait(shard->epoll, events, MAX_EVENTS, called > 0 ? 0 : milliseconds);
    shard->now = g_get_monotonic_time() + shard->passed;
    for (int i = 0; i < n; i++) {
        OshShardWatch *watch = events[i].data.ptr;

        if (watch->callback == NULL)
            continue;
        watch->callback(watch->fd, events[i].events, watch->data);
        called++;
    }
    g_ptr_array_set_size(shard->removed, 0);
    return called;
}

void
osh_fake_shard_advance(OshFakeShard *shard, gint64 microseconds)
{
    shard->passed += microseconds;
    osh_fake_shard_turn(shard, 0);
}

guint
osh_fake_shard_n_watches(const OshFakeShard *shard)
{
    return shard->n_watches;
}
