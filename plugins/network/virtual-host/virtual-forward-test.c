/* SPDX-License-Identifier: Apache-2.0 */
/* A request that the plugin asks elsewhere: what the destination gets, what the plugin is told of
 * it, and which destination is tried next. */
#include "fixture-resolver.h"
#include "virtual-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LONG_AGO (400 * G_TIME_SPAN_SECOND)

static OshVirtualDestination destinations[8];
static gsize n_destinations;
static const char *forward_body;
static OshVirtualSlot slot;

static void
forward_again(VirtualWorld *world)
{
    const OshHttpField fields[] = {
        {OSH_SPAN_LITERAL("Accept"), OSH_SPAN_LITERAL("a")},
        {OSH_SPAN_LITERAL("X-B"), OSH_SPAN_LITERAL("")},
    };
    g_autoptr(GBytes) body =
        forward_body != NULL ? g_bytes_new(forward_body, strlen(forward_body)) : NULL;
    const OshVirtualForward forward = {
        .struct_size = sizeof forward,
        .destinations = destinations,
        .n_destinations = n_destinations,
        .method = forward_body != NULL ? "POST" : "GET",
        .fields = fields,
        .n_fields = G_N_ELEMENTS(fields),
        .slots = &slot,
        .n_slots = slot.field != NULL,
        .body = body,
        .first_byte_timeout = 2 * G_TIME_SPAN_SECOND,
        .idle_timeout = 3 * G_TIME_SPAN_SECOND,
    };

    world->refused = !osh_virtual_reply_forward(world->reply, &forward);
}

static void
forward_once(VirtualWorld *world)
{
    forward_again(world);
    g_assert_false(world->refused);
    /* One at a time. */
    forward_again(world);
    g_assert_true(world->refused);
}

/* A world whose plugin forwards each request; destinations are added before it opens. */
static void
forward_world(VirtualWorld *world)
{
    virtual_world_new(world);
    world->body_ended = forward_once;
    world->passes_on = TRUE;
    world->goes_on = TRUE;
    forward_body = NULL;
    slot = (OshVirtualSlot){NULL, NULL, 0};
    n_destinations = 0;
}

static void
add(const char *host, guint32 port, const char *path)
{
    destinations[n_destinations++] = (OshVirtualDestination){host, port, FALSE, path};
}

static void
begin(VirtualWorld *world, const char *target)
{
    virtual_world_open(world);
    virtual_ask(world, target);
}

#define ASKED "request GET /a?b\nbody 0\n"
#define GOT   "Accept: a\r\nX-B: \r\nConnection: close\r\n\r\n"

static void
test_destination_gets_a_request_of_ours(void)
{
    VirtualWorld world;
    g_autofree char *got = NULL;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    got = g_strdup_printf("GET /a?b HTTP/1.1\r\nHost: " OSH_FIXTURE_OTHER ":%u\r\n" GOT,
                          world.l7.port);
    osh_fixture_expect(world.fixture, upstream, got);
    osh_fixture_send(upstream,
                     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\nX: y\r\n"
                     "X-One-Hop: z\r\nTransfer-Encoding: chunked\r\nConnection: x-one-hop\r\n\r\n"
                     "3\r\none\r\n");
    virtual_expect(&world, "HTTP/1.1 201 Created\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\none\r\n");
    osh_fixture_send(upstream, "3\r\ntwo\r\n0\r\nT: r\r\n\r\n");
    virtual_expect(&world, "3\r\ntwo\r\n0\r\n\r\n");
    virtual_expect_seen(&world, ASKED "answer 201 X=y\nanswered\nclose\n");
    osh_fixture_expect_end(world.fixture, upstream);
    close(upstream);
    virtual_world_close(&world);
}

static void
test_events_have_the_number_of_the_connection(void)
{
    VirtualWorld world;
    g_autofree char *rule = NULL;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, "/other");
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 2);
    for (guint i = 0; i < world.fixture->events->len; i++) {
        const OshFixtureEvent *event = world.fixture->events->pdata[i];

        g_assert_cmpuint(event->correlation, ==,
                         osh_fixture_first(world.fixture, OSH_STEP_INSPECT)->id);
    }
    rule = osh_fixture_text(osh_fixture_last(world.fixture, OSH_FIXTURE_ALLOWED), 6);
    g_assert_cmpstr(rule, ==, "plugin forwards to it for " VIRTUAL_NAME);
    l7_assert_says(&world.l7, OSH_FIXTURE_ALLOWED, "'virtual-host'");
    l7_assert_says(&world.l7, OSH_FIXTURE_ALLOWED, OSH_FIXTURE_OTHER);
    osh_fixture_send(upstream, "HTTP/1.1 204 No Content\r\n\r\n");
    virtual_expect(&world, "HTTP/1.1 204 No Content\r\n\r\n");
    close(upstream);
    virtual_world_close(&world);
}

static void
test_body_goes_to_each_destination_that_is_tried(void)
{
    VirtualWorld world;
    g_autofree char *got = NULL;
    int upstream;

    forward_world(&world);
    forward_body = "[1,2]";
    add(OSH_FIXTURE_OTHER, world.l7.port, "/first");
    add(OSH_FIXTURE_OTHER, world.l7.port, "/second");
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\r\nContent-");
    osh_fixture_settle(world.fixture);
    close(upstream);
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    got = g_strdup_printf("POST /second HTTP/1.1\r\nHost: " OSH_FIXTURE_OTHER ":%u\r\n"
                          "Accept: a\r\nX-B: \r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
                          "[1,2]",
                          world.l7.port);
    osh_fixture_expect(world.fixture, upstream, got);
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    close(upstream);
    virtual_expect_seen(&world, ASKED "failed 0\nanswer 200\nanswered\nclose\n");
    virtual_world_close(&world);
}

/* What a destination does that fails. */
static void
act_nothing(VirtualWorld *world, int upstream)
{
    (void)upstream;
    osh_fixture_advance(world->fixture, 2500 * G_TIME_SPAN_MILLISECOND);
}

static void
act_close(VirtualWorld *world, int upstream)
{
    (void)world;
    shutdown(upstream, SHUT_RDWR);
}

static void
act_malformed(VirtualWorld *world, int upstream)
{
    (void)world;
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\nX: y\n\n");
}

static void
act_upgrade(VirtualWorld *world, int upstream)
{
    (void)world;
    osh_fixture_send(upstream, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

static const struct {
    const char *name;
    void (*act)(VirtualWorld *world, int upstream);
    int code;
    const char *stage;
} failures[] = {
    {"is silent", act_nothing, OSH_ERROR_TIMEOUT, "timeout"},
    {"closes", act_close, OSH_ERROR_FAILED, "relay"},
    {"sends what is no HTTP", act_malformed, OSH_ERROR_FAILED, "relay"},
    {"changes the protocol", act_upgrade, OSH_ERROR_FAILED, "relay"},
};

static void
test_destination_fails(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    VirtualWorld world;
    int first;
    int second;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    begin(&world, "/a?b");
    first = osh_fixture_accept(world.fixture, world.l7.server);
    failures[row].act(&world, first);
    second = osh_fixture_accept(world.fixture, world.l7.server);
    g_assert_cmpint(world.error_code, ==, failures[row].code);
    l7_assert_says(&world.l7, OSH_FIXTURE_FAILED, failures[row].stage);
    osh_fixture_send(second, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    virtual_expect(&world,
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    close(first);
    close(second);
    virtual_world_close(&world);
}

static void
test_unreachable_destinations_are_passed_over(void)
{
    VirtualWorld world;
    guint16 nobody;
    int server;
    int upstream;

    forward_world(&world);
    server = osh_fixture_serve(OSH_FIXTURE_OTHER, &nobody);
    close(server);
    add(OSH_FIXTURE_OTHER, nobody, NULL);
    add("127.0.0.1", world.l7.port, NULL);
    add(OSH_FIXTURE_OTHER, 10250, NULL);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    virtual_expect_seen(&world, ASKED "failed 0\nfailed 1\nfailed 2\n");
    /* Neither the loopback nor a control plane was dialled, or allowed. */
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 3);
    close(upstream);
    virtual_world_close(&world);
}

static void
test_name_is_looked_up_and_each_address_checked(void)
{
    static const char *const bad[] = {OSH_FIXTURE_OTHER, "169.254.169.254", NULL};
    static const char *const good[] = {OSH_FIXTURE_OTHER, NULL};
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add("bad.test", world.l7.port, NULL);
    osh_fixture_resolve_to(bad);
    begin(&world, "/a?b");
    virtual_expect_seen(&world, ASKED "failed 0\nclose\n");
    g_assert_cmpint(world.error_code, ==, OSH_ERROR_DENIED);
    virtual_world_close(&world);
    forward_world(&world);
    add("Good.test", world.l7.port, NULL);
    osh_fixture_resolve_to(good);
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_expect(world.fixture, upstream, "GET /a?b HTTP/1.1\r\nHost: good.test:");
    close(upstream);
    virtual_world_close(&world);
}

/* --- Without an answer -------------------------------------------------------------------------
 */

static void
answer_itself(VirtualWorld *world)
{
    g_assert_true(osh_virtual_reply_respond(world->reply, 503, "text/plain", osh_span("none")));
}

static const struct {
    const char *name;
    gboolean goes_on;
    VirtualAct in_failed;
    const char *seen;
    const char *answer;
} ends[] = {
    {"all have failed", TRUE, NULL, "failed 0\nfailed 1\nclose\n", "HTTP/1.1 502 Bad Gateway"},
    {"the plugin gives up", FALSE, NULL, "failed 0\nclose\n", "HTTP/1.1 502 Bad Gateway"},
    {"the plugin answers", FALSE, answer_itself, "failed 0\nclose\n",
     "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: "
     "4\r\n\r\nnone"},
};

static void
test_no_destination_answers(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autofree char *seen = g_strconcat(ASKED, ends[row].seen, NULL);
    VirtualWorld world;

    forward_world(&world);
    world.goes_on = ends[row].goes_on;
    world.in_failed = ends[row].in_failed;
    add("127.0.0.1", 1, NULL);
    add("127.0.0.1", 2, NULL);
    begin(&world, "/a?b");
    virtual_expect(&world, ends[row].answer);
    virtual_expect_seen(&world, seen);
    virtual_world_close(&world);
}

static void
forward_to_the_other(VirtualWorld *world)
{
    n_destinations = 0;
    add(OSH_FIXTURE_OTHER, world->l7.port, NULL);
    world->in_failed = NULL;
    forward_again(world);
    g_assert_false(world->refused);
}

static void
test_plugin_forwards_once_more(void)
{
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add("127.0.0.1", 1, NULL);
    world.goes_on = FALSE;
    world.in_failed = forward_to_the_other;
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_send(upstream, "HTTP/1.1 304 Not Modified\r\n\r\n");
    virtual_expect(&world, "HTTP/1.1 304 Not Modified\r\n\r\n");
    close(upstream);
    virtual_world_close(&world);
}

static void
end_in_words(VirtualWorld *world)
{
    g_assert_true(osh_virtual_reply_respond_body(world->reply, osh_span("sorry"), TRUE));
}

static void
test_answer_that_breaks_off(gconstpointer data)
{
    gboolean has_words = data != NULL;
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    world.in_aborted = has_words ? end_in_words : NULL;
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    virtual_expect(&world, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    close(upstream);
    if (has_words)
        virtual_expect(&world, "5\r\nsorry\r\n0\r\n\r\n");
    else
        virtual_expect_seen(&world, ASKED "answer 200\naborted\nclose\n");
    g_assert_false(osh_fixture_pending(world.l7.server));
    l7_assert_says(&world.l7, OSH_FIXTURE_FAILED, "cut short");
    virtual_world_close(&world);
}

static void
test_server_that_stops_in_the_middle_is_given_up(void)
{
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    virtual_expect(&world, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    osh_fixture_advance(world.fixture, 2900 * G_TIME_SPAN_MILLISECOND);
    g_assert_true(world.is_open);
    osh_fixture_send(upstream, "d");
    virtual_expect(&world, "1\r\nd\r\n");
    osh_fixture_advance(world.fixture, 2900 * G_TIME_SPAN_MILLISECOND);
    g_assert_true(world.is_open);
    osh_fixture_advance(world.fixture, 200 * G_TIME_SPAN_MILLISECOND);
    virtual_expect_seen(&world, ASKED "answer 200\naborted\nclose\n");
    g_assert_cmpint(world.error_code, ==, OSH_ERROR_TIMEOUT);
    close(upstream);
    virtual_world_close(&world);
}

#define WHOLE (32 * 1024 * 1024)

/* Returns: bytes that @fd took. */
static gsize
fill(int fd, gsize left)
{
    static const char bytes[65536];
    gsize total = 0;
    ssize_t n;

    while (total < left &&
           (n = send(fd, bytes, MIN(sizeof bytes, left - total), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        total += (gsize)n;
    return total;
}

static void
test_slow_client_holds_up_the_server(void)
{
    VirtualWorld world;
    int upstream;
    gsize sent = 0;
    gsize before = 1;
    gsize got = 0;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    virtual_world_open(&world);
    l7_small_buffers(world.client);
    virtual_ask(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    osh_fixture_send(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n");
    while (sent != before) {
        before = sent;
        sent += fill(upstream, WHOLE - sent);
        osh_fixture_settle(world.fixture);
    }
    g_assert_cmpuint(sent, <, WHOLE);
    /* Nobody waits for the server meanwhile. */
    osh_fixture_advance(world.fixture, LONG_AGO);
    g_assert_true(world.is_open);
    while (got < WHOLE) {
        static char bytes[65536];
        ssize_t n = recv(world.client, bytes, sizeof bytes, MSG_DONTWAIT);

        got += n > 0 ? (gsize)n : 0;
        sent += fill(upstream, WHOLE - sent);
        if (n < 0)
            osh_fixture_turn(world.fixture, 1);
    }
    OSH_WAIT_FOR(world.fixture, !world.is_open);
    close(upstream);
    virtual_world_close(&world);
}

/* --- Gone in the middle ------------------------------------------------------------------------
 */

static void
stop_before_it_begins(VirtualWorld *world)
{
    OSH_WAIT_FOR(world->fixture, world->is_open);
}

static void
stop_at_the_look_up(VirtualWorld *world)
{
    world->fixture->worker_hangs = TRUE;
    destinations[0].host = "one.test";
    OSH_WAIT_FOR(world->fixture, world->fixture->jobs.length > 0);
}

static void
stop_at_the_head(VirtualWorld *world)
{
    int upstream = osh_fixture_accept(world->fixture, world->l7.server);

    osh_fixture_settle(world->fixture);
    close(upstream);
}

static const struct {
    const char *name;
    VirtualAct until;
} moments[] = {
    {"before it begins", stop_before_it_begins},
    {"at the look-up", stop_at_the_look_up},
    {"at the head", stop_at_the_head},
};

static void
test_client_goes_away(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    VirtualWorld world;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    if (moments[row].until == stop_at_the_look_up)
        destinations[0].host = "one.test";
    begin(&world, "/a?b");
    moments[row].until(&world);
    osh_fixture_reset(world.client);
    world.client = -1;
    OSH_WAIT_FOR(world.fixture, !world.is_open);
    virtual_world_close(&world);
}

/* --- What may not be ---------------------------------------------------------------------------
 */

static void
expect_refused(VirtualWorld *world, const OshVirtualForward *forward)
{
    g_assert_false(osh_virtual_reply_forward(world->reply, forward));
}

static void
forward_badly(VirtualWorld *world)
{
    const OshVirtualDestination good = {OSH_FIXTURE_OTHER, 80, FALSE, "/"};
    const OshVirtualForward base = {
        .struct_size = sizeof base,
        .destinations = &good,
        .n_destinations = 1,
        .method = "GET",
    };
    static const OshVirtualDestination bad[] = {
        {NULL, 80, FALSE, "/"},        {"a b", 80, FALSE, "/"},   {"a", 0, FALSE, "/"},
        {"a", 65536, FALSE, "/"},      {"a", 80, FALSE, "b"},     {"a", 80, FALSE, "/b c"},
        {"a", 80, FALSE, "/\r\nX: y"}, {"127.1", 80, FALSE, "/"}, {"a", 80, FALSE, ""},
    };
    static const OshHttpField bad_fields[] = {
        {OSH_SPAN_INIT("Host"), OSH_SPAN_INIT("a")},
        {OSH_SPAN_INIT("Content-Length"), OSH_SPAN_INIT("1")},
        {OSH_SPAN_INIT("a:b"), OSH_SPAN_INIT("c")},
        {OSH_SPAN_INIT("a"), OSH_SPAN_INIT("b\nc")},
    };
    static const OshVirtualSlot bad_slots[] = {
        {NULL, "a", OSH_SLOT_HEADER},         {"a", NULL, OSH_SLOT_HEADER},
        {"a b", "c", OSH_SLOT_HEADER},        {"host", "c", OSH_SLOT_HEADER},
        {"Connection", "c", OSH_SLOT_HEADER}, {"a", "b", OSH_SLOT_JSON},
    };
    OshVirtualForward forward = base;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        forward.destinations = &bad[i];
        expect_refused(world, &forward);
    }
    forward = base;
    forward.n_fields = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(bad_fields); i++) {
        forward.fields = &bad_fields[i];
        expect_refused(world, &forward);
    }
    forward = base;
    forward.n_slots = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(bad_slots); i++) {
        forward.slots = &bad_slots[i];
        expect_refused(world, &forward);
    }
    forward = base;
    forward.method = "G T";
    expect_refused(world, &forward);
    forward = base;
    forward.n_destinations = 0;
    expect_refused(world, &forward);
    forward.n_destinations = 17;
    expect_refused(world, &forward);
    forward = base;
    forward.idle_timeout = -1;
    expect_refused(world, &forward);
    forward = base;
    forward.struct_size = 8;
    expect_refused(world, &forward);
    answer_itself(world);
    expect_refused(world, &base);
}

static void
test_malformed_forward_is_refused(void)
{
    VirtualWorld world;

    forward_world(&world);
    world.body_ended = forward_badly;
    begin(&world, "/a?b");
    virtual_expect(&world, "HTTP/1.1 503 Service Unavailable\r\n");
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    virtual_world_close(&world);
}

static void
test_nothing_is_dialled_that_cannot_be_recorded(void)
{
    VirtualWorld world;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    destinations[0].path = "/first";
    world.fixture->room = 2;
    begin(&world, "/a?b");
    OSH_WAIT_FOR(world.fixture, world.is_open);
    osh_fixture_settle(world.fixture);
    g_assert_false(osh_fixture_pending(world.l7.server));
    world.fixture->room = 1;
    osh_fixture_advance(world.fixture, 50 * G_TIME_SPAN_MILLISECOND);
    OSH_WAIT_FOR(world.fixture, osh_fixture_pending(world.l7.server));
    virtual_world_close(&world);
}

static void
test_slot_without_a_provider_or_tls_fails(void)
{
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    slot = (OshVirtualSlot){"Authorization", "Bearer x", OSH_SLOT_HEADER};
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    virtual_expect_seen(&world, ASKED "failed 0\nclose\n");
    g_assert_cmpint(world.error_code, ==, OSH_ERROR_DENIED);
    l7_assert_says(&world.l7, OSH_FIXTURE_DENIED, "no credential provider");
    /* Not a byte went out. */
    osh_fixture_expect_end(world.fixture, upstream);
    close(upstream);
    virtual_world_close(&world);
}

static void
test_tls_without_an_engine_fails(void)
{
    VirtualWorld world;
    int upstream;

    forward_world(&world);
    add(OSH_FIXTURE_OTHER, world.l7.port, NULL);
    destinations[0].tls = TRUE;
    begin(&world, "/a?b");
    upstream = osh_fixture_accept(world.fixture, world.l7.server);
    virtual_expect_seen(&world, ASKED "failed 0\nclose\n");
    g_assert_cmpint(world.error_code, ==, OSH_ERROR_UNSUPPORTED);
    close(upstream);
    virtual_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *path =
            g_strdup_printf("/virtual-host/forward/next-when-one/%s", failures[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_destination_fails);
    }
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *path = g_strdup_printf("/virtual-host/forward/when/%s", ends[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_no_destination_answers);
    }
    for (guint i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autofree char *path =
            g_strdup_printf("/virtual-host/forward/client-goes-away/%s", moments[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_client_goes_away);
    }
    g_test_add_data_func("/virtual-host/forward/answer-that-breaks-off-looks-so", NULL,
                         test_answer_that_breaks_off);
    g_test_add_data_func("/virtual-host/forward/answer-that-breaks-off-ends-in-words", "words",
                         test_answer_that_breaks_off);
#define ADD(name, function) g_test_add_func("/virtual-host/forward/" name, function)
    ADD("destination-gets-a-request-of-ours", test_destination_gets_a_request_of_ours);
    ADD("events-have-the-number-of-the-connection", test_events_have_the_number_of_the_connection);
    ADD("body-goes-to-each-destination", test_body_goes_to_each_destination_that_is_tried);
    ADD("unreachable-ones-are-passed-over", test_unreachable_destinations_are_passed_over);
    ADD("name-is-looked-up-and-checked", test_name_is_looked_up_and_each_address_checked);
    ADD("plugin-forwards-once-more", test_plugin_forwards_once_more);
    ADD("server-that-stops-is-given-up", test_server_that_stops_in_the_middle_is_given_up);
    ADD("slow-client-holds-up-the-server", test_slow_client_holds_up_the_server);
    ADD("malformed-one-is-refused", test_malformed_forward_is_refused);
    ADD("nothing-unrecorded-is-dialled", test_nothing_is_dialled_that_cannot_be_recorded);
    ADD("slot-without-a-provider-fails", test_slot_without_a_provider_or_tls_fails);
    ADD("tls-without-an-engine-fails", test_tls_without_an_engine_fails);
    return g_test_run();
}
