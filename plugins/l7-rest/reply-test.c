/* SPDX-License-Identifier: Apache-2.0 */
/* Responses that are looked into, through the strict driver of the harness. */
#include "rest-fixture.h"

#include <string.h>

#define SAID                                                                                       \
    "GET /call HTTP/1.1\r\nHost: api.test\r\nAccept-Encoding: gzip\r\nRange: bytes=0-1\r\n\r\n"
#define SENT_CALL                                                                                  \
    "GET /call HTTP/1.1\r\nHost: api.test\r\nAccept-Encoding: identity\r\n"                        \
    "Via: 1.1 openshell-sandbox\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define STREAM  "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n"

static const struct {
    const char *sentence;
    const char *said;
    const char *got;
    const char *records; /* what was marked */
    gboolean ends;       /* the server closes, and so does the connection */
} bodies[] = {
    {"with-a-length", "HTTP/1.1 200 OK\r\nContent-Type: A/B; c=d\r\nContent-Length: 2\r\n\r\nab",
     "HTTP/1.1 200 OK\r\nContent-Type: A/B; c=d\r\nContent-Length: 2\r\n\r\nab",
     " response a/b {ab} [response.status=200 response.headers=["
     "{name=content-type value=A/B; c=d} {name=content-length value=2}]]",
     FALSE},
    {"in-chunks",
     "HTTP/1.1 200 OK\r\n" CHUNKED
     "Trailer: X\r\nETag: e\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX: 1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nETag: e\r\nContent-Length: 2\r\n\r\nab", " {ab} [", FALSE},
    {"of-no-length", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, FALSE},
    {"of-no-chunk", "HTTP/1.1 200 OK\r\n" CHUNKED "\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", " {} [", FALSE},
    {"without-a-body", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", NULL,
     FALSE},
    {"until-its-end", "HTTP/1.1 404 Not Found\r\n\r\nab",
     "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", " {ab} [", TRUE},
    {"behind-a-hint",
     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", " {ab} [",
     FALSE},
    {"that-is-replaced", "HTTP/1.1 200 OK\r\nETag: e\r\nContent-Length: 8\r\n\r\na secret",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na ***", " {a secret} [", FALSE},
    {"that-is-replaced-by-less", "HTTP/1.1 200 OK\r\n" CHUNKED "\r\n6\r\nsecret\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n***", " {secret} [", FALSE},
    {"of-events",
     STREAM CHUNKED "\r\n9\r\ndata: 1\n\n\r\n5\r\ndata:\r\ne\r\n secret\n\r\ndata\r\n"
                    "0\r\n\r\n",
     STREAM CHUNKED "\r\n9\r\ndata: 1\n\n\r\nc\r\ndata: ***\n\r\n\r\n4\r\ndata\r\n0\r\n\r\n",
     " response text/event-stream {data: 1\n\n} [response.status=200 response.headers=["
     "{name=content-type value=Text/Event-Stream; charset=utf-8} "
     "{name=transfer-encoding value=chunked}]] text/event-stream {data: secret\n\r\n} [",
     FALSE},
    {"of-events-of-every-kind-of-line",
     STREAM "Content-Length: 28\r\n\r\n\n: a\r\ra: b\r\n\r\n\r\n\nc\rd\n\re: f\n\r",
     STREAM CHUNKED
     "\r\n1\r\n\n\r\n5\r\n: a\r\r\r\n8\r\na: b\r\n\r\n\r\n2\r\n\r\n\r\n1\r\n\n\r\n5\r\nc\rd\n\r"
     "\r\n6\r\ne: f\n\r\r\n0\r\n\r\n",
     NULL, FALSE},
    {"of-no-events", STREAM CHUNKED "\r\n0\r\n\r\n", STREAM CHUNKED "\r\n0\r\n\r\n", NULL, FALSE},
    {"of-events-that-failed",
     "HTTP/1.1 500 No\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\n\n\n",
     "HTTP/1.1 500 No\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\n\n\n",
     " {\n\n} [", FALSE},
};

static void
inspect(RestFixture *fixture, guint64 limit)
{
    osh_l7_harness_inspect_responses(fixture->harness, limit);
    osh_l7_harness_replace_content(fixture->harness, "secret", "***");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_SCRIPTED_RESPONSE, "*bad*");
}

static void
check_body(RestFixture *fixture, gsize i, gboolean has_preflight)
{
    g_autofree char *got = g_strconcat(bodies[i].got, bodies[i].ends ? "" : OK("cd"), NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture, 100);
    if (has_preflight)
        osh_l7_harness_preflight_responses(fixture->harness, FALSE);
    osh_l7_harness_client(fixture->harness, SAID GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, bodies[i].said, -1);
    if (bodies[i].ends)
        osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    else
        osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_prefix(TO_SERVER(outcome), SENT_CALL));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, got);
    g_assert_cmpint(outcome->ended, ==, bodies[i].ends ? OSH_L7_ENDED_END : OSH_L7_ENDED_NOT);
    if (bodies[i].records != NULL && !has_preflight &&
        strstr(outcome->records->str, bodies[i].records) == NULL)
        g_error("%s", outcome->records->str);
}

static void
test_body(RestFixture *fixture, gconstpointer data)
{
    check_body(fixture, GPOINTER_TO_SIZE(data), FALSE);
}

static void
test_body_behind_its_head(RestFixture *fixture, gconstpointer data)
{
    check_body(fixture, GPOINTER_TO_SIZE(data), TRUE);
}

/* What may be passed over by its head is neither held nor framed anew. */
static void
test_passed(RestFixture *fixture, gconstpointer data)
{
    static const char first[] =
        STREAM CHUNKED "ETag: e\r\n\r\n6\r\nsecret\r\n3\r\nbad\r\n0\r\n\r\n";
    g_autofree char *large = g_strnfill(120, 'x');
    g_autofree char *second =
        g_strconcat("HTTP/1.1 200 OK\r\nETag: f\r\nContent-Length: 120\r\n\r\n", large, NULL);
    g_autofree char *all = g_strconcat(first, second, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture, 100);
    osh_l7_harness_preflight_responses(fixture->harness, TRUE);
    osh_l7_harness_client(fixture->harness, SAID GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, first, -1);
    osh_l7_harness_server(fixture->harness, second, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, all);
    g_assert_nonnull(strstr(outcome->records->str, " response text/event-stream {} ["));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

/* An event goes out when its server has said it, though the stream goes on. */
static void
test_event_at_once(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture, 100);
    osh_l7_harness_client(fixture->harness, SAID, -1);
    osh_l7_harness_server(fixture->harness, STREAM "\r\ndata: 1\n\ndata: 2", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    STREAM CHUNKED "Connection: close\r\n\r\n9\r\ndata: 1\n\n\r\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

/* A client of HTTP/1.0 knows no chunks. */
static void
test_old_client(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture, 100);
    osh_l7_harness_client(fixture->harness,
                          "GET / HTTP/1.0\r\nHost: api.test\r\nConnection: keep-alive\r\n\r\n", -1);
    osh_l7_harness_server(fixture->harness, STREAM "Content-Length: 11\r\n\r\na: secret\n\n", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, STREAM "Connection: close\r\n\r\na: ***\n\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* Nor does a server. */
static void
test_old_server(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture, 100);
    osh_l7_harness_client(fixture->harness, SAID, -1);
    osh_l7_harness_server(fixture->harness,
                          "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\na: 1\n\nb",
                          -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n"
                    "Connection: close\r\n\r\na: 1\n\nb");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static const struct {
    const char *sentence;
    const char *said;
    const char *got; /* the client, as far as it got anything */
    gboolean ends;
} refused[] = {
    {"that-is-bad", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", "HTTP/1.1 502 ", FALSE},
    {"that-is-too-large", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234567890123456789",
     "HTTP/1.1 502 ", FALSE},
    {"that-is-cut-short", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 502 ", TRUE},
    {"that-is-broken", "HTTP/1.1 200 OK\r\n" CHUNKED "\r\n+1\r\n", "HTTP/1.1 502 ", FALSE},
    {"whose-event-is-bad", STREAM "Content-Length: 12\r\n\r\nok\n\nbad\n\nok\n",
     STREAM CHUNKED "\r\n4\r\nok\n\n\r\n", FALSE},
    {"whose-event-is-too-large", STREAM "Content-Length: 24\r\n\r\nok\n\n01234567890123456789",
     STREAM CHUNKED "\r\n4\r\nok\n\n\r\n", FALSE},
};

static void
test_refused(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    gboolean is_stream = strstr(refused[i].said, "Stream") != NULL;
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture, 10);
    osh_l7_harness_client(fixture->harness, SAID, -1);
    osh_l7_harness_server(fixture->harness, refused[i].said, -1);
    if (refused[i].ends)
        osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), refused[i].got));
    g_assert_null(strstr(TO_CLIENT(outcome), "\nbad"));
    g_assert_null(strstr(TO_CLIENT(outcome), "0123"));
    /* What was cut must not look finished. */
    g_assert_cmpint(outcome->ended, ==, is_stream ? OSH_L7_ENDED_FAILED : OSH_L7_ENDED_END);
    if (is_stream)
        g_assert_cmpstr(TO_CLIENT(outcome), ==, refused[i].got);
}

#define ADD(sentence, function)                                                                    \
    g_test_add("/l7-rest/reply/" sentence, RestFixture, NULL, rest_fixture_set_up, function,       \
               rest_fixture_tear_down)
#define ADD_ROWS(prefix, rows, function)                                                           \
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {                                               \
        g_autofree char *path =                                                                    \
            g_strdup_printf("/l7-rest/reply/" prefix "/%s", (rows)[i].sentence);                   \
                                                                                                   \
        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, function,          \
                   rest_fixture_tear_down);                                                        \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("a-response-is-looked-into", bodies, test_body)
    ADD_ROWS("a-response-is-looked-into-behind-its-head", bodies, test_body_behind_its_head)
    ADD_ROWS("a-response-does-not-go-out", refused, test_refused)
    ADD("a-response-that-is-passed-over-goes-on-as-it-comes", test_passed);
    ADD("an-event-goes-out-at-once", test_event_at_once);
    ADD("a-stream-of-an-old-server-goes-on-until-its-end", test_old_server);
    ADD("an-old-client-gets-a-stream-until-its-end", test_old_client);
    return g_test_run();
}
