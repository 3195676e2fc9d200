/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of tests keeps what a plugin does, and is as strict as the host.
 */
#include "osh-fake-host.h"

static const char manifest[] = "[plugin]\n"
                               "id=com.example.test\n"
                               "publishes=openshell.network.denied/1\n"
                               "[topic com.example.test.seen/1]\n"
                               "type=(sa{sv})\n"
                               "class=lossless\n"
                               "[config word]\n"
                               "type=string\n"
                               "default=hello\n"
                               "[config count]\n"
                               "type=integer\n"
                               "default=3\n";

static GVariant *
seen(const char *word)
{
    return g_variant_new("(s@a{sv})", word, g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}

static void
test_config_has_defaults_and_what_the_test_sets(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
    GVariant *config;
    const char *word;
    gint64 count;

    osh_fake_host_set_config(host, "word", g_variant_new_string("welcome"));
    config = osh_host_config(osh_fake_host_table(host));
    g_assert_true(g_variant_lookup(config, "word", "&s", &word));
    g_assert_true(g_variant_lookup(config, "count", "x", &count));
    g_assert_cmpstr(word, ==, "welcome");
    g_assert_cmpint(count, ==, 3);
    g_assert_cmpstr(osh_fake_host_table(host)->plugin_id, ==, "com.example.test");
}

static void
test_publication_spends_its_reservation_and_is_kept(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
    const OshHost *table = osh_fake_host_table(host);
    OshPublication publication = {.struct_size = sizeof(OshPublication),
                                  .topic = osh_host_topic(table, "com.example.test.seen/1"),
                                  .correlation = 9};

    g_assert_cmpuint(osh_host_topic(table, "com.example.other/1"), ==, 0);
    g_assert_cmpuint(osh_host_topic(table, OSH_TOPIC_NETWORK_DENIED), !=, 0);
    osh_fake_host_set_capacity(host, 1);
    publication.reservation = osh_host_reserve(table, publication.topic, 0);
    g_assert_cmpuint(publication.reservation, !=, 0);
    g_assert_cmpuint(osh_host_reserve(table, publication.topic, 0), ==, 0);
    publication.payload = seen("a");
    g_assert_cmpuint(osh_host_publish(table, &publication), !=, 0);
    g_assert_cmpuint(osh_fake_host_n_published(host), ==, 1);
    g_assert_cmpstr(osh_fake_host_published(host, 0)->topic, ==, "com.example.test.seen/1");
    g_assert_cmpuint(osh_fake_host_published(host, 0)->correlation, ==, 9);
}

static void
count(gpointer data)
{
    ++*(guint *)data;
}

static void
test_waiting_for_capacity_ends_when_there_is_more(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
    const OshHost *table = osh_fake_host_table(host);
    OshTopic topic = osh_host_topic(table, "com.example.test.seen/1");
    guint64 reservation;
    guint n = 0;

    osh_fake_host_set_capacity(host, 1);
    reservation = osh_host_reserve(table, topic, 0);
    osh_host_on_capacity(table, topic, count, &n);
    g_assert_cmpuint(n, ==, 0);
    osh_host_unreserve(table, reservation);
    g_assert_cmpuint(n, ==, 1);
}

static void
on_event(const OshEvent *event, gpointer data)
{
    g_assert_true(g_str_has_prefix(event->topic, "com.example."));
    count(data);
}

static void
test_events_logs_faults_and_posts_are_the_tests(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
    const OshHost *table = osh_fake_host_table(host);
    g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "broken");
    guint64 subscription;
    guint n = 0;

    subscription = osh_host_subscribe(table, "com.example.*", on_event, &n, NULL);
    osh_fake_host_emit(host, "com.example.other/1", seen("a"));
    osh_fake_host_emit(host, "org.example.other/1", seen("a"));
    g_assert_cmpuint(n, ==, 1);
    osh_host_unsubscribe(table, subscription);
    g_assert_cmpuint(osh_fake_host_n_subscriptions(host), ==, 0);
    osh_host_log(table, G_LOG_LEVEL_MESSAGE, "a line");
    g_assert_cmpstr(osh_fake_host_log(host, 0), ==, "a line");
    g_assert_cmpuint(osh_fake_host_n_logs(host), ==, 1);
    osh_host_fault(table, OSH_FAULT_DEGRADED, error);
    g_assert_cmpuint(osh_fake_host_n_faults(host), ==, 1);
    g_assert_cmpstr(osh_fake_host_fault(host, 0), ==, "broken");
    osh_host_invoke(table, count, &n, NULL);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(osh_fake_host_run_invoked(host), ==, 1);
    g_assert_cmpuint(n, ==, 2);
}

static void
test_interfaces_are_found_by_their_id(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
    const OshHost *table = osh_fake_host_table(host);
    OshInterface found[1];

    osh_fake_host_add_manifest(host, "other", "[plugin]");
    g_assert_cmpstr(osh_host_manifest(osh_fake_host_table(host), "other"), ==, "[plugin]");
    g_assert_null(osh_host_manifest(osh_fake_host_table(host), "nobody"));
    osh_fake_host_add_interface(host, "com.example.one/1", (OshInterface){"first", NULL, NULL});
    osh_fake_host_add_interface(host, "com.example.one/1", (OshInterface){"second", NULL, NULL});
    g_assert_true(osh_host_get_interface(table, "com.example.one/1", &found[0]));
    g_assert_cmpstr(found[0].provider, ==, "first");
    g_assert_cmpuint(osh_host_find_interfaces(table, "com.example.one/1", found, 1), ==, 2);
    g_assert_false(osh_host_get_interface(table, "com.example.one/2", &found[0]));
}

static void
test_payload_of_another_type_fails_the_test(void)
{
    if (g_test_subprocess()) {
        g_autoptr(OshFakeHost) host = osh_fake_host_new(manifest);
        const OshHost *table = osh_fake_host_table(host);
        OshPublication publication = {.struct_size = sizeof(OshPublication),
                                      .topic = osh_host_topic(table, "com.example.test.seen/1"),
                                      .payload = g_variant_new("(i)", 3)};

        osh_host_publish(table, &publication);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*was published as (i)*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/testing/fake-host/config-has-defaults-and-what-the-test-sets",
                    test_config_has_defaults_and_what_the_test_sets);
    g_test_add_func("/testing/fake-host/publication-spends-its-reservation-and-is-kept",
                    test_publication_spends_its_reservation_and_is_kept);
    g_test_add_func("/testing/fake-host/waiting-for-capacity-ends-when-there-is-more",
                    test_waiting_for_capacity_ends_when_there_is_more);
    g_test_add_func("/testing/fake-host/events-logs-faults-and-posts-are-the-tests",
                    test_events_logs_faults_and_posts_are_the_tests);
    g_test_add_func("/testing/fake-host/interfaces-are-found-by-their-id",
                    test_interfaces_are_found_by_their_id);
    g_test_add_func("/testing/fake-host/payload-of-another-type-fails-the-test",
                    test_payload_of_another_type_fails_the_test);
    return g_test_run();
}
