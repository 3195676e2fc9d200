/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of responses: what an inspector asks the policy about it, what it makes of it, and what
 * middlewares leave of that. In the
 * protocol of these tests each line of the client is a message, and each line of the server a
 * content of the response to it, up to the line "end".
 */
#include "credential-mock.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/http-upgrade.h>
#include <openshell/ext/draft/middleware.h>

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
    OshFact facts[2];
    gboolean is_not_inspected;
    OshInterface provider;
    OshPolicyMiddleware entries[2];
    OshMiddlewareOutcome deeds[2]; /* of the middlewares a and b */
    gboolean waits;                /* the first does */
    guint32 operations;
    GString *seen;
    OshMiddlewareFunc done;
    gpointer done_data;
    guint n_cancelled;
    const char *media_type; /* of the response */
    gboolean has_preflight; /* its head is asked about first */
    gboolean head_was_asked;
    gboolean asks_head;
    const char *field; /* (nullable): name of a header field of the response */
    const char *value;
    gint64 status_wanted; /* of the response; 0 for 200 */
    guint32 status_told;
    char *error;
} test;

/* --- The middlewares ---------------------------------------------------------------------------
 */

static gint64
status_in(const OshFacts *facts)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, OSH_FACT_RESPONSE_STATUS))
            return facts->facts[i].value.integer;
    return 0;
}

/* What replaces has its own name there. */
static void
middleware_evaluate(gpointer instance, const char *implementation,
                    const OshMiddlewareRequest *request, OshMiddlewareFunc done, gpointer data)
{
    g_autofree char *text = g_strdup_printf("%s said so\n", implementation);
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    OshMiddlewareOutcome outcome = test.deeds[implementation[0] - 'a'];

    (void)instance;
    g_assert_cmpstr(request->operation, ==, "http-response");
    g_assert_cmpstr(request->media_type, ==, "text/event-stream");
    g_assert_cmpint(status_in(&request->facts), ==, 200);
    g_string_append_printf(test.seen, "%s:%.*s", implementation, (int)request->content.length,
                           request->content.data);
    if (test.waits && implementation[0] == 'a') {
        test.done = done;
        test.done_data = data;
        return;
    }
    done(outcome, outcome == OSH_MIDDLEWARE_DENY ? "has_words" : NULL,
         outcome == OSH_MIDDLEWARE_REPLACE ? bytes : NULL, data);
}

static void
middleware_cancel(gpointer instance, gpointer data)
{
    (void)instance;
    g_assert_true(data == test.done_data);
    test.done = NULL;
    test.n_cancelled++;
}

static guint32
middleware_operations(gpointer instance, const char *implementation, GVariant *config)
{
    (void)instance;
    (void)implementation;
    (void)config;
    return test.operations;
}

static const OshMiddlewareInterface middleware_vtable = {
    .struct_size = sizeof(OshMiddlewareInterface),
    .evaluate = middleware_evaluate,
    .cancel = middleware_cancel,
    .operations = middleware_operations,
};

/* It was made before there were operations. */
static const OshMiddlewareInterface old_vtable = {
    .struct_size = G_STRUCT_OFFSET(OshMiddlewareInterface, operations),
    .evaluate = middleware_evaluate,
    .cancel = middleware_cancel,
    .operations = middleware_operations,
};

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

    if (find(facts, OSH_FACT_REQUEST_METHOD) == NULL || test.is_not_inspected)
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
    test.has_preflight = answer->response_preflight;
    test.status_told = answer->status;
    g_free(test.error);
    test.error = g_strdup(answer->error);
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
    static OshFact pair[2];
    static const OshFactRecord field = {pair, 2};

    test.asks_server = TRUE;
    test.asks_head = test.has_preflight && !test.head_was_asked;
    test.head_was_asked = TRUE;
    test.facts[0] = (OshFact)OSH_FACT_INTEGER_INIT(
        OSH_FACT_RESPONSE_STATUS, test.status_wanted != 0 ? test.status_wanted : 200);
    pair[0] = (OshFact)OSH_FACT_STRING_INIT("name", osh_span(test.field));
    pair[1] = (OshFact)OSH_FACT_STRING_INIT("value", osh_span(test.value));
    test.facts[1] = (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_RESPONSE_HEADERS, &field, 1);
    actions[0] = (OshL7Action){
        .type = OSH_L7_CONTENT,
        .flags = OSH_L7_PAUSES | OSH_L7_LAST,
        .message = session->message,
        .length = length,
        .u.content = {.content = ++test.n_contents,
                      .media_type = test.media_type,
                      .facts = {test.facts, test.field != NULL ? 2 : 1}},
    };
    if (test.asks_head) {
        actions[0].flags = OSH_L7_PAUSES;
        actions[0].length = 0;
    }
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
    if (test.asks_head && test.action == OSH_ACTION_ALLOW && test.limit_told > 0)
        return mark_reply(session, actions, length);
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
prepare(void)
{
    memset(&test, 0, sizeof test);
    test.seen = g_string_new(NULL);
    test.operations = OSH_MIDDLEWARE_RESPONSES;
    test.media_type = "text/event-stream";
    test.provider = (OshInterface){"mock", &middleware_vtable, NULL};
    for (guint i = 0; i < G_N_ELEMENTS(test.entries); i++) {
        static const char *const names[] = {"a", "b"};

        test.entries[i] = (OshPolicyMiddleware){
            .struct_size = sizeof(OshPolicyMiddleware),
            .name = names[i],
            .implementation = names[i],
            .fingerprint = i + 1,
        };
        test.deeds[i] = OSH_MIDDLEWARE_ALLOW;
    }
}

static void
open_prepared(L7World *world, guint outcome, guint64 limit, guint n_middlewares)
{
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
    for (guint i = 0; i < n_middlewares; i++)
        g_hash_table_insert(test.mock.providers.middlewares, (gpointer)test.entries[i].name,
                            &test.provider);
    world->fixture->policy.middlewares = test.entries;
    world->fixture->policy.n_middlewares = n_middlewares;
    l7_world_open(world);
    world->protocol.is_http = n_middlewares > 0;
    osh_fixture_send(world->client, "list\n");
    osh_fixture_expect(world->fixture, world->upstream, "list\n");
}

static void
begin_limited(L7World *world, guint outcome, guint64 limit)
{
    prepare();
    open_prepared(world, outcome, limit, 0);
}

/* With two middlewares and no inspector. */
static void
begin_middlewares(L7World *world)
{
    test.is_not_inspected = TRUE;
    open_prepared(world, OSH_RESPONSE_PASS, 0, 2);
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
    g_string_free(test.seen, TRUE);
    g_strfreev(test.words);
    g_free(test.reason);
    g_free(test.error);
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

static void
test_middlewares_see_what_the_inspector_left(void)
{
    L7World world;

    prepare();
    test.deeds[0] = OSH_MIDDLEWARE_REPLACE;
    open_prepared(&world, OSH_RESPONSE_REPLACE, 100, 2);
    g_assert_cmpuint(test.limit_told, ==, 100);
    osh_fixture_send(world.upstream, "one bad\nend\n");
    osh_fixture_expect(world.fixture, world.client, "a said so\na said so\n");
    g_assert_cmpstr(test.seen->str, ==, "a:one\nb:a said so\na:end\nb:a said so\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_RESPONSE, "'a changed it'");
    end(&world);
}

static void
test_middlewares_see_what_no_inspector_looks_into(void)
{
    L7World world;

    prepare();
    test.deeds[1] = OSH_MIDDLEWARE_REPLACE;
    begin_middlewares(&world);
    g_assert_cmpuint(test.limit_told, ==, 4 * 1024 * 1024);
    osh_fixture_send(world.upstream, "one\n");
    osh_fixture_expect(world.fixture, world.client, "b said so\n");
    test.deeds[1] = OSH_MIDDLEWARE_ALLOW;
    osh_fixture_send(world.upstream, "two\nend\n");
    osh_fixture_expect(world.fixture, world.client, "two\nend\n");
    g_assert_cmpstr(test.seen->str, ==, "a:one\nb:one\na:two\nb:two\na:end\nb:end\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    end(&world);
}

static void
test_a_response_that_a_middleware_denies_is_not_delivered(void)
{
    L7World world;

    prepare();
    test.deeds[0] = OSH_MIDDLEWARE_DENY;
    begin_middlewares(&world);
    osh_fixture_send(world.upstream, "one\n");
    osh_fixture_expect(world.fixture, world.client, "middleware a denies it (has_words)");
    g_assert_cmpuint(test.status_told, ==, 502);
    g_assert_cmpstr(test.error, ==, "response_delivery_failed");
    g_assert_cmpstr(test.seen->str, ==, "a:one\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "middleware a denies it (has_words)");
    end(&world);
}

/* The time of the second content is its own. */
static void
test_a_middleware_may_take_its_time_for_a_response_but_not_too_much(void)
{
    for (guint open = 0; open < 2; open++) {
        OshMiddlewareFunc done;
        L7World world;

        prepare();
        test.waits = TRUE;
        test.entries[0].fail_open = open != 0;
        begin_middlewares(&world);
        osh_fixture_send(world.upstream, "one\n");
        OSH_WAIT_FOR(world.fixture, test.done != NULL);
        g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 1);
        done = test.done;
        test.done = NULL;
        done(OSH_MIDDLEWARE_ALLOW, NULL, NULL, test.done_data);
        osh_fixture_expect(world.fixture, world.client, "one\n");
        osh_fixture_send(world.upstream, "end\n");
        OSH_WAIT_FOR(world.fixture, test.done != NULL);
        osh_fixture_advance(world.fixture, 510 * G_TIME_SPAN_MILLISECOND);
        osh_fixture_expect(world.fixture, world.client,
                           open != 0 ? "end\n" : "middleware a failed (timeout)");
        g_assert_cmpuint(test.n_cancelled, ==, 1);
        g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 0);
        if (open != 0)
            l7_assert_says(&world, OSH_FIXTURE_L7_RESPONSE,
                           "a failed and was passed over (timeout)");
        end(&world);
    }
}

static void
test_a_client_that_is_gone_withdraws_the_question_about_a_response(void)
{
    L7World world;

    prepare();
    test.waits = TRUE;
    begin_middlewares(&world);
    osh_fixture_send(world.upstream, "one\n");
    OSH_WAIT_FOR(world.fixture, test.done != NULL);
    osh_fixture_reset(world.client);
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_cmpuint(test.n_cancelled, ==, 1);
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 0);
    end(&world);
}

static const struct {
    const char *field;
    const char *value;
    gint64 status;
    const char *code;
} obstacles[] = {
    {"content-encoding", "gzip", 200, "encoded"},
    {"content-type", "text/plain; charset=utf-16", 200, "encoded"},
    {"cache-control", "max-age=1, No-Transform", 200, "no_transform"},
    {"content-range", "bytes 0-1/5", 206, "partial"},
};

static void
test_a_response_that_no_middleware_can_read_is_refused_or_passed_over(void)
{
    for (guint i = 0; i < 2 * G_N_ELEMENTS(obstacles); i++) {
        g_autofree char *said = NULL;
        L7World world;

        prepare();
        test.field = obstacles[i / 2].field;
        test.value = obstacles[i / 2].value;
        test.status_wanted = obstacles[i / 2].status;
        test.entries[0].allow_uninspectable = TRUE;
        test.entries[1].allow_uninspectable = i % 2 != 0;
        begin_middlewares(&world);
        osh_fixture_send(world.upstream, "end\n");
        if (i % 2 != 0) {
            said = g_strdup_printf("a was passed over (%s); b was passed over (%s)",
                                   obstacles[i / 2].code, obstacles[i / 2].code);
            osh_fixture_expect(world.fixture, world.client, "end\n");
            l7_assert_says(&world, OSH_FIXTURE_L7_RESPONSE, said);
        } else {
            said =
                g_strdup_printf("middleware b cannot read the content (%s)", obstacles[i / 2].code);
            osh_fixture_expect(world.fixture, world.client, said);
            g_assert_cmpstr(test.error, ==, "response_delivery_failed");
        }
        g_assert_cmpstr(test.seen->str, ==, "");
        end(&world);
    }
}

/* Of a stream each event is what is held. */
static void
test_a_response_that_says_it_is_too_large_is_refused_or_passed_over(void)
{
    for (guint i = 0; i < 3; i++) {
        L7World world;

        prepare();
        test.media_type = i < 2 ? "text/plain" : "text/event-stream";
        test.field = "content-length";
        test.value = "4194305";
        test.entries[0].fail_open = TRUE;
        test.entries[1].fail_open = i == 1;
        begin_middlewares(&world);
        g_assert_true(test.has_preflight);
        osh_fixture_send(world.upstream, "end\n");
        osh_fixture_expect(world.fixture, world.client,
                           i == 0 ? "middleware b cannot see content of that size (over_limit): at "
                                    "most 4194304 bytes"
                                  : "end\n");
        g_assert_cmpstr(test.seen->str, ==, i < 2 ? "" : "a:end\nb:end\n");
        if (i == 1)
            l7_assert_says(&world, OSH_FIXTURE_L7_RESPONSE,
                           "a was passed over (over_limit); b was passed over (over_limit)");
        end(&world);
    }
}

/* Nothing is held for a middleware that is not asked. */
static void
test_a_middleware_of_requests_sees_no_response(void)
{
    L7World world;

    prepare();
    test.provider.vtable = &old_vtable;
    test.operations = OSH_MIDDLEWARE_REQUESTS | OSH_MIDDLEWARE_RESPONSES;
    g_assert_cmpuint(osh_middleware_operations(&test.provider, "a", NULL), ==,
                     OSH_MIDDLEWARE_REQUESTS);
    test.provider.vtable = &middleware_vtable;
    test.operations = 0;
    begin_middlewares(&world);
    g_assert_cmpuint(test.limit_told, ==, 0);
    g_assert_cmpstr(test.seen->str, ==, "");
    end(&world);
}

/* What goes on is judged by the policy that is in force. */
static void
test_a_policy_with_other_middlewares_ends_a_response(void)
{
    for (guint changed = 0; changed < 2; changed++) {
        L7World world;

        prepare();
        begin_middlewares(&world);
        osh_fixture_send(world.upstream, "one\n");
        osh_fixture_expect(world.fixture, world.client, "one\n");
        test.entries[1].fingerprint += changed;
        world.fixture->policy.generation++;
        osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
        osh_fixture_settle(world.fixture);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED), ==, changed);
        end(&world);
    }
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
    ADD("middlewares-see-what-the-inspector-left", test_middlewares_see_what_the_inspector_left);
    ADD("middlewares-see-what-no-inspector-looks-into",
        test_middlewares_see_what_no_inspector_looks_into);
    ADD("a-response-that-a-middleware-denies-is-not-delivered",
        test_a_response_that_a_middleware_denies_is_not_delivered);
    ADD("a-middleware-may-take-its-time-for-a-response-but-not-too-much",
        test_a_middleware_may_take_its_time_for_a_response_but_not_too_much);
    ADD("a-client-that-is-gone-withdraws-the-question-about-a-response",
        test_a_client_that_is_gone_withdraws_the_question_about_a_response);
    ADD("a-response-that-no-middleware-can-read-is-refused-or-passed-over",
        test_a_response_that_no_middleware_can_read_is_refused_or_passed_over);
    ADD("a-response-that-says-it-is-too-large-is-refused-or-passed-over",
        test_a_response_that_says_it_is_too_large_is_refused_or_passed_over);
    ADD("a-middleware-of-requests-sees-no-response",
        test_a_middleware_of_requests_sees_no_response);
    ADD("a-policy-with-other-middlewares-ends-a-response",
        test_a_policy_with_other_middlewares_ends_a_response);
    return g_test_run();
}
