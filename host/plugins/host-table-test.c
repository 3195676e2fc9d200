/* SPDX-License-Identifier: Apache-2.0 */
/* A table of host calls by itself: without a registry and without a plugin. */
#include "host-table.h"

#include <string.h>

typedef struct {
    OshBus *bus;
    OshHostTable *table;
    const OshHost *host;
    OshFaultSeverity severity;
    char *fault;
    guint events;
} Fixture;

static gsize
find_interfaces(gpointer data, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    static const guint32 nothing = sizeof nothing;

    if (!g_str_equal(id, "test.one/1"))
        return 0;
    if (capacity > 0)
        ret_interfaces[0] = (OshInterface){"somebody", &nothing, data};
    return 2;
}

static void
keep_fault(gpointer data, OshFaultSeverity severity, const char *message)
{
    Fixture *fixture = data;

    fixture->severity = severity;
    fixture->fault = g_strdup(message);
}

static const char *
manifest(gpointer data, const char *plugin_id)
{
    g_assert_nonnull(data);
    return g_str_equal(plugin_id, "other") ? "[plugin]" : NULL;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    static const char *const topics[] = {OSH_TOPIC_PROCESS_EXITED, NULL};
    OshHostCalls calls = {
        .plugin_id = "caller",
        .find_interfaces = find_interfaces,
        .manifest = manifest,
        .fault = keep_fault,
        .data = fixture,
    };

    (void)data;
    fixture->bus = osh_bus_new(NULL, NULL, NULL);
    calls.config = g_variant_ref_sink(g_variant_new_parsed("{'key': <5>}"));
    calls.bus = fixture->bus;
    calls.publisher = osh_bus_publisher_new(fixture->bus, "caller", topics, NULL);
    fixture->table = osh_host_table_new(&calls);
    fixture->host = osh_host_table_get(fixture->table);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_variant_unref(osh_host_config(fixture->host));
    osh_host_table_free(fixture->table);
    g_object_unref(fixture->bus);
    g_free(fixture->fault);
}

static void
settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static void
test_says_who(Fixture *fixture, gconstpointer data)
{
    gint32 key = 0;

    (void)data;
    g_assert_cmpstr(fixture->host->plugin_id, ==, "caller");
    g_assert_true(g_variant_lookup(osh_host_config(fixture->host), "key", "i", &key));
    g_assert_cmpint(key, ==, 5);
    g_assert_true(osh_host_bus(fixture->host) == G_OBJECT(fixture->bus));
}

static void
test_interfaces(Fixture *fixture, gconstpointer data)
{
    OshInterface found[2] = {{0}};

    (void)data;
    g_assert_true(osh_host_get_interface(fixture->host, "test.one/1", &found[0]));
    g_assert_cmpstr(found[0].provider, ==, "somebody");
    g_assert_true(found[0].instance == fixture);
    g_assert_false(osh_host_get_interface(fixture->host, "test.two/1", &found[1]));
    g_assert_null(found[1].provider);
    g_assert_cmpuint(osh_host_find_interfaces(fixture->host, "test.one/1", NULL, 0), ==, 2);
    g_assert_cmpstr(osh_host_manifest(fixture->host, "other"), ==, "[plugin]");
    g_assert_null(osh_host_manifest(fixture->host, "nobody"));
}

static void
count(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;

    g_assert_cmpstr(event->source, ==, "caller");
    fixture->events++;
}

/* The table knows as whom it publishes, and what that one may. */
static void
test_events(Fixture *fixture, gconstpointer data)
{
    OshTopic topic = osh_host_topic(fixture->host, OSH_TOPIC_PROCESS_EXITED);
    OshPublication publication = {
        .struct_size = sizeof(publication),
        .topic = topic,
        .payload = g_variant_new("(tuiia{sv})", (guint64)1, 10u, 0, 0, NULL),
    };
    guint64 subscription =
        osh_host_subscribe(fixture->host, OSH_TOPIC_PROCESS_EXITED, count, fixture, NULL);

    (void)data;
    g_assert_cmpuint(topic, !=, 0);
    g_assert_cmpuint(osh_host_topic(fixture->host, OSH_TOPIC_NETWORK_ALLOWED), ==, 0);
    publication.reservation = osh_host_reserve(fixture->host, topic, 0);
    g_assert_cmpuint(osh_host_publish(fixture->host, &publication), !=, 0);
    settle();
    g_assert_cmpuint(fixture->events, ==, 1);
    osh_host_unsubscribe(fixture->host, subscription);
}

/* From any thread; told on the main loop and never inside the call. */
static void
test_fault(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the wheel came off");

    (void)data;
    osh_host_fault(fixture->host, OSH_FAULT_FATAL, error);
    g_assert_null(fixture->fault);
    settle();
    g_assert_cmpstr(fixture->fault, ==, "the wheel came off");
    g_assert_cmpint(fixture->severity, ==, OSH_FAULT_FATAL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/host-table/" name, Fixture, NULL, set_up, function, tear_down)
    ADD("it-says-whose-it-is-and-what-it-is-configured-with", test_says_who);
    ADD("interfaces-are-those-that-it-was-given-a-way-to", test_interfaces);
    ADD("events-are-of-its-plugin-and-of-its-topics", test_events);
    ADD("a-fault-arrives-from-the-main-loop", test_fault);
    return g_test_run();
}
