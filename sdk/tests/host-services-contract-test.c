/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts of the host's own services, lived through: shard, worker, metrics and event-sink,
 * each with a provider of a few lines and a consumer as a plugin would write it.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "openshell/ext/draft/event-sink.h"
#include "openshell/ext/metrics.h"
#include "openshell/ext/shard.h"
#include "openshell/ext/worker.h"

/* One shard that is the calling thread: posts run when the test turns it. */
struct _OshShardWatch {
    int fd;
    OshShardFdFunc callback;
    gpointer data;
};

struct _OshShardTimer {
    gint64 when;
    OshCallback callback;
    gpointer data;
};

typedef struct {
    int epoll;
    gint64 now;
    GQueue posts;
    OshShardTimer *timer;
} Shard;

typedef struct {
    OshCallback callback;
    gpointer data;
} Post;

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
    Shard *shard = instance;
    Post *post;

    if (index != 0)
        return FALSE;
    post = g_new(Post, 1);
    *post = (Post){callback, data};
    g_queue_push_tail(&shard->posts, post);
    return TRUE;
}

static OshShardWatch *
shard_add_fd(gpointer instance, int fd, guint32 events, OshShardFdFunc callback, gpointer data)
{
    Shard *shard = instance;
    OshShardWatch *watch = g_new(OshShardWatch, 1);
    struct epoll_event event = {.events = events, .data = {.ptr = watch}};

    *watch = (OshShardWatch){fd, callback, data};
    g_assert_cmpint(epoll_ctl(shard->epoll, EPOLL_CTL_ADD, fd, &event), ==, 0);
    return watch;
}

static void
shard_modify(gpointer instance, OshShardWatch *watch, guint32 events)
{
    Shard *shard = instance;
    struct epoll_event event = {.events = events, .data = {.ptr = watch}};

    g_assert_cmpint(epoll_ctl(shard->epoll, EPOLL_CTL_MOD, watch->fd, &event), ==, 0);
}

static void
shard_remove(gpointer instance, OshShardWatch *watch)
{
    Shard *shard = instance;

    g_assert_cmpint(epoll_ctl(shard->epoll, EPOLL_CTL_DEL, watch->fd, NULL), ==, 0);
    g_free(watch);
}

static OshShardTimer *
shard_add_timer(gpointer instance, gint64 when, OshCallback callback, gpointer data)
{
    Shard *shard = instance;

    g_assert_null(shard->timer);
    shard->timer = g_new(OshShardTimer, 1);
    *shard->timer = (OshShardTimer){when, callback, data};
    return shard->timer;
}

static void
shard_cancel_timer(gpointer instance, OshShardTimer *timer)
{
    Shard *shard = instance;

    g_assert_true(shard->timer == timer);
    g_clear_pointer(&shard->timer, g_free);
}

static gint64
shard_now(gpointer instance)
{
    return ((Shard *)instance)->now;
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

static void
shard_turn(Shard *shard, gint64 until)
{
    struct epoll_event event;
    Post *post;

    shard->now = until;
    while ((post = g_queue_pop_head(&shard->posts)) != NULL) {
        post->callback(post->data);
        g_free(post);
    }
    if (epoll_wait(shard->epoll, &event, 1, 0) == 1) {
        OshShardWatch *watch = event.data.ptr;

        watch->callback(watch->fd, event.events, watch->data);
    }
    if (shard->timer != NULL && shard->timer->when <= until) {
        OshShardTimer timer = *shard->timer;

        g_clear_pointer(&shard->timer, g_free);
        timer.callback(timer.data);
    }
}

static void
count(gpointer data)
{
    (*(guint *)data)++;
}

/* The consumer: reads a pipe, with a deadline. */
typedef struct {
    const OshInterface *shard;
    OshShardWatch *watch;
    OshShardTimer *deadline;
    guint bytes;
    gboolean late;
} Reader;

static void
reader_late(gpointer data)
{
    Reader *reader = data;

    reader->deadline = NULL;
    reader->late = TRUE;
    osh_shard_remove(reader->shard, g_steal_pointer(&reader->watch));
}

static void
reader_ready(int fd, guint32 events, gpointer data)
{
    Reader *reader = data;
    char byte;

    g_assert_true(events & EPOLLIN);
    reader->bytes += (guint)read(fd, &byte, 1);
    osh_shard_cancel_timer(reader->shard, g_steal_pointer(&reader->deadline));
    reader->deadline = osh_shard_add_timer(reader->shard, osh_shard_now(reader->shard) + 1000,
                                           reader_late, reader);
}

static void
test_watch_and_deadline_work_together(void)
{
    Shard state = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    OshInterface shard = {"host", &shard_vtable, &state};
    Reader reader = {.shard = &shard};
    guint posts = 0;
    int pipe_fds[2];

    g_assert_cmpint(pipe(pipe_fds), ==, 0);
    g_assert_cmpuint(osh_shard_count(&shard), ==, 1);
    g_assert_cmpint(osh_shard_current(&shard), ==, 0);
    g_assert_true(osh_shard_post(&shard, 0, count, &posts));
    g_assert_false(osh_shard_post(&shard, 5, count, &posts));
    reader.watch = osh_shard_add_fd(&shard, pipe_fds[0], EPOLLIN, reader_ready, &reader);
    reader.deadline = osh_shard_add_timer(&shard, 1000, reader_late, &reader);
    osh_shard_modify(&shard, reader.watch, EPOLLIN | EPOLLET);
    g_assert_cmpint(write(pipe_fds[1], "x", 1), ==, 1);
    shard_turn(&state, 500);
    g_assert_cmpuint(posts, ==, 1);
    g_assert_cmpuint(reader.bytes, ==, 1);
    shard_turn(&state, 1499);
    g_assert_false(reader.late);
    shard_turn(&state, 1500);
    g_assert_true(reader.late);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(state.epoll);
}

static gboolean
worker_submit(gpointer instance, OshCallback work, OshCallback done, gpointer data)
{
    gboolean *full = instance;

    if (*full)
        return FALSE;
    work(data);
    done(data);
    return TRUE;
}

static void
test_worker_that_is_full_takes_nothing(void)
{
    static const OshWorkerInterface vtable = {.struct_size = sizeof(OshWorkerInterface),
                                              .submit = worker_submit};
    static const OshWorkerInterface small = {.struct_size = sizeof(guint32)};
    gboolean full = FALSE;
    OshInterface worker = {"host", &vtable, &full};
    OshInterface old = {"old", &small, NULL};
    guint calls = 0;

    g_assert_true(osh_worker_submit(&worker, count, count, &calls));
    g_assert_cmpuint(calls, ==, 2);
    full = TRUE;
    g_assert_false(osh_worker_submit(&worker, count, count, &calls));
    g_assert_false(osh_worker_submit(&old, count, count, &calls));
    g_assert_cmpuint(calls, ==, 2);
}

struct _OshMetric {
    OshMetricKind kind;
    gint64 value;
};

static OshMetric *
metrics_metric(gpointer instance, const char *name, OshMetricKind kind, const char *help)
{
    OshMetric *metric = instance;

    g_assert_true(g_str_has_prefix(name, "test."));
    g_assert_nonnull(help);
    if (metric->kind == 0)
        metric->kind = kind;
    return metric->kind == kind ? metric : NULL;
}

static void
metrics_add(gpointer instance, OshMetric *metric, gint64 amount)
{
    (void)instance;
    metric->value += amount;
}

static gint64
metrics_read(gpointer instance, OshMetric *metric)
{
    (void)instance;
    return metric->value;
}

static void
test_metric_keeps_its_kind(void)
{
    static const OshMetricsInterface vtable = {.struct_size = sizeof(OshMetricsInterface),
                                               .metric = metrics_metric,
                                               .add = metrics_add,
                                               .read = metrics_read};
    OshMetric only = {0};
    OshInterface metrics = {"host", &vtable, &only};
    OshMetric *metric =
        osh_metrics_metric(&metrics, "test.refused", OSH_METRIC_COUNTER, "refused connections");

    osh_metrics_add(&metrics, metric, 2);
    osh_metrics_add(&metrics, NULL, 5);
    g_assert_cmpint(osh_metrics_read(&metrics, metric), ==, 2);
    g_assert_null(osh_metrics_metric(&metrics, "test.refused", OSH_METRIC_GAUGE, "again"));
    g_assert_cmpint(osh_metrics_read(&metrics, NULL), ==, 0);
}

/* A sink that takes two at a time and says when it can take more. */
typedef struct {
    guint room;
    guint kept;
    OshCallback resume;
    gpointer resume_data;
} Sink;

static gsize
sink_consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    Sink *sink = instance;
    gsize taken = MIN(n_events, sink->room);

    for (gsize i = 0; i < taken; i++)
        g_assert_cmpstr(events[i]->topic, ==, OSH_TOPIC_HOST_STOPPING);
    sink->room -= (guint)taken;
    sink->kept += (guint)taken;
    return taken;
}

static void
sink_flush(gpointer instance, void (*done)(const GError *error, gpointer data), gpointer data)
{
    (void)instance;
    done(NULL, data);
}

static void
sink_resume(gpointer instance, OshCallback resume, gpointer data)
{
    Sink *sink = instance;

    sink->resume = resume;
    sink->resume_data = data;
}

static void
flushed(const GError *error, gpointer data)
{
    g_assert_no_error(error);
    (*(guint *)data)++;
}

static void
test_sink_keeps_what_it_took_and_asks_for_the_rest(void)
{
    static const OshEventSinkInterface vtable = {.struct_size = sizeof(OshEventSinkInterface),
                                                 .consume = sink_consume,
                                                 .flush = sink_flush,
                                                 .resume = sink_resume};
    static const OshEventSinkInterface small = {.struct_size = sizeof(guint32)};
    Sink state = {.room = 2};
    OshInterface sink = {"test", &vtable, &state};
    OshInterface old = {"old", &small, NULL};
    OshEvent event = {.struct_size = sizeof(OshEvent), .topic = OSH_TOPIC_HOST_STOPPING};
    const OshEvent *events[] = {&event, &event, &event};
    guint resumed = 0;
    guint flushes = 0;

    osh_event_sink_resume(&sink, count, &resumed);
    g_assert_cmpuint(osh_event_sink_consume(&sink, events, 3), ==, 2);
    g_assert_cmpuint(osh_event_sink_consume(&sink, events + 2, 1), ==, 0);
    state.room = 1;
    state.resume(state.resume_data);
    g_assert_cmpuint(resumed, ==, 1);
    g_assert_cmpuint(osh_event_sink_consume(&sink, events + 2, 1), ==, 1);
    osh_event_sink_flush(&sink, flushed, &flushes);
    osh_event_sink_flush(&old, flushed, &flushes);
    g_assert_cmpuint(flushes, ==, 2);
    g_assert_cmpuint(state.kept, ==, 3);
    g_assert_cmpuint(osh_event_sink_consume(&old, events, 3), ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/shard/watch-and-deadline-work-together",
                    test_watch_and_deadline_work_together);
    g_test_add_func("/sdk/worker/worker-that-is-full-takes-nothing",
                    test_worker_that_is_full_takes_nothing);
    g_test_add_func("/sdk/metrics/metric-keeps-its-kind", test_metric_keeps_its_kind);
    g_test_add_func("/sdk/event-sink/sink-keeps-what-it-took-and-asks-for-the-rest",
                    test_sink_keeps_what_it_took_and_asks_for_the_rest);
    return g_test_run();
}
