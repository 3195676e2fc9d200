/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus hears of a connection, and room for the record before an allow. */
#include "audit.h"

#include "network-fixture.h"

#include <string.h>
#include <unistd.h>

static void
assert_payload(const OshFixture *fixture, OshTopic topic, const char *format, ...)
{
    g_autofree char *got = g_variant_print(osh_fixture_last(fixture, topic)->payload, FALSE);
    g_autoptr(GVariant) wanted = NULL;
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    wanted = g_variant_ref_sink(g_variant_new_va(format, NULL, &arguments));
    va_end(arguments);
    text = g_variant_print(wanted, FALSE);
    g_assert_cmpstr(got, ==, text);
}

static GVariant *
no_details(void)
{
    return g_variant_new("a{sv}", NULL);
}

static GVariant *
pid_detail(guint32 pid)
{
    GVariantBuilder extra;

    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&extra, "{sv}", "pid", g_variant_new_uint32(pid));
    return g_variant_builder_end(&extra);
}

static void
test_an_allowed_connection_is_told_whole(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;
    guint64 id;

    fixture->network.config.identity_required = TRUE;
    fixture->policy.generation = 7;
    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    id = osh_fixture_first(fixture, OSH_STEP_TUNNEL)->id;
    assert_payload(fixture, OSH_FIXTURE_ALLOWED, "(tsqsssst@a{sv})", id, OSH_FIXTURE_OTHER, port,
                   "connect", "/usr/bin/client", "web", "the rule", (guint64)7, pid_detail(42));
    assert_payload(fixture, OSH_FIXTURE_OPENED, "(tsqs@a{sv})", id, OSH_FIXTURE_OTHER, port,
                   OSH_FIXTURE_OTHER, no_details());
    for (guint i = 0; i < fixture->events->len; i++) {
        const OshFixtureEvent *event = fixture->events->pdata[i];

        g_assert_cmpuint(event->correlation, ==, id);
        g_assert_cmpuint(event->process_key, ==, (guint64)1 << 32 | 42);
    }
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_denied_connection_is_told_whole(void)
{
    OshFixture *fixture = osh_fixture_new();
    const OshFixtureEvent *event;
    GVariantBuilder extra;
    guint64 id;

    fixture->network.config.identity_required = TRUE;
    fixture->policy.action = OSH_ACTION_DENY;
    fixture->policy.recording = TRUE;
    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 99), "403");
    event = osh_fixture_last(fixture, OSH_FIXTURE_DENIED);
    id = event->correlation;
    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&extra, "{sv}", "pid", g_variant_new_uint32(42));
    g_variant_builder_add(&extra, "{sv}", "hint", g_variant_new_string("a hint"));
    g_variant_builder_add(&extra, "{sv}", "control", g_variant_new_string("policy"));
    assert_payload(fixture, OSH_FIXTURE_DENIED, "(tssqssst@a{sv})", id, "connect",
                   OSH_FIXTURE_OTHER, 99, "/usr/bin/client", "web", "the test denies it",
                   (guint64)1, g_variant_builder_end(&extra));
    /* Denials are collapsed where all of this is equal, and no more. */
    g_assert_cmpstr(event->collapse_key, ==, "connect|" OSH_FIXTURE_OTHER "|99|the test denies it");
    g_assert_cmpuint(event->process_key, ==, (guint64)1 << 32 | 42);
    g_assert_cmpuint(fixture->events->len, ==, 1);
    g_assert_cmpuint(fixture->decisions->len, ==, 1);
    g_assert_cmpstr(fixture->decisions->pdata[0], ==, "3 connect");
    osh_fixture_free(fixture);
}

static void
test_what_audit_lets_through_is_told_as_that(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &port);
    GVariantBuilder extra;
    int client, upstream;

    fixture->policy.action = OSH_ACTION_DENY;
    fixture->policy.audit = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_PUBLIC, port, server, &upstream);
    g_variant_builder_init(&extra, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&extra, "{sv}", "audited", g_variant_new_boolean(TRUE));
    g_variant_builder_add(&extra, "{sv}", "reason", g_variant_new_string("the test denies it"));
    assert_payload(fixture, OSH_FIXTURE_ALLOWED, "(tsqsssst@a{sv})",
                   osh_fixture_first(fixture, OSH_STEP_TUNNEL)->id, OSH_FIXTURE_PUBLIC, port,
                   "connect", "", "web", "the rule", (guint64)1, g_variant_builder_end(&extra));
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_closed_tunnel_is_told_once_with_its_time(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;
    gint64 lasted;

    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    osh_fixture_advance(fixture, 100 * G_TIME_SPAN_SECOND);
    close(client);
    close(upstream);
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_CLOSED), ==, 1);
    g_variant_get_child(osh_fixture_last(fixture, OSH_FIXTURE_CLOSED)->payload, 3, "x", &lasted);
    g_assert_cmpint(lasted, >=, 100 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(lasted, <, 120 * G_TIME_SPAN_SECOND);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_what_was_never_open_is_not_told_closed(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 9), "502");
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_OPENED), ==, 0);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_CLOSED), ==, 0);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 1);
    osh_fixture_free(fixture);
}

static void
test_sampled_events_are_made_for_listeners_only(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    fixture->wanted = FALSE;
    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    close(client);
    close(upstream);
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    g_assert_cmpuint(fixture->events->len, ==, 1);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 1);
    close(server);
    osh_fixture_free(fixture);
}

static void
make_room(OshFixture *fixture, guint room)
{
    OshCallback callback = fixture->on_capacity;

    fixture->on_capacity = NULL;
    fixture->room = room;
    callback(fixture->on_capacity_data);
}

/* Nothing is dialled before there is room for its record; then those that waited go on, in turn. */
static void
test_an_allow_waits_for_room(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int clients[3], upstreams[3];

    fixture->room = 0;
    osh_fixture_start(fixture);
    for (guint i = 0; i < 3; i++)
        clients[i] = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    OSH_WAIT_FOR(fixture, fixture->part.steps[OSH_STEP_PERMIT].length == 3);
    g_assert_false(osh_fixture_pending(server));
    /* One question for all of them. */
    g_assert_cmpuint(fixture->room_callbacks, ==, 1);
    make_room(fixture, 1);
    upstreams[0] = osh_fixture_accept(fixture, server);
    osh_fixture_settle(fixture);
    g_assert_false(osh_fixture_pending(server));
    g_assert_cmpuint(fixture->part.steps[OSH_STEP_PERMIT].length, ==, 2);
    g_assert_cmpuint(fixture->room_callbacks, ==, 2);
    make_room(fixture, 5);
    upstreams[1] = osh_fixture_accept(fixture, server);
    upstreams[2] = osh_fixture_accept(fixture, server);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 3);
    g_assert_cmpuint(fixture->room, ==, 3);
    for (guint i = 0; i < 3; i++) {
        osh_fixture_expect(fixture, clients[i], "HTTP/1.1 200 Connection Established\r\n\r\n");
        close(clients[i]);
        close(upstreams[i]);
    }
    close(server);
    osh_fixture_free(fixture);
}

/* A connection that waits is judged by the policy of the time at which it goes on. */
static void
test_who_waited_is_decided_anew(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client;

    fixture->room = 0;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_PERMIT) != NULL);
    fixture->policy.generation++;
    fixture->policy.action = OSH_ACTION_DENY;
    make_room(fixture, 1);
    osh_fixture_expect_status(fixture, client, "403");
    g_assert_false(osh_fixture_pending(server));
    g_assert_cmpuint(fixture->room, ==, 1);
    close(server);
    osh_fixture_free(fixture);
}

/* Waiting again does not begin the time anew. */
static void
test_room_that_is_taken_by_others_is_no_new_time(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    fixture->room = 0;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_PERMIT) != NULL);
    for (guint i = 0; i < 4; i++) {
        osh_fixture_advance(fixture, G_TIME_SPAN_SECOND);
        make_room(fixture, 0);
    }
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND / 2);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 1);
    osh_fixture_expect_status(fixture, client, "403");
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/audit/an-allowed-connection-is-told-whole",
                    test_an_allowed_connection_is_told_whole);
    g_test_add_func("/network/audit/a-denied-connection-is-told-whole-and-once",
                    test_a_denied_connection_is_told_whole);
    g_test_add_func("/network/audit/what-audit-lets-through-is-told-as-that",
                    test_what_audit_lets_through_is_told_as_that);
    g_test_add_func("/network/audit/a-closed-tunnel-is-told-once-with-its-time",
                    test_a_closed_tunnel_is_told_once_with_its_time);
    g_test_add_func("/network/audit/what-was-never-open-is-not-told-closed",
                    test_what_was_never_open_is_not_told_closed);
    g_test_add_func("/network/audit/sampled-events-are-made-for-listeners-only",
                    test_sampled_events_are_made_for_listeners_only);
    g_test_add_func("/network/audit/an-allow-waits-for-room", test_an_allow_waits_for_room);
    g_test_add_func("/network/audit/a-connection-that-waited-is-decided-anew",
                    test_who_waited_is_decided_anew);
    g_test_add_func("/network/audit/room-that-others-take-is-no-new-time",
                    test_room_that_is_taken_by_others_is_no_new_time);
    return g_test_run();
}
