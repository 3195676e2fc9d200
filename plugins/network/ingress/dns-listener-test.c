/* SPDX-License-Identifier: Apache-2.0 */
/* Queries over datagrams and streams: each answered once, none kept waiting, and nobody kept. */
#include "dns-listener.h"

#include "network-fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define QUERY_SIZE                                                                                 \
    28 /* for "abc.test" and "abc.evil", with the length that a stream has in front */

typedef struct {
    OshFixture *fixture;
    int udp;
    int tcp;
    struct sockaddr_in udp_address;
    struct sockaddr_in tcp_address;
} Resolver;

static int
bind_socket(int type, struct sockaddr_in *ret_address)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof *ret_address;

    *ret_address = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, OSH_FIXTURE_ADDRESS, &ret_address->sin_addr);
    g_assert_cmpint(bind(fd, (struct sockaddr *)(void *)ret_address, length), ==, 0);
    getsockname(fd, (struct sockaddr *)(void *)ret_address, &length);
    return fd;
}

static void
resolver_begin(Resolver *resolver)
{
    OshNetwork *network;

    resolver->fixture = osh_fixture_new();
    network = &resolver->fixture->network;
    resolver->udp = bind_socket(SOCK_DGRAM, &resolver->udp_address);
    resolver->tcp = bind_socket(SOCK_STREAM, &resolver->tcp_address);
    g_assert_cmpint(listen(resolver->tcp, 128), ==, 0);
    network->dns = osh_dns_listener_new(network);
    osh_dns_listener_add(network->dns, resolver->udp, FALSE);
    osh_dns_listener_add(network->dns, resolver->tcp, TRUE);
    osh_fixture_start(resolver->fixture);
}

static void
resolver_end(Resolver *resolver)
{
    osh_fixture_stop(resolver->fixture);
    g_assert_cmpuint(osh_fake_shard_n_watches(resolver->fixture->shard), ==, 0);
    osh_dns_listener_free(g_steal_pointer(&resolver->fixture->network.dns));
    osh_fixture_free(resolver->fixture);
}

static int
client_of(const struct sockaddr_in *address, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    g_assert_cmpint(connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address),
                    ==, 0);
    return fd;
}

/* A datagram begins at byte 2. */
static void
make_query(guint8 *query, guint8 id, const char *top)
{
    static const guint8 frame[QUERY_SIZE] = {
        [1] = QUERY_SIZE - 2, [4] = 1, [7] = 1, [14] = 3, 'a', 'b', 'c', 4, [25] = 1, [27] = 1,
    };

    memcpy(query, frame, sizeof frame);
    query[3] = id;
    memcpy(query + 19, top, 4);
}

static gssize
receive(OshFixture *fixture, int fd, guint8 *reply, gsize size)
{
    gssize n = -1;
    gint64 limit = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;

    while ((n = recv(fd, reply, size, MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
        osh_fixture_turn(fixture, 5);
    }
    return n;
}

/* The answer to query @id on a stream, and that it is an address. */
static void
expect_stream_reply(OshFixture *fixture, int fd, guint8 id)
{
    guint8 reply[512];
    gsize have = 0, wanted = 2;

    while (have < wanted) {
        gssize n = receive(fixture, fd, reply + have, wanted - have);

        g_assert_cmpint(n, >, 0);
        have += (gsize)n;
        if (have == 2)
            wanted = 2 + ((gsize)reply[0] << 8 | reply[1]);
    }
    g_assert_cmpuint(reply[3], ==, id);
    g_assert_cmpuint(reply[5] & 15, ==, 0);
    g_assert_cmpuint(reply[9], ==, 1);
}

static void
test_each_datagram_is_answered(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    guint8 reply[512];
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.udp_address, SOCK_DGRAM);
    /* More than one wake-up takes. */
    for (guint8 i = 0; i < 100; i++) {
        make_query(query, i, "test");
        send(client, query + 2, QUERY_SIZE - 2, 0);
    }
    for (guint8 i = 0; i < 100; i++) {
        g_assert_cmpint(receive(resolver.fixture, client, reply, sizeof reply), >, QUERY_SIZE - 2);
        g_assert_cmpuint(reply[1], ==, i);
        g_assert_cmpuint(reply[3] & 15, ==, 0);
    }
    close(client);
    resolver_end(&resolver);
}

static void
test_what_is_no_query_disturbs_nobody(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    guint8 reply[600] = {0};
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.udp_address, SOCK_DGRAM);
    send(client, "", 0, 0);
    send(client, "short", 5, 0);
    make_query(query, 1, "test");
    query[4] |= 0x80; /* an answer is never answered */
    send(client, query + 2, QUERY_SIZE - 2, 0);
    memset(reply, 0, sizeof reply);
    reply[1] = 2;
    send(client, reply, sizeof reply, 0); /* longer than a message: malformed */
    make_query(query, 3, "test");
    send(client, query + 2, QUERY_SIZE - 2, 0);
    g_assert_cmpint(receive(resolver.fixture, client, reply, sizeof reply), ==, 12);
    g_assert_cmpuint(reply[1], ==, 2);
    g_assert_cmpuint(reply[3] & 15, ==, 1);
    g_assert_cmpint(receive(resolver.fixture, client, reply, sizeof reply), >, QUERY_SIZE - 2);
    g_assert_cmpuint(reply[1], ==, 3);
    close(client);
    resolver_end(&resolver);
}

static void
test_a_refused_name_is_told_and_recorded(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    guint8 reply[512];
    g_autofree char *layer = NULL;
    g_autofree char *host = NULL;
    const OshFixtureEvent *event;
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.udp_address, SOCK_DGRAM);
    for (guint8 i = 0; i < 2; i++) {
        resolver.fixture->policy.recording = i == 1;
        make_query(query, i, "evil");
        send(client, query + 2, QUERY_SIZE - 2, 0);
        receive(resolver.fixture, client, reply, sizeof reply);
        g_assert_cmpuint(reply[3] & 15, ==, 3);
        g_assert_cmpuint(reply[7], ==, 0);
    }
    event = osh_fixture_last(resolver.fixture, OSH_FIXTURE_DENIED);
    layer = osh_fixture_text(event, 1);
    host = osh_fixture_text(event, 2);
    g_assert_cmpstr(layer, ==, "dns");
    g_assert_cmpstr(host, ==, "abc.evil");
    g_assert_cmpstr(event->collapse_key, ==, "dns|abc.evil");
    g_assert_cmpuint(osh_fixture_count(resolver.fixture, OSH_FIXTURE_DENIED), ==, 2);
    g_assert_cmpuint(resolver.fixture->decisions->len, ==, 1);
    g_assert_cmpstr(resolver.fixture->decisions->pdata[0], ==, "3 dns");
    close(client);
    resolver_end(&resolver);
}

static void
test_queries_of_one_segment_are_all_answered(void)
{
    Resolver resolver;
    guint8 queries[3][QUERY_SIZE];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    for (guint8 i = 0; i < 3; i++) {
        make_query(queries[i], i, "test");
        g_byte_array_append(bytes, queries[i], QUERY_SIZE);
    }
    send(client, bytes->data, bytes->len, 0);
    for (guint8 i = 0; i < 3; i++)
        expect_stream_reply(resolver.fixture, client, i);
    /* The same connection, later. */
    send(client, queries[1], QUERY_SIZE, 0);
    expect_stream_reply(resolver.fixture, client, 1);
    close(client);
    resolver_end(&resolver);
}

static void
test_a_query_in_pieces_is_answered_when_whole(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    guint8 byte;
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    make_query(query, 9, "test");
    for (guint i = 0; i < QUERY_SIZE; i++) {
        g_assert_cmpint(recv(client, &byte, 1, MSG_DONTWAIT), ==, -1);
        send(client, query + i, 1, 0);
        osh_fixture_settle(resolver.fixture);
    }
    expect_stream_reply(resolver.fixture, client, 9);
    close(client);
    resolver_end(&resolver);
}

static void
expect_closed(OshFixture *fixture, int client)
{
    guint8 byte;
    gssize n = receive(fixture, client, &byte, 1);

    g_assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    close(client);
}

static void
test_what_cannot_be_a_query_ends_a_stream(void)
{
    Resolver resolver;
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    send(client, "\x02\x01", 2, 0); /* 513 bytes to come */
    expect_closed(resolver.fixture, client);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    send(client, "\x00\x00", 2, 0);
    expect_closed(resolver.fixture, client);
    resolver_end(&resolver);
}

static void
test_a_stream_has_ten_seconds_for_each_query(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    guint8 byte;
    int client;

    resolver_begin(&resolver);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    make_query(query, 1, "test");
    for (guint i = 0; i < 3; i++) {
        osh_fixture_settle(resolver.fixture);
        osh_fixture_advance(resolver.fixture, 9 * G_TIME_SPAN_SECOND);
        send(client, query, QUERY_SIZE, 0);
        expect_stream_reply(resolver.fixture, client, 1);
    }
    osh_fixture_advance(resolver.fixture, 9 * G_TIME_SPAN_SECOND);
    send(client, query, 1, 0); /* a byte is no query */
    osh_fixture_settle(resolver.fixture);
    g_assert_cmpint(recv(client, &byte, 1, MSG_DONTWAIT), ==, -1);
    osh_fixture_advance(resolver.fixture, 3 * G_TIME_SPAN_SECOND / 2);
    expect_closed(resolver.fixture, client);
    resolver_end(&resolver);
}

static void
test_streams_are_bounded_and_their_count_falls(void)
{
    Resolver resolver;
    guint8 query[QUERY_SIZE];
    int clients[64];
    int client;

    resolver_begin(&resolver);
    make_query(query, 1, "test");
    for (guint i = 0; i < 64; i++) {
        clients[i] = client_of(&resolver.tcp_address, SOCK_STREAM);
        osh_fixture_settle(resolver.fixture);
    }
    expect_closed(resolver.fixture, client_of(&resolver.tcp_address, SOCK_STREAM));
    close(clients[7]);
    osh_fixture_settle(resolver.fixture);
    clients[7] = client_of(&resolver.tcp_address, SOCK_STREAM);
    for (guint i = 0; i < 64; i++) {
        send(clients[i], query, QUERY_SIZE, 0);
        expect_stream_reply(resolver.fixture, clients[i], 1);
    }
    /* The end of the shard closes them all. */
    osh_fixture_stop(resolver.fixture);
    for (guint i = 0; i < 64; i++)
        expect_closed(resolver.fixture, clients[i]);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    close(client);
    resolver_end(&resolver);
}

/* Turns that find something to do, of those that would wait. */
static guint
count_busy_turns(Resolver *resolver, guint turns)
{
    guint busy = 0;

    for (guint i = 0; i < turns; i++)
        busy += osh_fake_shard_turn(resolver->fixture->shard, 1) > 0;
    return busy;
}

static void
test_without_descriptors_the_shard_does_not_spin(void)
{
    Resolver resolver;
    struct rlimit before, none;
    guint8 query[QUERY_SIZE];
    int client;

    resolver_begin(&resolver);
    osh_fixture_settle(resolver.fixture);
    client = client_of(&resolver.tcp_address, SOCK_STREAM);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){3, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    g_assert_cmpuint(count_busy_turns(&resolver, 50), <, 10);
    setrlimit(RLIMIT_NOFILE, &before);
    make_query(query, 5, "test");
    send(client, query, QUERY_SIZE, 0);
    expect_stream_reply(resolver.fixture, client, 5);
    close(client);
    resolver_end(&resolver);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/dns-listener/each-datagram-is-answered",
                    test_each_datagram_is_answered);
    g_test_add_func("/network/dns-listener/what-is-no-query-disturbs-nobody",
                    test_what_is_no_query_disturbs_nobody);
    g_test_add_func("/network/dns-listener/a-refused-name-is-told-and-recorded",
                    test_a_refused_name_is_told_and_recorded);
    g_test_add_func("/network/dns-listener/queries-of-one-segment-are-all-answered",
                    test_queries_of_one_segment_are_all_answered);
    g_test_add_func("/network/dns-listener/a-query-in-pieces-is-answered-when-whole",
                    test_a_query_in_pieces_is_answered_when_whole);
    g_test_add_func("/network/dns-listener/what-cannot-be-a-query-ends-a-stream",
                    test_what_cannot_be_a_query_ends_a_stream);
    g_test_add_func("/network/dns-listener/a-stream-has-ten-seconds-for-each-query",
                    test_a_stream_has_ten_seconds_for_each_query);
    g_test_add_func("/network/dns-listener/streams-are-bounded-and-their-count-falls",
                    test_streams_are_bounded_and_their_count_falls);
    g_test_add_func("/network/dns-listener/without-descriptors-the-shard-does-not-spin",
                    test_without_descriptors_the_shard_does_not_spin);
    return g_test_run();
}
