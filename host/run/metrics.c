/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c: counters and gauges that are added to without sharing memory between threads.
 *
 * A thread that adds owns a block with one cell per metric and is its only writer; readers sum the
 * blocks under the lock. The block of a thread that ends is folded into the sums of those that
 * ended before. Metrics are made on [main]; adding never takes the lock after a thread's first.
 */
#include "metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct _OshMetric {
    char *name;
    OshMetricKind kind;
    guint index;
};

typedef struct _MetricBlock MetricBlock;
struct _MetricBlock {
    OshMetrics *metrics;
    MetricBlock *next;
    MetricBlock *previous;
    _Atomic gint64 cells[OSH_METRICS_MAX];
};

struct _OshMetrics {
    pthread_key_t block_key;
    pthread_mutex_t lock;
    MetricBlock *blocks;                 /* under lock */
    gint64 ended[OSH_METRICS_MAX];       /* under lock: sums of the threads that ended */
    OshMetric *metrics[OSH_METRICS_MAX]; /* [main] */
    guint n_metrics;                     /* [main] */
};

static void
metric_block_end(gpointer data)
{
    MetricBlock *block = data;
    OshMetrics *metrics = block->metrics;

    pthread_mutex_lock(&metrics->lock);
    for (guint i = 0; i < OSH_METRICS_MAX; i++)
        metrics->ended[i] += atomic_load_explicit(&block->cells[i], memory_order_relaxed);
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        metrics->blocks = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
    pthread_mutex_unlock(&metrics->lock);
    g_free(block);
}

static MetricBlock *
metric_block_new(OshMetrics *metrics)
{
    MetricBlock *block = g_new0(MetricBlock, 1);

    block->metrics = metrics;
    pthread_mutex_lock(&metrics->lock);
    block->next = metrics->blocks;
    if (block->next != NULL)
        block->next->previous = block;
    metrics->blocks = block;
    pthread_mutex_unlock(&metrics->lock);
    pthread_setspecific(metrics->block_key, block);
    return block;
}

static OshMetric *
metrics_metric(gpointer instance, const char *name, OshMetricKind kind, const char *help)
{
    OshMetrics *metrics = instance;
    OshMetric *metric;

    (void)help;
    if (name == NULL || name[0] == '\0' || (kind != OSH_METRIC_COUNTER && kind != OSH_METRIC_GAUGE))
        return NULL;
    for (guint i = 0; i < metrics->n_metrics; i++) {
        if (g_str_equal(metrics->metrics[i]->name, name))
            return metrics->metrics[i]->kind == kind ? metrics->metrics[i] : NULL;
    }
    if (metrics->n_metrics == OSH_METRICS_MAX)
        return NULL;
    metric = g_new0(OshMetric, 1);
    metric->name = g_strdup(name);
    metric->kind = kind;
    metric->index = metrics->n_metrics;
    metrics->metrics[metrics->n_metrics++] = metric;
    return metric;
}

static void
metrics_add(gpointer instance, OshMetric *metric, gint64 amount)
{
    OshMetrics *metrics = instance;
    MetricBlock *block = pthread_getspecific(metrics->block_key);
    gint64 value;

    if (metric == NULL)
        return;
    if (block == NULL)
        block = metric_block_new(metrics);
    /* The only writer: a plain load and store, atomic so that a reader sees no torn value. */
    value = atomic_load_explicit(&block->cells[metric->index], memory_order_relaxed);
    atomic_store_explicit(&block->cells[metric->index], value + amount, memory_order_relaxed);
}

static gint64
metrics_read(gpointer instance, OshMetric *metric)
{
    OshMetrics *metrics = instance;
    gint64 sum;

    if (metric == NULL)
        return 0;
    pthread_mutex_lock(&metrics->lock);
    sum = metrics->ended[metric->index];
    for (MetricBlock *block = metrics->blocks; block != NULL; block = block->next)
        sum += atomic_load_explicit(&block->cells[metric->index], memory_order_relaxed);
    pthread_mutex_unlock(&metrics->lock);
    return sum;
}

const OshMetricsInterface *
osh_metrics_interface(void)
{
    static const OshMetricsInterface vtable = {
        .struct_size = sizeof(OshMetricsInterface),
        .metric = metrics_metric,
        .add = metrics_add,
        .read = metrics_read,
    };

    return &vtable;
}

OshMetrics *
osh_metrics_new(GError **error)
{
    g_autofree OshMetrics *metrics = g_new0(OshMetrics, 1);
    int result = pthread_key_create(&metrics->block_key, metric_block_end);

    if (result != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FULL, "failed to create a thread key: %s",
                    g_strerror(result));
        return NULL;
    }
    pthread_mutex_init(&metrics->lock, NULL);
    return g_steal_pointer(&metrics);
}

void
osh_metrics_free(OshMetrics *metrics)
{
    if (metrics == NULL)
        return;
    /* After this, threads that end no longer fold their block: all blocks are freed here. */
    pthread_key_delete(metrics->block_key);
    while (metrics->blocks != NULL) {
        MetricBlock *block = metrics->blocks;

        metrics->blocks = block->next;
        g_free(block);
    }
    for (guint i = 0; i < metrics->n_metrics; i++) {
        g_free(metrics->metrics[i]->name);
        g_free(metrics->metrics[i]);
    }
    pthread_mutex_destroy(&metrics->lock);
    g_free(metrics);
}
