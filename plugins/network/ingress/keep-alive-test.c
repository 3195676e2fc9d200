/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection, one plain HTTP request after the other: where each goes, who judges it,
 * and how an exchange ends.
 */
#include "fixture-resolver.h"
#include "forward-fixture.h"

#include <string.h>
#include <unistd.h>

static void
test_an_upstream_connection_serves_the_next_request(void)
{
    ForwardWorld world;

    forward_begin(&world);
    osh_fixture_n_lookups();
    forward_exchange(&world, TRUE);
    forward_exchange(&world, FALSE);
    forward_exchange(&world, FALSE);
    g_assert_false(osh_fixture_pending(world.servers[0]));
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 3);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_OPENED), ==, 3);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_CLOSED), ==, 3);
    g_assert_nonnull(osh_fixture_first(world.fixture, OSH_STEP_HEAD));
    /* An idle connection holds no buffer. */
    g_assert_cmpuint(osh_buffer_pool_in_use(world.fixture->part.heads), ==, 0);
    g_assert_cmpuint(osh_buffer_pool_in_use(world.fixture->part.windows), ==, 0);
    forward_end(&world);
}

static void
test_each_exchange_has_its_own_number_and_bytes(void)
{
    ForwardWorld world;
    guint64 first, second;
    g_autofree char *bytes = NULL;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    first = osh_fixture_last(world.fixture, OSH_FIXTURE_ALLOWED)->correlation;
    forward_exchange(&world, FALSE);
    second = osh_fixture_last(world.fixture, OSH_FIXTURE_ALLOWED)->correlation;
    g_assert_cmpuint(first, !=, second);
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(osh_fixture_last(world.fixture, OSH_FIXTURE_CLOSED)->correlation, ==, second);
    bytes = osh_fixture_text(osh_fixture_last(world.fixture, OSH_FIXTURE_CLOSED), 2);
    g_assert_cmpuint(g_ascii_strtoull(bytes, NULL, 10), ==, strlen(OK("ab")));
    g_assert_cmpint(world.fixture->metrics[2], ==, 2 * strlen(OK("ab")));
    forward_end(&world);
}

static void
test_another_authority_is_dialled_and_judged(void)
{
    ForwardWorld world;
    int first;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    first = forward_take_fd(&world.upstream);
    forward_say(&world, "GET http://%B/two HTTP/1.1\r\nHost: %B\r\n\r\n");
    forward_accepts(&world, 1);
    osh_fixture_expect_end(world.fixture, first);
    forward_hears(&world, "GET /two HTTP/1.1\r\nHost: %B\r\nVia: 1.1 openshell-sandbox\r\n\r\n");
    forward_answers(&world, OK("cd"));
    forward_gets(&world, OK("cd"));
    world.fixture->policy.denied = OSH_FIXTURE_OTHER;
    forward_say(&world, GET("/three"));
    forward_is_refused(&world, "403");
    g_assert_false(osh_fixture_pending(world.servers[0]));
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 1);
    close(first);
    forward_end(&world);
}

static void
test_a_tunnel_may_follow(void)
{
    ForwardWorld world;
    int first;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    first = forward_take_fd(&world.upstream);
    forward_say(&world, "CONNECT %A HTTP/1.1\r\n\r\nearly");
    forward_accepts(&world, 0);
    osh_fixture_expect_end(world.fixture, first);
    forward_gets(&world, "HTTP/1.1 200 Connection Established\r\n\r\n");
    forward_hears(&world, "early");
    close(first);
    forward_end(&world);
}

/* In a tunnel behind a request words come only before the first byte of a response. */
static void
test_a_tunnel_that_has_begun_to_answer_gets_no_words(void)
{
    static const char *const address[] = {OSH_FIXTURE_OTHER, NULL};
    ForwardWorld world;
    g_autofree char *connect = NULL;

    forward_begin(&world);
    osh_fixture_resolve_to(address);
    forward_exchange(&world, TRUE);
    connect = g_strdup_printf("CONNECT name.test:%u HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                              world.ports[0]);
    forward_say(&world, connect);
    forward_accepts(&world, 0);
    forward_gets(&world, "HTTP/1.1 200 Connection Established\r\n\r\n");
    forward_hears(&world, "GET / HTTP/1.1\r\n\r\n");
    forward_answers(&world, "HTTP/1.1 200 OK\r\n\r\nsome");
    forward_gets(&world, "HTTP/1.1 200 OK\r\n\r\nsome");
    world.fixture->policy.generation++;
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    forward_end(&world);
}

static void
test_socks_may_not_follow(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    g_assert_cmpint(send(world.client, "\5\1\0", 3, 0), ==, 3);
    forward_is_refused(&world, "400");
    forward_end(&world);
}

static void
test_a_pipelined_request_waits(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_say(&world, GET("/one") GET("/two"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/one"));
    forward_nothing_comes(&world, world.upstream);
    forward_answers(&world, OK("ab"));
    forward_gets(&world, OK("ab"));
    forward_hears(&world, GOT("/two"));
    forward_answers(&world, OK("cd"));
    forward_gets(&world, OK("cd"));
    forward_end(&world);
}

static void
test_of_a_pipeline_a_refused_request_ends_the_connection(void)
{
    ForwardWorld world;

    forward_begin(&world);
    world.fixture->policy.denied = OSH_FIXTURE_ADDRESS;
    forward_say(&world, GET("/one") "GET http://%B/ HTTP/1.1\r\nHost: %B\r\n\r\n" GET("/three"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/one"));
    forward_answers(&world, OK("ab"));
    forward_gets(&world, OK("ab"));
    forward_is_refused(&world, "403");
    osh_fixture_expect_end(world.fixture, world.upstream);
    g_assert_false(osh_fixture_pending(world.servers[1]));
    forward_end(&world);
}

/* A request, what the server gets of it, what it answers, and what the client gets; the connection
 * serves another request afterwards. */
static const struct {
    const char *sentence;
    const char *request;
    const char *forwarded;
    const char *answer;
    const char *passed; /* (nullable): as answered */
} kept[] = {
    {"a-body-ends-where-it-says",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\n\r\nhello",
     "POST / HTTP/1.1\r\nHost: %A\r\nContent-Length: 5\r\nVia: 1.1 openshell-sandbox\r\n\r\nhello",
     OK("ab"), NULL},
    {"chunks-end-with-the-last-and-its-trailers",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: %A\r\nTransfer-Encoding: chunked\r\nVia: 1.1 "
     "openshell-sandbox\r\n\r\n5\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-B: c\r\n\r\n",
     NULL},
    {"the-answer-to-head-has-no-body", "HEAD http://%A/ HTTP/1.1\r\nHost: %A\r\n\r\n",
     "HEAD / HTTP/1.1\r\nHost: %A\r\nVia: 1.1 openshell-sandbox\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", NULL},
    {"204-has-no-body", GET("/"), GOT("/"), "HTTP/1.1 204 No Content\r\n\r\n", NULL},
    {"304-has-no-body", GET("/"), GOT("/"),
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", NULL},
    {"interim-responses-come-in-order", GET("/"), GOT("/"),
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK("ab"), NULL},
    {"fields-of-the-hop-are-not-passed-on", GET("/"), GOT("/"),
     "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nKeep-Alive: timeout=5\r\nX-HOP: "
     "1\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\nX-Kept: 2\r\n\r\nab",
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kept: 2\r\n\r\nab"},
    {"a-client-of-http-1.0-that-asks-for-it-is-kept",
     "GET http://%A/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "GET / HTTP/1.0\r\nHost: %A\r\nVia: 1.1 openshell-sandbox\r\n\r\n", OK("ab"),
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab"},
    {"a-client-of-http-1.0-may-ask-for-it-by-proxy-connection",
     "GET http://%A/ HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n",
     "GET / HTTP/1.0\r\nHost: %A\r\nVia: 1.1 openshell-sandbox\r\n\r\n", OK("ab"),
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab"},
    {"a-client-of-http-1.0-gets-no-interim-response",
     "GET http://%A/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "GET / HTTP/1.0\r\nHost: %A\r\nVia: 1.1 openshell-sandbox\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\n\r\n" OK("ab"),
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab"},
};

static void
test_kept(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    const char *passed = kept[i].passed != NULL ? kept[i].passed : kept[i].answer;
    ForwardWorld world;

    forward_begin(&world);
    forward_say(&world, kept[i].request);
    forward_accepts(&world, 0);
    forward_hears(&world, kept[i].forwarded);
    forward_answers(&world, kept[i].answer);
    forward_gets(&world, passed);
    forward_nothing_comes(&world, world.client);
    forward_exchange(&world, FALSE);
    forward_end(&world);
}

/* The same byte by byte. */
static void
test_kept_in_pieces(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    const char *passed = kept[i].passed != NULL ? kept[i].passed : kept[i].answer;
    ForwardWorld world;
    g_autofree char *request = NULL;

    forward_begin(&world);
    request = forward_fill_in(&world, kept[i].request);
    for (const char *at = request; *at != '\0'; at++) {
        osh_fixture_send(world.client, (char[]){*at, '\0'});
        osh_fixture_turn(world.fixture, 1);
    }
    forward_accepts(&world, 0);
    forward_hears(&world, kept[i].forwarded);
    for (const char *at = kept[i].answer; *at != '\0'; at++) {
        osh_fixture_send(world.upstream, (char[]){*at, '\0'});
        osh_fixture_turn(world.fixture, 1);
    }
    forward_gets(&world, passed);
    forward_exchange(&world, FALSE);
    forward_end(&world);
}

/* The server's connection ends after its answer, the client's goes on. */
static void
test_a_server_that_says_close_ends_its_connection_alone(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    forward_answers(&world, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab");
    forward_gets(&world, OK("ab"));
    osh_fixture_expect_end(world.fixture, world.upstream);
    forward_exchange(&world, TRUE);
    forward_end(&world);
}

static void
test_an_idle_connection_that_its_server_closed_is_made_anew(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    close(forward_take_fd(&world.upstream));
    osh_fixture_settle(world.fixture);
    forward_exchange(&world, TRUE);
    /* The end, and the next request, before the end was noticed. */
    close(forward_take_fd(&world.upstream));
    forward_exchange(&world, TRUE);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 3);
    forward_end(&world);
}

static void
test_what_no_request_asked_for_reaches_no_client(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    forward_answers(&world, OK("xx"));
    osh_fixture_settle(world.fixture);
    forward_exchange(&world, TRUE);
    /* Glued to an answer. */
    forward_say(&world, GET("/two"));
    forward_hears(&world, GOT("/two"));
    forward_answers(&world, OK("ab") OK("xx"));
    forward_gets(&world, OK("ab"));
    osh_fixture_expect_end(world.fixture, world.upstream);
    forward_exchange(&world, TRUE);
    forward_end(&world);
}

/* The server closes a connection that it served before, and had the request by then. */
static void
test_only_what_may_be_repeated_is(gconstpointer data)
{
    gboolean may = GPOINTER_TO_INT(data);
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    forward_say(&world,
                may ? GET("/two")
                    : "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 2\r\n\r\nhi");
    osh_fixture_settle(world.fixture);
    close(forward_take_fd(&world.upstream));
    if (may) {
        forward_accepts(&world, 0);
        forward_hears(&world, GOT("/two"));
        forward_answers(&world, OK("cd"));
        forward_gets(&world, OK("cd"));
        forward_exchange(&world, FALSE);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_FAILED), ==, 0);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 3);
    } else {
        forward_is_refused(&world, "502");
        g_assert_false(osh_fixture_pending(world.servers[0]));
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    }
    forward_end(&world);
}

/* The server had the request, and has begun to say something. */
static void
test_what_got_an_interim_response_is_not_repeated(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    forward_say(&world, GET("/two"));
    forward_hears(&world, GOT("/two"));
    forward_answers(&world, "HTTP/1.1 103 Early Hints\r\n\r\n");
    forward_gets(&world, "HTTP/1.1 103 Early Hints\r\n\r\n");
    close(forward_take_fd(&world.upstream));
    forward_is_refused(&world, "502");
    g_assert_false(osh_fixture_pending(world.servers[0]));
    forward_end(&world);
}

static void
test_a_new_connection_is_not_made_twice_for_a_request(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    close(forward_take_fd(&world.upstream));
    forward_is_refused(&world, "502");
    g_assert_false(osh_fixture_pending(world.servers[0]));
    forward_end(&world);
}

static void
test_a_request_after_a_reload_is_judged_by_it(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    world.fixture->policy.generation++;
    forward_exchange(&world, FALSE);
    world.fixture->policy.generation++;
    world.fixture->policy.action = OSH_ACTION_DENY;
    forward_say(&world, GET("/two"));
    forward_is_refused(&world, "403");
    osh_fixture_expect_end(world.fixture, world.upstream);
    forward_end(&world);
}

/* Equal but for how it is handled: the connection is not the one that was made for that. */
static void
test_another_handling_is_dialled_anew(void)
{
    ForwardWorld world;
    int first;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    world.fixture->policy.generation++;
    world.fixture->policy.handling = 7;
    first = forward_take_fd(&world.upstream);
    forward_exchange(&world, TRUE);
    osh_fixture_expect_end(world.fixture, first);
    close(first);
    forward_end(&world);
}

/* The policy lets the client await its answer, and then no longer. */
static void
test_a_reload_in_an_exchange_is_told_in_words(void)
{
    ForwardWorld world;
    g_autofree char *got = NULL;
    int error_number;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    world.fixture->policy.generation++;
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, 0);
    g_assert_true(g_str_has_prefix(got, "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_nonnull(strstr(got, "the policy changed"));
    forward_end(&world);
}

static void
test_a_client_between_two_requests_is_closed_without_words(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    osh_fixture_advance(world.fixture, 9 * G_TIME_SPAN_SECOND);
    forward_nothing_comes(&world, world.client);
    osh_fixture_advance(world.fixture, 2 * G_TIME_SPAN_SECOND);
    osh_fixture_expect_end(world.fixture, world.client);
    osh_fixture_expect_end(world.fixture, world.upstream);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 0);
    forward_end(&world);
}

static void
test_a_slow_second_head_has_the_same_time(void)
{
    ForwardWorld world;

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    osh_fixture_advance(world.fixture, 9 * G_TIME_SPAN_SECOND);
    forward_say(&world, "GET http://%A/ HT");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 2 * G_TIME_SPAN_SECOND);
    forward_is_refused(&world, "408");
    forward_end(&world);
}

static void
test_a_second_head_that_is_too_long_is_refused(void)
{
    ForwardWorld world;
    g_autofree char *field = g_strnfill(9000, 'x');

    forward_begin(&world);
    forward_exchange(&world, TRUE);
    forward_say(&world, "GET http://%A/ HTTP/1.1\r\nX: ");
    osh_fixture_send(world.client, field);
    forward_is_refused(&world, "431");
    forward_end(&world);
}

/* Which program it is was read at its connect(2), and who owns it now before each request that
 * comes 100 ms later (security rule 4, identity at connect). */
static void
test_another_owner_of_the_connection_gets_nothing(void)
{
    ForwardWorld world;

    forward_begin(&world);
    world.fixture->network.config.identity_required = TRUE;
    forward_exchange(&world, TRUE);
    forward_exchange(&world, FALSE);
    world.fixture->program = OSH_FIXTURE_STRANGER;
    osh_fixture_advance(world.fixture, 200 * G_TIME_SPAN_MILLISECOND);
    forward_say(&world, GET("/two"));
    forward_is_refused(&world, "403");
    osh_fixture_expect_end(world.fixture, world.upstream);
    forward_end(&world);
}

static void
test_a_program_counts_once(void)
{
    ForwardWorld world;

    forward_begin(&world);
    world.fixture->network.config.identity_required = TRUE;
    world.fixture->network.config.max_connections_per_process = 2;
    for (guint i = 0; i < 5; i++)
        forward_exchange(&world, i == 0);
    osh_fixture_advance(world.fixture, 200 * G_TIME_SPAN_MILLISECOND);
    forward_exchange(&world, FALSE);
    forward_end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/keep-alive/" sentence, function)
    ADD("an-upstream-connection-serves-the-next-request",
        test_an_upstream_connection_serves_the_next_request);
    ADD("each-exchange-has-its-own-number-and-bytes",
        test_each_exchange_has_its_own_number_and_bytes);
    ADD("another-authority-is-dialled-and-judged", test_another_authority_is_dialled_and_judged);
    ADD("a-tunnel-may-follow", test_a_tunnel_may_follow);
    ADD("a-tunnel-that-has-begun-to-answer-gets-no-words",
        test_a_tunnel_that_has_begun_to_answer_gets_no_words);
    ADD("socks-may-not-follow", test_socks_may_not_follow);
    ADD("a-pipelined-request-waits", test_a_pipelined_request_waits);
    ADD("of-a-pipeline-a-refused-request-ends-the-connection",
        test_of_a_pipeline_a_refused_request_ends_the_connection);
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        g_autofree char *path = g_strdup_printf("/network/keep-alive/%s", kept[i].sentence);
        g_autofree char *pieces = g_strconcat(path, "-byte-by-byte", NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_kept);
        g_test_add_data_func(pieces, GSIZE_TO_POINTER(i), test_kept_in_pieces);
    }
    ADD("a-server-that-says-close-ends-its-connection-alone",
        test_a_server_that_says_close_ends_its_connection_alone);
    ADD("an-idle-connection-that-its-server-closed-is-made-anew",
        test_an_idle_connection_that_its_server_closed_is_made_anew);
    ADD("what-no-request-asked-for-reaches-no-client",
        test_what_no_request_asked_for_reaches_no_client);
    g_test_add_data_func("/network/keep-alive/what-may-be-repeated-is", GINT_TO_POINTER(TRUE),
                         test_only_what_may_be_repeated_is);
    g_test_add_data_func("/network/keep-alive/what-may-not-be-repeated-gets-a-502",
                         GINT_TO_POINTER(FALSE), test_only_what_may_be_repeated_is);
    ADD("what-got-an-interim-response-is-not-repeated",
        test_what_got_an_interim_response_is_not_repeated);
    ADD("a-new-connection-is-not-made-twice-for-a-request",
        test_a_new_connection_is_not_made_twice_for_a_request);
    ADD("a-request-after-a-reload-is-judged-by-it", test_a_request_after_a_reload_is_judged_by_it);
    ADD("another-handling-is-dialled-anew", test_another_handling_is_dialled_anew);
    ADD("a-reload-in-an-exchange-is-told-in-words", test_a_reload_in_an_exchange_is_told_in_words);
    ADD("a-client-between-two-requests-is-closed-without-words",
        test_a_client_between_two_requests_is_closed_without_words);
    ADD("a-slow-second-head-has-the-same-time", test_a_slow_second_head_has_the_same_time);
    ADD("a-second-head-that-is-too-long-is-refused",
        test_a_second_head_that_is_too_long_is_refused);
    ADD("another-owner-of-the-connection-gets-nothing",
        test_another_owner_of_the_connection_gets_nothing);
    ADD("a-program-counts-once", test_a_program_counts_once);
    return g_test_run();
}
