/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several messages of a connection, each with a question of its own: in the protocol of these tests
 * each line is taken out of the window at once, and asked about without a pause.
 */
#include "credential-mock.h"

#include <string.h>
#include <unistd.h>

#define MAX_STREAMS 4

/* Of the multiplexed protocol: a line that waits for its answer. */
typedef struct {
    guint64 message;
    char *text;
    OshFact facts[2];
    gboolean answered;
    gboolean allowed;
    OshL7SlotAnswer slot;
} Stream;

static struct {
    CredentialMock mock;
    guint n_cancelled;
    OshL7Piece pieces[2];
    Stream streams[MAX_STREAMS];
} test;

static Stream *
find_stream(guint64 message)
{
    for (guint i = 0; i < MAX_STREAMS; i++)
        if (test.streams[i].message == message)
            return &test.streams[i];
    return NULL;
}

static void
resume_stream(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    Stream *stream = find_stream(message);

    (void)session;
    (void)now;
    g_assert_nonnull(stream);
    g_assert_false(stream->answered);
    g_assert_cmpuint(answer->n_slots, ==, 1);
    stream->answered = TRUE;
    stream->allowed = answer->action == OSH_ACTION_ALLOW;
    stream->slot = answer->slots[0];
}

static gsize
send_stream(Stream *stream, OshL7Action *actions)
{
    static const OshL7Piece refused = {.type = OSH_L7_PIECE_BYTES, .bytes = OSH_SPAN_INIT("no\n")};
    gsize n = 0;

    test.pieces[0] = stream->slot.disposition == OSH_L7_REPLACED
                         ? (OshL7Piece){.type = OSH_L7_PIECE_LEASE, .lease = stream->slot.lease}
                         : l7_bytes(stream->text);
    test.pieces[1] = l7_bytes("\n");
    actions[n++] = (OshL7Action){
        .type = OSH_L7_EMIT,
        .direction = stream->allowed ? OSH_CLIENT_TO_SERVER : OSH_SERVER_TO_CLIENT,
        .message = stream->message,
        .u.send = {stream->allowed ? test.pieces : &refused, stream->allowed ? 2 : 1},
    };
    actions[n++] = (OshL7Action){.type = OSH_L7_DONE, .message = stream->message};
    stream->message = 0;
    return n;
}

/* Takes each line out of the window at once, and asks about it without a pause. */
static gsize
feed_streams(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    const char *newline = NULL;
    Stream *stream;
    gsize length;

    if (input->direction == OSH_SERVER_TO_CLIENT)
        return l7_lines_feed(world, input, actions, ret_deadline);
    for (guint i = 0; i < MAX_STREAMS; i++)
        if (test.streams[i].message != 0 && test.streams[i].answered)
            return send_stream(&test.streams[i], actions);
    if (input->window.length > 0)
        newline = memchr(input->window.data, '\n', input->window.length);
    stream = find_stream(0);
    if (newline == NULL || stream == NULL)
        return l7_more(actions);
    length = (gsize)(newline - input->window.data);
    g_free(stream->text);
    *stream = (Stream){.message = ++world->session->message,
                       .text = g_strndup(input->window.data, length)};
    stream->facts[0] =
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("SAY"));
    stream->facts[1] = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, osh_span(stream->text));
    actions[0] = (OshL7Action){
        .type = OSH_L7_SLOT,
        .message = stream->message,
        .u.slot = {.slot = 1, .context = OSH_SLOT_TEXT, .bytes = osh_span(stream->text)},
    };
    actions[1] = (OshL7Action){
        .type = OSH_L7_ASK, .message = stream->message, .u.ask.facts = {stream->facts, 2}};
    actions[2] =
        (OshL7Action){.type = OSH_L7_DROP, .message = stream->message, .length = length + 1};
    return 3;
}

static void
cancel_stream(gpointer session, gint64 now, guint64 message)
{
    Stream *stream = find_stream(message);

    (void)session;
    (void)now;
    g_assert_nonnull(stream);
    g_assert_false(stream->answered);
    stream->message = 0;
    test.n_cancelled++;
}

static void
begin(L7World *world)
{
    memset(&test, 0, sizeof test);
    l7_world_new(world);
    credential_mock_begin(&test.mock, world);
    world->feed = feed_streams;
    world->vtable.resume = resume_stream;
    world->vtable.cancel = cancel_stream;
    world->fixture->policy.credentials = TRUE;
    l7_world_open(world);
    test.mock.defers = TRUE;
}

static void
end(L7World *world)
{
    l7_assert_nowhere(world, test.mock.secret);
    l7_world_close(world);
    credential_mock_end(&test.mock);
    for (guint i = 0; i < MAX_STREAMS; i++)
        g_free(test.streams[i].text);
}

static void
test_one_message_that_waits_stalls_no_other(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "first PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_send(world.client, "second PLACEHOLDER\n");
    OSH_WAIT_FOR(world.fixture, test.mock.n_prepared == 2);
    test.mock.defers = FALSE;
    osh_fixture_send(world.client, "third PLACEHOLDER\n");
    osh_fixture_expect(world.fixture, world.upstream, "third s3cret\n");
    test.mock.error = "not this one";
    credential_mock_answer(&test.mock);
    osh_fixture_expect(world.fixture, world.client, "no\n");
    test.mock.error = NULL;
    credential_mock_answer(&test.mock);
    osh_fixture_expect(world.fixture, world.upstream, "second s3cret\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 2);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 1);
    end(&world);
}

static void
test_each_question_of_a_client_that_is_gone_is_cancelled(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "a\nb\nc\n");
    OSH_WAIT_FOR(world.fixture, test.mock.waiting.length == 3);
    osh_fixture_reset(world.client);
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_cmpuint(test.n_cancelled, ==, 3);
    g_assert_cmpuint(test.mock.n_cancelled, ==, 3);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    end(&world);
}

static void
test_each_question_has_its_own_time(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "a\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 6 * G_TIME_SPAN_SECOND);
    osh_fixture_send(world.client, "b\n");
    OSH_WAIT_FOR(world.fixture, test.mock.n_prepared == 2);
    osh_fixture_advance(world.fixture, 5 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "'a'");
    osh_fixture_advance(world.fixture, 6 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 2);
    osh_fixture_expect(world.fixture, world.client, "no\nno\n");
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/streams/" sentence, function)
    ADD("one-message-that-waits-stalls-no-other", test_one_message_that_waits_stalls_no_other);
    ADD("each-question-of-a-client-that-is-gone-is-cancelled",
        test_each_question_of_a_client_that_is_gone_is_cancelled);
    ADD("each-question-has-its-own-time", test_each_question_has_its_own_time);
    return g_test_run();
}
