/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of responses: what an inspector asks the policy about it, and what it makes of it. In the
 * protocol of these tests each line of the client is a message, and each line of the server a
 * content of the response to it, up to the line "end".
 */
#include "credential-mock.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/http-upgrade.h>

#include <string.h>
#include <unistd.h>

#define FOUND "content.word"

static struct {
    CredentialMock mock;
    OshInterface inspector;
    guint64 limit; /* of responses */
    guint outcome;
    gsize n_questions; /* instead of one for each word; or 0 */
    guint n_asked;     /* contents */
    char **words;
    GString *left; /* the words that are allowed */
    OshFact found;
    gint64 status;
    gboolean asks_server; /* the question that is open is about a response */
    guint64 n_contents;
    guint64 limit_told;
    guint32 action;
    char *reason;
    OshL7ContentAnswer answer;
    OshL7Piece piece;
    OshFact fact;
} test;

/* --- The inspector -----------------------------------------------------------------------------
 */

static gpointer
inspector_open(gpointer instance, const OshInspectionRequest *request, GError **error)
{
    (void)instance;
    (void)request;
    (void)error;
    return &test;
}

static OshInspection
inspector_feed(gpointer inspection, OshSpan bytes, gboolean last)
{
    (void)inspection;
    (void)bytes;
    return last ? OSH_INSPECTION_DONE : OSH_INSPECTION_MORE;
}

static OshFacts
inspector_facts(gpointer inspection)
{
    (void)inspection;
    test.found = (OshFact)OSH_FACT_STRING_INIT(FOUND, osh_span("list"));
    return (OshFacts){&test.found, 1};
}

static void
inspector_close(gpointer inspection)
{
    (void)inspection;
}

static guint64
inspector_limit(gpointer inspection)
{
    (void)inspection;
    return test.limit;
}

static gsize
inspector_response(gpointer inspection, const OshInspectedResponse *response)
{
    g_autofree char *text = g_strndup(response->content.data, response->content.length);

    (void)inspection;
    g_assert_cmpstr(response->media_type, ==, "text/event-stream");
    g_assert_true(response->is_event);
    g_assert_cmpuint(response->head.n_facts, ==, 1);
    test.status = response->head.facts[0].value.integer;
    test.n_asked++;
    g_strfreev(test.words);
    test.words = g_strsplit(g_strchomp(text), " ", -1);
    return test.n_questions > 0 ? test.n_questions : g_strv_length(test.words);
}

static OshFacts
inspector_question(gpointer inspection, gsize index)
{
    const OshFacts none = {NULL, 0};

    (void)inspection;
    if (g_str_equal(test.words[index], "nothing"))
        return none;
    test.found = (OshFact)OSH_FACT_STRING_INIT(FOUND, osh_span(test.words[index]));
    return (OshFacts){&test.found, 1};
}

static void
inspector_result(gpointer inspection, const gboolean *allowed, gsize n, OshResponseResult *result)
{
    (void)inspection;
    g_string_truncate(test.left, 0);
    for (gsize i = 0; i < n; i++)
        if (allowed[i])
            g_string_append_printf(test.left, "%s%s", test.left->len > 0 ? " " : "", test.words[i]);
    g_string_append_c(test.left, '\n');
    g_assert_cmpuint(result->outcome, ==, OSH_RESPONSE_REFUSE);
    result->outcome = test.outcome;
    result->content = (OshSpan){test.left->str, test.left->len};
    result->reason = "it says what it may not";
}

static const OshContentInspectorInterface inspector_vtable = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .open = inspector_open,
    .feed = inspector_feed,
    .facts = inspector_facts,
    .close = inspector_close,
    .response_limit = inspector_limit,
    .response = inspector_response,
    .response_question = inspector_question,
    .response_result = inspector_result,
};

/* --- The policy --------------------------------------------------------------------------------
 */

static const OshFact *
find(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name))
            return &facts->facts[i];
    return NULL;
}

static void
judge_words(const OshFacts *facts, OshVerdict *verdict)
{
    const OshFact *found = find(facts, FOUND);

    if (find(facts, OSH_FACT_REQUEST_METHOD) == NULL)
        return;
    if (found == NULL) {
        verdict->action = OSH_ACTION_INSPECT;
        verdict->inspector = "mock";
        verdict->inspect_limit = 100;
    } else if (g_str_has_prefix(found->value.string.data, "bad") ||
               g_str_has_prefix(found->value.string.data, "audited")) {
        verdict->action = OSH_ACTION_DENY;
        verdict->audit = found->value.string.data[0] == 'a';
    }
}

/* --- The session -------------------------------------------------------------------------------
 */

static void
resume(gpointer data, gint64 now, guint64 message, const OshL7Answer *answer)
{
    L7Session *session = ((L7World *)data)->session;

    (void)now;
    g_assert_cmpuint(message, ==, session->message);
    test.action = answer->action;
    test.limit_told = answer->response_limit;
    g_free(test.reason);
    test.reason = g_strdup(answer->reason);
    if (test.asks_server) {
        g_assert_cmpuint(answer->n_contents, ==, 1);
        g_assert_cmpuint(answer->contents[0].content, ==, test.n_contents);
        test.answer = answer->contents[0];
    } else if (answer->action != OSH_ACTION_INSPECT) {
        session->state = L7_ALLOWED;
    }
}

static gsize
feed_client(L7World *world, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;

    if (session->state == L7_NOT_ASKED) {
        l7_ask(session, actions, (OshSpan){input->window.data, length - 1});
        return 1;
    }
    if (session->state == L7_ASKED) {
        actions[0] = (OshL7Action){.type = OSH_L7_CONTENT,
                                   .flags = OSH_L7_PAUSES | OSH_L7_LAST,
                                   .message = session->message,
                                   .length = length,
                                   .u.content = {.content = 1, .media_type = ""}};
        return 1;
    }
    if (world->step > 0)
        return 0;
    world->step = 1;
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = length};
    return 1;
}

static gsize
mark_reply(const L7Session *session, OshL7Action *actions, gsize length)
{
    test.asks_server = TRUE;
    test.fact = (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_RESPONSE_STATUS, 200);
    actions[0] = (OshL7Action){
        .type = OSH_L7_CONTENT,
        .flags = OSH_L7_PAUSES | OSH_L7_LAST,
        .message = session->message,
        .length = length,
        .u.content = {.content = ++test.n_contents,
                      .media_type = "text/event-stream",
                      .facts = {&test.fact, 1}},
    };
    return 1;
}

static gsize
feed_server(L7World *world, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;
    gboolean is_end = input->window.data[0] == 'e';

    if (!test.asks_server)
        return mark_reply(session, actions, length);
    test.asks_server = FALSE;
    actions[0] = (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = length};
    if (test.action == OSH_ACTION_DENY) {
        actions[0].type = OSH_L7_DROP;
        test.piece = l7_bytes(test.reason);
        actions[1] = (OshL7Action){.type = OSH_L7_EMIT,
                                   .direction = OSH_SERVER_TO_CLIENT,
                                   .message = session->message,
                                   .u.send = {&test.piece, 1}};
        actions[2] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
        return 3;
    }
    if (test.answer.disposition == OSH_L7_REPLACED) {
        test.piece = (OshL7Piece){.type = OSH_L7_PIECE_CONTENT,
                                  .content = test.answer.handle,
                                  .length = test.answer.length};
        actions[0].type = OSH_L7_REPLACE;
        actions[0].u.send.pieces = &test.piece;
        actions[0].u.send.n_pieces = 1;
    }
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    return is_end ? 2 : 1;
}

static gsize
feed(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    const char *newline = NULL;
    gsize length;

    (void)ret_deadline;
    if (input->window.length > 0)
        newline = memchr(input->window.data, '\n', input->window.length);
    if (newline == NULL)
        return l7_more(actions);
    length = (gsize)(newline - input->window.data) + 1;
    return input->direction == OSH_CLIENT_TO_SERVER ? feed_client(world, input, actions, length)
                                                    : feed_server(world, input, actions, length);
}

static void
begin_limited(L7World *world, guint outcome, guint64 limit)
{
    memset(&test, 0, sizeof test);
    test.limit = limit;
    test.outcome = outcome;
    test.left = g_string_new(NULL);
    l7_world_new(world);
    credential_mock_begin(&test.mock, world);
    test.inspector = (OshInterface){"mock", &inspector_vtable, NULL};
    g_hash_table_insert(test.mock.providers.inspectors, (gpointer) "mock", &test.inspector);
    world->feed = feed;
    world->vtable.resume = resume;
    world->fixture->policy.judge = judge_words;
    l7_world_open(world);
    osh_fixture_send(world->client, "list\n");
    osh_fixture_expect(world->fixture, world->upstream, "list\n");
}

static void
begin(L7World *world, guint outcome)
{
    begin_limited(world, outcome, 100);
}

static void
end(L7World *world)
{
    l7_world_close(world);
    credential_mock_end(&test.mock);
    g_string_free(test.left, TRUE);
    g_strfreev(test.words);
    g_free(test.reason);
}

static void
test_what_is_not_allowed_is_taken_out(void)
{
    L7World world;

    begin(&world, OSH_RESPONSE_REPLACE);
    g_assert_cmpuint(test.limit_told, ==, 100);
    osh_fixture_send(world.upstream, "one bad two audited nothing\nbad three bad\nend\n");
    osh_fixture_expect(world.fixture, world.client, "one two audited\nthree\nend\n");
    g_assert_cmpuint(test.n_asked, ==, 3);
    g_assert_cmpint(test.status, ==, 200);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, 0);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    end(&world);
}

static void
test_a_response_may_pass_as_it_is(void)
{
    L7World world;

    begin(&world, OSH_RESPONSE_PASS);
    osh_fixture_send(world.upstream, "one bad\nend\n");
    osh_fixture_expect(world.fixture, world.client, "one bad\nend\n");
    end(&world);
}

static const struct {
    const char *line;
    guint64 limit;
    gsize n_questions;
    guint outcome;
    const char *reason;
} refusals[] = {
    {"one\n", 100, 0, OSH_RESPONSE_REFUSE, "it says what it may not"},
    {"one\n", 100, 0, 7, "it says what it may not"},
    {"one\n", 3, 0, OSH_RESPONSE_PASS, "the response is more than may be looked into"},
    {"one\n", 100, OSH_RESPONSE_QUESTIONS + 1, OSH_RESPONSE_PASS,
     "the response is more than may be looked into"},
};

static void
test_a_response_that_is_refused_is_recorded(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        L7World world;

        begin_limited(&world, refusals[i].outcome, refusals[i].limit);
        test.n_questions = refusals[i].n_questions;
        osh_fixture_send(world.upstream, refusals[i].line);
        osh_fixture_expect(world.fixture, world.client, refusals[i].reason);
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, refusals[i].reason);
        end(&world);
    }
}

/* Who does not look into responses leaves them to the session. */
static void
test_a_response_that_nobody_looks_into_may_not_be_marked(void)
{
    L7World world;

    begin_limited(&world, OSH_RESPONSE_PASS, 0);
    g_assert_cmpuint(test.limit_told, ==, 0);
    osh_fixture_send(world.upstream, "one\n");
    OSH_WAIT_FOR(world.fixture, world.fixture->warnings == 1);
    g_assert_cmpuint(test.n_asked, ==, 0);
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/responded/" sentence, function)
    ADD("what-is-not-allowed-is-taken-out", test_what_is_not_allowed_is_taken_out);
    ADD("a-response-may-pass-as-it-is", test_a_response_may_pass_as_it_is);
    ADD("a-response-that-is-refused-is-recorded", test_a_response_that_is_refused_is_recorded);
    ADD("a-response-that-nobody-looks-into-may-not-be-marked",
        test_a_response_that_nobody_looks_into_may_not_be_marked);
    return g_test_run();
}
