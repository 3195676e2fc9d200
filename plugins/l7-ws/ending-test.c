/* SPDX-License-Identifier: Apache-2.0 */
/* The last words: to both sides, in their place, and once. */
#include "ws-fixture.h"

#include <string.h>

static void
assert_read(const GString *bytes, const char *expected)
{
    g_autofree char *lines = ws_fixture_read(bytes);

    g_assert_cmpstr(lines, ==, expected);
}

static void
test_a_fault_of_the_client_is_told_to_both_sides(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_client(fixture, TEXT, "one", -1);
    osh_l7_harness_client(fixture->harness, "\x81\x05hello", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "text \"one\"\nclose 1002 \"\"\n");
    assert_read(outcome->released[1],
                "close 1002 \"a frame of the client is not masked (event e2)\"\n");
    g_assert_nonnull(strstr(outcome->records->str, "\n2 denied WEBSOCKET_TEXT /chat"));
    /* To the server it is masked, with a key of our own. */
    g_assert_cmpmem(outcome->released[0]->str + outcome->released[0]->len - 6, 4,
                    WS_FIXTURE_OWN_KEY, 4);
}

static void
test_each_kind_of_fault_has_its_code(WsFixture *fixture, gconstpointer data)
{
    static const struct {
        guint first;
        const char *payload;
        gssize length;
        const char *close;
    } rows[] = {
        {TEXT, "\xff", 1, "close 1007 \"a text message is not UTF-8 (event e1)\"\n"},
        {TEXT, "\xc3", 1, "close 1007 \"a text message ends inside a character (event e1)\"\n"},
        {CLOSE, "\x03\xe8\xff", 3,
         "close 1007 \"the reason of a Close frame is not UTF-8"
         " (event e1)\"\n"},
        {CLOSE, "\x03", 1, "close 1002 \"a Close frame has half a code (event e1)\"\n"},
        {TEXT, "12345678901", 11,
         "close 1009 \"a text message is larger than the limit"
         " (event e1)\"\n"},
        {BINARY, "12345678901", 11,
         "close 1009 \"a binary message is larger than the limit"
         " (event e1)\"\n"},
        {TEXT | RSV1, "a", 1,
         "close 1002 \"a frame is compressed and that was not agreed to"
         " (event e1)\"\n"},
    };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshL7Outcome) outcome = NULL;

        ws_fixture_again(fixture);
        fixture->plugin->limits.client.text = fixture->plugin->limits.client.binary = 10;
        ws_fixture_client(fixture, rows[i].first, rows[i].payload, rows[i].length);
        outcome = ws_fixture_run(fixture);
        assert_read(outcome->released[1], rows[i].close);
    }
}

static void
test_codes_that_a_peer_may_state(void)
{
    static const guint edges[] = {1000, 1003, 1007, 1014, 3000, 4999};
    static const guint wrong[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};

    for (guint i = 0; i < G_N_ELEMENTS(edges); i++)
        g_assert_true(ws_close_code_is_valid(edges[i]));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(ws_close_code_is_valid(wrong[i]));
}

static void
test_what_the_client_still_says_is_dropped_until_it_closes(WsFixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_malloc0(30000);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    fixture->plugin->limits.client.text = 20000;
    ws_fixture_client(fixture, TEXT, large, 30000);
    ws_fixture_client(fixture, TEXT, "\x88\x88\x88\x88", -1);
    ws_fixture_client(fixture, CLOSE, "\x03\xf1", 2);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    assert_read(outcome->released[0], "close 1009 \"\"\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    g_assert_cmpuint(outcome->left[0]->len, ==, 0);
}

static void
test_a_client_that_never_closes_is_left_after_a_while(WsFixture *fixture, gconstpointer data)
{
    gboolean waits = GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    osh_l7_harness_client(fixture->harness, "\xff\xff", -1);
    osh_l7_harness_advance(fixture->harness, waits ? G_TIME_SPAN_SECOND : 3 * G_TIME_SPAN_SECOND);
    outcome = ws_fixture_run(fixture);
    g_assert_cmpint(outcome->ended, ==, waits ? OSH_L7_ENDED_NOT : OSH_L7_ENDED_END);
}

static void
test_a_client_that_ends_its_bytes_ends_it(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_client(fixture->harness, "\xff\xff", -1);
    osh_l7_harness_end(fixture->harness, OSH_CLIENT_TO_SERVER);
    outcome = ws_fixture_run(fixture);
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
    assert_read(outcome->released[1], "close 1002 \"a frame has RSV2 or RSV3 set (event e1)\"\n");
}

static void
test_no_close_stands_inside_a_frame_of_the_client(WsFixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_malloc0(20000);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    fixture->extensions = "permessage-deflate";
    memset(large, 0xff, 20000);
    ws_fixture_client(fixture, BINARY | RSV1, large, 20000);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    assert_read(outcome->released[0], "cut\n");
    assert_read(outcome->released[1],
                "close 1007 \"a compressed message cannot be inflated (event e1)\"\n");
}

static void
test_a_frame_of_the_server_that_has_begun_is_finished_before_the_close(WsFixture *fixture,
                                                                       gconstpointer data)
{
    g_autofree char *large = g_malloc0(20000);
    g_autoptr(GString) bytes = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_frame(bytes, BINARY, FALSE, large, 20000);
    osh_l7_harness_server(fixture->harness, bytes->str, 17000);
    osh_l7_harness_client(fixture->harness, "\x91", 1);
    osh_l7_harness_server(fixture->harness, bytes->str + 17000, (gssize)bytes->len - 17000);
    ws_fixture_server(fixture, TEXT, "never", -1);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    g_assert_cmpuint(outcome->released[1]->len, >, bytes->len);
    g_assert_cmpmem(outcome->released[1]->str, bytes->len, bytes->str, bytes->len);
    g_assert_cmpuint((guint8)outcome->released[1]->str[bytes->len], ==, CLOSE);
    g_assert_null(g_strstr_len(outcome->released[1]->str + bytes->len, -1, "never"));
}

static void
test_a_fault_of_the_server_is_a_failure(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    ws_fixture_server(fixture, TEXT, "one", -1);
    ws_fixture_server(fixture, TEXT, "\xff", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[1],
                "text \"one\"\nclose 1007 \"a text message is not UTF-8 (event e2)\"\n");
    assert_read(outcome->released[0], "close 1007 \"\"\n");
    g_assert_nonnull(strstr(outcome->records->str, "\n2 failed"));
}

static void
test_a_large_frame_of_the_server_that_turns_out_wrong_is_cut(WsFixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_malloc(20000);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    memset(large, 'a', 20000);
    large[19999] = (char)0xff;
    ws_fixture_server(fixture, TEXT, large, 20000);
    outcome = osh_l7_harness_run_all(fixture->harness, 2);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    assert_read(outcome->released[1], "cut\n");
    assert_read(outcome->released[0], "close 1007 \"\"\n");
    g_assert_cmpuint(outcome->released[1]->len, ==, 4 + WS_UNIT);
}

static void
test_a_message_of_the_server_may_be_too_large(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    fixture->plugin->limits.server.binary = 10;
    ws_fixture_server(fixture, WS_BINARY, "12345", -1);
    ws_fixture_server(fixture, FIN | WS_CONTINUATION, "123456", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[1],
                "binary* \"12345\"\n"
                "close 1009 \"a binary message is larger than the limit (event e1)\"\n");
}

static void
test_nothing_follows_a_close(WsFixture *fixture, gconstpointer data)
{
    gboolean is_client = GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    if (is_client) {
        ws_fixture_client(fixture, CLOSE, "", -1);
        ws_fixture_client(fixture, TEXT, "more", -1);
    } else {
        ws_fixture_server(fixture, CLOSE, "", -1);
        ws_fixture_server(fixture, TEXT, "more", -1);
    }
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[is_client ? 0 : 1], "close \"\"\n");
    assert_read(outcome->released[is_client ? 1 : 0],
                is_client ? "close 1002 \"a frame follows a Close frame (event e1)\"\n"
                          : "close 1002 \"\"\n");
}

static void
test_a_new_policy_ends_a_websocket_by_1012(WsFixture *fixture, gconstpointer data)
{
    OshL7TerminateReason reason = (OshL7TerminateReason)GPOINTER_TO_INT(data);
    g_autoptr(OshL7Outcome) outcome = NULL;

    ws_fixture_client(fixture, TEXT, "one", -1);
    ws_fixture_client(fixture, WS_TEXT, "half a text", -1);
    osh_l7_harness_terminate(fixture->harness, reason);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "its end", -1);
    ws_fixture_client(fixture, CLOSE, "\x03\xf4", 2);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], reason == OSH_L7_TERMINATE_POLICY_CHANGED
                                          ? "text \"one\"\nclose 1012 \"\"\n"
                                          : "text \"one\"\nclose 1008 \"\"\n");
    assert_read(outcome->released[1], reason == OSH_L7_TERMINATE_POLICY_CHANGED
                                          ? "close 1012 \"\"\n"
                                          : "close 1008 \"\"\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_a_question_that_is_open_when_it_ends_is_no_refusal(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    osh_l7_harness_terminate(fixture->harness, OSH_L7_TERMINATE_SHUTDOWN);
    ws_fixture_client(fixture, TEXT, "one", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1012 \"\"\n");
}

static void
test_a_reason_is_cut_between_two_characters(WsFixture *fixture, gconstpointer data)
{
    const OshL7Answer answer = {
        .struct_size = sizeof answer,
        .action = OSH_ACTION_DENY,
        .status = 403,
        .event = 1234,
        .reason = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"};
    WsSession *session =
        osh_l7_open(&fixture->opened, osh_l7_harness_connection(fixture->harness), NULL);
    OshL7Action actions[OSH_L7_ACTIONS_MIN];
    gint64 deadline;

    (void)data;
    session->stage = WS_ASKED;
    ws_take_answer(session, &answer);
    for (guint i = 0; i < 4 && session->ending.lengths[1] == 0; i++) {
        const OshL7Input input = {.struct_size = sizeof input, .now = 1, .capacity = {1000, 1000}};

        (void)osh_l7_feed(&fixture->opened, session, &input, actions, G_N_ELEMENTS(actions),
                          &deadline);
    }
    g_assert_cmpuint(session->ending.lengths[1], >, 0);
    g_assert_cmpuint(session->ending.lengths[1], <=, 127);
    g_assert_true(g_utf8_validate((const char *)session->ending.frames[1] + 4,
                                  (gssize)session->ending.lengths[1] - 4, NULL));
    g_assert_nonnull(g_strstr_len((const char *)session->ending.frames[1] + 4,
                                  (gssize)session->ending.lengths[1] - 4, " (event e1234)"));
    osh_l7_close(&fixture->opened, session);
}

#define ADD(name, function, data)                                                                  \
    g_test_add("/l7-ws/" name, WsFixture, data, ws_fixture_set_up, function, ws_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-ws/codes-that-a-peer-may-state", test_codes_that_a_peer_may_state);
    ADD("a-fault-of-the-client-is-told-to-both-sides",
        test_a_fault_of_the_client_is_told_to_both_sides, NULL);
    ADD("each-kind-of-fault-has-its-code", test_each_kind_of_fault_has_its_code, NULL);
    ADD("what-the-client-still-says-is-dropped-until-it-closes",
        test_what_the_client_still_says_is_dropped_until_it_closes, NULL);
    ADD("a-client-that-does-not-close-is-waited-for",
        test_a_client_that_never_closes_is_left_after_a_while, GINT_TO_POINTER(TRUE));
    ADD("a-client-that-never-closes-is-left-after-a-while",
        test_a_client_that_never_closes_is_left_after_a_while, GINT_TO_POINTER(FALSE));
    ADD("a-client-that-ends-its-bytes-ends-it", test_a_client_that_ends_its_bytes_ends_it, NULL);
    ADD("no-close-stands-inside-a-frame-of-the-client",
        test_no_close_stands_inside_a_frame_of_the_client, NULL);
    ADD("a-frame-of-the-server-that-has-begun-is-finished-before-the-close",
        test_a_frame_of_the_server_that_has_begun_is_finished_before_the_close, NULL);
    ADD("a-fault-of-the-server-is-a-failure", test_a_fault_of_the_server_is_a_failure, NULL);
    ADD("a-large-frame-of-the-server-that-turns-out-wrong-is-cut",
        test_a_large_frame_of_the_server_that_turns_out_wrong_is_cut, NULL);
    ADD("a-message-of-the-server-may-be-too-large", test_a_message_of_the_server_may_be_too_large,
        NULL);
    ADD("nothing-follows-a-close-of-the-client", test_nothing_follows_a_close,
        GINT_TO_POINTER(TRUE));
    ADD("nothing-follows-a-close-of-the-server", test_nothing_follows_a_close,
        GINT_TO_POINTER(FALSE));
    ADD("a-new-policy-ends-a-websocket-by-1012", test_a_new_policy_ends_a_websocket_by_1012,
        GINT_TO_POINTER(OSH_L7_TERMINATE_POLICY_CHANGED));
    ADD("a-revoked-credential-ends-a-websocket-by-1008", test_a_new_policy_ends_a_websocket_by_1012,
        GINT_TO_POINTER(OSH_L7_TERMINATE_REVOKED));
    ADD("a-question-that-is-open-when-it-ends-is-no-refusal",
        test_a_question_that_is_open_when_it_ends_is_no_refusal, NULL);
    ADD("a-reason-is-cut-between-two-characters", test_a_reason_is_cut_between_two_characters,
        NULL);
    return g_test_run();
}
