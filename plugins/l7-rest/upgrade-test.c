/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From HTTP to another protocol, through the strict driver of the harness: what is asked, what goes
 * on to the server, and what a client gets in place of a 101 that is not agreed to.
 */
#include "rest-fixture.h"

#include "openshell/ext/draft/http-upgrade.h"

#include <string.h>

#define ASKS                                                                                       \
    "GET /chat HTTP/1.1\r\nHost: api.test\r\nUpgrade: WebSocket\r\nConnection: keep-alive, "       \
    "Upgrade\r\nSec-WebSocket-Key: k\r\nCookie: c\r\n\r\n"
#define ASKED                                                                                      \
    "GET /chat HTTP/1.1\r\nHost: api.test\r\nSec-WebSocket-Key: k\r\nCookie: c\r\n"                \
    "Via: 1.1 openshell-sandbox\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define AGREES                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Set-Cookie: s\r\n\r\n"

static void
test_upgraded(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_add_edit(fixture->harness, "Sec-WebSocket-Extensions", "x");
    osh_l7_harness_client(fixture->harness, GET("/one") ASKS "early", -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    osh_l7_harness_server(fixture->harness, AGREES "glued", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_suffix(
        TO_SERVER(outcome), "GET /chat HTTP/1.1\r\nHost: api.test\r\nSec-WebSocket-Key: k\r\n"
                            "Cookie: c\r\nSec-WebSocket-Extensions: x\r\n"
                            "Via: 1.1 openshell-sandbox\r\nConnection: Upgrade\r\n"
                            "Upgrade: websocket\r\n\r\n"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, OK("ab") AGREES);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_UPGRADE);
    g_assert_cmpstr(outcome->reason, ==, "websocket");
    g_assert_cmpstr(outcome->left[OSH_CLIENT_TO_SERVER]->str, ==, "early");
    g_assert_cmpstr(outcome->left[OSH_SERVER_TO_CLIENT]->str, ==, "glued");
}

/* Without what holds a credential. */
static void
test_facts(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_client(fixture->harness, ASKS, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed GET /chat [request.method=GET request.path=/chat "
                    "request.upgrade=websocket request.headers=[{name=host value=api.test} "
                    "{name=upgrade value=WebSocket} {name=connection value=keep-alive, Upgrade} "
                    "{name=sec-websocket-key value=k}]]\n");
    g_assert_cmpstr(TO_SERVER(outcome), ==, ASKED);
}

static void
inspect(RestFixture *fixture)
{
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_INSPECT,
                             OSH_FACT_REQUEST_METHOD, "*");
}

/* It has no content, and is agreed to behind what is said about that. */
static void
test_inspected(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    inspect(fixture);
    osh_l7_harness_client(fixture->harness, ASKS "early", -1);
    osh_l7_harness_server(fixture->harness, AGREES "glued", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, ASKED);
    g_assert_cmpstr(TO_CLIENT(outcome), ==, AGREES);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_UPGRADE);
    g_assert_cmpstr(outcome->left[OSH_CLIENT_TO_SERVER]->str, ==, "early");
    g_assert_cmpstr(outcome->left[OSH_SERVER_TO_CLIENT]->str, ==, "glued");
}

static void
test_inspected_without_agreement(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    inspect(fixture);
    osh_l7_harness_client(fixture->harness, ASKS, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 403 Forbidden\r\n"));
}

/* Where frames would begin. */
static void
test_content_is_put_in(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    inspect(fixture);
    osh_l7_harness_replace_content(fixture->harness, "", "frames");
    osh_l7_harness_client(fixture->harness, ASKS, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 403 Forbidden\r\n"));
}

static const struct {
    const char *sentence;
    const char *response;
} others[] = {
    {"a-426", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"},
    {"a-200", OK("no")},
    {"a-200-behind-a-103", "HTTP/1.1 103 Early Hints\r\n\r\n" OK("no")},
};

static void
test_other_response(RestFixture *fixture, gconstpointer data)
{
    const char *response = others[GPOINTER_TO_SIZE(data)].response;
    g_autofree char *expected = g_strconcat(response, OK("ab"), NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_client(fixture->harness, ASKS GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, response, -1);
    osh_l7_harness_server(fixture->harness, OK("ab"), -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, ASKED SENT("/next"));
    g_assert_cmpstr(TO_CLIENT(outcome), ==, expected);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static void
test_agreement_refused(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_FACT_RESPONSE_STATUS, "101");
    osh_l7_harness_client(fixture->harness, ASKS "early", -1);
    osh_l7_harness_server(fixture->harness, AGREES "glued", -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, ASKED);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "agreement to change the protocol is not valid"));
    g_assert_null(strstr(TO_CLIENT(outcome), "101"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_nonnull(strstr(outcome->records->str, "1 denied GET /chat"));
    g_assert_nonnull(strstr(outcome->records->str, "done 502 "));
}

static const struct {
    const char *sentence;
    const char *response;
} invalid[] = {
    {"with-a-length", "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\nab"},
    {"with-chunks", "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n"},
};

static void
test_invalid_agreement(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_client(fixture->harness, ASKS, -1);
    osh_l7_harness_server(fixture->harness, invalid[GPOINTER_TO_SIZE(data)].response, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 502 Bad Gateway\r\n"));
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

/* A request that asks for nothing gets no other protocol. */
static void
test_unasked(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_client(fixture->harness, ASKS GET("/next"), -1);
    osh_l7_harness_server(fixture->harness, OK("no"), -1);
    osh_l7_harness_server(fixture->harness, AGREES, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), OK("no") "HTTP/1.1 502 Bad Gateway\r\n"));
}

static const struct {
    const char *sentence;
    const char *head;
} refused[] = {
    {"of-two-protocols", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\n"
                         "Upgrade: websocket, h2c\r\n\r\n"},
    {"in-two-fields", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\n"
                      "Upgrade: websocket\r\nUpgrade: websocket\r\n\r\n"},
    {"of-nothing", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade:\r\n\r\n"},
    {"that-connection-does-not-name",
     "GET / HTTP/1.1\r\nHost: api.test\r\nUpgrade: websocket\r\n\r\n"},
    {"that-connection-names-alone",
     "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\n\r\n"},
    {"in-the-old-version", "GET / HTTP/1.0\r\nHost: api.test\r\nConnection: Upgrade\r\n"
                           "Upgrade: websocket\r\n\r\n"},
    {"with-a-body", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nContent-Length: 1\r\n\r\nx"},
    {"with-chunks", "GET / HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
};

static void
test_refused(RestFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_agree_to_upgrades(fixture->harness);
    osh_l7_harness_client(fixture->harness, refused[GPOINTER_TO_SIZE(data)].head, -1);
    outcome = rest_fixture_run(fixture);
    g_assert_cmpstr(TO_SERVER(outcome), ==, "");
    g_assert_true(g_str_has_prefix(TO_CLIENT(outcome), "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_nonnull(strstr(TO_CLIENT(outcome), "\"error\":\"unsupported_l7_protocol\""));
    g_assert_nonnull(strstr(outcome->records->str, "1 denied"));
}

#define ADD(sentence, function)                                                                    \
    g_test_add("/l7-rest/upgrade/" sentence, RestFixture, NULL, rest_fixture_set_up, function,     \
               rest_fixture_tear_down)
#define ADD_ROWS(prefix, rows, function)                                                           \
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {                                               \
        g_autofree char *path =                                                                    \
            g_strdup_printf("/l7-rest/upgrade/" prefix "/%s", (rows)[i].sentence);                 \
                                                                                                   \
        g_test_add(path, RestFixture, GSIZE_TO_POINTER(i), rest_fixture_set_up, function,          \
                   rest_fixture_tear_down);                                                        \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("what-is-agreed-to-goes-on-as-another-protocol", test_upgraded);
    ADD("the-judge-of-an-upgrade-gets-the-fields-of-its-head", test_facts);
    ADD("an-agreement-that-is-refused-is-a-502", test_agreement_refused);
    ADD("what-is-inspected-too-is-agreed-to-behind-that", test_inspected);
    ADD("what-is-inspected-and-not-agreed-to-is-refused", test_inspected_without_agreement);
    ADD("content-is-never-put-behind-an-upgrade", test_content_is_put_in);
    ADD("a-request-that-asks-for-nothing-gets-no-other-protocol", test_unasked);
    ADD_ROWS("another-response-leaves-the-connection-open", others, test_other_response)
    ADD_ROWS("an-agreement-is-malformed", invalid, test_invalid_agreement)
    ADD_ROWS("a-request-for-an-upgrade-is-refused", refused, test_refused)
    return g_test_run();
}
