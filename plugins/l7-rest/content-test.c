/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that are inspected, through the strict driver of the harness: what is marked, what goes
 * out, and what a client is told.
 */
#include "rest-fixture.h"

#include "openshell/ext/draft/http-upgrade.h"

#include <string.h>

#define POST(fields, body) "POST /call HTTP/1.1\r\nHost: api.test\r\n" fields "\r\n" body
#define OUT(fields, body)                                                                          \
    "POST /call HTTP/1.1\r\nHost: api.test\r\n" fields "Via: 1.1 openshell-sandbox\r\n\r\n" body
#define JSON    "Content-Type: application/json\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static void
inspect(RestFixture *fixture)
{
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_SCRIPTED_CONTENT, "*bad*");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_INSPECT,
                             OSH_FACT_REQUEST_METHOD, "*");
}

static const struct {
    const char *sentence;
    const char *said;
    const char *sent;
} untouched[] = {
    {"with-a-length", POST(JSON "Content-Length: 7\r\nX: 1\r\n", "{\"a\":1}"),
     OUT(JSON "Content-Length: 7\r\nX: 1\r\n", "{\"a\":1}")},
    {"in-chunks",
     POST(CHUNKED "Trailer: X\r\n", "3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nX: 1\r\n\r\n"),
     OUT("Content-Length: 7\r\n", "{\"a\":1}")},
    {"in-no-chunk", POST(CHUNKED, "0\r\n\r\n"), OUT("Content-Length: 0\r\n", "")},
    {"without-a-body", POST("", ""), OUT("", "")},
    {"of-no-length", POST("Content-Length: 0\r\n", ""), OUT("Content-Length: 0\r\n", "")},
    {"with-two-equal-lengths", POST("Content-Length: 2\r\ncontent-length: 2\r\n", "ab"),
     OUT("Content-Length: 2\r\n", "ab")},
};

static void
test_untouched(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *said = g_strconcat(untouched[i].said, GET("/next"), NULL);
    g_autofree char *sent = g_strconcat(untouched[i].sent, SENT("/next"), NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_l7_harness_client(fixture->harness, said, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, sent);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab") OK("cd"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

/* What an inspector gets to know, and no event. */
static void
test_head_facts(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness,
                          POST("Content-TYPE: Application/JSON ; charset=utf-8\r\n"
                               "Content-Encoding: gzip\r\nCookie: c\r\nAuthorization: hidden\r\n"
                               "Proxy-Authorization: p\r\ncontent-encoding: br\r\n"
                               "MCP-Session-Id:  s1 \r\nContent-Length: 1\r\n",
                               "x"),
                          -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed POST /call [request.method=POST request.path=/call] content ["
                    "request.content_type=Application/JSON ; charset=utf-8 "
                    "request.content_encoding=gzip, br request.headers=[{name=host value=api.test} "
                    "{name=content-type value=Application/JSON ; charset=utf-8} "
                    "{name=content-encoding value=gzip} {name=content-encoding value=br} "
                    "{name=mcp-session-id value=s1} {name=content-length value=1}]]\n");
}

static const struct {
    const char *sentence;
    const char *said;
    const char *sent;
} replaced[] = {
    {"with-a-length", POST("Content-Length: 8\r\nX: 1\r\n", "a secret"),
     OUT("X: 1\r\nContent-Length: 17\r\n", "a *** and no more")},
    {"in-chunks", POST(CHUNKED "Trailer: X\r\n", "4\r\na se\r\n4\r\ncret\r\n0\r\nX: 1\r\n\r\n"),
     OUT("Content-Length: 17\r\n", "a *** and no more")},
};

static void
test_replaced(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data) / 2;
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_l7_harness_replace_content(fixture->harness, "secret", "*** and no more");
    if (GPOINTER_TO_SIZE(data) % 2 == 1)
        osh_l7_harness_stream_content(fixture->harness);
    osh_l7_harness_client(fixture->harness, replaced[i].said, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, replaced[i].sent);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
}

static void
test_replaced_by_nothing(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_replace_content(fixture->harness, "secret", "");
    osh_l7_harness_client(fixture->harness, POST("Content-Length: 6\r\n", "secret"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, OUT("Content-Length: 0\r\n", ""));
}

/* @size bytes of which no two parts are alike; in chunks of @chunk bytes, or 0 for a length. */
static void
say_large(RestFixture *fixture, gsize size, gsize chunk, GString *ret_body)
{
    g_autoptr(GString) request = g_string_new("POST /call HTTP/1.1\r\nHost: api.test\r\n");

    g_string_truncate(ret_body, 0);
    for (gsize i = 0; ret_body->len < size; i++)
        g_string_append_printf(ret_body, "%zu,", i);
    g_string_truncate(ret_body, size);
    if (chunk == 0)
        g_string_append_printf(request, "Content-Length: %zu\r\n\r\n%s", size, ret_body->str);
    else
        g_string_append(request, CHUNKED "\r\n");
    for (gsize at = 0; chunk > 0 && at < size; at += chunk)
        g_string_append_printf(request, "%zx\r\n%.*s\r\n", MIN(chunk, size - at),
                               (int)MIN(chunk, size - at), ret_body->str + at);
    g_string_append(request, chunk > 0 ? "0\r\n\r\n" : "");
    osh_l7_harness_client(fixture->harness, request->str, -1);
}

/* Larger than the windows of the harness, which are the smallest that there are. */
static void
test_large(RestFixture *fixture, gconstpointer data)
{
    static const gsize chunks[] = {0, 1000, 50000};
    g_autofree char *sent = NULL;
    g_autoptr(GString) body = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_scripted_policy_set_limit(osh_l7_harness_policy(fixture->harness), 80000);
    say_large(fixture, 80000, chunks[GPOINTER_TO_SIZE(data)], body);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    sent = g_strconcat(OUT("Content-Length: 80000\r\n", ""), body->str, NULL);
    g_assert_cmpstr(TO_SERVER(outcome), ==, sent);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
}

static void
test_too_large(RestFixture *fixture, gconstpointer data)
{
    gsize chunk = GPOINTER_TO_SIZE(data);
    g_autoptr(GString) body = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_scripted_policy_set_limit(osh_l7_harness_policy(fixture->harness), 999);
    say_large(fixture, 1500, chunk, body);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 413 Content Too Large\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome),
                            "{\"error\":\"content_too_large\",\"detail\":\"its content is larger "
                            "than may be inspected\","
                            "\"limit\":\"scripted_limit\",\"layer\":\"l7\",\"protocol\":\"rest\","
                            "\"method\":\"POST\",\"path\":\"/call\",\"host\":\"api.test\","
                            "\"port\":80,\"id\":\"e1\"}\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\r\nConnection: close\r\n"));
    g_assert_nonnull(strstr(outcome->records->str, "1 denied POST /call"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_denied(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness,
                          POST(CHUNKED, "2\r\na \r\n3\r\nbad\r\n0\r\n\r\n") GET("/next"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"error\":\"policy_denied\""));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_continue(RestFixture *fixture, gconstpointer data)
{
    gboolean has_body = GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_l7_harness_client(fixture->harness,
                          has_body ? POST("Expect: 100-continue\r\nContent-Length: 2\r\n", "")
                                   : POST("Expect: 100-continue\r\n", ""),
                          -1);
    if (has_body)
        osh_l7_harness_client(fixture->harness, "ab", -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    has_body ? OUT("Content-Length: 2\r\n", "ab") : OUT("", ""));
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    has_body ? "HTTP/1.1 100 Continue\r\n\r\n" OK("ab") : OK("ab"));
}

/* A driver may allow a body before its end, and need not see the rest: 16384 bytes are the first
 * that are marked, and the body is larger than that and than the limit. */
static void
test_allowed_early(RestFixture *fixture, gconstpointer data)
{
    gsize chunk = GPOINTER_TO_SIZE(data);
    g_autofree char *sent = NULL;
    g_autofree char *after = NULL;
    g_autoptr(GString) body = g_string_new(NULL);
    g_autoptr(GString) rest = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_l7_harness_allow_content_after(fixture->harness, 100);
    osh_scripted_policy_set_limit(osh_l7_harness_policy(fixture->harness), 17000);
    say_large(fixture, 20000, chunk, body);
    osh_l7_harness_client(fixture->harness, GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    if (chunk == 0) {
        outcome = rest_fixture_run(fixture);
        sent = g_strconcat(OUT("Content-Length: 20000\r\n", ""), body->str, SENT("/next"), NULL);
        g_assert_cmpstr(TO_SERVER(outcome), ==, sent);
        return;
    }
    /* How what follows is cut into chunks is a matter of how it came. */
    outcome = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    sent = g_strdup_printf(OUT(CHUNKED, "4000\r\n%.16384s\r\n"), body->str);
    g_assert_true(g_str_has_prefix(TO_SERVER(outcome), sent));
    g_string_append(rest, TO_SERVER(outcome) + strlen(sent));
    g_string_replace(rest, "\r\n", "|", 0);
    g_string_truncate(body, 20000);
    g_string_erase(body, 0, 16384);
    after = g_strdup_printf("e20|%s|0||GET /next HTTP/1.1|Host: api.test|"
                            "Via: 1.1 openshell-sandbox||",
                            body->str);
    g_assert_cmpstr(rest->str, ==, after);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab") OK("cd"));
}

static const struct {
    const char *sentence;
    const char *body;
    gboolean ends;
} broken[] = {
    {"in-its-framing", CHUNKED "\r\n2\r\nab\r\n+2\r\n", FALSE},
    {"by-its-end", CHUNKED "\r\n2\r\nab\r\n", TRUE},
    {"by-its-end-in-a-length", "Content-Length: 3\r\n\r\nab", TRUE},
};

static void
test_broken(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *said =
        g_strconcat("POST /call HTTP/1.1\r\nHost: api.test\r\n", broken[i].body, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    inspect(fixture);
    osh_l7_harness_client(fixture->harness, said, -1);
    if (broken[i].ends)
        osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 400 Bad Request\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"invalid_request_body\""));
    g_assert_nonnull(strstr(outcome->records->str, "1 denied POST /call"));
}

/* --- An inspector's own words ------------------------------------------------------------------
 */

#define WORDS "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}"

static void
test_words(RestFixture *fixture, gconstpointer data)
{
    static const char *const fields[] = {"Allow", "POST",    "Content-Length", "1", "X-Evil\r\nY",
                                         "1",     "X-Value", "1\r\nY: 2",      NULL};
    static const OshInspectionRefusal refusal = {
        .struct_size = sizeof refusal,
        .status = 200,
        .media_type = "application/json; charset=utf-8",
        .body = OSH_SPAN_INIT(WORDS),
        .fields = fields,
    };
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_set_refusal(fixture->harness, &refusal);
    osh_l7_harness_client(fixture->harness,
                          POST(CHUNKED, "3\r\nbad\r\n0\r\n\r\n") POST("Content-Length: 2\r\n", "ok")
                              POST("Connection: close\r\nContent-Length: 3\r\n", "bad") GET("/"),
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, OUT("Content-Length: 2\r\n", "ok"));
    g_assert_cmpstr(
        TO_CLIENT(outcome), ==,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: 35\r\nAllow: POST\r\n\r\n" WORDS OK(
            "ab") "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                  "Content-Length: 35\r\nAllow: POST\r\nConnection: close\r\n\r\n" WORDS);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_nonnull(strstr(outcome->records->str, "1 denied POST /call"));
    g_assert_nonnull(strstr(outcome->records->str, "2 allowed POST /call"));
    g_assert_nonnull(strstr(outcome->records->str, "3 denied POST /call"));
}

#define ADD(sentence, function, data)                                                              \
    g_test_add("/l7-rest/content/" sentence, RestFixture, data, rest_fixture_set_up, function,     \
               rest_fixture_tear_down)
#define ADD_ROWS(prefix, rows, function, times)                                                    \
    for (gsize i = 0; i < (times)*G_N_ELEMENTS(rows); i++) {                                       \
        g_autofree char *path = g_strdup_printf("/l7-rest/content/" prefix "/%s/%zu",              \
                                                (rows)[i / (times)].sentence, i % (times));        \
                                                                                                   \
        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, function,          \
                   rest_fixture_tear_down);                                                        \
    }

/* --- What is held ------------------------------------------------------------------------------
 */

static void
test_stalled(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness, POST("Content-Length: 9\r\n", "ab"), -1);
    osh_l7_harness_advance(fixture->harness, 29 * G_TIME_SPAN_SECOND);
    osh_l7_harness_client(fixture->harness, "cd", -1);
    osh_l7_harness_advance(fixture->harness, 31 * G_TIME_SPAN_SECOND);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 408 Request Timeout\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"error\":\"request_timeout\""));
}

static void
test_too_slow(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness, POST("Content-Length: 99\r\n", "a"), -1);
    for (guint i = 0; i < 6; i++) {
        osh_l7_harness_advance(fixture->harness, 25 * G_TIME_SPAN_SECOND);
        osh_l7_harness_client(fixture->harness, "b", -1);
    }
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 408 Request Timeout\r\n"));
}

static void
test_held_by_all(RestFixture *fixture, gconstpointer data)
{
    g_autofree char *body = g_strnfill(70000, 'x');
    g_autofree char *said = g_strconcat(POST("Content-Length: 70000\r\n", ""), body, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rest_fixture_configure(fixture, "held_size", 65536);
    inspect(fixture);
    osh_scripted_policy_set_limit(osh_l7_harness_policy(fixture->harness), 80000);
    osh_l7_harness_client(fixture->harness, said, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 503 Service Unavailable\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"limit\":\"l7-rest.held_size\""));
}

/* Not the client's fault: the server was idle for longer than it likes. */
static void
test_server_closes(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness, POST("Content-Length: 9\r\n", "ab"), -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"error\":\"upstream_closed\""));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("an-inspected-body-goes-out-as-it-is", untouched, test_untouched, 1)
    ADD_ROWS("a-replaced-body-goes-out-with-its-own-length", replaced, test_replaced, 2)
    ADD("a-body-may-be-replaced-by-nothing", test_replaced_by_nothing, NULL);
    ADD("an-inspector-knows-the-head-and-no-credential-of-it", test_head_facts, NULL);
    ADD("a-body-larger-than-the-window-is-inspected-and-sent", test_large, GSIZE_TO_POINTER(0));
    ADD("a-body-in-many-chunks-too", test_large, GSIZE_TO_POINTER(1));
    ADD("a-body-in-large-chunks-too", test_large, GSIZE_TO_POINTER(2));
    ADD("a-length-beyond-the-limit-is-413", test_too_large, GSIZE_TO_POINTER(0));
    ADD("chunks-beyond-the-limit-are-413", test_too_large, GSIZE_TO_POINTER(300));
    ADD("one-chunk-beyond-the-limit-is-413", test_too_large, GSIZE_TO_POINTER(1500));
    ADD("nothing-of-a-refused-body-leaves", test_denied, NULL);
    ADD("a-client-that-waits-is-told-to-go-on", test_continue, GINT_TO_POINTER(TRUE));
    ADD("a-client-without-a-body-is-not", test_continue, GINT_TO_POINTER(FALSE));
    ADD("what-is-allowed-early-goes-on-in-its-length", test_allowed_early, GSIZE_TO_POINTER(0));
    ADD("what-is-allowed-early-goes-on-in-chunks", test_allowed_early, GSIZE_TO_POINTER(20000));
    ADD_ROWS("a-body-is-refused-that-is-broken", broken, test_broken, 1)
    ADD("an-inspectors-words-leave-the-connection-open", test_words, NULL);
    g_test_add("/l7-rest/content/a-body-that-stops-coming-is-a-408", RestFixture, NULL,
               rest_fixture_set_up, test_stalled, rest_fixture_tear_down);
    g_test_add("/l7-rest/content/a-body-that-never-ends-is-a-408", RestFixture, NULL,
               rest_fixture_set_up, test_too_slow, rest_fixture_tear_down);
    g_test_add("/l7-rest/content/what-all-connections-hold-is-limited-together", RestFixture, NULL,
               rest_fixture_set_up, test_held_by_all, rest_fixture_tear_down);
    g_test_add("/l7-rest/content/a-server-that-closes-meanwhile-is-a-502", RestFixture, NULL,
               rest_fixture_set_up, test_server_closes, rest_fixture_tear_down);
    return g_test_run();
}
