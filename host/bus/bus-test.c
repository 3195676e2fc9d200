/* SPDX-License-Identifier: Apache-2.0 */
/* The bus as its publishers and subscribers see it: delivery, order, retained values, refusal. */
#include "bus.h"

#include <string.h>

typedef struct {
    OshBus *bus;
    OshBusPublisher *publisher;
    GString *log; /* one letter or word for each thing that happened */
    GArray *events;
    guint64 subscription;
} Fixture;

typedef struct {
    char topic[64];
    guint64 id;
    guint64 sequence;
    guint32 count;
    guint64 first; /* of the payload, where it is a number */
} Seen;

static const char *const topics[] = {
    OSH_TOPIC_PLUGIN_STATE,   OSH_TOPIC_PROCESS_STARTED,
    OSH_TOPIC_PROCESS_EXITED, OSH_TOPIC_NETWORK_ALLOWED,
    OSH_TOPIC_NETWORK_DENIED, OSH_TOPIC_L7_RESPONSE,
    OSH_TOPIC_HOST_STOPPING,  NULL,
};

static void
fixture_open(Fixture *fixture, const OshBusLimits *limits)
{
    g_autoptr(GError) error = NULL;

    fixture->bus = osh_bus_new(NULL, limits, &error);
    g_assert_no_error(error);
    fixture->publisher = osh_bus_publisher_new(fixture->bus, "test", topics, &error);
    g_assert_no_error(error);
    fixture->log = g_string_new(NULL);
    fixture->events = g_array_new(FALSE, FALSE, sizeof(Seen));
}

static void
fixture_close(Fixture *fixture)
{
    g_assert_finalize_object(fixture->bus);
    g_string_free(fixture->log, TRUE);
    g_array_unref(fixture->events);
}

static void
iterate(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static void
record(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;
    Seen seen = {.id = event->id, .sequence = event->sequence, .count = event->count};

    g_strlcpy(seen.topic, event->topic, sizeof(seen.topic));
    if (g_variant_type_equal(g_variant_type_first(g_variant_get_type(event->payload)),
                             G_VARIANT_TYPE_UINT64))
        g_variant_get_child(event->payload, 0, "t", &seen.first);
    g_array_append_val(fixture->events, seen);
}

static const Seen *
seen(const Fixture *fixture, guint index)
{
    g_assert_cmpuint(index, <, fixture->events->len);
    return &g_array_index(fixture->events, Seen, index);
}

static guint64
publish(Fixture *fixture, const char *topic, GVariant *payload)
{
    OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = osh_bus_topic(fixture->publisher, topic),
        .payload = payload,
    };

    return osh_bus_publish(fixture->publisher, &publication);
}

static guint64
publish_response(Fixture *fixture, guint64 number)
{
    const OshEventL7Response response = {
        .connection = number, .message = number, .status = 200, .bytes = number};

    return publish(fixture, OSH_TOPIC_L7_RESPONSE, osh_event_l7_response_pack(&response));
}

static guint64
publish_started(Fixture *fixture, guint64 process)
{
    const OshEventProcessStarted started = {
        .process = process, .pid = 10, .start_time = 20, .kind = "session", .path = "/bin/sh"};

    return publish(fixture, OSH_TOPIC_PROCESS_STARTED, osh_event_process_started_pack(&started));
}

static guint64
publish_exited(Fixture *fixture, guint64 process)
{
    const OshEventProcessExited exited = {.process = process, .pid = 10};

    return publish(fixture, OSH_TOPIC_PROCESS_EXITED, osh_event_process_exited_pack(&exited));
}

static void
on_signal(OshBus *bus, const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;

    g_assert_true(bus == fixture->bus);
    g_string_append_printf(fixture->log, "signal %s;", event->topic);
}

static void
test_delivery(void)
{
    Fixture fixture = {0};
    guint64 id;

    fixture_open(&fixture, NULL);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_L7_RESPONSE, record, &fixture, NULL);
    g_signal_connect(fixture.bus, "event::" OSH_TOPIC_L7_RESPONSE, G_CALLBACK(on_signal), &fixture);
    id = publish_response(&fixture, 7);
    g_assert_cmpuint(id, !=, 0);
    g_assert_cmpuint(fixture.events->len, ==, 0);
    publish_exited(&fixture, 1);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 1);
    g_assert_cmpuint(seen(&fixture, 0)->id, ==, id);
    g_assert_cmpuint(seen(&fixture, 0)->first, ==, 7);
    g_assert_cmpuint(seen(&fixture, 0)->count, ==, 1);
    g_assert_cmpstr(fixture.log->str, ==, "signal " OSH_TOPIC_L7_RESPONSE ";");
    fixture_close(&fixture);
}

static void
test_patterns(void)
{
    Fixture fixture = {0};
    guint64 all;

    fixture_open(&fixture, NULL);
    all = osh_bus_subscribe(fixture.bus, "*", record, &fixture, NULL);
    osh_bus_subscribe(fixture.bus, "openshell.process.*", record, &fixture, NULL);
    osh_bus_subscribe(fixture.bus, "openshell.process", record, &fixture, NULL);
    publish_exited(&fixture, 1);
    publish_response(&fixture, 2);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 3);
    osh_bus_unsubscribe(fixture.bus, all);
    publish_exited(&fixture, 3);
    publish_response(&fixture, 4);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 4);
    fixture_close(&fixture);
}

static void
test_wanted(void)
{
    Fixture fixture = {0};
    OshTopic response;
    guint64 subscription;
    gulong handler;

    fixture_open(&fixture, NULL);
    response = osh_bus_topic(fixture.publisher, OSH_TOPIC_L7_RESPONSE);
    g_assert_false(osh_bus_topic_wanted(fixture.publisher, response));
    g_assert_false(osh_bus_topic_wanted(fixture.publisher, 0));
    g_assert_true(osh_bus_topic_wanted(
        fixture.publisher, osh_bus_topic(fixture.publisher, OSH_TOPIC_PROCESS_STARTED)));
    subscription = osh_bus_subscribe(fixture.bus, "openshell.l7.*", record, &fixture, NULL);
    g_assert_true(osh_bus_topic_wanted(fixture.publisher, response));
    osh_bus_unsubscribe(fixture.bus, subscription);
    g_assert_false(osh_bus_topic_wanted(fixture.publisher, response));
    handler = g_signal_connect(fixture.bus, "event::" OSH_TOPIC_L7_RESPONSE, G_CALLBACK(on_signal),
                               &fixture);
    g_assert_true(osh_bus_topic_wanted(fixture.publisher, response));
    g_signal_handler_disconnect(fixture.bus, handler);
    g_assert_false(osh_bus_topic_wanted(fixture.publisher, response));
    fixture_close(&fixture);
}

static void
publish_again(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;
    OshEventL7Response response = {0};

    g_assert_true(osh_event_l7_response_unpack(event->payload, &response));
    g_string_append_printf(fixture->log, "[%" G_GUINT64_FORMAT, response.connection);
    if (response.connection < 3)
        publish_response(fixture, response.connection + 1);
    /* A loop inside a handler must not deliver what was just published. */
    g_main_context_iteration(NULL, FALSE);
    g_string_append_c(fixture->log, ']');
}

static void
test_reentry(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_L7_RESPONSE, publish_again, &fixture, NULL);
    publish_response(&fixture, 1);
    iterate();
    g_assert_cmpstr(fixture.log->str, ==, "[1][2][3]");
    fixture_close(&fixture);
}

static void
test_retained(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    publish_started(&fixture, 1);
    publish_started(&fixture, 2);
    publish_started(&fixture, 3);
    publish_exited(&fixture, 2);
    publish_started(&fixture, 1);
    iterate();
    osh_bus_subscribe(fixture.bus, "openshell.process.*", record, &fixture, NULL);
    publish_started(&fixture, 9);
    g_assert_cmpuint(fixture.events->len, ==, 0);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 3);
    g_assert_cmpuint(seen(&fixture, 0)->first, ==, 3);
    g_assert_cmpuint(seen(&fixture, 1)->first, ==, 1);
    g_assert_cmpuint(seen(&fixture, 2)->first, ==, 9);
    g_assert_cmpuint(seen(&fixture, 1)->sequence, ==, 5);
    fixture_close(&fixture);
}

static void
subscribe_late(const OshEvent *event G_GNUC_UNUSED, gpointer data)
{
    Fixture *fixture = data;

    if (fixture->subscription == 0)
        fixture->subscription =
            osh_bus_subscribe(fixture->bus, OSH_TOPIC_PROCESS_STARTED, record, fixture, NULL);
}

static void
test_retained_in_handler(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_PROCESS_STARTED, subscribe_late, &fixture, NULL);
    publish_started(&fixture, 1);
    publish_started(&fixture, 2);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 2);
    g_assert_cmpuint(seen(&fixture, 0)->first, ==, 1);
    g_assert_cmpuint(seen(&fixture, 1)->first, ==, 2);
    fixture_close(&fixture);
}

typedef struct {
    const char *name;
    const char *topic;
    const char *payload; /* GVariant text */
    const char *blame;
} Refusal;

static const Refusal refusals[] = {
    {"undeclared-topic", OSH_TOPIC_HOST_STARTED, "('a', 'b', @a{sv} {})", "does not name"},
    {"wrong-type", OSH_TOPIC_HOST_STOPPING, "('a', 'b', @a{sv} {})", "wrong type"},
    {"not-a-tuple", OSH_TOPIC_HOST_STOPPING, "'a'", "wrong type"},
    {"no-payload", OSH_TOPIC_HOST_STOPPING, NULL, "without a payload"},
};

static void
check_blame(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;
    OshEventPluginFault fault = {0};

    g_assert_true(osh_event_plugin_fault_unpack(event->payload, &fault));
    g_assert_cmpstr(event->source, ==, "host");
    g_assert_cmpstr(fault.id, ==, "test");
    g_assert_cmpstr(fault.severity, ==, "degraded");
    g_string_append(fixture->log, fault.text);
}

static void
test_refused(gconstpointer data)
{
    const Refusal *refusal = data;
    Fixture fixture = {0};
    OshBusCounters counters;

    fixture_open(&fixture, NULL);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_PLUGIN_FAULT, check_blame, &fixture, NULL);
    osh_bus_subscribe(fixture.bus, refusal->topic, record, &fixture, NULL);
    for (guint i = 0; i < 100; i++) {
        GVariant *payload = refusal->payload != NULL
                                ? g_variant_parse(NULL, refusal->payload, NULL, NULL, NULL)
                                : NULL;

        g_assert_cmpuint(publish(&fixture, refusal->topic, payload), ==, 0);
    }
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 0);
    g_assert_nonnull(strstr(fixture.log->str, refusal->blame));
    g_assert_nonnull(strstr(fixture.log->str, "refused 100 of its calls"));
    /* What was told is not told again: the next second has its own count. */
    g_string_truncate(fixture.log, 0);
    g_assert_cmpuint(publish(&fixture, refusal->topic, NULL), ==, 0);
    while (fixture.log->len == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_nonnull(strstr(fixture.log->str, "refused 1 of its calls"));
    osh_bus_get_counters(fixture.bus, &counters);
    g_assert_cmpuint(counters.refused, ==, 101);
    fixture_close(&fixture);
}

typedef struct {
    const char *name;
    OshTopicDeclaration declaration;
    int code; /* -1: accepted */
} Declaration;

static const Declaration declarations[] = {
    {"good", {"com.example.a/1", "(sa{sv})", OSH_EVENT_SAMPLED, TRUE, NULL}, -1},
    {"ends-another",
     {"com.example.b/1", "(ta{sv})", OSH_EVENT_LOSSLESS, FALSE, OSH_TOPIC_PROCESS_STARTED},
     -1},
    {"twice", {OSH_TOPIC_L7_RESPONSE, "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_BUSY},
    {"no-revision",
     {"com.example.a", "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, NULL},
     OSH_ERROR_INVALID},
    {"strange-name",
     {"com example/1", "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, NULL},
     OSH_ERROR_INVALID},
    {"no-name", {"/1", "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"no-number", {"a.b/", "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"no-capacity-to-grow", {"a.b/1", "(ts)", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"no-tuple", {"a.b/1", "a{sv}", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"indefinite", {"a.b/1", "(*a{sv})", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"no-type", {"a.b/1", "(", OSH_EVENT_SAMPLED, FALSE, NULL}, OSH_ERROR_INVALID},
    {"key-not-basic", {"a.b/1", "(asa{sv})", OSH_EVENT_SAMPLED, TRUE, NULL}, OSH_ERROR_INVALID},
    {"no-class", {"a.b/1", "(ta{sv})", 0, FALSE, NULL}, OSH_ERROR_INVALID},
    {"ends-nothing", {"a.b/1", "(ta{sv})", OSH_EVENT_SAMPLED, FALSE, "c.d/1"}, OSH_ERROR_INVALID},
    {"ends-another-key",
     {"a.b/1", "(sa{sv})", OSH_EVENT_SAMPLED, FALSE, OSH_TOPIC_PROCESS_STARTED},
     OSH_ERROR_INVALID},
};

static void
test_declare(gconstpointer data)
{
    const Declaration *row = data;
    Fixture fixture = {0};
    g_autoptr(GError) error = NULL;

    fixture_open(&fixture, NULL);
    g_assert_cmpint(osh_bus_declare_topic(fixture.bus, &row->declaration, &error), ==,
                    row->code < 0);
    if (row->code >= 0)
        g_assert_error(error, OSH_ERROR, row->code);
    fixture_close(&fixture);
}

#define THREADS    4
#define PER_THREAD 20000

typedef struct {
    Fixture *fixture;
    guint64 number;
} Producer;

static gpointer
producer_main(gpointer data)
{
    Producer *producer = data;

    for (guint64 i = 0; i < PER_THREAD; i++) {
        const OshEventL7Response response = {.connection = producer->number, .message = i};

        g_assert_cmpuint(publish(producer->fixture, OSH_TOPIC_L7_RESPONSE,
                                 osh_event_l7_response_pack(&response)),
                         !=, 0);
    }
    return NULL;
}

typedef struct {
    guint64 next[THREADS];
    guint64 sequence;
    guint received;
} Order;

static void
check_order(const OshEvent *event, gpointer data)
{
    Order *order = data;
    OshEventL7Response response = {0};

    g_assert_true(osh_event_l7_response_unpack(event->payload, &response));
    g_assert_cmpuint(response.message, ==, order->next[response.connection]);
    order->next[response.connection]++;
    g_assert_cmpuint(event->sequence, ==, order->sequence + 1);
    order->sequence = event->sequence;
    order->received++;
}

static void
test_threads(void)
{
    const OshBusLimits limits = {.sampled = PER_THREAD};
    Fixture fixture = {0};
    Order order = {0};
    Producer producers[THREADS];
    GThread *threads[THREADS];

    fixture_open(&fixture, &limits);
    osh_bus_subscribe(fixture.bus, "*", check_order, &order, NULL);
    for (guint i = 0; i < THREADS; i++) {
        producers[i] = (Producer){&fixture, i};
        threads[i] = g_thread_new("producer", producer_main, &producers[i]);
    }
    while (order.received < THREADS * PER_THREAD)
        g_main_context_iteration(NULL, TRUE);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    fixture_close(&fixture);
}

static void
check_dropped(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;
    OshEventBusDropped dropped = {0};

    g_assert_true(osh_event_bus_dropped_unpack(event->payload, &dropped));
    g_string_append_printf(fixture->log, "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT ";",
                           dropped.topic, dropped.count, dropped.first);
}

static void
test_sampled(void)
{
    const OshBusLimits limits = {.sampled = 100};
    Fixture fixture = {0};
    g_autofree char *expected = NULL;
    guint64 first;

    fixture_open(&fixture, &limits);
    osh_bus_subscribe(fixture.bus, "openshell.l7.*", record, &fixture, NULL);
    osh_bus_subscribe(fixture.bus, "openshell.process.*", record, &fixture, NULL);
    osh_bus_subscribe(fixture.bus, OSH_TOPIC_BUS_DROPPED, check_dropped, &fixture, NULL);
    publish_started(&fixture, 1000);
    first = publish_response(&fixture, 0);
    for (guint64 i = 1; i < 350; i++)
        publish_response(&fixture, i);
    publish_exited(&fixture, 1000);
    iterate();
    g_assert_cmpuint(fixture.events->len, ==, 102);
    g_assert_cmpuint(seen(&fixture, 0)->first, ==, 1000);
    g_assert_cmpuint(seen(&fixture, 1)->first, ==, 250);
    g_assert_cmpuint(seen(&fixture, 100)->first, ==, 349);
    g_assert_cmpuint(seen(&fixture, 101)->first, ==, 1000);
    expected = g_strdup_printf(OSH_TOPIC_L7_RESPONSE " 250 %" G_GUINT64_FORMAT ";", first);
    g_assert_cmpstr(fixture.log->str, ==, expected);
    fixture_close(&fixture);
}

static void
note_call(gpointer data)
{
    g_string_append_c(((Fixture *)data)->log, 'c');
}

static void
note_destroy(gpointer data)
{
    g_string_append_c(((Fixture *)data)->log, 'd');
}

static void
test_invoke(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    osh_bus_invoke(fixture.bus, note_call, &fixture, note_destroy);
    osh_bus_invoke(fixture.bus, note_call, &fixture, NULL);
    g_assert_cmpstr(fixture.log->str, ==, "");
    iterate();
    g_assert_cmpstr(fixture.log->str, ==, "cdc");
    osh_bus_invoke(fixture.bus, note_call, &fixture, note_destroy);
    g_assert_finalize_object(g_steal_pointer(&fixture.bus));
    g_assert_cmpstr(fixture.log->str, ==, "cdcd");
    g_string_free(fixture.log, TRUE);
    g_array_unref(fixture.events);
}

static void
end_itself(const OshEvent *event G_GNUC_UNUSED, gpointer data)
{
    Fixture *fixture = data;

    g_string_append_c(fixture->log, 'e');
    osh_bus_unsubscribe(fixture->bus, fixture->subscription);
}

static void
test_unsubscribe(void)
{
    Fixture fixture = {0};

    fixture_open(&fixture, NULL);
    fixture.subscription = osh_bus_subscribe(fixture.bus, "*", end_itself, &fixture, note_destroy);
    publish_response(&fixture, 1);
    publish_response(&fixture, 2);
    iterate();
    g_assert_cmpstr(fixture.log->str, ==, "ed");
    fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/an-event-reaches-subscribers-and-the-signal-from-the-loop",
                    test_delivery);
    g_test_add_func("/bus/a-pattern-is-a-name-or-a-prefix", test_patterns);
    g_test_add_func("/bus/a-topic-is-wanted-while-somebody-listens-or-it-is-retained", test_wanted);
    g_test_add_func("/bus/a-handler-that-publishes-is-queued", test_reentry);
    g_test_add_func("/bus/a-late-subscriber-gets-what-is-retained-first-and-in-order",
                    test_retained);
    g_test_add_func("/bus/a-handler-that-subscribes-sees-each-event-once",
                    test_retained_in_handler);
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/bus/refused-and-blamed/%s", refusals[i].name);

        g_test_add_data_func(path, &refusals[i], test_refused);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(declarations); i++) {
        g_autofree char *path = g_strdup_printf("/bus/declare/%s", declarations[i].name);

        g_test_add_data_func(path, &declarations[i], test_declare);
    }
    g_test_add_func("/bus/order-of-each-thread-holds-and-sequences-have-no-gap", test_threads);
    g_test_add_func("/bus/sampled-events-lose-the-oldest-and-the-loss-is-announced", test_sampled);
    g_test_add_func("/bus/invoke-calls-from-the-loop-and-destroys-when-the-bus-goes", test_invoke);
    g_test_add_func("/bus/a-subscription-that-ends-itself-is-not-called-again", test_unsubscribe);
    return g_test_run();
}
