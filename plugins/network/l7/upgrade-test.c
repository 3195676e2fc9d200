/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one protocol to another: a plugin judges the request and the reply to it, and its session
 * goes on with what was not released. In the protocol of these tests the line "UP" asks for it, and
 * a reply of the server that begins with "101" agrees.
 */
#include "l7-fixture.h"
#include "protocols.h"

#include <openshell/ext/draft/http-upgrade.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef enum {
    AT_ONCE,
    LATER,
    REFUSED,
} Manner;

static struct {
    OshProviders providers;
    OshUpgradeProvider provider;
    OshL7ProtocolInterface next_vtable;
    OshNetworkProtocol next_protocol;
    /* The judge. */
    Manner request;
    Manner response;
    OshHttpUpgradeRequestFunc request_done;
    OshHttpUpgradeResponseFunc response_done;
    gpointer data;
    guint n_states;
    guint n_freed;
    guint n_fields;
    guint32 status;
    gboolean opens_not;
    /* The session of lines. */
    gboolean skips_judgement;
    gboolean asks_nothing;
    const char *by_name;
    guint step;
    guint n_edits;
    gboolean upgrades;
    char *error;
    char *edit;
    OshFact facts[4];
    OshFact field[2];
    OshFactRecord record;
    OshL7Piece piece;
    void (*resume)(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);
    /* The session that follows. */
    gboolean is_open;
    guint64 message;
    L7Message state;
    GString *seen[2];
} test;

/* --- Who speaks the other protocol -------------------------------------------------------------
 */

static const char *
judge_token(gpointer instance)
{
    (void)instance;
    return "mock";
}

static void
answer_request(void)
{
    static const OshL7Edit edit = {.name = "Sec-Mock", .value = "1"};
    g_autoptr(GError) error = g_error_new_literal(OSH_ERROR, OSH_ERROR_DENIED, "a bad key");

    if (test.request == REFUSED) {
        test.request_done(NULL, NULL, 0, error, test.data);
        return;
    }
    test.n_states++;
    test.request_done(&test, &edit, 1, NULL, test.data);
}

static void
judge_request(gpointer instance, const OshHttpHead *head, GVariant *options,
              OshHttpUpgradeRequestFunc done, gpointer data)
{
    (void)instance;
    (void)options;
    test.n_fields = (guint)head->n_fields;
    g_assert_cmpmem(head->method.data, head->method.length, "SAY", 3);
    g_assert_cmpuint(head->status, ==, 0);
    test.request_done = done;
    test.data = data;
    if (test.request != LATER)
        answer_request();
}

static void
answer_response(void)
{
    g_autoptr(GError) error = g_error_new_literal(OSH_ERROR, OSH_ERROR_DENIED, "a bad accept");

    test.response_done(test.response == REFUSED ? error : NULL, test.data);
}

static void
judge_response(gpointer instance, gpointer state, const OshHttpHead *head,
               OshHttpUpgradeResponseFunc done, gpointer data)
{
    (void)instance;
    g_assert_true(state == &test);
    test.status = head->status;
    test.response_done = done;
    test.data = data;
    if (test.response != LATER)
        answer_response();
}

static gpointer
judge_open(gpointer instance, gpointer state, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    g_assert_true(state == &test);
    g_assert_cmpuint(connection->window_cap[0], >=, OSH_L7_WINDOW_MIN);
    g_assert_nonnull(connection->options);
    test.n_freed++;
    if (test.opens_not) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "the test does not open it");
        return NULL;
    }
    test.is_open = TRUE;
    return &test;
}

static void
judge_state_free(gpointer instance, gpointer state)
{
    (void)instance;
    g_assert_true(state == &test);
    test.n_freed++;
}

static const OshHttpUpgradeInterface judge_vtable = {
    .struct_size = sizeof(OshHttpUpgradeInterface),
    .token = judge_token,
    .request = judge_request,
    .response = judge_response,
    .open = judge_open,
    .state_free = judge_state_free,
};

static const char *const *
next_protocols(gpointer instance)
{
    static const char *const names[] = {"next", "upgraded", NULL};

    (void)instance;
    return names;
}

static gpointer
next_open(gpointer instance, const OshL7Connection *connection, GError **error)
{
    (void)instance;
    (void)error;
    g_assert_cmpstr(connection->protocol, ==, "next");
    test.is_open = TRUE;
    return &test;
}

/* Each line of the client is a message, which goes out in brackets. */
static gsize
next_feed(gpointer session, const OshL7Input *input, OshL7Action *actions, gsize max_actions,
          gint64 *ret_deadline)
{
    const char *newline = NULL;
    gsize length;

    (void)session;
    (void)max_actions;
    (void)ret_deadline;
    if (input->n_new > 0)
        g_string_append_len(test.seen[input->direction],
                            input->window.data + input->window.length - input->n_new,
                            (gssize)input->n_new);
    if (input->window.length > 0)
        newline = memchr(input->window.data, '\n', input->window.length);
    if (newline == NULL)
        return l7_more(actions);
    length = (gsize)(newline - input->window.data) + 1;
    if (input->direction == OSH_SERVER_TO_CLIENT) {
        actions[0] = (OshL7Action){.type = OSH_L7_PASS, .length = length};
        return 1;
    }
    if (test.state == L7_NOT_ASKED) {
        test.state = L7_ASKED;
        test.facts[0] =
            (OshFact)OSH_FACT_STRING_INIT("next.line", ((OshSpan){input->window.data, length - 1}));
        actions[0] = (OshL7Action){.type = OSH_L7_ASK,
                                   .flags = OSH_L7_PAUSES,
                                   .message = ++test.message,
                                   .u.ask.facts = {test.facts, 1}};
        return 1;
    }
    actions[0] = (OshL7Action){.type = test.state == L7_ALLOWED ? OSH_L7_PASS : OSH_L7_DROP,
                               .message = test.message,
                               .length = length};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = test.message};
    test.state = L7_NOT_ASKED;
    return 2;
}

static void
next_resume(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    (void)session;
    (void)now;
    g_assert_cmpuint(message, ==, test.message);
    test.state = answer->action == OSH_ACTION_ALLOW ? L7_ALLOWED : L7_REFUSED;
}

static void
next_close(gpointer session)
{
    (void)session;
    g_assert_true(test.is_open);
    test.is_open = FALSE;
}

/* --- The session before it ---------------------------------------------------------------------
 */

static void
resume_edits(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    test.n_edits = (guint)answer->n_edits;
    test.upgrades = answer->upgrades;
    g_free(test.error);
    test.error = g_strdup(answer->error);
    g_free(test.edit);
    test.edit = answer->n_edits > 0
                    ? g_strdup_printf("%s=%s", answer->edits[0].name, answer->edits[0].value)
                    : NULL;
    test.resume(session, now, message, answer);
}

static void
cancel_any(gpointer session, gint64 now, guint64 message)
{
    (void)session;
    (void)now;
    (void)message;
}

static gsize
ask_for_upgrade(L7Session *session, OshL7Action *actions, OshSpan text)
{
    test.field[0] = (OshFact)OSH_FACT_STRING_INIT("name", OSH_SPAN_LITERAL("key"));
    test.field[1] = (OshFact)OSH_FACT_STRING_INIT("value", OSH_SPAN_LITERAL("hidden value"));
    test.record = (OshFactRecord){.fields = test.field, .n_fields = 2};
    l7_ask(session, actions, text);
    test.facts[0] = session->facts[0];
    test.facts[1] = session->facts[1];
    test.facts[2] =
        (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_UPGRADE, OSH_SPAN_LITERAL("mock"));
    test.facts[3] = (OshFact){.name = OSH_FACT_REQUEST_HEADERS,
                              .type = OSH_FACT_RECORDS,
                              .count = 1,
                              .value.records = &test.record};
    actions[0].u.ask.facts = (OshFacts){test.facts, test.asks_nothing ? 2 : 4};
    return 1;
}

static gsize
feed_request(L7World *world, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;

    switch (session->state) {
    case L7_NOT_ASKED:
        if (test.step == 0 && input->window.data[0] == 'U')
            return ask_for_upgrade(session, actions, (OshSpan){input->window.data, length - 1});
        break;
    case L7_ALLOWED:
        /* What follows belongs to the protocol that follows. */
        if (test.step > 0)
            return 0;
        test.step = 1;
        actions[0] =
            (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = length};
        return 1;
    case L7_ASKED:
        return 0;
    case L7_REFUSED:
        break;
    }
    return 0;
}

static gsize
upgrade(L7World *world, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;

    /* Memory that close frees. */
    g_free(session->reason);
    session->reason = g_strdup("101 in our words\n");
    session->pieces[0] = l7_bytes(session->reason);
    actions[0] = (OshL7Action){.type = OSH_L7_REPLACE,
                               .message = session->message,
                               .length = length,
                               .u.send = {session->pieces, 1}};
    actions[1] = (OshL7Action){.type = OSH_L7_UPGRADE,
                               .message = session->message,
                               .offset = length,
                               .u.upgrade.protocol = "mock"};
    return 2;
}

static gsize
feed_reply(L7World *world, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;

    if (test.step == 2 && session->state == L7_ALLOWED)
        return upgrade(world, actions, length);
    if (test.step == 2 || strncmp(input->window.data, "101", 3) != 0) {
        actions[0] = (OshL7Action){.type = OSH_L7_DROP, .length = length};
        test.piece = l7_bytes(test.step == 2 ? "502\n" : "200\n");
        actions[1] = (OshL7Action){
            .type = OSH_L7_EMIT, .direction = OSH_SERVER_TO_CLIENT, .u.send = {&test.piece, 1}};
        actions[2] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
        session->state = L7_NOT_ASKED;
        test.step = 9;
        return 3;
    }
    if (test.skips_judgement)
        return upgrade(world, actions, length);
    test.step = 2;
    session->state = L7_ASKED;
    test.facts[0] =
        (OshFact){.name = OSH_FACT_RESPONSE_STATUS, .type = OSH_FACT_INTEGER, .value.integer = 101};
    actions[0] = (OshL7Action){.type = OSH_L7_ASK,
                               .flags = OSH_L7_PAUSES,
                               .message = session->message,
                               .u.ask.facts = {test.facts, 1}};
    return 1;
}

static gsize
feed_upgrade(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    const char *newline = NULL;
    gsize length;

    if (input->window.length > 0)
        newline = memchr(input->window.data, '\n', input->window.length);
    if (newline == NULL)
        return l7_more(actions);
    length = (gsize)(newline - input->window.data) + 1;
    if (test.by_name != NULL) {
        actions[0] = (OshL7Action){.type = OSH_L7_UPGRADE, .u.upgrade.protocol = test.by_name};
        return 1;
    }
    if (input->direction == OSH_SERVER_TO_CLIENT)
        return feed_reply(world, input, actions, length);
    if (world->session->state == L7_REFUSED)
        return l7_lines_feed(world, input, actions, ret_deadline);
    return feed_request(world, input, actions, length);
}

static void
begin_endpoint(L7World *world, const char *protocol)
{
    memset(&test, 0, sizeof test);
    for (guint i = 0; i < 2; i++)
        test.seen[i] = g_string_new(NULL);
    l7_world_new(world);
    test.next_vtable = (OshL7ProtocolInterface){
        .struct_size = sizeof(OshL7ProtocolInterface),
        .protocols = next_protocols,
        .open = next_open,
        .feed = next_feed,
        .resume = next_resume,
        .close = next_close,
    };
    test.provider.upgrade = (OshInterface){"next-plugin", &judge_vtable, &test};
    test.provider.protocol = (OshInterface){"next-plugin", &test.next_vtable, &test};
    test.next_protocol.interface = test.provider.protocol;
    /* The endpoint's protocol begins with the one that is upgraded. */
    world->fixture->policy.protocol = protocol;
    g_hash_table_insert(world->fixture->network.protocols, (gpointer) "upgraded", &world->protocol);
    g_hash_table_insert(world->fixture->network.protocols, (gpointer) "next", &test.next_protocol);
    test.providers.inspectors = g_hash_table_new(g_str_hash, g_str_equal);
    test.providers.upgrades = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(test.providers.upgrades, (gpointer) "mock", &test.provider);
    world->fixture->network.providers = &test.providers;
    world->feed = feed_upgrade;
    test.resume = world->vtable.resume;
    world->vtable.resume = resume_edits;
    world->vtable.cancel = cancel_any;
    l7_world_open(world);
}

static void
begin(L7World *world)
{
    begin_endpoint(world, "upgraded");
}

static void
end(L7World *world)
{
    l7_world_close(world);
    g_assert_false(test.is_open);
    g_assert_cmpuint(test.n_freed, ==, test.n_states);
    g_hash_table_unref(test.providers.inspectors);
    g_hash_table_unref(test.providers.upgrades);
    for (guint i = 0; i < 2; i++)
        g_string_free(test.seen[i], TRUE);
    g_free(test.edit);
    g_free(test.error);
}

/* Returns: number of the message of the newest event of @topic. */
static guint64
message_of(const L7World *world, OshTopic topic)
{
    g_autofree char *text = osh_fixture_text(osh_fixture_last(world->fixture, topic), 1);

    return g_ascii_strtoull(strrchr(text, ' ') != NULL ? strrchr(text, ' ') + 1 : text, NULL, 10);
}

static void
test_what_was_agreed_to_goes_on_as_another_protocol(void)
{
    for (guint later = 0; later < 2; later++) {
        L7World world;

        begin(&world);
        test.request = test.response = later ? LATER : AT_ONCE;
        osh_fixture_send(world.client, "UP\nearly\n");
        OSH_WAIT_FOR(world.fixture, test.request_done != NULL);
        g_assert_cmpuint(test.n_fields, ==, 1);
        if (later) {
            osh_fixture_settle(world.fixture);
            g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
            answer_request();
        }
        osh_fixture_expect(world.fixture, world.upstream, "UP\n");
        g_assert_cmpstr(test.edit, ==, "Sec-Mock=1");
        g_assert_true(test.upgrades);
        osh_fixture_send(world.upstream, "101 yes\nglued\npart");
        OSH_WAIT_FOR(world.fixture, test.response_done != NULL);
        g_assert_cmpuint(test.status, ==, 101);
        if (later)
            answer_response();
        osh_fixture_expect(world.fixture, world.client, "101 in our words\nglued\n");
        osh_fixture_expect(world.fixture, world.upstream, "early\n");
        /* Both windows were handed over from the first byte that was not released. */
        g_assert_cmpstr(test.seen[OSH_CLIENT_TO_SERVER]->str, ==, "early\n");
        g_assert_cmpstr(test.seen[OSH_SERVER_TO_CLIENT]->str, ==, "glued\npart");
        g_assert_cmpuint(world.n_closed, ==, 1);
        /* Numbers of messages do not repeat in a connection. */
        g_assert_cmpuint(message_of(&world, OSH_FIXTURE_L7_ALLOWED), ==, 2);
        world.fixture->policy.action = OSH_ACTION_DENY;
        osh_fixture_send(world.client, "no more\n");
        OSH_WAIT_FOR(world.fixture, osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED) == 1);
        g_assert_cmpuint(message_of(&world, OSH_FIXTURE_L7_DENIED), ==, 3);
        g_assert_cmpuint(test.n_freed, ==, 1);
        end(&world);
    }
}

static void
test_a_request_that_is_malformed_is_refused(void)
{
    L7World world;

    begin(&world);
    test.request = REFUSED;
    osh_fixture_send(world.client, "UP\n");
    osh_fixture_expect(world.fixture, world.client, "no: a bad key\n");
    g_assert_cmpuint(test.n_edits, ==, 0);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "a bad key");
    end(&world);
}

static void
test_a_request_that_the_policy_refuses_frees_its_state(void)
{
    L7World world;

    begin(&world);
    osh_fixture_settle(world.fixture);
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_send(world.client, "UP\n");
    osh_fixture_expect(world.fixture, world.client, "no: the test denies it\n");
    g_assert_cmpuint(test.n_freed, ==, 1);
    g_assert_cmpuint(test.n_edits, ==, 0);
    end(&world);
}

static void
begin_asked(L7World *world)
{
    begin(world);
    osh_fixture_send(world->client, "UP\n");
    osh_fixture_expect(world->fixture, world->upstream, "UP\n");
}

static void
test_a_reply_that_is_malformed_is_not_forwarded(void)
{
    L7World world;

    begin_asked(&world);
    test.response = REFUSED;
    osh_fixture_send(world.upstream, "101 maybe\n");
    osh_fixture_expect(world.fixture, world.client, "502\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "a bad accept");
    g_assert_cmpuint(test.n_freed, ==, 1);
    end(&world);
}

static void
test_another_reply_frees_the_state(void)
{
    L7World world;

    begin_asked(&world);
    osh_fixture_send(world.upstream, "200 no\n");
    osh_fixture_expect(world.fixture, world.client, "200\n");
    g_assert_cmpuint(test.n_freed, ==, 1);
    end(&world);
}

/* The server says yes, and the connection ends for @text. */
static void
expect_no_upgrade(gboolean *knob, const char *text)
{
    g_autofree char *got = NULL;
    int error_number;
    L7World world;

    begin_asked(&world);
    *knob = TRUE;
    osh_fixture_send(world.upstream, "101 yes\n");
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, text);
    end(&world);
}

static void
test_an_upgrade_without_agreement_ends_the_connection(void)
{
    expect_no_upgrade(&test.skips_judgement, "no plugin has agreed to the upgrade");
}

static void
test_an_upgrade_that_does_not_open_is_a_failure(void)
{
    expect_no_upgrade(&test.opens_not, "the test does not open it");
}

/* The message ends while its request is judged; the answer comes all the same, and finds nobody. */
static void
test_a_late_answer_finds_nobody(void)
{
    for (guint how = 0; how < 3; how++) {
        L7World world;

        begin(&world);
        test.request = LATER;
        osh_fixture_send(world.client, "UP\n");
        OSH_WAIT_FOR(world.fixture, test.request_done != NULL);
        if (how == 0) {
            osh_fixture_reset(world.client);
            world.client = -1;
            osh_fixture_expect_reset(world.fixture, world.upstream);
        } else if (how == 1) {
            osh_fixture_stop(world.fixture);
        } else {
            osh_fixture_advance(world.fixture, 11 * G_TIME_SPAN_SECOND);
            osh_fixture_expect(world.fixture, world.client, "no: no answer came in time\n");
        }
        answer_request();
        g_assert_cmpuint(test.n_states, ==, 1);
        g_assert_cmpuint(test.n_freed, ==, 1);
        end(&world);
    }
}

static void
test_a_connection_may_end_while_its_reply_is_judged(void)
{
    for (guint stops = 0; stops < 2; stops++) {
        L7World world;

        begin_asked(&world);
        test.response = LATER;
        osh_fixture_send(world.upstream, "101 yes\n");
        OSH_WAIT_FOR(world.fixture, test.response_done != NULL);
        if (stops) {
            osh_fixture_stop(world.fixture);
        } else {
            osh_fixture_reset(world.client);
            world.client = -1;
            osh_fixture_expect_reset(world.fixture, world.upstream);
        }
        /* Who was told so does not answer. */
        g_assert_cmpuint(test.n_freed, ==, 1);
        end(&world);
    }
}

static void
test_header_fields_are_in_no_event(void)
{
    L7World world;

    begin_asked(&world);
    for (guint i = 0; i < world.fixture->events->len; i++) {
        const OshFixtureEvent *event = world.fixture->events->pdata[i];
        g_autofree char *payload = g_variant_print(event->payload, FALSE);

        g_assert_null(strstr(payload, "hidden value"));
    }
    end(&world);
}

static void
test_a_protocol_may_be_named(void)
{
    L7World world;

    begin_endpoint(&world, "lines");
    test.by_name = "next";
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect(world.fixture, world.upstream, "one\n");
    g_assert_cmpstr(test.seen[OSH_CLIENT_TO_SERVER]->str, ==, "one\n");
    g_assert_true(test.is_open);
    end(&world);
}

static void
test_a_protocol_that_nobody_speaks_is_a_failure(void)
{
    L7World world;

    begin_endpoint(&world, "lines");
    test.by_name = "unknown";
    osh_fixture_send(world.client, "one\n");
    osh_fixture_expect_reset(world.fixture, world.client);
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "no plugin of this run speaks unknown");
    end(&world);
}

/* Whatever its rules say, in audit too. */
static void
test_an_endpoint_is_upgraded_to_its_own_protocol_alone(void)
{
    for (guint row = 0; row < 4; row++) {
        gboolean audit = row % 2 == 1;
        L7World world;

        begin_endpoint(&world, row < 2 ? "lines" : "upgraded");
        osh_fixture_settle(world.fixture);
        if (audit) {
            world.fixture->policy.action = OSH_ACTION_DENY;
            world.fixture->policy.audit = TRUE;
        }
        test.asks_nothing = row >= 2;
        osh_fixture_send(world.client, "UP\n");
        osh_fixture_expect(world.fixture, world.client,
                           row < 2 ? "no: the endpoint does not allow to change the protocol "
                                     "(Upgrade)\n"
                                   : "no: the endpoint requires a valid WebSocket upgrade\n");
        g_assert_cmpstr(test.error, ==, "unsupported_l7_protocol");
        g_assert_cmpuint(test.n_fields, ==, 0);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "'protocol'");
        end(&world);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/upgrade/" sentence, function)
    ADD("what-was-agreed-to-goes-on-as-another-protocol",
        test_what_was_agreed_to_goes_on_as_another_protocol);
    ADD("a-request-that-is-malformed-is-refused", test_a_request_that_is_malformed_is_refused);
    ADD("a-request-that-the-policy-refuses-frees-its-state",
        test_a_request_that_the_policy_refuses_frees_its_state);
    ADD("a-reply-that-is-malformed-is-not-forwarded",
        test_a_reply_that_is_malformed_is_not_forwarded);
    ADD("another-reply-frees-the-state", test_another_reply_frees_the_state);
    ADD("an-upgrade-without-agreement-ends-the-connection",
        test_an_upgrade_without_agreement_ends_the_connection);
    ADD("an-upgrade-that-does-not-open-is-a-failure",
        test_an_upgrade_that_does_not_open_is_a_failure);
    ADD("a-late-answer-finds-nobody", test_a_late_answer_finds_nobody);
    ADD("a-connection-may-end-while-its-reply-is-judged",
        test_a_connection_may_end_while_its_reply_is_judged);
    ADD("header-fields-are-in-no-event", test_header_fields_are_in_no_event);
    ADD("an-endpoint-is-upgraded-to-its-own-protocol-alone",
        test_an_endpoint_is_upgraded_to_its_own_protocol_alone);
    ADD("a-protocol-may-be-named", test_a_protocol_may_be_named);
    ADD("a-protocol-that-nobody-speaks-is-a-failure",
        test_a_protocol_that_nobody_speaks_is_a_failure);
    return g_test_run();
}
