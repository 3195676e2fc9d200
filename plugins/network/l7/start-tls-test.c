/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inspected connection that changes to TLS in its middle: the server agrees by "go", and the
 * session goes on with what is decrypted.
 */
#include "credential-mock.h"
#include "intercept-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static gsize
feed_start_tls(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER || input->window.length < 3 ||
        memcmp(input->window.data, "go\n", 3) != 0)
        return l7_lines_feed(world, input, actions, ret_deadline);
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .length = 3};
    actions[1].type = OSH_L7_START_TLS;
    return 2;
}

static void
begin(Legs *legs, const char *name)
{
    legs_new(legs);
    legs->world.feed = feed_start_tls;
    legs_open(legs, name, NULL);
    osh_fixture_send(legs->world.client, "STARTTLS\n");
    osh_fixture_expect(legs->world.fixture, legs->world.upstream, "STARTTLS\n");
}

static void
test_a_session_goes_on_with_what_is_decrypted(void)
{
    Legs legs;

    begin(&legs, NAME);
    osh_fixture_send(legs.world.upstream, "go\n");
    osh_fixture_expect(legs.world.fixture, legs.world.client, "go\n");
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    g_assert_true(legs.server.is_open);
    g_assert_cmpstr(SSL_get_servername(legs.server.ssl, TLSEXT_NAMETYPE_host_name), ==, NAME);
    g_assert_cmpuint(legs.world.n_closed, ==, 0);
    peer_say(&legs.client, "inside\n");
    legs_expect(&legs, &legs.server, "inside\n");
    peer_say(&legs.server, "heard\n");
    legs_expect(&legs, &legs.client, "heard\n");
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 2);
    legs.world.fixture->policy.action = OSH_ACTION_DENY;
    peer_say(&legs.client, "no more\n");
    legs_expect(&legs, &legs.client, "no: the test denies it\n");
    legs_close(&legs);
}

/* Credentials are for a server that has proved its name. */
static void
test_messages_behind_it_are_for_a_verified_server(void)
{
    CredentialMock mock;
    Legs legs;

    legs_new(&legs);
    credential_mock_begin(&mock, &legs.world);
    legs.world.fixture->policy.credentials = TRUE;
    legs.world.feed = feed_start_tls;
    legs_open(&legs, NAME, NULL);
    osh_fixture_send(legs.world.client, "STARTTLS\n");
    osh_fixture_expect(legs.world.fixture, legs.world.upstream, "STARTTLS\n");
    g_assert_cmpuint(mock.n_prepared, ==, 1);
    g_assert_false(mock.last.verified_tls);
    osh_fixture_send(legs.world.upstream, "go\n");
    osh_fixture_expect(legs.world.fixture, legs.world.client, "go\n");
    legs_shake(&legs);
    peer_say(&legs.client, "inside\n");
    legs_expect(&legs, &legs.server, "inside\n");
    g_assert_cmpuint(mock.n_prepared, ==, 2);
    g_assert_true(mock.last.verified_tls);
    g_assert_cmpstr(mock.host, ==, NAME);
    legs_close(&legs);
    credential_mock_end(&mock);
}

static void
test_bytes_in_clear_behind_the_agreement_are_a_denial(void)
{
    g_autofree char *got = NULL;
    int error_number;
    Legs legs;

    begin(&legs, NAME);
    osh_fixture_send(legs.world.upstream, "go\nsaid in clear\n");
    got = osh_fixture_read_all(legs.world.fixture, legs.world.client, &error_number);
    g_assert_cmpstr(got, ==, "go\n");
    g_assert_cmpint(error_number, ==, ECONNRESET);
    l7_assert_says(&legs.world, OSH_FIXTURE_L7_DENIED, "said in clear before TLS");
    g_assert_cmpuint(legs.world.fixture->warnings, ==, 0);
    legs_close(&legs);
}

static void
test_a_server_of_another_name_is_a_failure_without_words(void)
{
    g_autofree char *got = NULL;
    int error_number;
    Legs legs;

    begin(&legs, "other.test");
    osh_fixture_send(legs.world.upstream, "go\n");
    osh_fixture_expect(legs.world.fixture, legs.world.client, "go\n");
    OSH_WAIT_FOR(legs.world.fixture, (peer_shake(&legs.server), legs_idle(&legs)));
    got = osh_fixture_read_all(legs.world.fixture, legs.world.client, &error_number);
    /* It speaks no HTTP that we know of. */
    g_assert_cmpstr(got, ==, "");
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, NAME);
    g_assert_cmpuint(legs.world.n_closed, ==, 1);
    legs_close(&legs);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/start-tls/" sentence, function)
    ADD("a-session-goes-on-with-what-is-decrypted", test_a_session_goes_on_with_what_is_decrypted);
    ADD("messages-behind-it-are-for-a-verified-server",
        test_messages_behind_it_are_for_a_verified_server);
    ADD("bytes-in-clear-behind-the-agreement-are-a-denial",
        test_bytes_in_clear_behind_the_agreement_are_a_denial);
    ADD("a-server-of-another-name-is-a-failure-without-words",
        test_a_server_of_another_name_is_a_failure_without_words);
    return g_test_run();
}
