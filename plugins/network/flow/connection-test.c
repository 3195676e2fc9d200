/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a connection: what is counted, what is refused and how, and when each step ends. */
#include "audit.h"
#include "network-fixture.h"
#include "transparent.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define REQUIRED "403"

static OshFixture *
start_identified(void)
{
    OshFixture *fixture = osh_fixture_new();

    fixture->network.config.identity_required = TRUE;
    osh_fixture_start(fixture);
    return fixture;
}

static char *
last_reason(const OshFixture *fixture)
{
    return osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 6);
}

static void
assert_denied(const OshFixture *fixture, const char *expected_layer, const char *expected_reason)
{
    g_autofree char *layer = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 1);
    g_autofree char *reason = last_reason(fixture);

    g_assert_cmpstr(layer, ==, expected_layer);
    g_assert_cmpstr(reason, ==, expected_reason);
}

static void
test_the_count_of_a_process_falls(void)
{
    OshFixture *fixture = start_identified();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int first[2], second[2], third[2];

    fixture->network.config.max_connections_per_process = 2;
    /* Three times, so that what is counted too often or too seldom shows. */
    for (guint round = 0; round < 3; round++) {
        first[0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &first[1]);
        second[0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &second[1]);
        for (guint i = 0; i < 2; i++) {
            int refused = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);

            osh_fixture_expect_status(fixture, refused, "503");
            osh_fixture_settle(fixture);
            assert_denied(fixture, "limit", "the process has too many connections open");
        }
        /* Another process has a count of its own. */
        fixture->pid = 43;
        third[0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &third[1]);
        fixture->pid = 42;
        for (guint i = 0; i < 2; i++) {
            close(first[i]);
            close(second[i]);
            close(third[i]);
        }
        OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    }
    close(server);
    osh_fixture_free(fixture);
}

static void
test_the_count_of_a_process_falls_however_it_ends(void)
{
    OshFixture *fixture = start_identified();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    fixture->network.config.max_connections_per_process = 1;
    /* Refused by policy, refused by the server, gone before an answer, reset, cut. */
    fixture->policy.denied = OSH_FIXTURE_ADDRESS;
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, OSH_FIXTURE_ADDRESS, port),
                              "403");
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 9), "502");
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    osh_fixture_reset(client);
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    close(upstream);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    osh_connection_close(osh_fixture_first(fixture, OSH_STEP_TUNNEL), "test");
    close(upstream);
    close(client);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    close(upstream);
    close(client);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_cap_on_all_is_a_503_and_falls(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream, refused;

    fixture->network.config.max_connections = 1;
    osh_fixture_start(fixture);
    for (guint round = 0; round < 3; round++) {
        client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
        g_assert_cmpint(fixture->metrics[0], ==, 1);
        refused = osh_fixture_client(fixture);
        osh_fixture_expect_status(fixture, refused, "503");
        /* One that sends its request by and by still gets the answer. */
        refused = osh_fixture_client(fixture);
        osh_fixture_settle(fixture);
        osh_fixture_send(refused, "GET http://10.77.0.1/ HTTP/1.1\r\n");
        osh_fixture_settle(fixture);
        osh_fixture_send(refused, "Host: 10.77.0.1\r\n\r\n");
        osh_fixture_expect_status(fixture, refused, "503");
        osh_fixture_settle(fixture);
        g_assert_cmpint(fixture->network.n_connections, ==, 1);
        close(client);
        close(upstream);
        OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
        g_assert_cmpint(fixture->metrics[0], ==, 0);
    }
    close(server);
    osh_fixture_free(fixture);
}

static void
test_silent_clients_push_out_their_oldest(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int silent[8], tunnel, upstream, newest;

    fixture->network.config.max_connections = 32; /* an eighth of it, and at least eight */
    osh_fixture_start(fixture);
    tunnel = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    for (gsize i = 0; i < G_N_ELEMENTS(silent); i++) {
        silent[i] = osh_fixture_client(fixture);
        osh_fixture_settle(fixture);
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 0);
    newest = osh_fixture_client(fixture);
    osh_fixture_expect_status(fixture, silent[0], "408");
    g_assert_cmpuint(fixture->part.steps[OSH_STEP_HEAD].length, ==, 8);
    osh_fixture_send(tunnel, "still open");
    osh_fixture_expect(fixture, upstream, "still open");
    for (gsize i = 1; i < G_N_ELEMENTS(silent); i++)
        close(silent[i]);
    close(newest);
    close(tunnel);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* An answer reaches a client that goes on sending: closing with unread bytes would destroy it. */
static void
test_an_answer_survives_unread_bytes(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *much = g_strnfill(200000, 'a');
    int client;

    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    osh_fixture_send(client, "GET /not/absolute HTTP/1.1\r\n\r\n");
    send(client, much, strlen(much), MSG_DONTWAIT);
    osh_fixture_settle(fixture);
    send(client, much, strlen(much), MSG_DONTWAIT);
    osh_fixture_settle(fixture);
    osh_fixture_expect_status(fixture, client, "400");
    osh_fixture_settle(fixture);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    osh_fixture_free(fixture);
}

/* No event announces what had arrived before the refusal. */
static void
test_a_refused_client_that_has_ended_is_let_go(void)
{
    OshFixture *fixture = start_identified();
    int client;

    fixture->policy.action = OSH_ACTION_DENY;
    fixture->identity_hangs = TRUE;
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_IDENTIFY) != NULL);
    osh_fixture_send(client, "more");
    shutdown(client, SHUT_WR);
    osh_fixture_settle(fixture);
    osh_fixture_answer_identity(fixture);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    osh_fixture_expect_status(fixture, client, "403");
    osh_fixture_free(fixture);
}

static void
test_a_client_that_never_ends_is_let_go(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *answer = NULL;
    int client, error_number;

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    /* The answer ends before the connection does. */
    answer = osh_fixture_read_all(fixture, client, &error_number);
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 403 "));
    g_assert_cmpint(error_number, ==, 0);
    g_assert_nonnull(osh_fixture_first(fixture, OSH_STEP_LINGER));
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    close(client);
    osh_fixture_free(fixture);
}

/* What was still under way when a connection was refused takes it no further. */
static void
test_a_refused_connection_stays_refused(void)
{
    OshFixture *fixture = start_identified();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client;

    fixture->identity_hangs = TRUE;
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_IDENTIFY) != NULL);
    osh_fixture_advance(fixture, 6 * G_TIME_SPAN_SECOND);
    osh_fixture_answer_identity(fixture);
    osh_fixture_settle(fixture);
    osh_fixture_expect_status(fixture, client, REQUIRED);
    g_assert_false(osh_fixture_pending(server));
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
    close(server);
    osh_fixture_free(fixture);
}

typedef struct {
    const char *sentence;
    gint64 seconds; /* not before half a second less, by half a second more */
    const char *status;
    const char *reason;
} Deadline;

static const Deadline head_deadline = {"head", 10, "408",
                                       "no complete request head arrived in time"};

static void
assert_deadline(OshFixture *fixture, int client, OshConnectionStep step, const Deadline *deadline)
{
    g_autofree char *reason = NULL;

    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, step) != NULL);
    osh_fixture_advance(fixture,
                        deadline->seconds * G_TIME_SPAN_SECOND - 700 * G_TIME_SPAN_MILLISECOND);
    g_assert_nonnull(osh_fixture_first(fixture, step));
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 0);
    osh_fixture_advance(fixture, 1200 * G_TIME_SPAN_MILLISECOND);
    reason = last_reason(fixture);
    g_assert_cmpstr(reason, ==, deadline->reason);
    osh_fixture_expect_status(fixture, client, deadline->status);
}

static void
test_a_silent_client_has_its_time(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    assert_deadline(fixture, osh_fixture_client(fixture), OSH_STEP_HEAD, &head_deadline);
    osh_fixture_free(fixture);
}

static void
test_each_client_has_a_time_of_its_own(void)
{
    OshFixture *fixture = osh_fixture_new();
    int older, younger;

    osh_fixture_start(fixture);
    older = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    osh_fixture_advance(fixture, 8 * G_TIME_SPAN_SECOND);
    younger = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 1);
    osh_fixture_expect_status(fixture, older, "408");
    osh_fixture_advance(fixture, 8 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 2);
    osh_fixture_expect_status(fixture, younger, "408");
    osh_fixture_free(fixture);
}

static void
test_a_byte_now_and_then_is_no_new_time(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    osh_fixture_settle(fixture);
    for (guint i = 0; i < 9; i++) {
        osh_fixture_send(client, "C");
        osh_fixture_advance(fixture, G_TIME_SPAN_SECOND);
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 0);
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND / 2);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 1);
    osh_fixture_expect_status(fixture, client, "408");
    osh_fixture_free(fixture);
}

static void
test_an_identity_has_its_time(void)
{
    static const Deadline deadline = {"identity", 5, REQUIRED,
                                      "the program could not be identified in time"};
    OshFixture *fixture = start_identified();
    int client;

    fixture->identity_hangs = TRUE;
    fixture->policy.recording = TRUE;
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    assert_deadline(fixture, client, OSH_STEP_IDENTIFY, &deadline);
    g_assert_cmpuint(fixture->decisions->len, ==, 1);
    g_assert_cmpstr(fixture->decisions->pdata[0], ==, "5 connect");
    osh_fixture_free(fixture);
}

static void
test_room_for_the_record_has_its_time(void)
{
    static const Deadline deadline = {"audit", 5, "403", "audit-full"};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client;

    fixture->room = 0;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    assert_deadline(fixture, client, OSH_STEP_PERMIT, &deadline);
    g_assert_false(osh_fixture_pending(server));
    close(server);
    osh_fixture_free(fixture);
}

/* Each step on its way: a client that goes leaves nothing behind (asserted by the fixture). */
static void
test_a_client_that_goes_leaves_nothing(gconstpointer data)
{
    OshConnectionStep step = (OshConnectionStep)GPOINTER_TO_INT(data);
    OshFixture *fixture = start_identified();
    int client;

    if (step == OSH_STEP_PERMIT)
        fixture->room = 0;
    else
        fixture->identity_hangs = TRUE;
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, step) != NULL);
    osh_fixture_reset(client);
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    osh_fixture_answer_identity(fixture);
    osh_fixture_settle(fixture);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
    osh_fixture_free(fixture);
}

/* A client that ends its direction without a request is let go without an answer. */
static void
test_a_client_without_a_request_is_let_go(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    osh_fixture_send(client, "CONN");
    shutdown(client, SHUT_WR);
    osh_fixture_expect_end(fixture, client);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    close(client);
    osh_fixture_free(fixture);
}

static void
test_a_stop_closes_all_and_takes_no_more(void)
{
    OshFixture *fixture = start_identified();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int tunnel, upstream, silent, waiting;

    tunnel = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    fixture->identity_hangs = TRUE;
    waiting = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    silent = osh_fixture_client(fixture);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_IDENTIFY) != NULL &&
                              osh_fixture_first(fixture, OSH_STEP_HEAD) != NULL);
    osh_fixture_stop(fixture);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    g_assert_cmpuint(osh_fake_shard_n_watches(fixture->shard), ==, 0);
    close(tunnel);
    close(upstream);
    close(waiting);
    close(silent);
    close(server);
    osh_fixture_free(fixture);
}

/* A captured client speaks a protocol that is not known: its refusal is a reset. */
static void
test_the_words_of_a_refusal_fit_the_client(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    fixture->policy.denied = OSH_FIXTURE_ADDRESS;
    osh_fixture_start(fixture);
    ((OshListener *)fixture->network.listeners->pdata[0])->transport = &osh_transport_transparent;
    ((OshListener *)fixture->network.listeners->pdata[0])->original_destination =
        OSH_ORIGINAL_DESTINATION_LOCAL_ADDRESS;
    client = osh_fixture_client(fixture);
    osh_fixture_expect_reset(fixture, client);
    close(client);
    fixture->network.config.max_connections = 0;
    client = osh_fixture_client(fixture);
    osh_fixture_expect_end(fixture, client);
    close(client);
    osh_fixture_free(fixture);
}

static const struct {
    const char *head;
    const char *status;
    const char *error;
} heads[] = {
    {"CONNECT host.test HTTP/1.1\r\n\r\n", "400", "invalid_request_target"},
    {"CONNECT host.test:0 HTTP/1.1\r\n\r\n", "400", "invalid_request_target"},
    {"CONNECT user@host.test:80 HTTP/1.1\r\n\r\n", "400", "invalid_request_target"},
    {"CONNECT http://host.test:80/ HTTP/1.1\r\n\r\n", "400", "invalid_request_target"},
    {"CONNECT host.test:80 HTTP/2.0\r\n\r\n", "400", "invalid_request_head"},
    {"CONNECT host.test:80\r\n\r\n", "400", "invalid_request_head"},
    {"\x04\x01\x00\r\n\r\n", "400", "invalid_request_head"},
    {"GET / HTTP/1.1\r\n folded: x\r\n\r\n", "400", "invalid_request_head"},
};

static void
test_a_head_that_is_not_understood_is_a_400(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(heads); i++) {
        int client = osh_fixture_client(fixture);
        g_autofree char *text = NULL;
        int error_number;

        osh_fixture_send(client, heads[i].head);
        text = osh_fixture_read_all(fixture, client, &error_number);
        g_assert_true(g_str_has_prefix(text, "HTTP/1.1 400 "));
        g_assert_nonnull(strstr(text, heads[i].error));
        close(client);
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, G_N_ELEMENTS(heads));
    osh_fixture_free(fixture);
}

/* A head of @size bytes to a host that is denied: 403 shows that it was understood. */
static int
send_head(OshFixture *fixture, gsize size, gboolean complete)
{
    g_autoptr(GString) head = g_string_new("CONNECT 10.77.0.2:80 HTTP/1.1\r\nX: ");
    int client = osh_fixture_client(fixture);

    while (head->len < size - 4)
        g_string_append_c(head, 'x');
    g_string_append(head, complete ? "\r\n\r\n" : "xxxx");
    osh_fixture_send(client, head->str);
    return client;
}

static void
test_a_head_may_have_8192_bytes(void)
{
    OshFixture *fixture = osh_fixture_new();

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, send_head(fixture, 8192, TRUE), "403");
    osh_fixture_expect_status(fixture, send_head(fixture, 8193, TRUE), "431");
    osh_fixture_expect_status(fixture, send_head(fixture, 8193, FALSE), "431");
    osh_fixture_expect_status(fixture, send_head(fixture, 40000, FALSE), "431");
    osh_fixture_free(fixture);
}

/* Nothing that the client says but where it wants to go, and nothing about who it is. */
static void
test_a_decision_is_made_from_what_is_known(gconstpointer data)
{
    gboolean required = GPOINTER_TO_INT(data);
    OshFixture *fixture = osh_fixture_new();
    int client;

    fixture->network.config.identity_required = required;
    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    osh_fixture_send(client, "GET http://10.77.0.2:99/path HTTP/1.1\r\nHost: 10.77.0.2:99\r\n"
                             "User-Agent: /usr/bin/allowed\r\n\r\n");
    osh_fixture_expect_status(fixture, client, "403");
    g_assert_cmpstr(fixture->asked->str, ==,
                    required
                        ? "network.host=10.77.0.2 network.port=99 process.identity=required "
                          "process.binary=/usr/bin/client process.ancestors=/bin/sh;/sbin/init; "
                          "process.cmdline=/usr/bin/script; "
                        : "network.host=10.77.0.2 network.port=99 process.identity=relaxed ");
    osh_fixture_free(fixture);
}

static void
test_a_denial_says_what_was_asked(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client, error_number;
    g_autofree char *answer = NULL;

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_ADDRESS6, 443);
    answer = osh_fixture_read_all(fixture, client, &error_number);
    g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 403 Forbidden\r\n"));
    g_assert_nonnull(strstr(answer, "\"error\":\"policy_denied\""));
    g_assert_nonnull(
        strstr(answer, "\"detail\":\"CONNECT [fd77::1]:443 not permitted by policy\""));
    g_assert_nonnull(strstr(answer, "\"reason\":\"the test denies it\",\"layer\":\"connect\""));
    /* The address is not shown to the client where it is why. */
    close(client);
    osh_fixture_free(fixture);
}

static const struct {
    const char *path;
    GTestFunc test;
} tests[] = {
    {"the-count-of-a-process-falls-when-its-connections-end", test_the_count_of_a_process_falls},
    {"the-count-of-a-process-falls-however-a-connection-ends",
     test_the_count_of_a_process_falls_however_it_ends},
    {"a-cap-on-all-is-a-503-and-its-count-falls", test_a_cap_on_all_is_a_503_and_falls},
    {"silent-clients-push-out-their-own-oldest", test_silent_clients_push_out_their_oldest},
    {"an-answer-survives-bytes-that-nobody-reads", test_an_answer_survives_unread_bytes},
    {"a-refused-client-that-has-ended-is-let-go-at-once",
     test_a_refused_client_that_has_ended_is_let_go},
    {"a-refused-client-that-never-ends-is-let-go-in-time", test_a_client_that_never_ends_is_let_go},
    {"a-refused-connection-stays-refused", test_a_refused_connection_stays_refused},
    {"a-silent-client-has-its-time", test_a_silent_client_has_its_time},
    {"each-client-has-a-time-of-its-own", test_each_client_has_a_time_of_its_own},
    {"a-byte-now-and-then-is-no-new-time", test_a_byte_now_and_then_is_no_new_time},
    {"an-identity-has-its-time", test_an_identity_has_its_time},
    {"room-for-the-record-has-its-time", test_room_for_the_record_has_its_time},
    {"a-client-without-a-request-is-let-go", test_a_client_without_a_request_is_let_go},
    {"a-stop-closes-all-and-takes-no-more", test_a_stop_closes_all_and_takes_no_more},
    {"the-words-of-a-refusal-fit-the-client", test_the_words_of_a_refusal_fit_the_client},
    {"a-head-that-is-not-understood-is-a-400", test_a_head_that_is_not_understood_is_a_400},
    {"a-head-may-have-8192-bytes-and-no-more", test_a_head_may_have_8192_bytes},
    {"a-denial-says-what-was-asked", test_a_denial_says_what_was_asked},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/network/connection/%s", tests[i].path);

        g_test_add_func(path, tests[i].test);
    }
    g_test_add_data_func("/network/connection/a-client-that-goes-while-identified-leaves-nothing",
                         GINT_TO_POINTER(OSH_STEP_IDENTIFY),
                         test_a_client_that_goes_leaves_nothing);
    g_test_add_data_func("/network/connection/a-client-that-goes-while-waiting-for-room-leaves-"
                         "nothing",
                         GINT_TO_POINTER(OSH_STEP_PERMIT), test_a_client_that_goes_leaves_nothing);
    g_test_add_data_func("/network/connection/a-decision-is-made-from-what-is-known",
                         GINT_TO_POINTER(TRUE), test_a_decision_is_made_from_what_is_known);
    g_test_add_data_func("/network/connection/where-identity-is-relaxed-no-program-is-a-fact",
                         GINT_TO_POINTER(FALSE), test_a_decision_is_made_from_what_is_known);
    return g_test_run();
}
