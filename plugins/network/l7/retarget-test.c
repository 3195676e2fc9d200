/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request inside an inspected connection that goes to another authority. The protocol of this
 * test passes what is in origin form, once it is allowed, and gives back what is in absolute form
 * when the server has answered.
 */
#include "fixture-resolver.h"
#include "l7-fixture.h"

#include <string.h>
#include <unistd.h>

#define TAIL " HTTP/1.1\r\nHost: %s\r\nVia: 1.1 openshell-sandbox\r\n\r\n"

/* Returns: where a request in absolute form begins, or the end. */
static gsize
origin_form_length(OshSpan window)
{
    for (gsize i = 0; i + 8 <= window.length; i++)
        if (memcmp(window.data + i, "GET http", 8) == 0 ||
            (i + 9 <= window.length && memcmp(window.data + i, "POST http", 9) == 0))
            return i;
    return window.length;
}

/* world->step counts answers. */
static gsize
feed_requests(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;
    gsize length = origin_form_length(input->window);

    (void)ret_deadline;
    if (input->window.length == 0)
        return l7_more(actions);
    if (input->direction == OSH_SERVER_TO_CLIENT) {
        world->step++;
        actions[0] = (OshL7Action){.type = OSH_L7_PASS, .length = input->window.length};
        actions[1].type = OSH_L7_MORE;
        return 2;
    }
    if (length == 0 && world->step == 0)
        return 0;
    if (length == 0) {
        world->step = 0;
        actions[0] = (OshL7Action){.type = OSH_L7_RETARGET,
                                   .u.retarget = {.host = "what-is-said-is-not-used", .port = 1}};
        return 1;
    }
    if (session->state == L7_NOT_ASKED) {
        l7_ask(session, actions, osh_span("request"));
        return 1;
    }
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = length};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    session->state = L7_NOT_ASKED;
    return 2;
}

static gsize
feed_breach(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    (void)world;
    (void)ret_deadline;
    if (input->window.length == 0)
        return l7_more(actions);
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = 7, .length = 1};
    return 1;
}

static void
begin(L7World *world)
{
    l7_world_new(world);
    world->feed = feed_requests;
    osh_fixture_start(world->fixture);
    world->client = osh_fixture_client(world->fixture);
}

static void
say(L7World *world, const char *method, const char *address, guint16 port, const char *path)
{
    g_autofree char *text = g_strdup_printf("%s http://%s:%u%s HTTP/1.1\r\nHost: %s:%u\r\n\r\n",
                                            method, address, port, path, address, port);

    osh_fixture_send(world->client, text);
}

static void
hears(L7World *world, int upstream, const char *line, const char *address, guint16 port)
{
    g_autofree char *host = g_strdup_printf("%s:%u", address, port);
    g_autofree char *text = g_strdup_printf("%s" TAIL, line, host);

    osh_fixture_expect(world->fixture, upstream, text);
}

static void
test_a_request_for_another_authority_is_taken_there(void)
{
    L7World world;
    guint16 port;
    int server, other;

    begin(&world);
    server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/one");
    say(&world, "GET", OSH_FIXTURE_ADDRESS, port, "/two");
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    hears(&world, world.upstream, "GET /one", OSH_FIXTURE_OTHER, world.port);
    osh_fixture_settle(world.fixture);
    g_assert_false(osh_fixture_pending(server));
    osh_fixture_send(world.upstream, "answer");
    osh_fixture_expect(world.fixture, world.client, "answer");
    other = osh_fixture_accept(world.fixture, server);
    hears(&world, other, "GET /two", OSH_FIXTURE_ADDRESS, port);
    osh_fixture_expect_end(world.fixture, world.upstream);
    g_assert_cmpuint(world.n_closed, ==, 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_ALLOWED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_CLOSED), ==, 1);
    close(other);
    close(server);
    l7_world_close(&world);
}

static void
test_a_refused_authority_is_answered(void)
{
    L7World world;

    begin(&world);
    world.fixture->policy.denied = OSH_FIXTURE_ADDRESS;
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/one");
    say(&world, "GET", OSH_FIXTURE_ADDRESS, 80, "/two");
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    hears(&world, world.upstream, "GET /one", OSH_FIXTURE_OTHER, world.port);
    osh_fixture_send(world.upstream, "answer");
    osh_fixture_expect(world.fixture, world.client, "answer");
    osh_fixture_expect_status(world.fixture, world.client, "403");
    world.client = -1;
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 1);
    l7_world_close(&world);
}

/* A session that gives back its own requests would do so for ever. */
static void
test_a_request_for_the_same_authority_is_refused(void)
{
    L7World world;

    begin(&world);
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/one");
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/two");
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    hears(&world, world.upstream, "GET /one", OSH_FIXTURE_OTHER, world.port);
    osh_fixture_send(world.upstream, "answer");
    osh_fixture_expect(world.fixture, world.client, "answer");
    osh_fixture_expect_status(world.fixture, world.client, "403");
    world.client = -1;
    l7_world_close(&world);
}

/* What was read behind the request goes with it, as much as a window holds. */
static void
test_what_follows_the_request_goes_with_it(void)
{
    L7World world;
    guint16 port;
    int server, other;
    g_autofree char *body = g_strnfill(60000, 'b');

    begin(&world);
    server = osh_fixture_serve(OSH_FIXTURE_ADDRESS, &port);
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/one");
    say(&world, "POST", OSH_FIXTURE_ADDRESS, port, "/two");
    osh_fixture_send(world.client, body);
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    hears(&world, world.upstream, "GET /one", OSH_FIXTURE_OTHER, world.port);
    osh_fixture_send(world.upstream, "answer");
    osh_fixture_expect(world.fixture, world.client, "answer");
    other = osh_fixture_accept(world.fixture, server);
    hears(&world, other, "POST /two", OSH_FIXTURE_ADDRESS, port);
    osh_fixture_expect(world.fixture, other, body);
    close(other);
    close(server);
    l7_world_close(&world);
}

/* The client of a tunnel speaks HTTP in it, and nothing of a response was sent. */
static void
test_a_breach_is_told_to_a_client_of_http(void)
{
    L7World world;

    l7_world_new(&world);
    world.host = "name.test";
    osh_fixture_resolve_to((const char *const[]){OSH_FIXTURE_OTHER, NULL});
    world.feed = feed_breach;
    l7_world_open(&world);
    osh_fixture_send(world.client, "GET / HTTP/1.1\r\n\r\n");
    osh_fixture_expect_status(world.fixture, world.client, "403");
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_cmpuint(world.fixture->warnings, ==, 1);
    l7_world_close(&world);
}

static void
test_a_session_that_is_not_opened_is_told(void)
{
    L7World world;

    begin(&world);
    world.refuses_to_open = TRUE;
    say(&world, "GET", OSH_FIXTURE_OTHER, world.port, "/");
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    osh_fixture_expect_status(world.fixture, world.client, "502");
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/retarget/" sentence, function)
    ADD("a-request-for-another-authority-is-taken-there",
        test_a_request_for_another_authority_is_taken_there);
    ADD("a-refused-authority-is-answered", test_a_refused_authority_is_answered);
    ADD("a-request-for-the-same-authority-is-refused",
        test_a_request_for_the_same_authority_is_refused);
    ADD("what-follows-the-request-goes-with-it", test_what_follows_the_request_goes_with_it);
    ADD("a-breach-is-told-to-a-client-of-http", test_a_breach_is_told_to_a_client_of_http);
    ADD("a-session-that-is-not-opened-is-told", test_a_session_that_is_not_opened_is_told);
    return g_test_run();
}
