/* SPDX-License-Identifier: Apache-2.0 */
/* Which address of a destination is connected to, when, and what is said when none answers. */
#include "fixture-resolver.h"
#include "network-fixture.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define NAME        "many.test"
#define UNREACHABLE "203.0.113.9"

/* The listener, the client and the upstream: no attempt that lost is still watched. */
#define WATCHES_OF_A_TUNNEL 3

static void
assert_tunnel_to(OshFixture *fixture, int client, int server, const char *address)
{
    int upstream = osh_fixture_accept(fixture, server);
    g_autofree char *opened = NULL;

    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\n");
    opened = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_OPENED), 3);
    g_assert_cmpstr(opened, ==, address);
    g_assert_cmpuint(osh_fake_shard_n_watches(fixture->shard), ==, WATCHES_OF_A_TUNNEL);
    /* A name is compared with what the client says first. */
    g_assert_cmpuint(fixture->part.steps[OSH_STEP_FIRST_BYTES].length +
                         fixture->part.steps[OSH_STEP_TUNNEL].length,
                     ==, 1);
    osh_fixture_send(client, "up");
    osh_fixture_expect(fixture, upstream, "up");
    close(upstream);
    close(client);
    close(server);
}

static void
assert_failed(const OshFixture *fixture, const char *stage, const char *text)
{
    const OshFixtureEvent *event = osh_fixture_last(fixture, OSH_FIXTURE_FAILED);
    g_autofree char *said_stage = osh_fixture_text(event, 1);
    g_autofree char *said_text = osh_fixture_text(event, 4);

    g_assert_cmpstr(said_stage, ==, stage);
    g_assert_cmpstr(said_text, ==, text);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_FAILED), ==, 1);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 0);
}

static void
test_a_silent_first_address_is_overtaken(void)
{
    static const char *const both[] = {OSH_FIXTURE_OTHER, OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    int *silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    int client;

    osh_fixture_resolve_to(both);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_DIAL) != NULL);
    g_assert_false(osh_fixture_pending(server));
    osh_fixture_advance(fixture, 300 * G_TIME_SPAN_MILLISECOND);
    g_assert_true(osh_fixture_pending(server));
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

static void
test_a_silent_first_address_costs_less_than_a_second(void)
{
    static const char *const both[] = {OSH_FIXTURE_OTHER, OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    int *silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    gint64 began = g_get_monotonic_time();
    int client;

    osh_fixture_resolve_to(both);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS);
    g_assert_cmpint(g_get_monotonic_time() - began, <, G_TIME_SPAN_SECOND);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

/* An address that fails is followed by the next at once, without a pause. */
static void
test_a_failed_address_is_followed_at_once(gconstpointer first)
{
    const char *const both[] = {first, OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    gint64 began;
    int client;

    osh_fixture_resolve_to(both);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    began = osh_shard_now(&fixture->network.shard);
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS);
    g_assert_cmpint(osh_shard_now(&fixture->network.shard) - began, <,
                    200 * G_TIME_SPAN_MILLISECOND);
    osh_fixture_free(fixture);
}

static void
test_silent_then_refused_then_served(void)
{
    static const char *const three[] = {OSH_FIXTURE_OTHER, OSH_FIXTURE_ADDRESS6,
                                        OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    int *silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    int client;

    osh_fixture_resolve_to(three);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    osh_fixture_settle(fixture);
    osh_fixture_advance(fixture, 300 * G_TIME_SPAN_MILLISECOND);
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

static void
test_a_name_with_only_an_ipv6_address_is_reached(void)
{
    static const char *const only[] = {OSH_FIXTURE_ADDRESS6, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS6, &port);
    int client;

    osh_fixture_resolve_to(only);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS6);
    osh_fixture_free(fixture);
}

static void
test_an_ipv6_literal_is_reached(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_ADDRESS6, &port);
    int client;

    osh_fixture_start(fixture);
    osh_fixture_n_lookups();
    client = osh_fixture_connect(fixture, OSH_FIXTURE_ADDRESS6, port);
    assert_tunnel_to(fixture, client, server, OSH_FIXTURE_ADDRESS6);
    g_assert_cmpuint(osh_fixture_n_lookups(), ==, 0);
    osh_fixture_free(fixture);
}

static void
test_when_all_refuse_it_says_so(void)
{
    static const char *const both[] = {OSH_FIXTURE_OTHER, OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int client;

    /* A port that was in use a moment ago. */
    close(osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port));
    osh_fixture_resolve_to(both);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    osh_fixture_expect_status(fixture, client, "502");
    assert_failed(fixture, "connect", g_strerror(ECONNREFUSED));
    osh_fixture_free(fixture);
}

static void
test_without_a_route_it_says_so(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, UNREACHABLE, 80), "502");
    assert_failed(fixture, "connect", g_strerror(ENETUNREACH));
    osh_fixture_free(fixture);
}

static void
test_a_full_backlog_is_a_504_in_time(void)
{
    static const char *const both[] = {OSH_FIXTURE_OTHER, OSH_FIXTURE_ADDRESS, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int *first, *second, client;

    close(osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port));
    first = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    second = osh_fixture_fill(OSH_FIXTURE_ADDRESS, port);
    osh_fixture_resolve_to(both);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_DIAL) != NULL);
    /* The time is for all addresses together. */
    osh_fixture_advance(fixture, 18 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_FAILED), ==, 0);
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND);
    assert_failed(fixture, "timeout", "the destination did not answer in time");
    /* The attempts have ended: what is watched is the listener and the client. */
    g_assert_cmpuint(osh_fake_shard_n_watches(fixture->shard), ==, 2);
    osh_fixture_expect_status(fixture, client, "504");
    osh_fixture_unfill(first);
    osh_fixture_unfill(second);
    osh_fixture_free(fixture);
}

/* Frees the queue of @fillers' server and waits for the connection that was dropped to come again.
 */
static int
admit_next(int *fillers)
{
    struct pollfd wait = {.fd = fillers[0], .events = POLLIN};

    for (guint i = 1; fillers[i] >= 0; i++)
        osh_fixture_reset(fillers[i]);
    fillers[1] = -1;
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd;

        g_assert_cmpint(poll(&wait, 1, 5000), ==, 1);
        fd = accept4(fillers[0], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        /* Those that were reset are no longer connected. */
        if (getpeername(fd, (struct sockaddr *)(void *)&peer, &length) == 0)
            return fd;
        close(fd);
    }
}

/* The server has said all it had to say and gone before the shard looks at the connection. */
static void
test_what_a_server_says_first_arrives(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int *silent, client, upstream;

    close(osh_fixture_serve(OSH_FIXTURE_OTHER, &port));
    silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    osh_fixture_settle(fixture);
    upstream = admit_next(silent);
    osh_fixture_send(upstream, "220 ready");
    close(upstream);
    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\n220 ready");
    osh_fixture_expect_end(fixture, client);
    close(client);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

static void
test_what_a_client_says_during_the_dial_arrives(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int *silent, client, upstream;

    close(osh_fixture_serve(OSH_FIXTURE_OTHER, &port));
    silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_DIAL) != NULL);
    osh_fixture_send(client, "early");
    shutdown(client, SHUT_WR);
    osh_fixture_settle(fixture);
    upstream = admit_next(silent);
    osh_fixture_expect(fixture, upstream, "early");
    osh_fixture_expect_end(fixture, upstream);
    osh_fixture_send(upstream, "answer");
    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\nanswer");
    close(client);
    close(upstream);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

static void
test_a_client_that_goes_ends_the_dial(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int *silent;

    close(osh_fixture_serve(OSH_FIXTURE_OTHER, &port));
    silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    osh_fixture_start(fixture);

    int client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);

    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_DIAL) != NULL);
    osh_fixture_reset(client);
    osh_fixture_settle(fixture);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    g_assert_cmpuint(osh_fake_shard_n_watches(fixture->shard), ==, 1);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_FAILED), ==, 0);
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/dial/a-silent-first-address-is-overtaken-after-a-quarter-second",
                    test_a_silent_first_address_is_overtaken);
    g_test_add_func("/network/dial/a-silent-first-address-costs-less-than-a-second",
                    test_a_silent_first_address_costs_less_than_a_second);
    g_test_add_data_func("/network/dial/an-address-that-refuses-is-followed-at-once",
                         OSH_FIXTURE_OTHER, test_a_failed_address_is_followed_at_once);
    g_test_add_data_func("/network/dial/an-address-without-a-route-is-followed-at-once",
                         UNREACHABLE, test_a_failed_address_is_followed_at_once);
    g_test_add_func("/network/dial/a-silent-and-a-refusing-address-are-followed-by-the-third",
                    test_silent_then_refused_then_served);
    g_test_add_func("/network/dial/a-name-with-only-an-ipv6-address-is-reached",
                    test_a_name_with_only_an_ipv6_address_is_reached);
    g_test_add_func("/network/dial/an-ipv6-literal-is-reached-without-a-look-up",
                    test_an_ipv6_literal_is_reached);
    g_test_add_func("/network/dial/when-all-addresses-refuse-a-502-says-so",
                    test_when_all_refuse_it_says_so);
    g_test_add_func("/network/dial/without-a-route-a-502-says-so", test_without_a_route_it_says_so);
    g_test_add_func("/network/dial/full-backlogs-are-a-504-in-time",
                    test_a_full_backlog_is_a_504_in_time);
    g_test_add_func("/network/dial/what-a-server-says-before-it-is-looked-at-arrives",
                    test_what_a_server_says_first_arrives);
    g_test_add_func("/network/dial/what-a-client-says-during-the-dial-arrives-with-its-end",
                    test_what_a_client_says_during_the_dial_arrives);
    g_test_add_func("/network/dial/a-client-that-goes-ends-the-dial",
                    test_a_client_that_goes_ends_the_dial);
    return g_test_run();
}
