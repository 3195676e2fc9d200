/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shard of a test: watches, timers and posts are kept in lists, and the test's own thread runs
 * them. It must never poll, sleep or start a thread.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "osh-inline-shard.h"

struct _OshShardWatch {
    int fd;
    guint32 events;
    OshShardFdFunc callback;
    gpointer data;
    gboolean removed;
    guint in_use; /* calls of osh_inline_shard_ready() that hold it */
};

struct _OshShardTimer {
    OshInlineShard *shard;
    OshVirtualTimer *timer;
    OshCallback callback;
    gpointer data;
};

typedef struct {
    OshCallback callback;
    gpointer data;
} Post;

struct _OshInlineShard {
    OshVirtualClock *clock;
    GPtrArray *watches; /* of OshShardWatch, owned */
    GPtrArray *timers;  /* of OshShardTimer, owned */
    GQueue posts;       /* of Post, owned */
};

static guint
shard_count(gpointer instance)
{
    (void)instance;
    return 1;
}

static gint
shard_current(gpointer instance)
{
    (void)instance;
    return 0;
}

static gboolean
shard_post(gpointer instance, guint index, OshCallback callback, gpointer data)
{
    OshInlineShard *shard = instance;
    Post *post;

    if (index != 0)
        return FALSE;
    post = g_new0(Post, 1);
    post->callback = callback;
    post->data = data;
    g_queue_push_tail(&shard->posts, post);
    return TRUE;
}

static OshShardWatch *
shard_add_fd(gpointer instance, int fd, guint32 events, OshShardFdFunc callback, gpointer data)
{
    OshInlineShard *shard = instance;
    OshShardWatch *watch;

    if (fd < 0) {
        errno = EBADF;
        return NULL;
    }
    watch = g_new0(OshShardWatch, 1);
    watch->fd = fd;
    watch->events = events;
    watch->callback = callback;
    watch->data = data;
    g_ptr_array_add(shard->watches, watch);
    return watch;
}

static void
shard_modify(gpointer instance, OshShardWatch *watch, guint32 events)
{
    (void)instance;
    if ((watch->events & EPOLLEXCLUSIVE) != 0)
        g_error("a watch with EPOLLEXCLUSIVE cannot be modified");
    watch->events = events;
}

static void
shard_remove(gpointer instance, OshShardWatch *watch)
{
    OshInlineShard *shard = instance;

    watch->removed = TRUE;
    if (!g_ptr_array_remove(shard->watches, watch))
        g_error("a watch was removed that is not there");
    if (watch->in_use == 0)
        g_free(watch);
}

static void
on_timer(gpointer data)
{
    OshShardTimer *timer = data;
    OshCallback callback = timer->callback;
    gpointer callback_data = timer->data;

    g_ptr_array_remove(timer->shard->timers, timer);
    callback(callback_data);
}

static OshShardTimer *
shard_add_timer(gpointer instance, gint64 when, OshCallback callback, gpointer data)
{
    OshInlineShard *shard = instance;
    OshShardTimer *timer = g_new0(OshShardTimer, 1);

    timer->shard = shard;
    timer->callback = callback;
    timer->data = data;
    timer->timer = osh_virtual_clock_add(shard->clock, when, on_timer, timer);
    g_ptr_array_add(shard->timers, timer);
    return timer;
}

static void
shard_cancel_timer(gpointer instance, OshShardTimer *timer)
{
    OshInlineShard *shard = instance;

    if (!g_ptr_array_find(shard->timers, timer, NULL))
        g_error("a timer was cancelled that has fired, or was cancelled before");
    osh_virtual_clock_remove(shard->clock, timer->timer);
    g_ptr_array_remove(shard->timers, timer);
}

static gint64
shard_now(gpointer instance)
{
    OshInlineShard *shard = instance;

    return osh_virtual_clock_now(shard->clock);
}

static const OshShardInterface shard_vtable = {
    .struct_size = sizeof(OshShardInterface),
    .count = shard_count,
    .current = shard_current,
    .post = shard_post,
    .add_fd = shard_add_fd,
    .modify = shard_modify,
    .remove = shard_remove,
    .add_timer = shard_add_timer,
    .cancel_timer = shard_cancel_timer,
    .now = shard_now,
};

OshInlineShard *
osh_inline_shard_new(OshVirtualClock *clock)
{
    OshInlineShard *shard = g_new0(OshInlineShard, 1);

    shard->clock = clock;
    shard->watches = g_ptr_array_new();
    shard->timers = g_ptr_array_new_with_free_func(g_free);
    g_queue_init(&shard->posts);
    return shard;
}

void
osh_inline_shard_free(OshInlineShard *shard)
{
    if (shard == NULL)
        return;
    for (guint i = 0; i < shard->timers->len; i++) {
        OshShardTimer *timer = g_ptr_array_index(shard->timers, i);

        osh_virtual_clock_remove(shard->clock, timer->timer);
    }
    g_ptr_array_unref(shard->timers);
    g_ptr_array_set_free_func(shard->watches, g_free);
    g_ptr_array_unref(shard->watches);
    g_queue_clear_full(&shard->posts, g_free);
    g_free(shard);
}

OshInterface
osh_inline_shard_interface(OshInlineShard *shard)
{
    return (OshInterface){"host", &shard_vtable, shard};
}

gboolean
osh_inline_shard_ready(OshInlineShard *shard, int fd, guint32 events)
{
    g_autoptr(GPtrArray) now = g_ptr_array_new();
    gboolean called = FALSE;

    for (guint i = 0; i < shard->watches->len; i++) {
        OshShardWatch *watch = g_ptr_array_index(shard->watches, i);

        if (watch->fd == fd && (events & (watch->events | EPOLLERR | EPOLLHUP)) != 0) {
            watch->in_use++;
            g_ptr_array_add(now, watch);
        }
    }
    for (guint i = 0; i < now->len; i++) {
        OshShardWatch *watch = g_ptr_array_index(now, i);

        if (!watch->removed) {
            called = TRUE;
            watch->callback(fd, events & (watch->events | EPOLLERR | EPOLLHUP), watch->data);
        }
        watch->in_use--;
        if (watch->removed && watch->in_use == 0)
            g_free(watch);
    }
    return called;
}

guint
osh_inline_shard_run_posted(OshInlineShard *shard)
{
    guint n = 0;
    Post *post;

    while ((post = g_queue_pop_head(&shard->posts)) != NULL) {
        post->callback(post->data);
        g_free(post);
        n++;
    }
    return n;
}

guint32
osh_inline_shard_watches(const OshInlineShard *shard, int fd)
{
    guint32 events = 0;

    for (guint i = 0; i < shard->watches->len; i++) {
        const OshShardWatch *watch = g_ptr_array_index(shard->watches, i);

        if (watch->fd == fd)
            events |= watch->events;
    }
    return events;
}

guint
osh_inline_shard_n_timers(const OshInlineShard *shard)
{
    return shard->timers->len;
}
