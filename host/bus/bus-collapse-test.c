/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of bus-collapse.c. */
#include "bus.h"

#define MAX_SEEN 512

typedef struct {
    guint64 id;
    guint64 process_key;
    guint64 connection;
    guint32 count;
} Seen;

typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    OshTopic denied;
    gsize takes; /* how many the required sink takes */
    Seen seen[MAX_SEEN];
    guint n_seen;
    gboolean flushed;
} Fixture;

static gsize
sink_consume(gpointer instance, const OshEvent *const *events G_GNUC_UNUSED, gsize n_events)
{
    return MIN(((const Fixture *)instance)->takes, n_events);
}

static const OshEventSinkInterface sink_vtable = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = sink_consume,
};

static void
record(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;
    Seen *seen = &fixture->seen[fixture->n_seen];
    OshEventNetworkDenied denied = {0};

    g_assert_cmpuint(fixture->n_seen, <, MAX_SEEN);
    fixture->n_seen++;
    seen->id = event->id;
    seen->count = event->count;
    seen->process_key = event->process_key;
    g_assert_true(osh_event_network_denied_unpack(event->payload, &denied));
    seen->connection = denied.connection;
}

static void
fixture_open(Fixture *fixture, const OshBusLimits *limits)
{
    static const char *const topics[] = {OSH_TOPIC_NETWORK_DENIED, NULL};
    const OshInterface sink = {"sink", &sink_vtable, fixture};
    g_autoptr(GError) error = NULL;

    fixture->bus = osh_bus_new(NULL, limits, &error);
    g_assert_no_error(error);
    fixture->publisher = osh_bus_publisher_new(fixture->bus, "network", topics, &error);
    g_assert_no_error(error);
    fixture->denied = osh_bus_topic(fixture->publisher, OSH_TOPIC_NETWORK_DENIED);
    fixture->takes = G_MAXSIZE;
    osh_bus_add_sink(fixture->bus, &sink, TRUE);
    osh_bus_subscribe(fixture->bus, OSH_TOPIC_NETWORK_DENIED, record, fixture, NULL);
}

static guint64
deny(const Fixture *fixture, guint64 process_key, const char *key, guint64 connection)
{
    const OshEventNetworkDenied denied = {
        .connection = connection,
        .layer = "connect",
        .host = "a.example",
        .port = 443,
        .binary = "b",
        .policy = "p",
        .reason = "no-rule",
        .generation = 1,
    };
    const OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = fixture->denied,
        .process_key = process_key,
        .collapse_key = key,
        .payload = osh_event_network_denied_pack(&denied),
    };

    return osh_bus_publish(fixture->publisher, &publication);
}

static void
iterate(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* Until so many events were seen, or three seconds have gone. */
static void
wait_for(const Fixture *fixture, guint n_seen)
{
    gint64 end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;

    while (fixture->n_seen < n_seen && g_get_monotonic_time() < end) {
        iterate();
        g_usleep(5000);
    }
    g_assert_cmpuint(fixture->n_seen, ==, n_seen);
}

static void
flushed(const GError *error, gpointer data)
{
    g_assert_no_error(error);
    ((Fixture *)data)->flushed = TRUE;
}

static void
flush(Fixture *fixture)
{
    fixture->flushed = FALSE;
    g_assert_true(
        osh_bus_flush(fixture->bus, g_get_monotonic_time() + 3 * G_USEC_PER_SEC, flushed, fixture));
    while (!fixture->flushed)
        g_main_context_iteration(NULL, TRUE);
}

static guint64
total(const Fixture *fixture)
{
    guint64 sum = 0;

    for (guint i = 0; i < fixture->n_seen; i++)
        sum += fixture->seen[i].count;
    return sum;
}

static void
test_equal(void)
{
    Fixture fixture = {0};
    OshBusCounters counters;
    guint64 first;
    gint64 start = g_get_monotonic_time();

    fixture_open(&fixture, NULL);
    first = deny(&fixture, 7, "a:443", 100);
    for (guint64 i = 1; i < 100; i++)
        g_assert_cmpuint(deny(&fixture, 7, "a:443", 100 + i), ==, first);
    iterate();
    g_assert_cmpuint(fixture.n_seen, ==, 1);
    g_assert_cmpuint(fixture.seen[0].count, ==, 1);
    wait_for(&fixture, 2);
    g_assert_cmpint(g_get_monotonic_time() - start, >=, G_USEC_PER_SEC);
    g_assert_cmpuint(fixture.seen[1].id, ==, first);
    g_assert_cmpuint(fixture.seen[1].count, ==, 99);
    g_assert_cmpuint(fixture.seen[1].process_key, ==, 7);
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.published, ==, 100);
    g_assert_cmpuint(counters.collapsed, ==, 99);
    g_assert_cmpuint(counters.capacity_used, ==, 0);
    /* The second is over: the next one is a first one again. */
    g_assert_cmpuint(deny(&fixture, 7, "a:443", 1), !=, first);
    iterate();
    g_assert_cmpuint(fixture.n_seen, ==, 3);
    g_assert_finalize_object(fixture.bus);
}

static void
test_different(void)
{
    Fixture fixture = {0};
    g_autofree char *long_key = g_strnfill(100000, 'k');

    fixture_open(&fixture, NULL);
    deny(&fixture, 7, "a:443", 1);
    deny(&fixture, 7, "b:443", 2);
    deny(&fixture, 8, "a:443", 3);
    deny(&fixture, 0, "a:443", 4);
    deny(&fixture, 7, NULL, 5);
    deny(&fixture, 7, NULL, 6);
    deny(&fixture, 7, long_key, 7);
    flush(&fixture);
    g_assert_cmpuint(fixture.n_seen, ==, 7);
    for (guint i = 0; i < 7; i++) {
        g_assert_cmpuint(fixture.seen[i].connection, ==, i + 1);
        g_assert_cmpuint(fixture.seen[i].count, ==, 1);
    }
    g_assert_finalize_object(fixture.bus);
}

static void
test_rate(void)
{
    const OshBusLimits limits = {.denials_per_second = 10};
    Fixture fixture = {0};
    guint64 surplus = 0;

    fixture_open(&fixture, &limits);
    for (guint64 i = 0; i < 1000; i++) {
        g_autofree char *key = g_strdup_printf("host-%" G_GUINT64_FORMAT, i);
        guint64 id = deny(&fixture, 7, key, i);

        if (i == 10)
            surplus = id;
        else if (i > 10)
            g_assert_cmpuint(id, ==, surplus);
    }
    deny(&fixture, 8, "host-0", 5000);
    flush(&fixture);
    g_assert_cmpuint(fixture.n_seen, ==, 12);
    g_assert_cmpuint(fixture.seen[10].process_key, ==, 8);
    g_assert_cmpuint(fixture.seen[11].process_key, ==, 7);
    g_assert_cmpuint(fixture.seen[11].id, ==, surplus);
    g_assert_cmpuint(fixture.seen[11].connection, ==, 10);
    g_assert_cmpuint(fixture.seen[11].count, ==, 990);
    g_assert_finalize_object(fixture.bus);
}

static void
test_overflow(void)
{
    const OshBusLimits limits = {.denials_per_second = 1, .cells = 2};
    Fixture fixture = {0};
    OshBusCounters counters;

    fixture_open(&fixture, &limits);
    for (guint64 key = 1; key <= 5; key++) {
        for (guint i = 0; i < 10; i++)
            g_assert_cmpuint(deny(&fixture, key, NULL, key), !=, 0);
    }
    flush(&fixture);
    g_assert_cmpuint(fixture.n_seen, ==, 8);
    g_assert_cmpuint(fixture.seen[5].count, ==, 9);
    g_assert_cmpuint(fixture.seen[6].count, ==, 9);
    g_assert_cmpuint(fixture.seen[7].count, ==, 27);
    g_assert_cmpuint(fixture.seen[7].process_key, ==, 0);
    g_assert_cmpuint(total(&fixture), ==, 50);
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.published, ==, 50);
    g_assert_cmpuint(counters.dropped, ==, 0);
    /* Cells and the overflow are free again. */
    deny(&fixture, 1, NULL, 1);
    flush(&fixture);
    g_assert_cmpuint(total(&fixture), ==, 51);
    g_assert_finalize_object(fixture.bus);
}

static void
test_no_capacity(void)
{
    const OshBusLimits limits = {.capacity = 64};
    Fixture fixture = {0};
    guint before;

    fixture_open(&fixture, &limits);
    fixture.takes = 0;
    for (guint64 key = 1; key <= 200; key++)
        g_assert_cmpuint(deny(&fixture, key, NULL, key), !=, 0);
    iterate();
    before = fixture.n_seen;
    g_assert_cmpuint(before, <, 64);
    /* Due, and still no capacity: it goes on counting. */
    g_usleep(1100 * 1000);
    iterate();
    g_assert_cmpuint(fixture.n_seen, ==, before);
    g_assert_cmpuint(deny(&fixture, 200, NULL, 200), !=, 0);
    fixture.takes = G_MAXSIZE;
    for (guint i = 0; i < 600 && total(&fixture) < 201; i++) {
        iterate();
        g_usleep(5000);
    }
    g_assert_cmpuint(total(&fixture), ==, 201);
    g_assert_cmpuint(fixture.seen[fixture.n_seen - 1].process_key, ==, 200);
    g_assert_cmpuint(fixture.seen[fixture.n_seen - 1].count, ==, 2);
    g_assert_finalize_object(fixture.bus);
}

static void
test_left_over(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    for (guint64 i = 0; i < 1000; i++)
        deny(&fixture, 1 + i % 3, i % 2 == 0 ? "a" : NULL, i);
    g_assert_finalize_object(fixture.bus);
}

/*
 * Two processes whose numbers meet in the table of what is held: 1, and 31 of a later start, are
 * told apart by more than their hash.
 */
static void
test_processes_that_meet_in_the_table(void)
{
    Fixture fixture = {0};
    const guint64 other = (guint64)31 << 32;

    fixture_open(&fixture, NULL);
    deny(&fixture, 1, "k", 1);
    deny(&fixture, other, "k", 2);
    iterate();
    g_assert_cmpuint(fixture.n_seen, ==, 2);
    g_assert_cmpuint(fixture.seen[0].process_key, ==, 1);
    g_assert_cmpuint(fixture.seen[1].process_key, ==, other);
    g_object_unref(fixture.bus);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-collapse/equal-denials-within-a-second-become-one-with-a-count",
                    test_equal);
    g_test_add_func("/bus-collapse/another-key-process-or-none-is-a-different-denial",
                    test_different);
    g_test_add_func("/bus-collapse/what-goes-beyond-the-rate-is-counted-for-its-process",
                    test_rate);
    g_test_add_func("/bus-collapse/without-a-cell-it-is-counted-for-everybody", test_overflow);
    g_test_add_func("/bus-collapse/without-capacity-it-is-counted-and-written-when-there-is-some",
                    test_no_capacity);
    g_test_add_func("/bus-collapse/a-bus-that-goes-frees-what-it-counted", test_left_over);
    g_test_add_func("/bus-collapse/processes-that-meet-in-the-table-are-told-apart",
                    test_processes_that_meet_in_the_table);
    return g_test_run();
}
