/* SPDX-License-Identifier: Apache-2.0 */
/* Plain HTTP through the proxy: what of a request reaches the server, to the byte. */
#include "fixture-resolver.h"
#include "network-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ANSWER "HTTP/1.1 200 OK\r\n\r\nthe answer"
#define PASSED "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe answer"

typedef struct {
    OshFixture *fixture;
    int server;
    guint16 port;
    int client;
    int upstream;
} Exchange;

/* @request: with %A for the server's ADDRESS:PORT. */
static char *
fill_in(const Exchange *exchange, const char *request)
{
    g_autofree char *authority = g_strdup_printf(OSH_FIXTURE_OTHER ":%u", exchange->port);
    g_auto(GStrv) parts = g_strsplit(request, "%A", -1);

    return g_strjoinv(authority, parts);
}

static void
exchange_begin(Exchange *exchange, const char *request)
{
    g_autofree char *text = NULL;

    exchange->fixture = osh_fixture_new();
    exchange->fixture->policy.recording = TRUE;
    osh_fixture_start(exchange->fixture);
    exchange->server = osh_fixture_serve(OSH_FIXTURE_OTHER, &exchange->port);
    exchange->client = osh_fixture_client(exchange->fixture);
    text = fill_in(exchange, request);
    osh_fixture_send(exchange->client, text);
    exchange->upstream = -1;
}

static void
exchange_accept(Exchange *exchange)
{
    exchange->upstream = osh_fixture_accept(exchange->fixture, exchange->server);
}

static void
exchange_expect(const Exchange *exchange, const char *text)
{
    g_autofree char *filled = fill_in(exchange, text);

    osh_fixture_expect(exchange->fixture, exchange->upstream, filled);
}

static void
exchange_end(Exchange *exchange)
{
    if (exchange->client >= 0)
        close(exchange->client);
    if (exchange->upstream >= 0)
        close(exchange->upstream);
    close(exchange->server);
    osh_fixture_free(exchange->fixture);
}

/* The server has got nothing beyond what was expected, and answers. */
static void
exchange_answer(Exchange *exchange)
{
    char byte;

    osh_fixture_settle(exchange->fixture);
    g_assert_cmpint(recv(exchange->upstream, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
    osh_fixture_send(exchange->upstream, ANSWER);
    close(exchange->upstream);
    exchange->upstream = -1;
    osh_fixture_expect(exchange->fixture, exchange->client, PASSED);
    osh_fixture_expect_end(exchange->fixture, exchange->client);
    close(exchange->client);
    exchange->client = -1;
    osh_fixture_settle(exchange->fixture);
    g_assert_cmpint(exchange->fixture->network.n_connections, ==, 0);
}

#define TAIL "Via: 1.1 openshell-sandbox\r\n\r\n"
/* Where the client sends nothing more. */
#define LAST "Via: 1.1 openshell-sandbox\r\nConnection: close\r\n\r\n"

static const struct {
    const char *sentence;
    const char *request;
    const char *forwarded;
} rewrites[] = {
    {"the-target-becomes-a-path-and-the-host",
     "GET http://%A/a/b?c=d&e HTTP/1.1\r\nHost: %A\r\n\r\n",
     "GET /a/b?c=d&e HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"a-target-without-a-path-becomes-the-root", "GET http://%A HTTP/1.1\r\nHost: %A\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"a-target-with-only-a-query-becomes-the-root", "GET http://%A?q HTTP/1.1\r\nHost: %A\r\n\r\n",
     "GET /?q HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"the-version-stays", "GET http://%A/ HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: %A\r\n" LAST},
    {"fields-of-the-end-stay-as-they-are-in-order",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nAccept: a, b\r\nX-One: 1\r\nAuthorization: Basic "
     "eA==\r\nX-One: 2\r\nx-lower:\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\nAccept: a, b\r\nX-One: 1\r\nAuthorization: Basic "
     "eA==\r\nX-One: 2\r\nx-lower: \r\n" TAIL},
    {"proxy-authorization-and-its-like-never-reach-the-server",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nProxy-Authorization: Basic c2VjcmV0\r\n"
     "PROXY-AUTHORIZATION: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n"
     "Proxy-Authenticate: Basic\r\nKeep-Alive: timeout=5\r\nX-Kept: yes\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\nX-Kept: yes\r\n" TAIL},
    {"fields-named-by-connection-never-reach-the-server",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nX-Secret: 1\r\nConnection: close, x-secret\r\n"
     "X-Kept: yes\r\nconnection: X-Other , x-third\r\nX-Other: 2\r\nX-THIRD: 3\r\nx-secret: "
     "4\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\nX-Kept: yes\r\n" LAST},
    {"an-upgrade-is-not-passed-on",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: "
     "h2c\r\nHTTP2-Settings: AAMA\r\nTE: trailers\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"a-via-named-by-connection-is-made-anew",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nVia: 1.0 other\r\nConnection: via\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"a-body-is-as-long-as-it-says",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\n\r\nhello",
     "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\n" TAIL "hello"},
    {"what-follows-a-body-is-not-passed-on",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\n\r\nhelloGET http://%A/second "
     "HTTP/1.1\r\nHost: %A\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\n" TAIL "hello"},
    {"a-second-request-is-not-passed-on",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\n\r\nGET http://10.77.0.1:1/second HTTP/1.1\r\nHost: "
     "10.77.0.1:1\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: %A\r\n" TAIL},
    {"a-chunked-body-goes-to-its-last-chunk",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nGET http://%A/second HTTP/1.1\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: chunked\r\n" TAIL
     "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"},
};

static void
test_rewrite(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *forwarded = NULL;
    Exchange exchange;

    exchange_begin(&exchange, rewrites[i].request);
    exchange_accept(&exchange);
    exchange_expect(&exchange, rewrites[i].forwarded);
    exchange_answer(&exchange);
    forwarded = fill_in(&exchange, rewrites[i].forwarded);
    g_assert_cmpint(exchange.fixture->metrics[1], ==, strlen(forwarded));
    g_assert_cmpint(exchange.fixture->metrics[2], ==, strlen(PASSED));
    exchange_end(&exchange);
}

/* A head or a body may come byte by byte. */
static void
test_pieces_are_put_together(void)
{
    Exchange exchange;
    g_autofree char *request = NULL;

    exchange_begin(&exchange, "P");
    request = fill_in(&exchange, "OST http://%A/ HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: "
                                 "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    for (const char *at = request; *at != '\0'; at++) {
        osh_fixture_send(exchange.client, (char[]){*at, '\0'});
        osh_fixture_turn(exchange.fixture, 5);
    }
    exchange_accept(&exchange);
    exchange_expect(&exchange, "POST / HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: chunked\r\n" TAIL
                               "5\r\nhello\r\n0\r\n\r\n");
    exchange_answer(&exchange);
    exchange_end(&exchange);
}

/* Where the server listens on the default port, Host does not name it. */
static void
test_the_default_port_is_left_out(void)
{
    static const char *const one[] = {OSH_FIXTURE_PUBLIC, NULL};
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *host = NULL;

    osh_fixture_resolve_to(one);
    osh_fixture_start(fixture);

    int client = osh_fixture_client(fixture);

    osh_fixture_send(client, "GET http://Name.Test:80/ HTTP/1.1\r\nHost: name.test\r\n\r\n");
    osh_fixture_expect_status(fixture, client, "502");
    host = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_FAILED), 2);
    g_assert_cmpstr(host, ==, "name.test");
    osh_fixture_free(fixture);
}

static void
assert_cut_short(Exchange *exchange)
{
    int error_number;
    g_autofree char *got =
        osh_fixture_read_all(exchange->fixture, exchange->upstream, &error_number);

    /* An end in good order could be taken for the end of the body. */
    g_assert_cmpint(error_number, ==, ECONNRESET);
    osh_fixture_settle(exchange->fixture);
}

static void
test_a_body_cut_short_ends_by_a_reset(gconstpointer data)
{
    gboolean with_the_head = GPOINTER_TO_INT(data);
    Exchange exchange;

    exchange_begin(&exchange,
                   "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 50\r\n\r\nhello");
    if (with_the_head)
        shutdown(exchange.client, SHUT_WR);
    exchange_accept(&exchange);
    if (!with_the_head) {
        exchange_expect(&exchange,
                        "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 50\r\n" TAIL "hello");
        shutdown(exchange.client, SHUT_WR);
    }
    assert_cut_short(&exchange);
    g_assert_cmpint(exchange.fixture->network.n_connections, ==, 0);
    exchange_end(&exchange);
}

static void
test_a_broken_chunk_ends_by_a_reset_and_is_recorded(void)
{
    Exchange exchange;

    exchange_begin(&exchange, "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: "
                              "chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
    exchange_accept(&exchange);
    assert_cut_short(&exchange);
    g_assert_cmpuint(osh_fixture_count(exchange.fixture, OSH_FIXTURE_DENIED), ==, 1);
    osh_fixture_expect_status(exchange.fixture, exchange.client, "400");
    exchange.client = -1;
    osh_fixture_settle(exchange.fixture);
    g_assert_cmpint(exchange.fixture->network.n_connections, ==, 0);
    exchange_end(&exchange);
}

static void
test_an_idle_request_is_closed_at_its_time(void)
{
    Exchange exchange;

    exchange_begin(&exchange, "GET http://%A/ HTTP/1.1\r\nHost: %A\r\n\r\n");
    exchange_accept(&exchange);
    exchange_expect(&exchange, "GET / HTTP/1.1\r\nHost: %A\r\n" TAIL);
    exchange.fixture->network.config.idle_timeout = 30 * G_TIME_SPAN_SECOND;
    osh_fixture_advance(exchange.fixture, 29 * G_TIME_SPAN_SECOND);
    g_assert_nonnull(osh_fixture_first(exchange.fixture, OSH_STEP_FORWARD));
    osh_fixture_advance(exchange.fixture, 3 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(exchange.fixture->network.n_connections, ==, 0);
    exchange_end(&exchange);
}

/* A client that has sent its whole request may end its direction and still gets the answer. */
static void
test_a_half_close_after_the_request_is_no_end(void)
{
    Exchange exchange;

    exchange_begin(&exchange,
                   "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 2\r\n\r\nab");
    shutdown(exchange.client, SHUT_WR);
    exchange_accept(&exchange);
    exchange_expect(&exchange, "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 2\r\n" TAIL "ab");
    exchange_answer(&exchange);
    exchange_end(&exchange);
}

/* A server may refuse a body that is still on its way. */
static void
test_an_early_answer_arrives(void)
{
    Exchange exchange;

    exchange_begin(&exchange,
                   "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 5000\r\n\r\nhello");
    exchange_accept(&exchange);
    exchange_expect(&exchange,
                    "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 5000\r\n" TAIL "hello");
    osh_fixture_send(exchange.upstream, "HTTP/1.1 413 Too Large\r\n\r\n");
    shutdown(exchange.upstream, SHUT_WR);
    osh_fixture_expect(exchange.fixture, exchange.client,
                       "HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n");
    osh_fixture_expect_end(exchange.fixture, exchange.client);
    exchange_end(&exchange);
}

#define LONG_BODY (24 * 1024 * 1024)

static void
test_a_long_body_past_a_server_that_pauses(void)
{
    Exchange exchange;
    g_autofree char *chunk = g_strnfill(65536, 'b');
    g_autofree char *head = NULL;
    gsize sent = 0, received = 0, before = G_MAXSIZE;
    ssize_t n;

    exchange_begin(&exchange,
                   "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 25165824\r\n");
    osh_fixture_send(exchange.client, "\r\n");
    exchange_accept(&exchange);
    while (before != sent) {
        before = sent;
        n = send(exchange.client, chunk, 65536, MSG_DONTWAIT);
        sent += n > 0 ? (gsize)n : 0;
        osh_fixture_settle(exchange.fixture);
    }
    g_assert_cmpuint(sent, <, LONG_BODY);
    exchange_expect(&exchange, "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 25165824\r\n" TAIL);
    while (received < LONG_BODY) {
        gint64 limit = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
        char bytes[65536];

        if (sent < LONG_BODY) {
            n = send(exchange.client, chunk, MIN(65536, LONG_BODY - sent), MSG_DONTWAIT);
            sent += n > 0 ? (gsize)n : 0;
        }
        osh_fixture_turn(exchange.fixture, 0);
        while ((n = recv(exchange.upstream, bytes, sizeof bytes, MSG_DONTWAIT)) < 0) {
            g_assert_cmpint(g_get_monotonic_time(), <, limit);
            g_assert_cmpint(errno, ==, EAGAIN);
            osh_fixture_turn(exchange.fixture, 1);
            if (sent < LONG_BODY)
                break;
        }
        received += n > 0 ? (gsize)n : 0;
    }
    g_assert_cmpuint(received, ==, LONG_BODY);
    exchange_answer(&exchange);
    exchange_end(&exchange);
}

static const struct {
    const char *target;
    const char *status;
    const char *words;
} refusals[] = {
    {"/origin/form", "400", "this is a proxy"},
    {"https://host.test/", "400", "use CONNECT"},
    {"ftp://host.test/", "400", "only http URLs"},
    {"http://user:password@host.test/", "400", ""},
    {"http:///nothing", "400", ""},
    {"http://host.test:0/", "400", ""},
    {"http://host.test:65536/", "400", ""},
    {"*", "400", ""},
};

static void
test_refused_targets(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        OshFixture *fixture = osh_fixture_new();
        g_autofree char *request =
            g_strdup_printf("GET %s HTTP/1.1\r\nHost: host.test\r\n\r\n", refusals[i].target);
        g_autofree char *reason = NULL;
        g_autofree char *layer = NULL;
        int client;

        osh_fixture_start(fixture);
        client = osh_fixture_client(fixture);
        osh_fixture_send(client, request);
        osh_fixture_expect_status(fixture, client, refusals[i].status);
        layer = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 1);
        reason = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 6);
        g_assert_cmpstr(layer, ==, "head");
        g_assert_nonnull(strstr(reason, refusals[i].words));
        osh_fixture_free(fixture);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rewrites); i++) {
        g_autofree char *path = g_strdup_printf("/network/forward/%s", rewrites[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_rewrite);
    }
    g_test_add_func("/network/forward/pieces-are-put-together", test_pieces_are_put_together);
    g_test_add_func("/network/forward/the-name-comes-from-the-target-alone",
                    test_the_default_port_is_left_out);
    g_test_add_data_func("/network/forward/a-body-cut-short-ends-by-a-reset",
                         GINT_TO_POINTER(FALSE), test_a_body_cut_short_ends_by_a_reset);
    g_test_add_data_func("/network/forward/a-body-cut-short-with-the-head-ends-by-a-reset",
                         GINT_TO_POINTER(TRUE), test_a_body_cut_short_ends_by_a_reset);
    g_test_add_func("/network/forward/a-broken-chunk-ends-by-a-reset-and-is-recorded",
                    test_a_broken_chunk_ends_by_a_reset_and_is_recorded);
    g_test_add_func("/network/forward/an-idle-request-is-closed-at-its-time",
                    test_an_idle_request_is_closed_at_its_time);
    g_test_add_func("/network/forward/a-half-close-after-the-request-is-no-end",
                    test_a_half_close_after_the_request_is_no_end);
    g_test_add_func("/network/forward/an-early-answer-arrives", test_an_early_answer_arrives);
    g_test_add_func("/network/forward/a-long-body-past-a-server-that-pauses-arrives-whole",
                    test_a_long_body_past_a_server_that_pauses);
    g_test_add_func("/network/forward/a-target-that-is-not-served-is-a-400-that-says-why",
                    test_refused_targets);
    return g_test_run();
}
