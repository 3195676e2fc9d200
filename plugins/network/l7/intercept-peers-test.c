/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers of an inspected connection: those that do not trust us, that share no protocol, that are
 * slow, that take another group, and that come again.
 */
#include "intercept-fixture.h"

#include <openssl/err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
test_a_client_that_does_not_trust_us_is_told_of(void)
{
    static const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
    g_autofree char *pem = NULL;
    TlsPair pair;
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    SSL_free(legs.client.ssl);
    pem = tls_certificate_text(legs.root.certificate);
    pair = tls_pair_new(&legs.root, &spec);
    legs.client = peer_new(tls_client_context(pem), legs.world.client, FALSE);
    legs_shake(&legs);
    g_assert_true(legs.client.has_failed);
    OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "certificate-refused");
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "does not trust");
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "SSL_CERT_FILE");
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "'alert': <uint32 48>");
    l7_assert_closed(&legs.world, "certificate refused");
    g_assert_cmpuint(legs.world.n_feeds[0], ==, 0);
    /* Once for a program, and no failure for each of its connections. */
    legs_again(&legs);
    legs.server = peer_new(tls_server_context(&pair, NULL), legs.world.upstream, TRUE);
    legs.client = peer_new(tls_client_context(pem), legs.world.client, FALSE);
    legs_shake(&legs);
    g_assert_true(legs.client.has_failed);
    OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_CLOSED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_NOTICE), ==, 1);
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 0);
    tls_pair_clear(&pair);
    legs_close(&legs);
}

/* A client that ends the connection without an alert when it has seen the certificate. */
static void
test_a_client_that_leaves_at_the_certificate_is_told_of(void)
{
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    SSL_set_verify(legs.client.ssl, SSL_VERIFY_NONE, NULL);
    for (guint i = 0; i < 20 && !legs.server.is_open; i++) {
        peer_shake(&legs.server);
        if (i == 0)
            peer_shake(&legs.client);
        osh_fixture_settle(legs.world.fixture);
    }
    osh_fixture_reset(legs.world.client);
    legs.world.client = -1;
    OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "ended the connection when it saw");
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 0);
    legs_close(&legs);
}

/* Some look at the certificate when the handshake is done; some expect another one. */
static void
test_a_client_that_ends_without_a_word_is_told_of(void)
{
    for (guint late = 0; late < 2; late++) {
        Legs legs;

        legs_begin(&legs);
        OSH_WAIT_FOR(legs.world.fixture, legs.world.session != NULL);
        if (late)
            osh_fixture_advance(legs.world.fixture, 3 * G_TIME_SPAN_SECOND);
        SSL_shutdown(legs.client.ssl);
        SSL_shutdown(legs.server.ssl);
        OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
        g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_NOTICE), ==, 1 - late);
        if (!late)
            l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "pinning");
        legs_close(&legs);
    }
}

static void
test_a_client_that_has_asked_is_not_told_of(void)
{
    g_autofree char *rest = NULL;
    int error;
    Legs legs;

    legs_begin(&legs);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    SSL_shutdown(legs.client.ssl);
    SSL_shutdown(legs.server.ssl);
    rest = legs_read_all(&legs, &legs.client, &error);
    OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_NOTICE), ==, 0);
    legs_close(&legs);
}

/* --- ALPN --------------------------------------------------------------------------------------
 */

static int
choose(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
       const unsigned char *offer, unsigned int length, void *data)
{
    const char *name = data;

    (void)ssl;
    for (guint at = 0; name != NULL && at < length; at += 1 + offer[at])
        if (offer[at] == strlen(name) && memcmp(offer + at + 1, name, strlen(name)) == 0) {
            *ret_name = offer + at + 1;
            *ret_length = offer[at];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static const struct {
    const char *sentence;
    const char *names[3];  /* of the plugin */
    const char *offer;     /* (nullable): of the client */
    const char *preferred; /* (nullable): by the server */
    const char *chosen;    /* (nullable) */
} negotiations[] = {
    {"the one that all three have", {"http/1.1"}, "\2h2\10http/1.1", "http/1.1", "http/1.1"},
    {"a plugin may have several", {"h2", "http/1.1"}, "\2h2\10http/1.1", "h2", "h2"},
    {"the server decides", {"h2", "http/1.1"}, "\2h2\10http/1.1", "http/1.1", "http/1.1"},
    {"a server may choose none", {"h2", "http/1.1"}, "\2h2\10http/1.1", NULL, NULL},
    {"what the plugin has not is not offered", {"http/1.1"}, "\2h2\10http/1.1", "h2", NULL},
    {"a client may offer none", {"http/1.1"}, NULL, "http/1.1", NULL},
    {"a plugin without names ignores the offer", {NULL}, "\2h2", "h2", NULL},
};

static void
negotiate(gsize row)
{
    const char *chosen = negotiations[row].chosen;
    const guint8 *name;
    guint length;
    Legs legs;

    g_test_message("%s", negotiations[row].sentence);
    legs_new(&legs);
    for (guint i = 0; i < 3; i++)
        legs.world.names[i] = (char *)negotiations[row].names[i];
    legs_open(&legs, NAME, NULL);
    if (negotiations[row].offer != NULL)
        SSL_set_alpn_protos(legs.client.ssl, (const guint8 *)negotiations[row].offer,
                            (guint)strlen(negotiations[row].offer));
    SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(legs.server.ssl), choose,
                               (gpointer)negotiations[row].preferred);
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    g_assert_true(legs.server.is_open);
    SSL_get0_alpn_selected(legs.client.ssl, &name, &length);
    g_assert_cmpmem(name, length, chosen, chosen != NULL ? strlen(chosen) : 0);
    SSL_get0_alpn_selected(legs.server.ssl, &name, &length);
    g_assert_cmpmem(name, length, chosen, chosen != NULL ? strlen(chosen) : 0);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    g_assert_cmpstr(legs.world.alpn, ==, chosen);
    legs_close(&legs);
}

static void
test_the_protocol_is_one_that_all_sides_share(void)
{
    for (gsize row = 0; row < G_N_ELEMENTS(negotiations); row++)
        negotiate(row);
}

static int last_alert;

static void
keep_alert(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        last_alert = value & 0xff;
}

/* RFC 7301 section 3.2: no_application_protocol; the server hears nothing. */
static void
test_a_client_that_shares_no_protocol_is_told_so(void)
{
    char byte;
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    SSL_set_alpn_protos(legs.client.ssl, (const guint8 *)"\2h2", 3);
    last_alert = 0;
    SSL_set_info_callback(legs.client.ssl, keep_alert);
    OSH_WAIT_FOR(legs.world.fixture, peer_shake(&legs.client));
    g_assert_true(legs.client.has_failed);
    g_assert_cmpint(last_alert, ==, SSL_AD_NO_APPLICATION_PROTOCOL);
    g_assert_cmpint(recv(legs.world.upstream, &byte, 1, MSG_PEEK), <=, 0);
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "ALPN");
    legs_close(&legs);
}

/* Words of HTTP/1.1 would be none of theirs. */
static void
test_only_a_client_of_http_is_answered_in_its_words(void)
{
    for (guint i = 0; i < 2; i++) {
        Legs legs;

        legs_new(&legs);
        if (i == 0)
            legs.world.protocol.is_http = FALSE;
        legs.world.names[0] = (char *)"h2";
        legs_open(&legs, "other.test", NULL);
        if (i == 1)
            SSL_set_alpn_protos(legs.client.ssl, (const guint8 *)"\2h2", 3);
        legs_shake(&legs);
        g_assert_true(legs.client.has_failed);
        l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "certificate is not for " NAME);
        legs_close(&legs);
    }
}

static OshTlsResult
write_slowly(OshTlsSession *session, const OshSpan *pieces, gsize n_pieces, gsize *ret_length)
{
    static guint calls;
    const OshSpan part = {pieces[0].data, MIN(pieces[0].length, 20)};

    (void)n_pieces;
    return ++calls % 2 == 1 ? OSH_TLS_WANT_WRITE
                            : osh_tls_session_write(session, &part, 1, ret_length);
}

static void
test_a_slow_client_is_told_all_of_it(void)
{
    OshTlsModule slow = osh_tls_module_v1;
    g_autofree char *answer = NULL;
    int error;
    Legs legs;

    slow.session_write = write_slowly;
    legs_new(&legs);
    legs.interceptor.tls = &slow;
    legs_open(&legs, "other.test", NULL);
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    for (guint i = 0; i < 100; i++) {
        OshConnection *connection = osh_fixture_first(legs.world.fixture, OSH_STEP_TLS_CLIENT);

        if (connection != NULL)
            osh_connection_wake(connection);
    }
    answer = legs_read_all(&legs, &legs.client, &error);
    g_assert_true(strstr(answer, "certificate is not for " NAME "; ask it by a name") != NULL &&
                  g_str_has_suffix(answer, "uninspected\"}\n"));
    g_assert_cmpint(error, ==, SSL_ERROR_ZERO_RETURN);
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    legs_close(&legs);
}

static void
test_a_client_that_takes_no_answer_is_given_up(void)
{
    OshTlsModule slow = osh_tls_module_v1;
    Legs legs;

    slow.session_write = write_slowly;
    legs_new(&legs);
    legs.interceptor.tls = &slow;
    legs_open(&legs, "other.test", NULL);
    legs_shake(&legs);
    osh_fixture_advance(legs.world.fixture, 11 * G_TIME_SPAN_SECOND);
    osh_fixture_advance(legs.world.fixture, G_TIME_SPAN_SECOND);
    g_assert_true(legs_idle(&legs));
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    legs_close(&legs);
}

/* --- Handshakes of several flights, and short ones ---------------------------------------------
 */

/* RFC 8446 section 4.1.4: the client's first share is of a group that we do not take, and ours of
 * one that the server does not take. */
static void
test_both_legs_may_ask_for_another_group(void)
{
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, NAME, NULL);
    SSL_set1_groups_list(legs.client.ssl, "P-521:P-384");
    SSL_set1_groups_list(legs.server.ssl, "P-384");
    legs_shake(&legs);
    g_assert_true(legs.client.is_open);
    g_assert_true(legs.server.is_open);
    g_assert_cmpint(SSL_get_negotiated_group(legs.client.ssl), ==, NID_secp384r1);
    g_assert_cmpint(SSL_get_negotiated_group(legs.server.ssl), ==, NID_secp384r1);
    peer_say(&legs.client, "hello\n");
    legs_expect(&legs, &legs.server, "hello\n");
    legs_close(&legs);
}

/* The second connection of one client to one server, and of us to that server. */
static void
test_both_legs_are_resumed(gconstpointer data)
{
    const int version = GPOINTER_TO_INT(data);
    static const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
    SSL_SESSION *session = NULL;
    SSL_CTX *contexts[2];
    TlsPair pair;
    Legs legs;

    legs_new(&legs);
    g_assert_true(osh_tls_engine_prepare_upstream(legs.engine, NULL));
    l7_world_open(&legs.world);
    pair = tls_pair_new(&legs.root, &spec);
    contexts[0] = tls_client_context(osh_tls_engine_authority_pem(legs.engine));
    contexts[1] = tls_server_context(&pair, NULL);
    for (guint i = 0; i < 2; i++) {
        SSL_CTX_set_max_proto_version(contexts[i], version);
        SSL_CTX_up_ref(contexts[i]);
    }
    for (guint i = 0; i < 2; i++) {
        if (i > 0)
            legs_again(&legs);
        legs.client = peer_new(contexts[0], legs.world.client, FALSE);
        legs.server = peer_new(contexts[1], legs.world.upstream, TRUE);
        if (session != NULL)
            SSL_set_session(legs.client.ssl, session);
        legs_shake(&legs);
        peer_say(&legs.client, "hello\n");
        legs_expect(&legs, &legs.server, "hello\n");
        peer_say(&legs.server, "good day\n");
        legs_expect(&legs, &legs.client, "good day\n");
        g_assert_cmpint(SSL_version(legs.client.ssl), ==, version);
        g_assert_cmpint(SSL_version(legs.server.ssl), ==, version);
        g_assert_cmpint(SSL_session_reused(legs.client.ssl), ==, i);
        g_assert_cmpint(SSL_session_reused(legs.server.ssl), ==, i);
        if (i == 0)
            session = SSL_get1_session(legs.client.ssl);
        SSL_set_shutdown(legs.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_set_shutdown(legs.server.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_SESSION_free(session);
    tls_pair_clear(&pair);
    legs_close(&legs);
}

/* Then nobody can be told what is wrong with the upstream, and it is recorded all the same. */
static void
test_an_upstream_is_recorded_though_the_client_trusts_nobody(void)
{
    g_autofree char *pem = NULL;
    Legs legs;

    legs_new(&legs);
    legs_open(&legs, "other.test", NULL);
    SSL_free(legs.client.ssl);
    pem = tls_certificate_text(legs.root.certificate);
    legs.client = peer_new(tls_client_context(pem), legs.world.client, FALSE);
    legs_shake(&legs);
    OSH_WAIT_FOR(legs.world.fixture,
                 osh_fixture_count(legs.world.fixture, OSH_FIXTURE_NOTICE) == 1);
    l7_assert_says(&legs.world, OSH_FIXTURE_NOTICE, "does not trust");
    g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    l7_assert_says(&legs.world, OSH_FIXTURE_FAILED, "certificate is not for " NAME);
    legs_close(&legs);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* OpenSSL writes to peers that are gone. */
    signal(SIGPIPE, SIG_IGN);
#define ADD(sentence, function) g_test_add_func("/network/intercept-peers/" sentence, function)
    ADD("a-client-that-does-not-trust-us-is-told-of",
        test_a_client_that_does_not_trust_us_is_told_of);
    ADD("a-client-that-leaves-at-the-certificate-is-told-of",
        test_a_client_that_leaves_at_the_certificate_is_told_of);
    ADD("a-client-that-ends-without-a-word-is-told-of",
        test_a_client_that_ends_without_a_word_is_told_of);
    ADD("a-client-that-has-asked-is-not-told-of", test_a_client_that_has_asked_is_not_told_of);
    ADD("the-protocol-is-one-that-all-sides-share", test_the_protocol_is_one_that_all_sides_share);
    ADD("a-client-that-shares-no-protocol-is-told-so",
        test_a_client_that_shares_no_protocol_is_told_so);
    ADD("only-a-client-of-http-is-answered-in-its-words",
        test_only_a_client_of_http_is_answered_in_its_words);
    ADD("a-slow-client-is-told-all-of-it", test_a_slow_client_is_told_all_of_it);
    ADD("a-client-that-takes-no-answer-is-given-up",
        test_a_client_that_takes_no_answer_is_given_up);
    ADD("both-legs-may-ask-for-another-group", test_both_legs_may_ask_for_another_group);
    g_test_add_data_func("/network/intercept-peers/both-legs-are-resumed-by-tls-1.2",
                         GINT_TO_POINTER(TLS1_2_VERSION), test_both_legs_are_resumed);
    g_test_add_data_func("/network/intercept-peers/both-legs-are-resumed-by-tls-1.3",
                         GINT_TO_POINTER(TLS1_3_VERSION), test_both_legs_are_resumed);
    ADD("an-upstream-is-recorded-though-the-client-trusts-nobody",
        test_an_upstream_is_recorded_though_the_client_trusts_nobody);
    return g_test_run();
}
