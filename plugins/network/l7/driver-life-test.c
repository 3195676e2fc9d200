/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in the middle of an inspected connection: a new policy, another owner of the socket,
 * a session that waits for nothing. In the protocol of these tests a message is a line that may
 * have a body: "B", whose body goes up to a ".".
 */
#include "drain.h"
#include "driver-private.h"
#include "l7-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct {
    guint n_terminated;
    guint32 reason;
    gboolean says_bye;
    gboolean in_body;
    guint n_drained;
    OshL7Piece bye;
} test;

static void
terminate_session(gpointer session, gint64 now, OshL7TerminateReason reason)
{
    (void)session;
    (void)now;
    test.n_terminated++;
    test.reason = reason;
    test.says_bye = TRUE;
}

static gsize
feed_body(const L7Session *session, const OshL7Input *input, OshL7Action *actions)
{
    const char *dot;

    if (input->window.length == 0)
        return l7_more(actions);
    dot = memchr(input->window.data, '.', input->window.length);
    actions[0] = (OshL7Action){.type = OSH_L7_PASS,
                               .message = session->message,
                               .length = dot != NULL ? (gsize)(dot - input->window.data) + 1
                                                     : input->window.length};
    if (dot == NULL)
        return 1;
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    test.in_body = FALSE;
    return 2;
}

static gsize
feed_life(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    gsize n;

    if (test.says_bye && input->capacity[OSH_SERVER_TO_CLIENT] > 0) {
        test.says_bye = FALSE;
        test.bye = l7_bytes("bye\n");
        actions[0] = (OshL7Action){
            .type = OSH_L7_EMIT, .direction = OSH_SERVER_TO_CLIENT, .u.send = {&test.bye, 1}};
        return 1;
    }
    if (input->direction == OSH_CLIENT_TO_SERVER && test.in_body)
        return feed_body(world->session, input, actions);
    n = l7_lines_feed(world, input, actions, ret_deadline);
    /* DONE comes behind the body. */
    if (n == 2 && actions[0].type == OSH_L7_PASS && input->direction == OSH_CLIENT_TO_SERVER &&
        input->window.data[0] == 'B') {
        test.in_body = TRUE;
        n = 1;
    }
    return n;
}

static void
begin_with(L7World *world, gboolean can_end)
{
    memset(&test, 0, sizeof test);
    l7_world_new(world);
    world->feed = feed_life;
    if (can_end)
        world->vtable.terminate = terminate_session;
}

static void
begin(L7World *world, gboolean can_end)
{
    begin_with(world, can_end);
    l7_world_open(world);
}

static void
begin_in_body(L7World *world, gboolean can_end)
{
    begin(world, can_end);
    osh_fixture_send(world->client, "B\npart");
    osh_fixture_expect(world->fixture, world->upstream, "B\npart");
}

static void
reload(L7World *world)
{
    world->fixture->policy.generation++;
    osh_fixture_advance(world->fixture, G_TIME_SPAN_SECOND / 10);
}

static gboolean
is_of_message(const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, OSH_FACT_REQUEST_METHOD))
            return TRUE;
    return FALSE;
}

static void
deny_messages(const OshFacts *facts, OshVerdict *verdict)
{
    if (!is_of_message(facts))
        return;
    verdict->action = OSH_ACTION_DENY;
    verdict->reason = g_strdup("no messages any more");
}

static void
inspect_messages(const OshFacts *facts, OshVerdict *verdict)
{
    if (!is_of_message(facts))
        return;
    verdict->action = OSH_ACTION_INSPECT;
    verdict->inspector = "mock";
    verdict->inspect_limit = 100;
}

/* --- Reload ------------------------------------------------------------------------------------
 */

static void
test_a_message_that_stays_allowed_goes_on(void)
{
    L7World world;

    begin_in_body(&world, FALSE);
    reload(&world);
    osh_fixture_send(world.client, " and more.");
    osh_fixture_expect(world.fixture, world.upstream, " and more.");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    osh_fixture_send(world.client, "next\n");
    osh_fixture_expect(world.fixture, world.upstream, "next\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "'the rule', 2, ");
    l7_world_close(&world);
}

static void
test_a_new_middleware_refuses_a_message_that_it_has_not_seen(void)
{
    static const OshPolicyMiddleware entry = {.struct_size = sizeof(OshPolicyMiddleware),
                                              .name = "new",
                                              .implementation = "test/new",
                                              .fingerprint = 7};
    L7World world;

    begin_in_body(&world, FALSE);
    world.fixture->policy.middlewares = &entry;
    world.fixture->policy.n_middlewares = 1;
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED,
                   "the policy changed: its content would have to be inspected");
    l7_world_close(&world);
}

static void
test_a_message_that_is_refused_ends_the_connection(void)
{
    static void (*const judges[])(const OshFacts *facts, OshVerdict *verdict) = {deny_messages,
                                                                                 inspect_messages};
    static const char *const reasons[] = {"the policy changed: no messages any more",
                                          "the policy changed: its content would have to be"};

    for (guint i = 0; i < G_N_ELEMENTS(judges); i++) {
        L7World world;

        begin_in_body(&world, FALSE);
        world.fixture->policy.judge = judges[i];
        world.fixture->policy.generation++;
        osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
        osh_fixture_expect_reset(world.fixture, world.client);
        osh_fixture_expect_reset(world.fixture, world.upstream);
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, reasons[i]);
        l7_assert_closed(&world, "policy changed");
        l7_world_close(&world);
    }
}

static void
test_a_session_may_say_that_it_ends(void)
{
    L7World world;

    begin(&world, TRUE);
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    world.fixture->policy.action = OSH_ACTION_DENY;
    reload(&world);
    osh_fixture_expect(world.fixture, world.client, "bye\n");
    g_assert_cmpuint(test.n_terminated, ==, 1);
    g_assert_cmpuint(test.reason, ==, OSH_L7_TERMINATE_POLICY_CHANGED);
    /* Whatever it asks from now on is refused, as that. */
    world.fixture->policy.action = OSH_ACTION_ALLOW;
    reload(&world);
    osh_fixture_send(world.client, "two\n");
    osh_fixture_expect(world.fixture, world.client, "no: the connection is about to end\n");
    g_assert_cmpuint(test.n_terminated, ==, 1);
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_end(world.fixture, world.client);
    osh_fixture_expect_end(world.fixture, world.upstream);
    g_assert_cmpuint(world.n_closed, ==, 1);
    l7_world_close(&world);
}

static void
test_what_a_reload_cuts_does_not_look_finished(void)
{
    L7World world;

    begin_in_body(&world, TRUE);
    world.fixture->policy.judge = deny_messages;
    reload(&world);
    osh_fixture_expect(world.fixture, world.client, "bye\n");
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_closed(&world, "policy changed");
    l7_world_close(&world);
}

/* While the session says that it ends: neither a message that is refused nor a connection. */
static void
test_nothing_of_a_refused_message_goes_on(void)
{
    for (guint connection = 0; connection < 2; connection++) {
        L7World world;

        begin_in_body(&world, TRUE);
        if (connection)
            world.fixture->policy.action = OSH_ACTION_DENY;
        else
            world.fixture->policy.judge = deny_messages;
        reload(&world);
        osh_fixture_expect(world.fixture, world.client, "bye\n");
        osh_fixture_send(world.client, " and more.");
        osh_fixture_expect_reset(world.fixture, world.upstream);
        osh_fixture_expect_reset(world.fixture, world.client);
        g_assert_cmpuint(test.n_terminated, ==, 1);
        l7_assert_closed(&world, "policy changed");
        l7_world_close(&world);
    }
}

/* The upstream's descriptor is closed with the words, and may be another connection's at once. */
static void
test_a_client_that_was_told_of_a_reload_is_done(void)
{
    OshConnection *connection;
    int taken, upstream, error;
    g_autofree char *got = NULL;
    L7World world;

    begin_in_body(&world, TRUE);
    connection = osh_fixture_first(world.fixture, OSH_STEP_INSPECT);
    connection->awaits_answer = TRUE;
    upstream = connection->upstream_fd;
    world.fixture->policy.action = OSH_ACTION_DENY;
    reload(&world);
    OSH_WAIT_FOR(world.fixture, connection->upstream_fd < 0);
    taken = dup(world.server);
    g_assert_cmpint(taken, ==, upstream);
    osh_fixture_send(world.client, " and more.");
    got = osh_fixture_read_all(world.fixture, world.client, &error);
    g_assert_true(g_str_has_prefix(got, "HTTP/1.1 403 "));
    g_assert_null(strstr(got, "bye"));
    osh_fixture_expect_reset(world.fixture, world.upstream);
    close(taken);
    l7_world_close(&world);
}

/* What was released before and waits for a server that takes nothing is not sent either. */
static void
test_what_waits_of_a_refused_message_is_dropped(void)
{
    g_autofree char *bytes = g_strnfill(100000, 'x');
    g_autofree char *got = NULL;
    OshConnection *connection;
    guint64 written;
    int error;
    OshLeg *leg;
    L7World world;

    begin_in_body(&world, TRUE);
    connection = osh_fixture_first(world.fixture, OSH_STEP_INSPECT);
    l7_small_buffers(world.upstream);
    l7_small_buffers(connection->upstream_fd);
    leg = &connection->driver->sides[1].leg;
    for (guint i = 0; i < 1000 && osh_leg_left(leg) == 0; i++) {
        send(world.client, bytes, 100000, MSG_DONTWAIT);
        osh_fixture_turn(world.fixture, 1);
    }
    g_assert_cmpuint(osh_leg_left(leg), >, 0);
    world.fixture->policy.judge = deny_messages;
    written = leg->written;
    reload(&world);
    got = osh_fixture_read_all(world.fixture, world.upstream, &error);
    g_assert_cmpint(error, ==, ECONNRESET);
    g_assert_cmpuint(strlen("B\npart") + strlen(got), <=, written);
    l7_assert_closed(&world, "policy changed");
    l7_world_close(&world);
}

/* Its last words do not keep the connection, where nobody takes them. */
static void
test_a_client_that_takes_nothing_does_not_outlive_its_policy(void)
{
    g_autofree char *bytes = g_strnfill(100000, 'x');
    OshConnection *connection;
    OshLeg *leg;
    L7World world;

    begin(&world, TRUE);
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    connection = osh_fixture_first(world.fixture, OSH_STEP_INSPECT);
    l7_small_buffers(world.client);
    l7_small_buffers(connection->client_fd);
    leg = &connection->driver->sides[0].leg;
    for (guint i = 0; i < 1000 && osh_leg_left(leg) == 0; i++) {
        send(world.upstream, bytes, 100000, MSG_DONTWAIT);
        osh_fixture_turn(world.fixture, 1);
    }
    g_assert_cmpuint(osh_leg_left(leg), >, 0);
    world.fixture->policy.action = OSH_ACTION_DENY;
    reload(&world);
    g_assert_cmpuint(world.n_closed, ==, 0);
    for (guint i = 0; i < 5; i++)
        osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.n_closed, ==, 1);
    l7_assert_closed(&world, "policy changed");
    l7_world_close(&world);
}

/* --- Identity ----------------------------------------------------------------------------------
 */

static void
begin_identified(L7World *world)
{
    begin_with(world, FALSE);
    world->fixture->network.config.identity_required = TRUE;
    l7_world_open(world);
    osh_fixture_send(world->client, "one\n");
    osh_fixture_expect(world->fixture, world->upstream, "one\n");
    osh_fixture_settle(world->fixture);
    osh_fake_shard_advance(world->fixture->shard, 300 * G_TIME_SPAN_MILLISECOND);
    osh_fixture_settle(world->fixture);
    osh_fake_shard_advance(world->fixture->shard, 300 * G_TIME_SPAN_MILLISECOND);
}

static void
test_a_message_waits_for_a_fresh_reading(void)
{
    guint before;
    L7World world;

    begin_identified(&world);
    world.fixture->identity_hangs = TRUE;
    before = world.fixture->n_owners_asked;
    osh_fixture_send(world.client, "two\n");
    OSH_WAIT_FOR(world.fixture, world.fixture->questions.length > 0);
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.fixture->n_owners_asked, ==, before + 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    osh_fixture_answer_identity(world.fixture);
    osh_fixture_expect(world.fixture, world.upstream, "two\n");
    l7_world_close(&world);
}

/* A child of another executable to which a program leaves its connection. */
static void
test_a_program_that_is_allowed_too_may_own_the_socket(void)
{
    L7World world;

    begin_identified(&world);
    osh_fixture_first(world.fixture, OSH_STEP_INSPECT)->by_connect = TRUE;
    world.fixture->program = "/usr/bin/child";
    world.fixture->owners = OSH_PEER_OWNERS_SHARED;
    osh_fixture_send(world.client, "two\n");
    osh_fixture_expect(world.fixture, world.upstream, "two\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 0);
    g_assert_nonnull(strstr(world.fixture->asked->str, "/usr/bin/child"));
    /* What it is refused is refused to the connection. */
    world.fixture->program = OSH_FIXTURE_STRANGER;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND / 2);
    osh_fixture_send(world.client, "three\n");
    osh_fixture_expect_reset(world.fixture, world.client);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 2);
    l7_world_close(&world);
}

static const struct {
    const char *sentence;
    guint owners;
    const char *program;
    gboolean hangs;
} strangers[] = {
    {"another-program-has-the-socket", OSH_PEER_OWNERS_ONE, OSH_FIXTURE_STRANGER, FALSE},
    {"another-program-has-the-socket-as-is-heard-later", OSH_PEER_OWNERS_ONE, OSH_FIXTURE_STRANGER,
     TRUE},
    {"no-program-is-seen-to-have-the-socket", OSH_PEER_OWNERS_NONE, "/usr/bin/client", FALSE},
    {"it-is-uncertain-who-has-the-socket", OSH_PEER_OWNERS_UNCERTAIN, "/usr/bin/client", FALSE},
    {"it-is-uncertain-later-who-has-the-socket", OSH_PEER_OWNERS_UNCERTAIN, "/usr/bin/client",
     TRUE},
};

/* Nothing of its message leaves. */
static void
test_stranger(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autofree char *got = NULL;
    int error_number;
    L7World world;

    begin_identified(&world);
    world.fixture->owners = strangers[row].owners;
    world.fixture->program = strangers[row].program;
    world.fixture->identity_hangs = strangers[row].hangs;
    osh_fixture_send(world.client, "two\n");
    for (guint i = 0; i < 200 && world.n_closed == 0; i++) {
        osh_fixture_turn(world.fixture, 5);
        osh_fixture_answer_identity(world.fixture);
    }
    g_assert_cmpuint(world.n_closed, ==, 1);
    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpstr(got, ==, "");
    g_assert_cmpint(error_number, ==, ECONNRESET);
    osh_fixture_expect_reset(world.fixture, world.client);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_DENIED), ==, 1);
    l7_world_close(&world);
}

/* One whose requests follow each other is looked at meanwhile. */
static void
test_a_busy_connection_never_waits_for_its_owners(void)
{
    L7World world;

    begin_identified(&world);
    osh_fixture_send(world.client, "fresh\n");
    osh_fixture_expect(world.fixture, world.upstream, "fresh\n");
    for (guint i = 0; i < 40; i++) {
        guint allowed = osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED);

        world.fixture->identity_hangs = TRUE;
        osh_fixture_send(world.client, "again\n");
        OSH_WAIT_FOR(world.fixture,
                     osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED) == allowed + 1);
        osh_fixture_expect(world.fixture, world.upstream, "again\n");
        osh_fake_shard_advance(world.fixture->shard, 25 * G_TIME_SPAN_MILLISECOND);
        osh_fixture_answer_identity(world.fixture);
        world.fixture->identity_hangs = FALSE;
    }
    l7_world_close(&world);
}

/* --- What waits for nothing --------------------------------------------------------------------
 */

/* Takes one line, and then returns nothing for ever. */
static gsize
feed_stalling(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (world->step == 1 && input->direction == OSH_CLIENT_TO_SERVER)
        *ret_deadline = input->now + 1000 * G_TIME_SPAN_SECOND;
    if (world->session->answers > 0 && world->session->state == L7_NOT_ASKED)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_session_that_waits_for_nothing_is_ended(void)
{
    L7World world;

    l7_world_begin(&world, feed_stalling);
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    osh_fixture_advance(world.fixture, 29 * G_TIME_SPAN_SECOND);
    osh_fixture_send(world.client, "more\n");
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.n_closed, ==, 0);
    osh_fixture_advance(world.fixture, 2 * G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "(stall: ");
    g_assert_cmpuint(world.fixture->warnings, ==, 1);
    l7_world_close(&world);
}

static void
test_a_session_that_waits_for_its_deadline_or_a_wake_is_not(void)
{
    for (guint wakes = 0; wakes < 2; wakes++) {
        L7World world;

        l7_world_begin(&world, feed_stalling);
        world.step = !wakes;
        osh_fixture_send(world.client, "one\n");
        osh_fixture_expect(world.fixture, world.upstream, "one\n");
        if (wakes)
            world.session->wake(world.session->wake_data);
        osh_fixture_advance(world.fixture, 40 * G_TIME_SPAN_SECOND);
        osh_fixture_advance(world.fixture, 40 * G_TIME_SPAN_SECOND);
        g_assert_cmpuint(world.n_closed, ==, 0);
        g_assert_cmpuint(world.fixture->warnings, ==, 0);
        l7_world_close(&world);
    }
}

/* --- The end of the run ------------------------------------------------------------------------
 */

/* Reads one line of the client and no more, and goes on with the server. */
static gsize
feed_one(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER && world->session->answers > 0 &&
        world->session->state == L7_NOT_ASKED)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
count_drained(OshNetworkShard *part)
{
    (void)part;
    test.n_drained++;
}

static void
drain(L7World *world)
{
    OshConnection *connection = osh_fixture_first(world->fixture, OSH_STEP_INSPECT);

    OSH_WAIT_FOR(world->fixture, connection->up.hung_up);
    osh_drain(&world->fixture->part,
              osh_shard_now(&world->fixture->network.shard) + 10 * G_TIME_SPAN_SECOND,
              count_drained);
    for (guint i = 0; i < 10; i++)
        osh_fixture_turn(world->fixture, 2);
}

static void
test_who_left_before_its_answer_holds_up_nothing(void)
{
    for (guint reads = 0; reads < 2; reads++) {
        L7World world;

        begin_with(&world, FALSE);
        if (!reads)
            world.feed = feed_one;
        l7_world_open(&world);
        osh_fixture_send(world.client, "one\n");
        osh_fixture_expect(world.fixture, world.upstream, "one\n");
        shutdown(world.client, SHUT_WR);
        drain(&world);
        g_assert_cmpuint(test.n_drained, ==, 1);
        l7_world_close(&world);
    }
}

static void
test_who_left_unread_bytes_is_waited_for(void)
{
    for (guint in_window = 0; in_window < 2; in_window++) {
        L7World world;

        begin_with(&world, FALSE);
        world.feed = feed_one;
        l7_world_open(&world);
        osh_fixture_send(world.client, in_window ? "one\ntwo\n" : "one\n");
        osh_fixture_expect(world.fixture, world.upstream, "one\n");
        if (!in_window)
            osh_fixture_send(world.client, "two\n");
        shutdown(world.client, SHUT_WR);
        drain(&world);
        g_assert_cmpuint(test.n_drained, ==, 0);
        osh_fake_shard_advance(world.fixture->shard, 4 * G_TIME_SPAN_SECOND);
        for (guint i = 0; i < 10; i++)
            osh_fixture_turn(world.fixture, 2);
        /* Not for ever. */
        g_assert_cmpuint(test.n_drained, ==, 1);
        osh_fixture_expect_reset(world.fixture, world.upstream);
        l7_world_close(&world);
    }
}

/* --- Other people's protocols ------------------------------------------------------------------
 */

static void
deny_thirds(const OshFacts *facts, OshVerdict *verdict)
{
    if (!is_of_message(facts) || facts->n_facts == 0)
        return;
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, OSH_FACT_REQUEST_PATH) &&
            facts->facts[i].value.string.length > 0 &&
            facts->facts[i].value.string.data[0] == '-') {
            verdict->action = OSH_ACTION_DENY;
            verdict->reason = g_strdup("no thirds");
        }
}

static void
test_a_pipeline_with_refused_commands_in_the_middle(void)
{
    enum { N = 1000 };
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new(NULL);
    g_autoptr(GString) told = g_string_new(NULL);
    L7World world;

    for (guint i = 0; i < N; i++) {
        g_string_append_printf(sent, "%s%u\n", i % 3 == 2 ? "-" : "", i);
        if (i % 3 == 2)
            g_string_append(told, "no: no thirds\n");
        else
            g_string_append_printf(expected, "%u\n", i);
    }
    begin(&world, FALSE);
    osh_fixture_settle(world.fixture);
    world.fixture->policy.judge = deny_thirds;
    osh_fixture_send(world.client, sent->str);
    osh_fixture_expect(world.fixture, world.upstream, expected->str);
    osh_fixture_expect(world.fixture, world.client, told->str);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, N / 3);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, N - N / 3);
    l7_world_close(&world);
}

static void
test_a_large_value_passes_a_small_window(void)
{
    enum { LENGTH = 512 * 1024, SIP = 5000 };
    g_autofree char *got = g_malloc(LENGTH + 4);
    g_autofree char *value = g_malloc(LENGTH + 4);
    gint64 limit = g_get_monotonic_time() + 30 * G_TIME_SPAN_SECOND;
    OshConnection *connection;
    const OshLeg *leg;
    gsize sent = 0;
    gsize have = 0;
    L7World world;

    memcpy(value, "B\n", 2);
    for (gsize i = 2; i < LENGTH; i++)
        value[i] = (char)('a' + (i * 13 + i / 257) % 26);
    memcpy(value + LENGTH, ".x\n", 3);
    begin(&world, FALSE);
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    connection = osh_fixture_first(world.fixture, OSH_STEP_INSPECT);
    l7_small_buffers(world.upstream);
    l7_small_buffers(connection->upstream_fd);
    leg = &connection->driver->sides[1].leg;
    while (have < LENGTH + 3) {
        ssize_t n = send(world.client, value + sent, LENGTH + 3 - sent, MSG_DONTWAIT);

        sent += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world.fixture, 0);
        g_assert_cmpuint(osh_leg_left(leg), <=, OSH_DRIVER_WINDOW);
        n = recv(world.upstream, got + have, MIN(SIP, LENGTH + 3 - have), MSG_DONTWAIT);
        have += n > 0 ? (gsize)n : 0;
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
    }
    g_assert_cmpmem(got, LENGTH + 3, value, LENGTH + 3);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 3);
    l7_world_close(&world);
}

/* Each byte in a segment of its own. */
static void
test_torn_streams_are_the_same(void)
{
    const char *text = "one\nB\nbody.\n-three\n";
    L7World world;

    begin(&world, FALSE);
    for (const char *at = text; *at != '\0'; at++) {
        g_assert_cmpint(send(world.client, at, 1, 0), ==, 1);
        osh_fixture_turn(world.fixture, 1);
    }
    osh_fixture_expect(world.fixture, world.upstream, text);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 4);
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/driver-life/" sentence, function)
    ADD("a-message-that-stays-allowed-goes-on", test_a_message_that_stays_allowed_goes_on);
    ADD("a-new-middleware-refuses-a-message-that-it-has-not-seen",
        test_a_new_middleware_refuses_a_message_that_it_has_not_seen);
    ADD("a-message-that-is-refused-ends-the-connection",
        test_a_message_that_is_refused_ends_the_connection);
    ADD("a-session-may-say-that-it-ends", test_a_session_may_say_that_it_ends);
    ADD("what-a-reload-cuts-does-not-look-finished",
        test_what_a_reload_cuts_does_not_look_finished);
    ADD("nothing-of-a-refused-message-goes-on", test_nothing_of_a_refused_message_goes_on);
    ADD("a-client-that-was-told-of-a-reload-is-done",
        test_a_client_that_was_told_of_a_reload_is_done);
    ADD("what-waits-of-a-refused-message-is-dropped",
        test_what_waits_of_a_refused_message_is_dropped);
    ADD("a-client-that-takes-nothing-does-not-outlive-its-policy",
        test_a_client_that_takes_nothing_does_not_outlive_its_policy);
    ADD("a-message-waits-for-a-fresh-reading", test_a_message_waits_for_a_fresh_reading);
    ADD("a-busy-connection-never-waits-for-its-owners",
        test_a_busy_connection_never_waits_for_its_owners);
    ADD("a-program-that-is-allowed-too-may-own-the-socket",
        test_a_program_that_is_allowed_too_may_own_the_socket);
    ADD("a-session-that-waits-for-nothing-is-ended",
        test_a_session_that_waits_for_nothing_is_ended);
    ADD("a-session-that-waits-for-its-deadline-or-a-wake-is-not",
        test_a_session_that_waits_for_its_deadline_or_a_wake_is_not);
    ADD("who-left-before-its-answer-holds-up-nothing",
        test_who_left_before_its_answer_holds_up_nothing);
    ADD("who-left-unread-bytes-is-waited-for", test_who_left_unread_bytes_is_waited_for);
    ADD("a-pipeline-with-refused-commands-in-the-middle",
        test_a_pipeline_with_refused_commands_in_the_middle);
    ADD("a-large-value-passes-a-small-window", test_a_large_value_passes_a_small_window);
    ADD("torn-streams-are-the-same", test_torn_streams_are_the_same);
    for (guint i = 0; i < G_N_ELEMENTS(strangers); i++) {
        g_autofree char *path = g_strdup_printf("/network/driver-life/%s", strangers[i].sentence);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_stranger);
    }
    return g_test_run();
}
