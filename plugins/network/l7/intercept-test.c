/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS with both sides of an inspected connection: what passes, what ends, and what does not begin.
 */
#include "driver.h"
#include "intercept-fixture.h"

#include <errno.h>
#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
test_messages_pass_between_two_legs(void)
{
    Legs legs;

    legs_begin(&legs);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    peer_say(&legs.server, "good day\n");
    legs_expect(&legs, &legs.client, "good day\n");
    g_assert_true(legs.world.was_secure);
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    legs.world.fixture->policy.action = OSH_ACTION_DENY;
    peer_say(&legs.client, "no more\n");
    legs_expect(&legs, &legs.client, "no: the test denies it\n");
    legs_close(&legs);
}

static void
test_the_upstream_comes_first(void)
{
    char byte;
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    peer_shake(&legs.client);
    osh_fixture_settle(legs.world.fixture);
    /* Ours has said something to the server, which has not answered: the client has nothing. */
    g_assert_cmpint(recv(legs.world.upstream, &byte, 1, MSG_PEEK), ==, 1);
    g_assert_cmpint(recv(legs.world.client, &byte, 1, MSG_PEEK), <, 0);
    g_assert_cmpint(errno, ==, EAGAIN);
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    legs_close(&legs);
}

/* The client, which trusts us, is told by 502 in TLS, and the server gets nothing. */
static void
assert_told(Legs *legs, const char *why)
{
    g_autofree char *answer = NULL;
    int error;

    legs_shake(legs);
    g_assert_true(legs->client.is_open);
    g_assert_true(legs->server.has_failed);
    answer = legs_read_all(legs, &legs->client, &error);
    g_test_message("%s", answer);
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 502 "));
    g_assert_nonnull(strstr(answer, "upstream_tls_failed"));
    g_assert_nonnull(strstr(answer, why));
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    g_assert_cmpuint(osh_fixture_count(legs->world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    l7_assert_says(&legs->world, OSH_FIXTURE_FAILED, why);
    g_assert_cmpuint(legs->world.n_closed, ==, 0);
}

static void
test_an_upstream_of_another_name_is_told_to_the_client(void)
{
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, "other.test", NULL);
    assert_told(&legs, NAME);
    legs_close(&legs);
}

static void
test_an_untrusted_upstream_is_told_to_the_client(void)
{
    static const TlsSpec spec = {.common_name = "Nobody's root", .is_authority = TRUE};
    TlsPair other = tls_pair_new(NULL, &spec);
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, &other);
    assert_told(&legs, "certificate");
    tls_pair_clear(&other);
    legs_close(&legs);
}

/* A ClientHello in the segment of the request head, and one that comes in two halves. */
static void
test_a_hello_may_begin_behind_the_request_head(void)
{
    for (guint whole = 0; whole < 2; whole++) {
        static const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
        g_autofree char *head = NULL;
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        BIO *memory = BIO_new(BIO_s_mem());
        TlsPair pair;
        char *hello;
        long length;
        guint first;
        Legs legs;

        legs_new(&legs);
        g_assert_true(osh_tls_engine_prepare_upstream(legs.engine, NULL));
        osh_fixture_start(legs.world.fixture);
        legs.world.client = osh_fixture_client(legs.world.fixture);
        legs.client = peer_new(tls_client_context(osh_tls_engine_authority_pem(legs.engine)),
                               legs.world.client, FALSE);
        BIO_up_ref(memory);
        SSL_set0_wbio(legs.client.ssl, memory);
        peer_shake(&legs.client);
        length = BIO_get_mem_data(memory, &hello);
        head = g_strdup_printf("CONNECT " NAME ":%u HTTP/1.1\r\n\r\n", legs.world.port);
        g_byte_array_append(bytes, (const guint8 *)head, (guint)strlen(head));
        first = (guint)(whole ? length : length / 2);
        g_byte_array_append(bytes, (const guint8 *)hello, first);
        g_assert_cmpint(write(legs.world.client, bytes->data, bytes->len), ==, bytes->len);
        legs.world.upstream = osh_fixture_accept(legs.world.fixture, legs.world.server);
        osh_fixture_expect(legs.world.fixture, legs.world.client,
                           "HTTP/1.1 200 Connection Established\r\n\r\n");
        osh_fixture_settle(legs.world.fixture);
        if (!whole)
            g_assert_cmpint(write(legs.world.client, hello + first, (gsize)length - first), ==,
                            length - first);
        SSL_set_fd(legs.client.ssl, legs.world.client);
        BIO_free(memory);
        pair = tls_pair_new(&legs.root, &spec);
        legs.server = peer_new(tls_server_context(&pair, NULL), legs.world.upstream, TRUE);
        tls_pair_clear(&pair);
        legs_shake(&legs);
        g_assert_true(legs.client.is_open);
        peer_say(&legs.client, "hello\n");
        legs_expect(&legs, &legs.server, "hello\n");
        legs_close(&legs);
    }
}

/* The words of a refusal, and then an end in good order for both. */
static gsize
feed_refusing(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length == 0)
        return l7_lines_feed(world, input, actions, ret_deadline);
    world->session->pieces[0] = l7_bytes("bad line\n");
    actions[0] = (OshL7Action){.type = OSH_L7_EMIT,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .u.send = {world->session->pieces, 1}};
    actions[1] = (OshL7Action){
        .type = OSH_L7_DENY, .flags = OSH_L7_CONNECTION, .u.deny.reason = "it is malformed"};
    return 2;
}

static void
test_the_words_of_a_refusal_end_in_good_order(void)
{
    g_autofree char *words = NULL;
    g_autofree char *nothing = NULL;
    int error;
    Legs legs;

    legs_begin(&legs);
    legs.world.feed = feed_refusing;
    peer_say(&legs.client, "hello\n");
    words = legs_read_all(&legs, &legs.client, &error);
    g_assert_cmpstr(words, ==, "bad line\n");
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    nothing = legs_read_all(&legs, &legs.server, &error);
    g_assert_cmpstr(nothing, ==, "");
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    legs_close(&legs);
}

static void
test_an_end_is_passed_on_as_an_end(void)
{
    g_autofree char *rest = NULL;
    int error;
    Legs legs;

    legs_begin(&legs);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    peer_say(&legs.server, "all of it\n");
    SSL_shutdown(legs.server.ssl);
    rest = legs_read_all(&legs, &legs.client, &error);
    g_assert_cmpstr(rest, ==, "all of it\n");
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    legs_close(&legs);
}

static void
test_a_truncation_is_no_end(void)
{
    for (guint from_client = 0; from_client < 2; from_client++) {
        g_autofree char *rest = NULL;
        int error;
        Legs legs;

        legs_begin(&legs);
        peer_say(&legs.client, "hello\n");
        legs_expect(&legs, &legs.server, "hello\n");
        if (!from_client)
            peer_say(&legs.server, "a part of");
        shutdown(from_client ? legs.world.client : legs.world.upstream, SHUT_WR);
        rest = legs_read_all(&legs, from_client ? &legs.server : &legs.client, &error);
        /* What was read may go out; an end in good order may not. */
        g_assert_cmpint(error, !=, SSL_ERROR_ZERO_RETURN);
        l7_assert_closed(&legs.world, "reset");
        legs_close(&legs);
    }
}

static void
test_what_the_driver_refuses_does_not_look_finished(void)
{
    g_autofree char *line = g_strnfill(40000, 'x');
    g_autofree char *rest = NULL;
    int error;
    Legs legs;

    legs_begin(&legs);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    /* A line that fits no window is refused by the driver, which has no words. */
    for (gsize at = 0; at < 40000;) {
        int n = SSL_write(legs.client.ssl, line + at, (int)(40000 - at));

        if (n <= 0 && !peer_waits(&legs.client, n))
            break;
        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(legs.world.fixture, 1);
    }
    rest = legs_read_all(&legs, &legs.server, &error);
    g_assert_cmpstr(rest, ==, "");
    g_assert_cmpint(error, !=, SSL_ERROR_ZERO_RETURN);
    l7_assert_says(&legs.world, OSH_FIXTURE_L7_DENIED, "larger than may be buffered");
    legs_close(&legs);
}

static void
test_a_slow_client_loses_nothing(void)
{
    enum { LENGTH = 512 * 1024 };
    g_autoptr(GString) got = g_string_new(NULL);
    g_autofree char *text = g_strnfill(LENGTH, 'x');
    gsize at = 0;
    int error = 0;
    Legs legs;

    for (gsize i = 0; i < LENGTH; i++)
        text[i] = (char)('a' + (i * 31 + i / 251) % 26);
    legs_begin(&legs);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    l7_small_buffers(osh_fixture_first(legs.world.fixture, OSH_STEP_INSPECT)->client_fd);
    SSL_set_mode(legs.server.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    while (!peer_hear(&legs.client, got, LENGTH, &error)) {
        int n = at < LENGTH ? SSL_write(legs.server.ssl, text + at, (int)(LENGTH - at)) : 0;

        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(legs.world.fixture, 0);
    }
    g_assert_cmpint(error, ==, 0);
    g_assert_cmpmem(got->str, got->len, text, LENGTH);
    legs_close(&legs);
}

static void
test_without_an_authority_nothing_passes(void)
{
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    legs.world.fixture->network.interceptor = NULL;
    peer_shake(&legs.client);
    osh_fixture_expect_reset(legs.world.fixture, legs.world.client);
    osh_fixture_expect_reset(legs.world.fixture, legs.world.upstream);
    l7_assert_says(&legs.world, OSH_FIXTURE_DENIED, "no certificate authority");
    legs_close(&legs);
}

/* Before the tunnel is there, and before a dial. */
static void
test_without_an_authority_no_tunnel_is_opened(void)
{
    for (guint skip = 0; skip < 2; skip++) {
        Legs legs;

        legs_new(&legs);
        legs.world.fixture->network.interceptor = NULL;
        legs.world.fixture->policy.tls = skip ? OSH_TLS_SKIP : OSH_TLS_AUTO;
        osh_fixture_start(legs.world.fixture);
        legs.world.client = osh_fixture_connect(legs.world.fixture, NAME, legs.world.port);
        if (skip) {
            legs.world.upstream = osh_fixture_accept(legs.world.fixture, legs.world.server);
            osh_fixture_expect(legs.world.fixture, legs.world.client,
                               "HTTP/1.1 200 Connection Established\r\n\r\n");
        } else {
            osh_fixture_expect_status(legs.world.fixture, legs.world.client, "503");
            legs.world.client = -1;
            g_assert_false(osh_fixture_pending(legs.world.server));
            l7_assert_says(&legs.world, OSH_FIXTURE_DENIED, "no certificate authority");
        }
        legs_close(&legs);
    }
}

static void
test_roots_may_be_read_meanwhile(void)
{
    OshConnection *connection;
    Legs legs;

    legs_new(&legs);
    l7_world_open(&legs.world);
    legs.client = peer_new(tls_client_context(osh_tls_engine_authority_pem(legs.engine)),
                           legs.world.client, FALSE);
    peer_shake(&legs.client);
    osh_fixture_settle(legs.world.fixture);
    connection = osh_fixture_first(legs.world.fixture, OSH_STEP_TLS_UPSTREAM);
    g_assert_nonnull(connection);
    g_assert_null(connection->intercept->sessions[1]);
    g_assert_true(osh_tls_engine_prepare_upstream(legs.engine, NULL));
    OSH_WAIT_FOR(legs.world.fixture, connection->intercept->sessions[1] != NULL);
    legs_close(&legs);
}

/* They were read, and there is none: at once, and not when the time is over. */
static void
test_without_roots_a_client_is_told_at_once(void)
{
    g_autofree char *answer = NULL;
    int error;
    Legs legs;

    legs_new(&legs);
    legs.interceptor.has_no_roots = TRUE;
    l7_world_open(&legs.world);
    legs.client = peer_new(tls_client_context(osh_tls_engine_authority_pem(legs.engine)),
                           legs.world.client, FALSE);
    OSH_WAIT_FOR(legs.world.fixture, peer_shake(&legs.client));
    answer = legs_read_all(&legs, &legs.client, &error);
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 502 "));
    g_assert_nonnull(strstr(answer, "no certificate authority is known"));
    g_assert_nonnull(strstr(answer, "network.upstream-ca"));
    legs_close(&legs);
}

/* Tells the client, whose handshake could begin only then. */
static void
test_a_server_that_is_silent_is_told_of(void)
{
    g_autofree char *answer = NULL;
    int error;
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    peer_shake(&legs.client);
    osh_fixture_settle(legs.world.fixture);
    g_assert_nonnull(osh_fixture_first(legs.world.fixture, OSH_STEP_TLS_UPSTREAM));
    osh_fixture_advance(legs.world.fixture, 11 * G_TIME_SPAN_SECOND);
    OSH_WAIT_FOR(legs.world.fixture, peer_shake(&legs.client));
    g_assert_true(legs.client.is_open);
    answer = legs_read_all(&legs, &legs.client, &error);
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 504 Gateway Timeout\r\n"));
    g_assert_nonnull(strstr(answer, "\"error\":\"upstream_timeout\""));
    g_assert_nonnull(strstr(answer, "the server did not answer the TLS handshake in time"));
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "'timeout'");
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "the server did not answer");
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    g_assert_cmpuint(legs.world.n_feeds[0], ==, 0);
    legs_close(&legs);
}

static void
test_a_silent_server_is_recorded_for_a_client_of_no_http(void)
{
    Legs legs;

    legs_new(&legs);
    legs.world.protocol.is_http = FALSE;
    legs_open(&legs, NAME, NULL);
    peer_shake(&legs.client);
    osh_fixture_settle(legs.world.fixture);
    osh_fixture_advance(legs.world.fixture, 11 * G_TIME_SPAN_SECOND);
    OSH_WAIT_FOR(legs.world.fixture, peer_shake(&legs.client));
    g_assert_true(legs.client.has_failed);
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "the server did not answer");
    legs_close(&legs);
}

/* What is wrong with the server is recorded though the client never hears of it. */
static void
test_a_client_that_is_silent_has_its_time(void)
{
    for (guint failed = 0; failed < 2; failed++) {
        Legs legs;

        legs_new(&legs);
        legs_open(&legs, failed ? "other.test" : NAME, NULL);
        peer_shake(&legs.client);
        for (guint i = 0; i < 5; i++) {
            peer_shake(&legs.server);
            osh_fixture_settle(legs.world.fixture);
        }
        g_assert_nonnull(osh_fixture_first(legs.world.fixture, OSH_STEP_TLS_CLIENT));
        osh_fixture_advance(legs.world.fixture, 11 * G_TIME_SPAN_SECOND);
        osh_fixture_advance(legs.world.fixture, G_TIME_SPAN_SECOND);
        g_assert_true(legs_idle(&legs));
        l7_assert_says(&legs.world, OSH_FIXTURE_FAILED,
                       failed ? "certificate is not for " NAME
                              : "the client did not complete the TLS handshake in time");
        legs_close(&legs);
    }
}

/* The fixture asserts that nothing is left. */
static void
test_the_host_may_stop_in_each_state(void)
{
    for (guint state = 0; state < 4; state++) {
        Legs legs;

        legs_new(&legs);
        if (state > 0)
            legs_open(&legs, NAME, NULL);
        else
            l7_world_open(&legs.world);
        if (state == 0)
            legs.client = peer_new(tls_client_context(NULL), legs.world.client, FALSE);
        peer_shake(&legs.client);
        osh_fixture_settle(legs.world.fixture);
        for (guint i = 0; i < 5 && state == 2; i++) {
            peer_shake(&legs.server);
            osh_fixture_settle(legs.world.fixture);
        }
        if (state == 3)
            legs_shake(&legs);
        osh_fixture_stop(legs.world.fixture);
        legs_close(&legs);
    }
}

/* Its certificates name the address, whatever the client says in its ClientHello. */
static void
test_an_address_is_contradicted_by_no_name(void)
{
    Legs legs;

    legs_new(&legs);
    legs.world.host = OSH_FIXTURE_OTHER;
    legs_open(&legs, OSH_FIXTURE_OTHER, NULL);
    SSL_set1_host(legs.client.ssl, NULL);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(legs.client.ssl), OSH_FIXTURE_OTHER);
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    g_assert_true(legs.server.is_open);
    legs_close(&legs);
}

/* Reads one message of the client, and no more. */
static gsize
feed_one(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER && world->session->answers > 0 &&
        world->session->state == L7_NOT_ASKED)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

/* The end of TLS that nobody reads is no message that is still to be delivered. */
static void
test_a_client_that_ended_tls_has_delivered(void)
{
    for (guint more = 0; more < 2; more++) {
        const OshConnection *connection;
        Legs legs;

        legs_new(&legs);
        legs.world.feed = feed_one;
        legs_open(&legs, NAME, NULL);
        legs_shake(&legs);
        peer_say(&legs.client, "one\n");
        legs_expect(&legs, &legs.server, "one\n");
        connection = osh_fixture_first(legs.world.fixture, OSH_STEP_INSPECT);
        if (more)
            peer_say(&legs.client, "two\n");
        SSL_shutdown(legs.client.ssl);
        shutdown(legs.world.client, SHUT_WR);
        OSH_WAIT_FOR(legs.world.fixture, connection->up.hung_up);
        g_assert_cmpint(osh_inspect_has_delivered(connection), ==, !more);
        legs_close(&legs);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* OpenSSL writes to peers that are gone. */
    signal(SIGPIPE, SIG_IGN);
#define ADD(sentence, function) g_test_add_func("/network/intercept/" sentence, function)
    ADD("messages-pass-between-two-legs", test_messages_pass_between_two_legs);
    ADD("the-upstream-comes-first", test_the_upstream_comes_first);
    ADD("an-upstream-of-another-name-is-told-to-the-client",
        test_an_upstream_of_another_name_is_told_to_the_client);
    ADD("an-untrusted-upstream-is-told-to-the-client",
        test_an_untrusted_upstream_is_told_to_the_client);
    ADD("without-an-authority-no-tunnel-is-opened", test_without_an_authority_no_tunnel_is_opened);
    ADD("a-hello-may-begin-behind-the-request-head",
        test_a_hello_may_begin_behind_the_request_head);
    ADD("the-words-of-a-refusal-end-in-good-order", test_the_words_of_a_refusal_end_in_good_order);
    ADD("an-end-is-passed-on-as-an-end", test_an_end_is_passed_on_as_an_end);
    ADD("a-truncation-is-no-end", test_a_truncation_is_no_end);
    ADD("what-the-driver-refuses-does-not-look-finished",
        test_what_the_driver_refuses_does_not_look_finished);
    ADD("a-slow-client-loses-nothing", test_a_slow_client_loses_nothing);
    ADD("without-an-authority-nothing-passes", test_without_an_authority_nothing_passes);
    ADD("roots-may-be-read-meanwhile", test_roots_may_be_read_meanwhile);
    ADD("without-roots-a-client-is-told-at-once", test_without_roots_a_client_is_told_at_once);
    ADD("a-server-that-is-silent-is-told-of", test_a_server_that_is_silent_is_told_of);
    ADD("a-silent-server-is-recorded-for-a-client-of-no-http",
        test_a_silent_server_is_recorded_for_a_client_of_no_http);
    ADD("a-client-that-is-silent-has-its-time", test_a_client_that_is_silent_has_its_time);
    ADD("an-address-is-contradicted-by-no-name", test_an_address_is_contradicted_by_no_name);
    ADD("the-host-may-stop-in-each-state", test_the_host_may_stop_in_each_state);
    ADD("a-client-that-ended-tls-has-delivered", test_a_client_that_ended_tls_has_delivered);
    return g_test_run();
}
