/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of messages: allowed, refused, recorded; and when a session is called. */
#include "l7-fixture.h"

#include <string.h>
#include <unistd.h>

static void
test_an_allowed_message_passes_and_is_published(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    osh_fixture_send(world.upstream, "good day\n");
    osh_fixture_expect(world.fixture, world.client, "good day\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "'lines', 'SAY', 'hello'");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "'the rule'");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_RESPONSE), ==, 1);
    /* What was reserved was spent. */
    g_assert_cmpuint(world.fixture->reservations, ==, 0);
    g_assert_nonnull(strstr(world.fixture->asked->str, "request.protocol=lines"));
    g_assert_nonnull(strstr(world.fixture->asked->str, "network.host=" OSH_FIXTURE_OTHER));
    l7_world_close(&world);
}

static void
test_a_refused_message_is_published_and_nothing_of_it_leaves(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_send(world.client, "first\n");
    osh_fixture_expect(world.fixture, world.upstream, "first\n");
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_send(world.client, "second\n");
    osh_fixture_expect(world.fixture, world.client, "no: the test denies it\n");
    g_assert_cmpuint(world.session->status, ==, 403);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "'SAY', 'second'");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "'a hint'");
    world.fixture->policy.action = OSH_ACTION_ALLOW;
    osh_fixture_send(world.client, "third\n");
    osh_fixture_expect(world.fixture, world.upstream, "third\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 2);
    l7_world_close(&world);
}

/* A refused one between others, all in one segment: the others arrive in their order. */
static gsize
feed_refusing_second(L7World *world, const OshL7Input *input, OshL7Action *actions,
                     gint64 *ret_deadline)
{
    world->fixture->policy.action = input->window.length > 0 && input->window.data[0] == '-'
                                        ? OSH_ACTION_DENY
                                        : OSH_ACTION_ALLOW;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_refused_message_in_a_pipeline_leaves_the_others_alone(void)
{
    L7World world;

    l7_world_begin(&world, feed_refusing_second);
    osh_fixture_send(world.client, "one\n-two\nthree\n-four\nfive\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\nthree\nfive\n");
    osh_fixture_expect(world.fixture, world.client,
                       "no: the test denies it\nno: the test denies it\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 3);
    l7_world_close(&world);
}

static void
test_an_audited_message_passes_and_says_so(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    world.fixture->policy.action = OSH_ACTION_DENY;
    world.fixture->policy.audit = TRUE;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "the test denies it");
    l7_world_close(&world);
}

static void
give_capacity(OshFixture *fixture)
{
    OshCallback callback = fixture->on_capacity;

    fixture->room = 1;
    fixture->on_capacity = NULL;
    g_assert_nonnull(callback);
    callback(fixture->on_capacity_data);
}

static void
test_a_message_waits_for_capacity_for_its_event(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_settle(world.fixture);
    world.fixture->room = 0;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.session->answers, ==, 0);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
    give_capacity(world.fixture);
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    l7_world_close(&world);
}

static void
test_without_capacity_for_its_event_no_message_passes(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_settle(world.fixture);
    world.fixture->room = 0;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 11 * G_TIME_SPAN_SECOND);
    osh_fixture_expect(world.fixture, world.client, "no: audit-full\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "audit-full");
    world.fixture->room = 1;
    osh_fixture_send(world.client, "again\n");
    osh_fixture_expect(world.fixture, world.upstream, "again\n");
    l7_world_close(&world);
}

/* What is decided while a message waits is decided by the policy that holds when it is answered. */
static void
test_a_message_that_waits_is_decided_by_the_newest_policy(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_settle(world.fixture);
    world.fixture->room = 0;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    world.fixture->policy.action = OSH_ACTION_DENY;
    give_capacity(world.fixture);
    osh_fixture_expect(world.fixture, world.client, "no: the test denies it\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
    g_assert_cmpuint(world.fixture->reservations, ==, 0);
    l7_world_close(&world);
}

/* The reply to a line is asked about, as one that agrees to an upgrade. */
static gsize
feed_asking_twice(L7World *world, const OshL7Input *input, OshL7Action *actions,
                  gint64 *ret_deadline)
{
    L7Session *session = world->session;
    gsize n;

    if (input->direction == OSH_CLIENT_TO_SERVER) {
        n = l7_lines_feed(world, input, actions, ret_deadline);
        if (n == 2)
            session->state = L7_ALLOWED;
        return MIN(n, 1); /* no DONE yet */
    }
    if (input->window.length == 0)
        return l7_more(actions);
    if (world->step++ == 0) {
        session->message--;
        l7_ask(session, actions, input->window);
        return 1;
    }
    if (session->state == L7_REFUSED)
        session->pieces[0] = l7_bytes(session->reason);
    else
        session->pieces[0] = l7_bytes("yes\n");
    actions[0] = (OshL7Action){.type = OSH_L7_REPLACE,
                               .message = session->message,
                               .length = input->window.length,
                               .u.send = {session->pieces, 1}};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    session->state = L7_NOT_ASKED;
    return 2;
}

static void
test_a_reply_may_be_asked_about(void)
{
    for (guint refused = 0; refused < 2; refused++) {
        L7World world;

        l7_world_begin(&world, feed_asking_twice);
        osh_fixture_send(world.client, "hello\n");
        osh_fixture_expect(world.fixture, world.upstream, "hello\n");
        world.fixture->policy.action = refused ? OSH_ACTION_DENY : OSH_ACTION_ALLOW;
        osh_fixture_send(world.upstream, "agreed\n");
        osh_fixture_expect(world.fixture, world.client,
                           refused ? "no: the test denies it\n" : "yes\n");
        g_assert_cmpuint(world.session->answers, ==, 2);
        g_assert_cmpuint(world.fixture->warnings, ==, 0);
        l7_world_close(&world);
    }
}

/* The server speaks by itself. */
static gsize
feed_of_server(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;

    if (input->direction == OSH_CLIENT_TO_SERVER)
        return l7_lines_feed(world, input, actions, ret_deadline);
    if (input->window.length == 0)
        return l7_more(actions);
    if (session->state == L7_NOT_ASKED) {
        l7_ask(session, actions, input->window);
        return 1;
    }
    session->pieces[0] =
        session->state == L7_REFUSED ? l7_bytes(session->reason) : l7_bytes("heard\n");
    actions[0] = (OshL7Action){.type = OSH_L7_REPLACE,
                               .message = session->message,
                               .length = input->window.length,
                               .u.send = {session->pieces, 1}};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    session->state = L7_NOT_ASKED;
    return 2;
}

static void
test_what_a_server_says_by_itself_is_recorded_where_it_is_refused(void)
{
    for (guint refused = 0; refused < 2; refused++) {
        L7World world;

        l7_world_begin(&world, feed_of_server);
        osh_fixture_send(world.client, "hello\n");
        osh_fixture_expect(world.fixture, world.upstream, "hello\n");
        world.fixture->policy.action = refused ? OSH_ACTION_DENY : OSH_ACTION_ALLOW;
        osh_fixture_send(world.upstream, "welcome\n");
        osh_fixture_expect(world.fixture, world.client,
                           refused ? "no: the test denies it\n" : "heard\n");
        /* The client's line alone. */
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, refused);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_RESPONSE), ==, 1);
        if (refused)
            l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "welcome");
        g_assert_cmpuint(world.fixture->reservations, ==, 0);
        g_assert_cmpuint(world.fixture->warnings, ==, 0);
        l7_world_close(&world);
    }
}

/* Asks and thinks better of it. */
static gsize
feed_cancelling(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    gsize n = l7_lines_feed(world, input, actions, ret_deadline);

    if (actions[0].type != OSH_L7_ASK || world->step++ > 0)
        return n;
    actions[0].flags = 0;
    actions[1] = (OshL7Action){.type = OSH_L7_CANCEL, .message = world->session->message};
    world->session->state = L7_NOT_ASKED;
    return 2;
}

static void
test_a_question_that_was_withdrawn_has_no_answer(void)
{
    L7World world;

    l7_world_begin(&world, feed_cancelling);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    g_assert_cmpuint(world.session->message, ==, 2);
    g_assert_cmpuint(world.session->answers, ==, 1);
    /* What was withdrawn before it was answered is in no record. */
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    l7_world_close(&world);
}

static void
test_what_came_behind_the_request_head_is_fed(void)
{
    g_autofree char *head = NULL;
    L7World world;

    l7_world_new(&world);
    osh_fixture_start(world.fixture);
    world.client = osh_fixture_client(world.fixture);
    head =
        g_strdup_printf("CONNECT " OSH_FIXTURE_OTHER ":%u HTTP/1.1\r\n\r\nearly\nlat", world.port);
    osh_fixture_send(world.client, head);
    world.upstream = osh_fixture_accept(world.fixture, world.server);
    osh_fixture_expect(world.fixture, world.upstream, "early\n");
    osh_fixture_send(world.client, "e\n");
    osh_fixture_expect(world.fixture, world.upstream, "late\n");
    l7_world_close(&world);
}

static void
test_a_session_that_cannot_open_ends_the_connection(void)
{
    L7World world;

    l7_world_new(&world);
    world.refuses_to_open = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "the test does not open it");
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_world_close(&world);
}

static void
test_lines_of_a_byte_are_not_too_many_rounds(void)
{
    enum { N = 20000 };
    g_autofree char *lines = g_strnfill(N, '\n');
    L7World world;

    l7_world_begin(&world, NULL);
    world.fixture->room = 2 * N;
    osh_fixture_send(world.client, lines);
    osh_fixture_expect(world.fixture, world.upstream, lines);
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    l7_world_close(&world);
}

/* --- Refusals by the protocol itself -----------------------------------------------------------
 */

static gsize
feed_denying(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    static const OshL7Piece words = {.type = OSH_L7_PIECE_BYTES,
                                     .bytes = OSH_SPAN_INIT("bad line\n")};

    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length == 0)
        return l7_lines_feed(world, input, actions, ret_deadline);
    actions[0] = (OshL7Action){
        .type = OSH_L7_EMIT, .direction = OSH_SERVER_TO_CLIENT, .u.send = {&words, 1}};
    actions[1] = (OshL7Action){.type = OSH_L7_DENY,
                               .flags = OSH_L7_CONNECTION | (world->step ? OSH_L7_FAILURE : 0),
                               .u.deny.reason = "the line is malformed"};
    return 2;
}

static void
test_a_denial_of_the_connection_lets_its_words_out(void)
{
    L7World world;

    l7_world_begin(&world, feed_denying);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.client, "bad line\n");
    osh_fixture_expect_end(world.fixture, world.client);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "the line is malformed");
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    g_assert_null(world.session);
    osh_fixture_expect_end(world.fixture, world.upstream);
    l7_world_close(&world);
}

/* What the answers of a session said; of one test at a time. */
static struct {
    guint64 event;
    char *binary;
    GVariant *options;
    void (*resume)(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);
} heard;

static gsize
feed_denying_with_event(L7World *world, const OshL7Input *input, OshL7Action *actions,
                        gint64 *ret_deadline)
{
    gsize n = feed_denying(world, input, actions, ret_deadline);

    if (n == 2)
        actions[1].u.deny.ret_event = &heard.event;
    return n;
}

static void
test_a_refusal_says_by_which_event_it_was_recorded(void)
{
    for (guint step = 0; step < 2; step++) {
        L7World world;

        heard.event = 0;
        l7_world_begin(&world, feed_denying_with_event);
        world.step = step;
        osh_fixture_send(world.client, "hello\n");
        osh_fixture_expect(world.fixture, world.client, "bad line\n");
        g_assert_cmpuint(heard.event, !=, 0);
        l7_world_close(&world);
    }
}

static void
resume_heard(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    g_free(heard.binary);
    heard.binary = g_strdup(answer->binary);
    g_clear_pointer(&heard.options, g_variant_unref);
    heard.options = answer->options != NULL ? g_variant_ref(answer->options) : NULL;
    heard.resume(session, now, message, answer);
}

static void
test_an_answer_names_the_program_and_the_options_of_its_endpoint(void)
{
    g_autoptr(GVariant) before = NULL;
    L7World world;

    l7_world_new(&world);
    heard.resume = world.vtable.resume;
    world.vtable.resume = resume_heard;
    world.fixture->network.config.identity_required = TRUE;
    world.feed = l7_lines_feed;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    g_assert_cmpstr(heard.binary, ==, "/usr/bin/client");
    g_assert_true(g_variant_is_of_type(heard.options, G_VARIANT_TYPE_VARDICT));
    before = g_steal_pointer(&heard.options);
    osh_fixture_send(world.client, "two\n");
    osh_fixture_expect(world.fixture, world.upstream, "two\n");
    /* Nothing is made anew for the same endpoint. */
    g_assert_true(heard.options == before);
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_send(world.client, "three\n");
    osh_fixture_expect(world.fixture, world.client, "no: the test denies it\n");
    g_assert_cmpstr(heard.binary, ==, "/usr/bin/client");
    l7_world_close(&world);
    g_clear_pointer(&heard.options, g_variant_unref);
    g_clear_pointer(&heard.binary, g_free);
}

static void
test_a_fault_of_a_peer_is_no_denial(void)
{
    L7World world;

    l7_world_begin(&world, feed_denying);
    world.step = 1;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.client, "bad line\n");
    osh_fixture_expect_end(world.fixture, world.client);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "the line is malformed");
    l7_world_close(&world);
}

static void
test_a_message_that_fills_the_window_is_denied(void)
{
    g_autofree char *line = g_strnfill(40000, 'x');
    L7World world;

    l7_world_begin(&world, NULL);
    g_assert_cmpint(send(world.client, line, 40000, 0), ==, 40000);
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "larger than may be buffered");
    osh_fixture_expect_reset(world.fixture, world.upstream);
    /* The driver denies it; nobody has broken a rule. */
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    l7_world_close(&world);
}

/* --- Deadlines and wakes -----------------------------------------------------------------------
 */

/* Waits for a deadline before it answers the client. */
static gsize
feed_late(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_SERVER_TO_CLIENT || input->window.length == 0)
        return l7_lines_feed(world, input, actions, ret_deadline);
    if (world->step == 0) {
        world->step = 1;
        *ret_deadline = input->now + 5 * G_TIME_SPAN_SECOND;
    }
    if (world->n_expired == 0)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_deadline_expires_once(void)
{
    L7World world;

    l7_world_begin(&world, feed_late);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 4 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.n_expired, ==, 0);
    osh_fixture_advance(world.fixture, 2 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.n_expired, ==, 1);
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    osh_fixture_advance(world.fixture, 9 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.n_expired, ==, 1);
    l7_world_close(&world);
}

static void
test_a_session_that_cannot_be_told_its_time_is_closed(void)
{
    L7World world;

    l7_world_new(&world);
    world.feed = feed_late;
    world.vtable.expire = NULL;
    l7_world_open(&world);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 6 * G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_closed(&world, "timeout");
    l7_world_close(&world);
}

/* Returns nothing until the test says so. */
static gsize
feed_when_told(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0 && world->step == 0)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_wake_leads_to_rounds_and_never_inside_the_call(void)
{
    guint before;
    L7World world;

    l7_world_begin(&world, feed_when_told);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    before = world.n_feeds[0];
    world.step = 1;
    world.session->wake(world.session->wake_data);
    world.session->wake(world.session->wake_data);
    g_assert_cmpuint(world.n_feeds[0], ==, before);
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    l7_world_close(&world);
}

static void
test_a_wake_that_comes_too_late_finds_nothing(void)
{
    L7World world;

    l7_world_begin(&world, feed_when_told);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    world.session->wake(world.session->wake_data);
    world.fixture->policy.action = OSH_ACTION_DENY;
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_world_close(&world);
}

/* --- Reload ------------------------------------------------------------------------------------
 */

static void
test_a_reload_cuts_what_is_no_longer_allowed(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_send(world.client, "still\n");
    osh_fixture_expect(world.fixture, world.upstream, "still\n");
    world.fixture->policy.protocol = "tcp";
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_closed(&world, "policy changed");
    g_assert_cmpuint(world.n_closed, ==, 1);
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/driver/" sentence, function)
    ADD("an-allowed-message-passes-and-is-published",
        test_an_allowed_message_passes_and_is_published);
    ADD("a-refused-message-is-published-and-nothing-of-it-leaves",
        test_a_refused_message_is_published_and_nothing_of_it_leaves);
    ADD("a-refused-message-in-a-pipeline-leaves-the-others-alone",
        test_a_refused_message_in_a_pipeline_leaves_the_others_alone);
    ADD("an-audited-message-passes-and-says-so", test_an_audited_message_passes_and_says_so);
    ADD("a-message-waits-for-capacity-for-its-event",
        test_a_message_waits_for_capacity_for_its_event);
    ADD("a-message-that-waits-is-decided-by-the-newest-policy",
        test_a_message_that_waits_is_decided_by_the_newest_policy);
    ADD("without-capacity-for-its-event-no-message-passes",
        test_without_capacity_for_its_event_no_message_passes);
    ADD("a-reply-may-be-asked-about", test_a_reply_may_be_asked_about);
    ADD("what-a-server-says-by-itself-is-recorded-where-it-is-refused",
        test_what_a_server_says_by_itself_is_recorded_where_it_is_refused);
    ADD("a-question-that-was-withdrawn-has-no-answer",
        test_a_question_that_was_withdrawn_has_no_answer);
    ADD("what-came-behind-the-request-head-is-fed", test_what_came_behind_the_request_head_is_fed);
    ADD("a-session-that-cannot-open-ends-the-connection",
        test_a_session_that_cannot_open_ends_the_connection);
    ADD("lines-of-a-byte-are-not-too-many-rounds", test_lines_of_a_byte_are_not_too_many_rounds);
    ADD("a-denial-of-the-connection-lets-its-words-out",
        test_a_denial_of_the_connection_lets_its_words_out);
    ADD("a-refusal-says-by-which-event-it-was-recorded",
        test_a_refusal_says_by_which_event_it_was_recorded);
    ADD("an-answer-names-the-program-and-the-options-of-its-endpoint",
        test_an_answer_names_the_program_and_the_options_of_its_endpoint);
    ADD("a-fault-of-a-peer-is-no-denial", test_a_fault_of_a_peer_is_no_denial);
    ADD("a-message-that-fills-the-window-is-denied",
        test_a_message_that_fills_the_window_is_denied);
    ADD("a-deadline-expires-once", test_a_deadline_expires_once);
    ADD("a-session-that-cannot-be-told-its-time-is-closed",
        test_a_session_that_cannot_be_told_its_time_is_closed);
    ADD("a-wake-leads-to-rounds-and-never-inside-the-call",
        test_a_wake_leads_to_rounds_and_never_inside_the_call);
    ADD("a-wake-that-comes-too-late-finds-nothing", test_a_wake_that_comes_too_late_finds_nothing);
    ADD("a-reload-cuts-what-is-no-longer-allowed", test_a_reload_cuts_what_is_no_longer_allowed);
    return g_test_run();
}
