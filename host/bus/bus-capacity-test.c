/* SPDX-License-Identifier: Apache-2.0 */
/* Capacity on the bus: reservations, quotas, and who waits. */
#include "bus.h"

/* Small enough to count in: denials end at 192, reservations at 240; a plugin leaves 32 to others.
 */
#define CAPACITY 256

typedef struct {
    OshBus *bus;
    OshBusPublisher *network;
    OshBusPublisher *process;
    OshTopic allowed;
    OshTopic denied;
    OshTopic exited;
    guint told;
    gsize takes; /* how many the sink takes of each batch */
    guint received;
} Fixture;

static gsize
sink_consume(gpointer instance, const OshEvent *const *events G_GNUC_UNUSED, gsize n_events)
{
    const Fixture *fixture = instance;

    return MIN(fixture->takes, n_events);
}

static const OshEventSinkInterface sink_vtable = {
    .struct_size = sizeof(OshEventSinkInterface),
    .consume = sink_consume,
};

static void
fixture_open(Fixture *fixture)
{
    static const char *const topics[] = {OSH_TOPIC_NETWORK_ALLOWED, OSH_TOPIC_NETWORK_DENIED,
                                         OSH_TOPIC_PROCESS_EXITED, NULL};
    const OshBusLimits limits = {.capacity = CAPACITY};
    const OshInterface sink = {"sink", &sink_vtable, fixture};
    g_autoptr(GError) error = NULL;

    fixture->bus = osh_bus_new(NULL, &limits, &error);
    g_assert_no_error(error);
    fixture->network = osh_bus_publisher_new(fixture->bus, "network", topics, &error);
    g_assert_no_error(error);
    fixture->process = osh_bus_publisher_new(fixture->bus, "process", topics, &error);
    g_assert_no_error(error);
    fixture->allowed = osh_bus_topic(fixture->network, OSH_TOPIC_NETWORK_ALLOWED);
    fixture->denied = osh_bus_topic(fixture->network, OSH_TOPIC_NETWORK_DENIED);
    fixture->exited = osh_bus_topic(fixture->network, OSH_TOPIC_PROCESS_EXITED);
    fixture->takes = G_MAXSIZE;
    osh_bus_add_sink(fixture->bus, &sink, TRUE);
}

static void
iterate(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static guint64
capacity_used(const Fixture *fixture)
{
    OshBusCounters counters;

    osh_bus_get_counters(fixture->bus, &counters);
    return counters.capacity_used;
}

static guint64
publish_allowed(Fixture *fixture, guint64 reservation, guint64 process_key)
{
    const OshEventNetworkAllowed allowed = {
        .connection = 1,
        .host = "a.example",
        .port = 443,
        .transport = "connect",
        .binary = "b",
        .policy = "p",
        .rule = "r",
        .generation = 1,
    };
    const OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = fixture->allowed,
        .reservation = reservation,
        .process_key = process_key,
        .payload = osh_event_network_allowed_pack(&allowed),
    };

    return osh_bus_publish(fixture->network, &publication);
}

static guint64
publish_denied(Fixture *fixture, guint64 process_key)
{
    const OshEventNetworkDenied denied = {
        .connection = 1,
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
        .payload = osh_event_network_denied_pack(&denied),
    };

    return osh_bus_publish(fixture->network, &publication);
}

static guint64
publish_exited(Fixture *fixture, guint64 process_key)
{
    const OshEventProcessExited exited = {.process = process_key, .pid = 10};
    const OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = fixture->exited,
        .process_key = process_key,
        .payload = osh_event_process_exited_pack(&exited),
    };

    return osh_bus_publish(fixture->process, &publication);
}

static guint
reserve_all(const Fixture *fixture, OshBusPublisher *publisher, guint64 process_key)
{
    guint reserved = 0;

    while (osh_bus_reserve(publisher, fixture->allowed, process_key) != 0)
        reserved++;
    return reserved;
}

static void
note_capacity(gpointer data)
{
    ((Fixture *)data)->told++;
}

static void
note_event(const OshEvent *event G_GNUC_UNUSED, gpointer data)
{
    ((Fixture *)data)->received++;
}

static void
test_spend(void)
{
    Fixture fixture = {0};
    guint64 reservation;

    fixture_open(&fixture);
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    g_assert_cmpuint(reservation, !=, 0);
    g_assert_cmpuint(capacity_used(&fixture), ==, 1);
    g_assert_cmpuint(publish_allowed(&fixture, reservation, 7), !=, 0);
    g_assert_cmpuint(capacity_used(&fixture), ==, 1);
    iterate();
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    osh_bus_unreserve(fixture.network, reservation);
    g_assert_cmpuint(capacity_used(&fixture), ==, 0);
    osh_bus_unreserve(fixture.network, 0);
    g_assert_finalize_object(fixture.bus);
}

static void
test_misuse(void)
{
    Fixture fixture = {0};
    OshBusCounters counters;
    guint64 reservation;

    fixture_open(&fixture);
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    osh_bus_unreserve(fixture.process, reservation);
    g_assert_cmpuint(capacity_used(&fixture), ==, 1);
    osh_bus_unreserve(fixture.network, reservation);
    osh_bus_unreserve(fixture.network, reservation);
    g_assert_cmpuint(publish_allowed(&fixture, reservation, 7), ==, 0);
    g_assert_cmpuint(osh_bus_reserve(fixture.network, fixture.denied, 7), ==, 0);
    g_assert_cmpuint(osh_bus_reserve(fixture.network, 0, 7), ==, 0);
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.refused, ==, 5);
    g_assert_cmpuint(counters.capacity_used, ==, 0);
    g_assert_finalize_object(fixture.bus);
}

/* The place of an old reservation may be that of a new one, which is another's to spend. */
static void
test_old_reservation_in_a_new_place(void)
{
    Fixture fixture = {0};
    OshBusCounters counters;
    guint64 old, now;

    fixture_open(&fixture);
    old = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    osh_bus_unreserve(fixture.network, old);
    now = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    g_assert_cmpuint(now & G_MAXUINT32, ==, old & G_MAXUINT32);
    g_assert_cmpuint(publish_allowed(&fixture, old, 7), ==, 0);
    osh_bus_unreserve(fixture.network, old);
    g_assert_cmpuint(capacity_used(&fixture), ==, 1);
    g_assert_cmpuint(publish_allowed(&fixture, now, 7), !=, 0);
    iterate();
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.refused, ==, 2);
    g_assert_cmpuint(counters.capacity_used, ==, 0);
    g_assert_finalize_object(fixture.bus);
}

static void
test_spent_on_another_topic(void)
{
    Fixture fixture = {0};
    OshBusCounters counters;
    guint64 reservation;
    const OshEventProcessExited exited = {.process = 7, .pid = 10};
    OshPublication publication = {.struct_size = sizeof(publication), .process_key = 7};

    fixture_open(&fixture);
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    publication.topic = fixture.exited;
    publication.reservation = reservation;
    publication.payload = osh_event_process_exited_pack(&exited);
    g_assert_cmpuint(osh_bus_publish(fixture.network, &publication), ==, 0);
    iterate();
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.refused, ==, 1);
    g_assert_cmpuint(counters.capacity_used, ==, 0);
    /* It is spent all the same. */
    g_assert_cmpuint(publish_allowed(&fixture, reservation, 7), ==, 0);
    iterate();
    g_assert_finalize_object(fixture.bus);
}

static void
test_sink_keeps_capacity(void)
{
    Fixture fixture = {0};
    guint64 reservation;

    fixture_open(&fixture);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_NETWORK_ALLOWED, note_event, &fixture, NULL);
    fixture.takes = 0;
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    g_assert_cmpuint(publish_allowed(&fixture, reservation, 7), !=, 0);
    iterate();
    g_assert_cmpuint(fixture.received, ==, 1);
    g_assert_cmpuint(capacity_used(&fixture), ==, 1);
    g_assert_cmpuint(osh_bus_reserve(fixture.network, fixture.allowed, 8), ==, 0);
    g_assert_finalize_object(fixture.bus);
}

static void
test_on_capacity(void)
{
    Fixture fixture = {0};
    guint64 first;

    fixture_open(&fixture);
    first = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    reserve_all(&fixture, fixture.network, 7);
    osh_bus_on_capacity(fixture.network, fixture.allowed, note_capacity, &fixture);
    osh_bus_on_capacity(fixture.network, fixture.allowed, note_capacity, &fixture);
    iterate();
    g_assert_cmpuint(fixture.told, ==, 0);
    osh_bus_unreserve(fixture.network, first);
    g_assert_cmpuint(fixture.told, ==, 0);
    iterate();
    g_assert_cmpuint(fixture.told, ==, 2);
    first = osh_bus_reserve(fixture.network, fixture.allowed, 7);
    g_assert_cmpuint(first, !=, 0);
    /* Given back between the refusal and the wait. */
    g_assert_cmpuint(osh_bus_reserve(fixture.network, fixture.allowed, 7), ==, 0);
    osh_bus_unreserve(fixture.network, first);
    osh_bus_on_capacity(fixture.network, fixture.allowed, note_capacity, &fixture);
    iterate();
    g_assert_cmpuint(fixture.told, ==, 3);
    g_assert_finalize_object(fixture.bus);
}

static void
test_process_quota(void)
{
    Fixture fixture = {0};
    guint last = G_MAXUINT;

    fixture_open(&fixture);
    g_assert_cmpuint(reserve_all(&fixture, fixture.network, 1), <=, 240 / 8);
    for (guint64 key = 2; key <= 20; key++) {
        guint got = reserve_all(&fixture, fixture.network, key);

        g_assert_cmpuint(got, >, 0);
        g_assert_cmpuint(got, <=, last);
        last = got;
    }
    g_assert_finalize_object(fixture.bus);
}

static void
test_plugin_quota(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture);
    g_assert_cmpuint(reserve_all(&fixture, fixture.network, 0), ==, 208);
    g_assert_cmpuint(reserve_all(&fixture, fixture.process, 0), ==, 32);
    g_assert_cmpuint(publish_exited(&fixture, 9), !=, 0);
    g_assert_finalize_object(fixture.bus);
}

static void
test_only_publisher(void)
{
    Fixture fixture = {0};
    guint reserved = 0;

    fixture_open(&fixture);
    for (guint64 key = 1; key <= 40; key++)
        reserved += reserve_all(&fixture, fixture.network, key);
    g_assert_cmpuint(reserved, >, CAPACITY * 3 / 4);
    g_assert_finalize_object(fixture.bus);
}

static void
test_flooder(void)
{
    Fixture fixture = {0};
    guint64 reservation;

    fixture_open(&fixture);
    for (guint i = 0; i < 10000; i++)
        g_assert_cmpuint(publish_denied(&fixture, 1), !=, 0);
    g_assert_cmpuint(capacity_used(&fixture), <=, 192 / 8);
    /* Even with a process for each: the allows of the same plugin still have their part. */
    for (guint64 key = 2; key < 2000; key++)
        g_assert_cmpuint(publish_denied(&fixture, key), !=, 0);
    g_assert_cmpuint(capacity_used(&fixture), ==, 160);
    reservation = osh_bus_reserve(fixture.network, fixture.allowed, 5000);
    g_assert_cmpuint(reservation, !=, 0);
    g_assert_cmpuint(publish_allowed(&fixture, reservation, 5000), !=, 0);
    for (guint i = 0; i < 8; i++)
        g_assert_cmpuint(publish_exited(&fixture, 6000), !=, 0);
    g_assert_finalize_object(fixture.bus);
}

static void
test_life_reserve(void)
{
    Fixture fixture = {0};
    guint lives = 0;

    fixture_open(&fixture);
    reserve_all(&fixture, fixture.network, 0);
    reserve_all(&fixture, fixture.process, 0);
    while (lives < CAPACITY && publish_exited(&fixture, 100 + lives) != 0)
        lives++;
    g_assert_cmpuint(lives, ==, CAPACITY - 240);
    g_assert_finalize_object(fixture.bus);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-capacity/publishing-spends-a-reservation-and-unreserve-returns-it",
                    test_spend);
    g_test_add_func("/bus-capacity/a-reservation-of-somebody-else-or-twice-is-refused",
                    test_misuse);
    g_test_add_func("/bus-capacity/an-old-reservation-is-none-though-its-place-is-taken-again",
                    test_old_reservation_in_a_new_place);
    g_test_add_func("/bus-capacity/a-reservation-for-one-topic-is-none-for-another",
                    test_spent_on_another_topic);
    g_test_add_func("/bus-capacity/an-event-holds-its-capacity-until-the-required-sink-took-it",
                    test_sink_keeps_capacity);
    g_test_add_func("/bus-capacity/who-waits-for-capacity-is-told-once-from-the-loop",
                    test_on_capacity);
    g_test_add_func("/bus-capacity/one-process-never-takes-all-and-a-newcomer-finds-capacity",
                    test_process_quota);
    g_test_add_func("/bus-capacity/one-plugin-leaves-capacity-to-the-others", test_plugin_quota);
    g_test_add_func("/bus-capacity/the-only-publisher-may-use-most-of-the-capacity",
                    test_only_publisher);
    g_test_add_func("/bus-capacity/a-flooder-of-denials-leaves-allows-and-process-life-alone",
                    test_flooder);
    g_test_add_func("/bus-capacity/process-life-has-capacity-that-reservations-cannot-take",
                    test_life_reserve);
    return g_test_run();
}
