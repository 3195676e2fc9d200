/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c: a bounded pool of threads for work that blocks. Submitting is [main, shard].
 *
 * The queue and the counts stand under the lock; work runs without it. A thread starts when work
 * arrives and none is idle, up to the limit, and stays. Done callbacks go back to the thread that
 * submitted: to a shard by a post, to the main thread by one source of its context, which takes the
 * work that ended from a queue under the same lock.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define DEFAULT_THREADS 4
#define DEFAULT_QUEUE   256
#define ON_MAIN         (-1)

typedef struct {
    OshCallback work;
    OshCallback done;
    gpointer data;
    gint shard; /* or ON_MAIN */
} Work;

/* Dispatches on the main thread. */
typedef struct {
    GSource source;
    OshWorkerPool *pool;
} ReturnSource;

struct _OshWorkerPool {
    GMainContext *context;
    GSource *source; /* ReturnSource */
    OshShardPool *shards;
    GThread *main_thread;
    guint max_threads;
    guint max_queue;

    pthread_mutex_t lock;
    pthread_cond_t wanted; /* work was queued, or stopping was set */
    pthread_cond_t ended;  /* a thread ended */
    GQueue queue;          /* Work */
    GQueue returned;       /* Work that ended, for the main thread */
    GPtrArray *threads;    /* GThread */
    guint n_idle;
    guint n_running; /* threads that have not ended */
    gboolean stopping;
    atomic_bool has_returned; /* whether @returned may have something */
};

static gboolean
return_source_prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return atomic_load(&((ReturnSource *)source)->pool->has_returned);
}

static gboolean
return_source_check(GSource *source)
{
    return atomic_load(&((ReturnSource *)source)->pool->has_returned);
}

static gboolean
return_source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    OshWorkerPool *pool = ((ReturnSource *)source)->pool;
    GQueue returned;
    Work *work;

    (void)callback;
    (void)data;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->has_returned, false);
    returned = pool->returned;
    g_queue_init(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
    while ((work = g_queue_pop_head(&returned)) != NULL) {
        work->done(work->data);
        g_free(work);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs return_source_functions = {
    .prepare = return_source_prepare,
    .check = return_source_check,
    .dispatch = return_source_dispatch,
};

static void
work_done_on_shard(gpointer data)
{
    g_autofree Work *work = data;

    work->done(work->data);
}

static void
work_return(OshWorkerPool *pool, Work *work)
{
    if (work->shard != ON_MAIN) {
        if (!osh_shard_pool_post(pool->shards, (guint)work->shard, work_done_on_shard, work))
            g_free(work);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    g_queue_push_tail(&pool->returned, work);
    atomic_store(&pool->has_returned, true);
    pthread_mutex_unlock(&pool->lock);
    g_main_context_wakeup(pool->context);
}

static gpointer
worker_main(gpointer data)
{
    OshWorkerPool *pool = data;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        Work *work = g_queue_pop_head(&pool->queue);

        if (work == NULL && pool->stopping)
            break;
        if (work == NULL) {
            pool->n_idle++;
            pthread_cond_wait(&pool->wanted, &pool->lock);
            pool->n_idle--;
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        work->work(work->data);
        work_return(pool, work);
        pthread_mutex_lock(&pool->lock);
    }
    pool->n_running--;
    pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Called under the lock. Returns FALSE when there is no thread that could ever take the work. */
static gboolean
worker_ensure_thread(OshWorkerPool *pool)
{
    g_autofree char *name = NULL;
    GThread *thread;
    sigset_t all;
    sigset_t old;

    if (pool->n_idle > g_queue_get_length(&pool->queue) || pool->threads->len >= pool->max_threads)
        return TRUE;
    name = g_strdup_printf("osh-worker-%u", pool->threads->len);
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGTRAP);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    thread = g_thread_try_new(name, worker_main, pool, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (thread == NULL)
        return pool->threads->len > 0;
    g_ptr_array_add(pool->threads, thread);
    pool->n_running++;
    return TRUE;
}

OshWorkerPool *
osh_worker_pool_new(GMainContext *context, OshShardPool *shards, guint threads, guint queue)
{
    OshWorkerPool *pool = g_new0(OshWorkerPool, 1);

    pool->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    pool->shards = shards;
    pool->main_thread = g_thread_self();
    pool->max_threads = threads > 0 ? threads : DEFAULT_THREADS;
    pool->max_queue = queue > 0 ? queue : DEFAULT_QUEUE;
    pool->threads = g_ptr_array_new();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wanted, NULL);
    pthread_cond_init(&pool->ended, NULL);
    g_queue_init(&pool->queue);
    g_queue_init(&pool->returned);
    pool->source = g_source_new(&return_source_functions, sizeof(ReturnSource));
    ((ReturnSource *)pool->source)->pool = pool;
    g_source_attach(pool->source, pool->context);
    return pool;
}

gboolean
osh_worker_pool_stop(OshWorkerPool *pool, gint64 deadline)
{
    struct timespec until = {.tv_sec = deadline / G_USEC_PER_SEC,
                             .tv_nsec = deadline % G_USEC_PER_SEC * 1000};
    gboolean in_time = TRUE;
    gboolean ended;

    pthread_mutex_lock(&pool->lock);
    pool->stopping = TRUE;
    pthread_cond_broadcast(&pool->wanted);
    while (pool->n_running > 0 && in_time)
        in_time = pthread_cond_clockwait(&pool->ended, &pool->lock, CLOCK_MONOTONIC, &until) == 0;
    ended = pool->n_running == 0;
    pthread_mutex_unlock(&pool->lock);
    return ended;
}

void
osh_worker_pool_free(OshWorkerPool *pool)
{
    if (pool == NULL)
        return;
    osh_worker_pool_stop(pool, G_MAXINT64);
    for (guint i = 0; i < pool->threads->len; i++)
        g_thread_join(g_ptr_array_index(pool->threads, i));
    g_ptr_array_unref(pool->threads);
    g_source_destroy(pool->source);
    g_source_unref(pool->source);
    g_queue_clear_full(&pool->returned, g_free);
    pthread_cond_destroy(&pool->wanted);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    g_main_context_unref(pool->context);
    g_free(pool);
}

gboolean
osh_worker_pool_submit(OshWorkerPool *pool, OshCallback work, OshCallback done, gpointer data)
{
    gint shard = pool->shards != NULL ? osh_shard_pool_current(pool->shards) : ON_MAIN;
    gboolean accepted;

    g_return_val_if_fail(work != NULL && done != NULL, FALSE);
    g_return_val_if_fail(shard != ON_MAIN || g_thread_self() == pool->main_thread, FALSE);

    pthread_mutex_lock(&pool->lock);
    accepted = !pool->stopping && g_queue_get_length(&pool->queue) < pool->max_queue &&
               worker_ensure_thread(pool);
    if (accepted) {
        Work *item = g_new0(Work, 1);

        item->work = work;
        item->done = done;
        item->data = data;
        item->shard = shard;
        g_queue_push_tail(&pool->queue, item);
        pthread_cond_signal(&pool->wanted);
    }
    pthread_mutex_unlock(&pool->lock);
    return accepted;
}

static gboolean
interface_submit(gpointer instance, OshCallback work, OshCallback done, gpointer data)
{
    return osh_worker_pool_submit(instance, work, done, data);
}

const OshWorkerInterface *
osh_worker_pool_interface(void)
{
    static const OshWorkerInterface vtable = {
        .struct_size = sizeof(OshWorkerInterface),
        .submit = interface_submit,
    };

    return &vtable;
}
