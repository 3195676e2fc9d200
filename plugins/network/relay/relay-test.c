/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a tunnel: all of them, once, in order, to their end, whatever either side does. */
#include "audit.h"
#include "network-fixture.h"
#include "pipe-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONG_TRANSFER (64 * 1024 * 1024)
#define CHUNK         65536

/* One direction of a transfer: a stream whose every byte depends on its place. */
typedef struct {
    int from;
    int to;
    gsize length;
    gsize sent;
    gsize received;
    guint32 wrote;
    guint32 read;
    gboolean ended;
    gsize urgent; /* every so many bytes one is urgent; 0: none */
} Transfer;

static guint8
next_byte(guint32 *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (guint8)(*state >> 24);
}

static void
transfer_write(Transfer *transfer)
{
    static guint8 bytes[CHUNK];
    guint32 before = transfer->wrote;
    gsize size = MIN(transfer->length - transfer->sent, sizeof bytes);
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    ssize_t n;

    if (transfer->urgent != 0) {
        size = MIN(size, transfer->urgent - transfer->sent % transfer->urgent);
        flags |= (transfer->sent + size) % transfer->urgent == 0 ? MSG_OOB : 0;
    }
    for (gsize i = 0; i < size; i++)
        bytes[i] = next_byte(&transfer->wrote);
    n = send(transfer->from, bytes, size, flags);
    if (n < (ssize_t)size) {
        transfer->wrote = before;
        for (ssize_t i = 0; i < n; i++)
            next_byte(&transfer->wrote);
    }
    if (n > 0)
        transfer->sent += (gsize)n;
}

static void
transfer_send(Transfer *transfer)
{
    transfer_write(transfer);
    if (transfer->sent == transfer->length) {
        shutdown(transfer->from, SHUT_WR);
        transfer->from = -1;
    }
}

static void
transfer_receive(Transfer *transfer)
{
    static guint8 bytes[CHUNK];
    ssize_t n;

    while ((n = recv(transfer->to, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] != next_byte(&transfer->read))
                g_error("byte %zu is another one", transfer->received + (gsize)i);
        transfer->received += (gsize)n;
    }
    if (n == 0)
        transfer->ended = TRUE;
    else if (errno != EAGAIN)
        g_error("the transfer ends by %s", g_strerror(errno));
}

/* Sends until nothing is taken any more: then every buffer on the way is full. */
static void
transfer_choke(OshFixture *fixture, Transfer *transfer)
{
    gsize before = G_MAXSIZE;

    while (before != transfer->sent && transfer->from >= 0) {
        before = transfer->sent;
        transfer_send(transfer);
        osh_fixture_turn(fixture, 0);
        if (before == transfer->sent)
            osh_fixture_settle(fixture);
        if (before == transfer->sent && transfer->from >= 0)
            transfer_send(transfer);
    }
}

static void
transfer_finish(OshFixture *fixture, Transfer *transfers, guint n)
{
    gint64 limit = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
    gboolean more = TRUE;

    while (more && g_get_monotonic_time() < limit) {
        more = FALSE;
        for (guint i = 0; i < n; i++) {
            if (transfers[i].from >= 0)
                transfer_send(&transfers[i]);
            transfer_receive(&transfers[i]);
            more = more || !transfers[i].ended;
        }
        osh_fixture_turn(fixture, 1);
    }
    for (guint i = 0; i < n; i++) {
        g_assert_cmpuint(transfers[i].received, ==, transfers[i].length);
        g_assert_true(transfers[i].ended);
    }
}

typedef struct {
    OshFixture *fixture;
    int server;
    guint16 port;
    int client;
    int upstream;
} Tunnel;

static void
tunnel_open(Tunnel *tunnel)
{
    tunnel->fixture = osh_fixture_new();
    osh_fixture_start(tunnel->fixture);
    tunnel->server = osh_fixture_serve(OSH_FIXTURE_OTHER, &tunnel->port);
    tunnel->client = osh_fixture_tunnel(tunnel->fixture, OSH_FIXTURE_OTHER, tunnel->port,
                                        tunnel->server, &tunnel->upstream);
}

static void
tunnel_close(Tunnel *tunnel)
{
    if (tunnel->client >= 0)
        close(tunnel->client);
    if (tunnel->upstream >= 0)
        close(tunnel->upstream);
    close(tunnel->server);
    osh_fixture_free(tunnel->fixture);
}

static guint64
closed_bytes(const Tunnel *tunnel, gsize index)
{
    guint64 bytes;

    g_variant_get_child(osh_fixture_last(tunnel->fixture, OSH_FIXTURE_CLOSED)->payload, index, "t",
                        &bytes);
    return bytes;
}

static void
assert_closed(const Tunnel *tunnel, const char *reason)
{
    g_autofree char *text =
        osh_fixture_text(osh_fixture_last(tunnel->fixture, OSH_FIXTURE_CLOSED), 4);

    g_assert_cmpuint(osh_fixture_count(tunnel->fixture, OSH_FIXTURE_CLOSED), ==, 1);
    g_assert_cmpstr(text, ==, reason);
}

static void
test_long_transfers_arrive_whole(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel);

    Transfer both[] = {
        {tunnel.client, tunnel.upstream, LONG_TRANSFER, 0, 0, 1, 1, FALSE, 0},
        {tunnel.upstream, tunnel.client, LONG_TRANSFER, 0, 0, 2, 2, FALSE, 0},
    };

    transfer_choke(tunnel.fixture, &both[0]);
    transfer_choke(tunnel.fixture, &both[1]);
    transfer_finish(tunnel.fixture, both, 2);
    osh_fixture_settle(tunnel.fixture);
    assert_closed(&tunnel, "end");
    g_assert_cmpuint(closed_bytes(&tunnel, 1), ==, LONG_TRANSFER);
    g_assert_cmpuint(closed_bytes(&tunnel, 2), ==, LONG_TRANSFER);
    tunnel_close(&tunnel);
}

/* Messages that are copied, until the reader's side takes a part of one. */
/* A read stops at an urgent byte: neither is it the end, nor is there nothing behind it. */
static void
test_urgent_data_is_data_like_any_other(gconstpointer data)
{
    static const gsize urgent[] = {1, 700, 65536, 1000001, 3000000};

    for (gsize i = 0; i < G_N_ELEMENTS(urgent); i++) {
        Tunnel tunnel;
        Transfer transfer;

        tunnel_open(&tunnel);
        transfer = (Transfer){.from = data != NULL ? tunnel.client : tunnel.upstream,
                              .to = data != NULL ? tunnel.upstream : tunnel.client,
                              .length = urgent[i] == 1 ? 3000 : 6000000,
                              .urgent = urgent[i]};
        transfer_finish(tunnel.fixture, &transfer, 1);
        tunnel_close(&tunnel);
    }
}

static void
test_what_follows_an_urgent_byte_does_not_wait(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel);
    osh_fixture_settle(tunnel.fixture);
    g_assert_cmpint(send(tunnel.client, "12", 2, MSG_OOB), ==, 2);
    g_assert_cmpint(send(tunnel.client, "34", 2, 0), ==, 2);
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "1234");
    g_assert_cmpint(send(tunnel.upstream, "56", 2, MSG_OOB), ==, 2);
    g_assert_cmpint(send(tunnel.upstream, "78", 2, 0), ==, 2);
    osh_fixture_expect(tunnel.fixture, tunnel.client, "5678");
    tunnel_close(&tunnel);
}

static void
test_messages_arrive_whole(gconstpointer data)
{
    gboolean upwards = GPOINTER_TO_INT(data) > 0;
    gsize size = (gsize)ABS(GPOINTER_TO_INT(data));
    Tunnel tunnel;

    tunnel_open(&tunnel);

    Transfer one = {upwards ? tunnel.client : tunnel.upstream,
                    upwards ? tunnel.upstream : tunnel.client,
                    0,
                    0,
                    0,
                    4,
                    4,
                    FALSE,
                    0};
    gsize before;

    do {
        before = one.sent;
        one.length = one.sent + size;
        transfer_write(&one);
        osh_fixture_turn(tunnel.fixture, 0);
        osh_fixture_turn(tunnel.fixture, 0);
    } while (one.sent == before + size);
    osh_fixture_settle(tunnel.fixture);
    one.length = one.sent + 100000;
    transfer_finish(tunnel.fixture, &one, 1);
    tunnel_close(&tunnel);
}

/*
 * Bytes that arrive while a direction turns from splicing to copying find it with its pipe, empty,
 * which then takes what the reader does not.
 */
static void
test_a_pipe_in_hand_is_used(void)
{
    Tunnel tunnel;
    OshConnection *connection;

    tunnel_open(&tunnel);
    osh_fixture_settle(tunnel.fixture);
    connection = osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL);

    Transfer one = {tunnel.client, tunnel.upstream, 0, 0, 0, 5, 5, FALSE, 0};
    gsize before;

    do {
        if (connection->up.pipe == NULL)
            connection->up.pipe = osh_pipe_pool_acquire(tunnel.fixture->part.pipes);
        before = one.sent;
        one.length = one.sent + 9000;
        transfer_write(&one);
        osh_fixture_turn(tunnel.fixture, 0);
    } while (one.sent == before + 9000);
    one.length = one.sent + 1;
    transfer_finish(tunnel.fixture, &one, 1);
    tunnel_close(&tunnel);
}

/* As for a user with many pipes: those to come hold less than one read of the relay takes. */
static void
shrink_pipes(OshFixture *fixture)
{
    OshPipe *pipes[2];

    for (guint i = 0; i < 2; i++) {
        pipes[i] = osh_pipe_pool_acquire(fixture->part.pipes);
        g_assert_cmpint(fcntl(pipes[i]->write_fd, F_SETPIPE_SZ, 4096), ==, 4096);
        pipes[i]->capacity = 4096;
    }
    for (guint i = 0; i < 2; i++)
        osh_pipe_release(pipes[i]);
}

static void
test_small_pipes_carry_everything(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel);
    shrink_pipes(tunnel.fixture);

    Transfer both[] = {
        {tunnel.client, tunnel.upstream, 16 * 1024 * 1024, 0, 0, 1, 1, FALSE, 0},
        {tunnel.upstream, tunnel.client, 16 * 1024 * 1024, 0, 0, 2, 2, FALSE, 0},
    };

    transfer_choke(tunnel.fixture, &both[0]);
    transfer_choke(tunnel.fixture, &both[1]);
    transfer_finish(tunnel.fixture, both, 2);
    osh_fixture_settle(tunnel.fixture);
    assert_closed(&tunnel, "end");
    tunnel_close(&tunnel);
}

/* The end of what was sent is known to the relay while it cannot pass on what came before. */
static void
test_an_end_waits_for_the_last_byte(gconstpointer data)
{
    gboolean upwards = GPOINTER_TO_INT(data);
    Tunnel tunnel;

    tunnel_open(&tunnel);

    int from = upwards ? tunnel.client : tunnel.upstream;
    int to = upwards ? tunnel.upstream : tunnel.client;
    Transfer one = {from, to, G_MAXSIZE, 0, 0, 3, 3, FALSE, 0};

    transfer_choke(tunnel.fixture, &one);
    one.length = one.sent + 1;
    while (one.from >= 0) {
        transfer_receive(&one);
        osh_fixture_turn(tunnel.fixture, 1);
        transfer_send(&one);
    }
    osh_fixture_settle(tunnel.fixture);
    transfer_finish(tunnel.fixture, &one, 1);
    /* The other direction goes on for as long as it likes. */
    osh_fixture_send(to, "still here");
    osh_fixture_expect(tunnel.fixture, from, "still here");
    shutdown(to, SHUT_WR);
    osh_fixture_expect_end(tunnel.fixture, from);
    osh_fixture_settle(tunnel.fixture);
    assert_closed(&tunnel, "end");
    g_assert_cmpuint(closed_bytes(&tunnel, upwards ? 1 : 2), ==, one.length);
    g_assert_cmpuint(closed_bytes(&tunnel, upwards ? 2 : 1), ==, strlen("still here"));
    tunnel_close(&tunnel);
}

static void
test_a_reset_arrives_as_a_reset(gconstpointer data)
{
    gboolean by_client = GPOINTER_TO_INT(data) & 1;
    gboolean after_half_close = GPOINTER_TO_INT(data) & 2;
    Tunnel tunnel;
    int *reset, *other;

    tunnel_open(&tunnel);
    reset = by_client ? &tunnel.client : &tunnel.upstream;
    other = by_client ? &tunnel.upstream : &tunnel.client;
    if (after_half_close) {
        shutdown(*reset, SHUT_WR);
        osh_fixture_expect_end(tunnel.fixture, *other);
    }
    osh_fixture_reset(*reset);
    *reset = -1;
    osh_fixture_settle(tunnel.fixture);
    if (after_half_close)
        g_assert_true(send(*other, "x", 1, MSG_NOSIGNAL) < 0);
    else
        osh_fixture_expect_reset(tunnel.fixture, *other);
    assert_closed(&tunnel, "reset");
    tunnel_close(&tunnel);
}

static void
test_a_reset_of_a_choked_tunnel_arrives(gconstpointer data)
{
    gboolean by_reader = GPOINTER_TO_INT(data);
    Tunnel tunnel;
    int error_number;
    g_autofree char *got = NULL;

    tunnel_open(&tunnel);

    Transfer one = {tunnel.client, tunnel.upstream, G_MAXSIZE, 0, 0, 3, 3, FALSE, 0};

    transfer_choke(tunnel.fixture, &one);
    if (by_reader) {
        osh_fixture_reset(tunnel.upstream);
        tunnel.upstream = -1;
        got = osh_fixture_read_all(tunnel.fixture, tunnel.client, &error_number);
    } else {
        osh_fixture_reset(tunnel.client);
        tunnel.client = -1;
        osh_fixture_settle(tunnel.fixture);
        got = osh_fixture_read_all(tunnel.fixture, tunnel.upstream, &error_number);
    }
    g_assert_cmpint(error_number, ==, ECONNRESET);
    osh_fixture_settle(tunnel.fixture);
    assert_closed(&tunnel, "reset");
    tunnel_close(&tunnel);
}

static void
test_an_end_of_both_is_no_reset(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel);
    osh_fixture_send(tunnel.client, "question");
    shutdown(tunnel.client, SHUT_WR);
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "question");
    osh_fixture_expect_end(tunnel.fixture, tunnel.upstream);
    osh_fixture_send(tunnel.upstream, "an answer");
    close(tunnel.upstream);
    tunnel.upstream = -1;
    osh_fixture_expect(tunnel.fixture, tunnel.client, "an answer");
    osh_fixture_expect_end(tunnel.fixture, tunnel.client);
    osh_fixture_settle(tunnel.fixture);
    assert_closed(&tunnel, "end");
    g_assert_cmpuint(closed_bytes(&tunnel, 1), ==, strlen("question"));
    g_assert_cmpuint(closed_bytes(&tunnel, 2), ==, strlen("an answer"));
    g_assert_cmpint(tunnel.fixture->metrics[1], ==, strlen("question"));
    g_assert_cmpint(tunnel.fixture->metrics[2], ==, strlen("an answer"));
    tunnel_close(&tunnel);
}

/* What cannot be kept is not left out silently: the transfer ends by a reset on both sides. */
static void
test_without_a_pipe_nothing_is_left_out(void)
{
    Tunnel tunnel;
    struct rlimit before, none;
    int error_number;
    g_autofree char *got = NULL;

    tunnel_open(&tunnel);
    osh_fixture_settle(tunnel.fixture);

    Transfer one = {tunnel.client, tunnel.upstream, G_MAXSIZE, 0, 0, 3, 3, FALSE, 0};

    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){3, before.rlim_max};
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    for (guint i = 0;
         i < 1000 && one.from >= 0 && osh_fixture_count(tunnel.fixture, OSH_FIXTURE_CLOSED) == 0;
         i++) {
        transfer_send(&one);
        osh_fixture_turn(tunnel.fixture, 1);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    assert_closed(&tunnel, "reset");
    got = osh_fixture_read_all(tunnel.fixture, tunnel.upstream, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    tunnel_close(&tunnel);
}

static void
test_bytes_behind_the_head_come_first_and_once(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *surplus = g_strnfill(6000, 's');
    g_autoptr(GString) head = g_string_new(NULL);
    guint16 port;
    int server, client, upstream;

    osh_fixture_start(fixture);
    server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    client = osh_fixture_client(fixture);
    g_string_printf(head, "CONNECT " OSH_FIXTURE_OTHER ":%u HTTP/1.1\r\n\r\n%s", port, surplus);
    osh_fixture_send(client, head->str);
    upstream = osh_fixture_accept(fixture, server);
    osh_fixture_send(client, "later");
    shutdown(client, SHUT_WR);
    osh_fixture_expect(fixture, upstream, surplus);
    osh_fixture_expect(fixture, upstream, "later");
    osh_fixture_expect_end(fixture, upstream);
    close(upstream);
    osh_fixture_settle(fixture);
    g_assert_cmpint(fixture->metrics[1], ==, 6005);
    close(client);
    close(server);
    osh_fixture_free(fixture);
}

/* Nothing announces the end again: it came with the bytes that were read as the head. */
static void
test_an_end_that_came_with_the_head_is_passed_on(gconstpointer surplus)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *head = NULL;
    guint16 port;
    int server, client, upstream;

    osh_fixture_start(fixture);
    server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    client = osh_fixture_client(fixture);
    head = g_strdup_printf("CONNECT " OSH_FIXTURE_OTHER ":%u HTTP/1.1\r\n\r\n%s", port,
                           (const char *)surplus);
    osh_fixture_send(client, head);
    shutdown(client, SHUT_WR);
    upstream = osh_fixture_accept(fixture, server);
    osh_fixture_expect(fixture, upstream, surplus);
    osh_fixture_expect_end(fixture, upstream);
    osh_fixture_send(upstream, "answer");
    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\nanswer");
    close(upstream);
    osh_fixture_expect_end(fixture, client);
    close(client);
    close(server);
    osh_fixture_free(fixture);
}

/* More than one read of a head takes, and no later packet that would announce the rest. */
static void
test_bytes_that_a_full_head_left_behind_are_not_forgotten(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *surplus = g_strnfill(60000, 's');
    g_autoptr(GString) head = g_string_new(NULL);
    guint16 port;
    int server, client, upstream;

    osh_fixture_start(fixture);
    server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    client = osh_fixture_client(fixture);
    g_string_printf(head, "CONNECT " OSH_FIXTURE_OTHER ":%u HTTP/1.1\r\n\r\n%s", port, surplus);
    osh_fixture_send(client, head->str);
    upstream = osh_fixture_accept(fixture, server);
    osh_fixture_expect(fixture, upstream, surplus);
    close(client);
    osh_fixture_expect_reset(fixture, upstream);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* A tunnel that moves bytes without pause does not keep the shard from another one. */
static void
test_a_busy_tunnel_leaves_others_their_turn(void)
{
    Tunnel busy;
    int client, upstream;

    tunnel_open(&busy);
    client = osh_fixture_tunnel(busy.fixture, OSH_FIXTURE_OTHER, busy.port, busy.server, &upstream);
    for (guint i = 0; i < 200; i++) {
        Transfer one = {busy.client, busy.upstream, G_MAXSIZE, 0, 0, 1, 1, FALSE, 0};

        transfer_send(&one);
        osh_fixture_send(client, "x");
        osh_fixture_expect(busy.fixture, upstream, "x");
        while (recv(busy.upstream, &(char[CHUNK]){0}, CHUNK, MSG_DONTWAIT) > 0)
            continue;
    }
    close(client);
    close(upstream);
    tunnel_close(&busy);
}

/* A connection that waits for its next turn may be closed meanwhile. */
static void
test_a_tunnel_closed_between_turns_is_forgotten(void)
{
    Tunnel tunnel;
    OshConnection *connection;

    tunnel_open(&tunnel);
    connection = osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL);
    osh_connection_again(connection);
    osh_connection_again(connection);
    g_assert_cmpuint(tunnel.fixture->part.again->len, ==, 1);
    osh_connection_close(connection, "test");
    g_assert_cmpuint(tunnel.fixture->part.again->len, ==, 0);
    osh_fixture_settle(tunnel.fixture);
    tunnel_close(&tunnel);
}

/* A turn that is over goes on by itself: no event will announce bytes that are there already. */
static void
test_a_turn_that_is_over_goes_on(void)
{
    Tunnel tunnel;
    OshConnection *connection;

    tunnel_open(&tunnel);
    connection = osh_fixture_first(tunnel.fixture, OSH_STEP_TUNNEL);
    osh_fixture_settle(tunnel.fixture);
    osh_fixture_send(tunnel.client, "once");
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "once");
    connection->up.readable = TRUE;
    osh_connection_again(connection);
    osh_fixture_settle(tunnel.fixture);
    g_assert_false(connection->up.readable);
    g_assert_false(connection->again);
    tunnel_close(&tunnel);
}

static void
test_an_idle_tunnel_is_closed_at_its_time(void)
{
    Tunnel tunnel;
    OshFixture *fixture;

    tunnel_open(&tunnel);
    fixture = tunnel.fixture;
    fixture->network.config.idle_timeout = 30 * G_TIME_SPAN_SECOND;
    /* A byte in either direction begins the time anew. */
    osh_fixture_advance(fixture, 29 * G_TIME_SPAN_SECOND);
    osh_fixture_send(tunnel.client, "u");
    osh_fixture_expect(fixture, tunnel.upstream, "u");
    osh_fixture_advance(fixture, 29 * G_TIME_SPAN_SECOND);
    osh_fixture_send(tunnel.upstream, "d");
    osh_fixture_expect(fixture, tunnel.client, "d");
    osh_fixture_advance(fixture, 29 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_CLOSED), ==, 0);
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND);
    assert_closed(&tunnel, "idle");
    /* An end in good order could be taken for the end of what was sent. */
    osh_fixture_expect_reset(fixture, tunnel.client);
    osh_fixture_expect_reset(fixture, tunnel.upstream);
    tunnel_close(&tunnel);
}

static void
test_without_an_idle_time_a_tunnel_stays(void)
{
    Tunnel tunnel;

    tunnel_open(&tunnel);
    osh_fixture_advance(tunnel.fixture, 100 * 3600 * G_TIME_SPAN_SECOND);
    osh_fixture_send(tunnel.client, "u");
    osh_fixture_expect(tunnel.fixture, tunnel.upstream, "u");
    tunnel_close(&tunnel);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/relay/64-MiB-each-way-past-readers-that-pause-arrive-whole",
                    test_long_transfers_arrive_whole);
    g_test_add_data_func("/network/relay/urgent-data-of-the-client-is-data-like-any-other",
                         GINT_TO_POINTER(TRUE), test_urgent_data_is_data_like_any_other);
    g_test_add_data_func("/network/relay/urgent-data-of-the-server-is-data-like-any-other",
                         GINT_TO_POINTER(FALSE), test_urgent_data_is_data_like_any_other);
    g_test_add_func("/network/relay/what-follows-an-urgent-byte-does-not-wait",
                    test_what_follows_an_urgent_byte_does_not_wait);
    g_test_add_data_func("/network/relay/messages-past-a-server-that-pauses-arrive-whole",
                         GINT_TO_POINTER(9000), test_messages_arrive_whole);
    g_test_add_data_func("/network/relay/messages-past-a-client-that-pauses-arrive-whole",
                         GINT_TO_POINTER(-9000), test_messages_arrive_whole);
    g_test_add_data_func("/network/relay/small-messages-past-a-server-that-pauses-arrive-whole",
                         GINT_TO_POINTER(700), test_messages_arrive_whole);
    g_test_add_data_func("/network/relay/small-messages-past-a-client-that-pauses-arrive-whole",
                         GINT_TO_POINTER(-700), test_messages_arrive_whole);
    g_test_add_func("/network/relay/a-pipe-in-hand-is-used", test_a_pipe_in_hand_is_used);
    g_test_add_func("/network/relay/pipes-smaller-than-a-read-carry-everything",
                    test_small_pipes_carry_everything);
    g_test_add_data_func("/network/relay/the-client's-end-waits-for-its-last-byte",
                         GINT_TO_POINTER(TRUE), test_an_end_waits_for_the_last_byte);
    g_test_add_data_func("/network/relay/the-server's-end-waits-for-its-last-byte",
                         GINT_TO_POINTER(FALSE), test_an_end_waits_for_the_last_byte);
    g_test_add_data_func("/network/relay/a-reset-by-the-server-arrives-as-a-reset",
                         GINT_TO_POINTER(0), test_a_reset_arrives_as_a_reset);
    g_test_add_data_func("/network/relay/a-reset-by-the-client-arrives-as-a-reset",
                         GINT_TO_POINTER(1), test_a_reset_arrives_as_a_reset);
    g_test_add_data_func("/network/relay/a-reset-after-the-server's-end-arrives",
                         GINT_TO_POINTER(2), test_a_reset_arrives_as_a_reset);
    g_test_add_data_func("/network/relay/a-reset-after-the-client's-end-arrives",
                         GINT_TO_POINTER(3), test_a_reset_arrives_as_a_reset);
    g_test_add_data_func("/network/relay/a-reset-by-the-sender-of-a-choked-tunnel-arrives",
                         GINT_TO_POINTER(FALSE), test_a_reset_of_a_choked_tunnel_arrives);
    g_test_add_data_func("/network/relay/a-reset-by-the-reader-of-a-choked-tunnel-arrives",
                         GINT_TO_POINTER(TRUE), test_a_reset_of_a_choked_tunnel_arrives);
    g_test_add_func("/network/relay/an-end-of-both-sides-is-no-reset",
                    test_an_end_of_both_is_no_reset);
    g_test_add_func("/network/relay/without-a-pipe-nothing-is-left-out-silently",
                    test_without_a_pipe_nothing_is_left_out);
    g_test_add_func("/network/relay/bytes-behind-the-head-come-first-and-once",
                    test_bytes_behind_the_head_come_first_and_once);
    g_test_add_data_func("/network/relay/an-end-that-came-with-the-head-is-passed-on", "",
                         test_an_end_that_came_with_the_head_is_passed_on);
    g_test_add_data_func("/network/relay/an-end-that-came-with-bytes-behind-the-head-is-passed-on",
                         "hello", test_an_end_that_came_with_the_head_is_passed_on);
    g_test_add_func("/network/relay/bytes-that-a-full-head-left-behind-are-not-forgotten",
                    test_bytes_that_a_full_head_left_behind_are_not_forgotten);
    g_test_add_func("/network/relay/a-busy-tunnel-leaves-others-their-turn",
                    test_a_busy_tunnel_leaves_others_their_turn);
    g_test_add_func("/network/relay/a-tunnel-closed-between-turns-is-forgotten",
                    test_a_tunnel_closed_between_turns_is_forgotten);
    g_test_add_func("/network/relay/a-turn-that-is-over-goes-on", test_a_turn_that_is_over_goes_on);
    g_test_add_func("/network/relay/an-idle-tunnel-is-closed-at-its-time",
                    test_an_idle_tunnel_is_closed_at_its_time);
    g_test_add_func("/network/relay/without-an-idle-time-a-tunnel-stays",
                    test_without_an_idle_time_a_tunnel_stays);
    return g_test_run();
}
