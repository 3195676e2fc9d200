/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard.c: the data-plane threads, each around one bare epoll instance.
 *
 * Everything inside a shard belongs to its thread, except the list of posted callbacks, which has
 * the lock. A shard never runs a GMainContext, never blocks outside epoll_wait(2) and holds no
 * lock while it calls out.
 *
 * A watch that is removed may still stand in the batch of events just fetched, so it is only
 * marked, and freed after the batch. If the kernel would not forget it, because the caller had
 * closed the descriptor first while a duplicate may live on, it is kept until the shard ends:
 * events for it may still come.
 */
#include "shard.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shard-timer.h"

#define EVENTS_PER_WAKE   256
#define TIMERS_PER_WAKE   256
#define LONG_NAMES        16
#define MAX_WAIT_MS       3600000
#define MICROS_PER_MILLI  1000
#define MICROS_PER_SECOND G_USEC_PER_SEC

struct _OshShardWatch {
    int fd;
    gboolean removed;
    OshShardFdFunc callback;
    gpointer data;
    OshShardWatch *next;
    OshShardWatch *previous;
};

typedef struct {
    OshCallback callback;
    gpointer data;
} ShardPost;

typedef struct {
    OshShardPool *pool;
    guint index;
    GThread *thread;
    int epoll_fd;
    int wake_fd;

    pthread_mutex_t lock;
    GArray *posted;     /* under lock: ShardPost */
    gboolean accepting; /* under lock */

    GArray *running; /* [shard] ShardPost: what the last wake-up took */
    OshShardTimerHeap timers;
    OshShardWatch *watches;
    OshShardWatch *removed; /* linked by next; freed after the batch */
    OshShardWatch *lost;    /* linked by next; the kernel may still know them */
    gint64 now;
    gint64 callback_began; /* coarse clock */
    gboolean wake_seen;

    gpointer long_names[LONG_NAMES]; /* callbacks already named in the log */
    guint n_long_names;
    _Atomic guint64 n_long;
} Shard;

struct _OshShardPool {
    pthread_key_t current_key;
    gboolean have_key;
    gboolean started;
    guint count;
    Shard *shards;
};

/* 4 ms of resolution for 5 ns: enough to tell who held the thread for 50 ms. */
static gint64
coarse_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (gint64)now.tv_sec * MICROS_PER_SECOND + now.tv_nsec / 1000;
}

static void
shard_name_long_callback(Shard *shard, gpointer function, gint64 duration)
{
    Dl_info info;
    const char *file = "unknown file";
    const char *symbol = "a private function";

    for (guint i = 0; i < shard->n_long_names; i++) {
        if (shard->long_names[i] == function)
            return;
    }
    if (shard->n_long_names == LONG_NAMES)
        return;
    shard->long_names[shard->n_long_names++] = function;
    if (dladdr(function, &info) != 0) {
        if (info.dli_fname != NULL)
            file = info.dli_fname;
        if (info.dli_sname != NULL)
            symbol = info.dli_sname;
    }
    g_warning("shard %u was held for %" G_GINT64_FORMAT " ms by %s in %s; further cases are only "
              "counted",
              shard->index, duration / MICROS_PER_MILLI, symbol, file);
}

/* Called after each callback: one reading of the clock ends it and begins the next one. */
static void
shard_watch_duration(Shard *shard, gpointer function)
{
    gint64 now = coarse_now();
    gint64 duration = now - shard->callback_began;

    shard->callback_began = now;
    if (G_LIKELY(duration <= OSH_SHARD_LONG_CALLBACK))
        return;
    atomic_fetch_add_explicit(&shard->n_long, 1, memory_order_relaxed);
    shard_name_long_callback(shard, function, duration);
}

static Shard *
shard_of_thread(OshShardPool *pool)
{
    return pool->have_key ? pthread_getspecific(pool->current_key) : NULL;
}

static void
shard_free_watches(OshShardWatch **list)
{
    while (*list != NULL) {
        OshShardWatch *watch = *list;

        *list = watch->next;
        g_free(watch);
    }
}

static void
shard_run_events(Shard *shard, const struct epoll_event *events, int n_events)
{
    for (int i = 0; i < n_events; i++) {
        OshShardWatch *watch = events[i].data.ptr;

        if (watch == NULL) {
            shard->wake_seen = TRUE;
            continue;
        }
        if (watch->removed)
            continue;
        OshShardFdFunc callback = watch->callback;

        callback(watch->fd, events[i].events, watch->data);
        shard_watch_duration(shard, (gpointer)(guintptr)callback);
    }
    shard_free_watches(&shard->removed);
}

static void
shard_run_timers(Shard *shard)
{
    /* A timer added by a callback waits for the next round, even when it is due: otherwise one
     * that re-arms itself in the past would keep the descriptors waiting for ever. */
    guint64 until = shard->timers.added;
    OshCallback callback;
    gpointer data;

    for (guint i = 0; i < TIMERS_PER_WAKE; i++) {
        if (!osh_shard_timer_heap_pop(&shard->timers, shard->now, until, &callback, &data))
            return;
        callback(data);
        shard_watch_duration(shard, (gpointer)(guintptr)callback);
    }
}

/* Returns whether the shard goes on: it ends when nothing is accepted and nothing is left. */
static gboolean
shard_run_posted(Shard *shard)
{
    GArray *taken;
    gboolean accepting;

    /* The counter is reset before the list is taken: a post between the two wakes once in vain,
     * while the other order could leave one asleep. */
    if (shard->wake_seen) {
        guint64 count;

        shard->wake_seen = FALSE;
        if (read(shard->wake_fd, &count, sizeof(count)) < 0)
            g_assert(errno == EAGAIN || errno == EINTR);
    }
    pthread_mutex_lock(&shard->lock);
    taken = shard->posted;
    shard->posted = shard->running;
    shard->running = taken;
    accepting = shard->accepting;
    pthread_mutex_unlock(&shard->lock);

    for (guint i = 0; i < taken->len; i++) {
        ShardPost post = g_array_index(taken, ShardPost, i);

        post.callback(post.data);
        shard_watch_duration(shard, (gpointer)(guintptr)post.callback);
    }
    g_array_set_size(taken, 0);
    return accepting;
}

static int
shard_wait_ms(const Shard *shard)
{
    gint64 next = osh_shard_timer_heap_next(&shard->timers);
    gint64 wait;

    if (next == G_MAXINT64)
        return -1;
    if (next > shard->now + (gint64)MAX_WAIT_MS * MICROS_PER_MILLI)
        return MAX_WAIT_MS;
    wait = next - g_get_monotonic_time();
    if (wait <= 0)
        return 0;
    return (int)MIN((wait + MICROS_PER_MILLI - 1) / MICROS_PER_MILLI, MAX_WAIT_MS);
}

static gpointer
shard_main(gpointer data)
{
    Shard *shard = data;
    struct epoll_event events[EVENTS_PER_WAKE];
    gboolean accepting = TRUE;

    pthread_setspecific(shard->pool->current_key, shard);
    shard->now = g_get_monotonic_time();
    while (accepting) {
        int n_events = epoll_wait(shard->epoll_fd, events, EVENTS_PER_WAKE, shard_wait_ms(shard));

        if (n_events < 0) {
            g_assert(errno == EINTR);
            n_events = 0;
        }
        shard->now = g_get_monotonic_time();
        shard->callback_began = coarse_now();
        shard_run_events(shard, events, n_events);
        shard_run_timers(shard);
        if (shard->wake_seen)
            accepting = shard_run_posted(shard);
    }
    pthread_setspecific(shard->pool->current_key, NULL);
    return NULL;
}

static void
shard_wake(Shard *shard)
{
    guint64 one = 1;

    if (write(shard->wake_fd, &one, sizeof(one)) < 0)
        g_assert(errno == EAGAIN || errno == EINTR);
}

static gboolean
shard_open(Shard *shard, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    shard->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    shard->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shard->epoll_fd < 0 || shard->wake_fd < 0 ||
        epoll_ctl(shard->epoll_fd, EPOLL_CTL_ADD, shard->wake_fd, &event) < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "failed to open shard %u: %s", shard->index,
                    g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

/* After this the shard is as before shard_open(). Watches left are the callers' descriptors. */
static void
shard_close(Shard *shard)
{
    if (shard->wake_fd >= 0)
        close(shard->wake_fd);
    if (shard->epoll_fd >= 0)
        close(shard->epoll_fd);
    shard->wake_fd = -1;
    shard->epoll_fd = -1;
    osh_shard_timer_heap_clear(&shard->timers);
    shard_free_watches(&shard->watches);
    shard_free_watches(&shard->removed);
    shard_free_watches(&shard->lost);
}

static gboolean
shard_start(Shard *shard, GError **error)
{
    g_autofree char *name = g_strdup_printf("osh-shard-%u", shard->index);
    sigset_t all;
    sigset_t old;

    if (!shard_open(shard, error))
        return FALSE;
    /* The thread inherits the mask. What the processor raises stays deliverable, for crash
     * reports. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGTRAP);
    shard->accepting = TRUE;
    pthread_sigmask(SIG_SETMASK, &all, &old);
    shard->thread = g_thread_try_new(name, shard_main, shard, error);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (shard->thread == NULL)
        shard->accepting = FALSE;
    return shard->thread != NULL;
}

OshShardPool *
osh_shard_pool_new(guint count)
{
    OshShardPool *pool = g_new0(OshShardPool, 1);
    cpu_set_t cores;

    if (count == 0) {
        count = g_get_num_processors();
        if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
            count = (guint)CPU_COUNT(&cores);
    }
    pool->count = MAX(count, 1);
    pool->shards = g_new0(Shard, pool->count);
    for (guint i = 0; i < pool->count; i++) {
        Shard *shard = &pool->shards[i];

        shard->pool = pool;
        shard->index = i;
        shard->epoll_fd = -1;
        shard->wake_fd = -1;
        pthread_mutex_init(&shard->lock, NULL);
        shard->posted = g_array_new(FALSE, FALSE, sizeof(ShardPost));
        shard->running = g_array_new(FALSE, FALSE, sizeof(ShardPost));
    }
    return pool;
}

gboolean
osh_shard_pool_start(OshShardPool *pool, GError **error)
{
    int result;

    g_return_val_if_fail(!pool->started, FALSE);

    result = pthread_key_create(&pool->current_key, NULL);
    if (result != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FULL, "failed to create a thread key: %s",
                    g_strerror(result));
        return FALSE;
    }
    pool->have_key = TRUE;
    pool->started = TRUE;
    for (guint i = 0; i < pool->count; i++) {
        if (!shard_start(&pool->shards[i], error)) {
            osh_shard_pool_stop(pool);
            return FALSE;
        }
    }
    return TRUE;
}

void
osh_shard_pool_stop(OshShardPool *pool)
{
    if (!pool->started)
        return;
    for (guint i = 0; i < pool->count; i++) {
        Shard *shard = &pool->shards[i];

        pthread_mutex_lock(&shard->lock);
        shard->accepting = FALSE;
        pthread_mutex_unlock(&shard->lock);
        if (shard->thread != NULL)
            shard_wake(shard);
    }
    for (guint i = 0; i < pool->count; i++) {
        Shard *shard = &pool->shards[i];

        g_clear_pointer(&shard->thread, g_thread_join);
    }
    for (guint i = 0; i < pool->count; i++)
        shard_close(&pool->shards[i]);
    pool->started = FALSE;
    pool->have_key = FALSE;
    pthread_key_delete(pool->current_key);
}

void
osh_shard_pool_free(OshShardPool *pool)
{
    if (pool == NULL)
        return;
    osh_shard_pool_stop(pool);
    for (guint i = 0; i < pool->count; i++) {
        Shard *shard = &pool->shards[i];

        g_array_unref(shard->posted);
        g_array_unref(shard->running);
        pthread_mutex_destroy(&shard->lock);
    }
    g_free(pool->shards);
    g_free(pool);
}

gint
osh_shard_pool_current(OshShardPool *pool)
{
    const Shard *shard = shard_of_thread(pool);

    return shard != NULL ? (gint)shard->index : -1;
}

gboolean
osh_shard_pool_post(OshShardPool *pool, guint index, OshCallback callback, gpointer data)
{
    ShardPost post = {callback, data};
    Shard *shard;
    gboolean accepted;

    g_return_val_if_fail(index < pool->count && callback != NULL, FALSE);

    shard = &pool->shards[index];
    pthread_mutex_lock(&shard->lock);
    accepted = shard->accepting;
    if (accepted) {
        g_array_append_val(shard->posted, post);
        /* Under the lock, so that the descriptor cannot be closed by a stop in between. */
        if (shard->posted->len == 1)
            shard_wake(shard);
    }
    pthread_mutex_unlock(&shard->lock);
    return accepted;
}

guint64
osh_shard_pool_long_callbacks(OshShardPool *pool)
{
    guint64 sum = 0;

    for (guint i = 0; i < pool->count; i++)
        sum += atomic_load_explicit(&pool->shards[i].n_long, memory_order_relaxed);
    return sum;
}

static guint
interface_count(gpointer instance)
{
    return ((const OshShardPool *)instance)->count;
}

static gint
interface_current(gpointer instance)
{
    return osh_shard_pool_current(instance);
}

static gboolean
interface_post(gpointer instance, guint index, OshCallback callback, gpointer data)
{
    return osh_shard_pool_post(instance, index, callback, data);
}

static OshShardWatch *
interface_add_fd(gpointer instance, int fd, guint32 events, OshShardFdFunc callback, gpointer data)
{
    Shard *shard = shard_of_thread(instance);
    struct epoll_event event = {.events = events};
    g_autofree OshShardWatch *watch = NULL;

    if (shard == NULL || callback == NULL) {
        errno = shard == NULL ? EPERM : EINVAL;
        g_return_val_if_fail(shard != NULL && callback != NULL, NULL);
    }
    watch = g_new0(OshShardWatch, 1);
    watch->fd = fd;
    watch->callback = callback;
    watch->data = data;
    event.data.ptr = watch;
    if (epoll_ctl(shard->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return NULL;
    watch->next = shard->watches;
    if (watch->next != NULL)
        watch->next->previous = watch;
    shard->watches = watch;
    return g_steal_pointer(&watch);
}

static void
interface_modify(gpointer instance, OshShardWatch *watch, guint32 events)
{
    Shard *shard = shard_of_thread(instance);
    struct epoll_event event = {.events = events, .data.ptr = watch};

    g_return_if_fail(shard != NULL && watch != NULL && !watch->removed);

    if (epoll_ctl(shard->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        g_critical("failed to change a watch of descriptor %d: %s", watch->fd, g_strerror(errno));
}

static void
interface_remove(gpointer instance, OshShardWatch *watch)
{
    Shard *shard = shard_of_thread(instance);

    g_return_if_fail(shard != NULL && watch != NULL && !watch->removed);

    watch->removed = TRUE;
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        shard->watches = watch->next;
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
    watch->previous = NULL;
    watch->next = NULL;
    if (epoll_ctl(shard->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL) < 0) {
        g_warning("descriptor %d was closed before its watch was removed: %s", watch->fd,
                  g_strerror(errno));
        watch->next = shard->lost;
        shard->lost = watch;
        return;
    }
    watch->next = shard->removed;
    shard->removed = watch;
}

static OshShardTimer *
interface_add_timer(gpointer instance, gint64 when, OshCallback callback, gpointer data)
{
    Shard *shard = shard_of_thread(instance);

    g_return_val_if_fail(shard != NULL && callback != NULL, NULL);

    return osh_shard_timer_heap_add(&shard->timers, when, callback, data);
}

static void
interface_cancel_timer(gpointer instance, OshShardTimer *timer)
{
    Shard *shard = shard_of_thread(instance);

    g_return_if_fail(shard != NULL && timer != NULL);

    osh_shard_timer_heap_cancel(&shard->timers, timer);
}

static gint64
interface_now(gpointer instance)
{
    const Shard *shard = shard_of_thread(instance);

    return shard != NULL ? shard->now : g_get_monotonic_time();
}

const OshShardInterface *
osh_shard_pool_interface(void)
{
    static const OshShardInterface vtable = {
        .struct_size = sizeof(OshShardInterface),
        .count = interface_count,
        .current = interface_current,
        .post = interface_post,
        .add_fd = interface_add_fd,
        .modify = interface_modify,
        .remove = interface_remove,
        .add_timer = interface_add_timer,
        .cancel_timer = interface_cancel_timer,
        .now = interface_now,
    };

    return &vtable;
}
