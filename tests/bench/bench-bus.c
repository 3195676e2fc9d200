/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-bus.c: what an event costs from publish to delivery.
 *
 * With 0, 1 and 8 subscribers and 1, 2 and 4 publishing threads: events a second and nanoseconds
 * an event, by the clock and in processor time of all threads together, which other work on the
 * machine disturbs less. The same number of calls through g_main_context_invoke() from as many
 * threads is measured in the same run and given as a ratio. Then one thread alone, where publish
 * and delivery add up, and the way of an allow: reserve, publish, deliver. Then what a typed event
 * costs to pack, against g_variant_new(), and to unpack.
 *
 * Nothing may be lost or unaccounted for; otherwise it fails. The goal is 250 ns of processor time
 * for an event published and delivered to one subscriber.
 */
#include "bus.h"

#include <stdio.h>
#include <time.h>

#define EVENTS      200000
#define INVOCATIONS 50000
#define BURST       128
#define MAX_THREADS 4
#define BACKLOG     2048 /* a publisher waits when it is so far ahead, for the caches' sake */

typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    OshTopic response;
    OshTopic allowed;
    GVariant *payload;
    guint count;   /* of each thread */
    guint threads; /* that publish */
    _Atomic guint delivered;
} Bench;

typedef struct {
    gint64 wall;
    gint64 processor;
} Stopwatch;

static gint64
clock_ns(clockid_t clock)
{
    struct timespec now;

    g_assert_cmpint(clock_gettime(clock, &now), ==, 0);
    return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

static Stopwatch
stopwatch_start(void)
{
    return (Stopwatch){clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID)};
}

/* Returns nanoseconds of processor time for each of @count. */
static double
stopwatch_report(Stopwatch start, const char *what, guint count)
{
    double wall = (double)(clock_ns(CLOCK_MONOTONIC) - start.wall);
    double processor = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start.processor);

    printf("%-44s %10.0f a second  %7.1f ns  %7.1f ns processor", what, count * 1e9 / wall,
           wall / count, processor / count);
    return processor / count;
}

static void
count_event(const OshEvent *event G_GNUC_UNUSED, gpointer data)
{
    ((Bench *)data)->delivered++;
}

static gboolean
count_invocation(gpointer data)
{
    ((Bench *)data)->delivered++;
    return G_SOURCE_REMOVE;
}

static void
publish(const Bench *bench, OshTopic topic, guint64 reservation)
{
    const OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = topic,
        .reservation = reservation,
        .payload = g_variant_ref(bench->payload),
    };

    g_assert_cmpuint(osh_bus_publish(bench->publisher, &publication), !=, 0);
}

static guint64
bus_delivered(const Bench *bench)
{
    OshBusCounters counters;

    osh_bus_get_counters(bench->bus, &counters);
    return counters.delivered;
}

static gpointer
publish_all(gpointer data)
{
    const Bench *bench = data;

    for (guint i = 0; i < bench->count; i++) {
        publish(bench, bench->response, 0);
        while (i % BURST == 0 && i * bench->threads > bus_delivered(bench) + BACKLOG)
            g_usleep(20);
    }
    return NULL;
}

static gpointer
invoke_all(gpointer data)
{
    const Bench *bench = data;

    for (guint i = 0; i < bench->count; i++) {
        g_main_context_invoke(NULL, count_invocation, data);
        while (i % BURST == 0 && i * bench->threads > bench->delivered + BACKLOG)
            g_usleep(20);
    }
    return NULL;
}

static void
bench_open(Bench *bench, guint n_subscribers)
{
    static const char *const topics[] = {OSH_TOPIC_L7_RESPONSE, OSH_TOPIC_NETWORK_ALLOWED, NULL};
    const OshBusLimits limits = {.sampled = EVENTS};
    const OshEventL7Response response = {.connection = 1, .message = 1, .status = 200};
    g_autoptr(GError) error = NULL;

    *bench = (Bench){0};
    bench->bus = osh_bus_new(NULL, &limits, &error);
    g_assert_no_error(error);
    bench->publisher = osh_bus_publisher_new(bench->bus, "bench", topics, &error);
    g_assert_no_error(error);
    bench->response = osh_bus_topic(bench->publisher, OSH_TOPIC_L7_RESPONSE);
    bench->allowed = osh_bus_topic(bench->publisher, OSH_TOPIC_NETWORK_ALLOWED);
    bench->payload = g_variant_ref_sink(osh_event_l7_response_pack(&response));
    for (guint i = 0; i < n_subscribers; i++)
        osh_bus_subscribe(bench->bus, "*", count_event, bench, NULL);
}

static void
bench_close(Bench *bench)
{
    OshBusCounters counters;

    osh_bus_get_counters(bench->bus, &counters);
    g_assert_cmpuint(counters.delivered, ==, counters.published);
    g_assert_cmpuint(counters.dropped + counters.refused + counters.capacity_used, ==, 0);
    g_variant_unref(bench->payload);
    g_assert_finalize_object(bench->bus);
}

static double
measure_invoke(guint n_threads)
{
    Bench bench = {.count = INVOCATIONS / n_threads, .threads = n_threads};
    g_autofree char *what = g_strdup_printf("g_main_context_invoke, threads: %u", n_threads);
    GThread *threads[MAX_THREADS];
    Stopwatch start = stopwatch_start();
    double cost;

    for (guint i = 0; i < n_threads; i++)
        threads[i] = g_thread_new("invoke", invoke_all, &bench);
    while (bench.delivered < bench.count * n_threads)
        g_main_context_iteration(NULL, TRUE);
    cost = stopwatch_report(start, what, bench.count * n_threads);
    printf("\n");
    for (guint i = 0; i < n_threads; i++)
        g_thread_join(threads[i]);
    return cost;
}

static void
measure_threads(guint n_threads, guint n_subscribers, double invoke_cost)
{
    Bench bench;
    g_autofree char *what =
        g_strdup_printf("bus, threads: %u, subscribers: %u", n_threads, n_subscribers);
    GThread *threads[MAX_THREADS];
    Stopwatch start;

    bench_open(&bench, n_subscribers);
    bench.count = EVENTS / n_threads;
    bench.threads = n_threads;
    start = stopwatch_start();
    for (guint i = 0; i < n_threads; i++)
        threads[i] = g_thread_new("publish", publish_all, &bench);
    while (bus_delivered(&bench) < bench.count * n_threads)
        g_main_context_iteration(NULL, TRUE);
    printf("  %.1f times cheaper\n",
           invoke_cost / stopwatch_report(start, what, bench.count * n_threads));
    for (guint i = 0; i < n_threads; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(bench.delivered, ==, bench.count * n_threads * n_subscribers);
    bench_close(&bench);
}

static void
measure_alone(guint n_subscribers)
{
    Bench bench;
    g_autofree char *what = g_strdup_printf("bus, main thread, subscribers: %u", n_subscribers);
    Stopwatch start;

    bench_open(&bench, n_subscribers);
    start = stopwatch_start();
    for (guint i = 0; i < EVENTS; i += BURST) {
        for (guint k = i; k < MIN(i + BURST, EVENTS); k++)
            publish(&bench, bench.response, 0);
        while (g_main_context_iteration(NULL, FALSE))
            continue;
    }
    stopwatch_report(start, what, EVENTS);
    printf("\n");
    bench_close(&bench);
}

static const OshEventNetworkAllowed allowed = {
    .connection = 1,
    .host = "api.example",
    .port = 443,
    .transport = "connect",
    .binary = "/usr/bin/curl",
    .policy = "api",
    .rule = "rule 1",
    .generation = 1,
};

/* What a payload costs: a typed event, and the same tuple with its type parsed each time. */
static void
measure_payload(void)
{
    g_autoptr(GVariant) live = g_variant_ref_sink(osh_event_network_allowed_pack(&allowed));
    Stopwatch start = stopwatch_start();
    double format;

    for (guint i = 0; i < EVENTS; i++)
        g_variant_unref(g_variant_ref_sink(g_variant_new(
            "(tsqssssta{sv})", allowed.connection, allowed.host, allowed.port, allowed.transport,
            allowed.binary, allowed.policy, allowed.rule, allowed.generation, NULL)));
    format = stopwatch_report(start, "payload by g_variant_new", EVENTS);
    printf("\n");
    start = stopwatch_start();
    for (guint i = 0; i < EVENTS; i++)
        g_variant_unref(g_variant_ref_sink(osh_event_network_allowed_pack(&allowed)));
    printf("  %.1f times cheaper\n", format / stopwatch_report(start, "payload by pack", EVENTS));
    start = stopwatch_start();
    for (guint i = 0; i < EVENTS; i++) {
        OshEventNetworkAllowed arrived = {0};

        g_assert_true(osh_event_network_allowed_unpack(live, &arrived));
    }
    stopwatch_report(start, "payload by unpack", EVENTS);
    printf("\n");
}

static void
measure_allow(void)
{
    Bench bench;
    Stopwatch start;

    bench_open(&bench, 1);
    g_variant_unref(bench.payload);
    bench.payload = g_variant_ref_sink(osh_event_network_allowed_pack(&allowed));
    start = stopwatch_start();
    for (guint i = 0; i < EVENTS; i += BURST) {
        for (guint k = i; k < MIN(i + BURST, EVENTS); k++) {
            guint64 reservation = osh_bus_reserve(bench.publisher, bench.allowed, 7);

            g_assert_cmpuint(reservation, !=, 0);
            publish(&bench, bench.allowed, reservation);
        }
        while (g_main_context_iteration(NULL, FALSE))
            continue;
    }
    stopwatch_report(start, "bus, reserve and publish, subscribers: 1", EVENTS);
    printf("\n");
    bench_close(&bench);
}

int
main(void)
{
    static const guint threads[] = {1, 2, 4};
    static const guint subscribers[] = {0, 1, 8};

    for (gsize t = 0; t < G_N_ELEMENTS(threads); t++) {
        double invoke_cost = measure_invoke(threads[t]);

        for (gsize s = 0; s < G_N_ELEMENTS(subscribers); s++)
            measure_threads(threads[t], subscribers[s], invoke_cost);
    }
    for (gsize s = 0; s < G_N_ELEMENTS(subscribers); s++)
        measure_alone(subscribers[s]);
    measure_allow();
    measure_payload();
    return 0;
}
