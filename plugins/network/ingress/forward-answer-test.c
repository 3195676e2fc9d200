/* SPDX-License-Identifier: Apache-2.0 */
/* The server's direction of a plain HTTP exchange: how an answer ends, and what its end means. */
#include "forward-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The answer says that the connection ends, and it ends. */
static const struct {
    const char *sentence;
    const char *request;
    const char *answer;
    const char *passed;
    gboolean server_ends;
} closed[] = {
    {"a-client-that-says-close", "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nConnection: close\r\n\r\n",
     OK("ab"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", FALSE},
    {"a-client-that-says-so-to-the-proxy",
     "GET http://%A/ HTTP/1.1\r\nHost: %A\r\nProxy-Connection: close\r\n\r\n", OK("ab"),
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", FALSE},
    {"a-client-of-http-1.0", "GET http://%A/ HTTP/1.0\r\n\r\n", OK("ab"),
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", FALSE},
    {"a-body-that-ends-with-the-connection", GET("/"), "HTTP/1.1 200 OK\r\n\r\nall of it",
     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", TRUE},
    {"an-answer-to-half-a-request",
     "POST http://%A/ HTTP/1.1\r\nHost: %A\r\nContent-Length: 5000\r\n\r\nhello",
     "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", FALSE},
};

static void
test_closed(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    ForwardWorld world;

    forward_begin(&world);
    forward_say(&world, closed[i].request);
    forward_accepts(&world, 0);
    osh_fixture_settle(world.fixture);
    forward_answers(&world, closed[i].answer);
    if (closed[i].server_ends)
        shutdown(world.upstream, SHUT_WR);
    forward_gets(&world, closed[i].passed);
    osh_fixture_expect_end(world.fixture, world.client);
    forward_end(&world);
}

static const struct {
    const char *sentence;
    const char *answer;
} bad[] = {
    {"nothing", ""},
    {"half-a-head", "HTTP/1.1 200 OK\r\nContent-Le"},
    {"no-http", "SSH-2.0-x\r\n\r\n"},
    {"two-lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
    {"another-protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"},
    {"no-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"},
    {"no-chunk-behind-an-interim-response",
     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
    {"a-chunk-and-then-none",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"},
    {"an-interim-response-alone", "HTTP/1.1 103 Early Hints\r\n\r\n"},
};

static void
test_bad_answer(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    ForwardWorld world;
    int error_number;
    g_autofree char *got = NULL;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    forward_answers(&world, bad[i].answer);
    close(forward_take_fd(&world.upstream));
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, 0);
    /* Nothing of a bad answer passes. */
    g_assert_true(
        g_str_has_prefix(got + (g_str_has_prefix(got, bad[i].answer) ? strlen(bad[i].answer) : 0),
                         "HTTP/1.1 502 Bad Gateway\r\n"));
    g_assert_cmpint(g_str_has_prefix(got, "HTTP/1.1 101"), ==, FALSE);
    g_assert_nonnull(strstr(got, "upstream_response_invalid"));
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_FAILED), ==, 1);
    forward_end(&world);
}

static void
test_a_refusal_of_head_has_no_content(void)
{
    ForwardWorld world;
    int error_number;
    g_autofree char *got = NULL;

    forward_begin(&world);
    world.fixture->policy.action = OSH_ACTION_DENY;
    forward_say(&world, "HEAD http://%A/ HTTP/1.1\r\nHost: %A\r\n\r\n");
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, 0);
    g_assert_true(g_str_has_prefix(got, "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_true(g_str_has_suffix(got, "\r\n\r\n"));
    g_assert_null(strstr(got, "Content-Length: 0"));
    forward_end(&world);
}

static const char *const torn[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
};

static void
test_a_torn_answer_ends_by_a_reset(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(torn); i++) {
        ForwardWorld world;
        int error_number;
        g_autofree char *got = NULL;

        forward_begin(&world);
        forward_say(&world, GET("/"));
        forward_accepts(&world, 0);
        forward_hears(&world, GOT("/"));
        forward_answers(&world, torn[i]);
        close(forward_take_fd(&world.upstream));
        got = osh_fixture_read_all(world.fixture, world.client, &error_number);
        g_assert_cmpint(error_number, ==, ECONNRESET);
        forward_end(&world);
    }
}

static void
test_a_chunk_that_is_none_behind_what_was_sent_is_torn(void)
{
    ForwardWorld world;
    int error_number;
    g_autofree char *got = NULL;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    forward_answers(&world, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    forward_gets(&world, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    forward_answers(&world, "zz\r\n");
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    g_assert_cmpstr(got, ==, "");
    forward_end(&world);
}

static void
test_a_body_that_a_reset_ends_is_torn(void)
{
    ForwardWorld world;
    int error_number;
    g_autofree char *got = NULL;

    forward_begin(&world);
    forward_say(&world, GET("/"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/"));
    forward_answers(&world, "HTTP/1.1 200 OK\r\n\r\nabc");
    osh_fixture_settle(world.fixture);
    osh_fixture_reset(forward_take_fd(&world.upstream));
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    forward_end(&world);
}

/* More than a pipe and all buffers hold, past a client that pauses. */
#define LONG_BODY (16 * 1024 * 1024)

static void
test_a_long_body(gconstpointer data)
{
    gboolean is_chunked = GPOINTER_TO_INT(data);
    ForwardWorld world;
    g_autofree char *text = g_strnfill(65536, 'b');
    gsize sent = 0, received = 0;

    forward_begin(&world);
    forward_say(&world, GET("/one"));
    forward_accepts(&world, 0);
    forward_hears(&world, GOT("/one"));
    forward_answers(&world, is_chunked
                                ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000\r\n"
                                : "HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n");
    forward_gets(&world, is_chunked
                             ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000\r\n"
                             : "HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n");
    while (received < LONG_BODY) {
        char bytes[65536];
        ssize_t n = 0;

        if (sent < LONG_BODY)
            n = send(world.upstream, text, MIN(65536, LONG_BODY - sent), MSG_DONTWAIT);
        sent += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world.fixture, 0);
        /* The client begins to read when nothing more can be sent. */
        if (n > 0 && received == 0)
            continue;
        n = recv(world.client, bytes, MIN(sizeof bytes, LONG_BODY - received), MSG_DONTWAIT);
        received += n > 0 ? (gsize)n : 0;
    }
    if (is_chunked) {
        forward_answers(&world, "\r\n0\r\n\r\n");
        forward_gets(&world, "\r\n0\r\n\r\n");
    }
    forward_nothing_comes(&world, world.client);
    forward_exchange(&world, FALSE);
    g_assert_cmpuint(world.fixture->metrics[2], >, LONG_BODY);
    forward_end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/forward-answer/" sentence, function)
    for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
        g_autofree char *path =
            g_strdup_printf("/network/forward-answer/ends/%s", closed[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_closed);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strdup_printf("/network/forward-answer/502/%s", bad[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_bad_answer);
    }
    ADD("a-refusal-of-head-has-no-content", test_a_refusal_of_head_has_no_content);
    ADD("a-torn-answer-ends-by-a-reset", test_a_torn_answer_ends_by_a_reset);
    ADD("a-chunk-that-is-none-behind-what-was-sent-is-torn",
        test_a_chunk_that_is_none_behind_what_was_sent_is_torn);
    ADD("a-body-that-a-reset-ends-is-torn", test_a_body_that_a_reset_ends_is_torn);
    g_test_add_data_func("/network/forward-answer/a-long-body", GINT_TO_POINTER(FALSE),
                         test_a_long_body);
    g_test_add_data_func("/network/forward-answer/a-long-chunk", GINT_TO_POINTER(TRUE),
                         test_a_long_body);
    return g_test_run();
}
