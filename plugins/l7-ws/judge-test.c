/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy says about a message, and what becomes of the message then. */
#include "ws-fixture.h"

#include <string.h>

#define SLIDES "permessage-deflate"
#define RESETS "permessage-deflate; client_no_context_takeover"

static void
assert_read(const GString *bytes, const char *expected)
{
    g_autofree char *lines = ws_fixture_read(bytes);

    g_assert_cmpstr(lines, ==, expected);
}

static void
rule(WsFixture *fixture, OshAction action, const char *fact, const char *pattern)
{
    osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), action, fact, pattern);
}

static void
test_a_refused_text_ends_the_connection_by_1008(WsFixture *fixture, gconstpointer data)
{
    const char *fact = data;
    g_autoptr(OshL7Outcome) outcome = NULL;

    rule(fixture, OSH_ACTION_DENY, fact,
         g_str_equal(fact, OSH_FACT_REQUEST_METHOD) ? "WEBSOCKET_TEXT" : "/chat");
    ws_fixture_client(fixture, PING, "", -1);
    ws_fixture_client(fixture, TEXT, "secret plan", -1);
    ws_fixture_client(fixture, TEXT, "another", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "ping \"\"\nclose 1008 \"\"\n");
    assert_read(outcome->released[1],
                g_str_equal(fact, OSH_FACT_REQUEST_METHOD)
                    ? "close 1008 \"request.method is WEBSOCKET_TEXT (event e1)\"\n"
                    : "close 1008 \"request.path is /chat (event e1)\"\n");
    g_assert_true(g_str_has_prefix(outcome->records->str, "1 denied WEBSOCKET_TEXT /chat"));
    g_assert_null(strstr(outcome->records->str, "\n2 "));
}

static void
test_a_refused_text_in_fragments_never_begins(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rule(fixture, OSH_ACTION_DENY, OSH_FACT_REQUEST_METHOD, "*");
    ws_fixture_client(fixture, WS_TEXT, "one", -1);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "two", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1008 \"\"\n");
}

static void
test_binary_messages_are_judged_as_configured(WsFixture *fixture, gconstpointer data)
{
    static const struct {
        WsBinary binary;
        const char *refused;
        gboolean leaves;
    } rows[] = {
        {WS_BINARY_AS_TEXT, "WEBSOCKET_TEXT", FALSE},
        {WS_BINARY_AS_TEXT, "WEBSOCKET_BINARY", TRUE},
        {WS_BINARY_OWN_METHOD, "WEBSOCKET_TEXT", TRUE},
        {WS_BINARY_OWN_METHOD, "WEBSOCKET_BINARY", FALSE},
        {WS_BINARY_REFUSED, "GET", FALSE},
    };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(OshL7Outcome) outcome = NULL;

        ws_fixture_again(fixture);
        fixture->plugin->limits.binary = rows[i].binary;
        rule(fixture, OSH_ACTION_DENY, OSH_FACT_REQUEST_METHOD, rows[i].refused);
        ws_fixture_client(fixture, BINARY, "bytes", -1);
        outcome = ws_fixture_run(fixture);
        assert_read(outcome->released[0],
                    rows[i].leaves ? "binary \"bytes\"\n" : "close 1008 \"\"\n");
    }
}

static void
test_a_binary_message_that_would_have_to_be_inspected_is_refused(WsFixture *fixture,
                                                                 gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rule(fixture, OSH_ACTION_INSPECT, OSH_FACT_REQUEST_METHOD, "*");
    ws_fixture_client(fixture, WS_BINARY, "bytes", -1);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "more", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1008 \"\"\n");
    g_assert_nonnull(strstr(outcome->records->str, "cannot be inspected"));
}

static void
test_the_whole_text_is_inspected(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rule(fixture, OSH_ACTION_DENY, OSH_SCRIPTED_CONTENT, "*mutation*");
    rule(fixture, OSH_ACTION_INSPECT, OSH_FACT_REQUEST_METHOD, "*");
    ws_fixture_client(fixture, TEXT, "{\"query\": 1}", -1);
    ws_fixture_client(fixture, TEXT, "", -1);
    ws_fixture_client(fixture, WS_TEXT, "{\"muta", -1);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "tion\": 1}", -1);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "text \"{\"query\": 1}\"\ntext \"\"\nclose 1008 \"\"\n");
}

static void
test_content_that_is_replaced_leaves_in_one_frame_of_our_own(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(GString) last = g_string_new(NULL);
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rule(fixture, OSH_ACTION_INSPECT, OSH_FACT_REQUEST_METHOD, "*");
    osh_l7_harness_replace_content(fixture->harness, "PLACEHOLDER", "a much longer secret");
    ws_fixture_client(fixture, TEXT, "key=PLACEHOLDER;", -1);
    ws_fixture_client(fixture, WS_TEXT, "PLACE", -1);
    ws_fixture_client(fixture, FIN | WS_CONTINUATION, "HOLDER", -1);
    ws_fixture_frame(last, TEXT, TRUE, "unchanged", 9);
    osh_l7_harness_client(fixture->harness, last->str, (gssize)last->len);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "text \"key=a much longer secret;\"\n"
                                      "text \"a much longer secret\"\n"
                                      "text \"unchanged\"\n");
    g_assert_cmpmem(outcome->released[0]->str + 2, 4, WS_FIXTURE_OWN_KEY, 4);
    g_assert_cmpmem(outcome->released[0]->str + outcome->released[0]->len - last->len, last->len,
                    last->str, last->len);
}

/* What a server reads whose inflater has seen nothing but what was released. */
static GString *
read_as_server(const GString *bytes)
{
    GString *texts = g_string_new(NULL);
    WsInflater inflater = {0};
    const WsDeflateAgreed agreed = {TRUE, FALSE, WS_WINDOW_BITS};
    gsize at = 0;

    while (at < bytes->len) {
        WsFrame frame;
        const char *fault = NULL;
        g_autoptr(GByteArray) payload = g_byte_array_new();

        g_assert_cmpint(
            ws_frame_read((OshSpan){bytes->str + at, bytes->len - at}, TRUE, &frame, &fault), ==,
            WS_FRAME_READ);
        at += frame.header;
        g_byte_array_append(payload, (const guint8 *)bytes->str + at, (guint)frame.length);
        ws_mask(payload->data, payload->data, payload->len, frame.mask, 0);
        at += frame.length;
        if (frame.rsv1) {
            z_stream *stream = &inflater.stream;
            guint8 out[1000];

            if (inflater.out == NULL) {
                inflater.out = g_malloc(1);
                g_assert_cmpint(inflateInit2(stream, -15), ==, Z_OK);
            }
            g_byte_array_append(payload, (const guint8 *)"\0\0\xff\xff", 4);
            stream->next_in = payload->data;
            stream->avail_in = payload->len;
            stream->next_out = out;
            stream->avail_out = sizeof out;
            g_assert_cmpint(inflate(stream, Z_SYNC_FLUSH), ==, Z_OK);
            g_string_append_len(texts, (const char *)out, (gssize)(sizeof out - stream->avail_out));
        } else {
            g_string_append_len(texts, (const char *)payload->data, (gssize)payload->len);
        }
        g_string_append_c(texts, frame.rsv1 ? '!' : '.');
    }
    (void)agreed;
    ws_inflate_clear(&inflater);
    return texts;
}

/* The client's context goes on over a message that the server gets otherwise. */
static void
test_after_a_replaced_message_the_server_reads_what_the_client_wrote(WsFixture *fixture,
                                                                     gconstpointer data)
{
    static const char *const texts[] = {"an ordinary text of some length", "PLACEHOLDER",
                                        "an ordinary text of some length PLACE",
                                        "an ordinary text of some length PLACE", ""};
    g_autoptr(OshL7Outcome) outcome = NULL;
    g_autoptr(GString) read = NULL;
    z_stream stream;

    fixture->extensions = data;
    rule(fixture, OSH_ACTION_INSPECT, OSH_FACT_REQUEST_METHOD, "*");
    osh_l7_harness_replace_content(fixture->harness, "PLACEHOLDER", "secret");
    ws_fixture_deflater(&stream);
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GByteArray) bytes = ws_fixture_deflate(&stream, texts[i], strlen(texts[i]));

        ws_fixture_client(fixture, (i == 3 ? WS_TEXT : TEXT) | RSV1, (const char *)bytes->data,
                          i == 3 ? 1 : (gssize)bytes->len);
        if (i == 3)
            ws_fixture_client(fixture, FIN | WS_CONTINUATION, (const char *)bytes->data + 1,
                              (gssize)bytes->len - 1);
        if (g_str_equal(fixture->extensions, RESETS))
            deflateReset(&stream);
    }
    deflateEnd(&stream);
    outcome = ws_fixture_run(fixture);
    if (g_str_equal(fixture->extensions, RESETS)) {
        g_autofree char *lines = ws_fixture_read(outcome->released[0]);

        /* Nothing refers to anything: the others leave as they came, in two frames too. */
        g_assert_nonnull(strstr(lines, "text \"secret\"\ntext!"));
        g_assert_nonnull(strstr(lines, "text*! "));
        return;
    }
    read = read_as_server(outcome->released[0]);
    g_assert_cmpstr(read->str, ==,
                    "an ordinary text of some length!secret."
                    "an ordinary text of some length PLACE!"
                    "an ordinary text of some length PLACE!.");
}

static void
test_after_a_replaced_message_compressed_binary_is_compressed_anew(WsFixture *fixture,
                                                                   gconstpointer data)
{
    static const char *const texts[] = {"PLACEHOLDER", "PLACEHOLDER, in a binary message"};
    g_autoptr(OshL7Outcome) outcome = NULL;
    g_autoptr(GString) read = NULL;
    z_stream stream;

    (void)data;
    fixture->extensions = SLIDES;
    rule(fixture, OSH_ACTION_INSPECT, WS_FACT_OPCODE, "text");
    osh_l7_harness_replace_content(fixture->harness, "PLACEHOLDER", "secret");
    ws_fixture_deflater(&stream);
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GByteArray) bytes = ws_fixture_deflate(&stream, texts[i], strlen(texts[i]));

        ws_fixture_client(fixture, (i == 0 ? TEXT : BINARY) | RSV1, (const char *)bytes->data,
                          (gssize)bytes->len);
    }
    deflateEnd(&stream);
    outcome = ws_fixture_run(fixture);
    read = read_as_server(outcome->released[0]);
    g_assert_cmpstr(read->str, ==, "secret.PLACEHOLDER, in a binary message!");
}

static void
test_the_status_of_a_refusal_becomes_a_code(WsFixture *fixture, gconstpointer data)
{
    static const guint rows[][2] = {{403, 1008}, {413, 1009}, {429, 1013},
                                    {500, 1008}, {503, 1013}, {504, 1013}};

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshL7Answer answer = {
            .struct_size = sizeof answer, .action = OSH_ACTION_DENY, .status = rows[i][0]};
        g_autoptr(GError) error = NULL;
        gpointer session =
            osh_l7_open(&fixture->opened, osh_l7_harness_connection(fixture->harness), &error);
        WsSession *inside = session;

        inside->stage = WS_ASKED;
        ws_take_answer(session, &answer);
        g_assert_cmpuint(inside->answer.code, ==, rows[i][1]);
        g_assert_cmpstr(inside->answer.reason->str, ==, "refused");
        osh_l7_close(&fixture->opened, session);
    }
}

static void
test_a_refused_message_of_the_server_ends_it_by_1008(WsFixture *fixture, gconstpointer data)
{
    gsize size = GPOINTER_TO_SIZE(data);
    g_autofree char *text = g_malloc(size);
    g_autoptr(OshL7Outcome) outcome = NULL;

    memset(text, 'x', size);
    rule(fixture, OSH_ACTION_DENY, OSH_FACT_REQUEST_METHOD, "WEBSOCKET_SERVER_TEXT");
    ws_fixture_client(fixture, TEXT, "hello", -1);
    ws_fixture_server(fixture, BINARY, "bytes", -1);
    ws_fixture_server(fixture, WS_TEXT, text, (gssize)size);
    ws_fixture_server(fixture, FIN | WS_CONTINUATION, "more", -1);
    outcome = osh_l7_harness_run_all(fixture->harness, size > 1000 ? 2 : WS_RANDOM_RUNS);
    g_assert_cmpstr(outcome->violation, ==, NULL);
    assert_read(outcome->released[0], "text \"hello\"\nclose 1008 \"\"\n");
    assert_read(outcome->released[1],
                "binary \"bytes\"\n"
                "close 1008 \"request.method is WEBSOCKET_SERVER_TEXT (event e3)\"\n");
    g_assert_nonnull(strstr(outcome->records->str, "\n3 denied WEBSOCKET_SERVER_TEXT /chat"));
}

/* The client's question is still open when it ends. */
static void
test_an_answer_that_comes_after_the_end_changes_nothing(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    rule(fixture, OSH_ACTION_DENY, OSH_FACT_REQUEST_METHOD, "WEBSOCKET_SERVER_TEXT");
    osh_l7_harness_client(fixture->harness, "\x81\x82" WS_FIXTURE_KEY "a", -1);
    ws_fixture_server(fixture, TEXT, "no", -1);
    osh_l7_harness_client(fixture->harness, "b", -1);
    ws_fixture_client(fixture, CLOSE, "\x03\xf0", 2);
    outcome = ws_fixture_run(fixture);
    assert_read(outcome->released[0], "close 1008 \"\"\n");
    g_assert_cmpint(outcome->ended, ==, OSH_L7_ENDED_END);
}

static void
test_the_subprotocol_is_a_fact(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(OshL7Outcome) outcome = NULL;

    (void)data;
    fixture->subprotocol = "graphql-transport-ws";
    ws_fixture_client(fixture, TEXT, "{}", -1);
    outcome = ws_fixture_run(fixture);
    g_assert_nonnull(strstr(outcome->records->str, "websocket.subprotocol=graphql-transport-ws"));
}

#define ADD(name, function, data)                                                                  \
    g_test_add("/l7-ws/" name, WsFixture, data, ws_fixture_set_up, function, ws_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("a-text-refused-by-its-method-ends-the-connection-by-1008",
        test_a_refused_text_ends_the_connection_by_1008, OSH_FACT_REQUEST_METHOD);
    ADD("a-text-refused-by-its-path-ends-the-connection-by-1008",
        test_a_refused_text_ends_the_connection_by_1008, OSH_FACT_REQUEST_PATH);
    ADD("a-refused-text-in-fragments-never-begins", test_a_refused_text_in_fragments_never_begins,
        NULL);
    ADD("binary-messages-are-judged-as-configured", test_binary_messages_are_judged_as_configured,
        NULL);
    ADD("a-binary-message-that-would-have-to-be-inspected-is-refused",
        test_a_binary_message_that_would_have_to_be_inspected_is_refused, NULL);
    ADD("the-whole-text-is-inspected", test_the_whole_text_is_inspected, NULL);
    ADD("content-that-is-replaced-leaves-in-one-frame-of-our-own",
        test_content_that_is_replaced_leaves_in_one_frame_of_our_own, NULL);
    ADD("after-a-replaced-message-the-server-reads-what-the-client-wrote",
        test_after_a_replaced_message_the_server_reads_what_the_client_wrote, SLIDES);
    ADD("without-a-context-only-the-replaced-message-changes",
        test_after_a_replaced_message_the_server_reads_what_the_client_wrote, RESETS);
    ADD("after-a-replaced-message-compressed-binary-is-compressed-anew",
        test_after_a_replaced_message_compressed_binary_is_compressed_anew, NULL);
    ADD("the-status-of-a-refusal-becomes-a-code", test_the_status_of_a_refusal_becomes_a_code,
        NULL);
    ADD("a-refused-message-of-the-server-ends-it-by-1008",
        test_a_refused_message_of_the_server_ends_it_by_1008, GSIZE_TO_POINTER(3));
    ADD("a-large-refused-message-of-the-server-ends-it-by-1008",
        test_a_refused_message_of_the_server_ends_it_by_1008, GSIZE_TO_POINTER(20000));
    ADD("an-answer-that-comes-after-the-end-changes-nothing",
        test_an_answer_that_comes_after_the_end_changes_nothing, NULL);
    ADD("the-subprotocol-is-a-fact", test_the_subprotocol_is_a_fact, NULL);
    return g_test_run();
}
