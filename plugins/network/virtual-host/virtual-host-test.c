/* SPDX-License-Identifier: Apache-2.0 */
/* What a client gets of what a plugin answers, what the plugin is told, and what breaks a rule. */
#include "claims.h"
#include "virtual-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
respond(VirtualWorld *world, const char *text, gboolean last)
{
    world->refused = !osh_virtual_reply_respond_body(world->reply, osh_span(text), last);
}

static void
begin(VirtualWorld *world, guint32 status)
{
    OshHttpField field = {OSH_SPAN_LITERAL("X-Test"), OSH_SPAN_LITERAL("1")};

    world->refused = !osh_virtual_reply_respond_head(world->reply, status, &field, 1);
}

static void
answer_whole(VirtualWorld *world)
{
    begin(world, 200);
    respond(world, "whole", TRUE);
}

static void
answer_in_pieces(VirtualWorld *world)
{
    begin(world, 200);
    respond(world, "one", FALSE);
    respond(world, "", FALSE);
    respond(world, "two", TRUE);
}

static void
answer_nothing(VirtualWorld *world)
{
    begin(world, 204);
    respond(world, "", TRUE);
}

static void
answer_twice(VirtualWorld *world)
{
    answer_whole(world);
    g_assert_false(world->refused);
    begin(world, 500);
    g_assert_true(world->refused);
    respond(world, "more", TRUE);
    g_assert_true(world->refused);
}

#define HEAD "HTTP/1.1 200 OK\r\nX-Test: 1\r\n"

static const struct {
    const char *name;
    const char *line;
    VirtualAct act;
    const char *answer;
} answers[] = {
    {"whole", "GET / HTTP/1.1", answer_whole, HEAD "Content-Length: 5\r\n\r\nwhole"},
    {"in pieces", "GET / HTTP/1.1", answer_in_pieces,
     HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"},
    {"to HEAD", "HEAD / HTTP/1.1", answer_whole, HEAD "Content-Length: 5\r\n\r\n"},
    {"to HEAD, in pieces", "HEAD / HTTP/1.1", answer_in_pieces, HEAD "\r\n"},
    {"without a body", "GET / HTTP/1.1", answer_nothing,
     "HTTP/1.1 204 No Content\r\nX-Test: 1\r\n\r\n"},
    {"once", "GET / HTTP/1.1", answer_twice, HEAD "Content-Length: 5\r\n\r\nwhole"},
    {"to HTTP/1.0", "GET / HTTP/1.0", answer_whole,
     HEAD "Content-Length: 5\r\nConnection: close\r\n\r\nwhole"},
    {"to HTTP/1.0, in pieces", "GET / HTTP/1.0", answer_in_pieces,
     HEAD "Connection: close\r\n\r\nonetwo"},
};

static void
test_answer(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    gboolean is_last = g_str_has_suffix(answers[row].line, "1.0");
    g_autofree char *request = g_strdup_printf("%s\r\nHost: x\r\n\r\n", answers[row].line);
    VirtualWorld world;

    virtual_world_new(&world);
    world.request = answers[row].act;
    virtual_world_open(&world);
    for (guint i = 0; i < (is_last ? 1 : 2); i++) {
        virtual_say(&world, request);
        virtual_expect(&world, answers[row].answer);
    }
    OSH_WAIT_FOR(world.fixture, !world.is_open);
    virtual_world_close(&world);
}

static void
answer_later(VirtualWorld *world)
{
    begin(world, 200);
}

static void
test_head_goes_out_before_the_first_bytes(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    world.request = answer_later;
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    virtual_expect(&world, HEAD "Transfer-Encoding: chunked\r\n\r\n");
    respond(&world, "late", FALSE);
    virtual_expect(&world, "4\r\nlate\r\n");
    respond(&world, "", TRUE);
    virtual_expect(&world, "0\r\n\r\n");
    virtual_world_close(&world);
}

static void
test_requests_come_one_after_the_other(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_say(&world, "GET /a?b=c%20d HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nTE: x\r\n"
                        "Accept: y\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    virtual_expect_seen(&world, "request GET /a?b=c%20d Accept=y\nbody 0\n");
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.n_requests, ==, 1);
    world.request = answer_whole;
    answer_whole(&world);
    virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    virtual_expect_seen(&world, "request GET /a?b=c%20d Accept=y\nbody 0\nclose\n"
                                "request GET /second?\nbody 0\nclose\n");
    virtual_world_close(&world);
}

#define POST "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#define SEEN "request POST /? Content-Type=application/json\n"

static void
test_body_is_decoded_and_follows_an_early_answer(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    world.request = answer_whole;
    virtual_world_open(&world);
    virtual_say(&world, POST "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n");
    virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    g_assert_true(world.is_open);
    virtual_say(&world, "2\r\n2]\r\n0\r\n\r\n");
    virtual_expect_seen(&world, SEEN "body 5\nclose\n");
    g_assert_cmpstr(world.body->str, ==, "[1,2]");
    virtual_world_close(&world);
}

static void
test_bytes_may_come_one_by_one(void)
{
    static const char text[] =
        POST "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";
    VirtualWorld world;

    virtual_world_new(&world);
    world.body_ended = answer_whole;
    virtual_world_open(&world);
    for (const char *at = text; *at != '\0'; at++) {
        virtual_say(&world, ((char[2]){*at, '\0'}));
        osh_fixture_turn(world.fixture, 1);
        osh_fixture_turn(world.fixture, 1);
    }
    virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    virtual_expect_seen(&world, SEEN "body 5\nclose\n");
    g_assert_cmpstr(world.body->str, ==, "[1,2]");
    virtual_world_close(&world);
}

static void
test_body_is_asked_for(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    world.body_ended = answer_whole;
    virtual_world_open(&world);
    virtual_say(&world, POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    virtual_expect(&world, "HTTP/1.1 100 Continue\r\n\r\n");
    virtual_say(&world, "[1]");
    virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    virtual_world_close(&world);
}

static const struct {
    const char *name;
    const char *request;
    const char *status;
    const char *seen;
} refusals[] = {
    {"an announced body that is too long", POST "Content-Length: 1001\r\n\r\n", " 413 ", ""},
    {"a body that grows too long", POST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", " 413 ",
     SEEN "close\n"},
    {"an Origin", "GET / HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n", " 403 ", ""},
    {"another site", "GET / HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\n\r\n", " 403 ",
     ""},
    {"a form", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", " 403 ", ""},
    {"what is no HTTP", "GET /\r\n\r\n", " 400 ", ""},
};

static void
test_refusal(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autofree char *bytes = g_strnfill(1001, 'x');
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_say(&world, refusals[row].request);
    if (strstr(refusals[row].request, "chunked") != NULL)
        virtual_say(&world, bytes);
    OSH_WAIT_FOR(world.fixture, osh_fixture_first(world.fixture, OSH_STEP_INSPECT) == NULL ||
                                    world.l7.last[OSH_SERVER_TO_CLIENT].eof);
    shutdown(world.client, SHUT_WR);
    virtual_expect_in(&world, refusals[row].status);
    g_assert_cmpstr(world.seen->str, ==, refusals[row].seen);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==,
                     strstr(refusals[row].status, "403") != NULL);
    virtual_world_close(&world);
}

static void
test_plugin_that_fails_is_answered_for(void)
{
    static const char *const texts[] = {"it is \"so\"", NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        VirtualWorld world;

        virtual_world_new(&world);
        world.fails = TRUE;
        world.error_text = texts[i];
        virtual_world_open(&world);
        virtual_ask(&world, "/");
        OSH_WAIT_FOR(world.fixture, world.l7.last[OSH_SERVER_TO_CLIENT].eof);
        shutdown(world.client, SHUT_WR);
        virtual_expect_in(&world, texts[i] != NULL ? "\"detail\":\"it is \\\"so\\\"\""
                                                   : "the plugin failed without an error");
        virtual_world_close(&world);
    }
}

/* --- Rules -------------------------------------------------------------------------------------
 */

static void
break_field(VirtualWorld *world, OshSpan name, OshSpan value)
{
    OshHttpField field = {name, value};

    g_assert_false(osh_virtual_reply_respond_head(world->reply, 200, &field, 1));
    g_assert_false(osh_virtual_reply_respond_body(world->reply, osh_span("x"), TRUE));
}

static void
break_by_status(VirtualWorld *world)
{
    g_assert_false(osh_virtual_reply_respond_head(world->reply, 100, NULL, 0));
    g_assert_false(osh_virtual_reply_respond(world->reply, 200, "text/plain", osh_span("x")));
}

static void
break_by_name(VirtualWorld *world)
{
    break_field(world, OSH_SPAN_LITERAL("a b"), OSH_SPAN_LITERAL("c"));
}

static void
break_by_framing(VirtualWorld *world)
{
    break_field(world, OSH_SPAN_LITERAL("content-LENGTH"), OSH_SPAN_LITERAL("1"));
}

static void
break_by_value(VirtualWorld *world)
{
    break_field(world, OSH_SPAN_LITERAL("a"), OSH_SPAN_LITERAL("b\r\nc: d"));
}

static void
break_by_length(VirtualWorld *world)
{
    g_autofree char *text = g_strnfill(17000, 'x');

    break_field(world, OSH_SPAN_LITERAL("a"), osh_span(text));
}

static void
break_by_number(VirtualWorld *world)
{
    OshHttpField fields[101];

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        fields[i] = (OshHttpField){OSH_SPAN_LITERAL("a"), OSH_SPAN_LITERAL("b")};
    g_assert_false(osh_virtual_reply_respond_head(world->reply, 200, fields, G_N_ELEMENTS(fields)));
}

static void
break_by_capacity(VirtualWorld *world)
{
    g_autofree char *text = g_strnfill(4 * 1024 * 1024, 'x');

    begin(world, 200);
    respond(world, text, FALSE);
    g_assert_false(world->refused);
    g_assert_cmpuint(osh_virtual_reply_capacity(world->reply), ==, 0);
    respond(world, "x", FALSE);
    g_assert_true(world->refused);
}

static const struct {
    const char *name;
    VirtualAct act;
} breaches[] = {
    {"a status", break_by_status},
    {"a field name", break_by_name},
    {"framing", break_by_framing},
    {"a field value", break_by_value},
    {"a long head", break_by_length},
    {"many fields", break_by_number},
    {"bytes without capacity", break_by_capacity},
};

static void
test_breach(gconstpointer data)
{
    VirtualWorld world;

    virtual_world_new(&world);
    world.request = breaches[GPOINTER_TO_UINT(data)].act;
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    virtual_expect_broken(&world);
    virtual_expect_seen(&world, "request GET /?\nclose\n");
    g_assert_cmpuint(world.fixture->warnings, ==, 1);
    l7_assert_says(&world.l7, OSH_FIXTURE_FAILED, "the plugin plugin broke a rule");
    virtual_world_close(&world);
}

static void
test_breach_outside_a_call_of_the_plugin(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    virtual_expect_seen(&world, "request GET /?\nbody 0\n");
    break_by_status(&world);
    g_assert_true(world.is_open);
    virtual_expect_broken(&world);
    virtual_world_close(&world);
}

/* --- Pace --------------------------------------------------------------------------------------
 */

#define PIECE 8192
#define WHOLE (32 * 1024 * 1024)

static void
stream(VirtualWorld *world)
{
    static const char piece[PIECE];

    if (world->status == 0)
        begin(world, 200);
    while (world->status < WHOLE && osh_virtual_reply_capacity(world->reply) > 0) {
        world->status += sizeof piece;
        g_assert_true(osh_virtual_reply_respond_body(world->reply, (OshSpan){piece, sizeof piece},
                                                     world->status == WHOLE));
    }
}

static void
test_slow_client_holds_up_the_plugin_and_nothing_more(void)
{
    VirtualWorld world;
    gsize total = 0;
    guint32 before;

    virtual_world_new(&world);
    world.request = stream;
    world.drained = stream;
    virtual_world_open(&world);
    l7_small_buffers(world.client);
    virtual_ask(&world, "/");
    osh_fixture_settle(world.fixture);
    before = world.status;
    g_assert_cmpuint(before, <, WHOLE);
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.status, ==, before);
    while (total < WHOLE) {
        static char bytes[65536];
        ssize_t n = recv(world.client, bytes, sizeof bytes, MSG_DONTWAIT);

        if (n > 0)
            total += (gsize)n;
        else
            osh_fixture_turn(world.fixture, 1);
        g_assert_false(n == 0);
    }
    g_assert_cmpuint(world.n_drained, >, 4);
    OSH_WAIT_FOR(world.fixture, !world.is_open);
    virtual_world_close(&world);
}

static void
test_client_that_goes_away_is_told(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    world.request = answer_later;
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    virtual_expect(&world, HEAD "Transfer-Encoding: chunked\r\n\r\n");
    osh_fixture_reset(world.client);
    world.client = -1;
    virtual_expect_seen(&world, "request GET /?\nbody 0\nclose\n");
    virtual_world_close(&world);
}

static void
test_cut_request_ends_without_an_answer(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_say(&world, POST "Content-Length: 10\r\n\r\n123");
    OSH_WAIT_FOR(world.fixture, world.is_open);
    shutdown(world.client, SHUT_WR);
    virtual_expect_seen(&world, SEEN "close\n");
    virtual_world_close(&world);
}

static void
test_end_of_the_run_ends_a_request(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    OSH_WAIT_FOR(world.fixture, world.is_open);
    osh_fixture_stop(world.fixture);
    g_assert_false(world.is_open);
    virtual_world_close(&world);
}

/* --- Policy and claims -------------------------------------------------------------------------
 */

static void
test_endpoint_without_an_http_protocol_is_refused(void)
{
    for (guint i = 0; i < 2; i++) {
        VirtualWorld world;

        virtual_world_new(&world);
        if (i == 0)
            world.fixture->policy.protocol = "";
        else
            world.l7.protocol.is_http = FALSE;
        osh_fixture_start(world.fixture);
        world.client = osh_fixture_connect(world.fixture, VIRTUAL_NAME, 80);
        osh_fixture_expect_status(world.fixture, world.client, "403");
        world.client = -1;
        l7_assert_says(&world.l7, OSH_FIXTURE_DENIED, "virtual-host");
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 0);
        virtual_world_close(&world);
    }
}

static const struct {
    const char *name;
    const char *method;
    gboolean reads_allowed;
    gboolean has_entry;
    gboolean connects;
    gboolean is_asked;
} reads[] = {
    {"GET without an entry", "GET", TRUE, FALSE, TRUE, TRUE},
    {"POST without an entry", "POST", TRUE, FALSE, TRUE, FALSE},
    {"GET with an entry that denies", "GET", TRUE, TRUE, FALSE, FALSE},
    {"GET of another name", "GET", FALSE, FALSE, FALSE, FALSE},
};

static void
test_read(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autofree char *request =
        g_strdup_printf("%s / HTTP/1.1\r\nHost: x\r\n\r\n", reads[row].method);
    OshNetworkProtocol *protocol;
    VirtualWorld world;

    virtual_world_new(&world);
    protocol = &world.l7.protocol;
    g_hash_table_insert(world.fixture->network.protocols, (gpointer) "rest", protocol);
    world.request = answer_whole;
    world.host.reads_allowed = reads[row].reads_allowed;
    world.fixture->policy.protocol = "rest";
    world.fixture->policy.action = OSH_ACTION_DENY;
    world.fixture->policy.has_no_entry = !reads[row].has_entry;
    osh_fixture_start(world.fixture);
    world.client = osh_fixture_connect(world.fixture, VIRTUAL_NAME, 80);
    if (!reads[row].connects) {
        osh_fixture_expect_status(world.fixture, world.client, "403");
        world.client = -1;
        virtual_world_close(&world);
        return;
    }
    virtual_expect(&world, "HTTP/1.1 200 Connection Established\r\n\r\n");
    virtual_say(&world, request);
    if (reads[row].is_asked)
        virtual_expect(&world, HEAD "Content-Length: 5\r\n\r\nwhole");
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.n_requests, ==, reads[row].is_asked);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==,
                     !reads[row].is_asked);
    virtual_world_close(&world);
}

static void
test_reload_that_denies_ends_the_connection(void)
{
    VirtualWorld world;

    virtual_world_new(&world);
    virtual_world_open(&world);
    virtual_ask(&world, "/");
    OSH_WAIT_FOR(world.fixture, world.is_open);
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    g_assert_true(world.is_open);
    world.fixture->policy.generation++;
    world.fixture->policy.denied = VIRTUAL_NAME;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    g_assert_false(world.is_open);
    virtual_world_close(&world);
}

typedef struct {
    const char *names[2][3];
    OshVirtualHostInterface vtable;
} Claims;

static const char *const *
claims_names(gpointer instance)
{
    return instance;
}

static gsize
claims_find(gpointer handle, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    Claims *claims = handle;

    g_assert_cmpstr(id, ==, OSH_INTERFACE_VIRTUAL_HOST);
    g_assert_cmpuint(capacity, >=, 2);
    for (guint i = 0; i < 2; i++)
        ret_interfaces[i] =
            (OshInterface){i == 0 ? "one" : "two", &claims->vtable, claims->names[i]};
    return 2;
}

static void
test_claims(void)
{
    static const struct {
        const char *first[2];
        const char *second;
        const char *problem;
    } rows[] = {
        {{"a.internal", "b.local"}, "169.254.169.254", NULL},
        {{"a.internal", "b.local"}, "b.local", "b.local is claimed by one and by two"},
        {{"a.internal", "a.internal"}, NULL, "a.internal is claimed by one and by one"},
        {{"A.internal", NULL}, NULL, "one claims the name A.internal"},
        {{"a.internal.", NULL}, NULL, "claims the name"},
        {{"local", NULL}, NULL, "claims the name"},
        {{"crl.openshell.internal", NULL}, NULL, "claims the name"},
        {{"example.com", NULL}, NULL, "claims the name"},
        {{"10.0.0.1", NULL}, NULL, "claims the name"},
        {{"a b.internal", NULL}, NULL, "claims the name"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Claims claims = {
            .names = {{rows[i].first[0], rows[i].first[1]}, {rows[i].second}},
            .vtable = {.struct_size = sizeof(OshVirtualHostInterface), .names = claims_names},
        };
        OshHost host = {
            .struct_size = sizeof host, .handle = &claims, .find_interfaces = claims_find};
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) found = osh_virtual_hosts_find(&host, &error);

        g_assert_cmpint(found != NULL, ==, rows[i].problem == NULL);
        if (rows[i].problem != NULL)
            g_assert_nonnull(strstr(error->message, rows[i].problem));
        else
            g_assert_cmpuint(g_hash_table_size(found), ==, 3);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *path = g_strdup_printf("/virtual-host/answer/%s", answers[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_answer);
    }
    for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/virtual-host/refuses/%s", refusals[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_refusal);
    }
    for (guint i = 0; i < G_N_ELEMENTS(breaches); i++) {
        g_autofree char *path = g_strdup_printf("/virtual-host/breach-by/%s", breaches[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_breach);
    }
    for (guint i = 0; i < G_N_ELEMENTS(reads); i++) {
        g_autofree char *path = g_strdup_printf("/virtual-host/read/%s", reads[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_read);
    }
    g_test_add_func("/virtual-host/head-goes-out-before-the-first-bytes",
                    test_head_goes_out_before_the_first_bytes);
    g_test_add_func("/virtual-host/requests-come-one-after-the-other",
                    test_requests_come_one_after_the_other);
    g_test_add_func("/virtual-host/body-is-decoded-and-follows-an-early-answer",
                    test_body_is_decoded_and_follows_an_early_answer);
    g_test_add_func("/virtual-host/bytes-may-come-one-by-one", test_bytes_may_come_one_by_one);
    g_test_add_func("/virtual-host/body-is-asked-for", test_body_is_asked_for);
    g_test_add_func("/virtual-host/plugin-that-fails-is-answered-for",
                    test_plugin_that_fails_is_answered_for);
    g_test_add_func("/virtual-host/breach-outside-a-call-of-the-plugin",
                    test_breach_outside_a_call_of_the_plugin);
    g_test_add_func("/virtual-host/slow-client-holds-up-the-plugin-and-nothing-more",
                    test_slow_client_holds_up_the_plugin_and_nothing_more);
    g_test_add_func("/virtual-host/client-that-goes-away-is-told",
                    test_client_that_goes_away_is_told);
    g_test_add_func("/virtual-host/cut-request-ends-without-an-answer",
                    test_cut_request_ends_without_an_answer);
    g_test_add_func("/virtual-host/end-of-the-run-ends-a-request",
                    test_end_of_the_run_ends_a_request);
    g_test_add_func("/virtual-host/endpoint-without-an-http-protocol-is-refused",
                    test_endpoint_without_an_http_protocol_is_refused);
    g_test_add_func("/virtual-host/reload-that-denies-ends-the-connection",
                    test_reload_that_denies_ends_the_connection);
    g_test_add_func("/virtual-host/claims", test_claims);
    return g_test_run();
}
