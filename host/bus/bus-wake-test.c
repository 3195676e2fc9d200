/* SPDX-License-Identifier: Apache-2.0 */
/* When events of another thread wake the main thread, and that all of them come. */
#include "bus.h"

#define ATTEMPTS 200
#define SOON     (3 * G_TIME_SPAN_MILLISECOND) /* less than a nap */

typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    GMutex mutex;
    GCond changed;
    GThread *thread;
    const char *topic; /* to publish */
    guint count;       /* of them; 0: done */
    gboolean ending;
} Fixture;

static const char *const topics[] = {OSH_TOPIC_NETWORK_ALLOWED, OSH_TOPIC_NETWORK_DENIED,
                                     OSH_TOPIC_L7_RESPONSE, NULL};

static GVariant *
payload_of(const char *topic, guint number)
{
    g_autofree char *host = g_strdup_printf("h%u.example", number);
    const OshEventNetworkAllowed allowed = {.connection = number, .host = host, .port = 1};
    const OshEventNetworkDenied denied = {.connection = number, .host = host, .port = 1};
    const OshEventL7Response response = {.connection = number};

    if (g_str_equal(topic, OSH_TOPIC_NETWORK_ALLOWED))
        return osh_event_network_allowed_pack(&allowed);
    if (g_str_equal(topic, OSH_TOPIC_NETWORK_DENIED))
        return osh_event_network_denied_pack(&denied);
    return osh_event_l7_response_pack(&response);
}

static void
publish(Fixture *fixture, const char *topic, guint number)
{
    g_autofree char *collapse = g_strdup_printf("%u", number);
    const OshPublication publication = {
        .struct_size = sizeof publication,
        .topic = osh_bus_topic(fixture->publisher, topic),
        .process_key = 1 + number % 64,
        .collapse_key = collapse,
        .payload = payload_of(topic, number),
    };

    g_assert_cmpuint(osh_bus_publish(fixture->publisher, &publication), !=, 0);
}

/* One thread all along, with one queue. */
static gpointer
publishes(gpointer data)
{
    Fixture *fixture = data;
    guint number = 0;

    g_mutex_lock(&fixture->mutex);
    while (!fixture->ending) {
        while (fixture->count > 0) {
            publish(fixture, fixture->topic, number++);
            fixture->count--;
        }
        g_cond_signal(&fixture->changed);
        g_cond_wait(&fixture->changed, &fixture->mutex);
    }
    g_mutex_unlock(&fixture->mutex);
    return NULL;
}

static void
publish_there(Fixture *fixture, const char *topic, guint count)
{
    g_mutex_lock(&fixture->mutex);
    fixture->topic = topic;
    fixture->count = count;
    g_cond_signal(&fixture->changed);
    while (fixture->count > 0)
        g_cond_wait(&fixture->changed, &fixture->mutex);
    g_mutex_unlock(&fixture->mutex);
}

static guint64
delivered(const Fixture *fixture)
{
    OshBusCounters counters;

    osh_bus_get_counters(fixture->bus, &counters);
    g_assert_cmpuint(counters.dropped, ==, 0);
    return counters.delivered;
}

static void
iterate_until(const Fixture *fixture, guint64 count)
{
    gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    while (delivered(fixture) < count && g_get_monotonic_time() < deadline)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(delivered(fixture), ==, count);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    fixture->bus = osh_bus_new(NULL, NULL, &error);
    g_assert_no_error(error);
    fixture->publisher = osh_bus_publisher_new(fixture->bus, "test", topics, &error);
    g_assert_no_error(error);
    g_mutex_init(&fixture->mutex);
    g_cond_init(&fixture->changed);
    fixture->thread = g_thread_new("publishes", publishes, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_mutex_lock(&fixture->mutex);
    fixture->ending = TRUE;
    g_cond_signal(&fixture->changed);
    g_mutex_unlock(&fixture->mutex);
    g_thread_join(fixture->thread);
    g_assert_finalize_object(fixture->bus);
    g_mutex_clear(&fixture->mutex);
    g_cond_clear(&fixture->changed);
}

/* Publishes @count events soon after another one was delivered. */
static void
assert_wakes(Fixture *fixture, const char *topic, guint count, gboolean expected)
{
    guint64 before = delivered(fixture);

    for (guint attempt = 0; attempt < ATTEMPTS; attempt++) {
        gint64 began;
        gboolean woken;

        publish_there(fixture, OSH_TOPIC_L7_RESPONSE, 1);
        iterate_until(fixture, ++before);
        began = g_get_monotonic_time();
        while (g_main_context_pending(NULL) && g_get_monotonic_time() - began < SOON)
            g_main_context_iteration(NULL, FALSE);
        publish_there(fixture, topic, count);
        woken = g_main_context_pending(NULL);
        if (g_get_monotonic_time() - began < SOON) {
            g_assert_cmpint(woken, ==, expected);
            iterate_until(fixture, before + count);
            return;
        }
        before += count;
        iterate_until(fixture, before);
    }
    g_test_skip("the machine is too busy");
}

static void
test_event_that_only_sinks_take_waits_for_the_next_look(Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_wakes(fixture, OSH_TOPIC_L7_RESPONSE, 1, FALSE);
    assert_wakes(fixture, OSH_TOPIC_NETWORK_ALLOWED, 1, FALSE);
}

static void
count_event(const OshEvent *event, gpointer data)
{
    (void)event;
    ++*(guint *)data;
}

static void
test_event_that_is_subscribed_to_wakes(Fixture *fixture, gconstpointer data)
{
    guint seen = 0;

    (void)data;
    osh_bus_subscribe(fixture->bus, OSH_TOPIC_NETWORK_ALLOWED, count_event, &seen, NULL);
    assert_wakes(fixture, OSH_TOPIC_NETWORK_ALLOWED, 1, TRUE);
    g_assert_cmpuint(seen, >, 0);
}

static void
test_denial_wakes(Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_wakes(fixture, OSH_TOPIC_NETWORK_DENIED, 1, TRUE);
}

static void
test_many_events_wake(Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_wakes(fixture, OSH_TOPIC_NETWORK_ALLOWED, 300, TRUE);
}

static void
test_first_event_after_a_pause_wakes(Fixture *fixture, gconstpointer data)
{
    gint64 end;

    (void)data;
    publish_there(fixture, OSH_TOPIC_L7_RESPONSE, 1);
    iterate_until(fixture, 1);
    end = g_get_monotonic_time() + 50 * G_TIME_SPAN_MILLISECOND;
    while (g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, FALSE);
    g_assert_false(g_main_context_pending(NULL));
    publish_there(fixture, OSH_TOPIC_L7_RESPONSE, 1);
    g_assert_true(g_main_context_pending(NULL));
    iterate_until(fixture, 2);
}

/* With pauses of all lengths around that of a nap: nothing stays in the queue. */
static void
test_no_event_is_forgotten(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    (void)data;
    for (guint64 i = 1; i <= 300; i++) {
        publish_there(fixture, OSH_TOPIC_NETWORK_ALLOWED, 1);
        iterate_until(fixture, i);
        g_usleep((gulong)g_rand_int_range(random, 0, 7000));
        if (g_rand_boolean(random))
            g_main_context_iteration(NULL, FALSE);
    }
}

static void
add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/bus/wake/an-event-that-only-sinks-take-waits-for-the-next-look",
        test_event_that_only_sinks_take_waits_for_the_next_look);
    add("/bus/wake/an-event-that-is-subscribed-to-wakes", test_event_that_is_subscribed_to_wakes);
    add("/bus/wake/a-denial-wakes", test_denial_wakes);
    add("/bus/wake/many-events-wake", test_many_events_wake);
    add("/bus/wake/the-first-event-after-a-pause-wakes", test_first_event_after_a_pause_wakes);
    add("/bus/wake/no-event-is-forgotten", test_no_event_is_forgotten);
    return g_test_run();
}
