/* SPDX-License-Identifier: Apache-2.0 */
/* Owners that are read before the first byte goes out, and what comes while they are read. */
#include "network-fixture.h"
#include "redecide.h"

#include <unistd.h>

#define ESTABLISHED "HTTP/1.1 200 Connection Established\r\n\r\n"

typedef struct {
    OshFixture *fixture;
    int client;
    int upstream;
} Verified;

/* A client that is connected to its server, and waits for its owners to be read. */
static void
verified_begin(Verified *verified)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    g_autofree char *head =
        g_strdup_printf("CONNECT " OSH_FIXTURE_OTHER ":%u HTTP/1.1\r\n\r\n", port);

    fixture->network.config.identity_required = TRUE;
    fixture->policy.credentials = TRUE;
    fixture->policy.recording = TRUE;
    osh_fixture_start(fixture);
    verified->fixture = fixture;
    verified->client = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    /* It is known which program connected; who owns the connection is not answered. */
    fixture->identity_hangs = TRUE;
    osh_fixture_send(verified->client, head);
    verified->upstream = osh_fixture_accept(fixture, server);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_VERIFY) != NULL);
    close(server);
}

static void
verified_end(Verified *verified)
{
    close(verified->upstream);
    osh_fixture_free(verified->fixture);
}

static void
test_where_credentials_are_sent_the_owners_come_first(void)
{
    Verified verified;

    verified_begin(&verified);
    osh_fixture_settle(verified.fixture);
    g_assert_cmpuint(osh_fixture_count(verified.fixture, OSH_FIXTURE_OPENED), ==, 0);
    osh_fixture_answer_identity(verified.fixture);
    osh_fixture_expect(verified.fixture, verified.client, ESTABLISHED);
    g_assert_cmpuint(osh_fixture_count(verified.fixture, OSH_FIXTURE_OPENED), ==, 1);
    close(verified.client);
    verified_end(&verified);
}

static void
test_without_credentials_nothing_waits_for_owners(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    fixture->network.config.identity_required = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    close(client);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    g_assert_false(osh_fixture_first(fixture, OSH_STEP_TUNNEL)->owners_seen);
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* The server ends its side too, and no new event announces that. */
static void
test_what_a_server_says_meanwhile_arrives(void)
{
    Verified verified;

    verified_begin(&verified);
    osh_fixture_send(verified.upstream, "220 ready");
    shutdown(verified.upstream, SHUT_WR);
    osh_fixture_settle(verified.fixture);
    osh_fixture_answer_identity(verified.fixture);
    osh_fixture_expect(verified.fixture, verified.client, ESTABLISHED "220 ready");
    osh_fixture_expect_end(verified.fixture, verified.client);
    close(verified.client);
    verified_end(&verified);
}

/* Nothing was sent that could be taken for whole, so the client is told in words. */
static void
test_a_policy_that_changes_meanwhile_refuses(gconstpointer announced)
{
    Verified verified;

    verified_begin(&verified);
    verified.fixture->policy.generation++;
    verified.fixture->policy.denied = OSH_FIXTURE_OTHER;
    if (GPOINTER_TO_INT(announced))
        osh_redecide(&verified.fixture->part);
    else
        osh_fixture_answer_identity(verified.fixture);
    g_assert_null(osh_fixture_first(verified.fixture, OSH_STEP_VERIFY));
    osh_fixture_expect_status(verified.fixture, verified.client, "403");
    g_assert_cmpuint(osh_fixture_count(verified.fixture, OSH_FIXTURE_OPENED), ==, 0);
    verified_end(&verified);
}

static void
test_owners_have_their_time(void)
{
    Verified verified;
    g_autofree char *layer = NULL;

    verified_begin(&verified);
    osh_fixture_advance(verified.fixture, 19 * G_TIME_SPAN_SECOND);
    g_assert_nonnull(osh_fixture_first(verified.fixture, OSH_STEP_VERIFY));
    osh_fixture_advance(verified.fixture, 2 * G_TIME_SPAN_SECOND);
    layer = osh_fixture_text(osh_fixture_last(verified.fixture, OSH_FIXTURE_DENIED), 1);
    g_assert_cmpstr(layer, ==, "identity");
    g_assert_cmpstr(verified.fixture->decisions->pdata[1], ==, "5 connect");
    osh_fixture_expect_status(verified.fixture, verified.client, "403");
    verified_end(&verified);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/identify/where-credentials-are-sent-the-owners-come-first",
                    test_where_credentials_are_sent_the_owners_come_first);
    g_test_add_func("/network/identify/without-credentials-nothing-waits-for-owners",
                    test_without_credentials_nothing_waits_for_owners);
    g_test_add_func("/network/identify/what-a-server-says-while-owners-are-read-arrives",
                    test_what_a_server_says_meanwhile_arrives);
    g_test_add_data_func("/network/identify/a-reload-while-owners-are-read-refuses-at-once",
                         GINT_TO_POINTER(TRUE), test_a_policy_that_changes_meanwhile_refuses);
    g_test_add_data_func("/network/identify/a-policy-that-changed-while-owners-were-read-refuses",
                         GINT_TO_POINTER(FALSE), test_a_policy_that_changes_meanwhile_refuses);
    g_test_add_func("/network/identify/owners-have-their-time", test_owners_have_their_time);
    return g_test_run();
}
