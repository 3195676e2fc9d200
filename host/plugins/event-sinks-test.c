/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that keeps events gets every event from the first, however late it is ready. */
#include "event-sinks.h"

#include "told-plugins-test-support.h"

#define SOON (300 * G_TIME_SPAN_MILLISECOND)

/* What the sink of the plugin "keeps" was given. */
static struct {
    GArray *sequences; /* guint64 */
    guint flushed;
    gboolean resumable;
} kept;

static gsize
consume(gpointer instance, const OshEvent *const *events, gsize n_events)
{
    (void)instance;
    for (gsize i = 0; i < n_events; i++)
        g_array_append_val(kept.sequences, events[i]->sequence);
    return n_events;
}

static void
flush(gpointer instance, void (*done)(const GError *error, gpointer data), gpointer data)
{
    (void)instance;
    kept.flushed++;
    done(NULL, data);
}

static void
resume(gpointer instance, OshCallback callback, gpointer data)
{
    (void)instance;
    (void)callback;
    (void)data;
    kept.resumable = TRUE;
}

static const OshEventSinkInterface sink_vtable = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = consume,
    .flush = flush,
    .resume = resume,
};

static void
set_up(OshToldFixture *fixture, gconstpointer data)
{
    osh_told_set_up(fixture, data);
    osh_told.sink = &sink_vtable;
    kept.sequences = g_array_new(FALSE, FALSE, sizeof(guint64));
    kept.flushed = 0;
    kept.resumable = FALSE;
}

static void
tear_down(OshToldFixture *fixture, gconstpointer data)
{
    osh_told_tear_down(fixture, data);
    g_array_unref(kept.sequences);
}

static void
settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static void
flushed(const GError *error, gpointer data)
{
    gboolean *done = data;

    g_assert_no_error(error);
    *done = TRUE;
}

static void
flush_bus(OshToldFixture *fixture)
{
    gboolean done = FALSE;

    g_assert_true(osh_bus_flush(fixture->bus, g_get_monotonic_time() + 10 * SOON, flushed, &done));
    while (!done)
        g_main_context_iteration(NULL, TRUE);
}

static guint64
delivered(OshToldFixture *fixture)
{
    OshBusCounters counters;

    osh_bus_get_counters(fixture->bus, &counters);
    return counters.delivered;
}

/* Everything that was delivered, once and in order. */
static void
expect_all(OshToldFixture *fixture)
{
    g_assert_cmpuint(delivered(fixture), >, 0);
    g_assert_cmpuint(kept.sequences->len, ==, delivered(fixture));
    for (guint i = 0; i < kept.sequences->len; i++)
        g_assert_cmpuint(g_array_index(kept.sequences, guint64, i), ==, i + 1);
}

static void
test_from_the_first(OshToldFixture *fixture, gconstpointer data)
{
    g_autoptr(OshEventSinks) sinks = NULL;

    (void)data;
    osh_told_create_all(fixture, "alone first keeps");
    sinks = osh_event_sinks_attach(fixture->registry, fixture->bus);
    settle();
    g_assert_cmpuint(delivered(fixture), >, 0);
    /* Its plugin is not ready: nothing of it is called. */
    g_assert_cmpuint(kept.sequences->len, ==, 0);
    g_assert_false(kept.resumable);
    osh_told_start(fixture, SOON);
    osh_told_expect_state(fixture, "keeps", OSH_PLUGIN_READY, NULL);
    g_assert_true(kept.resumable);
    osh_told_stop(fixture, SOON);
    flush_bus(fixture);
    g_assert_cmpuint(kept.flushed, ==, 1);
    expect_all(fixture);
}

static void
test_late_ready(OshToldFixture *fixture, gconstpointer data)
{
    g_autoptr(OshEventSinks) sinks = NULL;

    (void)data;
    osh_told_create_all(fixture, "alone keeps");
    sinks = osh_event_sinks_attach(fixture->registry, fixture->bus);
    osh_told.hangs = "keeps";
    osh_registry_start(fixture->registry, g_get_monotonic_time() + 100 * SOON,
                       osh_told_walk_finished, fixture);
    while (osh_told.ready == NULL)
        g_main_context_iteration(NULL, TRUE);
    settle();
    g_assert_cmpuint(kept.sequences->len, ==, 0);
    osh_told.ready(osh_told.data, NULL);
    osh_told_wait_for_walk(fixture, 1);
    flush_bus(fixture);
    expect_all(fixture);
}

static void
test_failed_start(OshToldFixture *fixture, gconstpointer data)
{
    static const char *const topics[] = {OSH_TOPIC_L7_RESPONSE, NULL};
    g_autoptr(OshEventSinks) sinks = NULL;
    OshBusPublisher *publisher = osh_bus_publisher_new(fixture->bus, "test", topics, NULL);
    OshTopic topic = osh_bus_topic(publisher, OSH_TOPIC_L7_RESPONSE);

    (void)data;
    osh_told_create_all(fixture, "alone keeps");
    sinks = osh_event_sinks_attach(fixture->registry, fixture->bus);
    g_assert_true(osh_bus_topic_wanted(publisher, topic));
    osh_told.fails = "keeps";
    osh_told_start(fixture, SOON);
    g_assert_false(osh_bus_topic_wanted(publisher, topic));
    osh_told_expect_state(fixture, "keeps", OSH_PLUGIN_FAILED, "told to fail");
    /* Nobody waits for it any more. */
    flush_bus(fixture);
    g_assert_cmpuint(kept.sequences->len, ==, 0);
    g_assert_cmpuint(kept.flushed, ==, 0);
}

static void
test_never_started(OshToldFixture *fixture, gconstpointer data)
{
    g_autoptr(OshEventSinks) sinks = NULL;

    (void)data;
    osh_told_scan(fixture, "alone keeps");
    osh_told_configure(fixture, "[plugin keeps]\nrequired=true\n", NULL);
    g_assert_true(osh_registry_create_all(fixture->registry, NULL));
    sinks = osh_event_sinks_attach(fixture->registry, fixture->bus);
    /* The run fails before anything starts: what is flushed does not wait for it. */
    osh_told_stop(fixture, SOON);
    flush_bus(fixture);
    g_assert_cmpuint(kept.sequences->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/event-sinks/" name, OshToldFixture, NULL, set_up, function, tear_down)
    ADD("a-sink-gets-every-event-from-the-first-when-it-is-ready", test_from_the_first);
    ADD("one-that-is-ready-late-misses-nothing", test_late_ready);
    ADD("one-that-fails-to-start-is-forgotten", test_failed_start);
    ADD("one-that-never-starts-does-not-hold-up-the-end", test_never_started);
    return g_test_run();
}
