/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions through the strict driver of the harness: whole, byte by byte and at random splits, each
 * with the same outcome.
 */
#include "rest-fixture.h"

#include <string.h>

static void
deny_posts(RestFixture *fixture)
{
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_FACT_REQUEST_METHOD, "POST");
}

static void
test_keep_alive(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/one") GET("/a/../two?x=1"), -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/one") SENT("/two?x=1"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab") OK("cd"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
    g_assert_nonnull(strstr(outcome->records->str, "request.path=/two"));
    g_assert_nonnull(strstr(outcome->records->str, "done 200 2"));
}

static void
test_refused(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    deny_posts(fixture);
    osh_l7_harness_client(fixture->harness,
                          GET("/one") "POST /two?secret=1 HTTP/1.1\r\nHost: api.test\r\n"
                                      "Content-Length: 4\r\n\r\nbody" GET("/three"),
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
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
    {"another-target", "GET http://other.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "403",
     "request_authority_mismatch"},
    {"another-scheme", "GET https://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "403",
     "request_authority_mismatch"},
    {"a-url-without-a-host-field", "GET http://api.test/ HTTP/1.0\r\n\r\n", "400",
     "neither a path nor a URL"},
    {"a-url-with-user-information",
     "GET http://me:secret@api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "400",
     "neither a path nor a URL"},
    {"above-the-root", "GET /../x HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "root"},
    {"an-encoded-slash", "GET /a%2fb HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "slash"},
    {"a-query-that-is-not-utf8", "GET /?a=%ff HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "query"},
    {"a-query-that-is-broken", "GET /?a=%zz HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "query"},
    {"a-nul-in-a-query", "GET /?a=%00 HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "query"},
    {"an-upgrade",
     "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "403",
     "change the protocol"},
    {"an-upgrade-that-is-not-nominated", "GET / HTTP/1.1\r\nHost: api.test\r\nUpgrade: h2c\r\n\r\n",
     "403", "change the protocol"},
    {"an-upgrade-of-nothing", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: upgrade\r\n\r\n",
     "403", "unsupported_l7_protocol"},
    {"a-tunnel", "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test\r\n\r\n", "403",
     "unsupported_l7_protocol"},
    {"a-trace", "TRACE / HTTP/1.1\r\nHost: api.test\r\n\r\n", "403", "unsupported_l7_protocol"},
    {"another-expectation",
     "PUT / HTTP/1.1\r\nHost: api.test\r\nExpect: x 100-continue\r\nContent-Length: 1\r\n\r\nx",
     "417", "expectation_failed"},
    {"a-star", "OPTIONS * HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "invalid_request_target"},
    {"a-fragment", "GET /a#b HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "fragment"},
    {"a-nul-in-the-path", "GET /a%00 HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "control byte"},
    {"a-broken-escape", "GET /a%zz HTTP/1.1\r\nHost: api.test\r\n\r\n", "400", "percent"},
    {"a-raw-letter-outside-ascii", "GET /\xc3\xa9 HTTP/1.1\r\nHost: api.test\r\n\r\n", "400",
     "ASCII"},
    {"dots-behind-an-encoded-slash", "GET /a/..%2fb HTTP/1.1\r\nHost: api.test\r\n\r\n", "400",
     "dot segment"},
    {"what-is-not-utf8", "GET / HTTP/1.1\r\nHost: api.test\r\nX: \xff\r\n\r\n", "400", "UTF-8"},
    {"a-folded-field", "GET / HTTP/1.1\r\nHost: api.test\r\nX: 1\r\n 2\r\n\r\n", "400", "folded"},
    {"a-blank-before-a-colon", "GET / HTTP/1.1\r\nHost : api.test\r\n\r\n", "400", "colon"},
    {"a-line-without-a-colon", "GET / HTTP/1.1\r\nHost: api.test\r\nX\r\n\r\n", "400", "colon"},
    {"a-field-without-a-name", "GET / HTTP/1.1\r\nHost: api.test\r\n: x\r\n\r\n", "400", "name"},
    {"a-control-byte-in-a-value", "GET / HTTP/1.1\r\nHost: api.test\r\nX: \x01\r\n\r\n", "400",
     "control byte"},
    {"different-lengths",
     "PUT / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400",
     "differ"},
    {"a-length-with-a-sign", "PUT / HTTP/1.1\r\nHost: api.test\r\nContent-Length: +5\r\n\r\n",
     "400", "plain number"},
    {"a-coding-that-is-not-chunked",
     "PUT / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "400",
     "chunked"},
    {"a-length-that-connection-names",
     "PUT / HTTP/1.1\r\nHost: api.test\r\nConnection: content-length\r\nContent-Length: 1\r\n\r\n",
     "400", "Connection names"},
    {"the-preface-of-http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400", "invalid_request_head"},
    {"what-is-no-http", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400", "invalid_request_head"},
};

static void
test_refused_request(RestFixture *fixture, gconstpointer data)
{
    const char *request = refused[GPOINTER_TO_SIZE(data)].request;
    gssize length = request[0] == 0x16 ? 11 : -1;
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, request, length);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_nonnull(strstr(outcome->records->str, "1 denied"));
    if (strncmp(TO_CLIENT(outcome) + 9, refused[GPOINTER_TO_SIZE(data)].status, 3) != 0 ||
        strstr(TO_CLIENT(outcome), refused[GPOINTER_TO_SIZE(data)].part) == NULL)
        g_error("answered: %s", TO_CLIENT(outcome));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* What is sent for a request line and fields after Host, where it is served. */
static const struct {
    const char *sentence;
    const char *line;
    const char *fields;
    const char *sent_line;
    const char *sent_fields;
} served[] = {
    {"dot-segments-are-resolved", "GET /a/../b/./c HTTP/1.1", "", "GET /b/c HTTP/1.1", ""},
    {"encoded-dots-too", "GET /a/%2e%2e/b HTTP/1.1", "", "GET /b HTTP/1.1", ""},
    {"slashes-collapse", "GET //a///b HTTP/1.1", "", "GET /a/b HTTP/1.1", ""},
    {"path-parameters-are-dropped", "GET /a;x=1/..;/b HTTP/1.1", "", "GET /b HTTP/1.1", ""},
    {"escapes-have-one-spelling", "GET /%7e%41%c3%a9%25 HTTP/1.1", "", "GET /~A%C3%A9%25 HTTP/1.1",
     ""},
    {"what-is-canonical-stays-as-it-is", "GET /a-b_c.d~e!$&'()*+,=:@/%22?q=%7e HTTP/1.1",
     "x-Odd-CASE:1\r\nX-Blanks:  \t\r\n", "GET /a-b_c.d~e!$&'()*+,=:@/%22?q=%7e HTTP/1.1",
     "x-Odd-CASE:1\r\nX-Blanks:  \t\r\n"},
    {"a-url-in-the-path-is-a-path", "GET /x/http:/e.test/?u=http://o.test/ HTTP/1.1", "",
     "GET /x/http:/e.test/?u=http://o.test/ HTTP/1.1", ""},
    {"an-absolute-target-becomes-a-path", "GET http://API.test:80/a/../b?q HTTP/1.1", "",
     "GET /b?q HTTP/1.1", ""},
    {"an-absolute-target-without-a-path", "GET http://api.test HTTP/1.1", "", "GET / HTTP/1.1", ""},
    {"of-equal-lengths-one-is-sent", "PUT / HTTP/1.1",
     "Content-Length: 2\r\nX: 1\r\ncontent-length: 2\r\n", "PUT / HTTP/1.1",
     "Content-Length: 2\r\nX: 1\r\n"},
    {"a-long-name-that-connection-names-is-removed", "GET / HTTP/1.1",
     "Connection: X-123456789-123456789-123456789-123456789-123456789-123456789-123456789\r\n"
     "x-123456789-123456789-123456789-123456789-123456789-123456789-123456789: 1\r\nY: 2\r\n",
     "GET / HTTP/1.1", "Y: 2\r\n"},
    {"credentials-for-the-proxy-stay-here", "GET / HTTP/1.1",
     "Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\nHTTP2-Settings: AAA\r\n"
     "Proxy-Authenticate: Basic\r\nKeep-Alive: 5\r\nAuthorization: Basic y\r\n",
     "GET / HTTP/1.1", "Authorization: Basic y\r\n"},
};

static void
test_served_request(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *said = g_strdup_printf("%s\r\nHost: api.test\r\n%s\r\n%s", served[i].line,
                                            served[i].fields, served[i].line[0] == 'P' ? "ab" : "");
    g_autofree char *sent = g_strdup_printf(
        "%s\r\nHost: api.test\r\n%sVia: 1.1 openshell-sandbox\r\n\r\n%s", served[i].sent_line,
        served[i].sent_fields, served[i].line[0] == 'P' ? "ab" : "");
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, said, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, sent);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static void
test_old_version(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, "GET /a/./b HTTP/1.0\r\n\r\n" GET("/hidden"), -1);
    osh_l7_harness_server(fixture->harness, "HTTP/1.1 103 Early Hints\r\n\r\n" OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    "GET /a/b HTTP/1.0\r\nVia: 1.1 openshell-sandbox\r\nConnection: close\r\n\r\n");
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* Where the port is not the scheme's, a Host that leaves it out names another port. */
static void
test_port(RestFixture *fixture, gconstpointer data)
{
    osh_l7_harness_connection(fixture->harness)->port = 8080;
    for (guint i = 0; i < 2; i++) {
        g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&fixture->protocol, NULL);
        g_autoptr(OshL7Outcome) outcome = NULL;

        *osh_l7_harness_connection(harness) = *osh_l7_harness_connection(fixture->harness);
        osh_l7_harness_client(
            harness, i == 0 ? GET("/") : "GET / HTTP/1.1\r\nHost: api.test:8080\r\n\r\n", -1);
        outcome = osh_l7_harness_run_all(harness, REST_RANDOM_RUNS);
        g_assert_cmpstr(outcome->violation, ==, NULL);
        g_assert_cmpint(TO_SERVER(outcome)[0] != '\0', ==, i == 1);
    }
    (void)data;
}

static void
test_long_head(RestFixture *fixture, gconstpointer data)
{
    for (guint over = 0; over < 2; over++) {
        g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&fixture->protocol, NULL);
        g_autoptr(GString) head = g_string_new("GET / HTTP/1.1\r\nHost: api.test\r\nX: ");
        g_autoptr(OshL7Outcome) outcome = NULL;

        *osh_l7_harness_connection(harness) = *osh_l7_harness_connection(fixture->harness);
        while (head->len < 16384 - 4 + over)
            g_string_append_c(head, 'x');
        g_string_append(head, "\r\n\r\n");
        osh_l7_harness_client(harness, head->str, (gssize)head->len);
        outcome = osh_l7_harness_run(harness, OSH_L7_SPLIT_RANDOM, 1);
        g_assert_cmpstr(outcome->violation, ==, NULL);
        g_assert_cmpint(TO_SERVER(outcome)[0] == '\0', ==, over);
        g_assert_cmpint(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 431 "), ==, over);
    }
    (void)data;
}

/* The window is smaller than what the configuration would allow. */
static void
test_head_and_window(RestFixture *fixture, gconstpointer data)
{
    g_autofree char *value = g_strnfill(17000, 'x');
    g_autofree char *request =
        g_strdup_printf("GET / HTTP/1.1\r\nHost: api.test\r\nX: %s\r\n\r\n", value);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rest_fixture_configure(fixture, "head_size", 32768);
    osh_l7_harness_client(fixture->harness, request, -1);
    outcome = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 431 "));
}

static void
test_limits(RestFixture *fixture, gconstpointer data)
{
    static const struct {
        const char *key;
        gint64 value;
        const char *client;
        const char *server;
        const char *words;
    } rows[] = {
        {"head_size", 38, "GET /12345 HTTP/1.1\r\nHost: api.test\r\n\r\n", "", "431 "},
        {"head_fields", 1, "GET / HTTP/1.1\r\nHost: api.test\r\nX: 1\r\n\r\n", "", "431 "},
        {"chunk_line_size", 15,
         "PUT / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n1;x=1234567890\r\n",
         "", "400 "},
        {"trailer_size", 7,
         "PUT / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n",
         "", "400 "},
        {"interim_responses", 1, GET("/"),
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK("ab"), "502 "},
    };

    (void)data;
    for (gsize i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshL7Harness) harness = NULL;
        g_autoptr(OshL7Outcome) outcome = NULL;
        gboolean fits = i >= G_N_ELEMENTS(rows);

        rest_fixture_configure(fixture, rows[i % G_N_ELEMENTS(rows)].key,
                               rows[i % G_N_ELEMENTS(rows)].value + (fits ? 2 : 0));
        harness = osh_l7_harness_new(&fixture->protocol, NULL);
        *osh_l7_harness_connection(harness) = *osh_l7_harness_connection(fixture->harness);
        osh_l7_harness_client(harness, rows[i % G_N_ELEMENTS(rows)].client, -1);
        osh_l7_harness_server(harness, rows[i % G_N_ELEMENTS(rows)].server, -1);
        outcome = osh_l7_harness_run_all(harness, REST_RANDOM_RUNS);
        g_assert_cmpstr(outcome->violation, ==, NULL);
        if ((strstr(TO_CLIENT(outcome), rows[i % G_N_ELEMENTS(rows)].words) == NULL) != fits)
            g_error("%s: %s", rows[i % G_N_ELEMENTS(rows)].key, TO_CLIENT(outcome));
    }
}

static void
test_hop_fields(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "GET / HTTP/1.1\r\nX-Drop: 1\r\nHost: api.test\r\nKeep-Alive: 5\r\n"
                          "Connection: keep-alive, x-drop\r\nTE: trailers\r\nX-Keep:  2 \r\n"
                          "Via: 1.0 one\r\n\r\n",
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    "GET / HTTP/1.1\r\nHost: api.test\r\nX-Keep:  2 \r\nVia: 1.0 one\r\n\r\n");
}

/* What a credential provider injects replaces every field of its name. */
static void
test_edits(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_add_injection(fixture->harness, "Authorization", "the secret");
    osh_l7_harness_add_edit(fixture->harness, "X-Gone", NULL);
    osh_l7_harness_add_edit(fixture->harness, "X-New", "new");
    osh_l7_harness_add_edit(fixture->harness, "X-Empty", "");
    osh_l7_harness_client(
        fixture->harness,
        "GET /a HTTP/1.1\r\nauthorization: mine\r\nHost: api.test\r\nX-GONE: 1\r\n"
        "X-Stays: 1\r\nAuthorization: mine too\r\nx-new: old\r\n\r\n",
        -1);
    osh_l7_harness_server(fixture->harness,
                          "HTTP/1.1 200 OK\r\nX-Gone: 1\r\nConnection: x-own\r\n"
                          "Content-Length: 0\r\n\r\n",
                          -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    "GET /a HTTP/1.1\r\nHost: api.test\r\nX-Stays: 1\r\n"
                    "Authorization: the secret\r\nX-New: new\r\nX-Empty: \r\n"
                    "Via: 1.1 openshell-sandbox\r\n\r\n");
    g_assert_cmpstr(TO_CLIENT(outcome), ==,
                    "HTTP/1.1 200 OK\r\nX-Gone: 1\r\nContent-Length: 0\r\n\r\n");
}

static void
test_edits_that_cannot_be(RestFixture *fixture, gconstpointer data)
{
    static const struct {
        const char *name;
        const char *value;
    } rows[] = {{"Host", "other.test"},
                {"transfer-encoding", "chunked"},
                {"X Y", "1"},
                {"X", "1\r\nHost: other.test"},
                {"", "1"}};

    (void)data;
    for (gsize i = 0; i <= G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&fixture->protocol, NULL);
        g_autoptr(OshL7Outcome) outcome = NULL;

        *osh_l7_harness_connection(harness) = *osh_l7_harness_connection(fixture->harness);
        if (i < G_N_ELEMENTS(rows))
            osh_l7_harness_add_edit(harness, rows[i].name, rows[i].value);
        for (guint k = 0; i == G_N_ELEMENTS(rows) && k < 17; k++)
            osh_l7_harness_add_edit(harness, "X-Many", "1");
        osh_l7_harness_client(harness, GET("/"), -1);
        outcome = osh_l7_harness_run_all(harness, REST_RANDOM_RUNS);
        g_assert_cmpstr(outcome->violation, ==, NULL);
        g_assert_cmpstr(TO_SERVER(outcome), ==, "");
        g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 403 "));
    }
}

static void
test_bodies(RestFixture *fixture, gconstpointer data)
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
    outcome = rest_fixture_run(fixture);
    g_assert_nonnull(strstr(TO_SERVER(outcome), "\r\n\r\n" CHUNKED "PUT /l "));
    g_assert_nonnull(strstr(TO_SERVER(outcome), "\r\n\r\n12345GET /last "));
    g_assert_true(g_str_has_suffix(TO_CLIENT(outcome), OK("ab")));
#undef CHUNKED
}

static void
test_broken_body(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness,
                          "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n"
                          "\r\n3\r\nabc\r\n+4\r\nabcd\r\n",
                          -1);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_suffix(TO_SERVER(outcome), "3\r\nabc\r\n"));
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 400 Bad Request\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"invalid_request_body\""));
    g_assert_nonnull(strstr(outcome->records->str, "1 denied POST /"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* Each name once, with its values in their order; "+" is a blank, and a name may be empty. */
static void
test_query(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, GET("/?b=2&a=1+x&b=%41%2b&c&=&&a=%c3%a9=") GET("/next"),
                          -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, OK("cd"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed GET / [request.method=GET request.path=/ request.query=["
                    "{key=b values=[2 A+]} {key=a values=[1 x \\xc3\\xa9=]} {key=c values=[]} "
                    "{key= values=[]}]] done 200 2\n"
                    "2 allowed GET /next [request.method=GET request.path=/next] done 200 2\n");
    g_assert_cmpstr(TO_SERVER(outcome), ==,
                    SENT("/?b=2&a=1+x&b=%41%2b&c&=&&a=%c3%a9=") SENT("/next"));
}

static void
test_query_limits(RestFixture *fixture, gconstpointer data)
{
    static const struct {
        guint names;
        guint values;
        gboolean served;
    } rows[] = {{64, 1, TRUE}, {65, 1, FALSE}, {1, 256, TRUE}, {1, 257, FALSE}};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&fixture->protocol, NULL);
        g_autoptr(GString) request = g_string_new("GET /?");
        g_autoptr(OshL7Outcome) outcome = NULL;

        *osh_l7_harness_connection(harness) = *osh_l7_harness_connection(fixture->harness);
        for (guint name = 0; name < rows[i].names; name++)
            for (guint value = 0; value < rows[i].values; value++)
                g_string_append_printf(request, "&n%u=%u", name, value);
        g_string_append(request, " HTTP/1.1\r\nHost: api.test\r\n\r\n");
        osh_l7_harness_client(harness, request->str, -1);
        outcome = osh_l7_harness_run(harness, OSH_L7_SPLIT_WHOLE, 1);
        g_assert_cmpstr(outcome->violation, ==, NULL);
        g_assert_cmpint(TO_SERVER(outcome)[0] != '\0', ==, rows[i].served);
    }
}

/* The client of a forward proxy names an authority in each request. */
static void
test_absolute_form(RestFixture *fixture, gconstpointer data)
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
    outcome = rest_fixture_run(fixture);
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
test_elsewhere(RestFixture *fixture, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *requests = g_strconcat(
        "GET http://api.test/one HTTP/1.1\r\nHost: api.test\r\n\r\n", elsewhere[i].request, NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_connection(fixture->harness)->may_retarget = TRUE;
    osh_l7_harness_client(fixture->harness, requests, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, SENT("/one"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_RETARGET);
    g_assert_cmpstr(outcome->reason, ==, elsewhere[i].authority);
    g_assert_null(strstr(outcome->records->str, "other"));
}

#define ADD(sentence, function)                                                                    \
    g_test_add("/l7-rest/" sentence, RestFixture, NULL, rest_fixture_set_up, function,             \
               rest_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("each-request-of-a-connection-is-judged", test_keep_alive);
    ADD("a-refused-request-is-answered-in-its-place-and-nothing-of-it-leaves", test_refused);
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strdup_printf("/l7-rest/refused/%s", refused[i].sentence);

        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up,
                   test_refused_request, rest_fixture_tear_down);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(served); i++) {
        g_autofree char *path = g_strdup_printf("/l7-rest/served/%s", served[i].sentence);

        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, test_served_request,
                   rest_fixture_tear_down);
    }
    ADD("a-request-of-the-old-version-stays-one-and-ends-the-connection", test_old_version);
    ADD("a-host-without-a-port-names-the-port-of-the-scheme", test_port);
    ADD("a-head-of-16384-bytes-is-served-and-one-byte-more-is-431", test_long_head);
    ADD("limits-come-from-the-configuration", test_limits);
    ADD("a-head-that-its-window-cannot-hold-is-431", test_head_and_window);
    ADD("what-belongs-to-this-hop-is-removed", test_hop_fields);
    ADD("an-answer-may-change-fields-of-the-request", test_edits);
    ADD("an-answer-never-changes-what-frames-or-addresses-it", test_edits_that_cannot_be);
    ADD("bodies-are-released-by-their-framing", test_bodies);
    ADD("a-body-that-is-broken-ends-the-connection-at-the-break", test_broken_body);
    ADD("a-query-is-judged-decoded-and-sent-as-it-came", test_query);
    ADD("a-query-has-64-names-and-256-values-at-most", test_query_limits);
    ADD("absolute-form-on-a-connection-that-may-retarget-is-judged-by-its-path",
        test_absolute_form);
    for (gsize i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        g_autofree char *path =
            g_strdup_printf("/l7-rest/goes-elsewhere/%s", elsewhere[i].sentence);

        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, test_elsewhere,
                   rest_fixture_tear_down);
    }
    return g_test_run();
}
