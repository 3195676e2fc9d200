/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves, in which order, and what is held until when. */
#include "ws-fixture.h"

#include <string.h>

#define FACTS(opcode)                                                                              \
    "[request.method=WEBSOCKET_TEXT request.path=/chat request.query=[{key=room values=[1]}] "     \
    "websocket.opcode=" opcode " websocket.subprotocol=]"

#define FROM_SERVER(number, method, opcode)                                                        \
    number " allowed WEBSOCKET_SERVER_" method " /chat [request.method=WEBSOCKET_SERVER_" method   \
           " request.path=/chat request.query=[{key=room values=[1]}] websocket.opcode=" opcode    \
           " websocket.subprotocol=] done 0 0\n"

static void
assert_read(const GString *bytes, const char *expected)
{
    g_autofree char *lines = ws_fixture_read(bytes);

    g_assert_cmpstr(lines, ==, expected);
}

static void
test_each_text_is_a_message_and_leaves_as_it_came(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_frame(sent, TEXT, TRUE, "one", 3);
    ws_fixture_frame(sent, TEXT, TRUE, "", 0);
    ws_fixture_frame(sent, PING, TRUE, "p", 1);
    ws_fixture_frame(sent, TEXT, TRUE, "h\xc3\xa9", 3);
    osh_l7_harness_client(fixture->harness, sent->str, (gssize)sent->len);
    outcome = ws_fixture_run(fixture);
    g_assert_cmpmem(outcome->released[0]->str, outcome->released[0]->len, sent->str, sent->len);
    g_assert_cmpstr(
        outcome->records->str, ==,
        "1 allowed WEBSOCKET_TEXT /chat " FACTS(
            "text") " done 0 0\n"
                    "2 allowed WEBSOCKET_TEXT /chat " FACTS(
                        "text") " done 0 0\n"
                                "3 allowed WEBSOCKET_TEXT /chat " FACTS("text") " done 0 0\n");
    g_assert_cmpuint(outcome->released[1]->len, ==, 0);
}

static void
test_a_ping_overtakes_the_fragments_that_are_held(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, WS_TEXT, "one ", -1);
    ws_fixture_client(fixture, PING, "here", -1);
    ws_fixture_client(fixture, WS_CONTINUATION, "two ", -1);
    ws_fixture_client(fixture, PONG, "", -1);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "three", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "ping \"here\"\npong \"\"\ntext* \"one \"\n"
                                      "continued* \"two \"\ncontinued \"three\"\n");
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed WEBSOCKET_TEXT /chat " FACTS("text") " done 0 0\n");
}

static void
test_of_a_text_that_is_not_complete_nothing_leaves(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, WS_TEXT, "one ", -1);
    ws_fixture_client(fixture, WS_CONTINUATION, "two ", -1);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = ws_fixture_run(fixture);
    g_assert_cmpuint(outcome->released[0]->len, ==, 0);
    g_assert_cmpuint(outcome->released[1]->len, ==, 0);
    g_assert_cmpstr(outcome->records->str, ==, "");
    g_assert_true(outcome->half_closed[OSH_CLIENT_TO_SERVER]);
}

static void
test_a_text_larger_than_the_window_is_judged_as_a_whole(WsFixture *fixture, gconstpointer data)
{
    gboolean allowed = GPOINTER_TO_INT(data);
    g_autofree char *text = g_malloc(40000);
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    memset(text, 'x', 40000);
    memcpy(text + 39990, "forbidden.", 10);
    ws_fixture_frame(sent, TEXT, TRUE, text, 40000);
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness),
                             allowed ? OSH_ACTION_ALLOW : OSH_ACTION_DENY, OSH_SCRIPTED_CONTENT,
                             "*forbidden*");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_INSPECT,
                             OSH_FACT_REQUEST_METHOD, "*");
    osh_l7_harness_client(fixture->harness, sent->str, (gssize)sent->len);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    if (allowed) {
        g_assert_cmpmem(outcome->released[0]->str, outcome->released[0]->len, sent->str, sent->len);
        return;
    }
    assert_read(outcome->released[0], "close 1008 \"\"\n");
    g_assert_cmpstr(outcome->released[1]->str, !=, "");
}

static void
test_each_message_of_a_server_is_asked_about_and_leaves_as_it_came(WsFixture *fixture,
                                                                   gconstpointer data)
{
    g_autofree char *large = g_malloc0(40000);
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_frame(sent, TEXT, FALSE, "glued to the 101", 16);
    ws_fixture_frame(sent, BINARY, FALSE, large, 40000);
    ws_fixture_frame(sent, WS_TEXT, FALSE, "one", 3);
    ws_fixture_frame(sent, PING, FALSE, "p", 1);
    ws_fixture_frame(sent, FIN | WS_CONTINUATION, FALSE, "two", 3);
    ws_fixture_frame(sent, CLOSE, FALSE, "\x03\xe8", 2);
    osh_l7_harness_server(fixture->harness, sent->str, (gssize)sent->len);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpmem(outcome->released[1]->str, outcome->released[1]->len, sent->str, sent->len);
    g_assert_cmpstr(outcome->records->str, ==,
                    FROM_SERVER("1", "TEXT", "text") FROM_SERVER("2", "BINARY", "binary")
                        FROM_SERVER("3", "TEXT", "text"));
}

static void
test_compressed_texts_leave_as_they_came_in_contexts_that_slide(WsFixture *fixture,
                                                                gconstpointer data)
{
    static const char *const texts[] = {"a text that comes again and again",
                                        "a text that comes again and again, and again",
                                        "a text that comes again and again"};
    GString *sent[2] = {g_string_new(NULL), g_string_new(NULL)};
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    fixture->extensions = "permessage-deflate";
    for (guint i = 0; i < 2; i++) {
        z_stream stream;

        ws_fixture_deflater(&stream);
        for (guint k = 0; k < G_N_ELEMENTS(texts); k++) {
            g_autoptr(GByteArray) bytes = ws_fixture_deflate(&stream, texts[k], strlen(texts[k]));

            if (k > 0)
                g_assert_cmpuint(bytes->len, <, 20);
            ws_fixture_frame(sent[i], TEXT | RSV1, i == OSH_CLIENT_TO_SERVER,
                             (const char *)bytes->data, bytes->len);
        }
        deflateEnd(&stream);
    }
    osh_l7_harness_client(fixture->harness, sent[0]->str, (gssize)sent[0]->len);
    osh_l7_harness_server(fixture->harness, sent[1]->str, (gssize)sent[1]->len);
    /* What is inspected is what was compressed. */
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_ALLOW,
                             OSH_SCRIPTED_CONTENT, "a text that comes again and again*");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                             OSH_SCRIPTED_CONTENT, "*");
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_INSPECT,
                             OSH_FACT_REQUEST_METHOD, "*");
    outcome = ws_fixture_run(fixture);
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpmem(outcome->released[i]->str, outcome->released[i]->len, sent[i]->str,
                        sent[i]->len);
        g_string_free(sent[i], TRUE);
    }
}

static void
test_a_binary_message_is_asked_about_once_and_released_as_it_comes(WsFixture *fixture,
                                                                   gconstpointer data)
{
    g_autofree char *large = g_malloc0(20000);
    g_autoptr(GString) sent = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_frame(sent, WS_BINARY, TRUE, large, 20000);
    ws_fixture_frame(sent, PING, TRUE, "", 0);
    ws_fixture_frame(sent, WS_CONTINUATION, TRUE, "", 0);
    ws_fixture_frame(sent, WS_CONTINUATION, TRUE, "not the end", 11);
    osh_l7_harness_client(fixture->harness, sent->str, (gssize)sent->len);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpmem(outcome->released[0]->str, outcome->released[0]->len, sent->str, sent->len);
    g_assert_cmpstr(outcome->records->str, ==,
                    "1 allowed WEBSOCKET_TEXT /chat " FACTS("binary") "\n");
}

static void
test_a_text_that_stands_still_is_given_up(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, WS_TEXT, "one", -1);
    osh_l7_harness_advance(fixture->harness, 29 * G_TIME_SPAN_SECOND);
    ws_fixture_client(fixture, PING, "", -1);
    osh_l7_harness_advance(fixture->harness, 2 * G_TIME_SPAN_SECOND);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "two", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "ping \"\"\nclose 1002 \"\"\n");
    assert_read(outcome->released[1],
                "close 1002 \"a message took too long to arrive (event e1)\"\n");
}

static void
test_a_text_that_goes_on_and_on_is_given_up(WsFixture *fixture, gconstpointer data)
{
    gboolean in_time = GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    ws_fixture_client(fixture, WS_TEXT, "a", -1);
    for (guint i = 0; i < (in_time ? 4 : 5); i++) {
        osh_l7_harness_advance(fixture->harness, 25 * G_TIME_SPAN_SECOND);
        ws_fixture_client(fixture, WS_CONTINUATION, "a", -1);
    }
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "a", -1);
    osh_l7_harness_advance(fixture->harness, 500 * G_TIME_SPAN_SECOND);
    outcome = ws_fixture_run(fixture);
    if (in_time)
        g_assert_true(g_str_has_prefix(outcome->records->str, "1 allowed"));
    else
        g_assert_true(g_str_has_prefix(outcome->records->str, "1 denied"));
}

static void
test_half_a_frame_is_given_up_too(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, "\x81\x85" WS_FIXTURE_KEY "ab", -1);
    osh_l7_harness_advance(fixture->harness, 31 * G_TIME_SPAN_SECOND);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1002 \"\"\n");
}

static void
test_what_all_sessions_hold_is_limited(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;
    g_autofree char *large = g_malloc0(1000);

    (void)data;
    fixture->plugin->limits.held = 3000;
    ws_fixture_client(fixture, WS_TEXT, large, 1000);
    ws_fixture_client(fixture, WS_CONTINUATION, large, 1000);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1013 \"\"\n");
    assert_read(outcome->released[1],
                "close 1013 \"too many bytes of messages are being held (event e1)\"\n");
    g_assert_cmpuint(fixture->plugin->held, ==, 0);
}

static void
test_a_close_of_the_client_passes_and_what_was_held_is_forgotten(WsFixture *fixture,
                                                                 gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, WS_TEXT, "never complete", -1);
    ws_fixture_client(fixture, CLOSE,
                      "\x03\xe9"
                      "bye",
                      -1);
    ws_fixture_server(fixture, TEXT, "still here", -1);
    ws_fixture_server(fixture, CLOSE, "\x03\xe9", 2);
    osh_l7_harness_end(fixture->harness, OSH_SERVER_TO_CLIENT);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1001 \"bye\"\n");
    assert_read(outcome->released[1], "text \"still here\"\nclose 1001 \"\"\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_CLOSED);
}

static void
test_a_client_that_is_gone_takes_its_question_along(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, TEXT, "one", -1);
    osh_l7_harness_reset(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE_LATER, 1);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_CLOSED);
}

#define ADD(name, function, data)                                                                  \
    g_test_add("/l7-ws/" name, WsFixture, data, ws_fixture_set_up, function, ws_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("each-text-is-a-message-and-leaves-as-it-came",
        test_each_text_is_a_message_and_leaves_as_it_came, NULL);
    ADD("a-ping-overtakes-the-fragments-that-are-held",
        test_a_ping_overtakes_the_fragments_that_are_held, NULL);
    ADD("of-a-text-that-is-not-complete-nothing-leaves",
        test_of_a_text_that_is_not_complete_nothing_leaves, NULL);
    ADD("a-large-text-is-judged-as-a-whole-and-leaves",
        test_a_text_larger_than_the_window_is_judged_as_a_whole, GINT_TO_POINTER(TRUE));
    ADD("a-large-text-is-judged-as-a-whole-and-refused",
        test_a_text_larger_than_the_window_is_judged_as_a_whole, GINT_TO_POINTER(FALSE));
    ADD("each-message-of-a-server-is-asked-about-and-leaves-as-it-came",
        test_each_message_of_a_server_is_asked_about_and_leaves_as_it_came, NULL);
    ADD("compressed-texts-leave-as-they-came-in-contexts-that-slide",
        test_compressed_texts_leave_as_they_came_in_contexts_that_slide, NULL);
    ADD("a-binary-message-is-asked-about-once-and-released-as-it-comes",
        test_a_binary_message_is_asked_about_once_and_released_as_it_comes, NULL);
    ADD("a-text-that-stands-still-is-given-up", test_a_text_that_stands_still_is_given_up, NULL);
    ADD("a-text-that-goes-on-and-on-is-given-up", test_a_text_that_goes_on_and_on_is_given_up,
        GINT_TO_POINTER(FALSE));
    ADD("a-text-that-goes-on-in-time-is-not", test_a_text_that_goes_on_and_on_is_given_up,
        GINT_TO_POINTER(TRUE));
    ADD("half-a-frame-is-given-up-too", test_half_a_frame_is_given_up_too, NULL);
    ADD("what-all-sessions-hold-is-limited", test_what_all_sessions_hold_is_limited, NULL);
    ADD("a-close-of-the-client-passes-and-what-was-held-is-forgotten",
        test_a_close_of_the_client_passes_and_what_was_held_is_forgotten, NULL);
    ADD("a-client-that-is-gone-takes-its-question-along",
        test_a_client_that_is_gone_takes_its_question_along, NULL);
    return g_test_run();
}
