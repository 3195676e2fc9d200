/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that is nothing but its sessions: the helpers together, under the harness.
 *
 * Its protocol has lines that the server answers with a line. A refused one is answered in words;
 * "bye" ends the connection in words and lingers; silence of a second does so too.
 */
#include "osh-line-reader.h"
#include "osh-linger.h"
#include "osh-reply-queue.h"

#include "osh-l7-harness.h"
#include "osh-l7-plugin.h"

#define SECOND G_USEC_PER_SEC

typedef struct {
    OshL7List list;
    OshLineReader asked;
    OshLineReader answered;
    OshReplyQueue owed;
    OshOutbox words;
    OshLinger linger;
    guint64 message;
    guint64 n_messages;
    gboolean allowed;
    gboolean over;
    OshFact fact;
} Lines;

static gboolean
lines_init(Lines *self, const OshL7Connection *connection, GError **error)
{
    if (connection->port == 1) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "port 1 is not served");
        return FALSE;
    }
    self->asked = (OshLineReader)OSH_LINE_READER_INIT(64, OSH_LINE_LF);
    self->answered = (OshLineReader)OSH_LINE_READER_INIT(64, OSH_LINE_LF);
    osh_reply_queue_init(&self->owed, 3);
    return TRUE;
}

static void
lines_clear(Lines *self)
{
    osh_reply_queue_clear(&self->owed);
    osh_outbox_clear(&self->words);
}

static gsize
lines_feed_client(Lines *self, OshL7List *list)
{
    OshSpan line;
    gsize length;

    while (!self->over && osh_l7_list_has_space(list, 4)) {
        if (osh_reply_queue_is_full(&self->owed))
            return list->n;
        switch (osh_line_reader_find(&self->asked, osh_l7_list_window(list), &line, &length)) {
        case OSH_LINE_MORE:
            list->deadline = list->input->now + SECOND;
            return osh_l7_list_more(list);
        case OSH_LINE_FOUND:
            break;
        case OSH_LINE_TOO_LONG:
        case OSH_LINE_MALFORMED:
        default:
            return osh_l7_list_refuse(list, 0, "a malformed line");
        }
        if (osh_span_equal(line, "bye")) {
            osh_outbox_put(&self->words, 0, 0, osh_span("bye\n"));
            self->over = TRUE;
            break;
        }
        if (self->message == 0) {
            self->message = ++self->n_messages;
            self->fact = (OshFact)OSH_FACT_STRING_INIT("lines.line", line);
            return osh_l7_list_ask(list, self->message, &self->fact, 1);
        }
        osh_l7_list_release(list, self->message, length, self->allowed);
        if (self->allowed)
            osh_reply_queue_push_server(&self->owed, self->message);
        else
            osh_reply_queue_push_words(&self->owed, self->message, 403, osh_span("no\n"));
        self->message = 0;
        osh_line_reader_next(&self->asked);
    }
    if (!self->over)
        return list->n;
    if (!osh_linger_is_on(&self->linger)) {
        if (!osh_outbox_flush(&self->words, list, OSH_SERVER_TO_CLIENT))
            return list->n;
        osh_linger_begin(&self->linger, list->input->now, SECOND);
    }
    return osh_linger_feed(&self->linger, list);
}

static gsize
lines_feed_server(Lines *self, OshL7List *list)
{
    guint64 message;
    OshSpan line;
    gsize length;

    while (osh_reply_queue_next(&self->owed, list, &message) == OSH_REPLY_SERVER) {
        switch (osh_line_reader_find(&self->answered, osh_l7_list_window(list), &line, &length)) {
        case OSH_LINE_MORE:
            return osh_l7_list_more(list);
        case OSH_LINE_FOUND:
            break;
        case OSH_LINE_TOO_LONG:
        case OSH_LINE_MALFORMED:
        default:
            return osh_l7_list_fail(list, "a malformed reply");
        }
        osh_l7_list_pass(list, message, length);
        osh_line_reader_next(&self->answered);
        osh_reply_queue_done(&self->owed, list, 200, length);
    }
    return list->n;
}

static void
lines_answer(Lines *self, guint64 message, const OshL7Answer *answer)
{
    g_assert_cmpuint(message, ==, self->message);
    self->allowed = answer->action == OSH_ACTION_ALLOW;
}

static void
lines_expire(Lines *self, gint64 now)
{
    osh_linger_expire(&self->linger, now);
    self->over = TRUE;
}

static void
lines_terminate(Lines *self, OshL7TerminateReason reason)
{
    (void)reason;
    self->over = TRUE;
}

/* The driver gave up on the question: the message has ended. */
static void
lines_cancel(Lines *self, guint64 message)
{
    g_assert_cmpuint(message, ==, self->message);
    self->over = TRUE;
}

static OshProbe
lines_probe(OshSpan prefix)
{
    return prefix.length > 0 && prefix.data[0] == 'l' ? OSH_PROBE_YES : OSH_PROBE_NO;
}

static const char *const lines_protocols[] = {"lines", "more-lines", NULL};

OSH_L7_PLUGIN_DEFINE(Lines, "lines", .init = lines_init, .clear = lines_clear,
                     .feed_client = lines_feed_client, .feed_server = lines_feed_server,
                     .answer = lines_answer, .expire = lines_expire, .terminate = lines_terminate,
                     .cancel = lines_cancel, .probe = lines_probe, .protocols = lines_protocols)

typedef struct {
    gpointer self;
    OshInterface protocol;
    OshL7Harness *harness;
    OshL7Outcome *outcome;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(openshell_plugin_v1.create(NULL, &fixture->self, NULL));
    g_assert_false(
        openshell_plugin_v1.get_interface(fixture->self, "openshell.none/1", &fixture->protocol));
    g_assert_true(openshell_plugin_v1.get_interface(fixture->self, OSH_INTERFACE_L7_PROTOCOL,
                                                    &fixture->protocol));
    fixture->harness = osh_l7_harness_new(&fixture->protocol, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_outcome_free(fixture->outcome);
    osh_l7_harness_free(fixture->harness);
    openshell_plugin_v1.destroy(fixture->self);
}

static void
run(Fixture *fixture)
{
    fixture->outcome = osh_l7_harness_run_all(fixture->harness, 50);
    g_assert_cmpstr(fixture->outcome->violation, ==, NULL);
}

static void
test_requests_and_refusals_keep_their_order(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpstr(osh_l7_protocols(&fixture->protocol)[0], ==, "lines");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY, "lines.line",
                             "no*");
    osh_l7_harness_client(fixture->harness, "one\nno1\nno2\ntwo\nno3\nthree\n", -1);
    osh_l7_harness_server(fixture->harness, "1\n2\n3\n", -1);
    run(fixture);
    g_assert_cmpstr(fixture->outcome->released[0]->str, ==, "one\ntwo\nthree\n");
    g_assert_cmpstr(fixture->outcome->released[1]->str, ==, "1\nno\nno\n2\nno\n3\n");
    g_assert_cmpint(fixture->outcome->ended, ==, OSH_L7_ENDED_NOT);
}

static void
test_end_in_words_lingers_until_the_client_has_ended(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_client(fixture->harness, "bye\nand more", -1);
    osh_l7_harness_advance(fixture->harness, SECOND / 2);
    osh_l7_harness_client(fixture->harness, "and more", -1);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    run(fixture);
    g_assert_cmpint(fixture->outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_cmpstr(fixture->outcome->released[0]->str, ==, "");
    g_assert_cmpstr(fixture->outcome->released[1]->str, ==, "bye\n");
}

static void
test_linger_ends_by_time(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_client(fixture->harness, "bye\n", -1);
    osh_l7_harness_advance(fixture->harness, SECOND);
    run(fixture);
    g_assert_cmpint(fixture->outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_silence_and_termination_reach_the_session(Fixture *fixture, gconstpointer terminated)
{
    osh_l7_harness_client(fixture->harness, "on", -1);
    if (terminated != NULL)
        osh_l7_harness_terminate(fixture->harness, OSH_L7_TERMINATE_SHUTDOWN);
    else
        osh_l7_harness_advance(fixture->harness, SECOND);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    run(fixture);
    g_assert_cmpint(fixture->outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_everything_of_the_contract_can_be_provided(Fixture *fixture, gconstpointer data)
{
    gpointer session;
    OshL7Action actions[8];
    gint64 deadline;
    const OshL7Input input = {.struct_size = sizeof input, .window = OSH_SPAN_INIT("one\n")};

    (void)data;
    g_assert_cmpstr(osh_l7_protocols(&fixture->protocol)[1], ==, "more-lines");
    g_assert_cmpint(osh_l7_probe(&fixture->protocol, osh_span("line")), ==, OSH_PROBE_YES);
    g_assert_cmpint(osh_l7_probe(&fixture->protocol, osh_span("GET")), ==, OSH_PROBE_NO);
    session = osh_l7_open(&fixture->protocol, osh_l7_harness_connection(fixture->harness), NULL);
    g_assert_cmpuint(osh_l7_feed(&fixture->protocol, session, &input, actions, 8, &deadline), ==,
                     1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_ASK);
    g_assert_true(osh_l7_cancel(&fixture->protocol, session, 1, actions[0].message));
    osh_l7_close(&fixture->protocol, session);
}

static void
test_harness_makes_the_plugin(Fixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Harness) harness = osh_l7_harness_new_for_plugin(
        &openshell_plugin_v1, "[plugin]\nid=lines\n[protocol lines]\naction=lines.line\n"
                              "[fact lines.line]\nprotocol=lines\ntype=string\n");
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)fixture;
    (void)data;
    osh_l7_harness_client(harness, "one\n", -1);
    osh_l7_harness_server(harness, "1\n", -1);
    outcome = osh_l7_harness_run_all(harness, 3);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpstr(outcome->released[1]->str, ==, "1\n");
    g_assert_true(g_str_has_prefix(outcome->records->str, "1 allowed one "));
}

static void
test_init_that_refuses_is_told(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_connection(fixture->harness)->port = 1;
    run(fixture);
    g_assert_cmpint(fixture->outcome->ended, ==, OSH_L7_ENDED_FAILED);
    g_assert_cmpstr(fixture->outcome->reason, ==, "port 1 is not served");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(words, data, function)                                                                \
    g_test_add("/util/l7-plugin/" words, Fixture, data, set_up, function, tear_down)
    TEST("requests-and-refusals-keep-their-order", NULL,
         test_requests_and_refusals_keep_their_order);
    TEST("end-in-words-lingers-until-the-client-has-ended", NULL,
         test_end_in_words_lingers_until_the_client_has_ended);
    TEST("linger-ends-by-time", NULL, test_linger_ends_by_time);
    TEST("silence-reaches-the-session", NULL, test_silence_and_termination_reach_the_session);
    TEST("termination-reaches-the-session", "terminated",
         test_silence_and_termination_reach_the_session);
    TEST("everything-of-the-contract-can-be-provided", NULL,
         test_everything_of_the_contract_can_be_provided);
    TEST("a-harness-makes-the-plugin", NULL, test_harness_makes_the_plugin);
    TEST("init-that-refuses-is-told", NULL, test_init_that_refuses_is_told);
    return g_test_run();
}
