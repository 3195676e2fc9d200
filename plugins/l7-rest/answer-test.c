/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The response to a refused request, byte for byte; and what an answer's options change. The
 * driver is the test itself, so that an answer holds what the test says.
 */
#include "rest-fixture.h"

#include <string.h>

typedef struct {
    RestFixture fixture;
    gpointer session;
    GString *client; /* what the client gets */
    GString *server; /* what the server gets */
    gboolean ended;
    gboolean denied;
    gsize n_facts; /* of the denial */
} Talk;

static void
talk_open(Talk *talk)
{
    *talk = (Talk){.client = g_string_new(NULL), .server = g_string_new(NULL)};
    rest_fixture_set_up(&talk->fixture, NULL);
    talk->session = osh_l7_open(&talk->fixture.protocol,
                                osh_l7_harness_connection(talk->fixture.harness), NULL);
}

static void
talk_close(Talk *talk)
{
    osh_l7_close(&talk->fixture.protocol, talk->session);
    g_string_free(talk->client, TRUE);
    g_string_free(talk->server, TRUE);
    rest_fixture_tear_down(&talk->fixture, NULL);
}

static void
talk_send(Talk *talk, const OshL7Action *action, const char *window)
{
    GString *to = action->type == OSH_L7_EMIT ? talk->client : talk->server;

    for (gsize i = 0; i < action->u.send.n_pieces; i++) {
        const OshL7Piece *piece = &action->u.send.pieces[i];

        if (piece->type == OSH_L7_PIECE_BYTES)
            g_string_append_len(to, piece->bytes.data, (gssize)piece->bytes.length);
        else
            g_string_append_len(to, window + piece->offset, (gssize)piece->length);
    }
}

/* One request, whole; answered by @answer, where it is asked about. */
static void
talk_say(Talk *talk, const char *request, const OshL7Answer *answer)
{
    const OshInterface *protocol = &talk->fixture.protocol;
    OshL7Input input = {.struct_size = sizeof input,
                        .now = 1,
                        .window = osh_span(request),
                        .capacity = {1 << 16, 1 << 16}};

    for (guint round = 0; round < 4 && !talk->ended; round++) {
        OshL7Action actions[16];
        gint64 deadline;
        gsize n =
            osh_l7_feed(protocol, talk->session, &input, actions, G_N_ELEMENTS(actions), &deadline);

        for (gsize i = 0; i < n; i++) {
            if (actions[i].type == OSH_L7_ASK)
                osh_l7_resume(protocol, talk->session, 1, actions[i].message, answer);
            if (actions[i].type == OSH_L7_DENY) {
                talk->denied = TRUE;
                talk->n_facts = actions[i].u.deny.facts.n_facts;
                *actions[i].u.deny.ret_event = 77;
            }
            if (actions[i].type == OSH_L7_EMIT || actions[i].type == OSH_L7_REPLACE)
                talk_send(talk, &actions[i], request);
            if (actions[i].type == OSH_L7_REPLACE)
                input.window = (OshSpan){request + actions[i].length, 0};
            talk->ended |= actions[i].type == OSH_L7_END;
        }
    }
}

/* A response to the request before, whole. */
static void
talk_answer(Talk *talk, const char *response)
{
    OshL7Input input = {.struct_size = sizeof input,
                        .now = 1,
                        .direction = OSH_SERVER_TO_CLIENT,
                        .window = osh_span(response),
                        .capacity = {1 << 16, 1 << 16}};

    for (guint round = 0; round < 4; round++) {
        OshL7Action actions[16];
        gint64 deadline;
        gsize n = osh_l7_feed(&talk->fixture.protocol, talk->session, &input, actions,
                              G_N_ELEMENTS(actions), &deadline);

        for (gsize i = 0; i < n; i++)
            input.window = (OshSpan){input.window.data + actions[i].length,
                                     input.window.length - actions[i].length};
    }
    g_assert_cmpuint(input.window.length, ==, 0);
}

#define ASKED(method) method " /a%7eb?secret=1 HTTP/1.1\r\nHost: api.test\r\nX: hidden\r\n\r\n"
#define BODY                                                                                       \
    "{\"error\":\"policy_denied\",\"policy\":\"the \\\"one\\\"\",\"rule\":\"%s /a~b\","            \
    "\"detail\":\"no rule \\u0007 allows it\",\"layer\":\"l7\",\"protocol\":\"rest\","             \
    "\"method\":\"%s\",\"path\":\"/a~b\",\"host\":\"api.test\",\"port\":80,"                       \
    "\"binary\":\"/usr/bin/curl\",\"id\":\"e12\",\"rule_missing\":{\"type\":\"rest_allow\","       \
    "\"layer\":\"l7\",\"method\":\"%s\",\"path\":\"/a~b\",\"host\":\"api.test\",\"port\":80,"      \
    "\"binary\":\"/usr/bin/curl\"},\"next_steps\":[]}\n"

static void
test_policy(gconstpointer data)
{
    const char *method = data;
    gboolean is_head = g_str_equal(method, "HEAD");
    const OshL7Answer answer = {
        .struct_size = sizeof answer,
        .action = OSH_ACTION_DENY,
        .reason = "no rule \a allows it",
        .event = 12,
        .status = 403,
        .policy = "the \"one\"",
        .binary = "/usr/bin/curl",
        .rule_missing = TRUE,
    };
    g_autofree char *body = g_strdup_printf(BODY, method, method, method);
    g_autofree char *expected = g_strdup_printf(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "X-OpenShell-Policy: the \"one\"\r\nConnection: close\r\n\r\n%s",
        strlen(body), is_head ? "" : body);
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, is_head ? ASKED("HEAD") : ASKED("POST"), &answer);
    g_assert_cmpstr(talk.client->str, ==, expected);
    g_assert_cmpstr(talk.server->str, ==, "");
    g_assert_true(talk.ended);
    g_assert_false(talk.denied); /* the driver has recorded it */
    talk_close(&talk);
}

static void
test_no_rule_helps(void)
{
    const OshL7Answer answer = {
        .struct_size = sizeof answer,
        .action = OSH_ACTION_DENY,
        .reason = "POST /a~b blocked by deny rule",
        .status = 403,
        .policy = "web",
        .binary = "/usr/bin/curl",
    };
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, ASKED("POST"), &answer);
    g_assert_nonnull(strstr(talk.client->str, "\"detail\":\"POST /a~b blocked by deny rule\","));
    g_assert_null(strstr(talk.client->str, "rule_missing"));
    g_assert_null(strstr(talk.client->str, "_allow"));
    g_assert_true(
        g_str_has_suffix(talk.client->str, "\"binary\":\"/usr/bin/curl\",\"next_steps\":[]}\n"));
    talk_close(&talk);
}

static void
test_little_known(void)
{
    const OshL7Answer answer = {.struct_size = sizeof answer, .policy = "a\r\nX-Evil: \xc3\xa9"};
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, ASKED("POST"), &answer);
    g_assert_nonnull(strstr(talk.client->str, "\r\nX-OpenShell-Policy: a??X-Evil: ??\r\n"));
    g_assert_null(strstr(talk.client->str, "\"binary\""));
    g_assert_null(strstr(talk.client->str, "\"id\""));
    g_assert_true(g_str_has_prefix(talk.client->str, "HTTP/1.1 403 "));
    talk_close(&talk);
}

static const struct {
    const char *sentence;
    const char *request;
    const char *members;
    gsize n_facts;
} problems[] = {
    {"whose-line-is-broken", "GET\t/ HTTP/1.1\r\n\r\n",
     "\"protocol\":\"rest\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 0},
    {"whose-fields-are-broken", "PUT /a/../b?secret=1 HTTP/1.1\r\nHost: api.test\r\nX\r\n\r\n",
     "\"method\":\"PUT\",\"path\":\"/b\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 2},
    {"whose-path-has-no-one-spelling", "PUT /a%zz?secret=1 HTTP/1.1\r\nHost: api.test\r\n\r\n",
     "\"method\":\"PUT\",\"path\":\"/a%zz\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 2},
    {"that-is-for-another-host", "PUT /a?secret=1 HTTP/1.1\r\nHost: other.test\r\n\r\n",
     "\"method\":\"PUT\",\"path\":\"/a\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 2},
    {"whose-url-may-hold-a-secret",
     "PUT http://me:secret@api.test/x HTTP/1.1\r\nHost: api.test\r\n\r\n",
     "\"method\":\"PUT\",\"path\":\"/x\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 2},
    {"whose-target-is-nothing", "PUT secret HTTP/1.1\r\nHost: api.test\r\n\r\n",
     "\"method\":\"PUT\",\"host\":\"api.test\",\"port\":80,\"id\":\"e77\"}", 1},
};

static void
test_problem(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, problems[i].request, NULL);
    g_test_message("%s", talk.client->str);
    g_assert_nonnull(strstr(talk.client->str, problems[i].members));
    g_assert_nonnull(strstr(talk.client->str, "\r\nConnection: close\r\n"));
    g_assert_null(strstr(talk.client->str, "secret"));
    g_assert_true(talk.denied && talk.ended);
    g_assert_cmpuint(talk.n_facts, ==, problems[i].n_facts);
    talk_close(&talk);
}

/* An edit that the plugin cannot make is refused and never left out. */
static void
test_beyond(void)
{
    static const OshL7Edit edit = {.name = "content-LENGTH", .value = "1"};
    const OshL7Answer answer = {
        .struct_size = sizeof answer, .action = OSH_ACTION_ALLOW, .edits = &edit, .n_edits = 1};
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, ASKED("GET"), &answer);
    g_assert_cmpstr(talk.server->str, ==, "");
    g_assert_true(talk.denied && talk.ended);
    g_assert_nonnull(strstr(talk.client->str, "in a way that is not served"));
    talk_close(&talk);
}

static void
test_other_status(void)
{
    const OshL7Answer answer = {
        .struct_size = sizeof answer, .action = OSH_ACTION_DENY, .status = 503, .reason = "full"};
    Talk talk;

    talk_open(&talk);
    talk_say(&talk, ASKED("GET"), &answer);
    g_assert_true(g_str_has_prefix(talk.client->str, "HTTP/1.1 503 Service Unavailable\r\n"));
    g_assert_nonnull(strstr(talk.client->str, "\"error\":\"request_refused\""));
    talk_close(&talk);
}

/* What no rule could allow has a word of its own. */
static void
test_error(void)
{
    const OshL7Answer answers[] = {
        {.struct_size = sizeof answers[0],
         .action = OSH_ACTION_DENY,
         .status = 413,
         .reason = "too much",
         .event = 9,
         .error = "content_too_large",
         .limit_name = "mcp.max_body_bytes"},
        {.struct_size = sizeof answers[0],
         .action = OSH_ACTION_DENY,
         .status = 403,
         .reason = "no such thing",
         .policy = "web",
         .error = "unsupported_l7_protocol",
         .limit_name = "unused"},
        /* A driver that knows less. */
        {.struct_size = G_STRUCT_OFFSET(OshL7Answer, refusal),
         .action = OSH_ACTION_DENY,
         .status = 403,
         .error = "content_too_large"},
    };
    static const char *const says[] = {
        "{\"error\":\"content_too_large\",\"detail\":\"too much\","
        "\"limit\":\"mcp.max_body_bytes\",\"layer\":\"l7\",\"protocol\":\"rest\","
        "\"method\":\"GET\",\"path\":\"/a~b\",\"host\":\"api.test\",\"port\":80,\"id\":\"e9\"}\n",
        "{\"error\":\"unsupported_l7_protocol\",\"detail\":\"no such thing\",\"layer\":\"l7\",",
        "{\"error\":\"policy_denied\",",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        Talk talk;

        talk_open(&talk);
        talk_say(&talk, ASKED("GET"), &answers[i]);
        g_test_message("%s", talk.client->str);
        g_assert_nonnull(strstr(talk.client->str, says[i]));
        g_assert_cmpint(g_str_has_prefix(talk.client->str, "HTTP/1.1 413 Content Too Large\r\n"),
                        ==, i == 0);
        g_assert_true(talk.ended);
        talk_close(&talk);
    }
}

/* The options of the endpoint say whether a slash may be a part of a name. */
static void
test_encoded_slash(void)
{
    static const struct {
        const char *options;
        gboolean allowed;
    } rows[] = {
        {NULL, FALSE},
        {"@a{sv} {}", FALSE},
        {"{'allow_encoded_slash': <false>}", FALSE},
        {"{'allow_encoded_slash': <'true'>}", FALSE},
        {"{'allow_encoded_slash': <true>}", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GVariant) options =
            rows[i].options != NULL ? g_variant_ref_sink(g_variant_new_parsed(rows[i].options))
                                    : NULL;
        const OshL7Answer answer = {
            .struct_size = sizeof answer, .action = OSH_ACTION_ALLOW, .options = options};
        Talk talk;

        talk_open(&talk);
        talk_say(&talk, "GET /a%2fb/./c HTTP/1.1\r\nHost: api.test\r\n\r\n", &answer);
        if (rows[i].allowed)
            g_assert_true(g_str_has_prefix(talk.server->str, "GET /a%2Fb/c HTTP/1.1\r\n"));
        else
            g_assert_cmpstr(talk.server->str, ==, "");
        g_assert_cmpint(talk.denied, ==, !rows[i].allowed);
        talk_close(&talk);
    }
}

/* Another endpoint may be chosen for the next request of a connection. */
static void
test_options_of_each_answer_count(void)
{
    static const gboolean allows[] = {TRUE, TRUE, FALSE};
    g_autoptr(GVariant) yes =
        g_variant_ref_sink(g_variant_new_parsed("{'allow_encoded_slash': <true>}"));
    g_autoptr(GVariant) no = g_variant_ref_sink(g_variant_new_parsed("@a{sv} {}"));
    Talk talk;

    talk_open(&talk);
    for (gsize i = 0; i < G_N_ELEMENTS(allows); i++) {
        const OshL7Answer answer = {.struct_size = sizeof answer,
                                    .action = OSH_ACTION_ALLOW,
                                    .options = allows[i] ? yes : no};

        g_string_truncate(talk.server, 0);
        talk_say(&talk, "GET /a%2fb HTTP/1.1\r\nHost: api.test\r\n\r\n", &answer);
        g_assert_cmpint(talk.denied, ==, !allows[i]);
        g_assert_cmpint(g_str_has_prefix(talk.server->str, "GET /a%2Fb "), ==, allows[i]);
        if (allows[i])
            talk_answer(&talk, "HTTP/1.1 204 No Content\r\n\r\n");
    }
    talk_close(&talk);
}

/* Words wait for capacity. */
static void
test_capacity(void)
{
    OshL7Input input = {.struct_size = sizeof input,
                        .window = OSH_SPAN_INIT("GET\t/ HTTP/1.1\r\n\r\n")};
    OshL7Action actions[16];
    gint64 deadline;
    Talk talk;

    talk_open(&talk);
    for (guint round = 0; round < 3; round++)
        g_assert_cmpuint(
            osh_l7_feed(&talk.fixture.protocol, talk.session, &input, actions, 16, &deadline), ==,
            round == 0 ? 1 : 0);
    input.capacity[OSH_SERVER_TO_CLIENT] = 1;
    g_assert_cmpuint(
        osh_l7_feed(&talk.fixture.protocol, talk.session, &input, actions, 16, &deadline), ==, 3);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_EMIT);
    talk_close(&talk);
}

static void
test_cancelled(void)
{
    OshL7Input input = {.struct_size = sizeof input,
                        .window = OSH_SPAN_INIT(GET("/")),
                        .capacity = {1 << 16, 1 << 16}};
    OshL7Action actions[16];
    gint64 deadline;
    Talk talk;

    talk_open(&talk);
    g_assert_cmpuint(
        osh_l7_feed(&talk.fixture.protocol, talk.session, &input, actions, 16, &deadline), ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_ASK);
    g_assert_true(osh_l7_cancel(&talk.fixture.protocol, talk.session, 1, actions[0].message));
    g_assert_cmpuint(
        osh_l7_feed(&talk.fixture.protocol, talk.session, &input, actions, 16, &deadline), ==, 1);
    g_assert_cmpuint(actions[0].type, ==, OSH_L7_END);
    talk_close(&talk);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/l7-rest/answer/a-refusal-says-who-asked-for-what-and-why", "POST",
                         test_policy);
    g_test_add_data_func("/l7-rest/answer/a-refused-head-gets-no-body", "HEAD", test_policy);
    g_test_add_func("/l7-rest/answer/no-rule-is-proposed-where-none-would-help",
                    test_no_rule_helps);
    g_test_add_func("/l7-rest/answer/what-is-not-known-is-left-out", test_little_known);
    for (gsize i = 0; i < G_N_ELEMENTS(problems); i++) {
        g_autofree char *path =
            g_strdup_printf("/l7-rest/answer/to-a-request/%s", problems[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_problem);
    }
    g_test_add_func("/l7-rest/answer/an-encoded-slash-needs-the-option-of-its-endpoint",
                    test_encoded_slash);
    g_test_add_func("/l7-rest/answer/the-options-of-each-answer-count",
                    test_options_of_each_answer_count);
    g_test_add_func("/l7-rest/answer/a-length-that-is-to-be-changed-is-refused", test_beyond);
    g_test_add_func("/l7-rest/answer/what-no-rule-could-allow-has-a-word-of-its-own", test_error);
    g_test_add_func("/l7-rest/answer/a-limit-is-no-denial-by-policy", test_other_status);
    g_test_add_func("/l7-rest/answer/words-wait-for-capacity", test_capacity);
    g_test_add_func("/l7-rest/answer/a-withdrawn-question-ends-the-connection", test_cancelled);
    return g_test_run();
}
