/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions through the strict driver of the harness: whole, byte by byte and at random splits, each
 * with the same outcome.
 */
#include <openshell/plugin.h>

#include "openshell/ext/draft/l7-protocol.h"
#include "osh-l7-harness.h"

#include <string.h>

#define RANDOM_RUNS 20

typedef struct {
    OshInterface protocol;
    OshL7Harness *harness;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(
        openshell_plugin_v1.get_interface(NULL, OSH_INTERFACE_L7_PROTOCOL, &fixture->protocol));
    fixture->harness = osh_l7_harness_new(&fixture->protocol, NULL);
    osh_l7_harness_connection(fixture->harness)->host = "api.test";
    osh_l7_harness_connection(fixture->harness)->port = 80;
    osh_l7_harness_connection(fixture->harness)->protocol = "rest";
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_free(fixture->harness);
}

/* Runs all splits. Returns: (transfer full): their outcome. */
static OshL7Outcome *
run(Fixture *fixture)
{
    OshL7Outcome *outcome = osh_l7_harness_run_all(fixture->harness, RANDOM_RUNS);

    if (outcome->violation != NULL)
        g_error("%s", outcome->violation);
    return outcome;
}

#define TO_SERVER(outcome) ((outcome)->released[OSH_CLIENT_TO_SERVER]->str)
#define TO_CLIENT(outcome) ((outcome)->released[OSH_SERVER_TO_CLIENT]->str)

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: api.test\r\n\r\n"
#define SENT(path) "GET " path " HTTP/1.1\r\nHost: api.test\r\nVia: 1.1 openshell-sandbox\r\n\r\n"
#define OK(text)   "HTTP/1.1 200 OK\r\nContent-Length: " G_STRINGIFY(2) "\r\n\r\n" text

static void
deny_posts(Fixture *fixture)
{
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_FACT_REQUEST_METHOD, "POST");
}

static void
test_keep_alive(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/one") GET("/a/../two?x=1"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/one") SENT("/two?x=1"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab") OK("cd"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
    g_assert_nonnull(strstr(outcome->records->str, "request.path=/two"));
    g_assert_nonnull(strstr(outcome->records->str, "done 200 2"));
}

static void
test_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    deny_posts(fixture);
    osh_l7_harness_client(fixture->harness,
                          GET("/one") "POST /two?secret=1 HTTP/1.1\r\nHost: api.test\r\n"
                                      "Content-Length: 4\r\n\r\nbody" GET("/three"),
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/one"));
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), OK("ab") "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"rule\":\"POST /two\""));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "X-OpenShell-Policy: scripted\r\n"));
    g_assert_null(strstr(TO_CLIENT(outcome), "secret"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static const struct {
    const char *sentence;
    const char *request;
    const char *status;
    const char *part;
} refused[] = {
    {"two-lengths",
     "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400", "invalid_request_head"},
    {"bare-line-feeds", "GET / HTTP/1.1\nHost: api.test\n\n", "400", "invalid_request_head"},
    {"no-host", "GET / HTTP/1.1\r\n\r\n", "400", "Host"},
    {"two-hosts", "GET / HTTP/1.1\r\nHost: api.test\r\nHost: api.test\r\n\r\n", "400", "Host"},
    {"another-host", "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", "403", "another destination"},
    {"another-port", "GET / HTTP/1.1\r\nHost: api.test:81\r\n\r\n", "403", "another destination"},
    {"another-target", "GET http://other.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "400",
     "another destination"},
    {"above-the-root", "GET /../x HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "root"},
    {"an-encoded-slash", "GET /a%2fb HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "slash"},
    {"a-query-that-is-broken", "GET /?a=%zz HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "query"},
    {"a-nul-in-a-query", "GET /?a=%00 HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "query"},
    {"an-upgrade",
     "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "403",
     "change the protocol"},
    {"an-upgrade-that-is-not-nominated", "GET / HTTP/1.1\r\nHost: api.test\r\nUpgrade: h2c\r\n\r\n",
     "403", "change the protocol"},
    {"a-tunnel", "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "target"},
    {"the-preface-of-http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400", "invalid_request_head"},
    {"what-is-no-http", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400", "invalid_request_head"},
};

static void
test_refused_request(Fixture *fixture, gconstpointer data)
{
    const char *request = refused[GPOINTER_TO_SIZE(data)].request;
    gssize length = request[0] == 0x16 ? 11 : -1;
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, request, length);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    if (strncmp(TO_CLIENT(outcome) + 9, refused[GPOINTER_TO_SIZE(data)].status, 3) != 0 ||
        strstr(TO_CLIENT(outcome), refused[GPOINTER_TO_SIZE(data)].part) == NULL)
        g_error("answered: %s", TO_CLIENT(outcome));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_hop_fields(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "GET / HTTP/1.1\r\nX-Drop: 1\r\nHost: api.test\r\nKeep-Alive: 5\r\n"
                          "Connection: keep-alive, x-drop\r\nTE: trailers\r\nX-Keep:  2 \r\n"
                          "Via: 1.0 one\r\n\r\n",
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    "GET / HTTP/1.1\r\nHost: api.test\r\nX-Keep:  2 \r\nVia: 1.0 one\r\n\r\n");
}

static void
test_bodies(Fixture *fixture, gconstpointer data)
{
#define CHUNKED "3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "POST /c HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n"
                          "\r\n" CHUNKED "PUT /l HTTP/1.1\r\nHost: api.test\r\n"
                          "Content-Length: 5\r\n\r\n12345" GET("/last"),
                          -1);
    osh_l7_harness_server(fixture->harness,
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKED, -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 204 No Content\r\n\r\n", -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = run(fixture);
    g_assert_nonnull(strstr(TO_SERVER(outcome), "\r\n\r\n" CHUNKED "PUT /l "));
    g_assert_nonnull(strstr(TO_SERVER(outcome), "\r\n\r\n12345GET /last "));
    g_assert_true(g_str_has_suffix(TO_CLIENT(outcome), OK("ab")));
#undef CHUNKED
}

static void
test_provisional_responses(Fixture *fixture, gconstpointer data)
{
#define EARLY "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK("ab")
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "PUT / HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\n"
                          "Content-Length: 2\r\n\r\nxy",
                          -1);
    osh_l7_harness_server(fixture->harness, EARLY, -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, EARLY);
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "\r\n\r\nxy"));
#undef EARLY
}

static void
test_head(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, "HEAD / HTTP/1.1\r\nHost: api.test\r\n\r\n" GET("/two"),
                          -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" OK("cd"));
}

static void
test_until_close(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\n\r\nall of it", -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = run(fixture);
    g_assert_true(g_str_has_suffix(TO_CLIENT(outcome), "all of it"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_cut_short(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(outcome->reason, ==, "the response was cut short");
}

static void
test_no_response(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    outcome = run(fixture);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
}

static void
test_broken_body(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n"
                          "\r\n3\r\nabc\r\n+4\r\nabcd\r\n",
                          -1);
    outcome = run(fixture);
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "3\r\nabc\r\n"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_DENIED);
}

static void
test_unasked_response(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab") OK("cd"), -1);
    outcome = run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_FAILED);
}

static void
test_query(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/?b=2&a=1+x&b=%41&c&=&&a="), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = run(fixture);
    g_assert_nonnull(strstr(outcome->records->str, "request.query="));
    g_test_message("%s", outcome->records->str);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/?b=2&a=1+x&b=%41&c&=&&a="));
}

/* The client of a forward proxy names an authority in each request. */
static void
test_absolute_form(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_connection(fixture->harness)->may_retarget = TRUE;
    osh_l7_harness_client(fixture->harness,
                          "GET http://api.test/one HTTP/1.1\r\nHost: api.test\r\n\r\n"
                          "GET http://API.test:80/two?x=1 HTTP/1.0\r\nConnection: "
                          "keep-alive\r\n\r\n",
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    SENT("/one") "GET /two?x=1 HTTP/1.0\r\nHost: api.test\r\nVia: 1.1 "
                                 "openshell-sandbox\r\n\r\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static const struct {
    const char *sentence;
    const char *request;
    const char *authority;
} elsewhere[] = {
    {"another-host", "GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n\r\n",
     "other.test:80"},
    {"another-port", "GET http://api.test:81/ HTTP/1.1\r\nHost: api.test:81\r\n\r\n",
     "api.test:81"},
    {"another-scheme", "GET https://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "api.test:443"},
    {"a-tunnel", "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n", "api.test:443"},
};

/* It is not the session's to judge, and waits until the exchange before it has ended. */
static void
test_elsewhere(Fixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *requests = g_strconcat(
        "GET http://api.test/one HTTP/1.1\r\nHost: api.test\r\n\r\n", elsewhere[i].request, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_connection(fixture->harness)->may_retarget = TRUE;
    osh_l7_harness_client(fixture->harness, requests, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/one"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_RETARGET);
    g_assert_cmpstr(outcome->reason, ==, elsewhere[i].authority);
    g_assert_null(strstr(outcome->records->str, "other"));
}

#define ADD(sentence, function)                                                                    \
    g_test_add("/l7-rest/" sentence, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("each-request-of-a-connection-is-judged", test_keep_alive);
    ADD("a-refused-request-is-answered-in-its-place-and-nothing-of-it-leaves", test_refused);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strdup_printf("/l7-rest/refused/%s", refused[i].sentence);

        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), set_up, test_refused_request, tear_down);
    }
    ADD("what-belongs-to-this-hop-is-removed", test_hop_fields);
    ADD("bodies-are-released-by-their-framing", test_bodies);
    ADD("provisional-responses-come-in-order", test_provisional_responses);
    ADD("the-answer-to-head-has-no-body", test_head);
    ADD("a-body-may-end-with-the-connection", test_until_close);
    ADD("a-response-that-is-cut-short-never-looks-whole", test_cut_short);
    ADD("without-a-response-the-client-gets-a-502", test_no_response);
    ADD("a-body-that-is-broken-ends-the-connection-at-the-break", test_broken_body);
    ADD("a-response-that-nobody-asked-for-ends-the-connection", test_unasked_response);
    ADD("a-query-is-judged-decoded-and-sent-as-it-came", test_query);
    ADD("absolute-form-on-a-connection-that-may-retarget-is-judged-by-its-path",
        test_absolute_form);
    for (gsize i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        g_autofree char *path =
            g_strdup_printf("/l7-rest/goes-elsewhere/%s", elsewhere[i].sentence);

        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), set_up, test_elsewhere, tear_down);
    }
    return g_test_run();
}
