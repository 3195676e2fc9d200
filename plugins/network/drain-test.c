/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: what is waited for, for how long, and how the rest is cut off. */
#include "drain.h"

#include "network-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static guint n_done;

typedef struct {
    OshFixture *fixture;
    int server;
    guint16 port;
    int client;
    int upstream;
} Run;

static void
count_done(OshNetworkShard *part)
{
    (void)part;
    n_done++;
}

static void
run_begin(Run *run)
{
    run->fixture = osh_fixture_new();
    run->server = osh_fixture_serve(OSH_FIXTURE_OTHER, &run->port);
    osh_fixture_start(run->fixture);
    n_done = 0;
}

static void
run_open_tunnel(Run *run)
{
    run_begin(run);
    run->client =
        osh_fixture_tunnel(run->fixture, OSH_FIXTURE_OTHER, run->port, run->server, &run->upstream);
}

static void
run_drain(Run *run, gint64 seconds)
{
    osh_drain(&run->fixture->part,
              osh_shard_now(&run->fixture->network.shard) + seconds * G_TIME_SPAN_SECOND,
              count_done);
}

static void
run_end(Run *run)
{
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_null(run->fixture->part.drain);
    close(run->client);
    close(run->upstream);
    close(run->server);
    osh_fixture_free(run->fixture);
}

/* A drain that waits looks every few milliseconds, so osh_fixture_settle() would never return. */
static void
turn(Run *run)
{
    for (guint i = 0; i < 10; i++)
        osh_fixture_turn(run->fixture, 2);
}

static void
pass(Run *run, gint64 milliseconds)
{
    osh_fake_shard_advance(run->fixture->shard, milliseconds * G_TIME_SPAN_MILLISECOND);
    turn(run);
}

/* More than the sockets on the way hold. */
static void
fill(Run *run)
{
    g_autofree char *much = g_strnfill(65536, 'm');

    do {
        while (send(run->client, much, 65536, MSG_DONTWAIT) > 0)
            osh_fixture_turn(run->fixture, 1);
        turn(run);
    } while (send(run->client, much, 65536, MSG_DONTWAIT) > 0);
    g_assert_cmpint(errno, ==, EAGAIN);
}

static void
run_fill_tunnel(Run *run)
{
    run_open_tunnel(run);
    osh_fixture_first(run->fixture, OSH_STEP_TUNNEL)->of_box = TRUE;
    fill(run);
}

static void
test_without_connections_a_run_ends_at_once(void)
{
    Run run = {.client = -1, .upstream = -1};

    run_begin(&run);
    run_drain(&run, 10);
    g_assert_cmpuint(n_done, ==, 1);
    run_end(&run);
}

/* A program has connected, sent, and ended, and nobody has looked at the listener since. */
static void
test_a_client_that_waits_in_the_listener_is_served(void)
{
    Run run;

    run_begin(&run);
    run.client = osh_fixture_connect(run.fixture, OSH_FIXTURE_OTHER, run.port);
    osh_fixture_send(run.client, "last words");
    shutdown(run.client, SHUT_WR);
    run_drain(&run, 10);
    g_assert_cmpuint(n_done, ==, 0);
    run.upstream = osh_fixture_accept(run.fixture, run.server);
    osh_fixture_expect(run.fixture, run.upstream, "last words");
    osh_fixture_expect_end(run.fixture, run.upstream);
    OSH_WAIT_FOR(run.fixture, n_done == 1);
    g_assert_cmpuint(run.fixture->warnings, ==, 0);
    run_end(&run);
}

/* The server goes on after the client's end: that is not waited for. */
static void
test_what_is_delivered_is_not_waited_for(void)
{
    Run run;

    run_open_tunnel(&run);
    osh_fixture_send(run.client, "all");
    shutdown(run.client, SHUT_WR);
    osh_fixture_expect(run.fixture, run.upstream, "all");
    osh_fixture_expect_end(run.fixture, run.upstream);
    run_drain(&run, 10);
    turn(&run);
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_nonnull(osh_fixture_first(run.fixture, OSH_STEP_TUNNEL));
    run_end(&run);
}

static void
test_a_client_that_is_there_still_is_not_waited_for(void)
{
    Run run;

    run_open_tunnel(&run);
    run_drain(&run, 10);
    turn(&run);
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_cmpuint(run.fixture->warnings, ==, 0);
    g_assert_nonnull(osh_fixture_first(run.fixture, OSH_STEP_TUNNEL));
    run_end(&run);
}

/* Its programs have ended, so the end of what they sent is on its way. */
static void
test_a_client_of_a_box_is_waited_for(void)
{
    Run run;

    run_open_tunnel(&run);
    osh_fixture_first(run.fixture, OSH_STEP_TUNNEL)->of_box = TRUE;
    run_drain(&run, 10);
    turn(&run);
    g_assert_cmpuint(n_done, ==, 0);
    osh_fixture_send(run.client, "late");
    shutdown(run.client, SHUT_WR);
    OSH_WAIT_FOR(run.fixture, n_done == 1);
    osh_fixture_expect(run.fixture, run.upstream, "late");
    run_end(&run);
}

static void
test_a_refused_client_is_not_waited_for(void)
{
    Run run = {.upstream = -1};

    run_begin(&run);
    run.fixture->policy.action = OSH_ACTION_DENY;
    run.client = osh_fixture_connect(run.fixture, OSH_FIXTURE_OTHER, run.port);
    OSH_WAIT_FOR(run.fixture, osh_fixture_first(run.fixture, OSH_STEP_LINGER) != NULL);
    osh_fixture_first(run.fixture, OSH_STEP_LINGER)->of_box = TRUE;
    run_drain(&run, 10);
    turn(&run);
    g_assert_cmpuint(n_done, ==, 1);
    run_end(&run);
}

/* Of the two, one has nothing that is not delivered. */
static void
test_a_server_that_takes_nothing_has_three_seconds(void)
{
    Run run;
    int idle, idle_upstream, error_number;
    g_autofree char *reason = NULL, *got = NULL;

    run_fill_tunnel(&run);
    idle = osh_fixture_tunnel(run.fixture, OSH_FIXTURE_OTHER, run.port, run.server, &idle_upstream);
    run_drain(&run, 10);
    turn(&run);
    pass(&run, 2000);
    g_assert_cmpuint(n_done, ==, 0);
    pass(&run, 1500);
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_cmpuint(run.fixture->warnings, ==, 1);
    reason = osh_fixture_text(osh_fixture_last(run.fixture, OSH_FIXTURE_CLOSED), 4);
    g_assert_cmpstr(reason, ==, "stopping");
    osh_fixture_expect_reset(run.fixture, run.client);
    /* An end in good order could be taken for the end of what was sent. */
    got = osh_fixture_read_all(run.fixture, run.upstream, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    g_assert_cmpuint(run.fixture->part.steps[OSH_STEP_TUNNEL].length, ==, 1);
    close(idle);
    close(idle_upstream);
    run_end(&run);
}

/* As much as it takes for the kernel to take more, which the client sends. */
static void
read_some(Run *run)
{
    char bytes[65536];
    guint64 before = osh_fixture_first(run->fixture, OSH_STEP_TUNNEL)->up.moved;

    while (osh_fixture_first(run->fixture, OSH_STEP_TUNNEL)->up.moved == before) {
        g_assert_cmpint(recv(run->upstream, bytes, sizeof bytes, MSG_DONTWAIT), >, 0);
        osh_fixture_turn(run->fixture, 1);
    }
    fill(run);
}

static void
test_a_server_that_takes_something_has_longer(void)
{
    Run run;

    run_fill_tunnel(&run);
    run_drain(&run, 600);
    turn(&run);
    for (guint i = 0; i < 4; i++) {
        read_some(&run);
        pass(&run, 2000);
        g_assert_cmpuint(n_done, ==, 0);
    }
    pass(&run, 2000);
    g_assert_cmpuint(n_done, ==, 1);
    run_end(&run);
}

static void
test_no_server_has_longer_than_the_run(void)
{
    Run run;

    run_fill_tunnel(&run);
    run_drain(&run, 2);
    turn(&run);
    pass(&run, 1000);
    g_assert_cmpuint(n_done, ==, 0);
    pass(&run, 1100);
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_cmpuint(run.fixture->warnings, ==, 1);
    run_end(&run);
}

/* Its program has ended and reads no words; it must not take the end for one in good order. */
static void
test_a_client_that_is_not_connected_yet_is_reset(void)
{
    Run run = {.upstream = -1};
    int *silent;
    g_autofree char *layer = NULL;

    run_begin(&run);
    close(run.server);
    silent = osh_fixture_fill(OSH_FIXTURE_OTHER, run.port);
    run.server = -1;
    run.client = osh_fixture_connect(run.fixture, OSH_FIXTURE_OTHER, run.port);
    osh_fixture_send(run.client, "last words");
    shutdown(run.client, SHUT_WR);
    OSH_WAIT_FOR(run.fixture, osh_fixture_first(run.fixture, OSH_STEP_DIAL) != NULL);
    run_drain(&run, 1);
    pass(&run, 2000);
    g_assert_cmpuint(n_done, ==, 1);
    g_assert_cmpuint(run.fixture->warnings, ==, 1);
    g_assert_cmpint(run.fixture->network.n_connections, ==, 0);
    layer = osh_fixture_text(osh_fixture_last(run.fixture, OSH_FIXTURE_FAILED), 1);
    g_assert_cmpstr(layer, ==, "stop");
    osh_fixture_expect_reset(run.fixture, run.client);
    osh_fixture_unfill(silent);
    run_end(&run);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/drain/without-connections-a-run-ends-at-once",
                    test_without_connections_a_run_ends_at_once);
    g_test_add_func("/network/drain/a-client-that-waits-in-the-listener-is-served",
                    test_a_client_that_waits_in_the_listener_is_served);
    g_test_add_func("/network/drain/what-is-delivered-is-not-waited-for",
                    test_what_is_delivered_is_not_waited_for);
    g_test_add_func("/network/drain/a-client-that-is-there-still-is-not-waited-for",
                    test_a_client_that_is_there_still_is_not_waited_for);
    g_test_add_func("/network/drain/a-client-of-a-box-is-waited-for",
                    test_a_client_of_a_box_is_waited_for);
    g_test_add_func("/network/drain/a-refused-client-is-not-waited-for",
                    test_a_refused_client_is_not_waited_for);
    g_test_add_func("/network/drain/a-server-that-takes-nothing-has-three-seconds",
                    test_a_server_that_takes_nothing_has_three_seconds);
    g_test_add_func("/network/drain/a-server-that-takes-something-has-longer",
                    test_a_server_that_takes_something_has_longer);
    g_test_add_func("/network/drain/no-server-has-longer-than-the-run",
                    test_no_server_has_longer_than_the_run);
    g_test_add_func("/network/drain/a-client-that-is-not-connected-yet-is-reset",
                    test_a_client_that_is_not_connected_yet_is_reset);
    return g_test_run();
}
