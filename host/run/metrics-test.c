/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges: read while many threads write. */
#include "metrics.h"

#define THREADS   4
#define ADDITIONS 20000

typedef struct {
    OshInterface metrics;
    OshMetric *metric;
} Adder;

static gpointer
adder_main(gpointer data)
{
    Adder *adder = data;

    for (guint i = 0; i < ADDITIONS; i++)
        osh_metrics_add(&adder->metrics, adder->metric, 1);
    return NULL;
}

static void
test_sum(void)
{
    g_autoptr(OshMetrics) metrics = osh_metrics_new(NULL);
    Adder adder = {.metrics = {"host", osh_metrics_interface(), metrics}};
    GThread *threads[THREADS];

    adder.metric =
        osh_metrics_metric(&adder.metrics, "test.additions", OSH_METRIC_COUNTER, "additions");
    osh_metrics_add(&adder.metrics, adder.metric, 5);
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("adder", adder_main, &adder);
    g_assert_cmpint(osh_metrics_read(&adder.metrics, adder.metric), <=, THREADS * ADDITIONS + 5);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(osh_metrics_read(&adder.metrics, adder.metric), ==, THREADS * ADDITIONS + 5);
}

typedef struct {
    Adder *adder;
    gint added;
    gint end;
} Staying;

static gpointer
staying_main(gpointer data)
{
    Staying *staying = data;

    osh_metrics_add(&staying->adder->metrics, staying->adder->metric, 1);
    g_atomic_int_set(&staying->added, 1);
    while (!g_atomic_int_get(&staying->end))
        g_usleep(200);
    return NULL;
}

/* What a thread has added stays, in whatever order threads that live at the same time end. */
static void
test_ends(void)
{
    static const guint orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    g_autoptr(OshMetrics) metrics = osh_metrics_new(NULL);
    Adder adder = {.metrics = {"host", osh_metrics_interface(), metrics}};
    gint64 sum = 0;

    adder.metric = osh_metrics_metric(&adder.metrics, "test.ends", OSH_METRIC_COUNTER, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
        Staying staying[3] = {{&adder, 0, 0}, {&adder, 0, 0}, {&adder, 0, 0}};
        GThread *threads[3];

        for (guint k = 0; k < 3; k++) {
            threads[k] = g_thread_new("staying", staying_main, &staying[k]);
            while (!g_atomic_int_get(&staying[k].added))
                g_usleep(200);
        }
        sum += 3;
        for (guint k = 0; k < 3; k++) {
            g_assert_cmpint(osh_metrics_read(&adder.metrics, adder.metric), ==, sum);
            g_atomic_int_set(&staying[orders[i][k]].end, 1);
            g_thread_join(threads[orders[i][k]]);
        }
        g_assert_cmpint(osh_metrics_read(&adder.metrics, adder.metric), ==, sum);
    }
}

static void
test_identity(void)
{
    g_autoptr(OshMetrics) metrics = osh_metrics_new(NULL);
    g_autoptr(OshMetrics) others = osh_metrics_new(NULL);
    OshInterface one = {"host", osh_metrics_interface(), metrics};
    OshInterface two = {"host", osh_metrics_interface(), others};
    OshMetric *level = osh_metrics_metric(&one, "a.level", OSH_METRIC_GAUGE, NULL);
    OshMetric *same_name = osh_metrics_metric(&two, "a.level", OSH_METRIC_GAUGE, NULL);

    g_assert_nonnull(level);
    g_assert_true(osh_metrics_metric(&one, "a.level", OSH_METRIC_GAUGE, NULL) == level);
    g_assert_null(osh_metrics_metric(&one, "a.level", OSH_METRIC_COUNTER, NULL));
    g_assert_null(osh_metrics_metric(&one, "", OSH_METRIC_COUNTER, NULL));
    osh_metrics_add(&one, level, 7);
    osh_metrics_add(&one, level, -9);
    g_assert_cmpint(osh_metrics_read(&one, level), ==, -2);
    g_assert_cmpint(osh_metrics_read(&two, same_name), ==, 0);
    osh_metrics_add(&one, NULL, 1);
}

static void
test_full(void)
{
    g_autoptr(OshMetrics) metrics = osh_metrics_new(NULL);
    OshInterface one = {"host", osh_metrics_interface(), metrics};

    for (guint i = 0; i < OSH_METRICS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("test.number_%u", i);

        g_assert_nonnull(osh_metrics_metric(&one, name, OSH_METRIC_COUNTER, NULL));
    }
    g_assert_null(osh_metrics_metric(&one, "test.another", OSH_METRIC_COUNTER, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/what-threads-add-is-summed-also-after-they-ended", test_sum);
    g_test_add_func("/metrics/a-name-is-one-metric-of-one-kind-in-one-instance", test_identity);
    g_test_add_func("/metrics/one-metric-too-many-is-refused", test_full);
    g_test_add_func("/metrics/what-a-thread-added-stays-when-it-ends", test_ends);
    return g_test_run();
}
