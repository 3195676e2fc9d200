/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of an inspected connection: peers that are slow, that end, that reset. Nothing is lost, and
 * nothing that was cut looks finished.
 */
#include "driver-private.h"
#include "l7-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MEBIBYTE (1024 * 1024)
/* A slow reader takes this at a time. */
#define SIP 20000

/* What tells each position from others nearby; no line ends in it. */
static char
byte_at(gsize at)
{
    return (char)('a' + (at * 31 + at / 251 + at / 65537) % 26);
}

static GString *
make_bytes(gsize length)
{
    GString *bytes = g_string_sized_new(length);

    for (gsize at = 0; at < length; at++)
        g_string_append_c(bytes, byte_at(at));
    return bytes;
}

/* Sends from @from what fits, and reads from @to a sip, until @expected has arrived. */
static void
pump(L7World *world, int from, const GString *sent, int to, const GString *expected)
{
    g_autoptr(GString) got = g_string_new(NULL);
    gint64 limit = g_get_monotonic_time() + 30 * G_TIME_SPAN_SECOND;
    gsize at = 0;
    char sip[SIP];

    while (got->len < expected->len) {
        ssize_t n = 0;

        if (at < sent->len)
            n = send(from, sent->str + at, sent->len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world->fixture, 0);
        n = recv(to, sip, sizeof sip, MSG_DONTWAIT);
        if (n > 0)
            g_string_append_len(got, sip, n);
        else
            g_assert_true(n < 0 && errno == EAGAIN);
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
    }
    g_assert_cmpuint(at, ==, sent->len);
    g_assert_cmpmem(got->str, got->len, expected->str, expected->len);
}

/* Our ends of both connections are as small as the peers'. */
static void
make_small(L7World *world)
{
    OshConnection *connection;

    osh_fixture_settle(world->fixture);
    connection = osh_fixture_first(world->fixture, OSH_STEP_INSPECT);
    l7_small_buffers(world->client);
    l7_small_buffers(world->upstream);
    l7_small_buffers(connection->client_fd);
    l7_small_buffers(connection->upstream_fd);
}

static void
begin_small(L7World *world, L7Feed feed)
{
    l7_world_begin(world, feed);
    osh_fixture_send(world->client, "hello\n");
    osh_fixture_expect(world->fixture, world->upstream, "hello\n");
    make_small(world);
}

static void
test_a_slow_client_loses_nothing(void)
{
    g_autoptr(GString) bytes = make_bytes(MEBIBYTE);
    L7World world;

    begin_small(&world, NULL);
    pump(&world, world.upstream, bytes, world.client, bytes);
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    /* The connection is still one. */
    osh_fixture_send(world.client, "again\n");
    osh_fixture_expect(world.fixture, world.upstream, "again\n");
    l7_world_close(&world);
}

/* As long as the client takes nothing, the server's bytes stay with the server. */
static void
test_a_client_that_reads_nothing_costs_no_memory(void)
{
    g_autoptr(GString) bytes = make_bytes(8 * MEBIBYTE);
    const OshLeg *leg;
    gsize at = 0;
    L7World world;

    begin_small(&world, NULL);
    leg = &osh_fixture_first(world.fixture, OSH_STEP_INSPECT)->driver->sides[0].leg;
    for (guint quiet = 0; quiet < 20;) {
        ssize_t n = send(world.upstream, bytes->str + at, bytes->len - at, MSG_DONTWAIT);

        quiet = n > 0 ? 0 : quiet + 1;
        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world.fixture, 5);
        g_assert_cmpuint(osh_leg_left(leg), <=, OSH_DRIVER_WINDOW);
    }
    g_assert_cmpuint(osh_leg_left(leg), >, 0);
    g_assert_cmpuint(at, <, bytes->len);
    l7_world_close(&world);
}

static void
test_a_slow_server_loses_nothing(void)
{
    g_autoptr(GString) bytes = make_bytes(MEBIBYTE);
    L7World world;

    for (gsize at = 999; at < bytes->len; at += 1000)
        bytes->str[at] = '\n';
    bytes->str[bytes->len - 1] = '\n';
    begin_small(&world, NULL);
    world.fixture->room = 10000;
    pump(&world, world.client, bytes, world.upstream, bytes);
    l7_world_close(&world);
}

/* Each chunk of the server gets a head of bytes that change in the next call, and a tail of ours;
 * its first byte stays behind, masked. */
static gsize
feed_rewriting(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    static char head[] = "<0";
    L7Session *session = world->session;

    head[1] = '!';
    if (input->direction == OSH_CLIENT_TO_SERVER || input->window.length < 2)
        return l7_lines_feed(world, input, actions, ret_deadline);
    head[1] = (char)('0' + world->step++ % 10);
    session->pieces[0] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {head, 2}};
    session->pieces[1] =
        (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = 1, .length = 1, .has_mask = 1};
    memset(session->pieces[1].mask, 0x20, 4);
    session->pieces[2] = (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = 0, .length = 1};
    actions[0] = (OshL7Action){.type = OSH_L7_REPLACE, .length = 2, .u.send = {session->pieces, 3}};
    return 1;
}

static void
test_pieces_arrive_as_they_were(void)
{
    g_autoptr(GString) bytes = make_bytes(64 * 1024);
    g_autoptr(GString) expected = g_string_new(NULL);
    L7World world;

    for (gsize at = 0; at < bytes->len; at += 2)
        g_string_append_printf(expected, "<%u%c%c", (guint)(at / 2 % 10), bytes->str[at + 1] ^ 0x20,
                               bytes->str[at]);
    begin_small(&world, feed_rewriting);
    pump(&world, world.upstream, bytes, world.client, expected);
    l7_world_close(&world);
}

/* For each line of the client, so many words of ours to it, as far as there is capacity. */
static gsize
feed_talking(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    static char words[1000];
    gsize n = l7_lines_feed(world, input, actions, ret_deadline);

    if (n < 2 || input->direction == OSH_SERVER_TO_CLIENT)
        return n;
    if (input->capacity[OSH_SERVER_TO_CLIENT] == 0) {
        /* Once more, when there is capacity. */
        world->session->state = L7_ALLOWED;
        return 0;
    }
    memset(words, 'A' + (int)(world->step++ % 26), sizeof words);
    world->session->pieces[0] =
        (OshL7Piece){.type = OSH_L7_PIECE_BYTES, .bytes = {words, sizeof words}};
    actions[n++] = (OshL7Action){.type = OSH_L7_EMIT,
                                 .direction = OSH_SERVER_TO_CLIENT,
                                 .u.send = {world->session->pieces, 1}};
    return n;
}

static void
test_what_is_emitted_waits_for_capacity(void)
{
    enum { LINES = 400 };
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new(NULL);
    L7World world;

    for (guint i = 0; i <= LINES; i++)
        for (guint byte = 0; byte < 1000; byte++)
            g_string_append_c(expected, (char)('A' + i % 26));
    for (guint i = 0; i < LINES; i++)
        g_string_append(lines, "x\n");
    begin_small(&world, feed_talking);
    osh_fixture_send(world.client, lines->str);
    osh_fixture_settle(world.fixture);
    /* Some have to wait: the capacity is less than what all of them say. */
    g_assert_cmpuint(world.step, <, LINES);
    g_string_truncate(lines, 0);
    pump(&world, world.client, lines, world.client, expected);
    g_assert_cmpuint(world.fixture->warnings, ==, 0);
    l7_world_close(&world);
}

/* --- Ends --------------------------------------------------------------------------------------
 */

static void
test_an_end_is_passed_on_behind_the_last_byte(void)
{
    g_autoptr(GString) bytes = make_bytes(200 * 1024);
    g_autofree char *got = NULL;
    g_autofree char *sent = NULL;
    int error_number;
    L7World world;

    begin_small(&world, NULL);
    osh_fixture_send(world.client, "last\n");
    shutdown(world.client, SHUT_WR);
    sent = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpstr(sent, ==, "last\n");
    g_assert_cmpint(error_number, ==, 0);
    /* The other direction goes on. */
    pump(&world, world.upstream, bytes, world.client, bytes);
    osh_fixture_send(world.upstream, "bye");
    shutdown(world.upstream, SHUT_WR);
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpstr(got, ==, "bye");
    g_assert_cmpint(error_number, ==, 0);
    OSH_WAIT_FOR(world.fixture, world.n_closed == 1);
    l7_assert_closed(&world, "end");
    l7_world_close(&world);
}

static void
test_an_end_of_the_server_behind_a_slow_client(void)
{
    g_autofree char *text = g_strnfill(30000, 'z');
    g_autofree char *got = NULL;
    int error_number;
    L7World world;

    begin_small(&world, NULL);
    for (gsize at = 0; at < strlen(text);) {
        ssize_t n = send(world.upstream, text + at, strlen(text) - at, MSG_DONTWAIT);

        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world.fixture, 1);
    }
    shutdown(world.upstream, SHUT_WR);
    osh_fixture_settle(world.fixture);
    got = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpstr(got, ==, text);
    g_assert_cmpint(error_number, ==, 0);
    l7_world_close(&world);
}

static void
test_an_end_inside_a_message_is_a_reset_for_the_server(void)
{
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_send(world.client, "whole\nhalf");
    shutdown(world.client, SHUT_WR);
    osh_fixture_expect(world.fixture, world.upstream, "whole\n");
    osh_fixture_expect_reset(world.fixture, world.upstream);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "ended inside a message");
    l7_assert_closed(&world, "cut short");
    l7_world_close(&world);
}

/* Waits for a whole line of the server, too. */
static gsize
feed_lines_both_ways(L7World *world, const OshL7Input *input, OshL7Action *actions,
                     gint64 *ret_deadline)
{
    if (input->direction == OSH_SERVER_TO_CLIENT && input->window.length > 0 &&
        memchr(input->window.data, '\n', input->window.length) == NULL)
        return l7_more(actions);
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_an_end_inside_a_reply_is_a_reset_for_the_client(void)
{
    L7World world;

    l7_world_begin(&world, feed_lines_both_ways);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    osh_fixture_send(world.upstream, "half of a rep");
    shutdown(world.upstream, SHUT_WR);
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "ended inside a message");
    l7_world_close(&world);
}

static void
test_a_reset_is_passed_on_both_ways(void)
{
    for (guint from_client = 0; from_client < 2; from_client++) {
        L7World world;
        int *gone = from_client ? &world.client : &world.upstream;

        l7_world_begin(&world, NULL);
        osh_fixture_send(world.client, "hello\n");
        osh_fixture_expect(world.fixture, world.upstream, "hello\n");
        osh_fixture_settle(world.fixture);
        osh_fixture_reset(*gone);
        *gone = -1;
        osh_fixture_expect_reset(world.fixture, from_client ? world.upstream : world.client);
        g_assert_true(world.last[!from_client].reset);
        l7_assert_closed(&world, "reset");
        l7_world_close(&world);
    }
}

/* Waits for something that never comes, and reads nothing of the client meanwhile. */
static gsize
feed_waiting(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0)
        return 0;
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
test_a_reset_is_heard_of_though_nothing_is_read(void)
{
    L7World world;

    l7_world_begin(&world, feed_waiting);
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_reset(world.client);
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_true(world.last[OSH_CLIENT_TO_SERVER].reset);
    l7_world_close(&world);
}

/* A server that has answered and is gone, while the client still sends: the answer arrives. */
static void
test_an_answer_before_a_reset_arrives(void)
{
    g_autofree char *answer = NULL;
    int error_number;
    L7World world;

    l7_world_begin(&world, NULL);
    osh_fixture_send(world.client, "hello\n");
    OSH_WAIT_FOR(world.fixture, osh_fixture_pending(world.upstream));
    /* Bytes that it has not read make its close a reset. */
    osh_fixture_send(world.upstream, "too large\n");
    close(world.upstream);
    world.upstream = -1;
    osh_fixture_send(world.client, "more\nmore\n");
    answer = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpstr(answer, ==, "too large\n");
    g_assert_cmpint(error_number, ==, ECONNRESET);
    l7_world_close(&world);
}

/* --- The end by the session --------------------------------------------------------------------
 */

/* Says more to the server, behind one line of the client, than the kernel takes at once, and ends.
 */
static gsize
feed_ending(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    static char many[OSH_L7_BYTES_MAX];
    L7Session *session = world->session;
    gsize n = l7_lines_feed(world, input, actions, ret_deadline);

    if (input->direction == OSH_SERVER_TO_CLIENT || n != 2 || world->step == 0)
        return n;
    memset(many, 'm', sizeof many);
    session->pieces[0] = (OshL7Piece){.type = OSH_L7_PIECE_BYTES,
                                      .bytes = {many, world->step == 1 ? 1 : sizeof many}};
    session->pieces[1] = (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .length = actions[0].length};
    actions[0].type = OSH_L7_REPLACE;
    actions[0].u.send.pieces = session->pieces;
    actions[0].u.send.n_pieces = 2;
    actions[n++].type = OSH_L7_END;
    world->step = 3;
    return n;
}

/* Returns: (transfer full): the line that ended it. */
static char *
end_by_long_line(L7World *world)
{
    enum { LENGTH = 30000 };
    char *line = g_strnfill(LENGTH, 'e');

    line[LENGTH - 1] = '\n';
    begin_small(world, feed_ending);
    world->step = 2;
    for (gsize at = 0; at < LENGTH;) {
        ssize_t n = send(world->client, line + at, LENGTH - at, MSG_DONTWAIT);

        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world->fixture, 1);
    }
    OSH_WAIT_FOR(world->fixture, world->step == 3);
    g_assert_nonnull(world->session);
    return line;
}

static void
test_an_end_lets_out_what_was_sent_to_a_slow_server(void)
{
    L7World world;
    g_autofree char *line = end_by_long_line(&world);
    g_autofree char *got = NULL;
    int error_number;

    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpuint(strlen(got), ==, OSH_L7_BYTES_MAX + strlen(line));
    g_assert_cmpstr(got + OSH_L7_BYTES_MAX, ==, line);
    g_assert_cmpint(error_number, ==, 0);
    osh_fixture_expect_end(world.fixture, world.client);
    l7_world_close(&world);
}

static void
test_an_end_does_not_wait_for_ever(void)
{
    L7World world;
    g_autofree char *line = end_by_long_line(&world);

    osh_fixture_advance(world.fixture, 3 * G_TIME_SPAN_SECOND);
    g_assert_null(world.session);
    /* What was cut does not look finished. */
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_world_close(&world);
}

static void
test_an_end_lingers_for_the_client(void)
{
    L7World world;

    l7_world_begin(&world, feed_ending);
    world.step = 1;
    osh_fixture_send(world.client, "bye\n");
    osh_fixture_expect(world.fixture, world.upstream, "mbye\n");
    osh_fixture_expect_end(world.fixture, world.client);
    /* What it still sends is read and dropped: no reset takes the words away. */
    osh_fixture_send(world.client, "late\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_expect_end(world.fixture, world.upstream);
    osh_fixture_expect_end(world.fixture, world.client);
    osh_fixture_advance(world.fixture, 3 * G_TIME_SPAN_SECOND);
    l7_assert_closed(&world, "timeout");
    l7_world_close(&world);
}

/* --- What no other test sees -------------------------------------------------------------------
 */

/* Returns: how many of @length bytes are 0. */
static gsize
count_zeros(const guint8 *bytes, gsize length)
{
    gsize n = 0;

    for (gsize i = 0; i < length; i++)
        n += bytes[i] == 0;
    return n;
}

/* What has been a secret is wiped where it was, also behind what is moved to the front. */
static void
test_a_secret_that_was_written_is_nowhere(void)
{
    enum { LENGTH = 300000, PART = 4096 };
    const guint8 key[4] = {0};
    OshLeg leg = {0};
    guint8 part[PART];
    guint8 sip[SIP];
    int pair[2];
    gsize before;

    memset(part, 's', sizeof part);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
    l7_small_buffers(pair[0]);
    leg.fd = pair[0];
    osh_leg_send(&leg, "plain", 5);
    for (gsize at = 0; at < LENGTH; at += PART)
        osh_leg_send_secret(&leg, part, PART, at % 2 == 0 ? NULL : key, 0);
    osh_leg_flush(&leg);
    before = osh_leg_left(&leg);
    g_assert_cmpuint(before, >, 0);
    while (osh_leg_left(&leg) == before) {
        g_assert_cmpint(recv(pair[1], sip, sizeof sip, 0), >, 0);
        osh_leg_flush(&leg);
    }
    g_assert_true(leg.is_secret);
    g_assert_cmpuint(count_zeros(leg.rest->data, leg.rest->len), ==, 0);
    g_assert_cmpuint(count_zeros(leg.rest->data + leg.rest->len, before - leg.rest->len), ==,
                     before - leg.rest->len);
    while (osh_leg_left(&leg) > 0) {
        g_assert_cmpint(recv(pair[1], sip, sizeof sip, 0), >, 0);
        osh_leg_flush(&leg);
    }
    g_assert_false(leg.is_secret);
    osh_leg_clear(&leg);
    close(pair[0]);
    close(pair[1]);
}

static guint n_shutdowns;

static OshTlsResult
shutdown_later(OshTlsSession *session)
{
    (void)session;
    return ++n_shutdowns < 3 ? OSH_TLS_WANT_WRITE : OSH_TLS_DONE;
}

static void
test_an_end_of_tls_waits_for_a_socket_that_is_full(void)
{
    const OshTlsModule tls = {.session_shutdown = shutdown_later};
    OshLeg leg = {.tls = &tls};
    int pair[2];
    char byte;

    n_shutdowns = 0;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
    leg.fd = pair[0];
    for (guint i = 0; i < 2; i++) {
        g_assert_false(osh_leg_end(&leg));
        g_assert_false(leg.is_ended);
        /* Nobody is told of an end that is not one of TLS. */
        g_assert_cmpint(recv(pair[1], &byte, 1, 0), <, 0);
    }
    g_assert_true(osh_leg_end(&leg));
    g_assert_cmpint(recv(pair[1], &byte, 1, 0), ==, 0);
    g_assert_true(osh_leg_end(&leg));
    g_assert_cmpuint(n_shutdowns, ==, 3);
    close(pair[0]);
    close(pair[1]);
}

/* --- Leaks: the fixture asserts that there are none --------------------------------------------
 */

static void
test_the_host_may_stop_at_any_moment(void)
{
    static const L7Feed feeds[] = {NULL, feed_waiting, feed_lines_both_ways};

    for (guint i = 0; i < 2 * G_N_ELEMENTS(feeds); i++) {
        g_autoptr(GString) bytes = make_bytes(20000);
        L7World world;

        l7_world_begin(&world, feeds[i / 2]);
        if (i % 2 == 1) {
            osh_fixture_send(world.client, "hello\nhalf");
            osh_fixture_send(world.upstream, bytes->str);
            osh_fixture_settle(world.fixture);
            g_assert_nonnull(world.session);
        }
        osh_fixture_stop(world.fixture);
        l7_world_close(&world);
    }
}

static void
test_the_host_may_stop_while_bytes_wait(void)
{
    L7World world;

    begin_small(&world, NULL);
    for (guint i = 0; i < 200; i++) {
        send(world.upstream, "0123456789", 10, MSG_DONTWAIT);
        osh_fixture_turn(world.fixture, 0);
    }
    osh_fixture_stop(world.fixture);
    g_assert_cmpuint(world.n_closed, ==, 1);
    l7_world_close(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/leg/" sentence, function)
    ADD("a-slow-client-loses-nothing", test_a_slow_client_loses_nothing);
    ADD("a-client-that-reads-nothing-costs-no-memory",
        test_a_client_that_reads_nothing_costs_no_memory);
    ADD("a-slow-server-loses-nothing", test_a_slow_server_loses_nothing);
    ADD("pieces-arrive-as-they-were", test_pieces_arrive_as_they_were);
    ADD("what-is-emitted-waits-for-capacity", test_what_is_emitted_waits_for_capacity);
    ADD("an-end-is-passed-on-behind-the-last-byte", test_an_end_is_passed_on_behind_the_last_byte);
    ADD("an-end-of-the-server-behind-a-slow-client",
        test_an_end_of_the_server_behind_a_slow_client);
    ADD("an-end-inside-a-message-is-a-reset-for-the-server",
        test_an_end_inside_a_message_is_a_reset_for_the_server);
    ADD("an-end-inside-a-reply-is-a-reset-for-the-client",
        test_an_end_inside_a_reply_is_a_reset_for_the_client);
    ADD("a-reset-is-passed-on-both-ways", test_a_reset_is_passed_on_both_ways);
    ADD("a-reset-is-heard-of-though-nothing-is-read",
        test_a_reset_is_heard_of_though_nothing_is_read);
    ADD("an-answer-before-a-reset-arrives", test_an_answer_before_a_reset_arrives);
    ADD("an-end-lets-out-what-was-sent-to-a-slow-server",
        test_an_end_lets_out_what_was_sent_to_a_slow_server);
    ADD("an-end-does-not-wait-for-ever", test_an_end_does_not_wait_for_ever);
    ADD("an-end-lingers-for-the-client", test_an_end_lingers_for_the_client);
    ADD("a-secret-that-was-written-is-nowhere", test_a_secret_that_was_written_is_nowhere);
    ADD("an-end-of-tls-waits-for-a-socket-that-is-full",
        test_an_end_of_tls_waits_for_a_socket_that_is_full);
    ADD("the-host-may-stop-at-any-moment", test_the_host_may_stop_at_any_moment);
    ADD("the-host-may-stop-while-bytes-wait", test_the_host_may_stop_while_bytes_wait);
    return g_test_run();
}
