/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one connection may take of its shard. Two sockets are made endless here: one always has
 * bytes, the other takes all of them, as two programs could on a machine with more processors.
 */
#include "network-fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any turn should take; an endless socket has an end then, so that a test has one. */
#define FAR_TOO_MUCH (64 * 1024 * 1024)
#define ENOUGH       (8 * 1024 * 1024)

static int source = -1;
static int sink = -1;
static gsize taken;

static ssize_t
take(gsize length)
{
    taken += length;
    return taken < FAR_TOO_MUCH ? (ssize_t)length : 0;
}

ssize_t
recv(int fd, void *bytes, size_t length, int flags)
{
    if (fd != source || (flags & MSG_PEEK) != 0)
        return syscall(SYS_recvfrom, fd, bytes, length, flags, NULL, NULL);
    memset(bytes, 'x', length);
    return take(length);
}

ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
    if (fd != sink)
        return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
    return (ssize_t)length;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t length = 0;

    if (fd != sink)
        return syscall(SYS_sendmsg, fd, message, flags);
    for (gsize i = 0; i < message->msg_iovlen; i++)
        length += (ssize_t)message->msg_iov[i].iov_len;
    return length;
}

ssize_t
splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length,
       unsigned int flags)
{
    (void)from_offset;
    (void)to_offset;
    (void)flags;
    if (from == source)
        return take(length);
    g_assert_cmpint(to, ==, sink);
    return (ssize_t)length;
}

static void
endless(const OshConnection *connection)
{
    source = connection->client_fd;
    sink = connection->upstream_fd;
    taken = 0;
}

static void
bounded(void)
{
    source = sink = -1;
}

/* Two turns of the shard: each takes a part, and there is another one. */
static void
assert_turns(OshFixture *fixture)
{
    gsize after_one;

    osh_fixture_turn(fixture, 0);
    g_assert_cmpuint(taken, >, 0);
    g_assert_cmpuint(taken, <, ENOUGH);
    after_one = taken;
    osh_fixture_turn(fixture, 0);
    g_assert_cmpuint(taken, >, after_one);
    g_assert_cmpuint(taken, <, 2 * ENOUGH);
}

static void
test_a_tunnel_takes_turns(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    osh_fixture_settle(fixture);
    osh_fixture_send(client, "x"); /* so that there is an event */
    endless(osh_fixture_first(fixture, OSH_STEP_TUNNEL));
    assert_turns(fixture);
    bounded();
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_request_body_takes_turns(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *head = NULL;
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    osh_fixture_start(fixture);
    client = osh_fixture_client(fixture);
    head = g_strdup_printf("POST http://" OSH_FIXTURE_OTHER ":%u/ HTTP/1.0\r\n"
                           "Content-Length: 99999999999\r\n\r\n",
                           port);
    osh_fixture_send(client, head);
    upstream = osh_fixture_accept(fixture, server);
    osh_fixture_settle(fixture);
    osh_fixture_send(client, "x");
    endless(osh_fixture_first(fixture, OSH_STEP_FORWARD));
    assert_turns(fixture);
    bounded();
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_refused_client_that_goes_on_takes_turns(void)
{
    OshFixture *fixture = osh_fixture_new();
    int client;

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_LINGER) != NULL);
    osh_fixture_send(client, "x");
    endless(osh_fixture_first(fixture, OSH_STEP_LINGER));
    osh_fixture_turn(fixture, 0);
    g_assert_cmpuint(taken, >, 0);
    g_assert_cmpuint(taken, <, ENOUGH);
    /* It goes on as long as there is something, and not beyond its time. */
    for (guint i = 0; i < 3; i++)
        osh_fixture_turn(fixture, 0);
    bounded();
    osh_fixture_advance(fixture, 3 * G_TIME_SPAN_SECOND);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    close(client);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/fairness/a-tunnel-takes-turns", test_a_tunnel_takes_turns);
    g_test_add_func("/network/fairness/a-request-body-takes-turns",
                    test_a_request_body_takes_turns);
    g_test_add_func("/network/fairness/a-refused-client-that-goes-on-takes-turns",
                    test_a_refused_client_that_goes_on_takes_turns);
    return g_test_run();
}
