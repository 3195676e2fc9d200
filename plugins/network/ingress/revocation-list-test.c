/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation list of a run, asked for in each way that a client has. */
#include "revocation-list.h"

#include "intercept-fixture.h"
#include "interceptor.h"

#include <openssl/x509.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TARGET "http://" OSH_REVOCATION_HOST

/* Everything that a client gets. */
typedef struct {
    char *head;
    GByteArray *body;
} Answer;

static gboolean
read_some(int fd, GByteArray *got)
{
    guint8 bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0)
        g_byte_array_append(got, bytes, (guint)n);
    return n == 0;
}

static void
answer_read(Legs *legs, int fd, Answer *answer)
{
    g_autoptr(GByteArray) got = g_byte_array_new();
    const char *end;
    guint length;

    OSH_WAIT_FOR(legs->world.fixture, read_some(fd, got));
    end = g_strstr_len((const char *)got->data, got->len, "\r\n\r\n");
    g_assert_nonnull(end);
    length = (guint)(end - (const char *)got->data) + 4;
    answer->head = g_strndup((const char *)got->data, length);
    answer->body = g_byte_array_new();
    g_byte_array_append(answer->body, got->data + length, got->len - length);
    close(fd);
}

static void
answer_clear(Answer *answer)
{
    g_free(answer->head);
    g_byte_array_unref(answer->body);
}

/* It is signed by the authority, and revokes nothing. */
static void
assert_list(const Legs *legs, const Answer *answer)
{
    const guint8 *at = answer->body->data;
    X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)answer->body->len);
    X509 *authority = tls_read_certificate(osh_tls_engine_authority_pem(legs->engine));

    g_assert_true(g_str_has_prefix(answer->head, "HTTP/1.1 200 OK\r\n"));
    g_assert_nonnull(strstr(answer->head, "\r\nContent-Type: application/pkix-crl\r\n"));
    g_assert_nonnull(list);
    g_assert_cmpint(X509_CRL_verify(list, X509_get0_pubkey(authority)), ==, 1);
    g_assert_null(X509_CRL_get_REVOKED(list));
    X509_CRL_free(list);
    X509_free(authority);
}

static void
assert_nobody_was_asked(const Legs *legs)
{
    g_assert_cmpuint(legs->world.fixture->asked->len, ==, 0);
    g_assert_cmpuint(legs->world.fixture->events->len, ==, 0);
}

static void
open_world(Legs *legs)
{
    legs_new(legs);
    /* What the policy says is of no interest. */
    legs->world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(legs->world.fixture);
}

static void
ask(Legs *legs, const char *request, Answer *answer)
{
    int client = osh_fixture_client(legs->world.fixture);

    osh_fixture_send(client, request);
    answer_read(legs, client, answer);
}

static void
test_a_client_of_the_proxy_gets_it_without_a_policy(void)
{
    Answer first, second;
    Legs legs;

    open_world(&legs);
    ask(&legs,
        "GET " TARGET OSH_REVOCATION_PATH " HTTP/1.1\r\nHost: crl.openshell.internal\r\n\r\n",
        &first);
    assert_list(&legs, &first);
    ask(&legs, "GET " TARGET ":80" OSH_REVOCATION_PATH " HTTP/1.0\r\n\r\n", &second);
    /* Signed once. */
    g_assert_cmpmem(second.body->data, second.body->len, first.body->data, first.body->len);
    assert_nobody_was_asked(&legs);
    answer_clear(&first);
    answer_clear(&second);
    legs_close(&legs);
}

static void
test_in_a_tunnel_too(void)
{
    static const char *const requests[] = {
        /* With the head of CONNECT, in pieces, and behind the greeting of SOCKS. */
        "CONNECT " OSH_REVOCATION_HOST ":80 HTTP/1.1\r\n\r\n",
        "CONNECT " OSH_REVOCATION_HOST ":80 HTTP/1.1\r\n\r\nGET " OSH_REVOCATION_PATH,
        "\5\1",
    };
    static const char socks[] = "\5\1\0\5\1\0\3\26" OSH_REVOCATION_HOST "\0\120";

    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        const char *opened = "HTTP/1.1 200 Connection Established\r\n\r\n";
        Answer answer;
        int client;
        Legs legs;

        open_world(&legs);
        client = osh_fixture_client(legs.world.fixture);
        if (requests[i][0] == '\5') {
            g_assert_cmpint(write(client, socks, sizeof socks - 1), ==, sizeof socks - 1);
            osh_fixture_settle(legs.world.fixture);
            g_assert_cmpint(read(client, (char[12]){0}, 12), ==, 12);
        } else {
            osh_fixture_send(client, requests[i]);
            osh_fixture_expect(legs.world.fixture, client, opened);
        }
        osh_fixture_settle(legs.world.fixture);
        osh_fixture_send(client,
                         i == 1 ? " HTTP/1.1\r\nHo" : "GET " OSH_REVOCATION_PATH " HTTP/1.1\r\nHo");
        osh_fixture_settle(legs.world.fixture);
        osh_fixture_send(client, "st: x\r\n\r\n");
        answer_read(&legs, client, &answer);
        assert_list(&legs, &answer);
        assert_nobody_was_asked(&legs);
        answer_clear(&answer);
        legs_close(&legs);
    }
}

static const struct {
    const char *request;
    const char *answer;
} refused[] = {
    {"HEAD " TARGET OSH_REVOCATION_PATH, "HTTP/1.1 200 OK\r\n"},
    {"POST " TARGET OSH_REVOCATION_PATH, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"},
    {"GET " TARGET OSH_REVOCATION_PATH "?x", "HTTP/1.1 404 Not Found\r\n"},
    {"GET " TARGET "/", "HTTP/1.1 404 Not Found\r\n"},
    {"GET " TARGET, "HTTP/1.1 404 Not Found\r\n"},
    {"GET " TARGET "/./run.crl", "HTTP/1.1 404 Not Found\r\n"},
};

static void
test_every_other_request_gets_no_body(void)
{
    Legs legs;

    open_world(&legs);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *request = g_strdup_printf("%s HTTP/1.1\r\n\r\n", refused[i].request);
        Answer answer;

        ask(&legs, request, &answer);
        if (!g_str_has_prefix(answer.head, refused[i].answer))
            g_error("%s: %s", refused[i].request, answer.head);
        g_assert_cmpuint(answer.body->len, ==, 0);
        answer_clear(&answer);
    }
    assert_nobody_was_asked(&legs);
    legs_close(&legs);
}

static void
test_the_name_is_special_on_its_port_and_with_an_authority_alone(void)
{
    for (guint i = 0; i < 2; i++) {
        Answer answer;
        Legs legs;

        open_world(&legs);
        if (i == 0)
            legs.world.fixture->network.interceptor = NULL;
        ask(&legs,
            i == 0 ? "GET " TARGET OSH_REVOCATION_PATH " HTTP/1.1\r\n\r\n"
                   : "GET " TARGET ":81" OSH_REVOCATION_PATH " HTTP/1.1\r\n\r\n",
            &answer);
        g_assert_true(g_str_has_prefix(answer.head, "HTTP/1.1 403 "));
        g_assert_cmpuint(osh_fixture_count(legs.world.fixture, OSH_FIXTURE_DENIED), ==, 1);
        answer_clear(&answer);
        legs_close(&legs);
    }
}

/* Silent clients of it are no more than so many, and not for long. */
static void
test_silent_clients_take_no_more_than_their_part(void)
{
    int clients[OSH_REVOCATION_CLIENTS + 1];
    Legs legs;

    open_world(&legs);
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        clients[i] = osh_fixture_client(legs.world.fixture);
        osh_fixture_send(clients[i], "CONNECT " OSH_REVOCATION_HOST ":80 HTTP/1.1\r\n\r\n");
        if (i < OSH_REVOCATION_CLIENTS)
            osh_fixture_expect(legs.world.fixture, clients[i],
                               "HTTP/1.1 200 Connection Established\r\n\r\n");
        else
            osh_fixture_expect_reset(legs.world.fixture, clients[i]);
    }
    osh_fixture_advance(legs.world.fixture, 11 * G_TIME_SPAN_SECOND);
    OSH_WAIT_FOR(legs.world.fixture, legs_idle(&legs));
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
        close(clients[i]);
    legs_close(&legs);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
#define ADD(sentence, function) g_test_add_func("/network/revocation-list/" sentence, function)
    ADD("a-client-of-the-proxy-gets-it-without-a-policy",
        test_a_client_of_the_proxy_gets_it_without_a_policy);
    ADD("in-a-tunnel-too", test_in_a_tunnel_too);
    ADD("every-other-request-gets-no-body", test_every_other_request_gets_no_body);
    ADD("the-name-is-special-on-its-port-and-with-an-authority-alone",
        test_the_name_is_special_on_its_port_and_with_an_authority_alone);
    ADD("silent-clients-take-no-more-than-their-part",
        test_silent_clients_take_no_more_than_their_part);
    return g_test_run();
}
