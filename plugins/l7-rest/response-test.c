/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses through the strict driver of the harness: whole, byte by byte and at random splits,
 * each with the same outcome.
 */
#include "rest-fixture.h"

#include <string.h>

static void
test_provisional_responses(RestFixture *fixture, gconstpointer data)
{
#define EARLY "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK("ab")
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "PUT / HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\n"
                          "Content-Length: 2\r\n\r\nxy",
                          -1);
    osh_l7_harness_server(fixture->harness, EARLY, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, EARLY);
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "\r\n\r\nxy"));
#undef EARLY
}

static void
test_head(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, "HEAD / HTTP/1.1\r\nHost: api.test\r\n\r\n" GET("/two"),
                          -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" OK("cd"));
}

static void
test_until_close(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/") GET("/hidden"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\n\r\nall of it", -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_suffix(TO_CLIENT(outcome), "all of it"));
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_cut_short(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(outcome->reason, ==, "the response was cut short");
}

static void
test_no_response(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
}

static void
test_unasked_response(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab") OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
}

/* What becomes of a server's bytes: of a good one all of them reach the client. */
typedef enum {
    WHOLE, /* all of it */
    BAD,   /* a 502 in its place */
    CUT,   /* a part of it, and never its end */
} Fate;

static const struct {
    const char *sentence;
    const char *method;
    const char *server;
    Fate fate;
} responses[] = {
    {"a-length", "GET", OK("ab"), WHOLE},
    {"chunks-with-trailers", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", WHOLE},
    {"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", WHOLE},
    {"304-with-the-length-of-a-200", "GET",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", WHOLE},
    {"head-with-the-coding-of-a-get", "HEAD",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", WHOLE},
    {"bytes-from-0x80-in-a-value", "GET",
     "HTTP/1.1 200 J\xfcrgen\r\nX-Name: J\xfcrgen\r\nContent-Length: 0\r\n\r\n", WHOLE},
    {"102-and-103-and-100-in-order", "GET",
     "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
     "HTTP/1.1 100 Continue\r\n\r\n" OK("ab"),
     WHOLE},
    {"keep-alive-of-the-server", "GET",
     "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: "
     "0\r\n\r\n",
     WHOLE},
    {"a-change-of-protocol", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", BAD},
    {"204-with-a-length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", BAD},
    {"204-with-a-coding", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
     BAD},
    {"103-with-a-coding", "GET", "HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n", BAD},
    {"two-lengths", "GET",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", BAD},
    {"different-lengths", "GET",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", BAD},
    {"another-coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", BAD},
    {"bare-line-feeds", "GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", BAD},
    {"a-folded-field", "GET", "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", BAD},
    {"a-blank-before-a-colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", BAD},
    {"another-version", "GET", "HTTP/2 200\r\n\r\n", BAD},
    {"no-http-at-all", "GET", "SSH-2.0-x\r\n", BAD},
    {"a-second-response", "GET", OK("ab") OK("cd"), CUT},
    {"a-body-behind-head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", CUT},
    {"a-body-behind-304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nab", CUT},
    {"a-body-behind-204", "GET", "HTTP/1.1 204 No Content\r\n\r\nab", CUT},
    {"a-chunk-size-with-a-sign", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n+0\r\n\r\n", CUT},
    {"a-trailer-that-frames", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: "
     "1\r\n\r\n",
     CUT},
};

static void
test_response(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *request =
        g_strdup_printf("%s / HTTP/1.1\r\nHost: api.test\r\n\r\n", responses[i].method);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, request, -1);
    osh_l7_harness_server(fixture->harness, responses[i].server, -1);
    outcome = rest_fixture_run(fixture);
    switch (responses[i].fate) {
    case WHOLE:
        g_assert_cmpstr(TO_CLIENT(outcome), ==, responses[i].server);
        g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
        break;
    case BAD:
        g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
        g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"error\":\"upstream_response_invalid\""));
        g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"method\":\"GET\",\"path\":\"/\","));
        g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"id\":\"e1\""));
        g_assert_nonnull(strstr(outcome->records->str, "1 failed GET /"));
        g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
        break;
    case CUT:
        g_assert_cmpuint(strlen(TO_CLIENT(outcome)), <, strlen(responses[i].server));
        g_assert_true(g_str_has_prefix(responses[i].server, TO_CLIENT(outcome)));
        g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
        break;
    default:
        g_assert_not_reached();
    }
}

/* Each request may have so many of its own. */
static void
test_interim_of_each(RestFixture *fixture, gconstpointer data)
{
#define ONE "HTTP/1.1 100 Continue\r\n\r\n"
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rest_fixture_configure(fixture, "interim_responses", 1);
    osh_l7_harness_client(fixture->harness, GET("/") GET("/two"), -1);
    osh_l7_harness_server(fixture->harness, ONE OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, ONE OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, ONE OK("ab") ONE OK("cd"));
#undef ONE
}

/* A body that nobody announced is not the response to the request behind it. */
static void
test_surplus_and_pipeline(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "HEAD / HTTP/1.1\r\nHost: api.test\r\n\r\n" GET("/hidden"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" OK("ab"),
                          -1);
    outcome = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_null(strstr(TO_SERVER(outcome), "/hidden"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
}

static void
test_hop_fields_of_responses(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/") GET("/next"), -1);
    osh_l7_harness_server(fixture->harness,
                          "HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade, X-Own\r\n"
                          "x-own: 1\r\nContent-Length: 2\r\nKeep-Alive: 1\r\nX-Stays: 1\r\n\r\nab",
                          -1);
    osh_l7_harness_server(fixture->harness,
                          "HTTP/1.1 200 OK\r\nConnection: close, X-Own\r\nContent-Length: 2\r\n\r\n"
                          "cd",
                          -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Stays: 1\r\n\r\nab"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\ncd");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

#define UPLOAD            "PUT / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 10\r\n\r\n"
#define TOO_LARGE(fields) "HTTP/1.1 413 Too Large\r\n" fields "Content-Length: 2\r\n\r\nno"

/* The server reads no more: the client may finish speaking, and nothing of that leaves. */
static void
test_early_response_that_closes(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;
    gboolean is_silent = GPOINTER_TO_INT(data);

    osh_l7_harness_client(fixture->harness, UPLOAD "12345", -1);
    osh_l7_harness_server(fixture->harness, TOO_LARGE("Connection: close\r\n"), -1);
    osh_l7_harness_client(fixture->harness, "678", -1);
    if (is_silent)
        osh_l7_harness_advance(fixture->harness, 10 * G_TIME_SPAN_SECOND);
    else
        osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, TOO_LARGE("Connection: close\r\n"));
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "\r\n\r\n12345"));
    g_assert_nonnull(strstr(outcome->records->str, "done 413 2"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* What the server says behind its last response is read and dropped. */
static void
test_early_response_with_surplus(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, UPLOAD "12345", -1);
    osh_l7_harness_server(fixture->harness, TOO_LARGE("Connection: close\r\n") "surplus", -1);
    osh_l7_harness_client(fixture->harness, "67890", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, TOO_LARGE("Connection: close\r\n"));
    g_assert_cmpstr(outcome->left[OSH_SERVER_TO_CLIENT]->str, ==, "");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_early_response_that_goes_on(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, UPLOAD "12345", -1);
    osh_l7_harness_server(fixture->harness, TOO_LARGE(""), -1);
    osh_l7_harness_client(fixture->harness, "67890" GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, TOO_LARGE("") OK("ab"));
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "\r\n\r\n1234567890" SENT("/next")));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static void
test_early_response_then_silence(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, UPLOAD "12345", -1);
    osh_l7_harness_server(fixture->harness, TOO_LARGE(""), -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    osh_l7_harness_client(fixture->harness, "67890" GET("/hidden"), -1);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, TOO_LARGE(""));
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "\r\n\r\n12345"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_terminated(RestFixture *fixture, gconstpointer data)
{
    gboolean in_response = GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    if (in_response)
        osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
                              -1);
    else
        osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_terminate(fixture->harness, OSH_L7_TERMINATE_SHUTDOWN);
    if (in_response)
        osh_l7_harness_server(fixture->harness, "b", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    in_response ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab" : OK("ab"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_reset_inside_a_body_until_close(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\n\r\nhalf", -1);
    osh_l7_harness_reset(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(outcome->reason, ==, "the response was cut short");
}

#define ADD_WITH(sentence, function, data)                                                         \
    g_test_add("/l7-rest/" sentence, RestFixture, data, rest_fixture_set_up, function,             \
               rest_fixture_tear_down)
#define ADD(sentence, function) ADD_WITH(sentence, function, NULL)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("provisional-responses-come-in-order", test_provisional_responses);
    ADD("the-answer-to-head-has-no-body", test_head);
    ADD("a-body-may-end-with-the-connection", test_until_close);
    ADD("a-response-that-is-cut-short-never-looks-whole", test_cut_short);
    ADD("without-a-response-the-client-gets-a-502", test_no_response);
    ADD("a-response-that-nobody-asked-for-ends-the-connection", test_unasked_response);
    for (gsize i = 0; i < G_N_ELEMENTS(responses); i++) {
        g_autofree char *path = g_strdup_printf("/l7-rest/response/%s/%s", responses[i].sentence,
                                                responses[i].fate == WHOLE ? "passes"
                                                : responses[i].fate == BAD ? "is-a-502"
                                                                           : "is-cut");

        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, test_response,
                   rest_fixture_tear_down);
    }
    ADD("each-request-may-have-1xx-responses-of-its-own", test_interim_of_each);
    ADD("what-follows-a-response-is-not-the-next-one", test_surplus_and_pipeline);
    ADD("what-belongs-to-the-hop-of-a-response-is-removed", test_hop_fields_of_responses);
    ADD_WITH("after-an-early-response-that-closes-the-client-may-finish",
             test_early_response_that_closes, GINT_TO_POINTER(FALSE));
    ADD_WITH("after-an-early-response-that-closes-the-client-has-a-time",
             test_early_response_that_closes, GINT_TO_POINTER(TRUE));
    ADD("what-follows-an-early-response-that-closes-is-dropped", test_early_response_with_surplus);
    ADD("after-an-early-response-that-goes-on-the-request-does-too",
        test_early_response_that_goes_on);
    ADD("after-an-early-response-of-a-server-that-is-gone-nothing-more-leaves",
        test_early_response_then_silence);
    ADD_WITH("an-idle-connection-that-is-terminated-ends", test_terminated, GINT_TO_POINTER(FALSE));
    ADD_WITH("a-response-is-finished-when-the-connection-is-terminated", test_terminated,
             GINT_TO_POINTER(TRUE));
    ADD("a-body-until-the-end-that-a-reset-ends-never-looks-whole",
        test_reset_inside_a_body_until_close);
    return g_test_run();
}
